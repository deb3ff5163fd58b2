# SPDX-License-Identifier: MIT
"""Devices by handle: user/bin/devices.c checks what they promise; and the console as a driver."""

import re
import time

import pytest

from machine import ARCH, Session, run_line

# With an IO-APIC, and where there is none, with the 8259s.
CONTROLLERS = {"io-apic": "max", "8259": "max,-apic"}


@pytest.mark.parametrize("cpus", (1, 4))
def test_interrupts_and_ports(cpus):
    result = run_line("devices", bound=90, CPUS=str(cpus), APPEND="devices")
    assert result.status == 0, result.output
    assert result.output.count("  ok  ") == 27, result.output


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_edges_and_levels(controller):
    line = "devices && devices level"
    result = run_line(line, bound=90, CPU=CONTROLLERS[controller], APPEND="devices")
    assert result.status == 0, result.output
    assert result.output.count("  ok  ") == 31, result.output


@pytest.mark.skipif(ARCH != "pae", reason="a 32-bit processor")
def test_an_old_processor():
    result = run_line("devices", bound=90, CPU="pentium2", APPEND="devices")
    assert result.status == 0, result.output


def test_no_devices_without_the_right():
    result = run_line("devices")
    assert result.status == 1
    assert "no right to devices" in result.output


def test_badcalls_with_the_right():
    result = run_line("badcalls", APPEND="devices")
    assert result.status == 0, result.output
    assert re.search(r"\d{3} passed, 0 failed$", result.output.rstrip())


# ---- The console as a driver ---------------------------------------------------------------------


def test_the_kernels_lines_are_whole():
    """Faults on four CPUs, while a program writes all the time: no line is broken or lost."""
    crashes = "; ".join(["crash null & crash null & crash text & crash null; wait"] * 8)
    result = run_line(f"(hexdump /bin/true &); {crashes}", bound=120, CPUS="4")
    fault = r"fault: crash \(pid \d+\) (read|write) at 0x[0-9a-f]{8} slot 0: [a-z ]+ \([er]ip 0x[0-9a-f]+\)"
    lines = [line for line in result.output.splitlines() if "fault" in line and "sh:" not in line]
    assert len(lines) == 32, result.output
    assert [line for line in lines if not re.fullmatch(fault, line)] == []


def test_what_the_kernel_says_comes_in_order():
    lines = run_line("echo one; crash null; echo two; trace true; echo three").output.splitlines()
    positions = [
        next(number for number, line in enumerate(lines) if re.match(start, line))
        for start in ("one", "fault: crash", "two", r"\[\d+ true\] process_exit", "three")
    ]
    assert positions == sorted(positions), lines


def test_the_last_words_of_init_are_seen():
    result = run_line("kill -9 1; sleep 5")
    assert "init has ended" in result.output
    assert result.status == 98


@pytest.mark.parametrize("extra", (["-vga", "none"], ["-machine", "i8042=off"]))
def test_a_machine_without(extra):
    result = run_line("echo fine; crash null", *extra)
    assert result.output.startswith("fine\nfault: crash"), result.output
    assert result.status == 139


def is_part(part, text):
    """Is PART what is left of TEXT, in its order, when letters are taken out?"""
    letters = iter(text)
    return all(letter in letters for letter in part)


@pytest.mark.parametrize("cpus", (1, 4))
def test_typing_while_the_driver_is_killed(cpus):
    with Session(CPUS=str(cpus)) as shell:
        shell.run("(for i in 1 2 3; do :; done) 2>/dev/null; true")
        pid = re.search(r"^ *(\d+) console ", shell.run("qps").output, re.MULTILINE).group(1)
        shell.run(f"(sleep 0.4; kill -9 {pid}) >/dev/null 2>&1 &")
        text = "one two three four five six seven"
        for letter in f"echo {text}":
            shell.type(letter)
            time.sleep(0.03)
        shell.expect("is started again", bound=20)
        shell.type("\r")
        shell.expect(r"\none [a-z ]*\r*\n", bound=20)
        came = shell.process.after.strip()
        # What the driver had in its hands goes with it: as many keys as come between two of its looks.
        assert len(text) - 2 <= len(came) <= len(text) and is_part(came, text), came
        assert shell.run("echo alive") == ("alive\n", 0)
