# SPDX-License-Identifier: MIT
"""The CD image in Bochs: another firmware, another processor model, the same kernels."""

import os
import re

import pytest

from machine import ARCH, ROOT, Session
from test_boot import choose_in_menu


@pytest.mark.parametrize("cpu", ["corei7_haswell_4770"] + (["p3_katmai"] if ARCH == "pae" else []))
def test_prompt_and_plans(cpu):
    with Session(
        "--cpu", cpu, start=[os.path.join(ROOT, "tools/bochs")], to_prompt=False, bound=180
    ) as shell:
        choose_in_menu(shell)
        assert "Multiboot2" in shell.expect_prompt()
        assert shell.run("workers").status == 0
        assert shell.run("presets").status == 0
        shell.type("shutdown\r")
        assert shell.wait_end().status == 0


# What the boot line says last, which is what it says of tags.
TAGS = {
    "corei7_haswell_4770": "PCID INVPCID",
    "corei7_ivy_bridge_3770k": "PCID",
    "corei5_lynnfield_750": "TSC",
}


def boot_by_hand(shell, words):
    """At GRUB's prompt, which loses what comes faster than it answers."""
    shell.expect("Quartet, 64-bit")
    shell.type("c")
    for line in [
        f"multiboot2 /boot/{ARCH}/kernel.elf {words}",
        f"module2 /boot/{ARCH}/initrd.cpio",
        "set gfxpayload=text",
        "boot",
    ]:
        shell.expect("grub> ")
        for letter in line:
            shell.type(letter)
            shell.expect(re.escape(letter))
        shell.type("\r")


def bochs_at_prompt(cpu, words=None):
    """Two processors CPU; the boot line's words, and the session at its prompt."""
    shell = Session(
        "--cpu",
        cpu,
        start=[os.path.join(ROOT, "tools/bochs")],
        to_prompt=False,
        bound=180,
        CPUS="2",
    )
    if words is None:
        choose_in_menu(shell)
    else:
        boot_by_hand(shell, words)
    text = shell.expect_prompt()
    assert "quartet: 2 CPUs;" in text
    return re.search("quartet: uses (.*)", text).group(1), shell


@pytest.mark.parametrize("cpu", TAGS)
def test_two_cpus_with_the_tags_that_the_model_has(cpu):
    used, shell = bochs_at_prompt(cpu)
    with shell:
        assert used.endswith(" TSC" if ARCH == "pae" else f" {TAGS[cpu]}")
        assert shell.run("presets").status == 0
        assert shell.run("plans").output.endswith("256 passed, 0 failed\n")


@pytest.mark.skipif(ARCH == "pae", reason="pae has no tags to choose from")
@pytest.mark.parametrize("word, last", [("pcid=off", " TSC"), ("invpcid=off", " TSC PCID")])
def test_command_line_chooses_the_rung(word, last):
    used, shell = bochs_at_prompt("corei7_haswell_4770", word)
    with shell:
        assert used.endswith(last)
        assert shell.run("presets").status == 0


@pytest.mark.skipif(ARCH == "pae", reason="pae has no tags to keep translations under")
@pytest.mark.parametrize("cpu", TAGS)
def test_translations_that_outlive_a_switch_are_never_stale(cpu):
    """The hammers in short, where a flush that is missing would show: on processors with tags."""
    _, shell = bochs_at_prompt(cpu)
    with shell:
        sharers = shell.run("sharers").output
        kept = int(re.search(r"loads kept (\d+), flushed \d+", sharers).group(1))
        assert kept == 0 if TAGS[cpu] == "TSC" else kept > 900, sharers
        for line in ("commons", "stale 2", "stress 1 -j 1"):
            result = shell.run(line, bound=240)
            assert result.status == 0 and "FAIL" not in result.output, result.output
