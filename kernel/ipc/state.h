/* SPDX-License-Identifier: MIT */
/*
 * States in the lists of an endpoint: for endpoint.c, which has these functions, and exchange.c. The
 * endpoint's lock is held.
 */
#ifndef KERNEL_IPC_STATE_H
#define KERNEL_IPC_STATE_H

#include "kernel/ipc/ipc.h"

/* STATE's thread calls, and waits to be received. */
void caller_queue(struct endpoint *endpoint, struct ipc_state *state);

/* The oldest caller of the highest priority. There is one. */
struct ipc_state *caller_first(const struct endpoint *endpoint);

/* STATE stands in the list that its phase names: take it out. Its phase stays. */
void state_unlink(struct endpoint *endpoint, struct ipc_state *state);

/* STATE is in no list any more, and all that it is to find stands in it. */
void state_finish(struct ipc_state *state);

/* SESSION's notice goes to STATE. */
void notice_give(struct ipc_state *state, struct session *session);

#endif
