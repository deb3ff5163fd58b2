/* SPDX-License-Identifier: MIT */
/*
 * User memory: range checks and the copies. Holds no state and takes no lock.
 */
#include "kernel/syscall/user_memory.h"

#include "arch/arch.h"

int user_range_check(uword address, uword length) {
    if (length == 0) {
        return E_OK;
    }
    bool inside = address != 0 && address < ARCH_USER_TOP && length <= ARCH_USER_TOP - address;
    return inside && SLOT_OF(address) == SLOT_OF(address + length - 1) ? E_OK : E_FAULT;
}

bool user_address_valid(uword address) { return address == (u32)address; }

int copy_in(void *to, uword from, u32 length) {
    if (length == 0) {
        return E_OK;
    }
    int error = user_range_check(from, length);
    return error != E_OK ? error : arch_copy_in(to, (u32)from, length);
}

int copy_out(uword to, const void *from, u32 length) {
    if (length == 0) {
        return E_OK;
    }
    int error = user_range_check(to, length);
    return error != E_OK ? error : arch_copy_out((u32)to, from, length);
}

int user_writable_check(uword address, u32 length) {
    int error = user_range_check(address, length);
    u32 done = 0;
    while (error == E_OK && done < length) {
        u8 byte;
        u32 at = (u32)address + done;
        error = arch_copy_in(&byte, at, 1);
        if (error == E_OK) {
            error = arch_copy_out(at, &byte, 1);
        }
        done += PAGE_SIZE - (at & (PAGE_SIZE - 1));
    }
    return error;
}
