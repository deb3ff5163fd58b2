/* SPDX-License-Identifier: MIT */
/*
 * User memory: range checks and the copies. Holds no state and takes no lock.
 */
#include "kernel/syscall/user_memory.h"

#include "arch/arch.h"

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

int user_writable_pages(u32 address, u32 length) {
    int error = E_OK;
    for (u32 done = 0; error == E_OK && done < length;) {
        u32 at = address + done;
        error = arch_user_writable(at);
        done += PAGE_SIZE - (at & (PAGE_SIZE - 1));
    }
    return error;
}
