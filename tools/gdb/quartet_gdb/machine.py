# SPDX-License-Identifier: MIT
"""The machine that QEMU emulates: which kernel, which CPU, physical memory, registers."""
import functools
import re

import gdb

PAGE_SIZE = 4096
USER_LOWEST = 0x400000  # where user/lib/user.ld begins; below it are the kernel's first instructions


def architecture():
    """"pae" or "long": by the size of a pointer in the kernel that was loaded."""
    return "long" if gdb.lookup_type("long").sizeof == 8 else "pae"


def user_top():
    return 1 << 32 if architecture() == "long" else 0xF0000000


def is_user_address(address):
    return USER_LOWEST <= address < user_top()


def number(value):
    """The non-negative integer that VALUE (a gdb.Value) is, whatever its type says of the sign."""
    return int(value) & (1 << 64) - 1


def address_of(text):
    """The address that an expression gives: a number, a register, a pointer, `&variable`."""
    value = gdb.parse_and_eval(text)
    bits = 64 if architecture() == "long" else 32
    return int(value.cast(gdb.lookup_type("unsigned long"))) & (1 << bits) - 1


# ---- CPUs ---------------------------------------------------------------------------------------


def cpu_number():
    """The number of the CPU that is selected: QEMU shows each as a thread, from 1 on."""
    thread = gdb.selected_thread()
    if thread is None:
        raise gdb.GdbError("nothing runs: `make gdb` attaches to a machine")
    return thread.ptid[1] - 1


def register(name):
    """A register of the selected CPU as it is, whichever frame is selected."""
    return number(gdb.newest_frame().read_register(name))


# ---- Physical memory ----------------------------------------------------------------------------


def monitor_read(address, length):
    """The same through QEMU's monitor: its 32-bit stub cuts an address to 32 bits."""
    shown = gdb.execute(f"monitor xp /{length}xb {address:#x}", to_string=True)
    values = re.findall(r"0x([0-9a-f]{2})\b", re.sub(r"^\w+:", "", shown, flags=re.MULTILINE))
    if len(values) != length:
        raise gdb.GdbError(f"there is no memory at physical address {address:#x}")
    return bytes(int(value, 16) for value in values)


def physical_read(address, length):
    """LENGTH bytes at physical ADDRESS, wherever it is: above 4 GiB too."""
    inferior = gdb.selected_inferior()
    connection = inferior.connection
    if connection is None or not hasattr(connection, "send_packet"):
        raise gdb.GdbError("physical memory can be read only where QEMU is attached")
    if address + length > 1 << 32 and architecture() == "pae":
        return monitor_read(address, length)
    connection.send_packet("Qqemu.PhyMemMode:1")
    try:
        return bytes(inferior.read_memory(address, length))
    finally:
        connection.send_packet("Qqemu.PhyMemMode:0")


def physical_word(address):
    """The 64-bit page-table entry at physical ADDRESS."""
    return int.from_bytes(physical_read(address, 8), "little")


# ---- Commands -----------------------------------------------------------------------------------


def says_why(invoke):
    """For Command.invoke: memory that cannot be read becomes a sentence."""

    @functools.wraps(invoke)
    def guarded(self, argument, from_terminal):
        try:
            invoke(self, argument, from_terminal)
        except gdb.MemoryError as error:
            raise gdb.GdbError(
                f"{error}. Before kernel_main has run there is nothing to show yet."
            ) from error

    return guarded


class Command(gdb.Command):
    """A command `quartet WORD`: a subclass has WORD, a doc string (its help) and run(words)."""

    WORD = ""

    def __init__(self):
        super().__init__(f"quartet {self.WORD}", gdb.COMMAND_DATA)

    @says_why
    def invoke(self, argument, from_terminal):
        self.run(argument.split())

    def usage(self):
        raise gdb.GdbError(f"usage: {self.__doc__.splitlines()[0]}")
