# SPDX-License-Identifier: MIT
"""Call-frame information for the kernel's entry.asm: nasm writes none, so it is made here, from the
instructions, and given to GDB as a small object file.

Why not in Python, as the rest of unwind.py: GDB takes a caller whose stack lies below that of the
called one for a corrupt stack, and a program's stack does lie below the kernel's. Only frames of
signal handlers may do that, and only DWARF can say that a frame is one ("S").

    depth    how much of struct trap_frame has been pushed, from the top of the kernel stack down
    rule     a field that is on the stack is there; what is not is still in its register

The fields stand in the order of struct trap_frame, so the depth alone says which ones are saved.
"""
import atexit
import os
import re
import shutil
import subprocess
import tempfile

import gdb

from quartet_gdb import kernel, users
from quartet_gdb.machine import architecture

SYSTEM_CALL_LANDING = 0xFFFFE004  # pae: X86_SYSTEM_CALL_PAGE + 4, as entry.asm has it
DWARF_PAE = {name: i for i, name in enumerate("eax ecx edx ebx esp ebp esi edi eip eflags".split())}
DWARF_LONG = {name: i for i, name in enumerate("rax rdx rcx rbx rsi rdi rbp rsp".split())}
DWARF_LONG.update({f"r{i}": i for i in range(8, 16)}, rip=16, rflags=49)

# {address: (start of the function, depth)} for every instruction; depth None: all is in registers.
depths = {}
after_calls = set()  # where calls return to

LEAVES_FAST = ("x86_entry_fast_call", "resume_frame")  # with the program's stack, by itself

ADJUST = re.compile(r"(sub|add)[lq]? +\$(0x[0-9a-f]+),%[er]sp$")
LOADS_STACK = re.compile(r"mov +[^$%r].*,%[er]sp$|mov +%gs:.*,%rsp$")


def uleb(value):
    out = []
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if value == 0:
            return out


