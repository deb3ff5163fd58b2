/* SPDX-License-Identifier: MIT */
/* <stdio.h> as newlib has it, and two functions that newlib has under other names only. */
#ifndef QUARTET_STDIO_H
#define QUARTET_STDIO_H

#include_next <stdio.h>

ssize_t getline(char **line, size_t *size, FILE *stream);
ssize_t getdelim(char **line, size_t *size, int delimiter, FILE *stream);

#endif
