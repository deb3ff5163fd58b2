/* SPDX-License-Identifier: MIT */
/* Beginning and end of threads: create, join, detach, exit, once, attributes, cleanup, fork. */
#include <limits.h>

#include "user/bin/threadcheck/threadcheck.h"

static void *return_argument(void *argument) { return argument; }

static void *return_self(void *argument) {
    *(pthread_t *)argument = pthread_self();
    return NULL;
}

static __attribute__((noinline)) void exit_inside(uintptr_t value) { pthread_exit((void *)value); }

static void *exit_deep(void *argument) {
    exit_inside(41);
    return argument;
}

static void *use_stack(void *argument) {
    size_t size = (size_t)argument;
    volatile char *bytes = __builtin_alloca(size);
    bytes[0] = bytes[size - 1] = 5;
    return (void *)(uintptr_t)(bytes[0] + bytes[size - 1]);
}

/* ---- Attributes ------------------------------------------------------------------------------ */

static void check_attributes(void) {
    static char memory[64 * 1024];
    pthread_attr_t attributes;
    pthread_t thread;
    size_t size;
    void *lowest, *value = NULL;
    int state = -1;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_getdetachstate(&attributes, &state) == 0 &&
          state == PTHREAD_CREATE_JOINABLE);
    CHECK(pthread_attr_setdetachstate(&attributes, 7) == EINVAL);
    CHECK(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN - 1) == EINVAL);
    CHECK(pthread_attr_setstacksize(&attributes, 3 << 20) == 0);
    CHECK(pthread_attr_getstacksize(&attributes, &size) == 0 && size == 3 << 20);
    CHECK(pthread_create(&thread, &attributes, use_stack, (void *)(3 * 1000 * 1000)) == 0);
    CHECK(pthread_join(thread, &value) == 0 && value == (void *)10);

    CHECK(pthread_attr_setstack(&attributes, memory, sizeof(memory)) == 0);
    CHECK(pthread_attr_getstack(&attributes, &lowest, &size) == 0 && lowest == memory &&
          size == sizeof(memory));
    CHECK(pthread_create(&thread, &attributes, return_self, &lowest) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK((char *)lowest > memory && (char *)lowest < memory + sizeof(memory));
    CHECK(pthread_attr_destroy(&attributes) == 0);

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 500u << 20);
    CHECK(pthread_create(&thread, &attributes, return_argument, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    pthread_t more[3];
    int created = 0;
    while (created < 3 && pthread_create(&more[created], &attributes, return_argument, NULL) == 0)
        created++;
    CHECK(created < 3); /* slot 3 is not that large */
    while (created > 0)
        pthread_join(more[--created], NULL);
}

/* ---- Once ------------------------------------------------------------------------------------ */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static volatile int once_runs;

static void once_slowly(void) {
    usleep(20000);
    once_runs++;
}

static void *once_use(void *argument) {
    (void)argument;
    pthread_once(&once, once_slowly);
    return (void *)(uintptr_t)once_runs;
}

static void check_once(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, once_use, NULL) == 0);
    for (int i = 0; i < 4; i++) {
        void *seen;
        CHECK(pthread_join(threads[i], &seen) == 0 && seen == (void *)1);
    }
    CHECK(once_use(NULL) == (void *)1);
}

/* ---- Create, join, detach -------------------------------------------------------------------- */

static sem_t ended;

static void *post_ended(void *argument) {
    sem_post(&ended);
    return argument;
}

static void *wait_ended(void *argument) {
    sem_wait(&ended);
    return argument;
}

/* More threads than slot 3 has room for at a time, if their stacks did not come back. */
static void check_detached(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 100u << 20);
    sem_init(&ended, 0, 0);
    int created = 0;
    for (int i = 0; i < 30; i++) {
        pthread_t thread;
        int error = EAGAIN;
        for (int tries = 0; error != 0 && tries < 100; tries++) {
            error = pthread_create(&thread, i % 2 == 0 ? &attributes : NULL, post_ended, NULL);
            if (error != 0)
                usleep(10000); /* the last one may not be off its stack yet */
        }
        if (error != 0)
            break;
        created++;
        if (i % 2 == 1)
            CHECK(pthread_detach(thread) == 0);
        sem_wait(&ended);
    }
    CHECK(created == 30);
}

