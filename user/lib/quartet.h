/* SPDX-License-Identifier: MIT */
/*
 * What a Quartet program can do beyond C and POSIX: the system calls (the generated syscalls.h),
 * plans, programs under plans, threads, locks that work across processes, memory in a slot, the
 * console.
 *
 * Functions that only ask the kernel return what it returns: a negated E_* or a result. Those that
 * also read files say so, and return -1 with errno set, as POSIX functions do.
 *
 * Memory of a program:
 *
 *     slot 0  0x00000000  program text from 0x00400000, constants
 *     slot 1  0x40000000  data, then the heap upwards; quartet_map() downwards from the end
 *     slot 2  0x80000000  empty: shared memory, mailboxes, windows
 *     slot 3  0xC0000000  further threads' stacks upwards; the first ends at QUARTET_STACK_TOP
 */
#ifndef QUARTET_H
#define QUARTET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/abi.h"
#include "syscalls.h"

#define SLOT_TEXT 0u
#define SLOT_DATA 1u
#define SLOT_SHARED 2u
#define SLOT_STACK 3u

#ifdef ARCH_PAE
#define QUARTET_STACK_TOP 0xF0000000u
#else
#define QUARTET_STACK_TOP 0x100000000u
#endif
/* Not a whole aligned 2 MiB: a program that uses one page of its stack should not get 512. */
#define QUARTET_STACK_SIZE (2u * 1024 * 1024 - PAGE_SIZE)
#define QUARTET_THREAD_STACK_SIZE (256u * 1024)

/* ---- Plans (plan.c)
 * ------------------------------------------------------------------------------ */

#define PLAN_FORK PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY)
#define PLAN_THREAD PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_SHARE)
/* Plan 9's rfork(RFPROC|RFMEM): only the stack is private. */
#define PLAN_RFORK PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_COPY)
/* For a new program: nothing to copy. */
#define PLAN_SPAWN PLAN(PLAN_NONE, PLAN_NONE, PLAN_FRESH, PLAN_NONE)

#define PLAN_TEXT_SIZE 24 /* "share,share,share,share" and its zero */

/* "share,copy,fresh,none" (slot 0 first; the first letters will do) or "fork", "thread", "rfork",
 * "spawn". Returns the plan byte, or -E_INVALID. */
int quartet_plan_parse(const char *text);

/* The words of PLAN into TEXT; returns TEXT. */
char *quartet_plan_format(uint32_t plan, char text[PLAN_TEXT_SIZE]);

/* The preset's name, or null. */
const char *quartet_plan_name(uint32_t plan);

/* ---- Errors and the ends of processes (error.c)
 * --------------------------------------------------- */

const char *quartet_error_name(long error); /* "E_NOMEM"; either sign */
const char *quartet_error_text(long error); /* the sentence of errors.def */
int quartet_errno(long error);              /* the nearest errno */
const char *quartet_fault_text(uint32_t reason);

/* The status as a shell shows it: the exit code; 128 + the kill's code; 139 for a fault. */
int quartet_shell_status(uint32_t status);

/* ---- Programs under plans (exec.c, spawn.c); these set errno
 * --------------------------------------- */

struct quartet_program {
    const char *path;  /* the file; used if image is null */
    const void *image; /* the whole ELF file in memory, or null */
    size_t image_length;
    const char *name;         /* what qps shows; null: the last part of path */
    char *const *argv;        /* null: just the name */
    char *const *environment; /* null: the caller's */
    /* Bit N: slot N gets a new quarter, filled from the file; the others stay as they are. Slot 3
     * must be among them. 0: slots 0, 1 and 3. */
    uint32_t renew;
};

#define RENEW(slot) (1u << (slot))
#define RENEW_DEFAULT (RENEW(SLOT_TEXT) | RENEW(SLOT_DATA) | RENEW(SLOT_STACK))

/* A handle for a new program: those of RIGHTS that HANDLE has, at INDEX. */
struct quartet_gift {
    int handle;
    uint32_t rights;
    int index;
};

struct quartet_spawn {
    struct quartet_program program;
    uint32_t plan; /* what becomes of the slots that the program does not renew */
    bool traced;   /* turn the tracing of system calls on before it starts */
    const struct quartet_gift *gifts; /* all the handles that it gets; null: all of the caller's */
    size_t gift_count;
};

/* Replace the running program. Returns only on failure, with everything as before. */
int quartet_execute(const struct quartet_program *program);

/* Start PROGRAM in PROCESS, a handle from process_clone(... | CLONE_STOPPED). */
int quartet_start_program(int process, const struct quartet_program *program);

/* Clone by plan and start a program in the clone. Returns the process handle; wait() knows it too.
 * Without gifts the clone has all handles of the caller but those with O_CLOEXEC. */
int quartet_spawn(const struct quartet_spawn *spawn);

