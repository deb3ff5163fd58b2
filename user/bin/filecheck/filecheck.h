/* SPDX-License-Identifier: MIT */
/* The parts of filecheck, and what they share. */
#ifndef FILECHECK_H
#define FILECHECK_H

#define _GNU_SOURCE /* pipe2, dup3 */

#include <fcntl.h>
#include <quartet.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "user/bin/check_child.h"

#define FOLDER "/tmp/filecheck"
#define FILE_NAME FOLDER "/file"

/* descriptors.c */
void check_numbers(void);
void check_close_on_exec(void);
void check_flags(void);

/* bytes.c */
void check_reading(void);
void check_pipes(void);
void check_paths(void);
void check_facts(void);

/* small.c */
void check_small(void);
void check_small_pipes(void);
void check_small_writers(void);
void check_small_errors(void);

/* processes.c */
void check_processes(void);
void check_spawning(void);
void check_signals(void);

/* The call fails with this error. */
#define CHECK_ERROR(call, error) CHECK((errno = 0, (call) == -1) && errno == (error))

#endif
