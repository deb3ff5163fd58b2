# SPDX-License-Identifier: MIT
"""tools/exec: a line's output and nothing else, its status, and a distinct end without one."""

import os
import subprocess
import time

import pytest

from machine import ARCH, BUILD, ROOT, run_line


def test_output_is_the_commands_alone():
    assert run_line("echo one; echo two") == ("one\ntwo\n", 0)


@pytest.mark.parametrize("status", [0, 1, 2, 100, 127, 128, 200, 255])
def test_status_is_the_lines(status):
    assert run_line(f"exit {status}") == ("", status)


def test_status_of_a_fault_and_of_a_kill():
    assert run_line("sh -c 'kill -9 $$'").status == 137


def test_hang_ends_with_its_own_message():
    result = run_line("echo before; sleep 1000", bound=6)
    assert result.status == 124
    assert result.output.startswith("before\n")
    assert "did not end within 6 seconds" in result.output


def make_exec(line, **variables):
    settings = [
        f"{name}={value}" for name, value in {"ARCH": ARCH, "BUILD": BUILD, **variables}.items()
    ]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    return subprocess.run(
        ["make", "-C", ROOT, "--no-print-directory", "-s", "exec", f"CMD={line}", *settings],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def processes_with(text):
    """The IDs of the processes with TEXT in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if text.encode() in file.read():
                    found.append(pid)
        except OSError:
            pass  # it has ended meanwhile
    return found


def test_a_guest_ends_with_the_make_that_started_it():
    line = f"sleep 1000; echo {os.getpid()}"
    encoded = line.encode().hex()  # as it stands on the emulator's command line
    make = subprocess.Popen(
        ["make", "-C", ROOT, "-s", "exec", f"CMD={line}", f"ARCH={ARCH}", f"BUILD={BUILD}"],
        env={name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    latest = time.monotonic() + 60
    while not processes_with(encoded) and time.monotonic() < latest:
        time.sleep(0.1)
    assert processes_with(encoded)
    make.terminate()
    make.wait()
    while processes_with(encoded) and time.monotonic() < latest:
        time.sleep(0.1)
    assert processes_with(encoded) == []


def test_make_exec_passes_quotes_and_dollars():
    ended = make_exec("""false; echo "$?" 'a  b' "it's" """)
    assert (ended.stdout, ended.returncode) == ("1 a  b it's\n", 0), ended.stderr


@pytest.mark.parametrize("status", [0, 7, 200])
def test_make_exec_ends_with_the_lines_status(status):
    ended = make_exec(f"echo out; exit {status}")
    assert (ended.stdout, ended.returncode) == ("out\n", status), ended.stderr


def test_a_line_too_long_for_the_command_line_is_refused():
    result = run_line("echo " + "x" * 2000)
    assert result.status == 126
    assert "too long" in result.output
