/* SPDX-License-Identifier: MIT */
/* Device memory: the text screen's, which every machine of the tests has, and what is none. */
#include "user/bin/devices/devices.h"

#define SCREEN 0xB8000u
#define SCREEN_SIZE 0x8000u
#define AT 0x100000u  /* in slot 2 */
#define SPARE 0x7FF0u /* behind the last row that anybody shows */
#define READ_WRITE (RIGHT_READ | RIGHT_WRITE)

static long device(uint64_t physical, uint64_t length) {
    struct device_range range = {.physical = physical, .length = length};
    return device_create(HANDLE_SYSTEM, &range);
}

static volatile uint16_t *spare(void) {
    return (volatile uint16_t *)(uintptr_t)(SLOT_BASE(2) + AT + SPARE);
}

static int write_there(void *unused) {
    (void)unused;
    *spare() = 0x2222;
    return 0;
}

void check_memory(void) {
    int screen = (int)demo_must("device_create", device(SCREEN, SCREEN_SIZE));
    int reader = (int)handle_dup(screen, RIGHT_READ | RIGHT_MAP, QUARTET_NONE);
    demo_fresh_area(2, PAGE_SIZE);
    claim(quarter_map_device(QUARTET_SLOT(2), AT, reader, READ_WRITE) == -E_RIGHTS,
          "a region has no more rights than the device's handle");
    demo_must("quarter_map_device", quarter_map_device(QUARTET_SLOT(2), AT, screen, READ_WRITE));
    *spare() = 0x1111;
    claim(*spare() == 0x1111, "device memory is mapped");
    claim(demo_wait(quartet_clone(PLAN_FORK, write_there, NULL)) == 0 && *spare() == 0x2222,
          "a copy shares it");
    handle_close(screen);
    handle_close(reader);
    *spare() = 0x3333;
    claim(*spare() == 0x3333, "it stays mapped without its handle");
    quarter_unmap(QUARTET_SLOT(2), AT, SCREEN_SIZE);
    claim(device(0x100000, PAGE_SIZE) == -E_BUSY, "memory is no device");
    claim(device(0, PAGE_SIZE) == -E_BUSY, "nor is the first page");
    claim(device(0xFFFFF, PAGE_SIZE) == -E_ALIGN && device(SCREEN, 0) == -E_INVALID &&
              device(SCREEN, UINT64_MAX & ~0xFFFull) == -E_RANGE &&
              device((uint64_t)1 << 60, PAGE_SIZE) == -E_RANGE,
          "what cannot be addressed is refused");
}
