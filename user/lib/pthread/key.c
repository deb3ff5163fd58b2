/* SPDX-License-Identifier: MIT */
/*
 * Values of keys, one for each thread. The table of keys belongs to the program, in slot 1; a
 * thread's values stand in slot 3, like its record, so that processes which share slot 1 only have
 * values of their own. They are mapped at the first pthread_setspecific(). A value remembers under
 * which generation of its key it was set: when a key is deleted and its number used again, the old
 * values are no longer valid.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include "user/lib/internal.h"
#include "user/lib/pthread/parts.h"

struct pthread_value {
    void *value;
    uint32_t generation;
};

static struct quartet_mutex keys_lock;
static struct {
    void (*destructor)(void *);
    uint32_t generation; /* odd: in use; written with the lock, read without */
} keys[PTHREAD_KEYS_MAX];

static uint32_t generation_of(pthread_key_t key) {
    return key < PTHREAD_KEYS_MAX ? __atomic_load_n(&keys[key].generation, __ATOMIC_ACQUIRE) : 0;
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
    int error = EAGAIN;
    quartet_mutex_lock(&keys_lock);
    for (pthread_key_t i = 0; i < PTHREAD_KEYS_MAX && error != 0; i++) {
        if (keys[i].generation % 2 == 0) {
            keys[i].destructor = destructor;
            __atomic_store_n(&keys[i].generation, keys[i].generation + 1, __ATOMIC_RELEASE);
            *key = i;
            error = 0;
        }
    }
    quartet_mutex_unlock(&keys_lock);
    return error;
}

int pthread_key_delete(pthread_key_t key) {
    int error = EINVAL;
    quartet_mutex_lock(&keys_lock);
    if (generation_of(key) % 2 == 1) {
        __atomic_store_n(&keys[key].generation, keys[key].generation + 1, __ATOMIC_RELEASE);
        error = 0;
    }
    quartet_mutex_unlock(&keys_lock);
    return error;
}

void *pthread_getspecific(pthread_key_t key) {
    const struct pthread_value *values = thread_self()->values;
    uint32_t generation = generation_of(key);
    bool set = values != NULL && generation % 2 == 1 && values[key].generation == generation;
    return set ? values[key].value : NULL;
}

int pthread_setspecific(pthread_key_t key, const void *value) {
    struct quartet_thread *self = thread_self();
    uint32_t generation = generation_of(key);
    if (generation % 2 == 0)
        return EINVAL;
    if (self->values == NULL)
        self->values = quartet_map(SLOT_STACK, PTHREAD_KEYS_MAX * sizeof(self->values[0]));
    if (self->values == NULL)
        return ENOMEM;
    self->values[key] = (struct pthread_value){(void *)value, generation};
    return 0;
}

/* A destructor may set values again: so several rounds. */
void values_destroy(struct quartet_thread *self) {
    bool found = self->values != NULL;
    for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS && found; round++) {
        found = false;
        for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++) {
            void *value = pthread_getspecific(key);
            void (*destructor)(void *) = keys[key].destructor;
            self->values[key].value = NULL;
            if (value != NULL && destructor != NULL) {
                destructor(value);
                found = true;
            }
        }
    }
    if (self->values != NULL)
        quartet_unmap(self->values, PTHREAD_KEYS_MAX * sizeof(self->values[0]));
    self->values = NULL;
}
