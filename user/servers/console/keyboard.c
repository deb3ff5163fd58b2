/* SPDX-License-Identifier: MIT */
/*
 * The PS/2 keyboard (US layout, scan code set 1) as a terminal would send it: bytes, and ANSI
 * sequences for the keys that have no byte. All of it belongs to the
 * thread that waits for interrupts.
 */
#include "user/lib/port.h"
#include "user/servers/console/console.h"
#include "user/servers/console/handles.h"

#define DATA KEYBOARD_DATA
#define STATUS KEYBOARD_STATUS /* written: a command to the controller */
#define STATUS_OUTPUT 0x01
#define STATUS_INPUT 0x02
#define STATUS_MOUSE 0x20
#define COMMAND_READ 0x20
#define COMMAND_WRITE 0x60
#define CONFIGURATION_INTERRUPT 0x01
#define CONFIGURATION_DISABLE 0x10
#define CONFIGURATION_TRANSLATE 0x40
#define POLL_LIMIT 100000u

#define KEY_CONTROL 0x1D
#define KEY_SHIFT_LEFT 0x2A
#define KEY_SHIFT_RIGHT 0x36
#define KEY_CAPS_LOCK 0x3A
#define KEY_RELEASED 0x80
#define KEY_EXTENDED 0xE0

static const char plain[] =
    "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static const struct {
    uint8_t key;
    const char *sequence;
} extended_keys[] = {
    {0x48, "\033[A"},  {0x50, "\033[B"},  {0x4D, "\033[C"},  {0x4B, "\033[D"},
    {0x47, "\033[H"},  {0x4F, "\033[F"},  {0x52, "\033[2~"}, {0x53, "\033[3~"},
    {0x49, "\033[5~"}, {0x51, "\033[6~"}, {0x1C, "\r"},      {0x35, "/"},
};

static bool present;
static bool shift, control, caps_lock, extended;

static void send_extended(uint8_t key) {
    for (size_t i = 0; i < sizeof extended_keys / sizeof extended_keys[0]; i++) {
        if (extended_keys[i].key == key) {
            for (const char *byte = extended_keys[i].sequence; *byte != 0; byte++) {
                keys_add(*byte);
            }
        }
    }
}

static void send_plain(uint8_t key) {
    char byte = key < sizeof(plain) - 1 ? plain[key] : 0;
    bool letter = byte >= 'a' && byte <= 'z';
    if (byte == 0) {
        return;
    }
    if (shift != (letter && caps_lock)) {
        byte = shifted[key];
    }
    if (control) {
        byte &= 0x1F;
    }
    keys_add(byte);
}

/* Shift, control and caps lock. True if KEY was one of them. */
static bool take_modifier(uint8_t key, bool released) {
    if (key == KEY_CONTROL) {
        control = !released;
    } else if (key == KEY_SHIFT_LEFT || key == KEY_SHIFT_RIGHT) {
        shift = extended ? shift : !released; /* extended shifts are noise around the arrow keys */
    } else if (key == KEY_CAPS_LOCK) {
        caps_lock = released ? caps_lock : !caps_lock;
    } else {
        return false;
    }
    return true;
}

static void take_scan_code(uint8_t code) {
    uint8_t key = code & (uint8_t)~KEY_RELEASED;
    bool released = code & KEY_RELEASED;
    if (code == KEY_EXTENDED) {
        extended = true;
        return;
    }
    if (!take_modifier(key, released) && !released) {
        if (extended) {
            send_extended(key);
        } else {
            send_plain(key);
        }
    }
    extended = false;
}

static void codes_take(void) {
    for (uint32_t i = 0; i < 16; i++) { /* bounded: an absent controller reads as always ready */
        uint8_t status = port_read8(STATUS);
        if (!(status & STATUS_OUTPUT)) {
            return;
        }
        uint8_t code = port_read8(DATA);
        if (!(status & STATUS_MOUSE)) {
            take_scan_code(code);
        }
    }
}

void keyboard_interrupt(void) {
    if (present) {
        codes_take();
        irq_ack(CONSOLE_KEYBOARD_LINE);
    }
}

static bool wait_for(uint8_t mask, uint8_t value) {
    for (uint32_t i = 0; i < POLL_LIMIT; i++) {
        if ((port_read8(STATUS) & mask) == value) {
            return true;
        }
    }
    return false;
}

/* Keyboard on, its interrupt on, scan codes translated to set 1, whatever the firmware chose. */
static void controller_start(void) {
    for (uint32_t i = 0; i < 16 && port_read8(STATUS) & STATUS_OUTPUT; i++) {
        port_read8(DATA);
    }
    port_write8(STATUS, COMMAND_READ);
    if (!wait_for(STATUS_OUTPUT, STATUS_OUTPUT)) {
        return;
    }
    uint8_t configuration = port_read8(DATA) & (uint8_t)~CONFIGURATION_DISABLE;
    configuration |= CONFIGURATION_INTERRUPT | CONFIGURATION_TRANSLATE;
    port_write8(STATUS, COMMAND_WRITE);
    if (wait_for(STATUS_INPUT, 0)) {
        port_write8(DATA, configuration);
    }
}

void keyboard_start(void) {
    if (ioport_grant(CONSOLE_KEYBOARD_DATA) < 0 || ioport_grant(CONSOLE_KEYBOARD_STATUS) < 0) {
        return;
    }
    present = port_read8(STATUS) != 0xFF;
    if (present) {
        controller_start();
        irq_bind(CONSOLE_KEYBOARD_LINE, console_events, EVENT_KEYBOARD);
        codes_take(); /* what came before: else there would be no edge for the next */
    }
}
