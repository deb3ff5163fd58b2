/* SPDX-License-Identifier: MIT */
/*
 * The paging half of <arch_machine.h>, for both kernels: they use the same 64-bit entries.
 *
 *   63   62..44  43        12  11  10      9    8       7      6  5  4..3  2     1      0
 *   NX   0       frame         0   SHARED  COW  GLOBAL  LARGE  D  A  DEV   user  write  present
 *
 * DEV: PCD and PWT together, the uncached type, or PWT alone, write-combining, for the graphics
 * screen. No other user page has either.
 * Entries that these functions make are for user pages: always U, and G only in the commons. The
 * kernel's own mappings are made in paging.c. A reader holds the lock of the entry's owner, or the
 * entry's table is immutable; so only the CPU changes an entry behind its back, and only A and D.
 * Read next: paging.c, then pae/root.c or long/root.c.
 */
#ifndef ARCH_X86_MACHINE_PAGING_H
#define ARCH_X86_MACHINE_PAGING_H

#include "kernel/base/types.h"

#define X86_PRESENT 0x001ull
#define X86_WRITE 0x002ull
#define X86_USER 0x004ull
#define X86_CACHE_DISABLE 0x018ull /* PCD and PWT: the uncached type of a device */
#define X86_COMBINE 0x008ull       /* PWT alone: write-combining (x86_features.pat), for pixels */
#define X86_LARGE 0x080ull
#define X86_GLOBAL 0x100ull
#define X86_FRAME_MASK 0x00000FFFFFFFF000ull /* a frame number has 32 bits */

/* Bit 63 where the CPU has NX (and EFER.NXE is set), else 0. */
extern u64 x86_no_execute_bit;

/* ---- Low memory: reachable through the direct map -------------------------------------------- */

static inline bool arch_frame_is_low(frame_t frame) {
    return frame_address(frame) < X86_DIRECT_MAP_SIZE;
}

static inline void *arch_low_pointer(frame_t frame) {
    return (void *)(X86_DIRECT_MAP + ((uword)frame.number << PAGE_SHIFT));
}

static inline frame_t arch_low_frame(const void *pointer) {
    return (frame_t){(u32)(((uword)pointer - X86_DIRECT_MAP) >> PAGE_SHIFT)};
}

/* A physical address below the end of the direct map. */
static inline void *x86_physical_pointer(physical_t address) {
    return (void *)(X86_DIRECT_MAP + (uword)address);
}

/* The physical address of something in the kernel's image (code, data, BSS). */
static inline physical_t x86_image_physical(const void *pointer) {
    return (uword)pointer - X86_IMAGE_BASE;
}

/* ADDRESS is in the graphics screen, and the CPUs can combine writes to it. */
bool x86_in_framebuffer(physical_t address);

/* ---- Entries --------------------------------------------------------------------------------- */

/* The flags were numbered so that each group needs one shift. */
static inline entry_t arch_entry_make(frame_t frame, u32 flags) {
    u32 low = (flags & 0x103) | (u32)X86_USER | (flags & 0x08) << 4 | (flags & 0x30) << 5 |
              (flags & 0xC0) >> 1 | (flags & 0x200 ? (u32)X86_CACHE_DISABLE : 0);
    u64 raw = frame_address(frame) | low;
    return (entry_t){flags & 0x04 ? raw : raw | x86_no_execute_bit};
}

/* The same for a page of device memory, FLAGS with ENTRY_DEVICE. One that is made again from its
 * flags, as by quarter_protect, is uncached whatever it was: slower, and as right. */
static inline entry_t arch_entry_make_device(frame_t frame, u32 flags) {
    entry_t entry = arch_entry_make(frame, flags);
    if (x86_in_framebuffer(frame_address(frame))) {
        entry.raw ^= X86_CACHE_DISABLE ^ X86_COMBINE;
    }
    return entry;
}

/* One expression for each group, so that a test for one flag costs one test. */
static inline u32 arch_entry_flags(entry_t entry) {
    u32 low = (u32)entry.raw;
    bool executable = (low & X86_PRESENT) && !(entry.raw & x86_no_execute_bit);
    return (low & 0x103) | (low >> 4 & 0x08) | (low >> 5 & 0x30) | (low << 1 & 0xC0) |
           (low << 6 & 0x200) | (executable ? 0x04 : 0);
}

