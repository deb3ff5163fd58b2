# SPDX-License-Identifier: MIT
"""From firmware to the prompt: loaders, memory sizes, processors with and without features, and
images that are wrong."""

import filecmp
import os
import subprocess

import pytest

from machine import ARCH, BUILD, ROOT, Session, run_line
import screen  # of tools, which machine.py has put on the path

MENU_ENTRY = {"pae": "", "long": "\x1b[B"}  # the second entry of the menu: cursor down


def test_prompt_by_pvh():
    with Session() as shell:
        assert "PVH" in shell.boot_text
        assert ARCH in shell.boot_text
        shell.type("shutdown\r")
        assert shell.wait_end().status == 0


@pytest.mark.parametrize(
    "way, medium",
    [("grub", "cd"), ("grub", "disk"), ("grub-uefi", "cd"), ("grub-uefi", "disk")]
    + [("grub-uefi32", "cd")],
)
def test_prompt_by_iso(way, medium):
    start = [os.path.join(ROOT, "tools/qemu"), way]
    with screen.Screen() as view, Session(
        *view.arguments, start=start, to_prompt=False, bound=120, MEDIUM=medium
    ) as shell:
        choose_in_menu(shell)
        boot_text = shell.expect_prompt()
        assert "Multiboot2" in boot_text and " IOAPIC " in boot_text
        picture = view.wait(lambda seen: seen.lines[-1:] == ["/ $"])
        assert "/ $" in picture.lines and "Multiboot2" in picture.lines[0], picture.lines
        assert ARCH in shell.run("uptime").output
        assert shell.run("plans").output.endswith("256 passed, 0 failed\n")
        shell.type("shutdown\r")
        assert shell.wait_end().status == 0


@pytest.mark.skipif(ARCH != "pae", reason="it has both kernels: once is enough, and not two at a time")
def test_two_builds_of_the_iso_are_equal():
    first, again = (os.path.join(ROOT, BUILD, name) for name in ("quartet.iso", "again.iso"))
    if os.path.exists(again):
        os.remove(again)
    make = ["make", "-s", "-C", ROOT, f"BUILD={BUILD}", f"{BUILD}/again.iso"]
    subprocess.run(make, check=True, env={**os.environ, "MAKEFLAGS": ""})
    assert filecmp.cmp(first, again, shallow=False)
    os.remove(again)


def choose_in_menu(shell):
    shell.expect("Quartet, 64-bit")
    shell.type(MENU_ENTRY[ARCH] + "\r")


@pytest.mark.parametrize("memory", ["9M", "32M", "64M", "3G", "4G", "6G", "8G"])
def test_memory_size(memory):
    result = run_line("free; ls / | cat", MEM=memory)
    assert result.status == 0, result.output
    assert "bin" in result.output


CPUS_BOTH = ["max", "max,-smep,-smap,-umip", "max,-nx", "max,-pge", "max,-apic"]
CPUS_PAE = ["pentium2", "pentium3", "pentium2,-sep", "pentium2,-apic,-pge,-sep", "qemu32", "n270"]
CPUS_LONG = ["qemu64", "Nehalem", "Haswell-noTSX", "EPYC"]


@pytest.mark.parametrize("cpu", CPUS_BOTH + (CPUS_PAE if ARCH == "pae" else CPUS_LONG))
def test_processor(cpu):
    result = run_line("presets && echo all | cat", CPU=cpu)
    assert result.status == 0, result.output
    assert result.output.endswith("all\n")


REFUSED = {"pae": ["486", "pentium"], "long": ["pentium3", "qemu32", "max,-lm"]}


@pytest.mark.parametrize("cpu", REFUSED[ARCH])
def test_processor_without_what_the_kernel_needs_is_one_line(cpu):
    result = run_line("true", CPU=cpu)
    lines = [
        line
        for line in result.output.splitlines()
        if line.strip() and not line.startswith(("qemu", "exec:"))
    ]
    assert result.status not in (0, 124), result.output
    assert len(lines) == 1 and {"pae": "PAE", "long": "64-bit"}[ARCH] in lines[0], result.output


