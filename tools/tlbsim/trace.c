/* SPDX-License-Identifier: MIT */
/*
 * A plugin for QEMU (its TCG plugin interface, version 1) that writes the trace of trace.h. The guest has
 * one CPU and a kernel built with TLBTRACE=1.
 *
 *     accesses   each load, store and block of instructions at a user address, by whomever: at the
 *                first of its page since the last event the plugin walks the guest's page tables
 *     events     the kernel stores to `tlbtrace_door`; the plugin takes `tlbtrace_record`
 *     marks      a program runs a NOP with a number in it (workloads/mark.h): counting begins or ends
 *
 * The plugin reads guest memory where the host has it: the kernel's image stands at known physical
 * addresses, and QEMU says where the host has an instruction. So memory must be one block, below 3 GiB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/qemu_plugin.h"
#include "tools/bench/workloads/mark.h"
#include "tools/tlbsim/trace.h"

#define USER_TOP 0xF0000000u /* addresses from here on are the kernel's, on both kernels */
#define PAE_IMAGE 0xF0000000u
#define IMAGE_MOST 0x1000000u /* bytes of the kernel */
#define SLOTS 4u
#define ENTRIES 512u
#define PAE_USER_ENTRIES_LAST_SLOT 384u /* above, a directory of slot 3 has the kernel's */
#define PRESENT 0x001u
#define WRITE 0x002u
#define LARGE 0x080u
#define GLOBAL 0x100u
#define FRAME_MASK 0x000000FFFFFFF000ull
#define VIEW_WRITE 2u
#define FRAMES_MOST (3ull << 18) /* 3 GiB */

/* ---- What is known of the guest --------------------------------------------------------------- */

static uint64_t image, door, record_at; /* addresses in the guest */
static const uint8_t *memory; /* the guest's, where the host has it; null: not yet known */
static FILE *output;
static uint64_t accesses, instructions; /* accesses: loads and stores */
static uint64_t lost;                   /* accesses whose page was not mapped */
static bool counting, running;          /* running: a space has been loaded */

struct slot {
    uint64_t sub_id, view, directory;
};
static struct slot loaded[SLOTS];

struct quarter {
    uint64_t sub_id, directory, slot;
};
static struct quarter *quarters;
static size_t quarter_count, quarter_room;

static bool filtering = true;
static uint64_t filter[TRACE_FILTER], filter_large[TRACE_FILTER_LARGE];

static void *checked(void *pointer) {
    if (!pointer) {
        fprintf(stderr, "tlbsim: no memory\n");
        exit(1);
    }
    return pointer;
}

static void put(const uint64_t *words, size_t count) {
    if (fwrite(words, sizeof *words, count, output) != count) {
        perror("tlbsim: trace");
        exit(1);
    }
}

static uint64_t guest_entry(uint64_t frame, uint64_t index) {
    uint64_t entry;
    memcpy(&entry, memory + (frame << 12) + index * sizeof entry, sizeof entry);
    return entry;
}

static uint64_t entry_frame(uint64_t entry) { return (entry & FRAME_MASK) >> 12; }

/* ---- Accesses ---------------------------------------------------------------------------------- */

/* Is PAGE the last that SET has seen, with a store if this is a STORE? It is now. */
static bool filtered(uint64_t *set, uint64_t page, bool store) {
    uint64_t seen = page << 2 | 1;
    if (filtering && (*set & ~(uint64_t)2) == seen && (*set & 2 || !store)) {
        return true;
    }
    *set = seen | (uint64_t)store << 1;
    return false;
}

static void access_walk(uint64_t page, bool store) {
    const struct slot *slot = &loaded[page >> 18];
    uint64_t directory = slot->directory ? guest_entry(slot->directory, page >> 9 & 511) : 0;
    bool large = directory & LARGE;
    uint64_t entry = !(directory & PRESENT) ? 0
                     : large                ? directory
                                            : guest_entry(entry_frame(directory), page & 511);
    if (!(entry & PRESENT)) {
        lost += running;
        return;
    }
    if (entry & GLOBAL) {
        fprintf(stderr,
                "tlbsim: a commons is in use, whose translations the machines do not model\n");
        exit(1);
    }
    if (large && filtered(&filter_large[(page >> 9) % TRACE_FILTER_LARGE], page >> 9, store)) {
        return;
    }
    uint64_t word = TRACE_ACCESS | page << 16 | entry_frame(entry) << 36;
    word |= store ? TRACE_STORE : 0;
    word |= large ? TRACE_LARGE : 0;
    word |= directory & entry & WRITE && slot->view & VIEW_WRITE ? TRACE_WRITABLE : 0;
    put(&word, 1);
}

