/* SPDX-License-Identifier: MIT */
/*
 * Views, which give no right away, and translations that must be gone at once. The fight is for one page of slot 2.
 */
#include "torture.h"

#define AREA (16 * PAGE_SIZE) /* offset of the page that the following fight for */

static volatile uint32_t *area(void) { return demo_pointer(2, AREA); }

static void write_area(uint32_t value) { *area() = value; }
static void read_area(uint32_t value) {
    claim(*area() == value, "what the reader sees", (long)*area());
}
static void jump_area(uint32_t unused) {
    (void)unused;
    ((void (*)(void))(uintptr_t)area())();
}

void attack_views(void) {
    static const uint32_t no_write[] = {PLAN_FORK, FORK_SHARING,
                                        PLAN(PLAN_SHARE, PLAN_COPY, PLAN_SHARE, PLAN_COPY)};
    struct handle_stat stat;
    uint8_t byte = 0;
    write_area(5);
    long full = demo_must("space_get", space_get(2));
    long seen =
        demo_must("handle_dup",
                  handle_dup((int)full, RIGHT_READ | RIGHT_MAP | RIGHT_DUPLICATE, QUARTET_NONE));
    EXPECT(E_RIGHTS, demo_attach(2, (int)seen, RW, 0));
    EXPECT(E_RIGHTS, demo_attach(2, (int)seen, RIGHT_READ | RIGHT_EXECUTE, 0));
    EXPECT(E_INVALID, demo_attach(2, (int)seen, RIGHT_WRITE, 0));
    claim(demo_attach(2, (int)seen, RIGHT_READ, 0) == 0, "a read-only view", 0);
    for (uint32_t i = 0; i < 3; i++) {
        claim(run(no_write[i], write_area, 6) == (STATUS_FAULT | FAULT_RIGHTS),
              "a write through a view", (long)i);
        claim(run(no_write[i], read_area, 5) == 0, "a read through a view", (long)i);
    }
    EXPECT(E_RIGHTS, quarter_supply(QUARTET_SLOT(2), AREA, &byte, 1));
    EXPECT(E_RIGHTS, quarter_protect(QUARTET_SLOT(2), AREA, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_RIGHTS, quarter_map(QUARTET_SLOT(2), 0x1000000, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_RIGHTS, quarter_unmap(QUARTET_SLOT(2), AREA, PAGE_SIZE));
    EXPECT(E_FAULT, clock_now((uint64_t *)(uintptr_t)area()));
    long again = demo_must("space_get", space_get(2));
    claim(handle_stat((int)again, &stat) == 0 && !(stat.rights & RIGHT_WRITE),
          "space_get gives the view", stat.rights);
    EXPECT(E_RIGHTS, demo_attach(2, (int)again, RW, 0));
    long copy =
        demo_must("quarter_copy", quarter_copy((int)again)); /* its own memory: every right */
    claim(demo_attach(2, (int)copy, RW, 0) == 0, "a copy of what a view shows", 0);
    write_area(7);
    claim(demo_attach(2, (int)seen, RIGHT_READ, 0) == 0, "the view again", 0);
    read_area(5);
    claim(demo_attach(2, (int)full, RW, 0) == 0, "the whole quarter again", 0);
    quarter_protect((int)full, AREA, PAGE_SIZE, RIGHT_READ | RIGHT_EXECUTE);
    uint32_t jumped = run(PLAN_FORK, jump_area, 0);
    claim(is_fault(jumped) || jumped == 0, "a view without execute",
          (long)jumped); /* 0: a CPU without NX */
    quarter_protect((int)full, AREA, PAGE_SIZE, RW);
    write_area(8);
    demo_attach(2, (int)seen, RIGHT_READ, 0);
    read_area(8);
}

/* Threads of one space, so that no load of another root hides a translation that should be gone. */
static int stale_touch(void *value) {
    claim(*area() == (uint32_t)(uintptr_t)value, "what the other thread of the space sees",
          (long)*area());
    *area() = (uint32_t)(uintptr_t)value;
    return 0;
}

static int stale_read(void *unused) { return unused == NULL && *area() == 0x12345 ? 1 : 0; }
static int stale_write(void *value) {
    *area() = (uint32_t)(uintptr_t)value;
    return 0;
}

static uint32_t in_space(int (*function)(void *), uint32_t value) {
    return end(quartet_clone(PLAN_THREAD, function, (void *)(uintptr_t)value));
}

void attack_stale(void) {
    for (uint32_t i = 0; i < 40; i++) {
        write_area(i);
        claim(in_space(stale_touch, i) == 0, "touched", (long)i);
        claim(quarter_protect(QUARTET_SLOT(2), AREA, PAGE_SIZE, RIGHT_READ) == 0, "protect", 0);
        claim(in_space(stale_write, 9) == (STATUS_FAULT | FAULT_RIGHTS), "a write after protect",
              (long)i);
        quarter_protect(QUARTET_SLOT(2), AREA, PAGE_SIZE, RW);
        long copy = quarter_copy(QUARTET_SLOT(2)), old = space_get(2);
        write_area(i + 1000); /* the copy is made now: the other must see the new frame */
        claim(in_space(stale_touch, i + 1000) == 0, "seen after a copy on write", (long)i);
        claim(demo_attach(2, (int)copy, RW, 1) == 0 && *area() == i,
              "a swap shows the other quarter at once", (long)*area());
        claim(demo_attach(2, (int)old, RW, 1) == 0 && *area() == i + 1000, "and back",
              (long)*area());
        claim(quarter_unmap(QUARTET_SLOT(2), AREA, PAGE_SIZE) == 0, "unmap", 0);
        claim(in_space(stale_read, 0) == (STATUS_FAULT | FAULT_NO_REGION), "a read after unmap",
              (long)i);
        quarter_map(QUARTET_SLOT(2), AREA, PAGE_SIZE, RW);
        claim(*area() == 0, "a new page is zero", (long)*area());
        if (i % 4 == 0) {
            demo_attach(2, QUARTET_NONE, 0, 0);
            claim(in_space(stale_read, 0) == (STATUS_FAULT | FAULT_NO_QUARTER),
                  "a read after detach", (long)i);
            demo_fresh_area(2, AREA_PAGES * PAGE_SIZE);
        }
    }
}
