/* SPDX-License-Identifier: MIT */
/*
 * The kernel's monitor on the serial line: commands that show what the kernel knows, while the
 * machine stands still. A debugging aid: it reads only, takes no lock and asks nothing of other CPUs,
 * so it can be entered anywhere, also in the middle of a change. docs/monitor.md has a session.
 *
 *     the console's driver, on ^\ ──monitor_enter──┐
 *     an NMI (QEMU's monitor: `nmi`) ──kernel_nmi──┼──> other CPUs held, clock and serial line taken
 *     a panic, with panic=monitor ─────────────────┘    commands, until `continue`, `reboot`, `off`
 */
#ifndef DEBUG_MONITOR_H
#define DEBUG_MONITOR_H

#include "kernel/base/types.h"

/* Enter it; returns after `continue`. 0; E_NOTFOUND: there is no serial line; E_BUSY: another CPU has
 * entered it at this moment. No lock need be free. */
int monitor_enter(void);

/* After a panic, enter it (and do not come back) if monitor_want_panics was called; else return. */
void monitor_after_panic(void);
void monitor_want_panics(void); /* panic=monitor on the command line */

#endif
