/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes what arch/x86/acpi.c makes of ACPI's tables: the input is all of physical memory, with the
 * root pointer at byte 16. An accepted machine has CPUs, each once; a refused one has nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/acpi.h"

#define PROMISE(condition) ((condition) ? (void)0 : abort())
enum { RSDP = 16, XSDT = 64, MADT = 112, MADT_ENTRIES = MADT + 44 };

static void check_machine(const struct acpi_machine *machine, const char *error) {
    PROMISE(machine->cpu_count <= ACPI_CPUS);
    if (error) {
        PROMISE(strlen(error) > 10 && machine->cpu_count == 0 && !machine->io_apic);
        return;
    }
    PROMISE(machine->cpu_count > 0);
    for (u32 i = 0; i < machine->cpu_count; i++) {
        for (u32 j = 0; j < i; j++) {
            PROMISE(machine->apic_id[i] != machine->apic_id[j]);
        }
    }
    PROMISE(!machine->io_apic || (machine->io_apic_address != 0 && machine->io_apic_first == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1); /* exactly as long */
    memcpy(copy, data, size);
    const struct boot_memory memory = {.base = (uintptr_t)copy, .size = size};
    struct acpi_machine machine;
    check_machine(&machine, acpi_read(&machine, &memory, RSDP));
    check_machine(&machine, acpi_read(&machine, &memory, 0));
    free(copy);
    return 0;
}

static void checksum_set(uint8_t *data, size_t start, size_t length, size_t place) {
    uint8_t sum = 0;
    data[place] = 0;
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + data[start + i]);
    }
    data[place] = (uint8_t)-sum;
}

static void table_repair(uint8_t *data, size_t start, const char *signature, u32 length) {
    memcpy(data + start, signature, 4);
    memcpy(data + start + 4, &length, 4);
    checksum_set(data, start, length, start + 9);
}

/* Mostly, what leads to the MADT's entries is put right, so that those are what is fuzzed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t limit);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned seed) {
    size = LLVMFuzzerMutate(data, size, limit);
    if (seed % 4 == 0 || size < MADT_ENTRIES) {
        return size;
    }
    const u32 root[] = {XSDT, 36, XSDT, 0, 0};
    const u64 madt = MADT;
    table_repair(data, MADT, "APIC", (u32)(size - MADT));
    memcpy(data + XSDT + 36, &madt, sizeof(madt));
    table_repair(data, XSDT, "XSDT", 44);
    memcpy(data + RSDP, "RSD PTR ", 8);
    data[RSDP + 15] = 2;
    memcpy(data + RSDP + 16, root, sizeof(root));
    checksum_set(data, RSDP, 20, RSDP + 8);
    checksum_set(data, RSDP, 36, RSDP + 32);
    return size;
}
