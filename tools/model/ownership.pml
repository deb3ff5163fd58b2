/* SPDX-License-Identifier: MIT */
/*
 * The ownership rule: quarters share a page table, each under its own lock, while they are
 * written, copied, unmapped and ended. Proved in every reachable state:
 *   - a load reads what this quarter stored last (or its snapshot, or zero after an unmap), on
 *     every CPU that runs it; a store changes no other quarter;
 *   - no CPU uses a freed frame or walks a freed table, cached entries included;
 *   - counts never fall below zero, and when all have ended every table and frame is free.
 *
 * Code: table.c table_own/_create/_copy/_reclaim/_empty, directory_entry_discard; quarter.c
 * directory_share, copy_locked, quarter_destroy; fault.c walk_allows, page_provide, page_fill,
 * page_copy, page_reopen; map.c quarter_unmap (bury_pages, bury_entry).
 * A CPU caches a directory entry and a leaf, keeps them as long as it likes, drops them at its
 * own fault. A shootdown is one step here: shootdown.pml has the handshake.
 *
 * Bounds: one directory entry with one page. At the start A and B share a table, as after a COPY.
 *   PART 1: A and B with one CPU each, two operations each (store, fork, unmap of the page or of
 *           the whole entry), a COPY of either makes C, which does one; all end.
 *   PART 2: A on two CPUs: one stores, forks or unmaps once, the other loads and stores twice, C
 *           as above, while B ends.
 *   PART 3: A on three CPUs (a store; two loads; two loads or stores) and B, which stores once.
 * Mutants: the comment beside each MUT_; the list in `run` says which part shows it.
 * WRITABLE_EARLY needs three CPUs: one copies the page, one writes the new frame, one still reads
 * the old.
 */
#ifndef PART
#define PART 1
#endif
#define QUARTERS 3
#define CPUS 4
#define TABLES 6
#define FRAMES 6
#define NONE 15


#define LOAD 1
#define STORE 2
#define FORK 4
#define UNMAP 8
#define UNMAP_PAGE 16

#if PART == 1
#define CHILD_OPERATIONS 1
#define START run Cpu(0, 0, STORE | FORK | UNMAP_PAGE, 2); run Cpu(1, 1, STORE | FORK | UNMAP, 2)
#define A_CPUS 1
#elif PART == 2
#define CHILD_OPERATIONS 1
#define START run Cpu(0, 0, STORE | FORK | UNMAP | UNMAP_PAGE, 1); run Cpu(1, 0, LOAD | STORE, 2); run Cpu(2, 1, 0, 0)
#define A_CPUS 2
#else
#define CHILD_OPERATIONS 1
#define START run Cpu(0, 0, STORE, 1); run Cpu(1, 0, LOAD, 2); run Cpu(2, 0, LOAD | STORE, 2); run Cpu(3, 1, STORE, 1)
#define A_CPUS 3
#endif

byte dir_table[QUARTERS]; bit dir_open[QUARTERS];            /* the directory entry */
bit lock[QUARTERS]; byte users[QUARTERS]; byte want[QUARTERS];
byte table_references[TABLES]; bit table_used[TABLES];
byte leaf[TABLES]; bit leaf_write[TABLES];                   /* the table's one entry */
byte references[FRAMES]; byte value[FRAMES];
byte runs[CPUS];                                             /* the quarter that this CPU runs */
byte cached_table[CPUS]; bit cached_open[CPUS];              /* paging-structure cache */
byte cached_frame[CPUS]; bit cached_write[CPUS];             /* TLB */
byte forks;

#ifdef MUT_NO_LOCK /* COPY without its source's lock */
#define FORK_ACQUIRE(q) skip
#define FORK_RELEASE(q) skip
#else
#define FORK_ACQUIRE(q) acquire(q)
#define FORK_RELEASE(q) release(q)
#endif

inline acquire(q) { atomic { lock[q] == 0 -> lock[q] = 1 } }
inline release(q) { lock[q] = 0 }

inline table_allocate(t) {
    d_step {
        t = 0;
        do :: table_used[t] -> t++ :: else -> break od;
        table_used[t] = 1; table_references[t] = 1; leaf[t] = NONE; leaf_write[t] = 0
    }
}
inline frame_allocate(f) {
    d_step {
        f = 0;
        do :: references[f] != 0 -> f++ :: else -> break od;
        references[f] = 1; value[f] = 0
    }
}
inline frame_release(f) { d_step { assert(references[f] > 0); references[f] = references[f] - 1 } }

inline forget(c) {
    cached_table[c] = NONE; cached_open[c] = 0; cached_frame[c] = NONE; cached_write[c] = 0
}
inline forget_quarter(q) {
    k = 0;
    do
    :: k < CPUS -> if :: runs[k] == q -> forget(k) :: else fi; k++
    :: else -> k = 0; break
    od
}

