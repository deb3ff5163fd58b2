# SPDX-License-Identifier: MIT
"""Devices by handle: user/bin/devices.c checks what interrupts and ports promise to a process."""

import re

import pytest

from machine import ARCH, run_line

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
