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
 * Code: request.c request_run, receivers_interrupt, requests_serve; spinlock.c spinlock_wait;
 * shootdown.c quarter_shootdown and shootdown_here; map.c, fault.c, quarter.c as its callers, which
 * hold one quarter lock, or two in ascending order.
 * A request is two bits for each pair of CPUs: the sender's in the receiver's `requesters`, taken
 * by the receiver with all others of its senders at once, and the receiver's in the sender's
 * `unanswered`. Who finds `requesters` empty interrupts.
 * Bounds: CPUS CPUs that all run both quarters, two quarter locks (LOCKS=1: `lock=big`),
 * OPERATIONS on each CPU. In user mode and when done a CPU takes a pending interrupt at any time;
 * with interrupts off it serves only where it waits.
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
byte requesters[CPUS];        /* by receiver: a bit for each sender */
byte unanswered[CPUS];        /* by sender: a bit for each receiver */
bit interrupt[CPUS];          /* pending */
byte request_lock[CPUS];      /* by sender: the quarter it shoots down */
bit stale[CPUS * CPUS];       /* receiver * CPUS + sender: an old translation that SENDER has downgraded */

#define ALL ((1 << CPUS) - 1)

/* requests_serve: take all senders, and for each forget, then answer. */
inline serve() {
#ifdef MUT_LOST_BETWEEN /* the senders are read, then cleared: one that comes between is lost */
    taken = requesters[cpu];
    requesters[cpu] = 0;
#else
    d_step { taken = requesters[cpu]; requesters[cpu] = 0 };
#endif
    do
    :: j < CPUS && (taken >> j & 1) ->
#ifdef MUT_HANDLER_LOCKS /* the handler takes the quarter's lock */
        owner[request_lock[j]] == FREE;
#endif
#ifdef MUT_ANSWER_FIRST /* the handler answers before it has forgotten */
        unanswered[j] = unanswered[j] & ~(1 << cpu);
        stale[cpu * CPUS + j] = 0;
#else
        stale[cpu * CPUS + j] = 0;
#ifdef MUT_ANSWER_FOR_ALL /* the first answer counts for every CPU */
        unanswered[j] = 0;
#else
        unanswered[j] = unanswered[j] & ~(1 << cpu);
#endif
#endif
#ifdef MUT_ONE_SERVED /* of several senders one is served */
        j = CPUS
#else
        j++
#endif
    :: j < CPUS && !(taken >> j & 1) -> j++
    :: else -> d_step { j = 0; taken = 0 }; break
    od
}

inline acquire(l) {
    do
    :: atomic { owner[l] == FREE -> owner[l] = cpu; break }
#ifndef MUT_LOCK_DEAF /* who waits for a lock does not serve */
    :: requesters[cpu] != 0 -> serve()
#endif
    od
}

inline release(l) { atomic { assert(owner[l] == cpu); owner[l] = FREE } }

/* One interrupt after the other: a receiver may be done before the next is asked. */
inline receivers_interrupt() {
    do
    :: i < CPUS && i != cpu ->
        d_step { first = (requesters[i] == 0); requesters[i] = requesters[i] | 1 << cpu };
        if
#ifdef MUT_INTERRUPT_LATER_ONES /* who finds `requesters` empty does not interrupt, the others do */
        :: !first -> interrupt[i] = 1
        :: else
#else
        :: first -> interrupt[i] = 1
        :: else
#endif
        fi;
        i++
    :: i < CPUS && i == cpu -> i++
    :: else -> d_step { i = 0; first = 0 }; break
    od
}

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
#ifdef MUT_UNANSWERED_LATE /* those asked are noted after the interrupts: an answer is overwritten */
    receivers_interrupt();
    unanswered[cpu] = unanswered[cpu] | ALL & ~(1 << cpu);
#else
    unanswered[cpu] = unanswered[cpu] | ALL & ~(1 << cpu);
    receivers_interrupt();
#endif
    do
    :: atomic { unanswered[cpu] == 0 -> break }
#ifdef MUT_GIVE_UP /* the sender gives up at some time */
    :: break
#endif
#ifndef MUT_WAIT_DEAF /* who waits for answers does not serve */
    :: requesters[cpu] != 0 -> serve()
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
    byte i, j, taken;
    bit first;
end:
    do
    :: interrupt[cpu] -> interrupt[cpu] = 0; serve() /* interrupts are on */
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
