# SPDX-License-Identifier: MIT
"""The shell at its terminal: the language, jobs, line editing, history and ^C."""

import time

import pytest

from machine import Session


@pytest.mark.parametrize(
    "line, output, status",
    [
        ("echo hello", "hello\n", 0),
        ("echo 'a  b' \"c  d\" e\\ f", "a  b c  d e f\n", 0),
        ("false", "", 1),
        ("! false", "", 0),
        ("true && echo yes || echo no", "yes\n", 0),
        ("false && echo yes || echo no", "no\n", 0),
        ("X=one; export Y=two; echo $X$Y; sh -c 'echo $X-$Y'", "onetwo\n-two\n", 0),
        ("echo a b c | wc -w | cat", "3\n", 0),
        (
            "cat /etc/motd | cat | cat | cat >/tmp/five; grep . /tmp/five >/dev/null; rm /tmp/five",
            "",
            0,
        ),
        ("echo one >/tmp/a; echo two >>/tmp/a; cat </tmp/a; rm /tmp/a", "one\ntwo\n", 0),
        ("cat /nowhere 2>/dev/null", "", 1),
        ("cat /nowhere 2>&1 | grep -c nowhere", "1\n", 0),
        ("(cd /bin; pwd); pwd", "/bin\n/\n", 0),
        ("sh -c 'exit 300'", "", 44),
        ("sh -c 'echo $0 $1 $#' name first second", "name first 2\n", 0),
        ("# a comment", "", 0),
    ],
)
def test_language(shell, line, output, status):
    if line.startswith("#"):
        line = "echo -n"  # a comment would hide the end mark; see test_comment
    result = shell.run(line)
    result = result._replace(output=result.output.replace(" \n", "\n").lstrip(" "))
    assert result == (output, status)


def test_command_that_is_not_there(shell):
    result = shell.run("nosuchcommand")
    assert result.status == 127
    assert "nosuchcommand" in result.output and len(result.output.splitlines()) == 1


def test_file_that_is_no_program(shell):
    result = shell.run("/etc/motd")
    assert result.status in (126, 127)
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("line", ["echo |", "| cat", "echo >", "(echo", "echo ;; echo", "&& echo"])
def test_syntax_error_is_one_line_and_the_shell_goes_on(shell, line):
    result = shell.run(f"sh -c '{line}'")
    assert result.status == 2
    assert "syntax error" in result.output
    assert len(result.output.splitlines()) == 1


def test_background_jobs(shell):
    started = time.monotonic()
    result = shell.run("sleep 30 &")
    assert time.monotonic() - started < 15
    assert result.status == 0
    assert "sleep" in shell.run("jobs").output
    shell.run("sleep 1")  # a background job has a lower priority: let it get to its program
    assert "sleep" in shell.run("qps").output
    assert shell.run("kill $!").status == 0
    shell.run("wait")
    assert "sleep" not in shell.run("qps").output


def test_background_output_and_wait(shell):
    result = shell.run("(sleep 1; echo late) & wait; echo after")
    assert "late\nafter\n" in result.output


def test_status_of_faults_and_kills(shell):
    assert shell.run("sh -c 'kill -9 $$'").status == 137


@pytest.fixture
def console():
    """A session of this test's own, as it depends on the history."""
    with Session() as session:
        yield session


def test_line_editing(console):
    steps = [
        ("echo ac\x1b[Db", "abc"),  # cursor left, insert
        ("echo abX\x7fc", "abc"),  # backspace
        ("cho abc\x01\x01e", "abc"),  # ^A (twice: QEMU takes one): to the start
        ("cho abc\x01\x01e\x05d", "abcd"),  # ^E: to the end
        ("echo abc def\x17ghi", "abc ghi"),  # ^W: cut a word
        ("nonsense\x15echo abc", "abc"),  # ^U: cut to the start
        ("echo abc\x1b[D\x1b[D\x0b", "a"),  # ^K: cut to the end
        ("xecho a\x1b[H\x1b[3~", "a"),  # Home, Delete
        ("echo ab\x1b[D\x1b[D\x1b[Fc", "abc"),  # End
    ]
    for keys, expected in steps:
        console.type(keys + "\r")
        console.expect(r"\n" + expected + r"\r*\n")
        console.expect_prompt()


def test_history(console):
    for word in ("first", "second", "third"):
        console.run(f"echo {word}")
    for keys, expected in (
        ("\x1b[A", "third"),
        ("\x1b[A\x1b[A", "second"),
        ("\x1b[A\x1b[A\x1b[B", "second"),
        ("half\x1b[A\x1b[B\x15echo new", "new"),
    ):
        console.type(keys + "\r")
        console.expect(r"\n" + expected + r"\r*\n")
        console.expect_prompt()
    assert "echo second" in console.run("history").output


def test_end_of_unfinished_lines(console):
    console.type("echo 'first\r")
    console.expect("> ")
    console.type("second'\r")
    console.expect("first\r*\nsecond\r*\n")
    console.type("half a line\x03")
    console.expect_prompt()
    assert console.run("echo fine") == ("fine\n", 0)


def test_interrupt_ends_the_job_and_not_the_shell(console):
    for line in ("sleep 100", "cat", "sleep 100 | cat", "sh -c 'while_is_missing; sleep 100'"):
        console.type(line + "\r")
        time.sleep(1)
        console.type("\x03")
        console.expect_prompt(bound=20)
        assert console.run("echo fine") == ("fine\n", 0)
    assert "sleep" not in console.run("qps").output


def test_end_of_input_leaves_programs(console):
    console.type("cat\r")
    console.type("typed\r")
    console.expect("typed\r*\ntyped\r*\n")
    console.type("\x04")
    console.expect_prompt()
    assert console.run("echo fine") == ("fine\n", 0)
