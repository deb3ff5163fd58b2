/* SPDX-License-Identifier: MIT */
/*
 * Waiters serve: CPUs that hold and want quarter locks with interrupts off, and shoot each other
 * down meanwhile. Proved in every reachable state:
 *   - nobody waits for ever: the only states without a next step are those in which all are done;
 *     and since each CPU does a bounded number of operations and waits without changing anything,
 *     no run is endless either;
 *   - a shootdown that returned was served by every CPU: for this request, not for an earlier
 *     one.
 *
 * Code: spinlock.c spinlock_wait; shootdown.c quarter_shootdown's wait and the handler; map.c,
 * fault.c, quarter.c as its callers, which hold one quarter lock, or two in ascending order.
 * Bounds: CPUS CPUs that all run both quarters, two quarter locks (LOCKS=1: `lock=big`),
 * OPERATIONS on each CPU. In user mode and when done a CPU takes the interrupt at any time; with
 * interrupts off only where it waits. A request is one flag for each pair of sender and receiver.
 * Mutants: the comment beside each MUT_.
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef LOCKS
#define LOCKS 2
#endif
#ifndef OPERATIONS
#define OPERATIONS 2
#endif
#define FREE 9

byte owner[LOCKS];
bit request[CPUS * CPUS];     /* receiver * CPUS + sender */
byte request_lock[CPUS];      /* by sender: the quarter it shoots down */
bit stale[CPUS * CPUS];       /* receiver * CPUS + sender: an old translation that SENDER has downgraded */

#define PENDING(s) request[cpu * CPUS + (s)]

#if CPUS > 2
#define ANSWERED (!request[cpu] && !request[CPUS + cpu] && !request[2 * CPUS + cpu])
#else
#define ANSWERED (!request[cpu] && !request[CPUS + cpu])
#endif

/* Serve what sender S has asked of this CPU: forget, then answer. */
inline serve_one(s) {
#ifdef MUT_HANDLER_LOCKS /* the handler takes the quarter's lock */
    PENDING(s) -> owner[request_lock[s]] == FREE;
    d_step { stale[cpu * CPUS + (s)] = 0; PENDING(s) = 0 }
#elif defined(MUT_ANSWER_FIRST) /* the handler answers before it has forgotten */
    d_step { PENDING(s) -> PENDING(s) = 0 };
    stale[cpu * CPUS + (s)] = 0
#elif defined(MUT_ONE_ANSWER) /* the handler answers all senders, and does the work of one */
    d_step { PENDING(s) -> stale[cpu * CPUS + (s)] = 0; i = 0;
             do :: i < CPUS -> PENDING(i) = 0; i++ :: else -> break od; i = 0 }
#else
    d_step { PENDING(s) -> stale[cpu * CPUS + (s)] = 0; PENDING(s) = 0 }
#endif
}

#if CPUS > 2
#define SERVE :: serve_one(0) :: serve_one(1) :: serve_one(2)
#else
#define SERVE :: serve_one(0) :: serve_one(1)
#endif

inline acquire(l) {
    do
    :: atomic { owner[l] == FREE -> owner[l] = cpu; break }
#ifndef MUT_LOCK_DEAF /* who waits for a lock does not serve */
    SERVE
#endif
    od
}

inline release(l) { atomic { assert(owner[l] == cpu); owner[l] = FREE } }

inline shootdown(l) {
    d_step {
        request_lock[cpu] = l;
        i = 0;
        do
        :: i < CPUS && i != cpu -> stale[i * CPUS + cpu] = 1; i++
        :: i < CPUS && i == cpu -> i++
        :: else -> break
        od;
        i = 0
    };
    /* one interrupt after the other: a receiver may be done before the next is asked */
    do
    :: i < CPUS && i != cpu -> request[i * CPUS + cpu] = 1; i++
    :: i < CPUS && i == cpu -> i++
    :: else -> i = 0; break
    od;
    do
    :: atomic { ANSWERED -> break }
#ifdef MUT_GIVE_UP /* the sender gives up at some time */
    :: break
#endif
#ifndef MUT_WAIT_DEAF /* who waits for answers does not serve */
    SERVE
#endif
    od;
    skip;
    d_step {
        i = 0;
        do :: i < CPUS -> assert(!stale[i * CPUS + cpu]); i++ :: else -> break od;
        i = 0
    }
}

proctype Cpu(byte cpu) {
    byte left = OPERATIONS;
    byte i;
end:
    do
    SERVE /* interrupts are on */
    :: left > 0 -> left--; acquire(0); shootdown(0); release(0)
#if LOCKS > 1
    :: left > 0 -> left--; acquire(1); shootdown(1); release(1)
    :: left > 0 -> left--; acquire(0); acquire(1);
        if :: shootdown(0) :: shootdown(1) fi;
        release(1); release(0)
#ifdef MUT_ORDER /* two quarter locks in descending order */
    :: left > 0 -> left--; acquire(1); acquire(0); shootdown(1); release(0); release(1)
#endif
#endif
    od
}

init {
    byte l;
    atomic {
        do :: l < LOCKS -> owner[l] = FREE; l++ :: else -> break od;
        l = 0;
        do :: l < CPUS -> run Cpu(l); l++ :: else -> break od
    }
}
