/* SPDX-License-Identifier: MIT */
/*
 * Proves that ACPI's tables, whatever they hold, become either the processors and interrupt lines
 * that they name or a sentence: never a read outside the memory given, and never half an answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86/acpi.h"

#define MEMORY_SIZE 0x110000u
#define TOO_LONG 0x100001u /* fits there, but no table has a MiB */

/* Where the good tables stand; the root pointer where a BIOS leaves it. */
enum {
    EBDA = 0x9FC00,
    RSDP = 0xF5A10,
    RSDT = 0x2001,
    XSDT = 0x3003,
    OTHER = 0x4000,
    MADT = 0x5006
};

static uint8_t *memory_bytes;
static struct boot_memory memory;
static struct acpi_machine machine;
static u32 madt_end;

static void put8(u32 address, u32 value) { memory_bytes[address] = (uint8_t)value; }
static void put32(u32 address, u32 value) { memcpy(memory_bytes + address, &value, 4); }
static void put64(u32 address, u64 value) { memcpy(memory_bytes + address, &value, 8); }

/* Make LENGTH bytes at START add up to 0 by the one at PLACE. */
static void checksum_set(u32 start, u32 length, u32 place) {
    uint8_t sum = 0;
    memory_bytes[place] = 0;
    for (u32 i = 0; i < length; i++) {
        sum = (uint8_t)(sum + memory_bytes[start + i]);
    }
    memory_bytes[place] = (uint8_t)-sum;
}

static void make_table(u32 address, const char *signature, u32 length) {
    memcpy(memory_bytes + address, signature, 4);
    put32(address + 4, length);
    checksum_set(address, length, address + 9);
}

static void make_rsdp(u32 address, u32 revision) {
    memcpy(memory_bytes + address, "RSD PTR ", 8);
    put8(address + 15, revision);
    put32(address + 16, RSDT);
    checksum_set(address, 20, address + 8);
    if (revision >= 2) {
        put32(address + 20, 36);
        put64(address + 24, XSDT);
        checksum_set(address, 36, address + 32);
    }
}

static u32 entry_add(u32 type, u32 length) {
    u32 at = madt_end;
    put8(at, type);
    put8(at + 1, length);
    madt_end += length;
    return at;
}

static void local_apic_add(u32 id, u32 flags) {
    u32 at = entry_add(0, 8);
    put8(at + 3, id);
    put32(at + 4, flags);
}

static void x2apic_add(u32 id, u32 flags) {
    u32 at = entry_add(9, 16);
    put32(at + 4, id);
    put32(at + 8, flags);
}

static void io_apic_add(u32 address, u32 first) {
    u32 at = entry_add(1, 12);
    put32(at + 4, address);
    put32(at + 8, first);
}

static void override_add(u32 bus, u32 line, u32 input, u32 flags) {
    u32 at = entry_add(2, 10);
    put8(at + 2, bus);
    put8(at + 3, line);
    put32(at + 4, input);
    put8(at + 8, flags);
    put8(at + 9, flags >> 8);
}

static void madt_finish(void) { make_table(MADT, "APIC", madt_end - MADT); }

static int begin(void **state) {
    (void)state;
    memory_bytes = calloc(1, MEMORY_SIZE);
    memory = (struct boot_memory){.base = (uintptr_t)memory_bytes, .size = MEMORY_SIZE};
    memset(&machine, 0xA5, sizeof(machine));
    put32(RSDT + 36, OTHER);
    put32(RSDT + 40, MADT);
    make_table(RSDT, "RSDT", 44);
    put64(XSDT + 36, OTHER);
    put64(XSDT + 44, MADT);
    make_table(XSDT, "XSDT", 52);
    make_table(OTHER, "FACP", 116);
    madt_end = MADT + 44;
    local_apic_add(0, 1);
    local_apic_add(4, 1);
    io_apic_add(0xFEC00000, 0);
    override_add(0, 0, 2, 0);
    madt_finish();
    make_rsdp(RSDP, 0);
    return 0;
}

