/* SPDX-License-Identifier: MIT */
/* What the files of user/lib/pthread know of each other. */
#ifndef PTHREAD_PARTS_H
#define PTHREAD_PARTS_H

#include "user/lib/internal.h"

/* cleanup.c: run what pthread_cleanup_push() has left, innermost first. */
void cleanup_run_all(struct quartet_thread *self);

/* key.c: run the destructors of the values that SELF has set, and forget the values. */
void values_destroy(struct quartet_thread *self);

#endif