/* ---- Clones, threads (clone.c, thread.c)
 * ------------------------------------------------------------ */

/* A child process that runs FUNCTION(ARGUMENT) under PLAN and exits with its result. Slots 0 and 1
 * must not be FRESH or NONE. With slot 3 SHAREd it gets a stack of its own there, else it goes on
 * in its copy. Returns a process handle. */
long quartet_clone(uint32_t plan, int (*function)(void *), void *argument);

struct quartet_thread;

/* Start a thread of this process; null with errno set if there is no memory for it. */
struct quartet_thread *quartet_thread_start(int (*function)(void *), void *argument);

/* Wait until THREAD has ended, store what it returned (if RESULT is not null), free its stack. */
void quartet_thread_join(struct quartet_thread *thread, int *result);

/* The caller's thread ID, without a system call where it is known already. */
uint32_t quartet_thread_self(void);

/* ---- Locks (sync.c): all zero is a valid, free state; in a shared slot they work between
 * processes ----- */

struct quartet_mutex {
    uint32_t state; /* 0 free, 1 held, 2 held and somebody may wait */
};
struct quartet_condition {
    uint32_t sequence;
};
struct quartet_barrier {
    uint32_t count; /* set before use: how many meet */
    uint32_t arrived, round;
};

void quartet_mutex_lock(struct quartet_mutex *mutex);
bool quartet_mutex_try(struct quartet_mutex *mutex);
void quartet_mutex_unlock(struct quartet_mutex *mutex);

/* Release MUTEX, sleep until a signal, take MUTEX again. May return early: test the condition in a
 * loop. */
void quartet_condition_wait(struct quartet_condition *condition, struct quartet_mutex *mutex);
void quartet_condition_signal(struct quartet_condition *condition);
void quartet_condition_broadcast(struct quartet_condition *condition);

/* Wait until COUNT threads are here; true for exactly one of them. */
bool quartet_barrier_wait(struct quartet_barrier *barrier);

/* ---- Memory (memory.c)
 * -------------------------------------------------------------------------------- */

/* LENGTH zeroed bytes, readable and writable, somewhere free in SLOT of the caller; null with errno
 * set. */
void *quartet_map(uint32_t slot, size_t length);
/* The text in slot 0 is shared by all processes of the program, and none can change it. Put a copy in
 * its place that is the caller's own, with all rights; likewise for a quarter in another slot that
 * it sees through a read-only view. Nothing is copied before it is written to. 0 or a negated E_*.
 * quartet_map() does so by itself. */
long quartet_slot_own(uint32_t slot);

long quartet_unmap(void *address, size_t length);

/* Map LENGTH bytes of the open FILE from FILE_OFFSET on into the quarter behind the handle QUARTER (with
 * map, write, transfer and the rights) at OFFSET, all in whole pages. The file server brings the
 * pages when they are touched; it becomes the quarter's pager. FLAGS: RIGHT_*, FILE_MAP_SHARED (changes
 * go to the file, which must be open for both), FILE_MAP_NOW (bring all at once). 0, or -1 with errno set;
 * EEXIST: something is mapped there. (map.c; mmap() in <sys/mman.h> does the same in slot 1) */
int quartet_map_file(int file, int quarter, uint32_t offset, uint64_t file_offset, uint32_t length,
                     uint32_t flags);

/* ---- Console and children (console.c, posix_process.c)
 * -------------------------------------------------- */

/* Set CONSOLE_* bits of protocol.h, return those before; CONSOLE_ASK only asks. Sets errno. */
int quartet_console_mode(uint64_t bits);

/* These processes get Ctrl-C, in place of all before. Sets errno. */
int quartet_console_foreground(const int *processes, size_t count);

/* ---- The graphics screen (surface.c) -----------------------------------------------------------
 *
 * The caller has it until it calls surface_close(), or ends; in between the console draws nothing. */

struct quartet_surface {
    struct info_framebuffer picture;
    volatile uint8_t *pixels; /* of the upper left corner, in slot 2 */
    int session;
};

/* Get it, and attach it in slot 2, which must be empty. 0, or -1 with errno set: ENODEV if the machine has
 * none, EBUSY if another one draws. */
int quartet_surface_open(struct quartet_surface *surface);
void quartet_surface_close(struct quartet_surface *surface);

/* ---- Services (service.c); these set errno --------------------------------------------------- */

struct service_state; /* protocol.h */

/* A session with the service that init's table calls NAME: a handle, or -1. */
int quartet_service(const char *name);

/* The state of init's server number INDEX, from 0: 1, 0 if there are no more, or -1. */
int quartet_service_state(uint32_t index, struct service_state *state);

/* The process handle of a child made by fork() or quartet_spawn(), or QUARTET_NONE. */
int quartet_child_handle(int pid);

/* What the kernel gave the program in its first register: for init, the length of the initrd in
 * slot 2. */
extern uintptr_t quartet_argument;

#endif
