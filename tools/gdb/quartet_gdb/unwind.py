# SPDX-License-Identifier: MIT
"""Back-traces through assembly: nasm writes no call-frame information, so GDB learns here how to get
out of the kernel's entry code, into the program that was interrupted, and through the stubs.

    C code of the kernel          GDB by itself
    entry.asm, from a program     entry_frames.py
    entry.asm, from the kernel    the struct trap_frame that it has built
    stubs, switch_stacks, boot    what has been pushed since the function began
    _start and the like           nothing called them: the trace ends
"""
import bisect
import functools
import os
import re
import subprocess
import sys

import gdb
from gdb.FrameDecorator import FrameDecorator
from gdb.unwinder import Unwinder, register_unwinder

from quartet_gdb import entry_frames, kernel, users
from quartet_gdb.kernel import field
from quartet_gdb.machine import architecture, is_user_address, number, user_top

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
import symbols

FIRST = re.compile(
    r"_start|quartet_(thread|clone)_entry|boot_entry_|x86_trampoline"
)
SWITCHES = ("x86_switch_stacks", "x86_park_switch", "x86_park_resume")  # functions like others
SYSTEM_CALL_LANDING = entry_frames.SYSTEM_CALL_LANDING
SYSTEM_CALL_PAGE = range(0xFFFFE000, 0xFFFFF000)  # pae: SYSENTER and RET, or INT 0x80 and RET
ENTRY_SLACK = 64  # bytes that the entry code pushes below a whole frame
STACK_CHANGE = re.compile(
    r"(?P<word>sub|add)[lq]? +(\$(?P<left>0x\w+),%[er]sp|[er]sp,(?P<right>0x\w+))"
)


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class Registers:
    """How the registers of the machine are called, and how wide a word on the stack is."""

    def __init__(self):
        self.wide = architecture() == "long"
        self.word = 8 if self.wide else 4
        self.pc, self.sp, self.bp = ("rip", "rsp", "rbp") if self.wide else ("eip", "esp", "ebp")
        self.flags = "rflags" if self.wide else "eflags"
        short = ("ax", "bx", "dx", "si", "di", "bp")
        self.general = [("r" if self.wide else "e") + name for name in short]
        self.general += [f"r{i}" for i in (8, 9, 10, 12, 13, 14, 15)] if self.wide else []


def read_word(address, width):
    return int.from_bytes(bytes(gdb.selected_inferior().read_memory(address, width)), "little")


# ---- Functions ----------------------------------------------------------------------------------


@functools.lru_cache(maxsize=8)
def functions_of(path, changed):
    del changed
    return symbols.read_functions(path, 0)


def function_at(pc):
    """(start, name) of the function at PC, of the kernel or of the program that runs."""
    path = users.loaded if is_user_address(pc) else users.kernel_file()
    if path is None or architecture() == "pae" and pc in SYSTEM_CALL_PAGE:
        return None
    table = functions_of(path, os.path.getmtime(path))
    place = bisect.bisect_right(table, (pc, "\x7f")) - 1
    return table[place] if place >= 0 else None


def assembly_file(pc):
    """The .asm file that PC belongs to, or None."""
    symtab = gdb.find_pc_line(pc).symtab
    return symtab.filename if symtab is not None and symtab.filename.endswith(".asm") else None


# ---- Frames -------------------------------------------------------------------------------------


class Frame:
    """A pending frame, and what its caller's registers are."""

    def __init__(self, pending):
        self.pending, self.names, self.saved = pending, Registers(), {}
        self.pc = self.live(self.names.pc)
        self.sp = self.live(self.names.sp)

    def live(self, name):
        mask = (1 << 8 * self.names.word) - 1
        return number(self.pending.read_register(name)) & mask

    def save(self, name, value):
        self.saved[name] = value

    def save_live(self, names):
        """The caller has what stands in these registers now, as far as that is known."""
        for name in names:
            try:
                self.save(name, self.live(name))
            except gdb.error:
                pass  # a frame below has lost it

    def result(self, cfa, start):
        information = self.pending.create_unwind_info(FrameId(gdb.Value(cfa), gdb.Value(start)))
        for name, value in self.saved.items():
            kind = self.pending.read_register(name).type
            stored = value.to_bytes(kind.sizeof, "little")
            information.add_saved_register(name, gdb.Value(stored, kind))
        return information


def unwind_outermost(frame, start):
    """Nobody called it: GDB ends the trace at address 0, which the filter below hides."""
    frame.save(frame.names.pc, 0)
    frame.save(frame.names.sp, frame.sp)
    frame.save(frame.names.bp, frame.live(frame.names.bp))
    return frame.result(frame.sp, start)


def pushes_until(frame, start, width):
    """Bytes on the stack since START, and where in them registers stand."""
    depth, places = 0, {}
    if frame.pc == start:
        return depth, places
    for line in frame.pending.architecture().disassemble(start, frame.pc - 1):
        word, _, operand = line["asm"].strip().partition(" ")
        change = STACK_CHANGE.match(line["asm"])
        if word.startswith("push"):
            depth += width
            places.setdefault(operand.strip(" %"), depth)
        elif word.startswith("pop"):
            depth -= width
            places.pop(operand.strip(" %"), None)
        elif change:
            amount = int(change["left"] or change["right"], 16)
            depth += amount if change["word"] == "sub" else -amount
    return depth, places


