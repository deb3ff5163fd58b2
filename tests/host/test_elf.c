/* SPDX-License-Identifier: MIT */
/*
 * Proves that the ELF checks accept what the linker makes and refuse, with the right word, every
 * malformed header that one can think of. Includes elf.c itself, so that test_elf32.c can compile
 * the same for the other class.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef ELF_TEST_32
#undef UINTPTR_MAX
#define UINTPTR_MAX UINT32_MAX
#define GROUP "elf32"
#else
#define GROUP "elf64"
#endif
#include "format/elf.c"

#define FILE_SIZE 0x3000u
#define HIGH ((elf_word)(ELF_CLASS == 2 ? 0x100400000ull : 0xF0400000ull))

/* A good file: text in slot 0, data and bss in slot 1. */
static struct {
    struct elf_header header;
    struct elf_program_header program[70];
    uint8_t rest[0x4000];
} file;

static int good(void **state) {
    (void)state;
    memset(&file, 0, sizeof(file));
    file.header = (struct elf_header){
        .identity = {0x7F, 'E', 'L', 'F', ELF_CLASS, 1, 1},
        .type = TYPE_EXECUTABLE,
        .machine = ELF_MACHINE,
        .version = 1,
        .entry = 0x400100,
        .program_headers = sizeof(struct elf_header),
        .size = sizeof(struct elf_header),
        .program_header_size = sizeof(struct elf_program_header),
        .program_header_count = 2,
    };
    file.program[0] = (struct elf_program_header){.type = SEGMENT_LOAD,
                                                  .flags = FLAG_READ | FLAG_EXECUTE,
                                                  .offset = 0,
                                                  .address = 0x400000,
                                                  .file_size = 0x1000,
                                                  .memory_size = 0x1000,
                                                  .alignment = 0x1000};
    file.program[1] = (struct elf_program_header){.type = SEGMENT_LOAD,
                                                  .flags = FLAG_READ | FLAG_WRITE,
                                                  .offset = 0x1010,
                                                  .address = 0x40000010,
                                                  .file_size = 0x200,
                                                  .memory_size = 0x5000,
                                                  .alignment = 0x1000};
    return 0;
}

static enum elf_error parse(void) {
    struct elf_image image;
    memset(&image, 0xEE, sizeof(image));
    return elf_parse(&file, FILE_SIZE, &image);
}

#define BAD(name, expected, ...)             \
    static void name(void **state) {         \
        (void)state;                         \
        assert_int_equal(parse(), ELF_OK);   \
        __VA_ARGS__;                         \
        assert_int_equal(parse(), expected); \
    }

static void a_good_file(void **state) {
    (void)state;
    struct elf_image image;
    assert_int_equal(elf_parse(&file, FILE_SIZE, &image), ELF_OK);
    assert_int_equal(image.entry, 0x400100);
    assert_int_equal(image.segment_count, 2);
    assert_int_equal(image.segment[0].rights, RIGHT_READ | RIGHT_EXECUTE);
    assert_int_equal(image.segment[1].address, 0x40000010);
    assert_int_equal(image.segment[1].memory_size, 0x5000);
    assert_int_equal(image.segment[1].file_offset, 0x1010);
    assert_int_equal(image.segment[1].file_size, 0x200);
    assert_int_equal(image.segment[1].rights, RIGHT_READ | RIGHT_WRITE);
}

static void an_unaligned_buffer(void **state) {
    (void)state;
    static uint8_t bytes[FILE_SIZE + 3];
    struct elf_image image;
    for (unsigned shift = 1; shift < 4; shift++) {
        memcpy(bytes + shift, &file, FILE_SIZE - 3);
        assert_int_equal(elf_parse(bytes + shift, FILE_SIZE - 3, &image), ELF_OK);
    }
}

static void every_truncation(void **state) {
    (void)state;
    struct elf_image image;
    size_t needed = 0x1010 + 0x200;
    for (size_t length = 0; length < needed; length++) {
        uint8_t *exact = malloc(length ? length : 1); /* so that ASan sees a read behind it */
        memcpy(exact, &file, length);
        assert_int_equal(elf_parse(exact, length, &image), ELF_TRUNCATED);
        free(exact);
    }
    assert_int_equal(elf_parse(&file, needed, &image), ELF_OK);
}