/* FLAGS is a constant in every use, so this is one test. */
static inline bool arch_entry_has(entry_t entry, u32 flags) {
    u32 low = (flags & 0x103) | (flags & 0x08) << 4 | (flags & 0x30) << 5 | (flags & 0xC0) >> 1 |
              (flags & 0x200) >> 6;
    return ((u32)entry.raw & low) != 0 || ((flags & 0x04) && (arch_entry_flags(entry) & 0x04));
}

static inline frame_t arch_entry_frame(entry_t entry) {
    return (frame_t){(u32)(entry.raw >> PAGE_SHIFT)};
}

#define X86_COW 0x200ull

static inline u32 arch_entry_block(entry_t entry) { return (u32)(entry.raw >> TABLE_SHIFT); }

/* A writable entry has not got COW, so one XOR turns both. They are in the low half, which can be
 * changed alone; A and D are left as the CPU has them. */
static inline entry_t arch_entry_protect(entry_t *entry, entry_t seen) {
    __atomic_fetch_xor((u32 *)(void *)&entry->raw, (u32)(X86_WRITE | X86_COW), __ATOMIC_SEQ_CST);
    return (entry_t){seen.raw ^ (X86_WRITE | X86_COW)};
}

#ifdef __x86_64__

static inline entry_t arch_entry_read(const entry_t *entry) {
    return (entry_t){__atomic_load_n(&entry->raw, __ATOMIC_RELAXED)};
}

static inline void arch_entry_publish(entry_t *entry, entry_t value) {
    __atomic_store_n(&entry->raw, value.raw, __ATOMIC_RELEASE);
}

static inline entry_t arch_entry_exchange(entry_t *entry, entry_t value) {
    return (entry_t){__atomic_exchange_n(&entry->raw, value.raw, __ATOMIC_SEQ_CST)};
}

#else

/* Two loads do: A and D, all that may change meanwhile, are both in the low half. */
static inline entry_t arch_entry_read(const entry_t *entry) {
    const volatile u32 *half = (const volatile u32 *)&entry->raw;
    u32 low = half[0];
    return (entry_t){(u64)half[1] << 32 | low};
}

/* Hazard 15: the half with the present bit goes last, so the CPU sees nothing or everything. */
static inline void arch_entry_publish(entry_t *entry, entry_t value) {
    volatile u32 *half = (volatile u32 *)&entry->raw;
    half[1] = (u32)(value.raw >> 32);
    __asm__ volatile("" ::: "memory");
    half[0] = (u32)value.raw;
}

/* Hazard 16: the CPU may set A and D up to the last moment, so only a compare-exchange of all 64
 * bits loses none of them. */
static inline entry_t arch_entry_exchange(entry_t *entry, entry_t value) {
    u64 old = arch_entry_read(entry).raw;
    bool done;
    do {
        __asm__ volatile("lock cmpxchg8b %[entry]"
                         : [entry] "+m"(entry->raw), "+A"(old), "=@ccz"(done)
                         : "b"((u32)value.raw), "c"((u32)(value.raw >> 32))
                         : "memory");
    } while (!done);
    return (entry_t){old};
}

#endif

/* ---- For the rest of arch/x86 ---------------------------------------------------------------- */

struct boot_info;

/* Build the kernel's final tables and load them. Takes their memory from the reserve at the image's
 * end, which shrinks BOOT's kernel_end to what was used; trims from BOOT what the direct map cannot
 * reach (long), and moves the initrd into low memory (pae). */
void x86_paging_initialise(struct boot_info *boot);

/* Map the graphics screen at X86_FRAMEBUFFER, whichever tables are loaded; the final ones get it by
 * x86_paging_initialise. Where its first pixel is then. */
volatile void *x86_framebuffer_map(const struct info_framebuffer *picture);

/* Map one page of device registers, uncached; for good. The device must be one of the few known at
 * boot. */
volatile void *x86_device_map(physical_t address);

#endif
