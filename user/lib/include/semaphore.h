/* SPDX-License-Identifier: MIT */
/*
 * <semaphore.h>, which newlib does not have: semaphores without a name. They work between processes
 * that share the slot in which they stand, whatever sem_init()'s SHARED says. user/lib/pthread/semaphore.c
 */
#ifndef QUARTET_SEMAPHORE_H
#define QUARTET_SEMAPHORE_H

#include <limits.h>
#include <sys/types.h>
#include <time.h>

typedef struct {
    __uint32_t word; /* the value; in the top bit: somebody may wait */
} sem_t;

int sem_init(sem_t *semaphore, int shared, unsigned value);
int sem_destroy(sem_t *semaphore);
int sem_wait(sem_t *semaphore);
int sem_trywait(sem_t *semaphore);
int sem_timedwait(sem_t *semaphore, const struct timespec *until);
int sem_post(sem_t *semaphore);
int sem_getvalue(sem_t *semaphore, int *value);

#endif
