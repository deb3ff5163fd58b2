/* SPDX-License-Identifier: MIT */
/*
 * Symbol lookup for panics. No locks: the table is constant. The empty table here is weak; the one that
 * tools/symbols.py writes takes its place in the second link. Both stand in section .symbols, behind all
 * code, so that the second link moves no function.
 */
#include "kernel/base/symbol.h"

#include "kernel/base/print.h"

#define EMPTY_TABLE __attribute__((weak, section(".symbols")))

EMPTY_TABLE const u32 symbol_count = 0;
EMPTY_TABLE const uword symbol_address[1] = {0};
EMPTY_TABLE const u32 symbol_name[1] = {0};
EMPTY_TABLE const char symbol_names[1] = "";

const char *symbol_find(uword address, uword *offset) {
    u32 low = 0, high = symbol_count; /* the answer is the last entry that is not above ADDRESS */
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (symbol_address[middle] <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* The last symbol only marks the end of the code. */
    if (low == 0 || low == symbol_count) {
        return NULL;
    }
    *offset = address - symbol_address[low - 1];
    return symbol_names + symbol_name[low - 1];
}

void symbol_print(uword address) {
    uword offset;
    const char *name = symbol_find(address, &offset);
    if (name != NULL) {
        print("  0x%lx %s+0x%lx\n", (unsigned long)address, name, (unsigned long)offset);
    } else {
        print("  0x%lx\n", (unsigned long)address);
    }
}
