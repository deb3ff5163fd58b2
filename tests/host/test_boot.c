/* SPDX-License-Identifier: MIT */
/*
 * Proves that the loaders' structures (PVH, Multiboot2) and the firmware's memory map, whatever
 * they hold, become either a boot_info that keeps its promises or a sentence: never a read outside
 * the memory given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot.h"

#define MIB (1ull << 20)
#define MEMORY_SIZE 0x8000u

static uint8_t *memory_bytes;
static struct boot_memory memory;
static struct boot_info boot;

static int begin(void **state) {
    (void)state;
    memory_bytes = calloc(1, MEMORY_SIZE);
    memory = (struct boot_memory){.base = (uintptr_t)memory_bytes, .size = MEMORY_SIZE};
    memset(&boot, 0, sizeof(boot));
    boot.kernel_start = MIB;
    boot.kernel_end = MIB + 300 * 1024;
    return 0;
}

static int end(void **state) {
    (void)state;
    free(memory_bytes);
    return 0;
}

static void put32(u32 address, u32 value) { memcpy(memory_bytes + address, &value, 4); }
static void put64(u32 address, u64 value) { memcpy(memory_bytes + address, &value, 8); }

static void assert_ranges(unsigned count, ...) {
    va_list arguments;
    assert_int_equal(boot.range_count, count);
    va_start(arguments, count);
    for (unsigned i = 0; i < count; i++) {
        u64 start = va_arg(arguments, u64), end_ = va_arg(arguments, u64);
        assert_int_equal(boot.range[i].start, start);
        assert_int_equal(boot.range[i].end, end_);
    }
    va_end(arguments);
}

/* ---- The memory map -------------------------------------------------------------------------- */

struct piece {
    u64 start, length;
    u32 type;
};

static const char *feed(const struct piece *pieces, unsigned count) {
    for (int pass = MEMORY_MAP_ADD; pass <= MEMORY_MAP_REMOVE; pass++) {
        for (unsigned i = 0; i < count; i++) {
            const char *error = memory_map_entry(&boot, (enum memory_map_pass)pass, pieces[i].start,
                                                 pieces[i].length, pieces[i].type);
            if (error) {
                return error;
            }
        }
    }
    return memory_map_finish(&boot);
}
#define FEED(...)                             \
    feed((const struct piece[]){__VA_ARGS__}, \
         sizeof((const struct piece[]){__VA_ARGS__}) / sizeof(struct piece))

static void map_is_sorted_and_merged(void **state) {
    (void)state;
    assert_null(
        FEED({4 * MIB, 4 * MIB, 1}, {0, 640 * 1024, 1}, {8 * MIB, MIB, 1}, {MIB, 3 * MIB, 1}));
    assert_ranges(2, (u64)0, (u64)640 * 1024, (u64)MIB, (u64)9 * MIB);
}

static void reserved_memory_wins(void **state) {
    (void)state;
    assert_null(
        FEED({0, 16 * MIB, 1}, {4 * MIB, MIB, 2}, {3 * MIB, 4 * MIB, 1}, {15 * MIB + 5, 10, 3}));
    assert_ranges(3, (u64)0, (u64)4 * MIB, (u64)5 * MIB, (u64)15 * MIB, (u64)15 * MIB + 4096,
                  (u64)16 * MIB);
}

static void parts_of_frames_are_dropped(void **state) {
    (void)state;
    assert_null(FEED({100, 8 * MIB, 1}, {9 * MIB + 1, 4095, 1}, {10 * MIB, 4095, 1}));
    assert_ranges(1, (u64)4096, (u64)8 * MIB);
}

static void memory_above_what_frame_numbers_reach(void **state) {
    (void)state;
    assert_null(FEED({0, 8 * MIB, 1}, {1ull << 43, 1ull << 43, 1}, {1ull << 50, MIB, 1}));
    assert_ranges(2, (u64)0, (u64)8 * MIB, (u64)1 << 43, (u64)1 << 44);
}

static void wrapping_entries(void **state) {
    (void)state;
    assert_non_null(FEED({0, 8 * MIB, 1}, {UINT64_MAX - 10, 100, 1}));
    boot.range_count = 0;
    assert_null(FEED({0, 8 * MIB, 1}, {4 * MIB, UINT64_MAX, 2}));
    assert_ranges(1, (u64)0, (u64)4 * MIB);
}

