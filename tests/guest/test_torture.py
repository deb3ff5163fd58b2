# SPDX-License-Identifier: MIT
"""What hostile programs try (user/bin/torture.c): each attack ends as it must, nothing is lost, and
the shell answers."""

import re
import time

import pytest

from machine import ARCH, Session, run_line

HEAVY = "bomb handles threads kills model chain servers pipes"  # what a small machine makes harder


def assert_passed(result):
    assert result.status == 0, result.output
    assert re.search(r"^\d+ passed, 0 failed$", result.output, re.MULTILINE), result.output
    assert "panic" not in result.output


def test_all_attacks():
    assert_passed(run_line("torture", bound=120))


def test_heavy_attacks_in_32_mib():
    assert_passed(run_line(f"torture {HEAVY}", bound=90, MEM="32M"))


@pytest.mark.skipif(ARCH != "pae", reason="long has one system-call entry only")
def test_entries_without_sysenter():
    assert_passed(run_line("torture fpu addresses stale", CPU="pentium2,-sep"))


def test_shell_answers_during_attacks():
    with Session(MEM="64M") as shell:
        for job in ("hog bomb", "hog frames", "torture model", "torture budgets"):
            assert shell.run(f"{job} &").status == 0
        time.sleep(2)
        assert shell.run("echo alive | cat").output.endswith("alive\n")


def test_interrupt_at_any_moment():
    with Session(MEM="64M") as shell:
        for line in (
            "torture kills\r",
            "torture calls\r",
            "sleep 9 | cat | cat\r",
            "echo 'half\r",
            "half a line",
        ):
            for delay in (0.02, 0.2):
                shell.type(line)
                time.sleep(delay)
                shell.type("\x03")
                shell.expect_prompt(bound=20)
        shell.type("\x03")
        shell.expect_prompt()
        assert shell.run("echo fine") == ("fine\n", 0)
