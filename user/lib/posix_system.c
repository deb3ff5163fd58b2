/* SPDX-License-Identifier: MIT */
/*
 * What programs and newlib ask of a POSIX system that this one answers with a constant: there is
 * one user, no process group, no scheduling policy, and no asynchronous signal.
 */
#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
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

/* Handlers are newlib's signal() and raise(), within the program. */
int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    _sig_func_ptr handler =
        action != NULL ? signal(number, action->sa_handler) : signal(number, SIG_DFL);
    if (handler == SIG_ERR)
        return -1;
    if (action == NULL)
        signal(number, handler);
    if (old != NULL)
        *old = (struct sigaction){.sa_handler = handler};
    return 0;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
    (void)how, (void)set;
    if (old != NULL)
        *old = 0; /* nothing comes from outside that a mask could hold back */
    return 0;
}

int getpagesize(void) { return (int)PAGE_SIZE; }

long sysconf(int name) {
    struct info_machine info;
    switch (name) {
    case _SC_PAGESIZE:
        return (long)PAGE_SIZE;
    case _SC_OPEN_MAX:
        return HANDLE_LIMIT;
    case _SC_CLK_TCK:
        return CLOCKS_PER_SEC;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return system_info(HANDLE_SYSTEM, INFO_MACHINE, &info, sizeof(info)) < 0 ? 1
                                                                                 : (long)info.cpus;
    default:
        errno = EINVAL;
        return -1;
    }
}
