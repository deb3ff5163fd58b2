# SPDX-License-Identifier: MIT
"""make bench-bochs: how guests are read, and what of the difference is explained."""

import importlib.machinery
import importlib.util
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load():
    path = os.path.join(ROOT, "tools/bench/bochs")
    loader = importlib.machinery.SourceFileLoader("bench_bochs", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_bochs", loader))
    loader.exec_module(module)
    return module


bochs = load()
SAID = "GRUB\r\nquartet: uses NX {apic} TSC{tags}\r\n" + "".join(f"{row}\t100\r\n" for row in bochs.ROWS)


def said(apic="APIC", tags="", **rows):
    text = SAID.format(apic=apic, tags=tags)
    for row, ticks in rows.items():
        text = text.replace(f"\n{row}\t100\r", f"\n{row}\t{ticks}\r")
    return bochs.read(text.encode())


def test_a_guest_is_read_and_must_have_every_row():
    rows, features = said(cow_fault=1583)
    assert rows["cow_fault"] == 1583 and rows["null_syscall"] == 100 and len(rows) == len(bochs.ROWS)
    assert features == "NX APIC TSC"
    with pytest.raises(SystemExit, match="no row null_syscall in"):
        bochs.read(SAID.replace("null_syscall", "other").encode())


def test_the_kernel_gets_the_line_and_no_pcids_unless_they_are_measured():
    assert re.search(r"^devices pcid=off exec=", bochs.words(False))
    assert "pcid" not in bochs.words(True)
    line = bytes.fromhex(bochs.words(True).rpartition("exec=")[2]).decode()
    assert line.split()[0] == "bench" and "fork_0m" in line and "fork_call" not in line


def test_strings_and_faults_are_explained_and_the_rest_is_left():
    explained = {("long", row): (0.0, 0.0) for row in bochs.ROWS}
    explained["long", "pipe_roundtrip"] = (44.0, 0.0)
    explained["long", "cow_fault"] = (1.0, 2.0)
    results = {
        ("long", "QEMU"): said(pipe_roundtrip=13696, cow_fault=1583),
        ("long", "Bochs"): said(apic="X2APIC", pipe_roundtrip=13656, cow_fault=1584),
        ("long", "Bochs, with PCIDs"): said(tags=" PCID INVPCID", cow_fault=3165),
    }
    table = {line[1]: line[2:] for line in bochs.lines("long", results, explained)}
    assert table["pipe_roundtrip"] == ["13,696", "13,656", "-40", "-44", "0", "+4", "100"]
    assert table["cow_fault"] == ["1,583", "1,584", "+1", "-1", "+2", "0", "3,165"]
    assert table["null_syscall"] == ["100", "100", "0", "0", "0", "0", "100"]


def test_other_features_are_no_comparison():
    explained = {("pae", row): (0.0, 0.0) for row in bochs.ROWS}
    results = {("pae", "QEMU"): said(), ("pae", "Bochs"): said(tags=" SMAP")}
    with pytest.raises(SystemExit, match="does not use the same"):
        list(bochs.lines("pae", results, explained))
    results = {("long", "QEMU"): said(), ("long", "Bochs"): said(), ("long", "Bochs, with PCIDs"): said()}
    with pytest.raises(SystemExit, match="has no PCIDs"):
        list(bochs.lines("long", results, explained))


def test_what_is_counted_as_a_fault_is_a_function_of_the_kernel():
    with open(os.path.join(ROOT, "kernel/process/fault.c"), encoding="utf-8") as file:
        assert f"bool {bochs.FAULT}(" in file.read()
