/* SPDX-License-Identifier: MIT */
/*
 * Proves that the cpio iterator reads what ordinary tools write, and that a malformed archive ends
 * it with CPIO_INVALID and no read outside the buffer (each test's archive is an exact allocation,
 * watched by ASan).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/cpio.h"

static struct {
    uint8_t bytes[16384];
    size_t length;
} made;

static void pad(void) {
    while (made.length % 4) {
        made.bytes[made.length++] = 0;
    }
}

static void add_sized(const char *magic, const char *name, unsigned name_size, unsigned mode,
                      const void *data, size_t length, unsigned size) {
    made.length += (size_t)sprintf((char *)made.bytes + made.length,
                                   "%s%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", magic,
                                   1, mode, 0, 0, 1, 0x5F000000, size, 0, 0, 0, 0, name_size, 0);
    memcpy(made.bytes + made.length, name, strlen(name) + 1);
    made.length += strlen(name) + 1;
    pad();
    memcpy(made.bytes + made.length, data, length);
    made.length += length;
    pad();
}

static void add(const char *name, unsigned mode, const char *text) {
    add_sized("070701", name, (unsigned)strlen(name) + 1, mode, text, strlen(text),
              (unsigned)strlen(text));
}

static int begin(void **state) {
    (void)state;
    made.length = 0;
    return 0;
}

/* Step through an exact copy of the first LENGTH bytes: how many entries came, and how it ended. */
static unsigned walk(size_t length, enum cpio_result *end) {
    uint8_t *exact = malloc(length ? length : 1);
    struct cpio_archive archive;
    struct cpio_entry entry;
    unsigned count = 0;
    memcpy(exact, made.bytes, length);
    cpio_open(&archive, exact, length);
    while ((*end = cpio_next(&archive, &entry)) == CPIO_ENTRY) {
        assert_int_equal(strlen(entry.name), entry.name_length);
        assert_true((const uint8_t *)entry.data >= exact);
        assert_true((const uint8_t *)entry.data + entry.length <= exact + length);
        assert_true(++count < 100);
    }
    free(exact);
    return count;
}

static void check_invalid_after(unsigned entries) {
    enum cpio_result end;
    assert_int_equal(walk(made.length, &end), entries);
    assert_int_equal(end, CPIO_INVALID);
}

static void good_archive(void) {
    add("bin", CPIO_DIRECTORY | 0755, "");
    add("./bin/sh", CPIO_FILE | 0755, "#!shell");
    add("etc/motd", CPIO_FILE | 0644, "hello");
    add("empty", CPIO_FILE | 0644, "");
    add("TRAILER!!!", 0, "");
}

static void entries_come_in_order(void **state) {
    (void)state;
    struct cpio_archive archive;
    struct cpio_entry entry;
    good_archive();
    cpio_open(&archive, made.bytes, made.length);
    assert_int_equal(cpio_next(&archive, &entry), CPIO_ENTRY);
    assert_string_equal(entry.name, "bin");
    assert_int_equal(CPIO_TYPE(entry.mode), CPIO_DIRECTORY);
    assert_int_equal(cpio_next(&archive, &entry), CPIO_ENTRY);
    assert_string_equal(entry.name, "./bin/sh");
    assert_int_equal(entry.length, 7);
    assert_memory_equal(entry.data, "#!shell", 7);
    assert_int_equal(entry.mode, CPIO_FILE | 0755);
    assert_int_equal(entry.modified, 0x5F000000);
    assert_int_equal(cpio_next(&archive, &entry), CPIO_ENTRY);
    assert_int_equal(cpio_next(&archive, &entry), CPIO_ENTRY);
    assert_int_equal(entry.length, 0);
    assert_int_equal(cpio_next(&archive, &entry), CPIO_END);
}

static void find_by_name(void **state) {
    (void)state;
    struct cpio_entry entry;
    good_archive();
    assert_int_equal(cpio_find(made.bytes, made.length, "bin/sh", &entry), CPIO_ENTRY);
    assert_memory_equal(entry.data, "#!shell", 7);
    assert_int_equal(cpio_find(made.bytes, made.length, "bin", &entry),
                     CPIO_END); /* a directory is no file */
    assert_int_equal(cpio_find(made.bytes, made.length, "bin/s", &entry), CPIO_END);
    assert_int_equal(cpio_find(made.bytes, made.length, "", &entry), CPIO_END);
    assert_int_equal(cpio_find(made.bytes, made.length - 100, "nothing", &entry), CPIO_INVALID);
}

