/* SPDX-License-Identifier: MIT */
/*
 * banks [MEBIBYTES]: a program works through more memory than fits its slot, by swapping quarters
 * in slot 2, as eight-bit machines switched banks. Each bank is a quarter of up to 1 GiB, reached
 * through one handle; swapping it in moves the process to another space and touches no page.
 *
 * Without an argument it takes three quarters of the free memory: more than 1 GiB takes a machine
 * with more (MEM=2G). With MEM=6G it must have more than 4 GiB of data in reach of 32-bit pointers;
 * on pae the frames come from beyond the direct map first, then also from above 4 GiB.
 */
#include "demo.h"

#define BANK_SIZE (1024u * MIB)
#define BANKS_LIMIT 32u
#define STEP PAGE_SIZE /* one word is written in each page */

static long bank[BANKS_LIMIT];
static uint32_t bank_size[BANKS_LIMIT];

static struct info_machine machine(void) {
    struct info_machine info;
    memset(&info, 0, sizeof(info));
    demo_must("system_info", system_info(HANDLE_SYSTEM, INFO_MACHINE, &info, sizeof(info)));
    return info;
}

static uint32_t banks_create(uint32_t mebibytes) {
    uint32_t count = 0;
    while (mebibytes != 0 && count < BANKS_LIMIT) {
        uint32_t part = mebibytes < BANK_SIZE / MIB ? mebibytes : BANK_SIZE / MIB;
        bank[count] = demo_must("quarter_create", quarter_create(SLOT_SHARED));
        bank_size[count] = part * MIB;
        demo_must("quarter_map",
                  quarter_map((int)bank[count], 0, part * MIB, RIGHT_READ | RIGHT_WRITE));
        mebibytes -= part;
        count++;
    }
    return count;
}

static void bank_select(uint32_t number) {
    demo_must("space_set",
              demo_attach(SLOT_SHARED, (int)bank[number], RIGHT_READ | RIGHT_WRITE, 0));
}

static uint32_t word_for(uint32_t number, uint32_t offset) { return offset ^ number * 0x9E3779B9u; }

static void bank_fill(uint32_t number) {
    bank_select(number);
    for (uint32_t at = 0; at < bank_size[number]; at += STEP) {
        *(volatile uint32_t *)demo_pointer(SLOT_SHARED, at) = word_for(number, at);
    }
}

static uint32_t bank_errors(uint32_t number) {
    uint32_t errors = 0;
    bank_select(number);
    for (uint32_t at = 0; at < bank_size[number]; at += STEP) {
        errors += *(volatile uint32_t *)demo_pointer(SLOT_SHARED, at) != word_for(number, at);
    }
    return errors;
}

int main(int argc, char **argv) {
    struct info_machine before = machine();
    uint32_t mebibytes = before.frames_free / (MIB / PAGE_SIZE) / 4 * 3;
    uint32_t errors = 0;
    int failed = 0;
    if (argc > 1) {
        mebibytes = (uint32_t)strtoul(argv[1], NULL, 10);
    }
    if (mebibytes == 0 || mebibytes > BANKS_LIMIT * (BANK_SIZE / MIB)) {
        fprintf(stderr, "usage: banks [MEBIBYTES]   from 1 to %u\n",
                (unsigned)(BANKS_LIMIT * (BANK_SIZE / MIB)));
        return 2;
    }
    uint32_t count = banks_create(mebibytes);
    for (uint32_t i = 0; i < count; i++) {
        bank_fill(i);
    }
    for (uint32_t i = count; i-- > 0;) {
        errors += bank_errors(i);
    }
    struct info_machine filled = machine();
    uint32_t used = (before.frames_free - filled.frames_free) / (MIB / PAGE_SIZE);
    printf("  %u MiB in %u banks through one 1 GiB slot; %u MiB of frames in use for them\n",
           (unsigned)mebibytes, (unsigned)count, (unsigned)used);
    failed += demo_claim(errors == 0, "every word in every bank reads back");
    failed += demo_claim(used >= mebibytes, "all of it was resident at once");
    if (mebibytes > 4096) {
        failed +=
            demo_claim(used > 4096, "more than 4 GiB of data in one program of 32-bit pointers");
    }
    if (before.frames_high_free !=
        0) { /* pae: frames that the kernel reaches only through a window */
        uint32_t high = (before.frames_high_free - filled.frames_high_free) / (MIB / PAGE_SIZE);
        printf("  %u MiB of it above the kernel's direct map\n", (unsigned)high);
        failed += demo_claim(high > 0, "high frames served it");
    }
    for (uint32_t i = 0; i < count; i++) {
        demo_must("handle_close", handle_close((int)bank[i]));
    }
    demo_must("space_set", demo_attach(SLOT_SHARED, QUARTET_NONE, 0, 0));
    uint32_t after = machine().frames_free;
    failed += demo_claim(before.frames_free - after < 64, "all frames came back");
    return failed ? 1 : 0;
}
