/* SPDX-License-Identifier: MIT */
/*
 * A process moves to another space while other CPUs switch to its threads and away, and fault in
 * it. Proved in every reachable state:
 *   - no CPU has a root loaded that is freed: the old one is, when the move has returned;
 *   - a fault that waits for its quarter's lock, and is told meanwhile to leave the space, still
 *     finds the quarter there.
 *
 * Code: process.c process_set_space, space_refresh; sched.c current_set, arrive; space.c
 * space_load, space_leave, space_retire; process/fault.c fault_serve.
 * The pair of stores and loads (cpu->pid, then process->space; process->space, then cpu->pid) goes
 * through buffers of one store, as in shootdown.pml. Interrupts are off in a switch; a fault that
 * waits serves. The root that the processor walks and cpu->loaded are two things: the second
 * changes last.
 * Bounds: CPU 0 runs process P and moves it MOVES times, each time to a new space; the others
 * switch between a thread of P, one of another process and the idle thread, without end. Each
 * space has one quarter of its own.
 * Mutants: the comment beside each MUT_.
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef MOVES
#define MOVES 2
#endif
#define SPACES (MOVES + 3)
#define KERNEL 0 /* the root of no space, loaded by idle CPUs */
#define OTHERS 1 /* the other process's space */
#define FIRST 2  /* P's, before it moves */

#define P 1
#define OTHER 2
#define IDLE 3

#define REFRESH 1 /* requests */
#define LEAVE 2

byte process_space = FIRST;
byte shown[CPUS];      /* cpu->pid: which process runs here, as others see it */
byte root[CPUS], loaded[CPUS];
bit used[SPACES];      /* the root exists */
byte quarter[SPACES];  /* references of the space's quarter */
byte request[CPUS], request_space;

/* store buffers: of the mover's process->space, of each other CPU's shown */
byte space_pending, shown_pending[CPUS];

inline check(c) { assert(used[root[c]]) }

inline mover_drain() { d_step { if :: space_pending != 0 -> process_space = space_pending; space_pending = 0 :: else fi } }
inline shown_drain(c) { d_step { if :: shown_pending[c] != 0 -> shown[c] = shown_pending[c]; shown_pending[c] = 0 :: else fi } }

/* Stores leave their buffers when they like. */
proctype Hardware() {
    byte c = 1;
end:
    do
    :: d_step { space_pending != 0 -> process_space = space_pending; space_pending = 0 }
    :: d_step { shown_pending[1] != 0 -> shown[1] = shown_pending[1]; shown_pending[1] = 0 }
#if CPUS > 2
    :: d_step { shown_pending[2] != 0 -> shown[2] = shown_pending[2]; shown_pending[2] = 0 }
#endif
    od
}

/* ---- The mover ------------------------------------------------------------------------------- */

/* The CPUs of MASK are asked, and waited for. */
inline ask(what) {
    d_step {
        c = 1;
        do
        :: c < CPUS -> if :: mask >> c & 1 -> request[c] = what :: else fi; c++
        :: else -> break
        od;
        c = 0; mask = 0
    };
#ifndef MUT_NO_WAIT /* the mover does not wait for the answers */
    d_step { request[1] == 0 && request[CPUS - 1] == 0 }
#else
    skip
#endif
}

inline shown_read() {
    c = 1;
    do
    :: c < CPUS -> d_step { if :: shown[c] == P -> mask = mask | 1 << c :: else fi; c++ }
    :: else -> c = 0; break
    od;
    skip
}

/* The last reference has gone: nobody can load OLD any more. */
inline retire() {
    c = 1;
    do
    :: c < CPUS -> d_step { if :: loaded[c] == old -> mask = mask | 1 << c :: else fi; c++ }
    :: else -> c = 0; break
    od;
    request_space = old;
#ifndef MUT_NO_RETIRE /* only the CPUs that run the process are asked */
    ask(LEAVE);
#else
    mask = 0;
#endif
    d_step {
        used[old] = 0;
        quarter[old]--;
        c = 0;
        do :: c < CPUS -> check(c); c++ :: else -> break od;
        c = 0
    }
}

