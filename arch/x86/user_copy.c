/* SPDX-License-Identifier: MIT */
/*
 * The only code that touches user memory, and the only code that may fault in kernel mode. Each
 * instruction that may is in the fixup table, with the place to go on if the fault is not served.
 * With SMAP, user memory is open between STAC and CLAC only (entry.asm clears AC, and IRET brings
 * it back). Takes no locks, and must be called with none held: serving the fault takes a quarter's
 * (hazard 33).
 */
#include "arch/x86/cpu_features.h"
#include "arch/x86/traps.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"

/* Distances from the fields themselves, so that an entry has the same size on both kernels. */
struct fixup {
    int32_t instruction, landing;
};

extern const struct fixup kernel_fixups_start[], kernel_fixups_end[]; /* linker.ld */

#define FIXUP(instruction, landing) \
    ".pushsection .fixups, \"a\"\n" \
    ".balign 4\n"                   \
    ".long " instruction " - .\n"   \
    ".long " landing " - .\n"       \
    ".popsection\n"

#ifdef __x86_64__
#define MOVS_WORD "movsq"
#else
#define MOVS_WORD "movsl"
#endif

uword x86_fixup_find(uword instruction) {
    for (const struct fixup *fixup = kernel_fixups_start; fixup < kernel_fixups_end; fixup++) {
        if ((uword)&fixup->instruction + (uword)(intptr_t)fixup->instruction == instruction) {
            return (uword)&fixup->landing + (uword)(intptr_t)fixup->landing;
        }
    }
    return 0;
}

/* Copy; true if every byte was copied. */
static inline bool copy_or_fault(void *to, const void *from, uword length) {
    uword count = length / sizeof(uword);
    u32 failed;
    __asm__ volatile("1: rep " MOVS_WORD "\n"
                     "mov %[rest], %%ecx\n"
                     "2: rep movsb\n"
                     "xor %[failed], %[failed]\n"
                     "jmp 4f\n"
                     "3: mov $1, %[failed]\n"
                     "4:\n" FIXUP("1b", "3b") FIXUP("2b", "3b")
                     : [failed] "=&r"(failed), "+c"(count), "+D"(to), "+S"(from)
                     : [rest] "r"((u32)(length % sizeof(uword)))
                     : "memory", "cc");
    return failed == 0;
}

/* With SMAP: user memory is open from here on, or no longer. */
static inline void user_open(void) {
    ASSERT(arch_cpu()->lock_count == 0, "user memory is touched while %u locks are held",
           arch_cpu()->lock_count);
    if (x86_features.smap) {
        __asm__ volatile("stac" ::: "memory", "cc");
    }
}

static inline void user_close(void) {
    if (x86_features.smap) {
        __asm__ volatile("clac" ::: "memory", "cc");
    }
}

static inline int copy_user(void *to, const void *from, uword length) {
    user_open();
    bool complete = copy_or_fault(to, from, length);
    user_close();
    return complete ? E_OK : E_FAULT;
}

/* A locked OR of nothing: another thread's store to that byte is not lost. */
int arch_user_writable(u32 address) {
    int error;
    user_open();
    __asm__ volatile("1: lock orb $0, (%[address])\n"
                     "xor %[error], %[error]\n"
                     "jmp 3f\n"
                     "2: mov %[fault], %[error]\n"
                     "3:\n" FIXUP("1b", "2b")
                     : [error] "=&r"(error)
                     : [address] "r"((uword)address), [fault] "i"(E_FAULT)
                     : "memory", "cc");
    user_close();
    return error;
}

int arch_copy_in(void *to, u32 from, u32 length) {
    return copy_user(to, (const void *)(uword)from, length);
}

int arch_copy_out(u32 to, const void *from, u32 length) {
    return copy_user((void *)(uword)to, from, length);
}

bool x86_probe_word(uword address, uword *value) {
    return address >= X86_DIRECT_MAP && address % sizeof(uword) == 0 &&
           copy_or_fault(value, (const void *)address, sizeof(*value));
}
