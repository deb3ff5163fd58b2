# SPDX-License-Identifier: MIT
"""Every program in user/demos checks what it claims: it must exit with 0, with no failed claim."""

import glob
import os
import re

import pytest

from machine import ROOT, run_line

DEMOS = sorted(
    os.path.basename(path)[:-2] for path in glob.glob(os.path.join(ROOT, "user/demos/*.c"))
)
MACHINE = {"banks": {"MEM": "2G"}}


@pytest.mark.parametrize("demo", DEMOS)
def test_demo(demo):
    result = run_line(demo, bound=240, **MACHINE.get(demo, {}))
    assert result.status == 0, result.output
    assert "FAIL" not in result.output
    if demo == "plans":
        assert result.output.splitlines()[-1] == "256 passed, 0 failed"


@pytest.mark.parametrize("memory", ["6G", "8G"])
def test_banks_beyond_4_gib(memory):
    """More data than 32-bit pointers reach at once, in frames above 4 GiB."""
    result = run_line("banks; s=$?; free; exit $s", MEM=memory, bound=400)
    assert result.status == 0, result.output
