# SPDX-License-Identifier: MIT
"""Quartet's own UEFI loader, by 64-bit and by 32-bit firmware: it starts both kernels; its menu takes another
command line, and survives files that are missing or damaged; its volume is built the same each time."""

import filecmp
import os
import re
import shutil
import subprocess

import pytest

from machine import ARCH, BUILD, ROOT, Session, run_line

VOLUME = os.path.join(ROOT, BUILD, "quartet-uefi.img")
UP, DOWN = "\x1b[A", "\x1b[B"


@pytest.mark.parametrize("way", ["uefi", "uefi32", "grub", "grub-uefi", "grub-uefi32"])
def test_line_by_a_loader(way):
    """Only the kernel's output comes, and the line's status; the kernel has its memory, initrd and ACPI."""
    result = run_line('uptime; echo "a, b"; exit 7', BOOT=way)
    assert result.status == 7, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("up ") and lines[-1] == "a, b"
    assert lines[1].startswith(f"{ARCH}: ") and " IOAPIC" in lines[1]


@pytest.mark.skipif(ARCH != "pae", reason="it has both kernels: once is enough, and not two at a time")
def test_two_builds_of_the_volume_are_equal():
    """With the loaders built anew from their sources."""
    again = os.path.join(ROOT, BUILD, "again-uefi.img")
    loaders = os.path.join(BUILD, "uefi-again")
    shutil.rmtree(os.path.join(ROOT, loaders), ignore_errors=True)
    if os.path.exists(again):
        os.remove(again)
    make = ["make", "-s", "-C", ROOT, f"BUILD={BUILD}", f"uefi_out={loaders}"]
    subprocess.run([*make, f"{BUILD}/again-uefi.img"], check=True, env={**os.environ, "MAKEFLAGS": ""})
    assert filecmp.cmp(VOLUME, again, shallow=False)
    os.remove(again)


# ---- The menu, on a volume with wrong entries

ENTRIES = f"""
timeout 30
entry Missing
    kernel /{ARCH}/nothing.elf
entry Wrong ELF
    kernel /wrong.elf
    initrd /{ARCH}/initrd.cpio
entry Wrong kernel
    kernel /damaged.elf
entry Wrong initrd
    kernel /{ARCH}/kernel.elf
    initrd /damaged.cpio
entry Large initrd
    kernel /{ARCH}/kernel.elf
    initrd /LARGE.BIN
entry Check the initrd
    initrd /{ARCH}/initrd.cpio
entry Check the damaged one
    initrd /damaged.cpio
entry Good
    kernel /{ARCH}/kernel.elf
    initrd /{ARCH}/initrd.cpio
    words lock=bi
"""
MESSAGES = [
    "nothing.elf: there is no such file",
    "wrong.elf: it is for another machine",
    "damaged.elf: its checksum is wrong",
    "damaged.cpio: its checksum is wrong",
    "LARGE.BIN: there is too little memory for it",
    "initrd.cpio: its checksum is right",
    "damaged.cpio: its checksum is wrong",
]


def copy_to(volume, name, content, folder):
    path = os.path.join(folder, "file")
    with open(path, "wb") as file:
        file.write(content)
    subprocess.run(["mcopy", "-o", "-i", volume, path, f"::{name}"], check=True)


def read_built(name):
    with open(os.path.join(ROOT, BUILD, ARCH, name), "rb") as file:
        return file.read()


def damaged(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def wrong_volume(folder):
    """The built volume with ENTRIES and their files."""
    volume = os.path.join(folder, "volume")
    shutil.copy(VOLUME, volume)
    kernel, initrd = read_built("kernel.elf"), read_built("initrd.cpio")
    for name in ("damaged.elf.crc", "damaged.cpio.crc"):
        like = "kernel.elf.crc" if "elf" in name else "initrd.cpio.crc"
        crc = subprocess.run(
            ["mtype", "-i", volume, f"::{ARCH}/{like}"], check=True, capture_output=True
        ).stdout
        copy_to(volume, name, crc, folder)
    copy_to(volume, "damaged.elf", damaged(kernel), folder)
    copy_to(volume, "damaged.cpio", damaged(initrd), folder)
    copy_to(volume, "wrong.elf", kernel[:18] + b"\xf3\x00" + kernel[20:], folder)
    copy_to(volume, "LARGE.BIN", b"small", folder)
    copy_to(volume, "menu.cfg", ENTRIES.encode(), folder)
    with open(volume, "r+b") as file:  # the folder's entry says 1 GiB
        at = file.read(16 << 20).index(b"LARGE   BIN")
        file.seek(at + 28)
        file.write((1 << 30).to_bytes(4, "little"))
    return volume


def test_menu(tmp_path):
    """Each wrong entry gives its message and the menu again; then a start with an edited command line."""
    way = {"pae": "uefi32", "long": "uefi"}[ARCH]
    start = [os.path.join(ROOT, "tools/qemu"), way]
    with Session(start=start, to_prompt=False, VOLUME=wrong_volume(str(tmp_path))) as shell:
        shell.expect("Starts in")
        for number, message in enumerate(MESSAGES):
            shell.type(DOWN * number + "\r")
            shell.expect(re.escape(message))
            shell.expect("Press a key for the menu")
            shell.type(" ")
            shell.expect("edit the command line")
        shell.type(UP + "e")  # from the first entry to the last
        shell.expect("Command line")
        shell.type("gx\x7f\r")
        boot_text = shell.expect_prompt()
        assert "one lock for all quarters" in boot_text and "Multiboot2" in boot_text
        assert shell.run("plans").output.endswith("256 passed, 0 failed\n")
        shell.type("shutdown\r")
        assert shell.wait_end().status == 0