static int end(void **state) {
    (void)state;
    free(memory_bytes);
    return 0;
}

static void assert_cpus(unsigned count, ...) {
    va_list arguments;
    assert_int_equal(machine.cpu_count, count);
    va_start(arguments, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(machine.apic_id[i], va_arg(arguments, u32));
    }
    va_end(arguments);
}

static void assert_good(u64 rsdp) {
    assert_null(acpi_read(&machine, &memory, rsdp));
    assert_cpus(2, 0u, 4u);
    assert_true(machine.io_apic);
    assert_int_equal(machine.io_apic_address, 0xFEC00000);
    assert_int_equal(machine.io_apic_first, 0);
    assert_int_equal(machine.line[0].input, 2);
    for (u32 i = 1; i < ACPI_ISA_LINES; i++) {
        assert_int_equal(machine.line[i].input, i);
        assert_false(machine.line[i].active_low || machine.line[i].level);
    }
}

/* A sentence, and no CPU and no IO-APIC. */
static void assert_bad(u64 rsdp, const char *sentence) {
    const char *error = acpi_read(&machine, &memory, rsdp);
    assert_non_null(error);
    assert_string_equal(error, sentence);
    assert_int_equal(machine.cpu_count, 0);
    assert_false(machine.io_apic);
    assert_int_equal(machine.line[0].input, 0);
}

/* ---- The root pointer ------------------------------------------------------------------------ */

static void revision_0_leads_to_the_rsdt(void **state) {
    (void)state;
    put32(XSDT, 0);
    assert_good(RSDP);
}

static void revision_2_leads_to_the_xsdt(void **state) {
    (void)state;
    make_rsdp(RSDP, 2);
    put32(RSDT, 0);
    assert_good(RSDP);
}

static void revision_2_without_an_xsdt(void **state) {
    (void)state;
    make_rsdp(RSDP, 2);
    put64(RSDP + 24, 0);
    checksum_set(RSDP, 36, RSDP + 32);
    assert_good(RSDP);
}

static void the_search_finds_it_in_the_bios(void **state) {
    (void)state;
    assert_good(0);
    memmove(memory_bytes + 0xFFFE0, memory_bytes + RSDP, 20); /* the last place but one */
    memset(memory_bytes + RSDP, 0, 20);
    assert_good(0);
}

static void the_search_finds_it_in_the_ebda(void **state) {
    (void)state;
    put32(0x40E, EBDA >> 4);
    make_rsdp(EBDA + 1008, 2);
    memset(memory_bytes + RSDP, 0, 36);
    assert_good(0);
}

static void the_search_skips_what_only_looks_so(void **state) {
    (void)state;
    memcpy(memory_bytes + 0xE0000, "RSD PTR ", 8);
    put8(0xE0010, 1);
    assert_good(0);
    make_rsdp(RSDP + 8, 0); /* not aligned, and over the right one */
    assert_bad(0, "there is no root pointer");
}

static void the_search_stays_in_memory(void **state) {
    (void)state;
    memory.size = 0xE0000;
    assert_bad(0, "there is no root pointer");
    put32(0x40E, 0xFFFF);
    assert_bad(0, "there is no root pointer");
    memory.size = 0x40F;
    assert_bad(0, "there is no root pointer");
    memory.size = 0;
    assert_bad(0, "there is no root pointer");
}

#define BAD(name, sentence, ...)     \
    static void name(void **state) { \
        (void)state;                 \
        u64 at = RSDP;               \
        __VA_ARGS__;                 \
        assert_bad(at, sentence);    \
    }
#define POINTER_DAMAGED "the root pointer is damaged"
BAD(pointer_signature, POINTER_DAMAGED, put8(RSDP, 'r'); checksum_set(RSDP, 20, RSDP + 8))
BAD(pointer_checksum, POINTER_DAMAGED, memory_bytes[RSDP + 8]++)
BAD(pointer_checksum_of_all, POINTER_DAMAGED, make_rsdp(RSDP, 2); memory_bytes[RSDP + 32]++)
BAD(pointer_length_short, POINTER_DAMAGED, make_rsdp(RSDP, 2); put32(RSDP + 20, 20);
    checksum_set(RSDP, 20, RSDP + 8))
