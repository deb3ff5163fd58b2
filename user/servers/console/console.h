/* SPDX-License-Identifier: MIT */
/*
 * The console server's parts. The mutex `console_lock` guards line.c, foreground.c,
 * output.c, surface.c, and output to the devices; whoever calls them takes it first.
 *   line.c        what is typed: editing of a line, and the bytes that are ready to be read
 *   foreground.c  whom ^C ends
 *   output.c      what clients write, and what the kernel has to say
 *   input.c       interrupts, and the keys that come of them
 *   surface.c     who draws on the screen for a while
 *   serial.c, keyboard.c, screen.c    the devices; handles.h: how this process reaches them
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include <quartet.h>

#include "user/lib/protocol.h"
#include "user/servers/reply.h"

/* ../console.c */
void console_lock(void);
void console_unlock(void);

/* output.c */
void output_start(void);
void output_kernel(void);                              /* what the kernel has to say by now */
void console_write(const char *text, uint32_t length); /* \n becomes \r\n */
bool output_monitor(void); /* into the kernel's monitor and back; false: there is none. No lock */

/* serial.c, keyboard.c, screen.c: each does nothing where its device is missing */
void serial_start(void);
void serial_write(const char *bytes, uint32_t length);
void serial_interrupt(void);
void keyboard_start(void);
void keyboard_interrupt(void);
void screen_start(void);
void screen_write(const char *text, uint32_t length);
bool screen_picture(struct info_framebuffer *picture); /* false: it shows text by itself, or nothing */
void screen_hide(void);   /* somebody else draws on it */
void screen_redraw(void); /* and no longer */

/* surface.c: the screen, to draw on */
void surface_start(uint32_t instance);
void surface_lend(uint64_t token);      /* answers CONSOLE_SCREEN */
void surface_returned(uint64_t badge);  /* a session with BADGE is closed */

/* input.c */
enum console_event {
    EVENT_SERIAL = 1,
    EVENT_KEYBOARD = 2,
    EVENT_DRAINED = 4, /* the serial port takes bytes again */
    EVENT_KEYS = 8,    /* in the ring */
    EVENT_KERNEL = 16, /* the kernel has something to say */
};
extern int console_events; /* the notification that they all are bits of */
void keys_add(char key);
int interrupts_serve(void *unused); /* threads */
int keys_serve(void *unused);

/* line.c */
void line_type(const char *bytes, uint32_t length);
void line_read(uint64_t token, uint64_t wanted, bool small); /* SMALL: by a short message */
void line_poll(const struct message *message); /* takes handle[0] */
uint32_t line_mode(void);
void line_set_mode(uint32_t bits);

/* foreground.c */
void foreground_start(void);
/* Takes the handles. 0 or an error of CONSOLE_SET_FOREGROUND. */
int foreground_set(const int *handles, uint32_t count, bool add);
void foreground_kill(void);

#endif
