# SPDX-License-Identifier: MIT
"""Quartet in GDB: the `quartet` commands, user symbols, pretty-printers and the unwinder.

    (gdb) source tools/gdb/quartet.py         with build/ARCH/kernel.elf as the program

tools/gdb/start (`make gdb`) does that. The parts are in quartet_gdb/: machine.py (the emulated
machine), kernel.py (the kernel's data, by the names of its fields), walk.py, show.py, stops.py (the
commands), users.py (symbols of programs), printers.py, unwind.py, boot32.py. `help quartet` lists
the commands.
"""
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from quartet_gdb import boot32, printers, show, stops, unwind, users, walk

for part in (show, walk, users, stops, printers, unwind, boot32):
    part.install()

gdb.execute("set confirm off")
gdb.execute("set print pretty on")


def end_machine(event):
    """`quit` ends the machine; after `detach` it goes on."""
    del event
    try:
        if gdb.selected_inferior().pid != 0:
            gdb.execute("kill")
    except gdb.error:
        pass  # it has ended by itself


if hasattr(gdb.events, "gdb_exiting"):
    gdb.events.gdb_exiting.connect(end_machine)
