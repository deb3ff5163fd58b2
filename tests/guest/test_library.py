# SPDX-License-Identifier: MIT
"""The user library: programs that check what it promises, on one CPU and on four."""

import pytest

from machine import Session, run_line

PROGRAMS = ("libcheck", "threadcheck", "filecheck", "pollcheck")


@pytest.mark.parametrize("cpus", ("1", "4"))
@pytest.mark.parametrize("program", PROGRAMS)
def test_library(program, cpus):
    result = run_line(program, bound=120, CPUS=cpus)
    assert result.status == 0, result.output
    assert result.output.rstrip().endswith(", 0 failed")


def test_poll_on_the_console():
    """poll() sleeps until a whole line is there, each time anew."""
    with Session() as shell:
        shell.type("pollcheck keys\r")
        assert "before: 0" in shell.expect("ready\r*\n")
        for number, line in enumerate(("one", "two words", "three")):
            shell.type(line)
            shell.type("\r")
            shell.expect(rf"poll 1, events 1, line '{line}'")
            if number < 2:
                shell.expect("ready\r*\n")
        shell.expect_prompt()


def test_manual(shell):
    """Pages of calls, of system calls, and by a name that another page has."""
    page = shell.run("man open").output
    assert "SYNOPSIS" in page and "int open(const char *path, int flags, ...);" in page
    assert "DIFFERENCES FROM POSIX" in shell.run("man close | cat").output
    assert "long handle_dup(int handle" in shell.run("man handle_dup").output
    assert shell.run("man nothinglikethis").status == 1
    names = shell.run("man | cat").output
    assert "quartet_spawn" in names and "process_clone: system call" in names
