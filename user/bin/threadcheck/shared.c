/* SPDX-License-Identifier: MIT */
/*
 * Processes instead of threads: POSIX locks in slot 2, which they share, and the C library itself
 * in slot 1, which clones by PLAN_RFORK share too: each has its own record in its own slot 3, and
 * one heap and one set of streams serve all.
 */
#include <fcntl.h>

#include "user/bin/threadcheck/threadcheck.h"

#define PROCESSES 3
#define ROUNDS 600

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    pthread_rwlock_t rwlock;
    pthread_barrier_t barrier;
    sem_t semaphore;
    pthread_spinlock_t spin;
    int turn, under_mutex, under_rwlock, under_semaphore, under_spin, serials;
} * shared;

static int take_part(void *argument) {
    int number = (int)(uintptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&shared->mutex);
        shared->under_mutex++;
        pthread_mutex_unlock(&shared->mutex);
        pthread_rwlock_wrlock(&shared->rwlock);
        shared->under_rwlock++;
        pthread_rwlock_unlock(&shared->rwlock);
        sem_wait(&shared->semaphore);
        shared->under_semaphore++;
        sem_post(&shared->semaphore);
        pthread_spin_lock(&shared->spin);
        shared->under_spin++;
        pthread_spin_unlock(&shared->spin);
    }
    if (pthread_barrier_wait(&shared->barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
        __atomic_add_fetch(&shared->serials, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 50; i++) { /* one after the other */
        pthread_mutex_lock(&shared->mutex);
        while (shared->turn % PROCESSES != number)
            pthread_cond_wait(&shared->condition, &shared->mutex);
        shared->turn++;
        pthread_mutex_unlock(&shared->mutex);
        pthread_cond_broadcast(&shared->condition);
    }
    return 0;
}

/* Clones by PLAN that run FUNCTION with their number; true if all end with 0. */
static bool clones_run(uint32_t plan, int (*function)(void *)) {
    long process[PROCESSES];
    bool good = true;
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        process[i] = quartet_clone(plan, function, (void *)(uintptr_t)i);
        CHECK(process[i] >= 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        struct process_status status = {.status = 1};
        process_wait((int)process[i], 0, &status);
        handle_close((int)process[i]);
        good = good && status.status == 0;
    }
    return good;
}

void check_between_processes(void) {
    shared = quartet_map(SLOT_SHARED, sizeof(*shared));
    CHECK(shared != NULL);
    pthread_barrier_init(&shared->barrier, NULL, PROCESSES);
    sem_init(&shared->semaphore, 1, 1);
    CHECK(clones_run(PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY), take_part));
    CHECK(shared->under_mutex == PROCESSES * ROUNDS && shared->under_rwlock == PROCESSES * ROUNDS);
    CHECK(shared->under_semaphore == PROCESSES * ROUNDS &&
          shared->under_spin == PROCESSES * ROUNDS);
    CHECK(shared->serials == 1 && shared->turn == PROCESSES * 50);
    quartet_unmap(shared, sizeof(*shared));
}

/* ---- One C library for several processes ----------------------------------------------------- */

#define FILE_NAME "/tmp/threadcheck"

static FILE *stream;
static char start_text[] = "one two";

/* Numbers of many digits, so that printf and strtod need their big numbers, which newlib keeps in a
 * list for each thread. */
static bool numbers_right(int number, int i) {
    char text[80], expected[80];
    double value = 1e22 * (number + 1) + 1e-3 * i;
    snprintf(text, sizeof(text), "%.17g|%d", value, i);
    snprintf(expected, sizeof(expected), "%.17g|%d", value, i);
    return strcmp(text, expected) == 0 && strtod(text, NULL) == value;
}

static bool tokens_right(int number, int i) {
    char text[64], again[64], *rest = NULL;
    snprintf(text, sizeof(text), "a%d b%d c%d", number, i, number + i);
    strcpy(again, text);
    char *word = strtok(text, " ");
    bool good = word != NULL && atoi(word + 1) == number && word[0] == 'a';
    if (i % 8 == 0)
        sched_yield();
    word = strtok_r(again, " ", &rest);
    good = good && word != NULL && word[0] == 'a';
    word = strtok(NULL, " ");
    good = good && word != NULL && word[0] == 'b' && atoi(word + 1) == i;
    word = strtok_r(NULL, " ", &rest);
    return good && word != NULL && word[0] == 'b' && atoi(word + 1) == i;
}

static bool blocks_right(int number, int i) {
    unsigned char *block[6];
    bool good = true;
    for (int b = 0; b < 6; b++) {
        size_t size = (size_t)(1 + (number * 977 + i * 131 + b * 517) % 2500);
        block[b] = malloc(size);
        if (block[b] == NULL)
            return false;
        memset(block[b], number * 16 + b, size);
    }
    for (int b = 0; b < 6; b++) {
        size_t size = (size_t)(1 + (number * 977 + i * 131 + b * 517) % 2500);
        good = good && block[b][0] == number * 16 + b && block[b][size - 1] == number * 16 + b;
        free(block[b]);
    }
    return good;
}

static int use_library(void *argument) {
    int number = (int)(uintptr_t)argument;
    char *word = strtok(NULL, " "); /* goes on where the parent was */
    if (word == NULL || strcmp(word, "two") != 0)
        return 1;
    for (int i = 0; i < ROUNDS / 2; i++) {
        errno = number;
        if (!numbers_right(number, i))
            return 2;
        if (!tokens_right(number, i))
            return 3;
        if (!blocks_right(number, i))
            return 4;
        if (errno != number)
            return 5;
        if (fprintf(stream, "%d %d %.3f\n", number, i, number + i / 8.0) < 0)
            return 6;
    }
    return 0;
}

void check_shared_library(void) {
    int number, i, lines = 0;
    double value;
    stream = fopen(FILE_NAME, "w+");
    CHECK(stream != NULL);
    numbers_right(7, 7); /* so that this thread has a list of big numbers to inherit */
    for (i = 0; i < 2; i++) {
        strcpy(start_text, "one two");
        strtok(start_text, " ");
        CHECK(clones_run(PLAN_RFORK, use_library));
        CHECK(numbers_right(8, 8));
    }
    rewind(stream);
    while (fscanf(stream, "%d %d %lf", &number, &i, &value) == 3) {
        if (value != number + i / 8.0)
            CHECK(!"a line of two processes at once");
        lines++;
    }
    CHECK(lines == 2 * PROCESSES * (ROUNDS / 2));
    CHECK(fclose(stream) == 0 && unlink(FILE_NAME) == 0);
}