class Machine:
    """Names and numbers that differ between the kernels."""

    def __init__(self):
        self.wide = architecture() == "long"
        self.word = 8 if self.wide else 4
        self.dwarf = DWARF_LONG if self.wide else DWARF_PAE
        self.stack, self.pc = ("rsp", "rip") if self.wide else ("esp", "eip")
        kind = kernel.structure("trap_frame")
        self.size = kind.sizeof
        # Depth after the push of a field: its register.
        self.at_depth = {self.size - part.bitpos // 8: part.name for part in kind.fields()}


class Rules:
    """The DW_CFA operations of one function, as bytes."""

    def __init__(self, machine):
        self.machine, self.bytes = machine, []

    def advance(self, length):
        self.bytes += [0x04, *length.to_bytes(4, "little")]

    def cfa(self, register, offset):
        self.bytes += [0x0C, self.machine.dwarf[register], *uleb(offset)]

    def saved(self, depth):
        """The field pushed at DEPTH is on the stack."""
        name = self.machine.at_depth.get(depth)
        if name in self.machine.dwarf:
            self.bytes += [0x05, *uleb(self.machine.dwarf[name]), *uleb(depth // self.machine.word)]

    def same(self, depth):
        name = self.machine.at_depth.get(depth)
        if name in self.machine.dwarf:
            self.bytes += [0x08, self.machine.dwarf[name]]

    def unknown(self, name):
        self.bytes += [0x07, self.machine.dwarf[name]]

    def in_register(self, name, register):
        self.bytes += [0x09, self.machine.dwarf[name], self.machine.dwarf[register]]

    def constant(self, name, value):
        self.bytes += [0x16, self.machine.dwarf[name], 5, 0x0C, *value.to_bytes(4, "little")]


class Scan:
    """Follows the depth through one function, from START_DEPTH on."""

    def __init__(self, machine, start_depth, fast):
        self.machine, self.rules, self.fast = machine, Rules(machine), fast
        self.depth = None if fast else start_depth
        if fast:
            self.user_registers(first=True)
        else:
            self.rules.cfa(machine.stack, start_depth)
            for depth in range(machine.word, start_depth + 1, machine.word):
                self.rules.saved(depth)

    def user_registers(self, first):
        """At either end of a fast call all is in registers."""
        machine, rules = self.machine, self.rules
        self.depth = None if first or machine.wide else self.depth
        if machine.wide:
            rules.cfa("rsp", 0)
            rules.in_register("rip", "rcx")
            rules.in_register("rflags", "r11")
        elif first:
            rules.cfa("ecx", 0)
            rules.constant("eip", SYSTEM_CALL_LANDING)

    def kernel_stack(self):
        """A fast call is on the kernel stack now, and nothing has been pushed."""
        self.depth = 0
        self.rules.cfa(self.machine.stack, 0)
        if self.machine.wide:
            self.rules.unknown("rsp")
        else:
            self.rules.in_register("esp", "ecx")

    def move(self, bytes_pushed, by_push):
        word, old, self.depth = self.machine.word, self.depth, self.depth + bytes_pushed
        self.rules.cfa(self.machine.stack, self.depth)
        for depth in range(old + word, self.depth + 1, word):
            if by_push:
                self.rules.saved(depth)
            elif self.machine.at_depth.get(depth) in self.machine.dwarf:
                self.rules.unknown(self.machine.at_depth[depth])  # left out by a fast call
        for depth in range(self.depth + word, old + 1, word):
            self.rules.same(depth)

    def instruction(self, text):
        """True if a rule has changed behind it."""
        change = ADJUST.match(text)
        if text.startswith("push"):
            self.move(self.machine.word, True)
        elif text.startswith("pop"):
            self.move(-self.machine.word, True)
        elif change:
            amount = int(change[2], 16)
            self.move(amount if change[1] == "sub" else -amount, False)
        elif self.fast and LOADS_STACK.match(text):
            if self.depth is None:
                self.kernel_stack()
            else:
                self.user_registers(first=False)
        else:
            return False
        return True


# ---- The functions of entry.asm -----------------------------------------------------------------


def start_depth(name, instructions, machine):
    """How much of the frame there is when NAME begins; None: it has no user's frame."""
    by_cpu = 5 * machine.word
    if name.startswith("vector_"):
        if instructions[-1][1].endswith("<own_stack_entry>"):
            return None
        pushes = sum(text.startswith("push") for _, text in instructions)
        return by_cpu if pushes == 2 else by_cpu + machine.word
    return {
        "trap_entry": by_cpu + 2 * machine.word,
        "x86_entry_system_call": by_cpu,
        "x86_entry_fast_call": 0,
        "return_to_kernel": machine.size,
        "return_from_trap": machine.size,
        "return_to_user": machine.size,
        "finish_call": machine.size,
        "x86_thread_enter_user": machine.size,
        "resume_frame": machine.size,
        "parked_resume": machine.size,
    }.get(name)


def disassemble(start, end):
    lines = gdb.selected_inferior().architecture().disassemble(start, end - 1)
    return [(line["length"], line["asm"].strip()) for line in lines]


def entry_functions(table):
    """(name, start, end) of the functions in entry.asm, from the symbols [(address, name)]."""
    for (start, name), (end, _) in zip(table, table[1:]):
        symtab = gdb.find_pc_line(start).symtab
        if symtab is not None and re.search(r"arch/x86/\w+/entry\.asm$", symtab.filename):
            yield name, start, end


def function_rules(name, start, end, machine):
    instructions = disassemble(start, end)
    depth = start_depth(name, instructions, machine)
    if depth is None:
        return None
    scan = Scan(machine, depth, name == "x86_entry_fast_call")
    scan.fast = name in LEAVES_FAST
    passed = 0
    address = start
    for length, text in instructions:
        depths[address] = (start, scan.depth)
        address += length
        passed += length
        if text.startswith("call"):
            after_calls.add(address)
        place = len(scan.rules.bytes)
        scan.rules.advance(passed)
        if scan.instruction(text):
            passed = 0
        else:
            del scan.rules.bytes[place:]
    return scan.rules.bytes


# ---- The object file ----------------------------------------------------------------------------


def listed(values):
    return f".byte {', '.join(map(str, values))}\n" if values else ""


def assembly(functions, machine):
    """The text of a .debug_frame section for FUNCTIONS: (start, end, rules)."""
    align, address = (3, ".8byte") if machine.wide else (2, ".4byte")
    text = ".section .debug_frame\n.4byte 2f - 1f\n1: .4byte 0xffffffff\n"
    # Version 1, a signal frame, code aligned to 1, data to -word, the return address's column.
    data_align = 0x80 - machine.word
    text += f'.byte 1\n.asciz "zS"\n.byte 1, {data_align}, {machine.dwarf[machine.pc]}, 0\n'
    text += f".balign {1 << align}, 0\n2:\n"
    for start, end, rules in functions:
        text += f".4byte 4f - 3f\n3: .4byte 0\n{address} {start:#x}, {end - start:#x}\n.byte 0\n"
        text += listed(rules) + f".balign {1 << align}, 0\n4:\n"
    return text


def load(table):
    """Make the frames of the kernel whose symbols are TABLE known to GDB."""
    machine = Machine()
    functions = []
    for name, start, end in entry_functions(table):
        rules = function_rules(name, start, end, machine)
        if rules is not None:
            functions.append((start, end, rules))
    folder = tempfile.mkdtemp(prefix="quartet-gdb-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # GDB reads it when it needs it
    file = os.path.join(folder, "entry-frames.o")
    command = ["as", "--64" if machine.wide else "--32", "-o", file, "-"]
    subprocess.run(command, input=assembly(functions, machine), text=True, check=True)
    users.quietly(f'add-symbol-file "{file}"')
