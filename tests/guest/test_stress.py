# SPDX-License-Identifier: MIT
"""The programs that hammer many CPUs, in a short form: stress, stale, snapshot, locks. Each checks
all that it does; for long runs call them by hand (`stress 600`)."""

import re

import pytest

from machine import run_line

CPUS = [1, 2, 4, 8]


@pytest.mark.parametrize("cpus", CPUS)
def test_hammers(cpus):
    line = "stress 4 && stale 4 && snapshot 2 && locks 100"
    result = run_line(line, bound=150, CPUS=str(cpus))
    assert result.status == 0, result.output
    assert "FAIL" not in result.output
    assert re.search(rf"^stress: \d+ workers on {cpus} CPUs", result.output, re.MULTILINE)
    for mode in ("unmap", "protect", "swap", "copy"):
        rounds = re.search(rf"^stale: {mode} +(\d+) rounds", result.output, re.MULTILINE)
        assert int(rounds.group(1)) > 0
    assert len(re.findall(r"^ok   ", result.output, re.MULTILINE)) == 5


def test_stress_with_one_lock_for_all_quarters():
    result = run_line("stress 3", bound=90, CPUS="2", APPEND="lock=big")
    assert result.status == 0, result.output
