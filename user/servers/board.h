/* SPDX-License-Identifier: MIT */
/*
 * The board: one page on which init writes how each of its servers is, and which others see through
 * a read-only view of its quarter, in slot 2. Nobody needs a lock or a call to read it, and init
 * waits for no reader: so what one sees may be a moment old.
 */
#ifndef USER_BOARD_H
#define USER_BOARD_H

#include <quartet.h>

#include "user/lib/protocol.h"

#define BOARD_SERVICES 16u

struct board {
    uint32_t count;
    uint32_t reserved;
    struct service_state service[BOARD_SERVICES];
};

_Static_assert(sizeof(struct board) <= PAGE_SIZE, "the board is one page");

#endif