BAD(pointer_length_huge, POINTER_DAMAGED, make_rsdp(RSDP, 2); put32(RSDP + 20, UINT32_MAX);
    checksum_set(RSDP, 36, RSDP + 32))
BAD(pointer_too_long, POINTER_DAMAGED, at = 0x1000; make_rsdp(0x1000, 2); put32(0x1014, TOO_LONG);
    checksum_set(0x1000, TOO_LONG, 0x1020))
BAD(pointer_truncated, POINTER_DAMAGED, memory.size = RSDP + 19)
BAD(pointer_2_truncated, POINTER_DAMAGED, make_rsdp(RSDP, 2); memory.size = RSDP + 35)
BAD(pointer_nowhere, POINTER_DAMAGED, at = MEMORY_SIZE)
BAD(pointer_far_away, POINTER_DAMAGED, at = UINT64_MAX - 7)

/* ---- The root table -------------------------------------------------------------------------- */

#define ROOT_DAMAGED "the root table is damaged"
BAD(root_checksum, ROOT_DAMAGED, memory_bytes[RSDT + 43]++)
BAD(root_signature, ROOT_DAMAGED, make_table(RSDT, "XSDT", 44))
BAD(root_2_signature, ROOT_DAMAGED, make_rsdp(RSDP, 2); make_table(XSDT, "RSDT", 52))
BAD(root_length_0, ROOT_DAMAGED, put32(RSDT + 4, 0))
BAD(root_length_short, ROOT_DAMAGED, make_table(RSDT, "RSDT", 35))
BAD(root_length_huge, ROOT_DAMAGED, put32(RSDT + 4, UINT32_MAX))
BAD(root_too_long, ROOT_DAMAGED, make_table(RSDT, "RSDT", TOO_LONG))
BAD(root_leaves_memory, ROOT_DAMAGED, put32(RSDT + 4, MEMORY_SIZE - RSDT + 1))
BAD(root_truncated, ROOT_DAMAGED, make_rsdp(0x1000, 0); at = 0x1000; memory.size = RSDT + 43)
BAD(root_nowhere, ROOT_DAMAGED, put32(RSDP + 16, MEMORY_SIZE); checksum_set(RSDP, 20, RSDP + 8))
BAD(root_far_away, ROOT_DAMAGED, make_rsdp(RSDP, 2); put64(RSDP + 24, UINT64_MAX - 3);
    checksum_set(RSDP, 36, RSDP + 32))
BAD(root_is_empty, "there is no MADT", make_table(RSDT, "RSDT", 36))
BAD(root_has_half_an_entry, "there is no MADT", make_table(RSDT, "RSDT", 43))
BAD(root_leads_back, "there is no MADT", put32(RSDT + 36, RSDT); put32(RSDT + 40, RSDT);
    make_table(RSDT, "RSDT", 44))
BAD(madt_is_outside, "there is no MADT", put32(RSDT + 40, MEMORY_SIZE - 3);
    make_table(RSDT, "RSDT", 44))
BAD(madt_is_far_away, "there is no MADT", make_rsdp(RSDP, 2); put64(XSDT + 44, 1ull << 32 | MADT);
    make_table(XSDT, "XSDT", 52))

static void other_tables_do_not_matter(void **state) {
    (void)state;
    memory_bytes[OTHER + 9]++; /* damaged */
    assert_good(RSDP);
    put32(RSDT + 36, UINT32_MAX); /* outside */
    make_table(RSDT, "RSDT", 44);
    assert_good(RSDP);
}

/* ---- The MADT -------------------------------------------------------------------------------- */

