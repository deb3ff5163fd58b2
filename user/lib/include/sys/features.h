/* SPDX-License-Identifier: MIT */
/*
 * <sys/features.h> as newlib has it, and the parts of POSIX that user/lib adds to it: newlib's own
 * headers declare them once these are defined. newlib itself is built without.
 */
#ifndef QUARTET_SYS_FEATURES_H
#define QUARTET_SYS_FEATURES_H

#include_next <sys/features.h>

#define _POSIX_THREADS 200809L
#define _POSIX_THREAD_ATTR_STACKADDR 200809L
#define _POSIX_THREAD_ATTR_STACKSIZE 200809L
#define _POSIX_THREAD_PROCESS_SHARED 200809L
#define _POSIX_THREAD_SAFE_FUNCTIONS 200809L
#define _POSIX_BARRIERS 200809L
#define _POSIX_READER_WRITER_LOCKS 200809L
#define _POSIX_SPIN_LOCKS 200809L
#define _POSIX_SEMAPHORES 200809L
#define _POSIX_TIMEOUTS 200809L
#define _POSIX_SPAWN 200809L
#define _UNIX98_THREAD_MUTEX_ATTRIBUTES 1

#endif
