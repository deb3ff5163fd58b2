/* SPDX-License-Identifier: MIT */
/* <sys/stat.h> as newlib has it, and lstat(), which it keeps for other systems. */
#ifndef QUARTET_SYS_STAT_H
#define QUARTET_SYS_STAT_H

#include_next <sys/stat.h>

int lstat(const char *restrict path, struct stat *restrict found);

#endif
