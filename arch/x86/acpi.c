/* SPDX-License-Identifier: MIT */
/*
 * From ACPI's root pointer to struct acpi_machine. Pure: every byte comes through boot_read, which
 * copies and checks bounds, so nothing here depends on what the firmware claims; fuzzed on the host.
 * A table counts only if its length is sane and its bytes add up to 0. What is well formed but does
 * not concern us is skipped. The first thing wrong ends the reading with a sentence. Read next:
 * io_apic.c and smp.c, which act on it.
 */
#include "arch/x86/acpi.h"

#include <string.h>

#define EBDA_SEGMENT 0x40Eu /* the BIOS's word for where its extended data are */
#define EBDA_LENGTH 1024u
#define BIOS_START 0xE0000u
#define BIOS_END 0x100000u
#define RSDP_ALIGNMENT 16u
#define RSDP_LENGTH_0 20u /* in revision 0; what is behind it came with revision 2 */
#define TABLE_LIMIT (1u << 20)

struct __attribute__((packed)) root_pointer {
    char signature[8];
    u8 checksum;
    char maker[6];
    u8 revision;
    u32 rsdt;
    u32 length;
    u64 xsdt;
    u8 checksum_of_all;
    u8 reserved[3];
};

struct __attribute__((packed)) table_header {
    char signature[4];
    u32 length; /* with this header */
    u8 revision;
    u8 checksum;
    u8 maker[26];
};

struct __attribute__((packed)) madt_header {
    struct table_header header;
    u32 local_apic;
    u32 flags;
};

struct __attribute__((packed)) madt_entry {
    u8 type;
    u8 length; /* with these two */
};

enum madt_type { MADT_LOCAL_APIC = 0, MADT_IO_APIC = 1, MADT_OVERRIDE = 2, MADT_X2APIC = 9 };

#define CPU_ENABLED 1u /* else absent, or to be plugged in later */

struct __attribute__((packed)) madt_local_apic {
    struct madt_entry entry;
    u8 processor;
    u8 apic_id;
    u32 flags;
};

struct __attribute__((packed)) madt_x2apic {
    struct madt_entry entry;
    u16 reserved;
    u32 apic_id;
    u32 flags;
    u32 processor;
};

struct __attribute__((packed)) madt_io_apic {
    struct madt_entry entry;
    u8 id;
    u8 reserved;
    u32 address;
    u32 first_input;
};

#define BUS_ISA 0
#define OVERRIDE_ACTIVE_LOW 3u /* of the two bits of polarity; 0 is the bus's own, 1 high */
#define OVERRIDE_LEVEL 3u      /* of the two bits of trigger mode; 0 is the bus's own, 1 edge */

struct __attribute__((packed)) madt_override {
    struct madt_entry entry;
    u8 bus;
    u8 line;
    u32 input;
    u16 flags;
};

static bool sums_to_zero(const struct boot_memory *memory, u64 address, u32 length) {
    u8 block[64], sum = 0;
    while (length != 0) {
        u32 size = length < sizeof(block) ? length : (u32)sizeof(block);
        if (!boot_read(memory, address, block, size)) {
            return false;
        }
        for (u32 i = 0; i < size; i++) {
            sum = (u8)(sum + block[i]);
        }
        address += size;
        length -= size;
    }
    return sum == 0;
}

/* ---- The root pointer ------------------------------------------------------------------------ */

static bool rsdp_is_at(const struct boot_memory *memory, u64 address) {
    char signature[8];
    return boot_read(memory, address, signature, sizeof(signature)) &&
           memcmp(signature, "RSD PTR ", sizeof(signature)) == 0 &&
           sums_to_zero(memory, address, RSDP_LENGTH_0);
}

static u64 rsdp_search(const struct boot_memory *memory, u64 start, u64 end) {
    for (u64 address = start; address < end; address += RSDP_ALIGNMENT) {
        if (rsdp_is_at(memory, address)) {
            return address;
        }
    }
    return 0;
}

