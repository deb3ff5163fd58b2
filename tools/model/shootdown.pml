/* SPDX-License-Identifier: MIT */
/*
 * Switch-in against shootdown. CPU 0 holds quarter S's lock and shoots S down again and again;
 * the other CPUs switch between spaces meanwhile, at any point. Proved in every reachable state:
 *   - once a shootdown has returned (so the frame may be reused), no CPU holds an older
 *     translation of S under the tag that is loaded: neither user code nor a speculative walk can
 *     use one;
 *   - no CPU finds another quarter's entries under the loaded tag (a hot digit that changed
 *     hands);
 * That nobody waits for ever is in waiters.pml.
 * With TAGS=0 a load forgets everything (`pae`, and `long` without PCIDs); with TAG_INVALIDATES=1
 * the handler takes the page out of the other tags, else they are good no longer.
 *
 * Code: space.c space_change, root_load (`running` is what quarter_running reads: entering and
 * loaded); tags.c tags_enter, digit_enter, digit_take, tags_shoot, others_shoot; shootdown.c
 * quarter_shootdown, shootdown_here.
 * Which CPUs are interrupted, and how they answer, is in waiters.pml.
 * SPIN is sequentially consistent, so a CPU's stores to the two pairs (own bit, then generation;
 * and entries and generation, then mask) go through a buffer of one store, drained by the next
 * store, by a barrier, or at any time. Interrupts are off in a switch; the handler runs between
 * switches, or late.
 *
 * Bounds: ROUNDS shootdowns; one CPU that switches between all spaces without end, or
 * (RECEIVERS=2) one between X, Z and the kernel's and one between X and the kernel's. Spaces: X =
 * (S) and Z = (S, T) have S and different tags; W = (R), R in S's slot, takes S's only hot digit,
 * and with it X's tag; 0 is the kernel's, in which no quarter runs.
 * Mutants: the comment beside each MUT_.
 */
#ifndef TAGS
#define TAGS 1
#endif
#ifndef TAG_INVALIDATES
#define TAG_INVALIDATES 0
#endif
#ifndef RECEIVERS
#define RECEIVERS 1
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define CPUS 3
#define TAG_COUNT 2

#define KERNEL 0
#define SPACE_X 1
#define SPACE_Z 2
#define SPACE_W 3
#define HAS_S(space) ((space) == SPACE_X || (space) == SPACE_Z)
#define TAG(space) ((space) == SPACE_Z)

#define NOTHING 9  /* no translation cached */
#define OF_R 8     /* a translation of quarter R; else: the version of S's entry */

/* memory */
byte entry;                 /* version of S's entry: counts the shootdowns begun */
byte generation;
bit running[CPUS];          /* S's mask */
bit request[CPUS];          /* interrupt sent, not yet served */
byte asked;                 /* the generation that the requests are about */
byte returned;              /* shootdowns that have returned */

/* store buffers: CPU 0's holds ENTRY or GENERATION, another CPU's its own bit */
bit entry_pending, generation_pending;
bit bit_pending[CPUS];

/* each CPU */
byte loaded[CPUS];
bit good[CPUS * TAG_COUNT]; /* contents of this tag may be kept */
byte cached[CPUS * TAG_COUNT];
byte seen[CPUS];            /* S's generation that the hot digit has seen */
bit digit_of_s[CPUS];       /* S holds the digit */
#ifdef MUT_SEEN_SHARED /* the generation that was seen is kept for all CPUs together */
#define SEEN seen[0]
#else
#define SEEN seen[cpu]
#endif
#define CACHED cached[cpu * TAG_COUNT + TAG(loaded[cpu])]

#define STALE(c) (HAS_S(loaded[c]) && cached[(c) * TAG_COUNT + TAG(loaded[c])] != NOTHING && \
    (cached[(c) * TAG_COUNT + TAG(loaded[c])] == OF_R || cached[(c) * TAG_COUNT + TAG(loaded[c])] < returned))
#define FOREIGN(c) (loaded[c] == SPACE_W && cached[(c) * TAG_COUNT] != OF_R && cached[(c) * TAG_COUNT] != NOTHING)

