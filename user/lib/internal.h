/* SPDX-License-Identifier: MIT */
/*
 * What the files of the user library know of each other. Programs include quartet.h, not this.
 */
#ifndef QUARTET_INTERNAL_H
#define QUARTET_INTERNAL_H

#include <reent.h>
#include <time.h>

#include "quartet.h"

struct pthread_value; /* pthread/key.c */

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
    void *stack; /* what to unmap at the end; null: nothing, it is not ours */
    size_t stack_length;

    /* Of the whole process, in the record of the thread that it began with. */
    struct quartet_thread *first; /* that record */
    uint32_t running;             /* threads, atomic */
    struct quartet_thread
        *unjoined; /* ended or ending, nobody joins them; atomic, linked by next */

    /* pthread/ only. */
    struct quartet_thread *next;
    void *(*start)(void *);
    void *value;       /* what it returned or gave to pthread_exit() */
    uint32_t detached; /* atomic: PTHREAD_CREATE_*, or 2: it has ended first */
    struct _pthread_cleanup_context *cleanup; /* innermost first */
    struct pthread_value *values;             /* of keys, in slot 3; null: none set yet */

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

/* thread.c: a record at the upper end of a new stack of LENGTH bytes in slot 3; the stack begins
 * below it. Null with errno set. */
struct quartet_thread *thread_stack_make(size_t length);

/* thread.c: start THREAD, whose record stands at the upper end of its stack, at FUNCTION(ARGUMENT).
 * A result of the kernel. */
long thread_launch(struct quartet_thread *thread, int (*function)(void *), void *argument);

/* thread.c: the caller's last act. The last thread of a process ends it with exit(0). */
_Noreturn void thread_end(void);

/* thread.c: in a clone that has a copy of its parent's record: it is the only thread of a process
 * now, and has not to share with its parent what the C library has allocated for the thread. */
void thread_become_first(void);

/* deadline.c: what a wait may last, in the nanoseconds of clock_now(). */
#define DEADLINE_NEVER UINT64_MAX

/* deadline.c: TIME of a clock as a deadline; false if its fields make no sense. */
bool deadline_make(const struct timespec *time, uint64_t *deadline);

/* deadline.c: sleep while WORD has the value EXPECTED; false if DEADLINE has come. It may return
 * early. */
bool deadline_wait(uint32_t *word, uint32_t expected, uint64_t deadline);

/* sync.c: as the functions of quartet.h, but false when DEADLINE has come: then the mutex is not
 * taken by mutex_lock_until(), and is by condition_wait_until(). */
bool mutex_lock_until(struct quartet_mutex *mutex, uint64_t deadline);
bool condition_wait_until(struct quartet_condition *condition, struct quartet_mutex *mutex,
                          uint64_t deadline);

/* libc_locks.c: hold what the C library's own state needs to be whole in a copy. */
void libc_locks_hold(void);
void libc_locks_let_go(void);

/* pthread/atfork.c: functions of pthread_atfork(). */
void fork_prepare(void);
void fork_parent(void);
void fork_child(void);

/* posix_process.c: remember that HANDLE is a child, so that wait() and kill() find it by its ID. */
int child_remember(int handle);

/* posix_descriptors.c: FILE has just been received as a descriptor: give it the lowest free number,
 * and the mark of O_CLOEXEC if PRIVATE. Returns the number. */
int descriptor_settle(int file, bool private);

/* posix_descriptors.c: -1 for a call that could not make a descriptor; errno as POSIX has it. */
int descriptor_fail(void);

static inline bool descriptor_valid(int file) { return file >= 0 && file < HANDLE_LIMIT; }

/* posix_files.c: bytes of an open file, its offset left alone; 0 at its end, or -1 with errno. */
long file_read_at(int file, uint64_t offset, void *buffer, size_t length);

/* posix_files.c: bytes to an open file at OFFSET, or FILE_HERE; how many, or -1 with errno. */
long file_write_at(int file, uint64_t offset, const void *buffer, size_t length);

/* posix_files.c: call LABEL of the session behind FILE; 0, or -1 with errno set. */
int file_call(int file, uint32_t label, struct message *message);

/* segment.c: map SEGMENT of the program in the open FILE into QUARTER. 0; -1 with errno set;
 * SEGMENT_UNMAPPED: it cannot be mapped, and nothing has been done. */
struct elf_segment;
#define SEGMENT_UNMAPPED 1
int segment_map(int file, const struct elf_segment *segment, int quarter);

/* memory.c: where data and heap end, which begin with slot 1. */
extern uintptr_t memory_data_end;

/* memory.c: where LENGTH bytes may be mapped in SLOT; something may be there. */
uint32_t map_place_next(uint32_t slot, uint32_t length);

/* error.c: a result of the kernel the POSIX way: itself, or -1 with errno set. */
long posix_result(long result);

/* console.c: the server behind FILE has died. If that was the console, the next one shall have the
 * mode that this program has set. */
void console_restore(int file);

/* console.c: for descriptors without a server, while the system starts. */
long console_early_write(int file, const void *buffer, size_t length);

#endif
