/* SPDX-License-Identifier: MIT */
/*
 * Simulated physical memory: one stretch of host address space, readable only where there is RAM.
 * The kernel gets pointers into the low zone alone; high frames it reaches through arch_frame_*, as
 * on pae. Where the kernel puts its own tables at boot the RAM is full of rubbish; later frames get
 * theirs when they are allocated (tests/host/harness.c). So what should be zero, and is not, shows.
 */
#include <string.h>
#include <sys/mman.h>

#include "arch/sim/sim.h"
#include "kernel/base/poison.h"
#include "kernel/vm/frame.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

void sim_poison(void *start, size_t length) { __asan_poison_memory_region(start, length); }
void sim_unpoison(void *start, size_t length) { __asan_unpoison_memory_region(start, length); }
#else
void sim_poison(void *start, size_t length) { (void)start, (void)length; }
void sim_unpoison(void *start, size_t length) { (void)start, (void)length; }
#endif

#define SPAN_FRAMES \
    0x200000u /* 8 GiB of addresses; no host memory is behind them until touched \
                               */
#define RUBBISH 0xA5
#define RUBBISH_FRAMES 0x800u

static struct sim_memory memory;
static u8 *span;
static u32 device_first, device_frames;

static void ram_enable(u32 start, u32 frames) {
    u8 *bytes = span + ((size_t)start << PAGE_SHIFT);
    size_t length = (size_t)frames << PAGE_SHIFT;
    if (frames != 0 && mprotect(bytes, length, PROT_READ | PROT_WRITE) != 0) {
        sim_fail("sim: no host memory for %u frames at %#x", frames, start);
    }
    sim_unpoison(bytes, length); /* what stood there before, of another boot */
    for (u32 i = start; i < start + frames && i < RUBBISH_FRAMES; i++) {
        memset(span + ((size_t)i << PAGE_SHIFT), RUBBISH, PAGE_SIZE);
    }
}

void sim_start(const struct sim_memory *configuration) {
    memory = *configuration;
    if (span) { /* a test that boots again */
        munmap(span, (size_t)SPAN_FRAMES << PAGE_SHIFT);
    }
    span = mmap(NULL, (size_t)SPAN_FRAMES << PAGE_SHIFT, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (span == MAP_FAILED) {
        sim_fail("sim: the host refuses %u frames of address space", SPAN_FRAMES);
    }
    u32 hole_end = memory.hole_start + memory.hole_frames;
    if (memory.hole_frames == 0) {
        ram_enable(0, memory.low_frames);
    } else {
        ram_enable(0, memory.hole_start);
        ram_enable(hole_end, memory.low_frames - hole_end);
    }
    ram_enable(memory.high_start, memory.high_frames);
    sim_cpus_start();
}

u32 sim_frame_limit(void) {
    return memory.high_frames != 0 ? memory.high_start + memory.high_frames : memory.low_frames;
}

bool sim_frame_exists(frame_t frame) {
    u32 number = frame.number;
    bool low = number < memory.low_frames && number - memory.hole_start >= memory.hole_frames;
    return low || number - memory.high_start < memory.high_frames;
}

void sim_device(u32 first, u32 frames) {
    device_first = first;
    device_frames = frames;
    ram_enable(first, frames);
}

bool sim_frame_is_device(frame_t frame) { return frame.number - device_first < device_frames; }

u8 *sim_frame_bytes(frame_t frame) {
    if (!sim_frame_exists(frame) && !sim_frame_is_device(frame)) {
        sim_fail("sim: frame %#x has no memory behind it", frame.number);
    }
    return span + frame_address(frame);
}

/* The zones meet at a 2 MiB border, whatever RAM there is. */
bool arch_frame_is_low(frame_t frame) {
    return frame.number / LARGE_FRAMES <= (memory.low_frames - 1) / LARGE_FRAMES;
}

void *arch_low_pointer(frame_t frame) {
    if (!arch_frame_is_low(frame)) {
        sim_fail("sim: kernel pointer wanted to the high frame %#x", frame.number);
    }
    return span + frame_address(
                      frame); /* a hole is no error until it is touched: the frame table spans it */
}

frame_t arch_low_frame(const void *pointer) {
    size_t offset = (size_t)((const u8 *)pointer - span);
    frame_t frame = {(u32)(offset >> PAGE_SHIFT)};
    if (offset >> PAGE_SHIFT >= SPAN_FRAMES || !arch_frame_is_low(frame)) {
        sim_fail("sim: %p is not a pointer into low memory", pointer);
    }
    return frame;
}

u32 sim_frame_references(frame_t frame) {
    return __atomic_load_n(&frame_table[frame.number].references, __ATOMIC_ACQUIRE);
}

/* Frames that the kernel works on must be its own: a reference, or the allocator does not know
 * them. */
static u8 *frame_in_use(frame_t frame, const char *what) {
    if (frame_is_managed(frame) && sim_frame_references(frame) == 0) {
        sim_fail("sim: %s of frame %#x, which is free", what, frame.number);
    }
    return sim_frame_bytes(frame);
}

void arch_frame_zero(frame_t frame) { memset(frame_in_use(frame, "zeroing"), 0, PAGE_SIZE); }

void arch_frame_copy(frame_t to, frame_t from) {
    memcpy(frame_in_use(to, "copy to"), frame_in_use(from, "copy from"), PAGE_SIZE);
}

void arch_frame_write(frame_t frame, u32 offset, const void *source, u32 length) {
    if (offset > PAGE_SIZE || length > PAGE_SIZE - offset) {
        sim_fail("sim: arch_frame_write of %u bytes at %u leaves the frame", length, offset);
    }
    memcpy(frame_in_use(frame, "write to") + offset, source, length);
}

u32 arch_memory_reserved_low(void) { return 16; }