/* frame_drop and, for the last one, table_empty */
inline table_drop(t) {
    d_step { assert(table_references[t] > 0); table_references[t] = table_references[t] - 1;
             last = (table_references[t] == 0) };
    if
    :: last ->
        if :: leaf[t] != NONE -> frame_release(leaf[t]) :: else fi;
        d_step { table_used[t] = 0; last = 0 }
    :: else
    fi
}

/* ---- The processor --------------------------------------------------------------------------- */

/* What a quarter reads through the entries in memory, if it is whole. */
inline others_check(q) {
    k = 0;
    do
    :: k < QUARTERS ->
        if
        :: k != q && users[k] > 0 && dir_table[k] != NONE && leaf[dir_table[k]] != NONE ->
            assert(value[leaf[dir_table[k]]] == want[k])
        :: else
        fi;
        k++
    :: else -> k = 0; break
    od
}

/* One access, by the leaf or directory entry that is cached, or by a walk. */
inline touch(store) {
    atomic {
        if
        :: cached_frame[cpu] != NONE -> f = cached_frame[cpu]; w = cached_write[cpu]
        :: cached_table[cpu] != NONE -> t = cached_table[cpu]; w = cached_open[cpu];
            assert(table_used[t]); f = leaf[t]; w = w && leaf_write[t]
        :: true -> t = dir_table[q]; f = NONE; w = 0;
            if
            :: t != NONE -> assert(table_used[t]);
                cached_table[cpu] = t; cached_open[cpu] = dir_open[q];
                f = leaf[t]; w = dir_open[q] && leaf_write[t]
            :: else
            fi
        fi;
        if
        :: f == NONE || (store && !w) -> fault = 1; forget(cpu)
        :: else -> fault = 0; cached_frame[cpu] = f; cached_write[cpu] = w;
            assert(references[f] > 0);
            if
            :: store -> value[f] = cpu + 2 + CPUS * left; want[q] = value[f]; others_check(q)
            :: else -> assert(value[f] == want[q])
            fi
        fi;
        f = 0; t = 0; w = 0
    }
}

/* ---- The kernel ------------------------------------------------------------------------------ */

inline table_own() {
    t = dir_table[q];
    if
    :: t == NONE -> table_allocate(t); d_step { dir_table[q] = t; dir_open[q] = 1 }
    :: t != NONE && dir_open[q]
    :: t != NONE && !dir_open[q] ->
        if
        :: table_references[t] > 1 -> /* table_copy */
            table_allocate(n);
            f = leaf[t];
#ifndef MUT_REFERENCE_LATE /* frames are counted after the old table is let go */
            if :: f != NONE -> d_step { references[f] = references[f] + 1 } :: else fi;
#endif
            d_step { leaf[n] = f; leaf_write[n] = 0 };
            d_step { dir_table[q] = n; dir_open[q] = 1 };
#ifdef MUT_TABLE_EARLY /* the old table is let go before the shootdown */
            table_drop(t);
            d_step { forget_quarter(q) };
#else
#ifndef MUT_TABLE_NO_SHOOTDOWN
            d_step { forget_quarter(q) };
#endif
#ifdef MUT_LAST_DROP /* who drops the last reference does not empty the table */
            d_step { table_references[t] = table_references[t] - 1 };
#else
            table_drop(t);
#endif
#endif
#ifdef MUT_REFERENCE_LATE
            if :: f != NONE -> d_step { references[f] = references[f] + 1 } :: else fi;
#endif
            d_step { t = n; n = 0; f = 0 }
        :: else -> /* table_reclaim */
#ifdef MUT_OPEN_FIRST /* the directory entry is opened before the frames are looked at */
            dir_open[q] = 1;
#endif
#ifndef MUT_RECLAIM /* reclaim leaves WRITE on frames that others refer to */
            f = leaf[t];
            if :: f != NONE -> w = (references[f] == 1); leaf_write[t] = w :: else fi;
#endif
            dir_open[q] = 1;
            d_step { f = 0; w = 0 }
        fi
    fi
}

inline page_provide(store) {
#ifdef MUT_PAGE_FIRST /* the page's count is asked, the table's is not */
    t = dir_table[q];
    if :: t != NONE && leaf[t] != NONE && references[leaf[t]] == 1 -> dir_open[q] = 1 :: else -> table_own() fi;
#else
    table_own();
#endif
    if
    :: leaf[t] == NONE -> frame_allocate(n); d_step { leaf[t] = n; leaf_write[t] = 1; n = 0 }
    :: leaf[t] != NONE && store && !leaf_write[t] ->
        f = leaf[t];
        if
        :: references[f] == 1 -> leaf_write[t] = 1
        :: else -> /* page_copy */
            frame_allocate(n);
            value[n] = value[f];
#ifdef MUT_WRITABLE_EARLY /* the new frame is writable while other CPUs still read the old one */
            d_step { leaf[t] = n; leaf_write[t] = 1 };
#else
            d_step { leaf[t] = n; leaf_write[t] = 0 };
#endif
#ifdef MUT_FRAME_EARLY /* the old frame is let go before the shootdown */
            frame_release(f);
            d_step { forget_quarter(q) };
#else
#ifndef MUT_PAGE_NO_SHOOTDOWN
            d_step { forget_quarter(q) };
#endif
            frame_release(f);
#endif
            d_step { leaf_write[t] = 1; n = 0 }
        fi;
        f = 0
    :: else
    fi;
    t = 0
}

