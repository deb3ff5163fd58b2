/* SPDX-License-Identifier: MIT */
/*
 * A trace: what the traced kernel (debug/tlbtrace.c) and the plugin (trace.c) say, in order, and the
 * simulator (tlbsim.c) reads. It is a sequence of 64-bit words, little-endian. A record is its header,
 * which has the kind in bits 0..7 and the number N of further words in bits 8..15, and those N words.
 * An access is the one word TRACE_ACCESS describes, with N = 0.
 */
#ifndef TLBSIM_TRACE_H
#define TLBSIM_TRACE_H

#define TRACE_WORDS 16u /* the longest record of the kernel, header and all */
#define TRACE_HEADER(kind, words) ((unsigned long long)(kind) | (unsigned long long)(words) << 8)

enum trace_kind {
    TRACE_ACCESS,      /* to a user page that is mapped; see below */
    TRACE_LOAD,        /* space ID (0: the kernel's), then for each slot: sub-ID, view, directory */
    TRACE_SPACE,       /* a space is made: as LOAD */
    TRACE_SPACE_END,   /* it is about to go: as LOAD */
    TRACE_QUARTER,     /* a quarter is made: sub-ID, directory's frame, slot */
    TRACE_QUARTER_END, /* it is about to go: the same */
    TRACE_COPY,      /* sub-ID of the source and of the copy; directory entries present (plugin) */
    TRACE_CLONE,     /* a clone is done: plan */
    TRACE_SHOOTDOWN, /* sub-ID, first address, pages (0: the whole quarter), cause */
    TRACE_FAULT,     /* answered: sub-ID, address */
    /* By the plugin alone: */
    TRACE_BEGIN,  /* what is to be counted begins: loads and stores so far, instructions */
    TRACE_END,    /* and ends: the same */
    TRACE_TABLES, /* tables now: directories, references to tables, different tables, leaf entries */
    TRACE_OWNED,  /* after TABLES, for each quarter: sub-ID, tables, leaf entries */
};

/* An access: bits 16..35 the virtual page, 36..63 the frame of its entry, and these. */
#define TRACE_STORE (1u << 8)
#define TRACE_LARGE (1u << 9)     /* by a 2 MiB page */
#define TRACE_WRITABLE (1u << 10) /* the entries allow to write */
#define TRACE_PAGE(word) ((unsigned)((word) >> 16 & 0xFFFFFu))
#define TRACE_FRAME(word) ((unsigned)((word) >> 36))

/* Accesses that hit in a direct-mapped filter of the pages seen since the last event are left out:
 * with at least as many sets, no miss of a set-associative TLB with LRU replacement depends on them. */
#define TRACE_FILTER 16u      /* for 4 KiB pages */
#define TRACE_FILTER_LARGE 8u /* for 2 MiB pages */

#endif
