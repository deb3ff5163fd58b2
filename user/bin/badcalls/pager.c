/* SPDX-License-Identifier: MIT */
/* Pagers and pages that are supplied: wrong handles, types, rights, modes and ranges. */
#include "user/bin/badcalls/badcalls.h"

#define RW (RIGHT_READ | RIGHT_WRITE)

static long supply_with(int to, int from, uint32_t mode, uint32_t rights) {
    struct page_supply supply = {to, from, 0, 0, 1, mode, rights, 0};
    return quarter_supply_pages(&supply);
}

static long supply_at(int to, int from, uint32_t offset, uint32_t from_offset, uint32_t pages) {
    struct page_supply supply = {to, from, offset, from_offset, pages, PAGER_COPY, 0, 0};
    return quarter_supply_pages(&supply);
}

void bad_pager_handle(int handle) {
    EXPECT(E_HANDLE, quarter_pager(handle, QUARTET_NONE));
    if (handle != QUARTET_NONE) {
        EXPECT(E_HANDLE, quarter_pager(QUARTET_SLOT(1), handle));
    }
    EXPECT(E_HANDLE, supply_with(handle, QUARTET_SLOT(1), PAGER_COPY, 0));
    EXPECT(E_HANDLE, supply_with(QUARTET_SLOT(1), handle, PAGER_COPY, 0));
}

static void bad_rights(int full, int empty) {
    int readable = (int)handle_dup(full, RIGHT_READ, QUARTET_NONE);
    int writable = (int)handle_dup(empty, RW, QUARTET_NONE);
    int endpoint = (int)endpoint_create();
    int mute = (int)handle_dup(endpoint, RIGHT_READ, QUARTET_NONE);
    state_keep();
    EXPECT(E_TYPE, quarter_pager(HANDLE_SYSTEM, QUARTET_NONE));
    EXPECT(E_TYPE, quarter_pager(empty, HANDLE_SYSTEM));
    EXPECT(E_TYPE, quarter_pager(empty, full));
    EXPECT(E_RIGHTS, quarter_pager(readable, QUARTET_NONE));
    EXPECT(E_RIGHTS, quarter_pager(writable, QUARTET_NONE));
    EXPECT(E_RIGHTS, quarter_pager(empty, mute));
    EXPECT(E_TYPE, supply_with(HANDLE_SYSTEM, full, PAGER_COPY, 0));
    EXPECT(E_TYPE, supply_with(empty, HANDLE_SYSTEM, PAGER_COPY, 0));
    EXPECT(E_RIGHTS, supply_with(readable, empty, PAGER_COPY, 0));
    EXPECT(E_RIGHTS, supply_with(writable, full, PAGER_COPY, RIGHT_READ));
    EXPECT(E_RIGHTS, supply_with(empty, readable, PAGER_MOVE, 0));
    EXPECT(E_RIGHTS, supply_with(empty, readable, PAGER_SHARE, 0));
    handle_close(mute);
    handle_close(endpoint);
    handle_close(writable);
    handle_close(readable);
    state_keep();
}

static void bad_numbers(int full, int empty) {
    EXPECT(E_INVALID, quarter_map(empty, PAGE_SIZE, PAGE_SIZE, MAP_PAGED));
    EXPECT(E_INVALID, quarter_map(empty, PAGE_SIZE, PAGE_SIZE, RIGHT_READ | MAP_PAGED << 1));
    EXPECT(E_INVALID, quarter_protect(empty, 0, PAGE_SIZE, RIGHT_READ | MAP_PAGED));
    EXPECT(E_INVALID, supply_with(empty, empty, PAGER_COPY, 0));
    EXPECT(E_INVALID, supply_with(empty, full, PAGER_FAULT, 0));
    EXPECT(E_INVALID, supply_with(empty, full, PAGER_RETRY, 0));
    EXPECT(E_INVALID, supply_with(empty, full, PAGER_COPY, RIGHT_WRITE));
    EXPECT(E_INVALID, supply_with(empty, full, PAGER_COPY, MAP_PAGED | RIGHT_READ));
    EXPECT(E_INVALID, supply_at(empty, full, 0, 0, 0));
    EXPECT(E_INVALID, supply_at(empty, full, 0, 0, UINT32_MAX));
    EXPECT(E_ALIGN, supply_at(empty, full, 1, 0, 1));
    EXPECT(E_ALIGN, supply_at(empty, full, 0, 8, 1));
    EXPECT(E_RANGE, supply_at(empty, full, QUARTER_SIZE, 0, 1));
    EXPECT(E_RANGE, supply_at(empty, full, 0, QUARTER_SIZE - PAGE_SIZE, 2));
    EXPECT(E_NOTFOUND, supply_at(empty, full, PAGE_SIZE, 0, 1));
    EXPECT(E_NOTFOUND, supply_at(empty, full, 0, PAGE_SIZE, 1));
}

void bad_pagers(void) {
    int full = (int)quarter_create(2), empty = (int)quarter_create(1);
    int absent = (int)quarter_create(1);
    quarter_map(full, 0, PAGE_SIZE, RW);
    quarter_map(empty, 0, PAGE_SIZE, RW | MAP_PAGED);
    quarter_map(absent, 0, PAGE_SIZE, RW | MAP_PAGED);
    state_keep();
    bad_rights(full, empty);
    bad_numbers(full, empty);
    EXPECT(E_NOTFOUND, supply_at(empty, absent, 0, 0, 1)); /* only its pager could bring it */
    handle_close(absent);
    handle_close(empty);
    handle_close(full);
    state_keep();
}
