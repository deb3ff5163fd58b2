/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own words: boot log, fault lines, trace lines, panics. Format: the printf subset
 * %d %u %x %lx %llu %llx %s %c %p %%, with width, 0 and - flags, and the z length.
 */
#ifndef KERNEL_PRINT_H
#define KERNEL_PRINT_H

#include <stdarg.h>

#include "kernel/base/types.h"

void print(const char *format, ...) PRINTF_LIKE(1, 2);
void print_arguments(const char *format, va_list arguments);
void print_bytes(const char *bytes, size_t length); /* as they are */

/* The boot log: as print, but nothing if the command line says `quiet`. */
void boot_log(const char *format, ...) PRINTF_LIKE(1, 2);
void boot_log_quiet(bool quiet);

/* Format into BUFFER of SIZE bytes, always terminated; the length it would have had. */
int format_text(char *buffer, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
