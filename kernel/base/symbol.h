/* SPDX-License-Identifier: MIT */
/*
 * Names for kernel addresses. The table is made by tools/symbols.py from the first link of the
 * kernel, and linked into the second; in the first it is empty.
 */
#ifndef KERNEL_SYMBOL_H
#define KERNEL_SYMBOL_H

#include "kernel/base/types.h"

/* The table: addresses ascending, for each the place of its name in symbol_names. */
extern const u32 symbol_count;
extern const uword symbol_address[];
extern const u32 symbol_name[];
extern const char symbol_names[];

/* The function that ADDRESS is in and how far, or null. */
const char *symbol_find(uword address, uword *offset);

/* Print ADDRESS and, if it is known, function+offset, with a line's end. */
void symbol_print(uword address);

/* The same for a return address: if the call was a function's last instruction, it is already in
 * the next. */
void symbol_print_return(uword address);

#endif