static void maps_without_use(void **state) {
    (void)state;
    assert_non_null(memory_map_finish(&boot));
    assert_non_null(FEED({0, 16 * MIB, 2}));
    assert_non_null(FEED({4 * MIB, 4 * MIB, 1})); /* not where the kernel is */
    boot.range_count = 0;
    assert_non_null(FEED({0, 8 * MIB, 1}, {MIB + 4096, 16, 2})); /* a hole in the kernel */
}

static void initrd_must_lie_in_memory(void **state) {
    (void)state;
    boot.initrd_start = 4 * MIB;
    boot.initrd_end = 5 * MIB;
    assert_null(FEED({0, 8 * MIB, 1}));
    boot.range_count = 0;
    assert_non_null(FEED({0, 4 * MIB + 5, 1}));
    boot.range_count = 0;
    boot.initrd_start = boot.kernel_start;
    assert_non_null(FEED({0, 8 * MIB, 1})); /* over the kernel */
}

static void too_many_pieces(void **state) {
    (void)state;
    const char *error = NULL;
    for (unsigned i = 0; i <= BOOT_RANGES && !error; i++) {
        error = memory_map_entry(&boot, MEMORY_MAP_ADD, i * 2 * MIB, MIB, MEMORY_MAP_RAM);
    }
    assert_non_null(error);
    assert_int_equal(boot.range_count, BOOT_RANGES);
    assert_non_null(
        memory_map_entry(&boot, MEMORY_MAP_REMOVE, 4096, 4096, 2)); /* would make one more */
    assert_true(boot.range_count <= BOOT_RANGES);
}

/* ---- PVH ------------------------------------------------------------------------------------- */

enum { PVH = 0x100, PVH_MAP = 0x400, PVH_MODULES = 0x200, PVH_LINE = 0x300 };

static void make_pvh(void) {
    put32(PVH, BOOT_PVH_MAGIC);
    put32(PVH + 4, 1);
    put32(PVH + 12, 1);
    put64(PVH + 16, PVH_MODULES);
    put64(PVH + 24, PVH_LINE);
    put64(PVH + 32, 0xE0000);
    put64(PVH + 40, PVH_MAP);
    put32(PVH + 48, 2);
    put64(PVH_MODULES, 2 * MIB);
    put64(PVH_MODULES + 8, 12345);
    strcpy((char *)memory_bytes + PVH_LINE, "quiet exec=00");
    put64(PVH_MAP, 0);
    put64(PVH_MAP + 8, 64 * MIB);
    put32(PVH_MAP + 16, 1);
    put64(PVH_MAP + 24, 0xA0000);
    put64(PVH_MAP + 32, 0x60000);
    put32(PVH_MAP + 40, 2);
}

static void pvh_good(void **state) {
    (void)state;
    make_pvh();
    assert_null(boot_from_pvh(&boot, &memory, PVH));
    assert_string_equal(boot.loader, "PVH");
    assert_string_equal(boot.command_line, "quiet exec=00");
    assert_int_equal(boot.initrd_start, 2 * MIB);
    assert_int_equal(boot.initrd_end, 2 * MIB + 12345);
    assert_int_equal(boot.acpi_rsdp, 0xE0000);
    assert_ranges(2, (u64)0, (u64)0xA0000, (u64)MIB, (u64)64 * MIB);
}

static void pvh_without_extras(void **state) {
    (void)state;
    make_pvh();
    put32(PVH + 12, 0);
    put64(PVH + 24, 0);
    assert_null(boot_from_pvh(&boot, &memory, PVH));
    assert_int_equal(boot.initrd_start, boot.initrd_end);
    assert_string_equal(boot.command_line, "");
}

#define BAD_PVH(name, ...)                                  \
    static void name(void **state) {                        \
        (void)state;                                        \
        make_pvh();                                         \
        u64 at = PVH;                                       \
        __VA_ARGS__;                                        \
        assert_non_null(boot_from_pvh(&boot, &memory, at)); \
    }
BAD_PVH(pvh_magic, put32(PVH, 1))
BAD_PVH(pvh_version_0, put32(PVH + 4, 0))
BAD_PVH(pvh_nowhere, at = MEMORY_SIZE - 8)
BAD_PVH(pvh_far_away, at = UINT64_MAX - 3)
BAD_PVH(pvh_no_map, put32(PVH + 48, 0))
BAD_PVH(pvh_huge_map, put32(PVH + 48, UINT32_MAX))
BAD_PVH(pvh_map_outside, put64(PVH + 40, MEMORY_SIZE - 30))
BAD_PVH(pvh_map_wraps, put64(PVH + 40, UINT64_MAX - 20))
BAD_PVH(pvh_modules_outside, put64(PVH + 16, MEMORY_SIZE))
BAD_PVH(pvh_module_wraps, put64(PVH_MODULES + 8, UINT64_MAX))
BAD_PVH(pvh_module_unaligned, put64(PVH_MODULES, 2 * MIB + 1))
BAD_PVH(pvh_module_over_kernel, put64(PVH_MODULES, MIB))
BAD_PVH(pvh_line_outside, put64(PVH + 24, MEMORY_SIZE + 5))
BAD_PVH(pvh_line_without_end, memset(memory_bytes + 0x4000, 'x', MEMORY_SIZE - 0x4000);
        put64(PVH + 24, MEMORY_SIZE - 50))
