#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the kernel's symbol table (kernel/base/symbol.h) from a linked kernel.

    tools/symbols.py KERNEL_ELF [OUTPUT.c]        (without OUTPUT.c: to standard output)

The kernel is linked twice. The first link has the empty table of kernel/base/symbol.c:

    kernel.first.elf: all objects
    symbols.c:        tools/symbols.py kernel.first.elf symbols.c
    symbols.o:        symbols.c with the kernel's own flags
    kernel.elf:       the same objects and symbols.o

The table stands in section .symbols, which linker.ld puts behind code, constants and data, so that
the second link moves no function. Only functions are in it, and one last entry that ends the code.
What runs before paging, at low addresses, is left out: user code has the same addresses later.
"""
import re
import subprocess
import sys

HIGHER_HALF = 0x80000000
COMPILER_MADE = re.compile(r"\.(part|constprop|isra|cold|llvm)\b")


def read_functions(kernel, lowest=HIGHER_HALF):
    """Return [(address, name)] from LOWEST on, ascending, one name for each address."""
    nm = subprocess.run(["nm", "-n", kernel], check=True, capture_output=True, text=True)
    functions, others = {}, []
    for line in nm.stdout.splitlines():
        fields = line.split()
        if len(fields) != 3:
            continue  # undefined: no address
        address, kind, name = int(fields[0], 16), fields[1], fields[2]
        if address < lowest:
            continue
        if kind in "tTwW":
            if "." in name and not COMPILER_MADE.search(name):
                continue  # a local label of the assembler
            functions.setdefault(address, name)
        elif kind not in "aA":
            others.append(address)
    table = sorted(functions.items())
    last = table[-1][0] if table else 0
    table.append((min((address for address in others if address > last), default=last + 1), ""))
    return table


def write_table(table, output):
    names, places, position = [], [], 0
    for _, name in table:
        names.append(name)
        places.append(position)
        position += len(name) + 1
    output.write("/* Made by tools/symbols.py from the first link of the kernel. */\n")
    output.write('#include "kernel/base/symbol.h"\n\n')
    output.write('#define TABLE __attribute__((section(".symbols")))\n\n')
    output.write(f"TABLE const u32 symbol_count = {len(table)};\n")
    output.write(f"TABLE const uword symbol_address[{len(table)}] = {{\n")
    output.writelines(f"    {address:#x},\n" for address, _ in table)
    output.write(f"}};\nTABLE const u32 symbol_name[{len(table)}] = {{\n")
    output.writelines(f"    {place},\n" for place in places)
    output.write(f"}};\nTABLE const char symbol_names[{position + 1}] =\n")
    output.writelines(f'    "{name}\\0"\n' for name in names)
    output.write("    ;\n")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    table = read_functions(sys.argv[1])
    if len(sys.argv) == 2:
        write_table(table, sys.stdout)
    else:
        with open(sys.argv[2], "w") as output:
            write_table(table, output)


if __name__ == "__main__":
    main()
