# SPDX-License-Identifier: MIT
"""Symbols of user programs: those of the process that the stopped CPU runs, and no others.

All programs are linked at the same addresses (user/lib/user.ld), so at each stop the symbols of one
are taken out and those of another put in. They come from the unstripped files of the build.
"""
import glob
import os

import gdb

from quartet_gdb import kernel
from quartet_gdb.machine import USER_LOWEST, Command, is_user_address

loaded = None  # the program whose symbols GDB has now: its file


def kernel_file():
    for objfile in gdb.objfiles():
        if os.path.basename(objfile.filename or "").startswith("kernel"):
            return objfile.filename
    raise gdb.GdbError("load the kernel first: file build/ARCH/kernel.elf")


def program_file(program):
    """The unstripped file of PROGRAM, or None."""
    folder = os.path.dirname(kernel_file())
    patterns = ("user/bin/{}.elf", "user/demos/{}.elf", "user/servers/{}.elf", "extra/{}.elf")
    for pattern in patterns:
        for path in glob.glob(os.path.join(folder, pattern.format(glob.escape(program)))):
            return path
    return None


def quietly(command):
    return gdb.execute(command, from_tty=False, to_string=True)


def show(path):
    """Make PATH (None: nothing) the one program whose symbols GDB has. True: it has changed."""
    global loaded
    if path == loaded:
        return False
    if loaded is not None:
        quietly(f"remove-symbol-file -a {USER_LOWEST:#x}")
    loaded = None
    if path is not None:
        quietly(f'add-symbol-file "{path}"')
        loaded = path
    return True


def running_program():
    """The name of the program that the selected CPU runs, or None."""
    try:
        process = kernel.current_process()
        return kernel.text_of(kernel.field(process, "name")) if process is not None else None
    except (gdb.error, gdb.GdbError):
        return None  # there is no kernel yet


def follow():
    """At a stop: the symbols of the program that runs. True: they have changed."""
    program = running_program()
    return program is not None and show(program_file(program))


def stopped(event=None):
    """GDB has said by now where it stopped. With other symbols in place it says so again.

    Also before each prompt: `thread N` selects another CPU, which may run another program."""
    del event
    thread = gdb.selected_thread()
    if thread is not None and thread.is_stopped() and follow():
        gdb.invalidate_cached_frames()
        if is_user_address(gdb.newest_frame().pc()):
            gdb.execute("frame")


# ---- Places in programs -------------------------------------------------------------------------


def resolve(program, function):
    """The address of FUNCTION (None: the first instruction) in PROGRAM."""
    path = program_file(program)
    if path is None:
        raise gdb.GdbError(f"there is no program `{program}` below {os.path.dirname(kernel_file())}")
    before = loaded
    show(path)
    try:
        if function is None:
            return int(gdb.parse_and_eval("(unsigned long)&_start"))
        found = [sal.pc for sal in gdb.decode_line(function)[1] or () if is_user_address(sal.pc)]
    except gdb.error:
        found = []
    finally:
        show(before)
    if not found:
        raise gdb.GdbError(f"{program} has no function `{function}`")
    return found[0]


class UserBreakpoint(gdb.Breakpoint):
    """Stops at a user address in processes of one program only."""

    def __init__(self, program, function):
        self.program = program
        address = resolve(program, function)
        super().__init__(f"*{address:#x}", type=gdb.BP_HARDWARE_BREAKPOINT)
        self.message = f"{program}:{function or 'its first instruction'}"

    def stop(self):
        return running_program() == self.program[:31]


class User(Command):
    """quartet user PROGRAM[:FUNCTION]: stop in that program only.

    A breakpoint at FUNCTION, else at the program's first instruction; there its four quarters are
    shown. Other programs have other code at the same address, and run on. FUNCTION is anything that
    `break` takes within the program, FILE.c:LINE too. `info breakpoints` lists it, `delete` removes
    it. The symbols of the program that runs load by themselves at every stop."""

    WORD = "user"

    def run(self, words):
        if len(words) != 1:
            self.usage()
        program, _, function = words[0].partition(":")
        breakpoint = UserBreakpoint(program, function or None)
        if not function:
            breakpoint.commands = "quartet space"
        print(f"Breakpoint {breakpoint.number} in {breakpoint.message}")

    def complete(self, text, word):
        folder = os.path.dirname(kernel_file())
        names = glob.glob(os.path.join(folder, "user/*/*.elf"))
        return [os.path.basename(name)[:-4] for name in names if word in os.path.basename(name)]


def install():
    User()
    gdb.events.stop.connect(stopped)
    gdb.events.before_prompt.connect(stopped)
