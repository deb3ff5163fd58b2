# SPDX-License-Identifier: MIT
"""Bad input and greed: each gets an error or an end of its own, and the shell still answers."""

import re
import time

import pytest

from machine import Session, run_line


def test_badcalls():
    """Every system call with everything that it must refuse."""
    result = run_line("badcalls")
    assert result.status == 0, result.output
    assert re.search(r"\d{3} passed, 0 failed$", result.output.rstrip())


FAULTS = {
    "null": "read at 0x00000000 slot 0",
    "text": "write at 0x004",
    "constant": "write at 0x004",
    "execute": "execute at 0x4",
    "nowhere": "write at 0x80123000 slot 2",
    "stack": "slot 3",
    "kernel": "read beyond all slots",
    "kernel-write": "write beyond all slots",
    "kernel-execute": "execute beyond all slots",
    "divide": "divide",
    "opcode": "opcode",
    "privileged": "protection",
    "port": "protection",
}


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_is_one_line_and_status_139(shell, kind):
    result = shell.run(f"crash {kind}")
    assert result.status == 139
    lines = [
        line for line in result.output.splitlines() if not line.startswith("sh: ")
    ]  # which says so too
    assert len(lines) == 1, result.output
    assert re.match(r"fault: crash \(pid \d+\) ", lines[0])
    assert FAULTS[kind] in lines[0]
    assert re.search(r"\((eip|rip|instruction)\S* 0x[0-9a-f]+\)$", lines[0])


def test_data_cannot_be_executed_unless_the_processor_cannot_tell():
    assert run_line("crash execute", CPU="max,-nx").status == 1
    assert run_line("crash execute", CPU="max").status == 139


@pytest.mark.parametrize("resource", ["processes", "threads", "quarters", "handles", "frames"])
def test_greed_ends_in_an_error_and_all_comes_back(shell, resource):
    before = free_memory(shell)
    result = shell.run(f"hog {resource}")
    assert result.status == 0, result.output
    assert free_memory(shell) >= before - 256, "memory was lost"


def free_memory(shell):
    """Free KiB. What ended is torn down in the background: give it a moment."""
    shell.run("true; sleep 0.3")
    return int(re.search(r"KiB +\d+ +\d+ +(\d+)", shell.run("free").output).group(1))


def test_budget_is_the_commands_own(shell):
    result = shell.run("limit frames=4M hog frames")
    assert result.status == 0
    assert int(re.search(r"hog: (\d+) frames", result.output).group(1)) <= 1024
    assert "limit" in shell.run("limit processes=5 hog processes").output
    assert shell.run("limit frames=nonsense true").status == 2


@pytest.fixture
def console():
    with Session() as session:
        yield session


def test_fork_bomb_in_the_foreground(console):
    console.type("hog bomb\r")
    time.sleep(3)
    console.type("\x03")
    console.expect_prompt()
    assert console.run("echo alive") == ("alive\n", 0)
    assert int(console.run("qps | wc -l").output) < 12


def test_fork_bomb_in_the_background(console):
    console.run("hog bomb &")
    time.sleep(3)
    assert console.run("echo alive").output == "alive\n"
    assert int(console.run("qps | wc -l").output) > 20
    console.run("kill $!")


def test_memory_hog_in_the_background(console):
    console.run("hog frames &")
    time.sleep(1)
    assert console.run("echo alive | cat").output.endswith("alive\n")


def test_full_file_layer(console):
    """Files in memory have a bound too: writing more fails, and the rest works."""
    console.run("cat /bin/* >/tmp/a")
    for _ in range(9):
        result = console.run("cat /tmp/a /tmp/a >/tmp/b && mv /tmp/b /tmp/a")
        if result.status != 0:
            break
    assert result.status != 0, "512 times all programs fit into 256 MiB"
    assert console.run("rm /tmp/a; rm /tmp/b; echo fine >/tmp/c; cat /tmp/c").output.endswith(
        "fine\n"
    )


def test_panic_has_a_backtrace_and_the_locks():
    result = run_line("true", APPEND="panic-test")
    assert result.status == 99
    assert "panic: the command line asks for a panic" in result.output
    assert "holds lock panic test" in result.output
    assert re.search(r"0x[0-9a-f]+ kernel_main\+0x", result.output)