/* Every check is made where the state it looks at changes: at loads, fills and returns. */
inline check(c) { assert(!STALE(c)); assert(!FOREIGN(c)) }

/* Store buffers drain when they like, and processors fill TLBs by what they have loaded. */
proctype Hardware() {
    byte cpu;
end:
    do
    :: d_step { entry_pending -> entry_pending = 0; entry++ }
    :: d_step { generation_pending -> generation_pending = 0; generation++ }
    :: d_step { bit_pending[1] -> bit_pending[1] = 0; running[1] = 1 }
    :: d_step { bit_pending[2] -> bit_pending[2] = 0; running[2] = 1 }
    :: d_step { HAS_S(loaded[0]) && cached[0] == NOTHING -> cached[0] = entry }
    :: d_step { loaded[1] != KERNEL && cached[TAG_COUNT + TAG(loaded[1])] == NOTHING ->
                cached[TAG_COUNT + TAG(loaded[1])] = (loaded[1] == SPACE_W -> OF_R : entry); check(1) }
    :: d_step { loaded[2] != KERNEL && cached[2 * TAG_COUNT + TAG(loaded[2])] == NOTHING ->
                cached[2 * TAG_COUNT + TAG(loaded[2])] = (loaded[2] == SPACE_W -> OF_R : entry); check(2) }
    od
}

/* ---- The sender ------------------------------------------------------------------------------ */

/* A store drains what is in the buffer before it: first in, first out. */
inline entry_store() { d_step { if :: generation_pending -> generation_pending = 0; generation++ :: else fi; entry_pending = 1 } }
inline generation_store() { d_step { if :: entry_pending -> entry_pending = 0; entry++ :: else fi; generation_pending = 1 } }
inline barrier_sender() {
    d_step {
        if :: entry_pending -> entry_pending = 0; entry++ :: else fi;
        if :: generation_pending -> generation_pending = 0; generation++ :: else fi
    }
}

inline mask_read() { d_step { mask1 = running[1]; mask2 = running[2] } }

proctype Sender() {
    byte round;
    bit mask1, mask2;
    loaded[0] = SPACE_X;
    do
    :: round < ROUNDS ->
#ifdef MUT_ENTRY_LATE /* the entries change after the generation */
        generation_store(); entry_store(); barrier_sender(); mask_read();
#elif defined(MUT_GENERATION_LATE) /* the mask is read before the generation is bumped */
        entry_store(); barrier_sender(); mask_read(); generation_store(); barrier_sender();
#elif defined(MUT_NO_GENERATION) /* the generation is not bumped */
        entry_store(); barrier_sender(); mask_read();
#else
        entry_store();
        generation_store();
#ifndef MUT_NO_BARRIER_SENDER /* no barrier between generation and mask */
        barrier_sender();
#endif
        mask_read();
#endif
#ifdef MUT_NO_INTERRUPT /* only the generation tells others */
        d_step { mask1 = 0; mask2 = 0 };
#endif
        d_step { asked = generation + generation_pending; request[1] = request[1] | mask1; request[2] = request[2] | mask2 };
#ifndef MUT_SELF /* the sender does not invalidate for itself */
        cached[0] = NOTHING;
#endif
#ifndef MUT_NO_WAIT /* the sender does not wait */
        (!(mask1 && request[1]) && !(mask2 && request[2]));
#endif
        d_step { barrier_sender(); returned++; round++; mask1 = 0; mask2 = 0; check(0); check(1); check(2) }
    :: else -> break
    od
}

/* ---- The receivers --------------------------------------------------------------------------- */

/* The interrupt: takes no lock. What is loaded decides, not what the CPU is about to run. */
inline handler() {
    d_step {
        request[cpu] -> request[cpu] = 0;
        if
        :: HAS_S(loaded[cpu]) ->
            CACHED = NOTHING;
#ifdef MUT_HANDLER_KEEPS_OTHERS /* the handler notes the generation, but keeps S's other tags */
            skip;
#elif TAG_INVALIDATES
            cached[cpu * TAG_COUNT + 1 - TAG(loaded[cpu])] = NOTHING;
#else
            good[cpu * TAG_COUNT + 1 - TAG(loaded[cpu])] = 0;
#endif
            SEEN = asked
        :: else
        fi
    }
}

