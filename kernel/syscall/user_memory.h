/* SPDX-License-Identifier: MIT */
/*
 * The only way from the portable kernel to user memory: ranges are checked here, then copied by the
 * architecture, which answers or refuses the faults. No lock may be held by a caller of any of
 * these. Each returns 0 or E_FAULT, but for user_range_check nothing says that the memory stays
 * mapped.
 */
#ifndef KERNEL_USER_MEMORY_H
#define KERNEL_USER_MEMORY_H

#include "arch/arch.h"
#include "kernel/base/types.h"

/* A range that a program may name: of length 0, or below ARCH_USER_TOP, in one slot, not null. */
static inline int user_range_check(uword address, uword length) {
    if (length == 0) {
        return E_OK;
    }
    bool inside = address != 0 && address < ARCH_USER_TOP && length <= ARCH_USER_TOP - address;
    return inside && SLOT_OF(address) == SLOT_OF(address + length - 1) ? E_OK : E_FAULT;
}

/* An address that a program may name as code, stack or argument: no more than 32 bits. */
bool user_address_valid(uword address);

int copy_in(void *to, uword from, u32 length);
int copy_out(uword to, const void *from, u32 length);

/* Find out whether the range can be written, by writing a byte of each page as it is, and leave its pages
 * present: so that a bad result pointer is refused before anything has happened. */
int user_writable_pages(u32 address, u32 length); /* of which the range has been checked */
static inline int user_writable_check(uword address, u32 length) {
    int error = length == 0 ? E_OK : user_range_check(address, length);
    if (error != E_OK || length == 0) {
        return error;
    }
    bool one = (address & (PAGE_SIZE - 1)) + length <= PAGE_SIZE;
    return one ? arch_user_writable((u32)address) : user_writable_pages((u32)address, length);
}

#endif