#define MADT_DAMAGED "the MADT is damaged"
#define ENTRY_LENGTH "the MADT has an entry of impossible length"
#define ENTRY_SHORT "the MADT has an entry that is too short"
BAD(madt_checksum, MADT_DAMAGED, memory_bytes[MADT + 40]++)
BAD(madt_length_short, MADT_DAMAGED, make_table(MADT, "APIC", 43))
BAD(madt_length_huge, MADT_DAMAGED, put32(MADT + 4, 0xFFFFFFF0))
BAD(madt_leaves_memory, MADT_DAMAGED, put32(MADT + 4, MEMORY_SIZE - MADT + 1))
BAD(madt_is_empty, "the MADT names no CPU", make_table(MADT, "APIC", 44))
BAD(entry_of_length_0, ENTRY_LENGTH, entry_add(3, 0); madt_end += 2; madt_finish())
BAD(entry_of_length_1, ENTRY_LENGTH, entry_add(3, 1); madt_end += 1; madt_finish())
BAD(entry_leaves_table, ENTRY_LENGTH, entry_add(3, 255); madt_end -= 1; madt_finish())
BAD(entry_is_one_byte, ENTRY_LENGTH, entry_add(3, 8); madt_end -= 7; madt_finish())
BAD(local_apic_short, ENTRY_SHORT, entry_add(0, 7); madt_finish())
BAD(io_apic_short, ENTRY_SHORT, entry_add(1, 11); madt_finish())
BAD(override_short, ENTRY_SHORT, entry_add(2, 9); madt_finish())
BAD(x2apic_short, ENTRY_SHORT, entry_add(9, 15); madt_finish())
BAD(no_cpu_is_usable, "the MADT names no CPU", madt_end = MADT + 44; local_apic_add(0, 0);
    x2apic_add(1, 2); local_apic_add(255, 1); x2apic_add(UINT32_MAX, 1); madt_finish())

static void unknown_and_longer_entries_are_stepped_over(void **state) {
    (void)state;
    entry_add(77, 2);
    entry_add(77, 255);
    put8(entry_add(0, 12) + 4, 1); /* a local APIC with more behind it, the boot CPU's again */
    madt_finish();
    assert_good(RSDP);
}

static void cpus_that_are_not_enabled_are_left_out(void **state) {
    (void)state;
    local_apic_add(5, 0);
    local_apic_add(6, 2); /* may be plugged in later */
    local_apic_add(7, 3);
    x2apic_add(8, 0);
    x2apic_add(9, 2);
    x2apic_add(1000, 1);
    madt_finish();
    assert_null(acpi_read(&machine, &memory, RSDP));
    assert_cpus(4, 0u, 4u, 7u, 1000u);
}

static void a_cpu_counts_once(void **state) {
    (void)state;
    local_apic_add(4, 1);
    x2apic_add(0, 1);
    x2apic_add(4, 1);
    x2apic_add(255, 1); /* a name like others in this form */
    madt_finish();
    assert_null(acpi_read(&machine, &memory, RSDP));
    assert_cpus(3, 0u, 4u, 255u);
}

static void more_cpus_than_are_kept(void **state) {
    (void)state;
    for (u32 id = 100; id < 100 + 2 * ACPI_CPUS; id++) {
        x2apic_add(id, 1);
    }
    madt_finish();
    assert_null(acpi_read(&machine, &memory, RSDP));
    assert_int_equal(machine.cpu_count, ACPI_CPUS);
    assert_int_equal(machine.apic_id[ACPI_CPUS - 1], 100 + ACPI_CPUS - 3);
    assert_true(machine.io_apic);
}

static void overrides_move_and_turn_lines(void **state) {
    (void)state;
    override_add(0, 9, 20, 0xF);  /* low, level */
    override_add(0, 10, 10, 0xD); /* high, level */
    override_add(0, 11, 11, 0x7); /* low, edge */
    override_add(0, 12, 12, 0x5); /* high, edge */
    override_add(0, 13, 13, 0xA); /* reserved: the bus's own */
    override_add(1, 4, 30, 0xF);  /* another bus */
    override_add(0, 16, 31, 0xF); /* no line of this one */
    madt_finish();
    assert_null(acpi_read(&machine, &memory, RSDP));
    const struct acpi_line *line = machine.line;
    assert_true(line[9].input == 20 && line[9].active_low && line[9].level);
    assert_true(line[10].input == 10 && !line[10].active_low && line[10].level);
    assert_true(line[11].input == 11 && line[11].active_low && !line[11].level);
    assert_true(line[12].input == 12 && !line[12].active_low && !line[12].level);
    assert_true(line[13].input == 13 && !line[13].active_low && !line[13].level);
    assert_true(line[4].input == 4 && !line[4].active_low && !line[4].level);
}