void check_threads(void) {
    pthread_t seen = NULL, thread;
    void *value = NULL;
    CHECK(elsewhere(return_argument, (void *)77) == (void *)77);
    CHECK(elsewhere(exit_deep, NULL) == (void *)41);
    CHECK(pthread_create(&thread, NULL, return_self, &seen) == 0);
    CHECK(pthread_join(thread, &value) == 0);
    CHECK(pthread_equal(seen, thread) && !pthread_equal(seen, pthread_self()));
    CHECK(pthread_join(pthread_self(), NULL) == EDEADLK);

    CHECK(pthread_create(&thread, NULL, return_argument, NULL) == 0);
    usleep(30000); /* it has ended, most likely */
    CHECK(pthread_detach(thread) == 0);
    sem_init(&ended, 0, 0);
    CHECK(pthread_create(&thread, NULL, wait_ended, NULL) == 0);
    CHECK(pthread_detach(thread) == 0 && pthread_detach(thread) == EINVAL &&
          pthread_join(thread, NULL) == EINVAL);
    sem_post(&ended);
    check_attributes();
    check_once();
    check_detached();
}

/* ---- The end of a process that has threads --------------------------------------------------- */

static int pipe_ends[2];

static void write_exit_mark(void) { write(pipe_ends[1], "exit", 4); }

static void *slow_then_mark(void *argument) {
    usleep(30000);
    write(pipe_ends[1], "thread ", 7);
    return argument;
}

static void main_thread_leaves(void) {
    pthread_t thread;
    atexit(write_exit_mark);
    pthread_create(&thread, NULL, slow_then_mark, NULL);
    pthread_exit(NULL);
}

static void *join_main(void *thread) {
    void *value = NULL;
    int error = pthread_join(thread, &value);
    _exit(error == 0 && value == (void *)5 ? 6 : 7);
}

static void main_thread_is_joined(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, join_main, pthread_self());
    pthread_exit((void *)5);
}

static char order[8];

static void note(void *letter) { strcat(order, letter); }

static void *clean_up(void *argument) {
    pthread_cleanup_push(note, "a");
    pthread_cleanup_push(note, "b");
    pthread_cleanup_push(note, "c");
    pthread_cleanup_pop(1);
    pthread_cleanup_push(note, "d");
    pthread_cleanup_pop(0);
    if (argument != NULL)
        pthread_exit(NULL);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

void check_ends(void) {
    char text[16] = {0};
    CHECK(pipe(pipe_ends) == 0);
    CHECK(child_status(main_thread_leaves) == 0);
    CHECK(read(pipe_ends[0], text, sizeof(text) - 1) > 0);
    if (strlen(text) == 7)
        read(pipe_ends[0], text + 7, 4);
    CHECK(strcmp(text, "thread exit") == 0);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    CHECK(child_status(main_thread_is_joined) == 6 << 8);

    elsewhere(clean_up, NULL);
    CHECK(strcmp(order, "c") == 0);
    order[0] = '\0';
    elsewhere(clean_up, order);
    CHECK(strcmp(order, "cba") == 0);
}

/* ---- fork ------------------------------------------------------------------------------------ */

static void note_prepare(void) { strcat(order, "p"); }
static void note_parent(void) { strcat(order, "P"); }
static void note_child(void) { strcat(order, "C"); }
static void note_prepare_2(void) { strcat(order, "q"); }

static volatile bool stop;

static void *allocate_and_print(void *argument) {
    char text[64];
    while (!stop) {
        free(malloc(100));
        snprintf(text, sizeof(text), "%f", 1.5);
        setenv("THREADCHECK", text, 1);
    }
    return argument;
}

static void child_uses_library(void) {
    char text[32];
    for (int i = 0; i < 20; i++)
        free(malloc(1000));
    snprintf(text, sizeof(text), "%.3f", 0.125);
    setenv("THREADCHECK", "child", 1);
    _exit(strcmp(text, "0.125") == 0 && elsewhere(return_self, &(pthread_t){0}) == NULL ? 0 : 1);
}

void check_forks(void) {
    pthread_t thread[2];
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&thread[i], NULL, allocate_and_print, NULL) == 0);
    for (int i = 0; i < 10; i++)
        CHECK(child_status(child_uses_library) == 0);
    stop = true;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);

    int status = -1;
    order[0] = '\0';
    CHECK(pthread_atfork(note_prepare, note_parent, note_child) == 0);
    CHECK(pthread_atfork(note_prepare_2, NULL, NULL) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(strcmp(order, "qpC") == 0 ? 0 : 1);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(strcmp(order, "qpP") == 0);
}
