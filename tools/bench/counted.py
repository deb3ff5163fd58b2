# SPDX-License-Identifier: MIT
"""Which instructions a row of `bench` runs: what tools/bench/profile and tools/bench/events share.

QEMU runs the row with the plugin of profile.c, which counts every instruction between two readings of
the time-stamp counter; whose they are, is told by their bytes and addresses.
"""

import bisect
import os
import re
import struct
import subprocess
import sys
import tempfile
from collections import namedtuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import guest
import symbols

BUILD = os.path.join(guest.ROOT, os.environ.get("BUILD") or "build")
ICOUNT = ["-icount", "shift=0,align=off,sleep=off", "-rtc", "clock=vm"]
MACHINE = {"MEM": "2G", "CPUS": "1", "ACCEL": "tcg", "CPU": "max", "APPEND": "devices"}
USER_TOP = 0xF0000000  # as in profile.c

Measured = namedtuple("Measured", "total units bracket")  # total: ticks, with the bracket
Window = namedtuple("Window", "total instructions strings")
Instruction = namedtuple("Instruction", "address page code count")


class Image:
    """A kernel or program: its code, functions and lines."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path).removesuffix(".elf")
        with open(path, "rb") as file:
            self.segments = list(segments(file.read()))
        self.functions = None

    def has(self, instruction):
        """Does this code stand at its address here?"""
        for base, code in self.segments:
            at = instruction.address - base
            if 0 <= at < len(code):
                return code[at : at + len(instruction.code)] == instruction.code
        return False

    def function(self, address):
        """(name, first address) of the function that ADDRESS is in."""
        if self.functions is None:
            self.functions = read_functions(self.path)
        at = bisect.bisect_right(self.functions, (address, "\x7f")) - 1
        if at < 0:
            return hex(address), address
        first, name = self.functions[at]
        return name, first

    def places(self, addresses):
        """{address: [(function, "file:line"), ...]}: innermost first, what contains it last."""
        ended = subprocess.run(
            ["addr2line", "-e", self.path, "-a", "-f", "-i"],
            input="\n".join(map(hex, addresses)),
            capture_output=True,
            text=True,
            check=True,
        )
        places, stack = {}, []
        lines = iter(ended.stdout.splitlines())
        for line in lines:
            if line.startswith("0x"):
                stack = places.setdefault(int(line, 16), [])
            else:
                stack.append((line, next(lines)))
        return places


def segments(elf):
    """(address, bytes) of what an ELF file loads."""
    wide = elf[4] == 2
    table, size, count = (
        (*struct.unpack_from("<Q", elf, 32), *struct.unpack_from("<HH", elf, 54))
        if wide
        else (*struct.unpack_from("<I", elf, 28), *struct.unpack_from("<HH", elf, 42))
    )
    for at in range(table, table + size * count, size):
        if wide:
            kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", elf, at)
        else:
            kind, offset, address, _, length = struct.unpack_from("<IIIII", elf, at)
        if kind == 1:
            yield address, elf[offset : offset + length]


def read_functions(path):
    """[(address, name)], ascending, of an ELF file."""
    text = subprocess.run(["nm", "-n", path], check=True, capture_output=True, text=True).stdout
    functions = {}
    for words in map(str.split, text.splitlines()):
        if len(words) == 3 and words[1] in "tTwW":
            if "." not in words[2] or symbols.COMPILER_MADE.search(words[2]):
                functions.setdefault(int(words[0], 16), words[2])
    return sorted(functions.items())


# ---- What the guest and the plugin say ------------------------------------------------------------


def read_measured(text, row):
    """What `bench -v` says about ROW, or `time` about a line (ROW is None)."""
    if row is None:
        match = re.search(r"^ticks\s+(\d+)$", text, re.MULTILINE)
        return match and Measured(int(match.group(1)), 1, 0)
    match = re.search(
        rf"^{re.escape(row)}: .*; (\d+) for (\d+), and (\d+) of the bracket$", text, re.MULTILINE
    )
    if not match:
        return None
    least, units, bracket = map(int, match.groups())
    return Measured(least if row == "boot_to_shell" else least + bracket, units, bracket)


def read_windows(lines):
    """The windows in what the plugin wrote."""
    window = None
    for line in lines:
        words = line.split()
        if words[0] == "span":
            continue
        if words[0] == "window":
            if window:
                yield window
            window = Window(int(words[3]), [], int(words[5]))
        else:
            window.instructions.append(
                Instruction(
                    int(words[0], 16), int(words[1], 16), bytes.fromhex(words[2]), int(words[3])
                )
            )
    if window:
        yield window


def choose(windows, measured):
    """The window that took what was measured. A fault's instruction is begun twice and counted once; an
    interrupt comes a few instructions after the reading that counts."""
    best = min(windows, key=lambda window: abs(window.total - measured.total), default=None)
    if best is None or abs(best.total - measured.total) > max(12, measured.total // 1000):
        return None
    return best


def run(arch, line, row):
    """(Measured, Window) of one guest."""
    output, complaints = [], []
    with tempfile.TemporaryDirectory(prefix="quartet-") as folder:
        path = os.path.join(folder, "windows")
        plugin = os.path.join(BUILD, "host/profile.so")
        status = guest.run_line(
            line,
            output.append,
            complaints.append,
            float(os.environ.get("TIMEOUT") or 600),
            [*ICOUNT, "-plugin", f"{plugin},out={path}"],
            {**MACHINE, "ARCH": arch},
        )
        text = b"".join(output).decode(errors="replace")
        measured = read_measured(text, row)
        if (status != 0 and row) or not measured:
            raise LookupError("\n".join(["no figure from the guest:", text, *complaints]))
        with open(path, encoding="ascii") as file:
            window = choose(read_windows(file), measured)
    if not window:
        raise LookupError(f"nothing between two readings took {measured.total} instructions")
    return measured, window


# ---- Whose instructions they are ------------------------------------------------------------------


def images(arch):
    """(the kernel's image, those of the programs)."""
    programs = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(os.path.join(BUILD, arch, "user"))
        for name in sorted(names)
        if name.endswith(".elf")
    ]
    first = os.path.join(BUILD, arch, "user/bin/bench.elf")
    programs.sort(key=lambda path: (path != first, path))
    return Image(os.path.join(BUILD, arch, "kernel.elf")), [Image(path) for path in programs]


def assign(instructions, kernel, programs):
    """[(image or None, instruction)]: programs have the same addresses, so their code decides."""
    pages, found = {}, []
    for instruction in instructions:
        if instruction.address >= USER_TOP:
            found.append((kernel, instruction))
        else:
            pages.setdefault((instruction.page, instruction.address >> 12), []).append(instruction)
    for group in pages.values():
        image = next((one for one in [*programs, kernel] if all(map(one.has, group))), None)
        found += [(image, instruction) for instruction in group]
    return found
