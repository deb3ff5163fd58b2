/* SPDX-License-Identifier: MIT */
/*
 * The end of a space: its last reference is dropped while another process looks the same tuple
 * up, and while a CPU still has its root loaded (it is between two threads, or, on a machine of
 * one CPU, idle: with more, an idle CPU loads the kernel's). Proved in every reachable state:
 *   - a lookup never returns a space that is being freed; a tuple has one space at a time;
 *   - no CPU has a root loaded that is freed, or that is another space's by now;
 *   - no CPU runs with entries cached from an earlier root under the same tag, though space
 *     objects, root tables and tags are used again;
 *   - the last one out frees: nothing is left at the end.
 *
 * Code: space.c space_obtain, space_create, space_release, space_retire, space_leave, space_load;
 * tags.c tags_enter; end.c process_teardown; sched.c arrive. The root that the processor walks and
 * cpu->loaded, by which space_retire finds whom to ask, are two things: the second changes last.
 * move.pml has a process that goes to another space.
 * Bounds: PROCESSES processes, each lives LIVES times and visits a CPU up to VISITS times in each
 * life; two CPUs; one tuple, so one tag; space objects and roots are taken lowest first, so they
 * are used again at once.
 * Mutants: the comment beside each MUT_.
 */
#ifndef PROCESSES
#define PROCESSES 2
#endif
#define CPUS 2
#ifndef LIVES
#define LIVES 2
#endif
#ifndef VISITS
#define VISITS 2
#endif
#define SPACES 4
#define NONE 15 /* no space: the kernel's root */

bit spaces_lock;
byte table;                       /* spaces_lock: the tuple's space */
bit used[SPACES];                 /* the object and its root are allocated */
byte id[SPACES];                  /* never reused; 0 is none */
byte references[SPACES];
byte last_id;

bit busy[CPUS];                   /* a process runs here */
bit interrupts_off[CPUS];
bit request[CPUS];                /* leave the root of space... */
byte request_space[CPUS];
byte root[CPUS];                  /* the space whose root the processor walks */
byte root_id[CPUS];
byte loaded[CPUS];                /* the same, as others see it: changes last */
byte tag_key[CPUS];               /* whose contents the tag has: an id */
byte cached[CPUS];                /* id of the root from which entries are cached; 0 none */
byte alive;

#ifdef MUT_KEY_ADDRESS /* the tag is kept by the root's address */
#define KEY(space) ((space) + 1)
#else
#define KEY(space) id[space]
#endif

inline check(c) {
    assert(root[c] == NONE || (used[root[c]] && id[root[c]] == root_id[c]));
    assert(root[c] == NONE || cached[c] == 0 || cached[c] == root_id[c])
}

inline leave() { loaded[cpu] = NONE; root[cpu] = NONE; root_id[cpu] = 0 }

/* Processors walk what is loaded when they like; interrupts come when they are on. */
proctype Hardware(byte cpu) {
end:
    do
    :: d_step { root[cpu] != NONE && cached[cpu] == 0 -> cached[cpu] = root_id[cpu] }
    :: d_step { !busy[cpu] && loaded[cpu] != NONE -> leave() } /* idle, at some time or never */
    :: d_step {
        request[cpu] && !interrupts_off[cpu] ->
#ifdef MUT_HANDLER_THREAD /* the handler asks whether a process runs here, not what is loaded */
        if :: busy[cpu] -> leave() :: else fi;
#else
        if :: loaded[cpu] == request_space[cpu] -> leave() :: else fi;
#endif
        request[cpu] = 0
    }
    od
}

/* A waiter serves, which is as if its interrupts were on. */
inline acquire() {
    interrupts_off[cpu] = 0;
    atomic { spaces_lock == 0 -> spaces_lock = 1; interrupts_off[cpu] = 1 }
}
inline release() { spaces_lock = 0 }

inline space_obtain() {
    acquire();
    s = table;
    if
    :: s != NONE ->
        d_step { assert(used[s] && references[s] > 0); references[s] = references[s] + 1 }
    :: else ->
        d_step {
            s = 0;
            do :: used[s] -> s++ :: else -> break od;
            used[s] = 1; last_id++; id[s] = last_id; references[s] = 1
        };
        d_step { assert(table == NONE); table = s }
    fi;
    release()
}