static void access_page(uint64_t page, bool store) {
    if (memory && !filtered(&filter[page % TRACE_FILTER], page, store)) {
        access_walk(page, store);
    }
}

/* ---- Page tables, counted ---------------------------------------------------------------------- */

static uint32_t user_entries(const struct quarter *quarter) {
    return image == PAE_IMAGE && quarter->slot == 3 ? PAE_USER_ENTRIES_LAST_SLOT : ENTRIES;
}

static uint64_t leaves_in(uint64_t table) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        count += guest_entry(table, i) & PRESENT;
    }
    return count;
}

/* The quarter's tables and leaf entries into OWNED; in SEEN a bit for each table, in DIFFERENT how many
 * had none. */
static void quarter_tables(const struct quarter *quarter, uint64_t owned[2], uint8_t *seen,
                           uint64_t *different) {
    for (uint32_t i = 0; i < user_entries(quarter); i++) {
        uint64_t entry = guest_entry(quarter->directory, i);
        if (!(entry & PRESENT) || entry & LARGE) {
            owned[1] += entry & PRESENT;
            continue;
        }
        uint64_t table = entry_frame(entry);
        owned[0]++;
        owned[1] += leaves_in(table);
        *different += !(seen[table / 8] >> table % 8 & 1);
        seen[table / 8] |= (uint8_t)(1u << table % 8);
    }
}

static void tables_write(void) {
    static uint8_t seen[FRAMES_MOST / 8];
    memset(seen, 0, sizeof seen);
    uint64_t sums[5] = {TRACE_HEADER(TRACE_TABLES, 4), quarter_count};
    uint64_t *lines = checked(calloc(quarter_count + 1, 4 * sizeof *lines));
    for (size_t i = 0; i < quarter_count; i++) {
        uint64_t *line = lines + 4 * i;
        line[0] = TRACE_HEADER(TRACE_OWNED, 3);
        line[1] = quarters[i].sub_id;
        quarter_tables(&quarters[i], line + 2, seen, &sums[3]);
        sums[2] += line[2];
        sums[4] += line[3];
    }
    put(sums, 5);
    put(lines, 4 * quarter_count);
    free(lines);
}

/* ---- Events ------------------------------------------------------------------------------------ */

static void quarter_add(const uint64_t *record) {
    if (quarter_count == quarter_room) {
        quarter_room = quarter_room ? 2 * quarter_room : 64;
        quarters = checked(realloc(quarters, quarter_room * sizeof *quarters));
    }
    quarters[quarter_count++] = (struct quarter){record[1], record[2], record[3]};
}

static struct quarter *quarter_find(uint64_t sub_id) {
    for (size_t i = 0; i < quarter_count; i++) {
        if (quarters[i].sub_id == sub_id) {
            return &quarters[i];
        }
    }
    fprintf(stderr, "tlbsim: the trace has no quarter %llu\n", (unsigned long long)sub_id);
    exit(1);
}

static void loaded_take(const uint64_t *record) {
    for (uint32_t i = 0; i < SLOTS; i++) {
        const uint64_t *words = record + 2 + 3 * i;
        loaded[i] = (struct slot){words[0], words[1], words[2]};
    }
    running = true;
}

static uint64_t directory_present(const struct quarter *quarter) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < user_entries(quarter); i++) {
        count += guest_entry(quarter->directory, i) & PRESENT;
    }
    return count;
}

static void event(void) {
    uint64_t record[TRACE_WORDS];
    memcpy(record, memory + (record_at - image), sizeof record);
    enum trace_kind kind = record[0] & 0xFF;
    if (kind == TRACE_ACCESS) {
        return; /* the store was that which cleared .bss */
    }
    memset(filter, 0, sizeof filter);
    memset(filter_large, 0, sizeof filter_large);
    if (counting && (kind == TRACE_SPACE_END || kind == TRACE_CLONE)) {
        tables_write();
    }
    switch (kind) {
    case TRACE_LOAD:
        loaded_take(record);
        break;
    case TRACE_QUARTER:
        quarter_add(record);
        break;
    case TRACE_QUARTER_END:
        *quarter_find(record[1]) = quarters[quarter_count - 1];
        quarter_count--;
        break;
    case TRACE_COPY:
        record[3] = directory_present(quarter_find(record[1]));
        break;
    default:
        break;
    }
    put(record, 1 + (record[0] >> 8 & 0xFF));
}

