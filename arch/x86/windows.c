/* SPDX-License-Identifier: MIT */
/*
 * The contents of frames, and the last 2 MiB of the kernel's addresses through which pae reaches
 * those that the direct map does not. A window belongs to one CPU, which uses it with interrupts
 * off and forgets its old translation before each use; so there is no lock, and no other CPU need
 * ever hear of it.
 *
 * Zeroing and copying count: each is most of a page fault. Where there is SSE, 16 bytes go at a
 * time, through one register whose contents (a user's) are put back.
 */
#include "arch/x86/windows.h"

#include <string.h>

#include "arch/arch.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"

#define WINDOWS_EACH 2u /* what is written, and what is read in a copy */
#define DEVICE_FIRST (WINDOWS_EACH * ARCH_CPU_LIMIT)

static entry_t window_table[TABLE_ENTRIES] __attribute__((aligned(4096)));
static u32 device_count;

/* User and executable, so that the one page which is both can be; the others forbid it. */
u64 x86_windows_directory_entry(void) {
    return x86_image_physical(window_table) | X86_PRESENT | X86_WRITE | X86_USER;
}

static u64 global_flag(void) { return x86_features.global_pages ? X86_GLOBAL : 0; }

static void *window_address(u32 index) { return (void *)(X86_WINDOWS + (uword)index * PAGE_SIZE); }

void x86_windows_map_user(uword address, const void *page) {
    entry_t *entry = &window_table[(address - X86_WINDOWS) >> PAGE_SHIFT];
    u64 physical = x86_image_physical(page);
    arch_entry_publish(entry, (entry_t){physical | X86_PRESENT | X86_USER | global_flag()});
}

volatile void *x86_device_map(physical_t address) {
    ASSERT(device_count < X86_DEVICE_PAGES, "no room to map the device at 0x%llx",
           (unsigned long long)address);
    u32 index = DEVICE_FIRST + device_count++;
    u64 page = address & X86_FRAME_MASK;
    arch_entry_publish(&window_table[index],
                       (entry_t){page | X86_PRESENT | X86_WRITE | X86_CACHE_DISABLE |
                                 x86_no_execute_bit | global_flag()});
    return (char *)window_address(index) + (address & (PAGE_SIZE - 1));
}

bool arch_device_used(physical_t start, physical_t end) {
    for (u32 i = 0; i < device_count; i++) {
        physical_t page = window_table[DEVICE_FIRST + i].raw & X86_FRAME_MASK;
        if (start < page + PAGE_SIZE && page < end) {
            return true;
        }
    }
    return false;
}

/* ---- Frames ---------------------------------------------------------------------------------- */

enum window { WINDOW_TO, WINDOW_FROM };

/* A pointer to FRAME's contents, good until the same window is opened again. */
static void *frame_open(frame_t frame, enum window window) {
    if (arch_frame_is_low(frame)) {
        return arch_low_pointer(frame);
    }
    u32 index = arch_cpu()->number * WINDOWS_EACH + window;
    void *address = window_address(index);
    entry_t *entry = &window_table[index];
    u64 raw = frame_address(frame) | X86_PRESENT | X86_WRITE | x86_no_execute_bit | global_flag();
    if (entry->raw != raw) {
        entry->raw = 0;
        __asm__ volatile("" ::: "memory");
        arch_entry_publish(entry, (entry_t){raw});
        tlb_invalidate_page((uword)address);
    }
    return address;
}

#ifdef __x86_64__
#define STRING_STORE "rep stosq"
#define STRING_MOVE "rep movsq"
#else
#define STRING_STORE "rep stosl"
#define STRING_MOVE "rep movsl"
#endif

/* 256 bytes to each turn of the loop. XMM0 is not among the clobbers: the compiler is told to use
 * no such register, so there it does not exist. */
static void zero_by_sse(void *to, uword bytes) {
    u8 saved[16];
    __asm__ volatile("movups %%xmm0, %[saved]\n"
                     "xorps %%xmm0, %%xmm0\n"
                     "1:\n"
                     ".set offset, 0\n"
                     ".rept 16\n"
                     "movaps %%xmm0, offset(%[to])\n"
                     ".set offset, offset + 16\n"
                     ".endr\n"
                     "add $256, %[to]\n"
                     "cmp %[end], %[to]\n"
                     "jb 1b\n"
                     "movups %[saved], %%xmm0\n"
                     : [to] "+r"(to), [saved] "=m"(saved)
                     : [end] "r"((char *)to + bytes)
                     : "memory", "cc");
}

static void copy_by_sse(void *to, const void *from, uword bytes) {
    u8 saved[16];
    __asm__ volatile("movups %%xmm0, %[saved]\n"
                     "1:\n"
                     ".set offset, 0\n"
                     ".rept 16\n"
                     "movaps offset(%[from]), %%xmm0\n"
                     "movaps %%xmm0, offset(%[to])\n"
                     ".set offset, offset + 16\n"
                     ".endr\n"
                     "add $256, %[from]\n"
                     "add $256, %[to]\n"
                     "cmp %[end], %[to]\n"
                     "jb 1b\n"
                     "movups %[saved], %%xmm0\n"
                     : [to] "+r"(to), [from] "+r"(from), [saved] "=m"(saved)
                     : [end] "r"((char *)to + bytes)
                     : "memory", "cc");
}

void x86_block_zero(void *to, u32 bytes) {
    if (x86_features.sse) {
        zero_by_sse(to, bytes);
        return;
    }
    uword count = bytes / sizeof(uword);
    __asm__ volatile(STRING_STORE : "+D"(to), "+c"(count) : "a"((uword)0) : "memory");
}

void x86_block_copy(void *to, const void *from, u32 bytes) {
    if (x86_features.sse) {
        copy_by_sse(to, from, bytes);
        return;
    }
    uword count = bytes / sizeof(uword);
    __asm__ volatile(STRING_MOVE : "+D"(to), "+S"(from), "+c"(count)::"memory");
}

void arch_frame_zero(frame_t frame) { x86_block_zero(frame_open(frame, WINDOW_TO), PAGE_SIZE); }

void arch_frame_copy(frame_t to, frame_t from) {
    x86_block_copy(frame_open(to, WINDOW_TO), frame_open(from, WINDOW_FROM), PAGE_SIZE);
}

void arch_frame_write(frame_t frame, u32 offset, const void *source, u32 length) {
    memcpy((char *)frame_open(frame, WINDOW_TO) + offset, source, length);
}