static void the_io_apic_is_the_one_with_the_isa_lines(void **state) {
    (void)state;
    madt_end = MADT + 44;
    local_apic_add(0, 1);
    io_apic_add(0xFEC10000, 24);
    madt_finish();
    assert_null(acpi_read(&machine, &memory, RSDP));
    assert_false(machine.io_apic);
    io_apic_add(0xFEC00000, 0);
    io_apic_add(0xFEC20000, 0);
    madt_finish();
    assert_null(acpi_read(&machine, &memory, RSDP));
    assert_true(machine.io_apic);
    assert_int_equal(machine.io_apic_address, 0xFEC00000);
}

/* Any one byte changed is seen, or does no harm. */
static void every_byte(void **state) {
    static const uint8_t values[] = {0, 1, 0x7F, 0x80, 0xFF};
    static const struct {
        u32 start, length;
    } parts[] = {{RSDP, 36}, {RSDT, 44}, {XSDT, 52}, {MADT, 44 + 8 + 8 + 12 + 10}};
    (void)state;
    make_rsdp(RSDP, 2);
    for (u32 i = 0; i < 5 * ARRAY_LENGTH(parts); i++) {
        for (u32 at = parts[i / 5].start; at < parts[i / 5].start + parts[i / 5].length; at++) {
            uint8_t old = memory_bytes[at];
            memory_bytes[at] = values[i % 5];
            const char *error = acpi_read(&machine, &memory, RSDP);
            bool in_use = i / 5 != 1; /* the RSDT is not, where there is an XSDT */
            assert_true((error != NULL) == (in_use && old != values[i % 5]));
            memory_bytes[at] = old;
        }
    }
    assert_good(RSDP);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(revision_0_leads_to_the_rsdt),
        T(revision_2_leads_to_the_xsdt),
        T(revision_2_without_an_xsdt),
        T(the_search_finds_it_in_the_bios),
        T(the_search_finds_it_in_the_ebda),
        T(the_search_skips_what_only_looks_so),
        T(the_search_stays_in_memory),
        T(pointer_signature),
        T(pointer_checksum),
        T(pointer_checksum_of_all),
        T(pointer_length_short),
        T(pointer_length_huge),
        T(pointer_too_long),
        T(pointer_truncated),
        T(pointer_2_truncated),
        T(pointer_nowhere),
        T(pointer_far_away),
        T(root_checksum),
        T(root_signature),
        T(root_2_signature),
        T(root_length_0),
        T(root_length_short),
        T(root_length_huge),
        T(root_too_long),
        T(root_leaves_memory),
        T(root_truncated),
        T(root_nowhere),
        T(root_far_away),
        T(root_is_empty),
        T(root_has_half_an_entry),
        T(root_leads_back),
        T(madt_is_outside),
        T(madt_is_far_away),
        T(other_tables_do_not_matter),
        T(madt_checksum),
        T(madt_length_short),
        T(madt_length_huge),
        T(madt_leaves_memory),
        T(madt_is_empty),
        T(entry_of_length_0),
        T(entry_of_length_1),
        T(entry_leaves_table),
        T(entry_is_one_byte),
        T(local_apic_short),
        T(io_apic_short),
        T(override_short),
        T(x2apic_short),
        T(no_cpu_is_usable),
        T(unknown_and_longer_entries_are_stepped_over),
        T(cpus_that_are_not_enabled_are_left_out),
        T(a_cpu_counts_once),
        T(more_cpus_than_are_kept),
        T(overrides_move_and_turn_lines),
        T(the_io_apic_is_the_one_with_the_isa_lines),
        T(every_byte),
    };
    return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
