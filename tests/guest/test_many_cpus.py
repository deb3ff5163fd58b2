# SPDX-License-Identifier: MIT
"""Many CPUs: all of them come up, work spreads over them (user/bin/spread.c), ends on all of them,
and the words of the command line that concern them."""

import re
import time

import pytest

from machine import Session, run_line


@pytest.mark.parametrize("cpus", (1, 4))
def test_all_cpus_are_counted(cpus):
    with Session(CPUS=str(cpus)) as shell:
        plural = "s" if cpus > 1 else ""
        assert f"quartet: {cpus} CPU{plural}; a lock for each quarter" in shell.boot_text
        assert f"spread: {cpus} CPU{plural}\n" in shell.run("spread meet", bound=60).output


@pytest.mark.parametrize("cpus", (2, 4))
def test_work_spreads(cpus):
    result = run_line("spread", bound=90, CPUS=str(cpus))
    assert result.status == 0, result.output
    assert result.output.count("  ok  ") == 9, result.output


def test_shell_answers_beside_spinning_threads():
    with Session(CPUS="2") as shell:
        assert shell.run("spread fair >/tmp/fair &").status == 0
        for _ in range(10):
            assert shell.run("echo alive | cat", bound=20) == ("alive\n", 0)
        assert shell.run("wait; cat /tmp/fair").output.startswith("spread: 2 CPUs\nfair\n")


def test_killed_jobs_end_on_every_cpu():
    with Session(CPUS="4") as shell:
        before = shell.run("ps | wc -l").output
        for _ in range(4):
            shell.type("spread fair\r")
            shell.expect(r"4 CPUs\r*\nfair\r*\n")  # the job says so, and not the echo: it takes the ^C
            shell.type("\x03")
            shell.expect_prompt(bound=20)
        until = time.monotonic() + 20  # the prompt is back when the job has ended; init reaps its children
        while (now := shell.run("ps | wc -l").output) != before:
            assert time.monotonic() < until, f"{now} instead of {before}"


@pytest.mark.parametrize(
    "words, sentence",
    (
        ("lock=big", r"quartet: 2 CPUs; one lock for all quarters \(lock=big\)"),
        ("lock=quarter", "quartet: 2 CPUs; a lock for each quarter"),
        ("lock=small", "quartet: lock= takes quarter or big; ignored"),
        ("cow=eager", r"quartet: COPY copies every page at once \(cow=eager\)"),
        ("cow=all", "quartet: cow= takes lazy or eager; ignored"),
        ("hot=8", "quartet: hot= (takes 1 to 7|needs a processor with tags); ignored"),
    ),
)
def test_words_of_the_command_line(words, sentence):
    with Session(CPUS="2", APPEND=words) as shell:
        assert re.search(f"^{sentence}$", shell.boot_text, re.MULTILINE), shell.boot_text
        assert shell.run("spread meet kill").status == 0