BAD_PVH(pvh_line_too_long, memset(memory_bytes + 0x4000, 'x', MEMORY_SIZE - 0x4000);
        put64(PVH + 24, 0x4000))

/* ---- Multiboot2 ------------------------------------------------------------------------------ */

enum { MB = 0x800 };
static u32 mb_at;

static void mb_tag(u32 type, u32 size) {
    put32(mb_at, type);
    put32(mb_at + 4, size);
    mb_at += (size + 7) & ~7u;
}

/* In order: command line (24 bytes), module (24), memory map of two entries (64), end. */
static void make_multiboot(void) {
    mb_at = MB + 8;
    strcpy((char *)memory_bytes + mb_at + 8, "quiet a=b");
    mb_tag(1, 8 + 10);
    put32(mb_at + 8, 2 * MIB);
    put32(mb_at + 12, 3 * MIB);
    mb_tag(3, 17);
    put32(mb_at + 8, 24);
    put64(mb_at + 16, 0);
    put64(mb_at + 24, 64 * MIB);
    put32(mb_at + 32, 1);
    put64(mb_at + 40, 0xA0000);
    put64(mb_at + 48, 0x60000);
    put32(mb_at + 56, 2);
    mb_tag(6, 16 + 48);
    mb_tag(0, 8);
    put32(MB, mb_at - MB);
}
enum { MB_LINE = MB + 8, MB_MODULE = MB_LINE + 24, MB_MAP = MB_MODULE + 24, MB_END = MB_MAP + 64 };

static void multiboot_good(void **state) {
    (void)state;
    make_multiboot();
    assert_null(boot_from_multiboot2(&boot, &memory, MB));
    assert_string_equal(boot.loader, "Multiboot2");
    assert_string_equal(boot.command_line, "quiet a=b");
    assert_int_equal(boot.initrd_start, 2 * MIB);
    assert_int_equal(boot.initrd_end, 3 * MIB);
    assert_ranges(2, (u64)0, (u64)0xA0000, (u64)MIB, (u64)64 * MIB);
}

static void multiboot_unknown_tags_are_skipped(void **state) {
    (void)state;
    make_multiboot();
    put32(MB_LINE, 21);
    assert_null(boot_from_multiboot2(&boot, &memory, MB));
    assert_string_equal(boot.command_line, "");
}

static void multiboot_larger_entries_are_stepped_over(void **state) {
    (void)state;
    make_multiboot();
    put32(MB_MAP + 8, 48); /* one entry of 48 bytes */
    assert_null(boot_from_multiboot2(&boot, &memory, MB));
    assert_ranges(1, (u64)0, (u64)64 * MIB);
}

/* At the end of the good ones: ACPI's root pointer in tags of TYPEs and SIZEs. */
static void put_acpi_tags(u32 type, u32 size, u32 type_2, u32 size_2) {
    make_multiboot();
    mb_at = MB_END;
    mb_tag(type, size);
    mb_tag(type_2, size_2);
    mb_tag(0, 8);
    put32(MB, mb_at - MB);
    boot.acpi_rsdp = 0;
    boot.range_count = 0;
    assert_null(boot_from_multiboot2(&boot, &memory, MB));
}

static const struct info_framebuffer good_picture = {
    .address = 0xFD000000,
    .pitch = 4096,
    .width = 1024,
    .height = 768,
    .depth = 32,
    .red_shift = 16,
    .red_bits = 8,
    .green_shift = 8,
    .green_bits = 8,
    .blue_bits = 8,
};