static void mark(unsigned cpu, void *begins) {
    (void)cpu;
    uint64_t words[3] = {TRACE_HEADER(begins ? TRACE_BEGIN : TRACE_END, 2), accesses, instructions};
    counting = begins != NULL;
    if (memory) {
        tables_write();
    }
    put(words, 3);
}

/* ---- What QEMU calls --------------------------------------------------------------------------- */

struct block {
    uint32_t instructions;
    bool user;
    uint64_t first, last; /* pages */
};

static void ran(unsigned cpu, void *data) {
    (void)cpu;
    const struct block *block = data;
    instructions += block->instructions;
    if (block->user) {
        access_page(block->first, false);
        if (block->last != block->first) {
            access_page(block->last, false);
        }
    }
}

static void accessed(unsigned cpu, uint32_t info, uint64_t address, void *data) {
    (void)cpu, (void)data;
    if (address < USER_TOP) {
        accesses++;
        access_page(address >> 12, qemu_plugin_mem_is_store(info));
    } else if (address == door && qemu_plugin_mem_is_store(info) && memory) {
        event();
    }
}

static void look_at(struct qemu_plugin_insn *insn) {
    static const uint8_t begin[] = {MARK_BYTES(MARK_BEGIN)}, end[] = {MARK_BYTES(MARK_END)};
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    if (!memory && address >= image && address - image < IMAGE_MOST) { /* no firmware */
        memory = (const uint8_t *)qemu_plugin_insn_haddr(insn) - (address - image);
    }
    if (qemu_plugin_insn_size(insn) == sizeof begin) {
        const void *code = qemu_plugin_insn_data(insn);
        if (memcmp(code, begin, sizeof begin) == 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, QEMU_PLUGIN_CB_NO_REGS, &counting);
        } else if (memcmp(code, end, sizeof end) == 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
    }
    qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS,
                                     QEMU_PLUGIN_MEM_READS_AND_WRITES, NULL);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(tb);
    struct block *block = checked(calloc(1, sizeof *block));
    for (size_t i = 0; i < count; i++) {
        look_at(qemu_plugin_tb_get_insn(tb, i));
    }
    struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, count - 1);
    uint64_t from = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
    uint64_t to = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last) - 1;
    *block = (struct block){(uint32_t)count, to < USER_TOP, from >> 12, to >> 12};
    qemu_plugin_register_vcpu_tb_exec_cb(tb, ran, QEMU_PLUGIN_CB_NO_REGS, block);
}

static void finish(qemu_plugin_id_t id, void *data) {
    (void)id, (void)data;
    if (fclose(output) != 0) {
        perror("tlbsim: trace");
    }
    if (lost) {
        fprintf(stderr, "tlbsim: %llu accesses to pages that were not mapped\n",
                (unsigned long long)lost);
    }
}

static bool argument_take(const char *argument, const char **path) {
    if (strncmp(argument, "out=", 4) == 0) {
        *path = argument + 4;
    } else if (strncmp(argument, "image=", 6) == 0) {
        image = strtoull(argument + 6, NULL, 0);
    } else if (strncmp(argument, "door=", 5) == 0) {
        door = strtoull(argument + 5, NULL, 0);
    } else if (strncmp(argument, "record=", 7) == 0) {
        record_at = strtoull(argument + 7, NULL, 0);
    } else if (strcmp(argument, "filter=off") == 0) {
        filtering = false;
    } else {
        return false;
    }
    return true;
}

/* The arguments: out=FILE image=ADDRESS door=ADDRESS record=ADDRESS; filter=off leaves nothing out. */
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_plugin_info_t *info,
                                           int count, char **arguments) {
    (void)info;
    const char *path = NULL;
    for (int i = 0; i < count; i++) {
        if (!argument_take(arguments[i], &path)) {
            fprintf(stderr, "tlbsim: unknown argument %s\n", arguments[i]);
            return 1;
        }
    }
    output = path && image && door && record_at ? fopen(path, "wb") : NULL;
    if (!output) {
        fprintf(stderr, "tlbsim: the plugin needs out=FILE image= door= record=\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