def test_features_are_detected_not_assumed():
    """The boot line names what is used, and only that."""

    def boot_text(cpu):
        with Session(CPU=cpu) as shell:
            return shell.boot_text

    with_features, without = boot_text("max"), boot_text("max,-smep,-nx,-apic")
    for feature in ("SMEP", "NX", "APIC"):
        assert feature in with_features
        assert f" {feature} " not in without.replace(",", " ").replace("\n", " ")


LINES = {
    "IO-APIC": ("max", (), "IOAPIC"),
    "8259, tick by the PIT": ("max,-apic", (), "PIC"),
    "8259, tick by the APIC": ("max", ("-machine", "acpi=off"), "PIC"),
}


def press(shell, text):
    """Press keys of the PS/2 keyboard, through the emulator's monitor."""
    keys = {" ": "spc", "\r": "ret"}
    shell.type("\x01c")
    shell.expect(r"\(qemu\) ")
    for letter in text:
        shell.type(f"sendkey {keys.get(letter, letter)}\r")
        shell.expect(r"\(qemu\) ")
    shell.type("\x01c")


@pytest.mark.parametrize("controller", LINES)
def test_serial_line_and_keyboard_interrupt_by(controller):
    cpu, extra, word = LINES[controller]
    with Session(*extra, CPU=cpu) as shell:
        assert f" {word} " in shell.boot_text
        assert ("ACPI" in shell.boot_text) == bool(extra)
        assert shell.run("echo serial").output == "serial\n"
        press(shell, "echo keyboard\r")
        shell.expect(r"\nkeyboard\r*\n")


# ---- A port that is not there


@pytest.mark.parametrize("cpus", ["1", "2"])
def test_line_runs_without_a_serial_port(cpus):
    """The kernel and the console's driver wait for none; the line's status comes by the debug port."""
    line = "presets && ls /bin >/tmp/list && grep -q libcheck /tmp/list && exit 7"
    assert run_line(line, SERIAL="none", CPUS=cpus) == ("", 7)


def test_panic_without_a_serial_port_enters_no_monitor():
    assert run_line("true", SERIAL="none", APPEND="panic-test panic=monitor") == ("", 99)


# ---- Images that are wrong


def boot_with(initrd):
    """What the kernel says to INITRD (bytes), and its status."""
    path = os.path.join(ROOT, BUILD, f"bad-initrd-{ARCH}-{os.getpid()}")
    with open(path, "wb") as file:
        file.write(initrd)
    try:
        return run_line("true", INITRD=path, bound=30)
    finally:
        os.remove(path)


def newc(name, content, mode=0o100755, size=None):
    """One member of a cpio archive; SIZE lies about the length."""
    fields = [
        0,
        mode,
        0,
        0,
        1,
        0,
        len(content) if size is None else size,
        0,
        0,
        0,
        0,
        len(name) + 1,
        0,
    ]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)


END = newc(b"TRAILER!!!", b"", 0)


def good_init():
    with open(os.path.join(ROOT, BUILD, ARCH, "initrd", "init"), "rb") as file:
        return file.read()


BAD_IMAGES = {
    "no archive": lambda: b"this is no archive at all" * 40,
    "empty": lambda: END,
    "header cut short": lambda: newc(b"init", b"x" * 64)[:50],
    "size beyond the end": lambda: newc(b"init", b"x" * 64, size=0xFFFFFFF0),
    "size not hexadecimal": lambda: newc(b"init", b"x" * 64).replace(b"00000040", b"000000zz"),
    "init is no ELF": lambda: newc(b"init", b"#!/bin/sh\n" * 20) + END,
    "init is cut short": lambda: newc(b"init", good_init()[:60]) + END,
    "init without its segments": lambda: newc(b"init", good_init()[:4000]) + END,
    "init for another machine": lambda: newc(
        b"init", good_init()[:18] + b"\xf3\x00" + good_init()[20:]
    )
    + END,
    "init with a wild entry": lambda: newc(
        b"init", good_init()[:24] + b"\xff" * 4 + good_init()[28:]
    )
    + END,
}


@pytest.mark.parametrize("image", BAD_IMAGES)
def test_bad_image_gets_a_clear_message(image):
    result = boot_with(BAD_IMAGES[image]())
    assert result.status not in (0, 124, 125), result.output
    assert "init" in result.output, result.output
    assert len(result.output.splitlines()) <= 12, result.output
