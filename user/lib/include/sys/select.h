/* SPDX-License-Identifier: MIT */
/* <sys/select.h> as newlib has it, with sets that hold every descriptor. user/lib/posix_poll.c */
#ifndef QUARTET_SYS_SELECT_H
#define QUARTET_SYS_SELECT_H

#ifndef FD_SETSIZE
#define FD_SETSIZE 256
#endif
#include_next <sys/select.h>

#endif
