/* SPDX-License-Identifier: MIT */
/*
 * The types behind <pthread.h>, in place of newlib's, whose locks are numbers of objects that a
 * kernel would keep. Ours are the objects themselves: a few words that user/lib/pthread works on
 * with atomic operations and the futex, so that they can stand in a slot that processes share. All
 * zero is what the static initialisers say. Programs use no field of these.
 */
#ifndef _SYS__PTHREADTYPES_H_
#define _SYS__PTHREADTYPES_H_

#include <machine/_default_types.h>
#include <sys/sched.h>

typedef struct quartet_thread *pthread_t;

#define PTHREAD_CREATE_JOINABLE 0
#define PTHREAD_CREATE_DETACHED 1
#define PTHREAD_PROCESS_PRIVATE 0 /* makes no difference */
#define PTHREAD_PROCESS_SHARED 1

typedef struct {
    struct sched_param schedparam;
    int detachstate;
    void *stackaddr;         /* null: the library finds a place */
    __SIZE_TYPE__ stacksize; /* 0: as long as quartet_thread_start()'s */
    __SIZE_TYPE__ guardsize;
} pthread_attr_t;

#define PTHREAD_MUTEX_NORMAL 0
#define PTHREAD_MUTEX_RECURSIVE 1
#define PTHREAD_MUTEX_ERRORCHECK 2
#define PTHREAD_MUTEX_DEFAULT PTHREAD_MUTEX_NORMAL

typedef struct {
    __uint32_t state; /* a struct quartet_mutex */
    __uint32_t type;
    __uint32_t owner; /* thread ID; kept for the types that ask for it */
    __uint32_t depth; /* owner only: how often a recursive one is held beyond the first time */
} pthread_mutex_t;

#define _PTHREAD_MUTEX_INITIALIZER \
    { 0, PTHREAD_MUTEX_NORMAL, 0, 0 }

typedef struct {
    int type, process_shared;
} pthread_mutexattr_t;

typedef struct {
    __uint32_t sequence; /* a struct quartet_condition */
} pthread_cond_t;

#define _PTHREAD_COND_INITIALIZER \
    { 0 }

typedef struct {
    int clock; /* all count alike */
    int process_shared;
} pthread_condattr_t;

typedef __uint32_t pthread_key_t;

typedef struct {
    __uint32_t state; /* 0, then 1 while the routine runs, then 2 */
} pthread_once_t;

#define _PTHREAD_ONCE_INIT \
    { 0 }

typedef struct {
    __uint32_t count, arrived, round; /* a struct quartet_barrier */
    __uint32_t inside;                /* have not yet seen the round end */
} pthread_barrier_t;

typedef struct {
    int process_shared;
} pthread_barrierattr_t;

typedef struct {
    __uint32_t owner; /* thread ID, or 0 */
} pthread_spinlock_t;

typedef struct {
    __uint32_t mutex;    /* a struct quartet_mutex that guards the rest */
    __uint32_t sequence; /* a struct quartet_condition: the lock may have become free */
    __uint32_t readers;
    __uint32_t writer; /* thread ID, or 0 */
} pthread_rwlock_t;

#define _PTHREAD_RWLOCK_INITIALIZER \
    { 0, 0, 0, 0 }

typedef struct {
    int process_shared;
} pthread_rwlockattr_t;

#endif
