/* SPDX-License-Identifier: MIT */
/*
 * <sys/syslimits.h>, a part of <limits.h>: newlib's numbers where they hold here, and ours where
 * they do not or are missing. sysconf() (user/lib/posix_system.c) tells the same.
 */
#ifndef QUARTET_SYS_SYSLIMITS_H
#define QUARTET_SYS_SYSLIMITS_H

#include_next <sys/syslimits.h>

#undef ARG_MAX
#undef OPEN_MAX
#undef PIPE_BUF
#undef LINK_MAX
#undef CHILD_MAX /* what the budget allows */
#define ARG_MAX (256 * 1024)
#define OPEN_MAX 256
#define PIPE_BUF 4096
#define LINK_MAX 1
#define SSIZE_MAX __PTRDIFF_MAX__

#define PTHREAD_STACK_MIN 16384
#define PTHREAD_KEYS_MAX 128
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#define SEM_VALUE_MAX 0x7FFFFFFF

#endif
