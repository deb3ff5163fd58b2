/* SPDX-License-Identifier: MIT */
/*
 * Symbol lookup for panics. No locks: the table is constant. The empty table here is weak; the one
 * that tools/symbols.py writes takes its place in the second link. Both stand in section .symbols,
 * behind all code, so that the second link moves no function.
 */
#include "kernel/base/symbol.h"

#include "kernel/base/print.h"

#define EMPTY_TABLE __attribute__((weak, section(".symbols")))

EMPTY_TABLE const u32 symbol_count = 0;
EMPTY_TABLE const uword symbol_address[1] = {0};
EMPTY_TABLE const u32 symbol_name[1] = {0};
EMPTY_TABLE const char symbol_names[1] = "";

/* The compiler must not know that the weak table is empty: it would believe it of the other,
 * too. */
static u32 table_length(void) {
    const u32 *count = &symbol_count;
    __asm__("" : "+r"(count));
    return *count;
}

const char *symbol_find(uword address, uword *offset) {
    const u32 length = table_length();
    u32 low = 0, high = length; /* the answer is the last entry that is not above ADDRESS */
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (symbol_address[middle] <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* The last symbol only marks the end of the code. */
    if (low == 0 || low == length) {
        return NULL;
    }
    *offset = address - symbol_address[low - 1];
    return symbol_names + symbol_name[low - 1];
}

/* Print ADDRESS as a distance from the function that the byte BACK before it is in. */
static void print_from(uword address, uword back) {
    uword offset;
    const char *name = symbol_find(address - back, &offset);
    if (name != NULL) {
        print("  0x%lx %s+0x%lx\n", (unsigned long)address, name, (unsigned long)(offset + back));
    } else {
        print("  0x%lx\n", (unsigned long)address);
    }
}

void symbol_print(uword address) { print_from(address, 0); }

void symbol_print_return(uword address) { print_from(address, 1); }