/* What comes of a framebuffer tag of SIZE bytes that says PICTURE, of TYPE. */
static void put_framebuffer(const struct info_framebuffer *picture, u32 size, u8 type) {
    make_multiboot();
    mb_at = MB_END;
    u32 at = mb_at;
    mb_tag(8, size);
    put64(at + 8, picture->address);
    put32(at + 16, picture->pitch);
    put32(at + 20, picture->width);
    put32(at + 24, picture->height);
    memory_bytes[at + 28] = (uint8_t)picture->depth;
    memory_bytes[at + 29] = type;
    memcpy(memory_bytes + at + 32, &picture->red_shift, 6);
    mb_tag(0, 8);
    put32(MB, mb_at - MB);
    boot.range_count = 0;
    boot.framebuffer.width = 0;
    assert_null(boot_from_multiboot2(&boot, &memory, MB));
}

static void multiboot_framebuffer(void **state) {
    (void)state;
    put_framebuffer(&good_picture, 38, 1);
    assert_memory_equal(&boot.framebuffer, &good_picture, sizeof(good_picture));
    put_framebuffer(&good_picture, 37, 1); /* too short */
    assert_int_equal(boot.framebuffer.width, 0);
    put_framebuffer(&good_picture, 38, 0); /* a palette */
    assert_int_equal(boot.framebuffer.width, 0);
    put_framebuffer(&good_picture, 38, 2); /* text */
    assert_int_equal(boot.framebuffer.width, 0);
}

/* Each field with values that no picture can have. */
static void multiboot_framebuffer_that_is_none(void **state) {
    (void)state;
    struct info_framebuffer bad;
#define BAD(field, value)                            \
    do {                                             \
        bad = good_picture;                          \
        bad.field = (value);                         \
        put_framebuffer(&bad, 38, 1);                \
        assert_int_equal(boot.framebuffer.width, 0); \
    } while (0)
    BAD(address, 0);
    BAD(address, 0xB8000);
    BAD(address, 0xFD000002);
    BAD(address, UINT64_MAX - 4096);
    BAD(address, 32 * MIB); /* in RAM */
    BAD(pitch, 0);
    BAD(pitch, 4092);
    BAD(pitch, 4098);
    BAD(pitch, 0xFFFFF000);
    BAD(width, 100);
    BAD(width, 0x40000000); /* times four: 0 */
    BAD(width, 16385);
    BAD(height, 0);
    BAD(height, 63);
    BAD(depth, 8);
    BAD(depth, 31);
    BAD(red_shift, 25);
    BAD(green_bits, 0);
    BAD(blue_bits, 33);
}

/* Only as many lines as the kernel can map, wherever the first one is in its 2 MiB. */
static void multiboot_framebuffer_too_large(void **state) {
    (void)state;
    struct info_framebuffer large = good_picture;
    large.pitch = 16384;
    large.height = 4000;
    put_framebuffer(&large, 38, 1);
    assert_int_equal(boot.framebuffer.height, 28 * MIB / 16384);
    large.address += 2 * MIB - 4096;
    put_framebuffer(&large, 38, 1);
    assert_int_equal(boot.framebuffer.height, (26 * MIB + 4096) / 16384);
}

static void multiboot_root_pointers_of_acpi(void **state) {
    (void)state;
    const u32 old = 14, new = 15, first = MB_END + 8, behind_old = first + 32,
              behind_new = first + 48;
    put_acpi_tags(99, 28, 99, 44);
    assert_int_equal(boot.acpi_rsdp, 0);
    put_acpi_tags(old, 28, 99, 44);
    assert_int_equal(boot.acpi_rsdp, first);
    put_acpi_tags(old, 28, new, 44);
    assert_int_equal(boot.acpi_rsdp, behind_old);
    put_acpi_tags(new, 44, old, 28);
    assert_int_equal(boot.acpi_rsdp, first);
    put_acpi_tags(new, 43, old, 28); /* too short: as good as none */
    assert_int_equal(boot.acpi_rsdp, behind_new);
    put_acpi_tags(old, 27, new, 8);
    assert_int_equal(boot.acpi_rsdp, 0);
}

#define BAD_MULTIBOOT(name, ...)                                   \
    static void name(void **state) {                               \
        (void)state;                                               \
        make_multiboot();                                          \
        u64 at = MB;                                               \
        __VA_ARGS__;                                               \
        assert_non_null(boot_from_multiboot2(&boot, &memory, at)); \
    }
BAD_MULTIBOOT(multiboot_unaligned, at = MB + 4)
BAD_MULTIBOOT(multiboot_nowhere, at = MEMORY_SIZE)
BAD_MULTIBOOT(multiboot_far_away, at = UINT64_MAX - 7)
BAD_MULTIBOOT(multiboot_size_0, put32(MB, 0))
BAD_MULTIBOOT(multiboot_size_8, put32(MB, 8))
BAD_MULTIBOOT(multiboot_size_huge, put32(MB, UINT32_MAX))
BAD_MULTIBOOT(multiboot_size_short, put32(MB, mb_at - MB - 8)) /* no end tag */
BAD_MULTIBOOT(multiboot_runs_out_of_memory, memset(memory_bytes + MB_END, 0, 8); put32(MB_END, 99);
              put32(MB_END + 4, 8); put32(MB, 0x7FFF0); memory.size = MB_END + 12)