inline mask_enter() {
#ifdef MUT_NO_BARRIER_SWITCH /* no barrier between own bit and generation */
    if :: running[cpu] == 0 -> bit_pending[cpu] = 1 :: else fi
#else
    if :: running[cpu] == 0 -> bit_pending[cpu] = 1; d_step { bit_pending[cpu] = 0; running[cpu] = 1 } :: else fi
#endif
}

/* Contents of tags with S's digit are good only as long as the digit is S's and has seen all. */
inline catch_up() {
    now = generation;
    d_step {
        if
        :: !digit_of_s[cpu] || SEEN != now ->
#ifdef MUT_CATCH_UP_CURRENT /* only the tag that comes in is forgotten, not the digit's others */
            good[cpu * TAG_COUNT + TAG(next)] = 0;
#elif !defined(MUT_NO_CATCH_UP) /* the generation is not looked at */
            good[cpu * TAG_COUNT] = 0; good[cpu * TAG_COUNT + 1] = 0;
#endif
            digit_of_s[cpu] = 1; SEEN = now
        :: else
        fi;
        now = 0
    }
}

/* The digit goes to R: no tag with it is good any more. */
inline digit_recycle() {
    d_step {
        if
        :: digit_of_s[cpu] -> digit_of_s[cpu] = 0;
#ifndef MUT_DIGIT_KEEPS /* a digit changes hands and its tags are kept */
            good[cpu * TAG_COUNT] = 0; good[cpu * TAG_COUNT + 1] = 0;
#else
            skip
#endif
        :: else
        fi
    }
}

/* Kept load or flushed load. */
inline root_load() {
    d_step {
        if
        :: next != KERNEL ->
            if
            :: !TAGS || !good[cpu * TAG_COUNT + TAG(next)] -> cached[cpu * TAG_COUNT + TAG(next)] = NOTHING
            :: else
            fi;
            good[cpu * TAG_COUNT + TAG(next)] = 1
        :: else
        fi;
        loaded[cpu] = next;
        check(cpu)
    }
}

inline mask_leave() { if :: !HAS_S(next) -> running[cpu] = 0 :: else fi }

inline space_load() {
#ifdef MUT_CLEAR_EARLY /* the bits of those that left are cleared before the load */
    mask_leave();
#endif
    if
    :: HAS_S(next) ->
#ifdef MUT_MASK_LATE /* the own bit is set after the load */
        catch_up(); root_load(); mask_enter();
#elif defined(MUT_GENERATION_FIRST) /* the generation is read before the own bit is set */
        catch_up(); mask_enter(); root_load();
#elif defined(MUT_GENERATION_AFTER_LOAD) /* the generation is looked at after the load */
        mask_enter(); root_load(); catch_up();
#else
        mask_enter();
        catch_up();
#ifdef MUT_INTERRUPTS_ON /* the interrupt is let in between own bit and load */
        if :: handler() :: skip fi;
#endif
        root_load();
#endif
    :: else ->
        if :: next == SPACE_W -> digit_recycle() :: else fi;
        root_load()
    fi;
#ifndef MUT_CLEAR_EARLY
    mask_leave();
#endif
    skip
}

proctype Receiver(byte cpu; bit to_z; bit to_w) {
    byte next, now;
end:
    do
    :: handler()
    :: d_step { loaded[cpu] != SPACE_X -> next = SPACE_X }; space_load(); next = 0
    :: d_step { to_z && loaded[cpu] != SPACE_Z -> next = SPACE_Z }; space_load(); next = 0
    :: d_step { to_w && loaded[cpu] != SPACE_W -> next = SPACE_W }; space_load(); next = 0
    :: d_step { loaded[cpu] != KERNEL -> next = KERNEL }; space_load(); next = 0
    od
}

init {
    byte i;
    atomic {
        do :: i < CPUS * TAG_COUNT -> cached[i] = NOTHING; i++ :: else -> break od;
        i = 0;
        run Hardware();
        run Sender();
#if RECEIVERS > 1
        run Receiver(1, 1, 0);
        run Receiver(2, 0, 0)
#else
        run Receiver(1, 1, 1)
#endif
    }
}
