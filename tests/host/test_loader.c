/* SPDX-License-Identifier: MIT */
/*
 * The UEFI loader's pure parts: what menu.cfg may say, editing a command line, which kernels are refused, and
 * that the Multiboot2 information which the loader writes is what the kernel's boot/multiboot2.c reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "boot/uefi/edit.h"
#include "boot/uefi/information.h"
#include "boot/uefi/kernel_image.h"
#include "boot/uefi/menu.h"

#define MIB (1u << 20)

/* ---- menu.cfg ---------------------------------------------------------------------------------- */

static char menu_text[8192];
static struct menu menu;
static u32 menu_line;

static const char *parse(const char *text) {
    strcpy(menu_text, text);
    return menu_parse(&menu, menu_text, strlen(text), &menu_line);
}

static void menu_is_read(void **state) {
    (void)state;
    assert_null(
        parse("# about\r\ntimeout 7\nscreen 800x600\n\n entry  A title \n\tkernel /a/k.elf\n"
              "  initrd /a/i\nwords  quiet  exec=00 \nentry B\ninitrd /b"));
    assert_int_equal(menu.timeout, 7);
    assert_int_equal(menu.width, 800);
    assert_int_equal(menu.height, 600);
    assert_int_equal(menu.count, 2);
    assert_string_equal(menu.entry[0].title, "A title");
    assert_string_equal(menu.entry[0].kernel, "/a/k.elf");
    assert_string_equal(menu.entry[0].initrd, "/a/i");
    assert_string_equal(menu.entry[0].words, "quiet  exec=00");
    assert_null(menu.entry[1].kernel);
    assert_string_equal(menu.entry[1].initrd, "/b");
    assert_string_equal(menu.entry[1].words, "");
}

