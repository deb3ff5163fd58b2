# SPDX-License-Identifier: MIT
"""The first instructions of the 64-bit kernel are 32-bit code, and QEMU's stub always says 64: here
GDB learns to disassemble them. Stepping works by itself; so do the source lines."""
import functools
import os
import re
import subprocess

import gdb

from quartet_gdb import users
from quartet_gdb.machine import USER_LOWEST, architecture

LINE = re.compile(r"^ +([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *\t?(.*)$", re.MULTILINE)


def ranges_of_64_bits(kernel):
    """[(start, end)] of the parts of .boot that run in 64-bit mode: those from a label .higher on."""
    lines = subprocess.run(["nm", "-n", kernel], check=True, capture_output=True, text=True).stdout
    names = [line.split() for line in lines.splitlines() if len(line.split()) == 3]
    ends = [int(name[0], 16) for name in names[1:]]
    return [(int(n[0], 16), end) for n, end in zip(names, ends) if n[2].endswith(".higher")]


@functools.lru_cache(maxsize=2)
def instructions(kernel, changed):
    """{address: (length, text)} of the 32-bit code."""
    del changed
    command = ["objdump", "-d", "-j", ".boot", "-m", "i386", "-w", kernel]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    wide = ranges_of_64_bits(kernel)
    found = {}
    for match in LINE.finditer(text):
        address = int(match[1], 16)
        if not any(start <= address < end for start, end in wide):
            found[address] = (len(match[2].split()), match[3].strip())
    return found


def install():
    try:
        import gdb.disassembler as disassembler
    except ImportError:
        return  # before GDB 13

    class Boot32(disassembler.Disassembler):
        def __init__(self):
            super().__init__("quartet-boot32")

        def __call__(self, information):
            if information.address >= USER_LOWEST or architecture() != "long":
                return None
            kernel = users.kernel_file()
            known = instructions(kernel, os.path.getmtime(kernel))
            if information.address not in known:
                return None
            return disassembler.DisassemblerResult(*known[information.address])

    disassembler.register_disassembler(Boot32(), None)