inline space_load() {
    if
    :: loaded[cpu] != s ->
        d_step {
#ifdef MUT_TAG_KEPT /* the tag is always kept */
            skip;
#else
            if :: tag_key[cpu] != KEY(s) -> cached[cpu] = 0; tag_key[cpu] = KEY(s) :: else fi;
#endif
            root[cpu] = s; root_id[cpu] = id[s]; check(cpu)
        };
        loaded[cpu] = s
    :: else
    fi
}

inline space_load_kernel() {
    d_step { root[cpu] = NONE; root_id[cpu] = 0 };
    loaded[cpu] = NONE
}

/* Nobody can load the space any more; who still has it loaded is told to leave it. */
inline retire() {
    c = 0;
    do
    :: c < CPUS && c != cpu ->
#ifndef MUT_FREE_LOADED /* a root is freed while another CPU has it loaded */
        if
        :: loaded[c] == s ->
            interrupts_off[cpu] = 0;
            atomic { !request[c] -> request_space[c] = s; request[c] = 1 };
#ifndef MUT_NO_WAIT /* the sender does not wait */
            interrupts_off[cpu] = 0;
            atomic { !request[c] -> interrupts_off[cpu] = 1 }
#endif
        :: else
        fi;
#endif
        c++
    :: c < CPUS && c == cpu ->
#ifndef MUT_SELF /* the CPU that frees a root has it loaded itself (here, and at the end of a process) */
        if :: loaded[cpu] == s -> space_load_kernel() :: else fi;
#endif
        c++
    :: else -> c = 0; break
    od;
    skip;
    d_step {
        used[s] = 0; id[s] = 0;
        do :: c < CPUS -> check(c); c++ :: else -> break od;
        c = 0
    }
}

inline space_release() {
#ifdef MUT_DROP_UNLOCKED /* the last reference is dropped outside the lock */
    d_step { assert(references[s] > 0); references[s] = references[s] - 1; last = (references[s] == 0) };
    if
    :: last -> acquire(); if :: table == s -> table = NONE :: else fi; release()
    :: else
    fi;
#else
    acquire();
    d_step { assert(references[s] > 0); references[s] = references[s] - 1; last = (references[s] == 0) };
#ifndef MUT_UNLINK_LATE /* the table still has the space when the lock is let go */
    if :: last -> table = NONE :: else fi;
#endif
    release();
#ifdef MUT_UNLINK_LATE
    if :: last -> acquire(); table = NONE; release() :: else fi;
#endif
#endif
    if :: last -> retire() :: else fi;
    last = 0
}

inline cpu_take() {
    if
    :: atomic { !busy[0] -> cpu = 0; busy[0] = 1; interrupts_off[0] = 1 }
    :: atomic { !busy[1] -> cpu = 1; busy[1] = 1; interrupts_off[1] = 1 }
    fi
}
inline cpu_give() { d_step { busy[cpu] = 0; interrupts_off[cpu] = 0; cpu = 0 } }

proctype Process() {
    byte cpu, s = NONE, c, life, visit;
    bit last;
    do
    :: life < LIVES ->
        cpu_take();
        space_obtain();
        visit = 0;
        do
        :: space_load();
            d_step { assert(root[cpu] == s && used[s]); interrupts_off[cpu] = 0 }; /* user mode */
            interrupts_off[cpu] = 1;
            if
            :: visit < VISITS - 1 -> visit++;
                cpu_give(); /* the root is loaded yet */
                cpu_take()
            :: break
            fi
        od;
        /* process_teardown */
#ifndef MUT_SELF
        space_load_kernel();
#endif
        space_release();
        d_step { s = NONE; life++; visit = 0 };
        cpu_give()
    :: else -> break
    od;
    alive--
}

init {
    byte i;
    atomic {
        table = NONE; alive = PROCESSES;
        do :: i < CPUS -> loaded[i] = NONE; root[i] = NONE; run Hardware(i); i++ :: else -> break od;
        i = 0;
        do :: i < PROCESSES -> run Process(); i++ :: else -> break od;
        i = 0
    };
    alive == 0;
    d_step {
        assert(table == NONE && spaces_lock == 0);
        do :: i < SPACES -> assert(!used[i]); i++ :: else -> break od
    }
}
