/* SPDX-License-Identifier: MIT */
/*
 * What kernel/boot/ offers to the rest: the command line and the first process.
 */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include "kernel/base/types.h"

struct boot_info;

/* The kernel's command line; never null. */
const char *boot_command_line(void);

/* Load `init` from the initrd and make it ready to run; or print a sentence and power off. */
void init_start(const struct boot_info *boot);

/* Status of a machine that cannot start its first process, or has lost it. */
#define BOOT_FAILED_STATUS 98

#endif
