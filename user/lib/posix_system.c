/* SPDX-License-Identifier: MIT */
/*
 * What programs and newlib ask of a POSIX system that this one answers with a constant: there is
 * one user, no process group and no scheduling policy.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

uid_t getuid(void) { return 0; }

uid_t geteuid(void) { return 0; }

gid_t getgid(void) { return 0; }

gid_t getegid(void) { return 0; }

/* The one user has no name: glob() asks for it when a pattern begins with ~. */
char *getlogin(void) { return NULL; }

struct passwd *getpwnam(const char *name) {
    (void)name;
    return NULL;
}

struct passwd *getpwuid(uid_t user) {
    (void)user;
    return NULL;
}

int issetugid(void) { return 0; }

static int only_zero(unsigned id) {
    if (id == 0)
        return 0;
    errno = EPERM;
    return -1;
}

int seteuid(uid_t user) { return only_zero(user); }

int setegid(gid_t group) { return only_zero(group); }

static int not_supported(void) {
    errno = ENOSYS;
    return -1;
}

int setpgid(pid_t process, pid_t group) {
    (void)process, (void)group;
    return not_supported();
}

int sched_setscheduler(pid_t process, int policy, const struct sched_param *parameters) {
    (void)process, (void)policy, (void)parameters;
    return not_supported();
}

int sched_setparam(pid_t process, const struct sched_param *parameters) {
    (void)process, (void)parameters;
    return not_supported();
}

int sched_yield(void) { return (int)posix_result(thread_yield()); }

int getpagesize(void) { return (int)PAGE_SIZE; }

static long machine_fact(int name) {
    struct info_machine info;
    if (system_info(HANDLE_SYSTEM, INFO_MACHINE, &info, sizeof(info)) < 0)
        return 1;
    switch (name) {
    case _SC_PHYS_PAGES:
        return (long)info.frames;
    case _SC_AVPHYS_PAGES:
        return (long)info.frames_free;
    default:
        return (long)info.cpus;
    }
}

/* What does not depend on the machine; 0 is no value here. */
static const long facts[] = {
    [_SC_ARG_MAX] = ARG_MAX,
    [_SC_OPEN_MAX] = OPEN_MAX,
    [_SC_PAGESIZE] = PAGE_SIZE,
    [_SC_CLK_TCK] = CLOCKS_PER_SEC,
    [_SC_IOV_MAX] = IOV_MAX,
    [_SC_LINE_MAX] = LINE_MAX,
    [_SC_THREADS] = _POSIX_THREADS,
    [_SC_THREAD_ATTR_STACKADDR] = _POSIX_THREAD_ATTR_STACKADDR,
    [_SC_THREAD_ATTR_STACKSIZE] = _POSIX_THREAD_ATTR_STACKSIZE,
    [_SC_THREAD_PROCESS_SHARED] = _POSIX_THREAD_PROCESS_SHARED,
    [_SC_THREAD_SAFE_FUNCTIONS] = _POSIX_THREAD_SAFE_FUNCTIONS,
    [_SC_THREAD_KEYS_MAX] = PTHREAD_KEYS_MAX,
    [_SC_THREAD_STACK_MIN] = PTHREAD_STACK_MIN,
    [_SC_THREAD_DESTRUCTOR_ITERATIONS] = PTHREAD_DESTRUCTOR_ITERATIONS,
    [_SC_BARRIERS] = _POSIX_BARRIERS,
    [_SC_READER_WRITER_LOCKS] = _POSIX_READER_WRITER_LOCKS,
    [_SC_SPIN_LOCKS] = _POSIX_SPIN_LOCKS,
    [_SC_SEMAPHORES] = _POSIX_SEMAPHORES,
    [_SC_SEM_VALUE_MAX] = SEM_VALUE_MAX,
    [_SC_TIMEOUTS] = _POSIX_TIMEOUTS,
    [_SC_SPAWN] = _POSIX_SPAWN,
    [_SC_MONOTONIC_CLOCK] = 200809,
};

long sysconf(int name) {
    switch (name) {
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
    case _SC_PHYS_PAGES:
    case _SC_AVPHYS_PAGES:
        return machine_fact(name);
    default:
        if (name >= 0 && name < (int)(sizeof(facts) / sizeof(facts[0])) && facts[name] != 0)
            return facts[name];
        if (name < 0 || name > 200)
            errno = EINVAL; /* else it is an option that is not there, or has no limit */
        return -1;
    }
}

static long path_fact(int name) {
    switch (name) {
    case _PC_LINK_MAX:
        return LINK_MAX;
    case _PC_NAME_MAX:
        return NAME_MAX;
    case _PC_PATH_MAX:
        return PATH_MAX;
    case _PC_PIPE_BUF:
        return PIPE_BUF;
    case _PC_NO_TRUNC:
        return 1;
    case _PC_FILESIZEBITS:
        return 32;
    default:
        errno = EINVAL;
        return -1;
    }
}

long pathconf(const char *path, int name) {
    struct stat found;
    return stat(path, &found) < 0 ? -1 : path_fact(name);
}

long fpathconf(int file, int name) {
    struct stat found;
    return fstat(file, &found) < 0 ? -1 : path_fact(name);
}
