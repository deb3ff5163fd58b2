/* SPDX-License-Identifier: MIT */
/* The parts of libcheck, and what they share. */
#ifndef LIBCHECK_H
#define LIBCHECK_H

#include "user/bin/check.h"
#include <quartet.h>

/* Where files.c works: main makes it, check_directories removes it. */
#define FOLDER "/tmp/libcheck"

/* services.c */
void check_loader(void);
void check_gifts(void);
void check_services(void);
void check_console(void);

/* memory.c */
void check_memory(void);
void check_plans(void);

/* threads.c */
void check_threads(void);
void check_waiting(void);

/* processes.c */
void check_processes(void);
void check_pipe_and_exec(void);
void check_spawn(void);

/* newlib.c */
void check_newlib(void);

/* files.c */
void check_files(void);
void check_large_file(void);
void check_directories(void);

#endif
