/* SPDX-License-Identifier: MIT */
/*
 * Events for tools/tlbsim: see tlbtrace.h. The record is written whole before the door, and the plugin
 * reads it at that store, so what it says stands between the accesses before and after the event.
 * tools/tlbsim/trace.h has the same kinds.
 */
#include "debug/tlbtrace.h"

#ifdef TLBTRACE
#include "kernel/vm/space.h"
#include "tools/tlbsim/trace.h"

volatile u64 tlbtrace_record[TRACE_WORDS];
volatile u32 tlbtrace_door;

static void record(u32 index, u64 value) { tlbtrace_record[index] = value; }

static void publish(enum trace_kind kind, u32 words) {
    record(0, TRACE_HEADER(kind, words));
    tlbtrace_door = kind;
}

/* [sub-ID, view, directory's frame] of the four slots. */
static void record_slots(u32 index, const struct space *space) {
    for (u32 i = 0; i < SLOT_COUNT; i++, index += 3) {
        const struct quarter *quarter = space ? space->slot[i].quarter : NULL;
        record(index, quarter ? quarter->sub_id : 0);
        record(index + 1, quarter ? space->slot[i].view : 0);
        record(index + 2, quarter ? arch_low_frame(quarter->directory).number : 0);
    }
}

void tlbtrace_load(const struct space *space) {
    record(1, space ? space->id : 0);
    record_slots(2, space);
    publish(TRACE_LOAD, 1 + 3 * SLOT_COUNT);
}

void tlbtrace_space(const struct space *space, bool made) {
    record(1, space->id);
    record_slots(2, space);
    publish(made ? TRACE_SPACE : TRACE_SPACE_END, 1 + 3 * SLOT_COUNT);
}

void tlbtrace_quarter(const struct quarter *quarter, bool made) {
    record(1, quarter->sub_id);
    record(2, arch_low_frame(quarter->directory).number);
    record(3, quarter->slot);
    publish(made ? TRACE_QUARTER : TRACE_QUARTER_END, 3);
}

void tlbtrace_copy(const struct quarter *source, const struct quarter *copy) {
    record(1, source->sub_id);
    record(2, copy->sub_id);
    record(3, arch_low_frame(source->directory).number);
    publish(TRACE_COPY, 3);
}

void tlbtrace_clone(u32 plan) {
    record(1, plan);
    publish(TRACE_CLONE, 1);
}

void tlbtrace_shootdown(const struct quarter *quarter, u32 offset, u32 pages, u32 cause) {
    record(1, quarter->sub_id);
    record(2, SLOT_BASE(quarter->slot) + offset);
    record(3, pages);
    record(4, cause);
    publish(TRACE_SHOOTDOWN, 4);
}

void tlbtrace_fault(const struct quarter *quarter, u32 offset) {
    record(1, quarter->sub_id);
    record(2, SLOT_BASE(quarter->slot) + offset);
    publish(TRACE_FAULT, 2);
}
#else
typedef int tlbtrace_is_off; /* a file of nothing is not C */
#endif