static void checksummed_archives(void **state) {
    (void)state;
    enum cpio_result end;
    add_sized("070702", "a", 2, CPIO_FILE, "x", 1, 1);
    add("TRAILER!!!", 0, "");
    assert_int_equal(walk(made.length, &end), 1);
    assert_int_equal(end, CPIO_END);
}

static void what_cpio_writes(void **state) {
    (void)state;
    FILE *pipe = popen("cd format && ls elf.c elf.h cpio.c | cpio --quiet -o -H newc", "r");
    struct cpio_entry entry;
    assert_non_null(pipe);
    static uint8_t bytes[1 << 18];
    size_t length = fread(bytes, 1, sizeof(bytes), pipe);
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(cpio_find(bytes, length, "cpio.c", &entry), CPIO_ENTRY);
    assert_memory_equal(entry.data, "/* SPDX", 7);
    assert_int_equal(cpio_find(bytes, length, "cpio.h", &entry), CPIO_END);
}

static void every_truncation(void **state) {
    (void)state;
    enum cpio_result end;
    good_archive();
    size_t trailer = made.length - 124; /* header, name and padding */
    for (size_t length = 0; length < made.length; length++) {
        walk(length, &end);
        if (length < trailer + 110 + 11) {
            assert_int_equal(end, CPIO_INVALID);
        }
    }
    assert_int_equal(walk(made.length, &end), 4);
    assert_int_equal(end, CPIO_END);
}

static void
every_single_byte(void **state) { /* any byte may be anything: no crash, no endless walk */
    (void)state;
    enum cpio_result end;
    good_archive();
    for (size_t at = 0; at < made.length; at++) {
        uint8_t old = made.bytes[at];
        static const uint8_t values[] = {0, '0', 'f', 'F', 'g', 0xFF};
        for (unsigned i = 0; i < sizeof(values); i++) {
            made.bytes[at] = values[i];
            walk(made.length, &end);
        }
        made.bytes[at] = old;
    }
}

static void empty_buffer(void **state) {
    (void)state;
    check_invalid_after(0);
}

static void other_formats(void **state) {
    (void)state;
    add_sized("070707", "a", 2, CPIO_FILE, "x", 1, 1);
    check_invalid_after(0);
}

static void digits_that_are_none(void **state) {
    (void)state;
    good_archive();
    made.bytes[6 + 8 * 6 + 3] = 'G'; /* in the file size */
    check_invalid_after(0);
}

static void sizes_that_lie(void **state) {
    (void)state;
    static const unsigned sizes[] = {2, 100, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        made.length = 0;
        add_sized("070701", "a", 2, CPIO_FILE, "x", 1, sizes[i]);
        check_invalid_after(
            sizes[i] == 2 ? 1 : 0); /* 2: the padding counts as data, then there is no trailer */
        made.length = 0;
        if (sizes[i] != 2) {
            add_sized("070701", "a", sizes[i], CPIO_FILE, "x", 1, 1);
            check_invalid_after(0);
        }
    }
}

static void names_that_lie(void **state) {
    (void)state;
    add_sized("070701", "name", 4, CPIO_FILE, "x", 1, 1); /* not terminated */
    check_invalid_after(0);
    made.length = 0;
    add_sized("070701", "name", 7, CPIO_FILE, "x", 1, 1); /* a zero inside */
    check_invalid_after(0);
    made.length = 0;
    add_sized("070701", "", 1, CPIO_FILE, "x", 1, 1); /* empty */
    check_invalid_after(0);
    made.length = 0;
    add_sized("070701", "", 0, CPIO_FILE, "x", 1, 1); /* not even that */
    check_invalid_after(0);
}

static void no_trailer(void **state) {
    (void)state;
    add("a", CPIO_FILE, "text");
    check_invalid_after(1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        T(entries_come_in_order), T(find_by_name),     T(checksummed_archives),
        T(what_cpio_writes),      T(every_truncation), T(every_single_byte),
        T(empty_buffer),          T(other_formats),    T(digits_that_are_none),
        T(sizes_that_lie),        T(names_that_lie),   T(no_trailer),
    };
    return cmocka_run_group_tests_name("cpio", tests, NULL, NULL);
}
