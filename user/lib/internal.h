/* SPDX-License-Identifier: MIT */
/*
 * What the files of the user library know of each other. Programs include quartet.h, not this.
 */
#ifndef QUARTET_INTERNAL_H
#define QUARTET_INTERNAL_H

#include <reent.h>

#include "quartet.h"

/* The record at the thread pointer: of each thread its own, in slot 3, so that COPY of slot 3 makes
 * it private and SHARE leaves it where the threads are. Thread-local variables end where it
 * begins. */
struct quartet_thread {
    struct quartet_thread *self; /* first: %gs:0 or %fs:0, which the compiler relies on too */
    uint32_t id;                 /* 0: not asked for yet; reset in clones */
    uint32_t alive;              /* the kernel clears it and wakes the joiner */
    int (*function)(void *);
    void *argument;
    int result;
    void *stack; /* what to unmap at the end; null for the first thread */
    size_t stack_length;
    struct _reent reent;
};

static inline struct quartet_thread *thread_self(void) {
    struct quartet_thread *self;
#ifdef ARCH_PAE
    __asm__ volatile("mov %%gs:0, %0" : "=r"(self));
#else
    __asm__ volatile("mov %%fs:0, %0" : "=r"(self));
#endif
    return self;
}

/* thread.c: bytes for a thread's record and its thread-local variables, a multiple of 64. */
size_t thread_record_size(void);

/* thread.c: prepare the record in the thread_record_size() bytes at MEMORY (aligned to 64). */
struct quartet_thread *thread_record_make(void *memory);

/* thread.c: a record at the upper end of a new stack in slot 3; the stack begins below it. */
struct quartet_thread *thread_stack_make(void);

/* posix_process.c: remember that HANDLE is a child, so that wait() and kill() find it by its ID. */
int child_remember(int handle);

/* posix_files.c: close what O_CLOEXEC asks for, just before a program is replaced. */
void files_close_on_exec(void);

/* posix_files.c: bytes of an open file, its offset left alone; 0 at its end, or -1 with errno. */
long file_read_at(int file, uint64_t offset, void *buffer, size_t length);

/* posix_files.c: call LABEL of the session behind FILE; 0, or -1 with errno set. */
int file_call(int file, uint32_t label, struct message *message);

/* error.c: a result of the kernel the POSIX way: itself, or -1 with errno set. */
long posix_result(long result);

/* console.c: for descriptors without a server, while the system starts. */
long console_early_write(int file, const void *buffer, size_t length);

#endif
