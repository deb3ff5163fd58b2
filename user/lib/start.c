/* SPDX-License-Identifier: MIT */
/*
 * From _start to main. The first thread's record goes on the first stack, above all frames, before
 * anything of the C library runs: errno lives in it.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

uintptr_t quartet_argument;
char **environ;

extern int main(int argc, char **argv, char **environment);
extern void __libc_init_array(void);

/* Called on the first stack by crt-*.asm. STACK points at argc; a program that the kernel itself
 * starts (init) has an ARGUMENT instead and nothing on its stack. */
_Noreturn void quartet_start(uintptr_t *stack, uintptr_t argument) {
    static char *nothing[] = {"init", NULL, NULL};
    char *record = __builtin_alloca_with_align(thread_record_size(), 64 * 8);
    struct quartet_thread *thread = thread_record_make(record);
    thread_tls((uintptr_t)thread);
    thread->first = thread;
    thread->running = thread->alive = 1;
    quartet_argument = argument;

    int argc = argument != 0 ? 1 : (int)stack[0];
    char **argv = argument != 0 ? nothing : (char **)&stack[1];
    environ = argument != 0 ? nothing + 1 : argv + argc + 1;
    __libc_init_array();
    exit(main(argc, argv, environ));
}

_Noreturn void _exit(int status) {
    for (;;)
        process_exit((uint32_t)status & 0xFF);
}

struct _reent *__getreent(void) {
    return &thread_self()->reent;
}