inline page_fault(store) {
    acquire(q);
    t = dir_table[q];
    if
    :: t != NONE && leaf[t] != NONE && (!store || (dir_open[q] && leaf_write[t])) -> t = 0 /* spurious */
    :: else -> page_provide(store)
    fi;
    release(q)
}

inline quarter_copy() {
    FORK_ACQUIRE(q);
    t = dir_table[q];
    if
    :: t != NONE ->
#ifdef MUT_COUNT /* the count is read and written in two steps */
        n = table_references[t]; table_references[t] = n + 1; n = 0;
#else
        d_step { assert(table_references[t] > 0); table_references[t] = table_references[t] + 1 };
#endif
        w = dir_open[q];
#ifndef MUT_PARENT_OPEN /* the parent's entry keeps R/W */
        dir_open[q] = 0;
#endif
        d_step { dir_table[2] = t; dir_open[2] = 0 };
        d_step {
#ifndef MUT_COPY_NO_SHOOTDOWN
            if :: w -> forget_quarter(q) :: else fi;
#endif
            w = 0; t = 0; want[2] = want[q]
        }
    :: else -> d_step { t = 0; want[2] = 0; dir_table[2] = NONE }
    fi;
    FORK_RELEASE(q);
    users[2] = 1;
    run Cpu(3, 2, LOAD | STORE, CHILD_OPERATIONS)
}

/* Whole directory entry: out of the directory, shootdown, unlock, then let go. */
inline unmap_entry() {
    acquire(q);
    t = dir_table[q];
    d_step { dir_table[q] = NONE; dir_open[q] = 0 };
#ifdef MUT_UNMAP_NO_SHOOTDOWN
    want[q] = 0;
#else
    d_step { forget_quarter(q); want[q] = 0 };
#endif
    release(q);
    if :: t != NONE -> table_drop(t) :: else fi;
    t = 0
}

/* A page at the edge: own the table, take the entry out. */
inline unmap_page() {
    acquire(q);
#ifdef MUT_EDGE_NOT_OWN /* changes an entry of a table that others share */
    t = dir_table[q];
    if :: t == NONE -> table_own() :: else fi;
#else
    table_own();
#endif
    d_step { f = leaf[t]; leaf[t] = NONE; leaf_write[t] = 0 };
    d_step { forget_quarter(q); want[q] = 0 };
    release(q);
    if :: f != NONE -> frame_release(f) :: else fi;
    d_step { f = 0; t = 0 }
}

inline quarter_leave() {
    d_step { forget(cpu); runs[cpu] = NONE; users[q] = users[q] - 1; last = (users[q] == 0) };
    if
    :: last -> last = 0; t = dir_table[q];
        if :: t != NONE -> dir_table[q] = NONE; table_drop(t) :: else fi;
        t = 0
    :: else
    fi
}

proctype Cpu(byte cpu; byte q; byte may; byte left) {
    byte t, n, f, k;
    bit w, fault, last;
    d_step { runs[cpu] = q; forget(cpu) };
    do
    :: left > 0 && (may & LOAD) -> left--;
        do :: touch(0); if :: fault -> page_fault(0) :: else -> break fi od
    :: left > 0 && (may & STORE) -> left--;
        do :: touch(1); if :: fault -> page_fault(1) :: else -> break fi od
    :: atomic { left > 0 && (may & FORK) && forks == 0 -> forks = 1; left-- }; quarter_copy()
    :: left > 0 && (may & UNMAP) -> left--; unmap_entry()
    :: left > 0 && (may & UNMAP_PAGE) -> left--; unmap_page()
    :: break
    od;
    quarter_leave()
}

init {
    byte i;
    d_step {
        do
        :: i < CPUS -> runs[i] = NONE; forget(i); i++
        :: else -> break
        od;
        dir_table[2] = NONE;
        users[0] = A_CPUS; users[1] = 1; want[0] = 1; want[1] = 1;
        /* after a COPY: both refer to table 0, closed; its page was writable */
        table_used[0] = 1; table_references[0] = 2; leaf[0] = 0; leaf_write[0] = 1;
        references[0] = 1; value[0] = 1; i = 0
    };
    atomic { START };
    _nr_pr == 1;
    d_step {
        i = 0;
        do :: i < TABLES -> assert(!table_used[i]); i++ :: else -> break od;
        i = 0;
        do :: i < FRAMES -> assert(references[i] == 0); i++ :: else -> break od
    }
}
