/* SPDX-License-Identifier: MIT */
/*
 * What becomes of those who wait for a page when the pager ends, answers nonsense, or is themselves;
 * and of the pager when they are killed. Each has its own status.
 */
#include "user/demos/pager/pager.h"

#include <unistd.h>

static int child_reads(void *page) { return AREA_PAGE((uint32_t)(uintptr_t)page)[0] == 0; }

static int child_reads_two(void *unused) {
    (void)unused;
    uint32_t sum = AREA_PAGE(1)[0];
    return sum + AREA_PAGE(2)[0] == 0;
}

static int child_calls(void *unused) {
    (void)unused;
    return clock_now((void *)AREA_PAGE(1)) == -E_FAULT ? 3 : 0;
}

static int ends(uint32_t status, uint32_t wanted, const char *claim) {
    printf("        status %#lx%s%s\n", (unsigned long)status, status & STATUS_FAULT ? ": " : "",
           status & STATUS_FAULT ? quartet_fault_text(STATUS_CODE(status)) : "");
    return demo_claim(status == wanted, claim);
}

static int answered(enum answer answer, const char *claim) {
    long child = paged_child(child_reads, (void *)1, 0);
    unsigned faults = serve(answer, 0);
    return ends(demo_wait(child), STATUS_FAULT | FAULT_PAGER_NONSENSE, claim) + (faults != 1);
}

/* ---- The pager ends -------------------------------------------------------------------------- */

enum end { END_BEFORE, END_DURING, END_AFTER };

/* A process that is the only one to receive at the endpoint, for a while. It shares the store. */
static long pager_process(enum end end) {
    long child = demo_must(
        "process_clone", process_clone(PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY), 0, 0, 0));
    if (child == 0) {
        if (end != END_BEFORE) {
            serve(end == END_DURING ? ANSWER_LEAVE : ANSWER_ONCE, 0);
        }
        _exit(0);
    }
    return child;
}

static int pager_ends(enum end end, int (*function)(void *), uint32_t wanted, const char *claim) {
    int before = endpoint;
    endpoint = (int)demo_must("endpoint_create", endpoint_create());
    long pager = pager_process(end);
    if (end == END_BEFORE) {
        demo_wait(pager);
    }
    long child = paged_child(function, (void *)1, 0);
    handle_close(endpoint);
    if (end != END_BEFORE) {
        demo_wait(pager);
    }
    endpoint = before;
    return ends(demo_wait(child), wanted, claim);
}

/* ---- Others ---------------------------------------------------------------------------------- */

static int nobody(void) {
    int before = endpoint;
    endpoint = QUARTET_NONE;
    long child = paged_child(child_reads, (void *)1, 0);
    endpoint = before;
    return ends(demo_wait(child), STATUS_FAULT | FAULT_NO_PAGER, "a quarter without a pager");
}

static int itself(void) {
    long child = paged_child(child_reads, (void *)1, 1);
    unsigned faults = serve(ANSWER_MOVE, 0);
    return ends(demo_wait(child), STATUS_FAULT | FAULT_PAGER_SELF,
                "a process that receives for its pager does not wait for itself") +
           (faults != 0);
}

static int killed(void) {
    long child = paged_child(child_reads, (void *)1, 0);
    return demo_claim(serve(ANSWER_KILL, child) == 1,
                      "a child is killed while it waits, and the answer finds nobody");
}

int deaths(void) {
    const uint32_t gone = STATUS_FAULT | FAULT_PAGER_GONE;
    int failed = 0;
    failed += pager_ends(END_BEFORE, child_reads, gone, "the pager ends before the fault");
    failed +=
        pager_ends(END_DURING, child_reads, gone, "the pager ends with the fault in its hands");
    failed += pager_ends(END_AFTER, child_reads_two, gone, "the pager ends after the first page");
    failed += pager_ends(END_DURING, child_calls, 3, "a system call gets E_FAULT, and goes on");
    failed += answered(ANSWER_NONSENSE, "an answer that no pager gives");
    failed += answered(ANSWER_NO_SOURCE, "an answer without a source");
    failed += answered(ANSWER_NOTHING, "an answer of no pages");
    failed += answered(ANSWER_OUTSIDE, "an answer from where the source has nothing");
    failed += nobody();
    failed += itself();
    failed += killed();
    return failed;
}
