/* SPDX-License-Identifier: MIT */
/*
 * Signals within a program: raise(), and kill() of oneself. Nothing comes from outside but the end
 * (posix_process.c), so a signal is handled by the thread that raises it, at once, or when that
 * thread unblocks it. Handlers belong to the program, masks to the thread. These functions take the
 * place of newlib's, whose handlers belong to a thread and are forgotten when they run.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "internal.h"

static struct sigaction actions[NSIG]; /* one word of each is read without a lock: the handler */
static __thread sigset_t blocked, pending;

static sigset_t bit_of(int signal) { return (sigset_t)1 << signal; }

static bool signal_valid(int signal) { return signal > 0 && signal < NSIG; }

static int fail(int error) {
    errno = error;
    return -1;
}

/* What a program may neither handle nor block. */
static sigset_t unblockable(void) { return bit_of(SIGKILL) | bit_of(SIGSTOP); }

static bool ignored_by_default(int signal) {
    return signal == SIGCHLD || signal == SIGURG || signal == SIGCONT || signal == SIGWINCH;
}

static void deliver(int signal) {
    struct sigaction action = actions[signal];
    if (action.sa_handler == SIG_IGN ||
        (action.sa_handler == SIG_DFL && ignored_by_default(signal)))
        return;
    if (action.sa_handler == SIG_DFL)
        process_kill(QUARTET_SELF, (uint32_t)signal);
    sigset_t before = blocked;
    blocked |= (action.sa_mask | bit_of(signal)) & ~unblockable();
    action.sa_handler(signal);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void deliver_pending(void) {
    for (int signal = 1; signal < NSIG && (pending & ~blocked) != 0; signal++) {
        if (pending & ~blocked & bit_of(signal)) {
            pending &= ~bit_of(signal);
            deliver(signal);
        }
    }
}

int raise(int signal) {
    if (!signal_valid(signal))
        return fail(EINVAL);
    pending |= bit_of(signal);
    deliver_pending();
    return 0;
}

/* Whatever the program does against it. */
void abort(void) {
    sigset_t only = bit_of(SIGABRT);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(SIGABRT);
    for (;;)
        process_kill(QUARTET_SELF, SIGABRT);
}

int pthread_kill(pthread_t thread, int signal) {
    if (signal != 0 && !signal_valid(signal))
        return EINVAL;
    if (signal != 0 && thread != thread_self())
        return ENOSYS; /* nobody can be interrupted */
    return signal == 0 || raise(signal) == 0 ? 0 : errno;
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    bool fixed = action != NULL && (number == SIGKILL || number == SIGSTOP);
    if (!signal_valid(number) || fixed)
        return fail(EINVAL);
    struct sigaction before = actions[number];
    if (action != NULL)
        actions[number] = *action;
    if (old != NULL)
        *old = before;
    return 0;
}

_sig_func_ptr signal(int number, _sig_func_ptr handler) {
    struct sigaction action = {.sa_handler = handler}, old;
    return sigaction(number, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
    sigset_t before = blocked;
    if (set != NULL) {
        switch (how) {
        case SIG_BLOCK:
            blocked |= *set;
            break;
        case SIG_UNBLOCK:
            blocked &= ~*set;
            break;
        case SIG_SETMASK:
            blocked = *set;
            break;
        default:
            return fail(EINVAL);
        }
        blocked &= ~unblockable();
    }
    if (old != NULL)
        *old = before;
    deliver_pending();
    return 0;
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    return sigprocmask(how, set, old) < 0 ? errno : 0;
}

int sigpending(sigset_t *set) {
    *set = pending;
    return 0;
}

/* The names by which newlib's own functions come. */
int _raise_r(struct _reent *reent, int signal) {
    (void)reent;
    return raise(signal);
}

_sig_func_ptr _signal_r(struct _reent *reent, int number, _sig_func_ptr handler) {
    (void)reent;
    return signal(number, handler);
}
