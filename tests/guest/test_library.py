# SPDX-License-Identifier: MIT
"""The user library: programs that check what it promises, on one CPU and on four."""

import pytest

from machine import run_line

PROGRAMS = ("libcheck", "threadcheck", "filecheck")


@pytest.mark.parametrize("cpus", ("1", "4"))
@pytest.mark.parametrize("program", PROGRAMS)
def test_library(program, cpus):
    result = run_line(program, bound=120, CPUS=cpus)
    assert result.status == 0, result.output
    assert result.output.rstrip().endswith(", 0 failed")