static void menu_mistakes_are_named_with_their_line(void **state) {
    (void)state;
    static const struct {
        const char *text;
        u32 line;
    } wrong[] = {
        {"", 0},
        {"timeout 5\n", 0},
        {"entry A\n", 0},
        {"timeout\n", 1},
        {"timeout 5s\n", 1},
        {"timeout 3601\n", 1},
        {"timeout 4294967297\n", 1},
        {"screen 1024\n", 1},
        {"screen 1024x768x32\n", 1},
        {"\nkernel /a\n", 2},
        {"entry A\nkernel a\n", 2},
        {"entry A\nkernel\n", 2},
        {"entry A\n\ncolour blue\n", 3},
        {"entry\n", 1},
        {"entry 1234567890123456789012345678901234567890123456789012345678901\n", 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_non_null(parse(wrong[i].text));
        assert_int_equal(menu_line, wrong[i].line);
    }
}

static void menu_has_limits(void **state) {
    (void)state;
    char text[8192] = "";
    for (unsigned i = 0; i < MENU_ENTRIES; i++) {
        strcat(text, "entry A\nkernel /k\n");
    }
    assert_null(parse(text));
    strcat(text, "entry A\nkernel /k\n");
    assert_non_null(parse(text));
    memset(text, 0, sizeof(text));
    strcpy(text, "entry A\nkernel /k\nwords ");
    memset(text + strlen(text), 'x', BOOT_COMMAND_LINE - 1);
    assert_null(parse(text));
    strcat(text, "x");
    assert_non_null(parse(text));
    memset(text, 0, sizeof(text));
    strcpy(text, "entry A\nkernel /");
    memset(text + strlen(text), 'x', MENU_PATH - 1);
    assert_null(parse(text));
    strcat(text, "x");
    assert_non_null(parse(text));
}

static void checksums_are_eight_digits(void **state) {
    (void)state;
    u32 value = 5;
    assert_true(checksum_parse("0123abcd\n", 9, &value));
    assert_int_equal(value, 0x0123abcd);
    assert_false(checksum_parse("0123abcd", 7, &value));
    assert_false(checksum_parse("0123abcg", 8, &value));
    assert_false(checksum_parse("", 0, &value));
    assert_int_equal(value, 0x0123abcd);
}

/* ---- Editing ----------------------------------------------------------------------------------- */

static struct edit_line line;

static void keys(const u32 *key, size_t count) {
    for (size_t i = 0; i < count; i++) {
        edit_press(&line, key[i]);
    }
}
#define KEYS(...) keys((const u32[]){__VA_ARGS__}, sizeof((const u32[]){__VA_ARGS__}) / sizeof(u32))

static void line_is_edited_at_the_cursor(void **state) {
    (void)state;
    edit_set(&line, "lock=bg");
    KEYS(EDIT_LEFT, 'i');
    assert_string_equal(line.text, "lock=big");
    KEYS(EDIT_HOME, 'x', ' ', EDIT_LEFT, EDIT_BACKSPACE);
    assert_string_equal(line.text, " lock=big");
    KEYS(EDIT_DELETE, EDIT_END, EDIT_BACKSPACE, EDIT_BACKSPACE);
    assert_string_equal(line.text, "lock=b");
    assert_int_equal(line.length, 6);
    assert_int_equal(line.cursor, 6);
    KEYS(EDIT_CLEAR, 'a');
    assert_string_equal(line.text, "a");
    KEYS('b', EDIT_DELETE);
    assert_string_equal(line.text, "a");
    assert_int_equal(line.cursor, 1);
}

static void keys_at_the_ends_change_nothing(void **state) {
    (void)state;
    edit_set(&line, "ab");
    KEYS(EDIT_RIGHT, 0, '\t', 0x7F, 0xE4, EDIT_CLEAR + 1);
    assert_string_equal(line.text, "ab");
    assert_int_equal(line.cursor, 2);
    KEYS(EDIT_HOME, EDIT_LEFT, EDIT_BACKSPACE);
    assert_string_equal(line.text, "ab");
    assert_int_equal(line.cursor, 0);
    edit_set(&line, "");
    KEYS(EDIT_DELETE);
    assert_int_equal(line.length, 0);
}

static void full_line_takes_no_more(void **state) {
    (void)state;
    static char long_text[BOOT_COMMAND_LINE + 10];
    memset(long_text, 'x', sizeof(long_text) - 1);
    edit_set(&line, long_text);
    assert_int_equal(line.length, BOOT_COMMAND_LINE - 1);
    KEYS('y');
    assert_int_equal(strlen(line.text), BOOT_COMMAND_LINE - 1);
    KEYS(EDIT_BACKSPACE, EDIT_HOME, 'y');
    assert_int_equal(strlen(line.text), BOOT_COMMAND_LINE - 1);
    assert_int_equal(line.text[0], 'y');
}

static void window_holds_the_cursor(void **state) {
    (void)state;
    edit_set(&line, "0123456789");
    assert_int_equal(edit_window(&line, 20), 0);
    assert_int_equal(edit_window(&line, 11), 0);
    assert_int_equal(edit_window(&line, 10), 1);
    assert_int_equal(edit_window(&line, 4), 7);
    KEYS(EDIT_HOME);
    assert_int_equal(edit_window(&line, 4), 0);
}

/* ---- A kernel's file --------------------------------------------------------------------------- */

/* Both classes with the same content: text at 1 MiB with the Multiboot2 header, data with a bss. */
#define FILE_SIZE 0x3000u
#define AT_HEADER 0x1000u /* the Multiboot2 header's offset in the file */

static u8 *file; /* of exactly FILE_SIZE bytes, so that the sanitizer sees a read beyond */
static bool wide;
static struct kernel_image image;

static void put16(u32 at, u16 value) { memcpy(file + at, &value, 2); }
static void put32(u32 at, u32 value) { memcpy(file + at, &value, 4); }
static void put64(u32 at, u64 value) { memcpy(file + at, &value, 8); }

static u32 program_header(u32 number) { return wide ? 64 + number * 56 : 52 + number * 32; }

/* Fields by their number in the narrow class: type, offset, address, physical, file and memory size, flags. */
static void put_segment(u32 number, u32 field, u64 value) {
    static const u8 wide_at[] = {0, 8, 16, 24, 32, 40, 4};
    u32 at = program_header(number);
    if (!wide) {
        put32(at + field * 4, (u32)value);
    } else if (field == 0 || field == 6) {
        put32(at + wide_at[field], (u32)value);
    } else {
        put64(at + wide_at[field], value);
    }
}

static void segment_make(u32 number, u32 offset, u32 physical, u32 size, u32 memory, u32 flags) {
    const u32 fields[] = {1, offset, 0xF0000000u + physical, physical, size, memory, flags};
    for (u32 i = 0; i < 7; i++) {
        put_segment(number, i, fields[i]);
    }
}

static void kernel_make(bool in_wide) {
    wide = in_wide;
    memset(file, 0, FILE_SIZE);
    memcpy(file, wide ? "\177ELF\2\1\1" : "\177ELF\1\1\1", 7);
    put16(16, 2);
    put16(18, wide ? 62 : 3);
    put32(20, 1);
    put32(wide ? 32 : 28, program_header(0));
    put16(wide ? 54 : 42, wide ? 56 : 32);
    put16(wide ? 56 : 44, 3);
    segment_make(0, 0x1000, MIB, 0x800, 0x800, 5);
    segment_make(1, 0x2000, MIB + 0x1000, 0x1000, 0x2800, 6);
    put_segment(2, 0, 4); /* a note: not loaded */
    const u32 header[] = {0xE85250D6u, 0, 48, 0u - 0xE85250D6u - 48};
    memcpy(file + AT_HEADER, header, sizeof(header));
    put16(AT_HEADER + 16, 1); /* a request of 12 bytes, then the entry, then the end */
    put32(AT_HEADER + 20, 8);
    put16(AT_HEADER + 24, 3);
    put32(AT_HEADER + 28, 12);
    put32(AT_HEADER + 32, MIB + 0x40);
    put32(AT_HEADER + 44, 8);
    memset(file + 0x2000, 0xDA, 0x1000);
}

static int kernel_begin(void **state) {
    (void)state;
    file = malloc(FILE_SIZE);
    return 0;
}

static int kernel_end(void **state) {
    (void)state;
    free(file);
    return 0;
}

static void kernels_of_both_classes_are_placed(void **state) {
    (void)state;
    for (int class = 0; class < 2; class ++) {
        kernel_make(class);
        assert_null(kernel_image_parse(&image, file, FILE_SIZE));
        assert_int_equal(image.start, MIB);
        assert_int_equal(image.end, MIB + 0x4000);
        assert_int_equal(image.entry, MIB + 0x40);
        assert_int_equal(image.count, 2);
        u8 *memory = malloc(0x4000);
        memset(memory, 0x55, 0x4000);
        kernel_image_place(&image, file, memory);
        assert_memory_equal(memory, file + 0x1000, 0x800);
        assert_int_equal(memory[0x800], 0);
        assert_memory_equal(memory + 0x1000, file + 0x2000, 0x1000);
        assert_int_equal(memory[0x2000], 0);
        assert_int_equal(memory[0x3FFF], 0);
        free(memory);
    }
}

struct damage {
    const char *word; /* of the sentence */
    void (*make)(void);
};

static void no_magic(void) { file[0] = 0; }
static void other_machine(void) { put16(18, 40); }
static void class_and_machine_differ(void) { file[4] = wide ? 1 : 2; }
static void big_endian(void) { file[5] = 2; }
static void not_executable(void) { put16(16, 3); }
static void wrong_header_size(void) { put16(wide ? 54 : 42, 8); }
static void no_headers(void) { put16(wide ? 56 : 44, 0); }
static void too_many_headers(void) { put16(wide ? 56 : 44, 65); }
static void headers_beyond_the_end(void) { put32(wide ? 32 : 28, FILE_SIZE - 20); }
static void headers_far_away(void) { put32(wide ? 32 : 28, 0xFFFFFFF0u); }
static void offset_beyond_the_end(void) { put_segment(1, 1, FILE_SIZE + 1); }
static void bytes_beyond_the_end(void) { put_segment(1, 1, 0x2001); }
static void file_larger_than_memory(void) { put_segment(1, 5, 0xFFF); }
static void below_a_megabyte(void) { put_segment(0, 3, 0x1000); }
static void on_another(void) { put_segment(1, 3, MIB + 0x7FF); }
static void above_the_top(void) { put_segment(1, 3, KERNEL_TOP); }
static void across_the_top(void) { put_segment(1, 5, KERNEL_TOP); }
static void nothing_to_load(void) { put_segment(0, 0, 4), put_segment(1, 0, 4); }
static void no_multiboot(void) { put32(AT_HEADER + 12, 1); }
static void multiboot_for_mips(void) {
    put32(AT_HEADER + 4, 4);
    put32(AT_HEADER + 12, 0u - 0xE85250D6u - 48 - 4);
}
static void unknown_demand(void) { put16(AT_HEADER + 16, 9); }
static void multiboot_without_end(void) { put16(AT_HEADER + 40, 1); }
static void tag_too_long(void) { put32(AT_HEADER + 20, 0xFFFFFFF8u); }
static void tag_without_size(void) { put32(AT_HEADER + 20, 0); }
static void entry_in_data(void) { put32(AT_HEADER + 32, MIB + 0x1000); }
static void entry_behind_text(void) { put32(AT_HEADER + 32, MIB + 0x800); }
static void no_entry(void) { put16(AT_HEADER + 26, 1), put16(AT_HEADER + 24, 9); }

static const struct damage damages[] = {
    {"no ELF", no_magic},
    {"machine", other_machine},
    {"machine", class_and_machine_differ},
    {"no ELF", big_endian},
    {"headers", not_executable},
    {"headers", wrong_header_size},
    {"headers", no_headers},
    {"headers", too_many_headers},
    {"end is missing", headers_beyond_the_end},
    {"end is missing", headers_far_away},
    {"end is missing", offset_beyond_the_end},
    {"end is missing", bytes_beyond_the_end},
    {"sizes", file_larger_than_memory},
    {"MiB", below_a_megabyte},
    {"MiB", on_another},
    {"MiB", above_the_top},
    {"MiB", across_the_top},
    {"nothing", nothing_to_load},
    {"no Multiboot2", no_multiboot},
    {"no Multiboot2", multiboot_for_mips},
    {"asks", unknown_demand},
    {"no end", multiboot_without_end},
    {"no end", tag_too_long},
    {"no end", tag_without_size},
    {"entry", entry_in_data},
    {"entry", entry_behind_text},
    {"entry", no_entry},
};

static void damaged_kernels_are_refused(void **state) {
    (void)state;
    for (int class = 0; class < 2; class ++) {
        for (size_t i = 0; i < ARRAY_LENGTH(damages); i++) {
            kernel_make(class);
            damages[i].make();
            const char *error = kernel_image_parse(&image, file, FILE_SIZE);
            assert_non_null(error);
            if (strstr(error, damages[i].word) == NULL) {
                fail_msg("damage %zu of class %d: %s", i, class, error);
            }
        }
    }
}

static void kernels_cut_short_are_refused(void **state) {
    (void)state;
    for (size_t length = 0; length < FILE_SIZE; length += length < 0x200 ? 1 : 0x80) {
        kernel_make(length & 1);
        u8 *part = malloc(length + 1);
        memcpy(part + 1, file, length);
        assert_non_null(kernel_image_parse(&image, part + 1, length));
        free(part);
    }
}

/* ---- What the kernel is told ------------------------------------------------------------------- */

struct descriptor {
    u32 type, padding;
    u64 start, virtual_start, pages, attributes, more;
};

static struct descriptor descriptors[] = {
    {.type = 3, .start = 0, .pages = 0xA0},
    {.type = 7, .start = 16 * MIB, .pages = 16 * MIB / 4096},
    {.type = 7, .start = MIB, .pages = 7 * MIB / 4096},
    {.type = 2, .start = 8 * MIB, .pages = 4 * MIB / 4096},
    {.type = 10, .start = 12 * MIB, .pages = 1},
    {.type = 4, .start = 12 * MIB + 4096, .pages = 4 * MIB / 4096 - 1},
    {.type = 6, .start = 32 * MIB, .pages = 16},
    {.type = 11, .start = 0xE0000000u, .pages = 0x1000},
    {.type = 14, .start = 1ull << 32, .pages = 1},
    {.type = 1, .start = (1ull << 32) + 4096, .pages = 255},
};
static const struct efi_map map = {(const u8 *)descriptors, sizeof(descriptors),
                                   sizeof(struct descriptor), 1};

#define INFORMATION_SIZE 8192u

static const char *information_make(struct information *information, void *at, u32 limit,
                                    const char *words, const u8 *root_pointer) {
    const struct framebuffer picture = {
        .address = 0x80000000u, .pitch = 4096, .width = 1024, .height = 768, .depth = 32};
    information_begin(information, at, limit);
    information_text(information, INFORMATION_COMMAND_LINE, words);
    information_text(information, INFORMATION_LOADER, "loader");
    information_module(information, 9 * MIB, 10 * MIB + 5, "initrd");
    information_acpi(information, root_pointer);
    information_efi_table(information, 0x1234, true);
    information_framebuffer(information, &picture);
    information_memory(information, &map);
    information_efi_map(information, &map);
    return information_end(information);
}

static void kernel_reads_what_the_loader_writes(void **state) {
    (void)state;
    for (u8 revision = 0; revision <= 2; revision += 2) {
        u8 *bytes = aligned_alloc(8, INFORMATION_SIZE);
        u8 root_pointer[36] = "RSD PTR ";
        root_pointer[15] = revision;
        struct information information;
        struct boot_info boot = {.kernel_start = MIB, .kernel_end = 2 * MIB};
        assert_null(
            information_make(&information, bytes, INFORMATION_SIZE, "lock=big x", root_pointer));
        const struct boot_memory memory = {(uintptr_t)bytes, information.used};
        assert_null(boot_from_multiboot2(&boot, &memory, 0));
        assert_string_equal(boot.command_line, "lock=big x");
        assert_int_equal(boot.initrd_start, 9 * MIB);
        assert_int_equal(boot.initrd_end, 10 * MIB + 5);
        assert_memory_equal(bytes + boot.acpi_rsdp, root_pointer, revision ? 36 : 20);
        const struct boot_range wanted[] = {
            {0, 0xA0000},
            {MIB, 12 * MIB},
            {12 * MIB + 4096, 32 * MIB},
            {(1ull << 32) + 4096, (1ull << 32) + MIB},
        };
        assert_int_equal(boot.range_count, ARRAY_LENGTH(wanted));
        assert_memory_equal(boot.range, wanted, sizeof(wanted));
        free(bytes);
    }
}

/* The tag of TYPE, which must be there. */
static const u8 *tag_find(const u8 *bytes, u32 type, u32 *size) {
    u32 total, found;
    memcpy(&total, bytes, 4);
    for (u32 at = 8; at < total; at += (*size + 7) & ~7u) {
        memcpy(&found, bytes + at, 4);
        memcpy(size, bytes + at + 4, 4);
        if (found == type) {
            return bytes + at + 8;
        }
    }
    fail_msg("there is no tag %u", type);
    return NULL;
}

static void firmware_tags_are_whole(void **state) {
    (void)state;
    u8 *bytes = aligned_alloc(8, INFORMATION_SIZE);
    u8 root_pointer[36] = {0};
    u32 size, form[3];
    struct information information;
    assert_null(information_make(&information, bytes, INFORMATION_SIZE, "", root_pointer));
    assert_memory_equal(tag_find(bytes, 17, &size) + 8, descriptors, sizeof(descriptors));
    assert_int_equal(size, 16 + sizeof(descriptors));
    memcpy(form, tag_find(bytes, 6, &size), 8);
    assert_int_equal(form[0], 24);
    assert_int_equal(size, 16 + 9 * 24); /* two neighbours are one, of ten */
    memcpy(form, tag_find(bytes, 8, &size) + 8, 12);
    assert_int_equal(size, 38);
    assert_int_equal(form[0], 4096);
    assert_int_equal(form[1], 1024);
    assert_int_equal(form[2], 768);
    assert_int_equal(tag_find(bytes, 12, &size)[0], 0x34);
    free(bytes);
}

static void information_that_does_not_fit_is_refused(void **state) {
    (void)state;
    u8 root_pointer[36] = {0};
    struct information information;
    u8 *bytes = aligned_alloc(8, INFORMATION_SIZE);
    assert_null(information_make(&information, bytes, INFORMATION_SIZE, "words", root_pointer));
    u32 enough = information.used;
    free(bytes);
    for (u32 limit = 0; limit <= enough; limit += 8) {
        bytes = malloc(limit + 1);
        const char *error = information_make(&information, bytes, limit, "words", root_pointer);
        assert_int_equal(error == NULL, limit == enough);
        free(bytes);
    }
}

static void free_memory_is_found_across_entries(void **state) {
    (void)state;
    assert_true(efi_map_usable(&map, MIB, 12 * MIB));
    assert_true(efi_map_usable(&map, 13 * MIB, 32 * MIB));
    assert_false(efi_map_usable(&map, MIB, 12 * MIB + 1));
    assert_false(efi_map_usable(&map, 0x9F000, MIB));
    assert_false(efi_map_usable(&map, 31 * MIB, 33 * MIB));
    assert_false(efi_map_usable(&map, 0xE0000000u, 0xE0001000u));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(menu_is_read),
        cmocka_unit_test(menu_mistakes_are_named_with_their_line),
        cmocka_unit_test(menu_has_limits),
        cmocka_unit_test(checksums_are_eight_digits),
        cmocka_unit_test(line_is_edited_at_the_cursor),
        cmocka_unit_test(keys_at_the_ends_change_nothing),
        cmocka_unit_test(full_line_takes_no_more),
        cmocka_unit_test(window_holds_the_cursor),
        cmocka_unit_test_setup_teardown(kernels_of_both_classes_are_placed, kernel_begin,
                                        kernel_end),
        cmocka_unit_test_setup_teardown(damaged_kernels_are_refused, kernel_begin, kernel_end),
        cmocka_unit_test_setup_teardown(kernels_cut_short_are_refused, kernel_begin, kernel_end),
        cmocka_unit_test(kernel_reads_what_the_loader_writes),
        cmocka_unit_test(firmware_tags_are_whole),
        cmocka_unit_test(information_that_does_not_fit_is_refused),
        cmocka_unit_test(free_memory_is_found_across_entries),
    };
    return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
