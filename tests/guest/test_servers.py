# SPDX-License-Identifier: MIT
"""Servers die while clients work: clients get an error or go on, nobody hangs, init starts them
again, and gives up one that never stays."""

import re
import time

import pytest

from machine import Session, run_line

SERVERS = ["names", "console", "files", "loader"]
WHO_MAY_SEE_ERRORS = {
    "files": 4  # the call under way when it was killed, and its open file: for each kill
}


def services(shell):
    """{name: (pid, restarts, state)}"""
    result = shell.run("services")
    assert result.status == 0
    rows = [line.split(None, 3) for line in result.output.splitlines()[1:]]
    return {row[0]: (row[1], int(row[2]), row[3].strip()) for row in rows}


@pytest.fixture(params=[1, 4], ids=["1cpu", "4cpus"], scope="module")
def guest(request):
    with Session(CPUS=str(request.param)) as session:
        yield session


@pytest.mark.parametrize("name", SERVERS)
def test_killed_while_a_client_works(guest, name):
    pid, restarts, state = services(guest)[name]
    assert state == "running"
    guest.run(f"pester {name} 3 >/tmp/pester &" if name != "files" else f"pester {name} 3 &")
    guest.run("sleep 1")
    guest.type(f"kill {pid}\r")
    guest.expect(rf"init: {name} \(pid {pid}\) was killed")
    guest.expect(rf"init: {name} is started again \(pid \d+\)")
    guest.type("wait\r")
    if name != "files":
        guest.type("cat /tmp/pester\r")
    guest.expect(rf"{name}: (\d+) answers, (\d+) errors")
    answers, errors = map(int, guest.process.match.groups())
    assert answers > 5
    assert errors <= WHO_MAY_SEE_ERRORS.get(name, 0)
    guest.expect_prompt()
    after = services(guest)[name]
    assert after[0] != pid and after[1:] == (restarts + 1, "running")
    assert guest.run("ls /; echo fine | cat").output.endswith("fine\n")


def test_a_half_typed_line_survives_the_console(guest):
    pid, _, _ = services(guest)["console"]
    guest.run(f"(sleep 1; kill {pid}) &")
    guest.type("echo al")
    guest.expect(r"init: console is started again \(pid \d+\)")
    time.sleep(0.5)  # what is typed before it has the shell's mode goes another way
    guest.type("iv\x1b[D\x1b[Cx\x7fe\r")
    assert "^[" not in guest.expect(r"\nalive\r*\n")  # no line discipline but the shell's
    guest.expect_prompt()
    guest.run("wait")


def test_a_program_that_reads_goes_on_after_the_console(guest):
    pid, _, _ = services(guest)["console"]
    guest.run(f"(sleep 1; kill {pid}) &")
    guest.type("cat\r")
    guest.expect(r"init: console is started again \(pid \d+\)")
    guest.type("typed\r")
    guest.expect(r"typed\r*\ntyped\r*\n")
    guest.type("\x04")
    guest.expect_prompt()
    guest.run("wait")


def test_an_interrupt_reaches_the_job_that_runs_since_before_the_console(guest):
    """The shell named it to the console server that has ended; the next one knows of it."""
    pid, _, _ = services(guest)["console"]
    guest.type(f"sh -c 'kill {pid}; sleep 1000'\r")
    guest.expect(r"init: console is started again \(pid \d+\)")
    time.sleep(0.5)  # for the new one to have the serial line
    guest.type("\x03")
    guest.expect_prompt()
    assert guest.run("echo fine") == ("fine\n", 0)
    assert "sleep" not in guest.run("qps").output


def test_open_files_of_a_dead_server_are_errors_and_no_other_files(guest):
    pid, _, _ = services(guest)["files"]
    others = "sleep 3 </etc/readme & " * 4  # whose sessions might be taken for the old one
    result = guest.run(f"(kill {pid}; sleep 1; {others} sleep 1; cat; echo fine) </etc/motd")
    assert "I/O error" in result.output and result.output.endswith("fine\n")
    assert len(result.output.splitlines()) < 8  # neither file


def test_what_was_written_goes_with_the_file_server(guest):
    pid, _, _ = services(guest)["files"]
    guest.run("echo kept >/tmp/kept")
    guest.run(f"kill {pid}; sleep 1")
    assert "kept" not in guest.run("ls /tmp").output


def test_a_server_that_ends_again_and_again_is_given_up():
    result = run_line("pester -k names 20; services; echo $?; ls /; echo still here")
    assert result.output.count("init: names is started again") == 5
    assert result.output.count("given up") == 1
    assert "names: I/O error" in result.output
    assert result.output.endswith("still here\n") and result.status == 0


@pytest.mark.parametrize("name", ["console", "files"])
def test_the_machine_goes_off_without_an_essential_server(name):
    result = run_line(f"pester -k {name} 20; sleep 20; echo not reached")
    assert f"init: {name}: given up" in result.output
    assert "not reached" not in result.output
    assert result.status == 1


def test_look_up_and_registration():
    result = run_line("libcheck | tail -n 1; services | grep -c running", CPUS="4")
    assert result.output.endswith(f" 0 failed\n{len(SERVERS)}\n")


def test_processes_of_a_program_share_its_text():
    result = run_line("sleep 5 & sleep 5 & sleep 1; qps")
    quarters = re.findall(r"^\s*\d+ sleep\s+(\d+r)", result.output, re.M)
    assert len(quarters) == 2 and quarters[0] == quarters[1]


@pytest.mark.parametrize(
    "line, output",
    [
        ("cp /bin/true /tmp/p; /tmp/p two; cp /bin/echo /tmp/p; /tmp/p three", "one\nthree\n"),
        ("cp /bin/false /tmp/q; mv /tmp/q /tmp/p; /tmp/p two; echo $?", "one\n1\n"),
    ],
)
def test_a_changed_program_is_read_anew(line, output):
    assert run_line(f"cp /bin/echo /tmp/p; /tmp/p one; {line}") == (output, 0)


@pytest.mark.parametrize("memory", ["24M", "40M"])
def test_more_programs_than_the_loader_can_keep(memory):
    names = "banks cat chain cp env false free grep head ls mkdir mv ps qmap rm sh tail true wc"
    line = "; ".join(f"{name} -h >/dev/null 2>&1" for name in names.split())
    result = run_line(f"{line}; {line}; services | grep loader", MEM=memory)
    assert re.fullmatch(r"loader +\d+ +0  running\n", result.output)


def test_a_machine_with_little_memory_goes_without_the_loader():
    assert re.search(r"loader +- +0  left out", run_line("services", MEM="12M").output)


def test_programs_start_without_the_loader():
    line = "pester -k loader 20; ls /etc; services | grep loader; sh -c 'echo still here'"
    result = run_line(line)
    assert "init: loader: given up" in result.output
    assert "motd" in result.output
    assert re.search(r"loader\s+-\s+5\s+given up", result.output)
    assert result.output.endswith("still here\n") and result.status == 0


def test_what_is_no_program_harms_nobody():
    result = run_line(
        "services | grep loader; cp /etc/motd /tmp/x; /tmp/x; head -n 3 /bin/ls >/tmp/x; /tmp/x; "
        ": >/tmp/x; /tmp/x; /bin; services | grep loader"
    )
    lines = [line for line in result.output.splitlines() if line.startswith("loader")]
    assert len(lines) == 2 and lines[0] == lines[1]