proctype Mover() {
    byte move, old, c, mask;
    do
    :: move < MOVES ->
        d_step {
            old = process_space;
            used[FIRST + 1 + move] = 1;
            quarter[FIRST + 1 + move] = 1
        };
#ifdef MUT_ASK_FIRST /* the pids are read before process->space is set */
        shown_read();
        space_pending = FIRST + 1 + move;
        mover_drain();
#else
        space_pending = FIRST + 1 + move;
#ifndef MUT_NO_BARRIER_MOVE /* no barrier between process->space and the pids */
        mover_drain();
#endif
        shown_read();
#endif
#ifdef MUT_NO_ASK /* nobody is told to look again */
        mask = 0;
#endif
        ask(REFRESH);
        d_step { mover_drain(); root[0] = FIRST + 1 + move; loaded[0] = FIRST + 1 + move };
        retire();
        d_step { old = 0; move++ }
    :: else -> break
    od
}

/* ---- The CPUs that switch -------------------------------------------------------------------- */

inline space_load(next) {
#ifdef MUT_LOADED_EARLY /* cpu->loaded changes before the root */
    loaded[cpu] = next;
    d_step { root[cpu] = next; check(cpu) }
#else
    d_step { root[cpu] = next; check(cpu) };
    loaded[cpu] = next
#endif
}

inline handler() {
    if
    :: d_step { request[cpu] == REFRESH -> s = (thread == P -> process_space : (thread == OTHER -> OTHERS : loaded[cpu])) };
        space_load(s);
        d_step { s = 0; request[cpu] = 0 }
    :: request[cpu] == LEAVE ->
        if
        :: loaded[cpu] == request_space -> space_load(KERNEL)
        :: else
        fi;
        request[cpu] = 0
    fi
}

/* arrive, with interrupts off: the pid first, then what the process says. */
inline switch_to(next) {
    thread = next;
#ifdef MUT_PID_LATE /* the pid is set after process->space has been read */
    s = (next == P -> process_space : (next == OTHER -> OTHERS : KERNEL));
    shown_pending[cpu] = next;
    shown_drain(cpu);
#else
    shown_pending[cpu] = next;
#ifndef MUT_NO_BARRIER_SWITCH /* no barrier between the pid and process->space */
    shown_drain(cpu);
#endif
    s = (next == P -> process_space : (next == OTHER -> OTHERS : KERNEL));
#endif
    space_load(s);
    d_step { s = 0; shown_drain(cpu) }
}

/* In the space that is loaded, which need not be the process's any more; it waits for the lock. */
inline fault() {
    d_step {
        s = loaded[cpu];
#ifndef MUT_FAULT_NO_REFERENCE /* a fault takes no reference to its quarter */
        quarter[s]++;
#endif
        faulting = s; s = 0
    };
    do
    :: request[cpu] != 0 -> handler()
    :: break
    od;
    skip;
    d_step {
        assert(quarter[faulting] > 0);
#ifndef MUT_FAULT_NO_REFERENCE
        quarter[faulting]--;
#endif
        faulting = 0
    }
}

proctype Cpu(byte cpu) {
    byte thread = IDLE, s, faulting;
end:
    do
    :: request[cpu] != 0 -> handler()
    :: thread != P -> switch_to(P)
    :: thread != OTHER -> switch_to(OTHER)
    :: thread != IDLE -> switch_to(IDLE)
    :: thread == P && loaded[cpu] != KERNEL -> fault()
    od
}

init {
    byte c = 1;
    atomic {
        used[KERNEL] = 1; used[OTHERS] = 1; used[FIRST] = 1;
        quarter[OTHERS] = 1; quarter[FIRST] = 1;
        shown[0] = P; root[0] = FIRST; loaded[0] = FIRST;
        run Hardware();
        run Mover();
        do :: c < CPUS -> shown[c] = IDLE; run Cpu(c); c++ :: else -> break od
    }
}
