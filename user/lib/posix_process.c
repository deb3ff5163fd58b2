/* SPDX-License-Identifier: MIT */
/*
 * Processes the POSIX way: IDs instead of handles. The kernel knows children by handles; this table
 * remembers which handle is whose. It stands in slot 1, next to what fork copies, so a forked child
 * inherits it along with the handles, and throws both away.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

extern char **environ;

/* By handle: the child's process ID, or 0; single stores only. A hint: processes that share slot 1
 * write to the same table, but each has handles of its own. */
static uint32_t children[HANDLE_LIMIT];

static long process_id(int process) {
    struct handle_stat found;
    long result = handle_stat(process, &found);
    if (result == 0 && found.type != OBJECT_PROCESS)
        return -E_TYPE;
    return result < 0 ? result : (long)found.id;
}

int child_remember(int handle) {
    long id = process_id(handle);
    if (posix_result(id) < 0)
        return -1;
    __atomic_store_n(&children[handle], (uint32_t)id, __ATOMIC_RELEASE);
    return 0;
}

int quartet_child_handle(int pid) {
    for (int handle = HANDLE_FIRST; pid > 0 && handle < HANDLE_LIMIT; handle++)
        if (__atomic_load_n(&children[handle], __ATOMIC_ACQUIRE) == (uint32_t)pid &&
            process_id(handle) == pid)
            return handle;
    return QUARTET_NONE;
}

/* Only one of several waiting threads closes the handle. */
static void child_forget(int handle) {
    uint32_t id = __atomic_exchange_n(&children[handle], 0, __ATOMIC_ACQ_REL);
    if (id != 0 && process_id(handle) == (long)id)
        handle_close(handle);
}

static void children_forget(void) {
    for (int handle = HANDLE_FIRST; handle < HANDLE_LIMIT; handle++)
        child_forget(handle);
}

pid_t getpid(void) { return (pid_t)process_id(QUARTET_SELF); }

/* The heap is whole in the copy: no other thread is at work in it. */
pid_t fork(void) {
    fork_prepare();
    libc_locks_hold();
    long child = process_clone(PLAN_FORK, 0, 0, 0);
    libc_locks_let_go();
    if (child == 0) {
        children_forget();
        fork_child();
        return 0;
    }
    fork_parent();
    if (posix_result(child) < 0)
        return -1;
    return child_remember((int)child) < 0 ? -1 : (pid_t)children[child];
}

/* Not sharing memory with the parent is allowed, and a COPY costs little. */
pid_t vfork(void) { return fork(); }

/* The words of <sys/wait.h>. */
static int wait_status(uint32_t status) {
    if (status & STATUS_FAULT)
        return SIGSEGV;
    if (status & STATUS_KILLED)
        return STATUS_CODE(status) & 0x7F ? (int)(STATUS_CODE(status) & 0x7F) : SIGKILL;
    return (int)(STATUS_CODE(status) << 8);
}

/* There are no groups: 0 and below mean any child. */
pid_t waitpid(pid_t pid, int *status, int options) {
    struct process_status ended;
    if (options & ~(WNOHANG | WUNTRACED)) {
        errno = EINVAL;
        return -1;
    }
    int handle = pid > 0 ? quartet_child_handle(pid) : QUARTET_ANY;
    if (pid > 0 && handle == QUARTET_NONE) {
        errno = ECHILD;
        return -1;
    }
    long result = process_wait(handle, options & WNOHANG ? WAIT_NOHANG : 0, &ended);
    if (result == -E_AGAIN)
        return 0;
    if (result < 0) {
        errno = result == -E_NOTFOUND || result == -E_HANDLE ? ECHILD : quartet_errno(result);
        return -1;
    }
    handle = quartet_child_handle((int)ended.pid);
    if (handle != QUARTET_NONE)
        child_forget(handle);
    if (status != NULL)
        *status = wait_status(ended.status);
    return (pid_t)ended.pid;
}

pid_t wait(int *status) { return waitpid(-1, status, 0); }

static int kill_handle(int process, int signal) {
    return signal == 0 ? 0 : (int)posix_result(process_kill(process, (uint32_t)signal));
}

/* A program's own signals are handled (posix_signal.c). Another process ends, whatever the number,
 * with it as its status. 0 only asks. */
int kill(pid_t pid, int signal) {
    if (signal < 0 || signal >= NSIG || pid <= 0) {
        errno = EINVAL;
        return -1;
    }
    if (pid == getpid())
        return signal == 0 ? 0 : raise(signal);
    int child = quartet_child_handle(pid);
    if (child != QUARTET_NONE)
        return kill_handle(child, signal);
    long process = process_open(HANDLE_SYSTEM, (uint32_t)pid);
    if (process < 0) {
        errno = process == -E_NOTFOUND ? ESRCH : EPERM;
        return -1;
    }
    int result = kill_handle((int)process, signal);
    handle_close((int)process);
    return result;
}

int execve(const char *path, char *const argv[], char *const environment[]) {
    struct quartet_program program = {.path = path, .argv = argv, .environment = environment};
    return quartet_execute(&program);
}

/* newlib has execvp() but not this, which its posix_spawnp() needs. PATH is that of the new
 * environment. */
int execvpe(const char *file, char *const argv[], char *const environment[]) {
    char **own = environ;
    environ = (char **)environment;
    execvp(file, argv);
    environ = own;
    return -1;
}