/* Where a PC's firmware leaves it; 0: nowhere. */
static u64 rsdp_find(const struct boot_memory *memory) {
    u16 segment = 0;
    u64 found = 0;
    if (boot_read(memory, EBDA_SEGMENT, &segment, sizeof(segment)) && segment != 0) {
        u64 start = (u64)segment << 4;
        found = rsdp_search(memory, start, start + EBDA_LENGTH);
    }
    return found != 0 ? found : rsdp_search(memory, BIOS_START, BIOS_END);
}

/* ---- The root table: RSDT or XSDT, a list of the addresses of all others --------------------- */

struct root_table {
    u64 address;
    u32 entry_size; /* 4 or 8 bytes */
    u32 entry_count;
};

static const char *root_pointer_read(const struct boot_memory *memory, u64 address,
                                     struct root_table *root) {
    struct root_pointer pointer = {0};
    if (!rsdp_is_at(memory, address) || !boot_read(memory, address, &pointer, RSDP_LENGTH_0)) {
        return "the root pointer is damaged";
    }
    *root = (struct root_table){.address = pointer.rsdt, .entry_size = sizeof(u32)};
    if (pointer.revision < 2) {
        return NULL;
    }
    if (!boot_read(memory, address, &pointer, sizeof(pointer)) ||
        pointer.length < sizeof(pointer) || pointer.length > TABLE_LIMIT ||
        !sums_to_zero(memory, address, pointer.length)) {
        return "the root pointer is damaged";
    }
    if (pointer.xsdt != 0) {
        *root = (struct root_table){.address = pointer.xsdt, .entry_size = sizeof(u64)};
    }
    return NULL;
}

/* The length of the table at ADDRESS, or 0 if it is damaged or shorter than MINIMUM. */
static u32 table_length(const struct boot_memory *memory, u64 address, u32 minimum) {
    struct table_header header;
    if (!boot_read(memory, address, &header, sizeof(header)) || header.length < minimum ||
        header.length > TABLE_LIMIT || !sums_to_zero(memory, address, header.length)) {
        return 0;
    }
    return header.length;
}

static bool table_is(const struct boot_memory *memory, u64 address, const char *signature) {
    char found[4];
    return boot_read(memory, address, found, sizeof(found)) &&
           memcmp(found, signature, sizeof(found)) == 0;
}

static const char *root_table_read(const struct boot_memory *memory, struct root_table *root) {
    const char *signature = root->entry_size == sizeof(u64) ? "XSDT" : "RSDT";
    u32 length = table_length(memory, root->address, sizeof(struct table_header));
    if (length == 0 || !table_is(memory, root->address, signature)) {
        return "the root table is damaged";
    }
    root->entry_count = (length - (u32)sizeof(struct table_header)) / root->entry_size;
    return NULL;
}

/* The address of the table with SIGNATURE; 0: there is none. */
static u64 table_find(const struct boot_memory *memory, const struct root_table *root,
                      const char *signature) {
    for (u32 i = 0; i < root->entry_count; i++) {
        u64 at = root->address + sizeof(struct table_header) + (u64)i * root->entry_size;
        u64 address = 0; /* little-endian: the four bytes of an RSDT's entry are its low ones */
        if (boot_read(memory, at, &address, root->entry_size) &&
            table_is(memory, address, signature)) {
            return address;
        }
    }
    return 0;
}

/* ---- The MADT: a list of entries of several types -------------------------------------------- */

/* An ID that means all CPUs names none. A CPU may stand there twice, once in each form. */
static void cpu_add(struct acpi_machine *machine, u32 id, u32 broadcast, u32 flags) {
    if (!(flags & CPU_ENABLED) || id == broadcast || machine->cpu_count == ACPI_CPUS) {
        return;
    }
    for (u32 i = 0; i < machine->cpu_count; i++) {
        if (machine->apic_id[i] == id) {
            return;
        }
    }
    machine->apic_id[machine->cpu_count++] = id;
}

