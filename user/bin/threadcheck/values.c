/* SPDX-License-Identifier: MIT */
/* Keys and their values, and what is per thread without a key: errno, strtok(), rand(). */
#include <limits.h>

#include "user/bin/threadcheck/threadcheck.h"

static pthread_key_t key, again_key;
static volatile int destroyed, again;

static void destroy(void *value) {
    destroyed += *(int *)value;
    CHECK(pthread_getspecific(key) == NULL);
}

/* Sets the value once more, as often as POSIX lets it. */
static void destroy_again(void *value) {
    again++;
    pthread_setspecific(again_key, value);
}

static void *set_and_leave(void *argument) {
    CHECK(pthread_getspecific(key) == NULL);
    CHECK(pthread_setspecific(key, argument) == 0 && pthread_getspecific(key) == argument);
    pthread_setspecific(again_key, argument);
    return NULL;
}

static void *tokens_and_errno(void *argument) {
    char text[] = "x,y", *first = strtok(text, ",");
    errno = 3;
    (void)argument;
    return (void *)(uintptr_t)(strcmp(first, "x") == 0 && strcmp(strtok(NULL, ","), "y") == 0);
}

void check_values(void) {
    pthread_key_t keys[PTHREAD_KEYS_MAX + 1];
    int one = 1, two = 2, count = 0;
    CHECK(pthread_key_create(&key, destroy) == 0);
    CHECK(pthread_key_create(&again_key, destroy_again) == 0);
    CHECK(pthread_getspecific(key) == NULL && pthread_setspecific(key, &two) == 0);
    elsewhere(set_and_leave, &one);
    CHECK(destroyed == 1 && again == PTHREAD_DESTRUCTOR_ITERATIONS);
    CHECK(pthread_getspecific(key) == &two);

    CHECK(pthread_key_delete(key) == 0 && pthread_key_delete(key) == EINVAL);
    CHECK(pthread_getspecific(key) == NULL && pthread_setspecific(key, &one) == EINVAL);
    while (count <= PTHREAD_KEYS_MAX && pthread_key_create(&keys[count], NULL) == 0)
        count++;
    CHECK(count == PTHREAD_KEYS_MAX - 1); /* again_key is one */
    for (int i = 0; i < count; i++)
        if (pthread_getspecific(keys[i]) != NULL)
            CHECK(!"a new key has an old value");
    while (count > 0)
        pthread_key_delete(keys[--count]);
    CHECK(pthread_setspecific(PTHREAD_KEYS_MAX, &one) == EINVAL);
    pthread_key_delete(again_key);

    char text[] = "a b c";
    CHECK(strcmp(strtok(text, " "), "a") == 0);
    errno = 9;
    CHECK(elsewhere(tokens_and_errno, NULL) == (void *)1);
    CHECK(errno == 9 && strcmp(strtok(NULL, " "), "b") == 0);
}
