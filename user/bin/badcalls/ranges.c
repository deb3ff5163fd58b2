/* SPDX-License-Identifier: MIT */
/* Slots, ranges and alignments; and what a space cannot be changed to. */
#include "user/bin/badcalls/badcalls.h"

void bad_ranges(void) {
    char byte = 0;
    EXPECT(E_SLOT, quarter_create(4));
    EXPECT(E_SLOT, quarter_create(UINT32_MAX));
    EXPECT(E_SLOT, space_get(4));
    EXPECT(E_ALIGN, quarter_map(QUARTET_SLOT(1), 0x20000001, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_ALIGN, quarter_map(QUARTET_SLOT(1), 0x20000000, 1, RIGHT_READ));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, 0, RIGHT_READ));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE, 0));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE, RIGHT_WRITE));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE, 0xFFFF));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE,
                                  RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE));
    EXPECT(E_RANGE, quarter_map(QUARTET_SLOT(1), QUARTER_SIZE, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_RANGE,
           quarter_map(QUARTET_SLOT(1), QUARTER_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, RIGHT_READ));
    EXPECT(E_RANGE, quarter_map(QUARTET_SLOT(1), 0xFFFFF000u, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_RANGE, quarter_map(QUARTET_SLOT(1), PAGE_SIZE, 0xFFFFF000u, RIGHT_READ));
#ifdef ARCH_PAE
    EXPECT(E_RANGE,
           quarter_map(QUARTET_SLOT(3), 0x30000000, PAGE_SIZE, RIGHT_READ)); /* the kernel's part */
#endif
    EXPECT(E_EXISTS, quarter_map(QUARTET_SLOT(1), 0, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_NOTFOUND, quarter_unmap(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE));
    EXPECT(E_RANGE, quarter_unmap(QUARTET_SLOT(1), QUARTER_SIZE - PAGE_SIZE, 2 * PAGE_SIZE));
    EXPECT(E_NOTFOUND, quarter_protect(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_INVALID, quarter_protect(QUARTET_SLOT(1), 0, PAGE_SIZE,
                                      RIGHT_WRITE | RIGHT_EXECUTE | RIGHT_READ));
    EXPECT(E_NOTFOUND, quarter_supply(QUARTET_SLOT(1), 0x20000000, &byte, 1));
    EXPECT(E_RANGE, quarter_supply(QUARTET_SLOT(1), QUARTER_SIZE, &byte, 1));
    EXPECT(E_RANGE, quarter_supply(QUARTET_SLOT(1), QUARTER_SIZE - 1, &byte, 2));
    EXPECT(E_RANGE,
           quarter_supply(QUARTET_SLOT(1), 0, (void *)(uintptr_t)SLOT_BASE(1), 0xFFFFF000u));
}

void bad_space_changes(void) {
    struct space_change keep = {.process = QUARTET_SELF};
    for (int slot = 0; slot < (int)SLOT_COUNT; slot++) {
        keep.quarter[slot] = QUARTET_KEEP;
    }
    struct space_change change = keep;
    change.flags = 0x80000000u;
    EXPECT(E_INVALID, space_set(&change));
    change = keep;
    change.quarter[2] = 200;
    EXPECT(E_HANDLE, space_set(&change));
    change = keep;
    change.quarter[2] = HANDLE_SYSTEM;
    change.rights[2] = RIGHT_READ;
    EXPECT(E_TYPE, space_set(&change));
    long quarter = quarter_create(1);
    state_keep();
    change = keep;
    change.quarter[2] = (int32_t)quarter;
    change.rights[2] = RIGHT_READ;
    EXPECT(E_SLOT, space_set(&change));
    change = keep;
    change.quarter[2] = QUARTET_NONE;
    change.process = 200;
    EXPECT(E_HANDLE, space_set(&change));
    change = keep;
    change.process = (int32_t)quarter;
    EXPECT(E_TYPE, space_set(&change));
    handle_close((int)quarter);
    state_keep();
}