/* Of several only the one that has the ISA lines. */
static void io_apic_take(struct acpi_machine *machine, const struct madt_io_apic *entry) {
    if (entry->first_input == 0 && entry->address != 0 && !machine->io_apic) {
        machine->io_apic = true;
        machine->io_apic_address = entry->address;
        machine->io_apic_first = entry->first_input;
    }
}

static void override_take(struct acpi_machine *machine, const struct madt_override *entry) {
    if (entry->bus == BUS_ISA && entry->line < ACPI_ISA_LINES) {
        machine->line[entry->line] = (struct acpi_line){
            .input = entry->input,
            .active_low = (entry->flags & 3) == OVERRIDE_ACTIVE_LOW,
            .level = (entry->flags >> 2 & 3) == OVERRIDE_LEVEL,
        };
    }
}

union madt_any {
    struct madt_local_apic local_apic;
    struct madt_io_apic io_apic;
    struct madt_override override;
    struct madt_x2apic x2apic;
};

/* How long an entry of TYPE must be; 0: not of interest. */
static u32 madt_entry_size(u8 type) {
    switch (type) {
    case MADT_LOCAL_APIC:
        return sizeof(struct madt_local_apic);
    case MADT_IO_APIC:
        return sizeof(struct madt_io_apic);
    case MADT_OVERRIDE:
        return sizeof(struct madt_override);
    case MADT_X2APIC:
        return sizeof(struct madt_x2apic);
    default:
        return 0;
    }
}

static void madt_entry_take(struct acpi_machine *machine, u8 type, const union madt_any *entry) {
    switch (type) {
    case MADT_LOCAL_APIC:
        cpu_add(machine, entry->local_apic.apic_id, UINT8_MAX, entry->local_apic.flags);
        break;
    case MADT_IO_APIC:
        io_apic_take(machine, &entry->io_apic);
        break;
    case MADT_OVERRIDE:
        override_take(machine, &entry->override);
        break;
    case MADT_X2APIC:
        cpu_add(machine, entry->x2apic.apic_id, UINT32_MAX, entry->x2apic.flags);
        break;
    }
}

static const char *madt_read(struct acpi_machine *machine, const struct boot_memory *memory,
                             u64 address) {
    u32 length = table_length(memory, address, sizeof(struct madt_header));
    if (length == 0) {
        return "the MADT is damaged";
    }
    u32 at = sizeof(struct madt_header);
    while (at < length) {
        struct madt_entry entry;
        union madt_any any;
        if (!boot_read(memory, address + at, &entry, sizeof(entry)) ||
            entry.length < sizeof(entry) || entry.length > length - at) {
            return "the MADT has an entry of impossible length";
        }
        u32 size = madt_entry_size(entry.type);
        if (entry.length < size || !boot_read(memory, address + at, &any, size)) {
            return "the MADT has an entry that is too short";
        }
        madt_entry_take(machine, entry.type, &any);
        at += entry.length;
    }
    return machine->cpu_count != 0 ? NULL : "the MADT names no CPU";
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* No CPU, no IO-APIC; the lines as the ISA bus has them. */
static void machine_clear(struct acpi_machine *machine) {
    memset(machine, 0, sizeof(*machine));
    for (u32 i = 0; i < ACPI_ISA_LINES; i++) {
        machine->line[i].input = i;
    }
}

static const char *tables_read(struct acpi_machine *machine, const struct boot_memory *memory,
                               u64 rsdp) {
    struct root_table root;
    rsdp = rsdp != 0 ? rsdp : rsdp_find(memory);
    if (rsdp == 0) {
        return "there is no root pointer";
    }
    const char *error = root_pointer_read(memory, rsdp, &root);
    error = error ? error : root_table_read(memory, &root);
    if (error != NULL) {
        return error;
    }
    u64 madt = table_find(memory, &root, "APIC");
    return madt != 0 ? madt_read(machine, memory, madt) : "there is no MADT";
}

const char *acpi_read(struct acpi_machine *machine, const struct boot_memory *memory,
                      physical_t rsdp) {
    machine_clear(machine);
    const char *error = tables_read(machine, memory, rsdp);
    if (error != NULL) {
        machine_clear(machine);
    }
    return error;
}
