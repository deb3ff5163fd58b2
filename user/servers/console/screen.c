/* SPDX-License-Identifier: MIT */
/*
 * The VGA text screen: kernel/format/text_screen.c over the card's memory, which stands in slot 2.
 * It goes on where the kernel, or the driver before this one, has stopped. Under the console's lock.
 */
#include "kernel/format/text_screen.h"

#include "user/lib/port.h"
#include "user/servers/console/console.h"
#include "user/servers/console/handles.h"

static void controller_write(uint8_t index, uint8_t value) {
    port_write16(TEXT_SCREEN_CONTROLLER, (uint16_t)(value << 8 | index));
}

static uint8_t controller_read(uint8_t index) {
    port_write8(TEXT_SCREEN_CONTROLLER, index);
    return port_read8(TEXT_SCREEN_CONTROLLER + 1);
}

static struct text_screen screen = {
    .memory = (volatile uint16_t *)(uintptr_t)SLOT_BASE(SLOT_SHARED),
    .write = controller_write,
    .read = controller_read,
};

void screen_start(void) {
    if (ioport_grant(CONSOLE_SCREEN_PORTS) == 0 &&
        quarter_map_device(QUARTET_SLOT(SLOT_SHARED), 0, CONSOLE_SCREEN_MEMORY,
                           RIGHT_READ | RIGHT_WRITE) == 0) {
        text_screen_resume(&screen);
    }
}

void screen_write(const char *text, uint32_t length) { text_screen_write(&screen, text, length); }
