# SPDX-License-Identifier: MIT
"""Messages on the running system: user/bin/ipccheck.c checks all that they promise."""

import re

import pytest

from machine import run_line

ICOUNT = ["-icount", "shift=0,align=off,sleep=off"]
GROUPS = 20


def assert_all_passed(result):
    assert result.status == 0, result.output
    assert "FAIL" not in result.output and "panic" not in result.output, result.output
    assert re.search(rf"^{GROUPS} passed, 0 failed$", result.output, re.MULTILINE), result.output


@pytest.mark.parametrize("cpus", (1, 4))
def test_messages(cpus):
    assert_all_passed(run_line("ipccheck", bound=150, CPUS=str(cpus)))


def test_messages_in_exact_time():
    """One tick of the time-stamp counter for each instruction: what a high caller waits for, and
    the ends of time-outs, have bounds (-x)."""
    result = run_line("ipccheck -x", *ICOUNT, bound=150)
    assert_all_passed(result)
    assert re.search(r"a high caller has waited for \d+ instructions", result.output)