BAD_MULTIBOOT(multiboot_tag_size_0, put32(MB_LINE + 4, 0))
BAD_MULTIBOOT(multiboot_tag_size_7, put32(MB_LINE + 4, 7))
BAD_MULTIBOOT(multiboot_tag_size_huge, put32(MB_LINE + 4, UINT32_MAX))
BAD_MULTIBOOT(multiboot_tag_size_wraps, put32(MB_LINE + 4, UINT32_MAX - 6))
BAD_MULTIBOOT(multiboot_line_without_end, memset(memory_bytes + MB_LINE + 8, 'x', 10))
BAD_MULTIBOOT(multiboot_no_map, put32(MB_MAP, 99))
BAD_MULTIBOOT(multiboot_map_too_small, put32(MB_MAP + 4, 12))
BAD_MULTIBOOT(multiboot_entry_size_0, put32(MB_MAP + 8, 0))
BAD_MULTIBOOT(multiboot_entry_size_odd, put32(MB_MAP + 8, 25))
BAD_MULTIBOOT(multiboot_module_short, put32(MB_MODULE + 4, 12))
BAD_MULTIBOOT(multiboot_module_ends_before_it_starts, put32(MB_MODULE + 12, MIB))
BAD_MULTIBOOT(multiboot_module_unaligned, put32(MB_MODULE + 8, 2 * MIB + 8))

static void every_byte_of_both(void **state) {
    (void)state;
    for (unsigned at = 0; at < 0x1000; at++) {
        static const uint8_t values[] = {0, 1, 0x7F, 0x80, 0xFF};
        for (unsigned i = 0; i < sizeof(values); i++) {
            make_pvh();
            make_multiboot();
            memory_bytes[at] = values[i];
            struct boot_info fresh = {.kernel_start = MIB, .kernel_end = 2 * MIB};
            boot_from_pvh(&fresh, &memory, PVH);
            fresh = (struct boot_info){.kernel_start = MIB, .kernel_end = 2 * MIB};
            boot_from_multiboot2(&fresh, &memory, MB);
            assert_true(fresh.range_count <= BOOT_RANGES);
        }
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(map_is_sorted_and_merged),
        T(reserved_memory_wins),
        T(parts_of_frames_are_dropped),
        T(memory_above_what_frame_numbers_reach),
        T(wrapping_entries),
        T(maps_without_use),
        T(initrd_must_lie_in_memory),
        T(too_many_pieces),
        T(pvh_good),
        T(pvh_without_extras),
        T(pvh_magic),
        T(pvh_version_0),
        T(pvh_nowhere),
        T(pvh_far_away),
        T(pvh_no_map),
        T(pvh_huge_map),
        T(pvh_map_outside),
        T(pvh_map_wraps),
        T(pvh_modules_outside),
        T(pvh_module_wraps),
        T(pvh_module_unaligned),
        T(pvh_module_over_kernel),
        T(pvh_line_outside),
        T(pvh_line_without_end),
        T(pvh_line_too_long),
        T(multiboot_good),
        T(multiboot_unknown_tags_are_skipped),
        T(multiboot_larger_entries_are_stepped_over),
        T(multiboot_root_pointers_of_acpi),
        T(multiboot_framebuffer),
        T(multiboot_framebuffer_that_is_none),
        T(multiboot_framebuffer_too_large),
        T(multiboot_unaligned),
        T(multiboot_nowhere),
        T(multiboot_far_away),
        T(multiboot_size_0),
        T(multiboot_size_8),
        T(multiboot_size_huge),
        T(multiboot_size_short),
        T(multiboot_runs_out_of_memory),
        T(multiboot_tag_size_0),
        T(multiboot_tag_size_7),
        T(multiboot_tag_size_huge),
        T(multiboot_tag_size_wraps),
        T(multiboot_line_without_end),
        T(multiboot_no_map),
        T(multiboot_map_too_small),
        T(multiboot_entry_size_0),
        T(multiboot_entry_size_odd),
        T(multiboot_module_short),
        T(multiboot_module_ends_before_it_starts),
        T(multiboot_module_unaligned),
        T(every_byte_of_both),
    };
    return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
