/* SPDX-License-Identifier: MIT */
/* The console's two modes that the shell needs: raw for its line editor, normal for everything
 * else. */
#ifndef SH_TERMINAL_H
#define SH_TERMINAL_H

#include <quartet.h>

#include "user/lib/protocol.h"

static inline void terminal_raw(bool raw) { quartet_console_mode(raw ? 0 : CONSOLE_NORMAL); }

#endif