static void every_single_bit(
    void **state) { /* no bit of the headers, flipped, may crash it or yield nonsense */
    (void)state;
    size_t bytes = sizeof(file.header) + 2 * sizeof(file.program[0]);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        struct elf_image image;
        ((uint8_t *)&file)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (elf_parse(&file, FILE_SIZE, &image) == ELF_OK) {
            for (unsigned i = 0; i < image.segment_count; i++) {
                const struct elf_segment *segment = &image.segment[i];
                assert_true(segment->file_size <= segment->memory_size);
                assert_true((uint64_t)segment->file_offset + segment->file_size <= FILE_SIZE);
                assert_true(segment->address >= PAGE_SIZE && segment->address < SLOT_BASE(3));
                assert_int_not_equal(segment->rights & (RIGHT_WRITE | RIGHT_EXECUTE),
                                     RIGHT_WRITE | RIGHT_EXECUTE);
            }
        }
        ((uint8_t *)&file)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_head_alone(void **state) {
    (void)state;
    struct elf_image image;
    size_t head = sizeof(file.header) + 2 * sizeof(file.program[0]);
    assert_int_equal(elf_parse_head(&file, head, FILE_SIZE, &image), ELF_OK);
    assert_int_equal(elf_parse_head(&file, head - 1, FILE_SIZE, &image), ELF_TRUNCATED);
    assert_int_equal(elf_parse_head(&file, head, 0x1100, &image), ELF_TRUNCATED);
    assert_int_equal(elf_parse_head(&file, head, head - 1, &image), ELF_TRUNCATED);
    assert_int_equal(elf_parse_head(&file, head, 1ull << 32, &image), ELF_TRUNCATED);
}

static void every_error_has_a_text(void **state) {
    (void)state;
    for (int error = 0; error < ELF_ERROR_COUNT; error++) {
        assert_non_null(elf_error_text((enum elf_error)error));
        assert_true(strlen(elf_error_text((enum elf_error)error)) > 5);
    }
    assert_non_null(elf_error_text((enum elf_error)999));
}

BAD(no_magic, ELF_NOT_ELF, file.header.identity[1] = 'e')
BAD(identity_version, ELF_NOT_ELF, file.header.identity[6] = 2)
BAD(file_version, ELF_NOT_ELF, file.header.version = 0)
BAD(other_class, ELF_WRONG_MACHINE, file.header.identity[4] = 3 - ELF_CLASS)
BAD(other_byte_order, ELF_WRONG_MACHINE, file.header.identity[5] = 2)
BAD(other_machine, ELF_WRONG_MACHINE, file.header.machine = 40)
BAD(shared_object, ELF_NOT_STATIC, file.header.type = 3)
BAD(relocatable, ELF_NOT_STATIC, file.header.type = 1)
BAD(interpreter, ELF_NOT_STATIC, file.program[1].type = SEGMENT_INTERPRETER)
BAD(dynamic, ELF_NOT_STATIC, file.program[1].type = SEGMENT_DYNAMIC)
BAD(no_program_headers, ELF_BAD_HEADER, file.header.program_header_count = 0)
BAD(program_header_size, ELF_BAD_HEADER, file.header.program_header_size -= 4)
BAD(too_many_program_headers, ELF_BAD_HEADER, file.header.program_header_count = 65)
BAD(most_program_headers, ELF_BAD_HEADER, file.header.program_header_count = 0xFFFF)
BAD(program_headers_outside, ELF_TRUNCATED, file.header.program_headers = FILE_SIZE - 4)
BAD(program_headers_wrap, ELF_TRUNCATED, file.header.program_headers = (elf_word)-8)
BAD(more_in_file_than_in_memory, ELF_BAD_SEGMENT, file.program[1].memory_size = 0x100)
BAD(segment_in_file_wraps, ELF_TRUNCATED, file.program[1].offset = (elf_word)-0x1000 + 0x10)
BAD(segment_behind_the_file, ELF_TRUNCATED, file.program[1].offset = FILE_SIZE + 0x10)
BAD(segment_longer_than_the_file, ELF_TRUNCATED, file.program[1].file_size = 0x2000;
    file.program[1].memory_size = 0x9000)
BAD(alignment_is_no_power, ELF_BAD_SEGMENT, file.program[1].alignment = 0x1001)
BAD(address_and_offset_disagree, ELF_BAD_SEGMENT, file.program[1].offset = 0x1020)
BAD(write_and_execute, ELF_BAD_RIGHTS, file.program[1].flags |= FLAG_EXECUTE)
BAD(page_zero, ELF_BAD_ADDRESS, file.program[0].address = 0)
BAD(slot_3, ELF_BAD_ADDRESS, file.program[1].address = 0xC0000010)
BAD(into_slot_3, ELF_BAD_ADDRESS, file.program[1].address = 0xBFFFF010)
BAD(above_everything, ELF_BAD_ADDRESS, file.program[1].address = HIGH + 0x10)
BAD(across_a_slot_border, ELF_BAD_ADDRESS, file.program[1].address = 0x7FFFF010)
BAD(memory_wraps, ELF_BAD_ADDRESS, file.program[1].memory_size = (elf_word)-0x100)
BAD(same_page_twice, ELF_BAD_ADDRESS, file.program[1].address = 0x400010)
BAD(descending, ELF_BAD_ADDRESS, file.program[1].address = 0x3FF010;
    file.program[1].memory_size = 0x200)
BAD(entry_outside, ELF_BAD_ENTRY, file.header.entry = 0x401000)
BAD(entry_in_data, ELF_BAD_ENTRY, file.header.entry = 0x40000010)
BAD(entry_high, ELF_BAD_ENTRY, file.header.entry = HIGH)
BAD(nothing_to_load, ELF_BAD_ENTRY, file.program[0].type = 4; file.program[1].type = 4)
BAD(bytes_for_no_memory, ELF_BAD_SEGMENT, file.program[1].memory_size = 0)

static void too_many_segments(void **state) {
    (void)state;
    file.header.program_header_count = ELF_SEGMENT_LIMIT;
    for (unsigned i = 2; i < 40; i++) {
        file.program[i] = file.program[1];
        file.program[i].address += i * 0x10000;
    }
    assert_int_equal(parse(), ELF_OK);
    file.header.program_header_count++;
    assert_int_equal(parse(), ELF_BAD_HEADER);
}

static void one_byte_to_the_slot_border(void **state) {
    (void)state;
    file.program[1].address = 0x7FFFF010;
    file.program[1].memory_size = 0xFF0;
    assert_int_equal(parse(), ELF_OK);
    file.program[1].memory_size++;
    assert_int_equal(parse(), ELF_BAD_ADDRESS);
}

int main(void) {
#define T(name) cmocka_unit_test_setup(name, good)
    const struct CMUnitTest tests[] = {
        T(a_good_file),
        T(an_unaligned_buffer),
        T(every_truncation),
        T(every_single_bit),
        T(a_head_alone),
        T(every_error_has_a_text),
        T(no_magic),
        T(identity_version),
        T(file_version),
        T(other_class),
        T(other_byte_order),
        T(other_machine),
        T(shared_object),
        T(relocatable),
        T(interpreter),
        T(dynamic),
        T(no_program_headers),
        T(program_header_size),
        T(too_many_program_headers),
        T(most_program_headers),
        T(program_headers_outside),
        T(program_headers_wrap),
        T(more_in_file_than_in_memory),
        T(segment_in_file_wraps),
        T(segment_behind_the_file),
        T(segment_longer_than_the_file),
        T(alignment_is_no_power),
        T(address_and_offset_disagree),
        T(write_and_execute),
        T(page_zero),
        T(slot_3),
        T(into_slot_3),
        T(above_everything),
        T(across_a_slot_border),
        T(memory_wraps),
        T(same_page_twice),
        T(descending),
        T(entry_outside),
        T(entry_in_data),
        T(entry_high),
        T(nothing_to_load),
        T(bytes_for_no_memory),
        T(too_many_segments),
        T(one_byte_to_the_slot_border),
    };
    return cmocka_run_group_tests_name(GROUP, tests, NULL, NULL);
}
