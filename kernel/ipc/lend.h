/* SPDX-License-Identifier: MIT */
/*
 * Lending and giving quarters with a message: for message.c. ADDRESS is a user's struct
 * message_lend. No lock held by any caller. (lend.c)
 */
#ifndef KERNEL_LEND_H
#define KERNEL_LEND_H

#include "kernel/ipc/ipc.h"

/* Check what the message lends and gives, and put it into STATE: 0, or an error with nothing taken.
 * In a reply quarters can only be given. */
int lend_encode(struct ipc_state *state, u64 address, bool reply);
void lend_drop(struct ipc_state *state); /* the quarters that are under way in STATE */

/* What the receiver at ADDRESS accepts, as bits; and what it has got. */
int lend_accept(u64 address, u32 *accept);
int lend_report(u64 address, u32 received);

/* The calling process gets the quarters under way in STATE, received from ENDPOINT; in any case
 * none is under way any more. 0; E_BUSY: a slot is on loan already; E_NOMEM. */
int lend_attach(struct ipc_state *state, struct endpoint *endpoint);

/* What the calling process was lent with the message TOKEN goes back, whoever still waits for it. 0
 * or E_NOMEM: nothing has changed. */
int lend_return(const struct endpoint *endpoint, u64 token);

/* The caller of message TOKEN, which BORROWER has received, does not wait for it any more. */
void lend_revoke(struct process *borrower, const struct endpoint *endpoint, u64 token);

/* PROCESS ends, and has no space any more. */
void lend_forget(struct process *process);

/* The message in STATE has arrived: what the calling process has given leaves its own slots. */
int lend_gave(const struct ipc_state *state);

#endif