def unwind_leaf(frame, start, width):
    """A function that only pushes and pops."""
    names = frame.names
    depth, places = pushes_until(frame, start, width)
    cfa = frame.sp + depth + width
    frame.save_live(names.general)
    for name, place in places.items():
        if name in frame.saved:
            frame.save(name, read_word(cfa - width - place, width))
    frame.save(names.pc, read_word(cfa - width, width))
    frame.save(names.sp, cfa)
    return frame.result(cfa, start)


# ---- The entry code -----------------------------------------------------------------------------


def stack_top():
    """The top of the kernel stack of the thread that the selected CPU runs."""
    tss = field(field(kernel.cpu(), "arch"), "tss")
    return number(field(tss, "rsp")[0] if architecture() == "long" else field(tss, "esp0"))


def is_from_user(frame, kind):
    """The entry code that runs was entered from a program, by the depth that its frame has."""
    _, depth = entry_frames.depths[frame.pc]
    return depth is None or frame.sp + depth == stack_top()


def unwind_innermost(frame, start, depth):
    """The entry code itself has stopped, with DEPTH bytes of the user's frame on the stack.

    Its frame's ID is a stack address below all others, so that GDB takes the program's stack for the
    one above it. That works for the innermost frame only, and not where a call returns to: `finish`
    looks for the ID that entry_frames.py gives."""
    names, kind = frame.names, kernel.structure("trap_frame")
    frame.save_live(names.general)
    if names.wide:
        frame.save("rip", frame.live("rcx"))
        on_user_stack = depth is None and frame.sp < user_top()
        user = field(field(kernel.cpu(), "arch"), "user_stack")
        frame.save("rsp", frame.sp if on_user_stack else number(user))
    else:
        frame.save("eip", SYSTEM_CALL_LANDING)
        frame.save("esp", frame.live("ecx"))
    top = frame.sp + (depth or 0)
    for part in kind.fields():
        place = kind.sizeof - part.bitpos // 8
        if part.name not in ("vector", "error") and place <= (depth or 0):
            register = "eflags" if part.name == names.flags else part.name
            frame.save(register, read_word(top - place, names.word))
    return frame.result(1, start)


def unwind_trap(frame, start):
    """A trap that came in kernel mode. One from a program is left to entry_frames.py."""
    kind, names = kernel.structure("trap_frame"), frame.names
    innermost = frame.pending.level() == 0 and frame.pc not in entry_frames.after_calls
    top = stack_top()
    if innermost and frame.pc in entry_frames.depths and is_from_user(frame, kind):
        return unwind_innermost(frame, *entry_frames.depths[frame.pc])
    if top - kind.sizeof - ENTRY_SLACK <= frame.sp <= top or frame.sp < user_top() and names.wide:
        return None
    base = frame.live(names.bp) + 2 * names.word  # trap_entry: above what EBP points to
    if not frame.sp < base < frame.sp + ENTRY_SLACK:
        return None
    offsets = {part.name: part.bitpos // 8 for part in kind.fields()}
    for part, offset in offsets.items():
        if part not in ("vector", "error", "esp", "ss", "cs"):
            frame.save("eflags" if part == "rflags" else part, read_word(base + offset, names.word))
    if not names.wide:
        frame.save("esp", base + offsets["esp"])  # from kernel mode the CPU pushes no stack pointer
    return frame.result(base + kind.sizeof, start)


# ---- The unwinder -------------------------------------------------------------------------------


class AssemblyUnwinder(Unwinder):
    def __init__(self):
        super().__init__("quartet")

    def __call__(self, pending):
        try:
            return self.unwind(Frame(pending))
        except (gdb.error, gdb.GdbError, OSError):
            return None  # no kernel, no memory: GDB tries by itself

    def unwind(self, frame):
        if architecture() == "pae" and frame.pc in SYSTEM_CALL_PAGE:
            return unwind_leaf(frame, frame.pc, frame.names.word)
        file = assembly_file(frame.pc)
        found = function_at(frame.pc) if file is not None else None
        if found is None:
            return None
        start, name = found
        if FIRST.match(name):
            return unwind_outermost(frame, start)
        if file.endswith("entry.asm") and "arch/x86" in file and name not in SWITCHES:
            return unwind_trap(frame, start)
        return unwind_leaf(frame, start, 4 if "boot/" in file else frame.names.word)


class Named(FrameDecorator):
    """GDB would call the kernel's entry code a signal handler, and has no name for pae's page."""

    def function(self):
        found = function_at(self.inferior_frame().pc())
        return found[1] if found else "the system-call page"

    def line(self):
        return gdb.find_pc_line(self.inferior_frame().pc()).line or None


class BacktraceFilter:
    """Takes the frame at address 0 off the end of `bt`, and names the entry code."""

    name, priority, enabled = "quartet", 100, True

    def filter(self, frames):
        for frame in frames:
            inner = frame.inferior_frame()
            if inner.pc() != 0:
                named = inner.type() == gdb.SIGTRAMP_FRAME or inner.pc() in SYSTEM_CALL_PAGE
                yield Named(frame) if named else frame


def install():
    gdb.frame_filters[BacktraceFilter.name] = BacktraceFilter()
    path = users.kernel_file()
    try:
        entry_frames.load(functions_of(path, os.path.getmtime(path)))
    except (gdb.error, gdb.GdbError, OSError, KeyError, TypeError, subprocess.SubprocessError) as error:
        print(f"quartet: no back-traces through entry.asm, which is not what is expected: {error!r}")
    register_unwinder(None, AssemblyUnwinder(), replace=True)
