/* SPDX-License-Identifier: MIT */
/*
 * pager [maps | demand | touch FILE PAGES SECONDS]: a file that exists only in compressed form is paged into the slot 2 of other processes.
 *
 *     child reads a page ──fault──> kernel ──PAGER_FAULT──> this process expands it in its store
 *                        <──────── kernel <──PAGER_MOVE──── and gives the page away: no byte copied
 *
 * The children check what they read, with four threads at once, through system calls, and in copies
 * of the quarter, which inherit the pager. This process counts the faults. Next: pager/deaths.c. What is about the file
 * server as a pager is in pager/maps.c and pager/demand.c.
 */
#include "user/demos/pager/pager.h"

#include <fcntl.h>
#include <unistd.h>

#define STORE ((uint32_t *)demo_pointer(SLOT_SHARED, 0)) /* in this process */
#define CLUSTER 16u
#define THREADS 4u

int endpoint;
static int store, paged;

/* ---- The file -------------------------------------------------------------------------------- */

/* All that there is of a page: a start and a step. */
struct compressed {
    uint32_t start, step;
};

static struct compressed compressed_page(uint32_t page) {
    return (struct compressed){page * 2654435761u, 2 * page + 1};
}

static void page_expand(uint32_t page, uint32_t *words) {
    struct compressed from = compressed_page(page);
    for (uint32_t i = 0; i < PAGE_WORDS; i++) {
        words[i] = from.start + i * from.step;
    }
}

static int page_right(uint32_t page) {
    struct compressed from = compressed_page(page);
    for (uint32_t i = 0; i < PAGE_WORDS; i++) {
        if (AREA_PAGE(page)[i] != from.start + i * from.step) {
            return 0;
        }
    }
    return 1;
}

/* ---- The pager ------------------------------------------------------------------------------- */

long paged_child(int (*function)(void *), void *argument, int keeps) {
    paged = (int)demo_must("quarter_create", quarter_create(SLOT_SHARED));
    demo_must("quarter_map",
              quarter_map(paged, 0, AREA_PAGES * PAGE_SIZE, RIGHT_READ | RIGHT_WRITE | MAP_PAGED));
    if (endpoint != QUARTET_NONE) {
        int session = (int)demo_must("endpoint_session", endpoint_session(endpoint, 42));
        demo_must("quarter_pager", quarter_pager(paged, session));
        handle_close(session); /* the quarter has it now */
    }
    long child = demo_must(
        "process_clone",
        process_clone(PLAN(PLAN_COPY, PLAN_COPY, PLAN_NONE, PLAN_COPY) | CLONE_QUIET, 0, 0, 0));
    if (child == 0) {
        demo_must("space_set", demo_attach(SLOT_SHARED, paged, RIGHT_READ | RIGHT_WRITE, 1));
        if (!keeps) {
            handle_close(endpoint); /* whoever receives for a pager cannot wait for it */
        }
        _exit(function(argument));
    }
    handle_close(paged);
    return child;
}

static struct message answer_with(uint32_t label, uint32_t offset, uint32_t pages) {
    return (struct message){.label = label,
                            .word = {offset, pages},
                            .handle = {store},
                            .handle_count = label <= PAGER_SHARE};
}

/* What to say to a fault on PAGE. */
static struct message answer_make(enum answer answer, uint32_t page) {
    if (page >= PAGES) {
        return answer_with(PAGER_REFUSE, 0, 0);
    }
    struct message move = answer_with(PAGER_MOVE, page * PAGE_SIZE, 1);
    switch (answer) {
    case ANSWER_CLUSTER:
        return answer_with(PAGER_COPY, page * PAGE_SIZE,
                           PAGES - page < CLUSTER ? PAGES - page : CLUSTER);
    case ANSWER_SHARE:
        return answer_with(PAGER_SHARE, page * PAGE_SIZE, 1);
    case ANSWER_NONSENSE:
        return answer_with(77, 0, 0);
    case ANSWER_NO_SOURCE:
        move.handle_count = 0;
        return move;
    case ANSWER_NOTHING:
        return answer_with(PAGER_MOVE, page * PAGE_SIZE, 0);
    case ANSWER_OUTSIDE:
        return answer_with(PAGER_COPY, AREA_PAGES * PAGE_SIZE, 1);
    default:
        page_expand(page, STORE + page * PAGE_WORDS);
        return move;
    }
}

unsigned serve(enum answer answer, long victim) {
    for (unsigned faults = 0;;) {
        struct message message = {0};
        demo_must("ipc_receive", ipc_receive(endpoint, &message));
        if (message.kind == MESSAGE_CLOSED) {
            return faults;
        }
        faults += message.kind == MESSAGE_FAULT && message.label == PAGER_FAULT;
        if (answer == ANSWER_LEAVE) {
            _exit(0);
        }
        struct message reply = answer_make(answer, (uint32_t)message.word[1] >> PAGE_SHIFT);
        reply.token = message.token;
        if (answer == ANSWER_KILL) {
            process_kill((int)victim, 9);
            demo_wait(victim);
        }
        long result = ipc_reply(endpoint, &reply);
        if (answer == ANSWER_ONCE) {
            _exit(0);
        }
        faults += result != (answer == ANSWER_KILL ? -E_NOTFOUND : 0) ? 1000 : 0;
    }
}

/* ---- The children ---------------------------------------------------------------------------- */

static int all_right(void) {
    int right = 1;
    for (uint32_t page = 0; page < PAGES; page++) {
        right &= page_right(page);
    }
    return right;
}

static int child_reads(void *unused) {
    (void)unused;
    return !all_right();
}

/* Each thread reads all pages, from another one on. */
static int thread_reads(void *number) {
    int right = 1;
    for (uint32_t i = 0; i < PAGES; i++) {
        right &= page_right((i + (uint32_t)(uintptr_t)number * (PAGES / THREADS)) % PAGES);
    }
    return !right;
}

static int child_with_threads(void *unused) {
    (void)unused;
    struct quartet_thread *thread[THREADS];
    int failed = 0;
    for (uintptr_t i = 0; i < THREADS; i++) {
        thread[i] = quartet_thread_start(thread_reads, (void *)i);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        int result = 1;
        if (thread[i] != NULL) {
            quartet_thread_join(thread[i], &result);
        }
        failed += result;
    }
    return failed;
}

/* Its copy has the pages that are there copy-on-write, and asks the same pager for the others. */
static int child_forks(void *unused) {
    (void)unused;
    int failed = !page_right(0) + !page_right(1);
    long child = process_clone(PLAN_FORK, 0, 0, 0);
    if (child < 0) {
        return 50;
    }
    AREA_PAGE(0)[0] = child == 0 ? 1 : 2;
    for (uint32_t page = 1; page < PAGES; page++) {
        failed += !page_right(page);
    }
    failed += AREA_PAGE(0)[0] != (child == 0 ? 1 : 2);
    return child == 0 ? failed : failed + (demo_wait(child) != 0);
}

/* The kernel reads and writes pages that are not there; one that is refused is an error of the
 * call. */
static int child_calls(void *unused) {
    (void)unused;
    struct quarter_stat *stat = (struct quarter_stat *)AREA_PAGE(3);
    int failed = quarter_stat(QUARTET_SLOT(SLOT_SHARED), stat) != 0 || stat->slot != SLOT_SHARED;
    int file = open("/tmp-pager", O_RDWR | O_CREAT | O_TRUNC, 0600);
    /* Across the border of two absent pages. */
    failed += write(file, (const void *)(AREA_PAGE(6) - 100), 800) != 800;
    failed += lseek(file, 0, SEEK_SET) != 0;
    failed += read(file, (void *)(AREA_PAGE(9) - 100), 800) != 800;
    failed +=
        memcmp((const void *)(AREA_PAGE(6) - 100), (const void *)(AREA_PAGE(9) - 100), 800) != 0;
    failed += !page_right(5) + !page_right(6);
    failed += close(file) != 0 || unlink("/tmp-pager") != 0;
    failed += clock_now((void *)AREA_PAGE(PAGES)) != -E_FAULT;
    return failed;
}

static int child_beyond(void *unused) {
    (void)unused;
    AREA_PAGE(PAGES)[0] = 1;
    return 0;
}

static int child_writes(void *unused) {
    (void)unused;
    AREA_PAGE(4)[0] = 4711;
    return 0;
}

/* ---- The claims ------------------------------------------------------------------------------ */

static int run(int (*function)(void *), enum answer answer, unsigned least, unsigned most,
               uint32_t status, const char *claim) {
    long child = paged_child(function, NULL, 0);
    unsigned faults = serve(answer, child);
    uint32_t ended = demo_wait(child);
    printf("        %u faults, status %#lx\n", faults, (unsigned long)ended);
    return demo_claim(faults >= least && faults <= most && ended == status, claim);
}

/* The store has all pages, and keeps them. */
static void store_fill(void) {
    for (uint32_t page = 0; page < PAGES; page++) {
        page_expand(page, STORE + page * PAGE_WORDS);
    }
}

static int story(void) {
    int failed = 0;
    endpoint = (int)demo_must("endpoint_create", endpoint_create());
    store = (int)demo_must("quarter_create", quarter_create(SLOT_SHARED));
    demo_must("quarter_map",
              quarter_map(store, 0, AREA_PAGES * PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
    demo_must("space_set", demo_attach(SLOT_SHARED, store, RIGHT_READ | RIGHT_WRITE, 0));
    printf("pager: %u pages that exist only in compressed form\n", PAGES);
    failed += run(child_reads, ANSWER_MOVE, PAGES, PAGES, 0, "each page is asked for once");
    failed += run(child_with_threads, ANSWER_MOVE, PAGES, THREADS * PAGES, 0,
                  "four threads fault at once, and all read what is right");
    failed += run(child_forks, ANSWER_MOVE, 2 * PAGES - 2, 2 * PAGES - 2, 0,
                  "a copy inherits the pager, and what it writes is its own");
    failed += run(child_calls, ANSWER_MOVE, 6, 8, 0,
                  "system calls wait for pages, and get E_FAULT where one is refused");
    failed += run(child_beyond, ANSWER_MOVE, 1, 1, STATUS_FAULT | FAULT_PAGER_REFUSED,
                  "a page that is refused ends the process");
    store_fill();
    failed += run(child_reads, ANSWER_CLUSTER, PAGES / CLUSTER, PAGES / CLUSTER, 0,
                  "sixteen copies a fault: no page of the cache was copied");
    failed += run(child_writes, ANSWER_CLUSTER, 1, 1, 0, "a child writes to its copy");
    failed += demo_claim(STORE[4 * PAGE_WORDS] == compressed_page(4).start,
                         "and the cache does not change");
    failed += run(child_writes, ANSWER_SHARE, 1, 1, 0, "a child writes to a page that is shared");
    failed += demo_claim(STORE[4 * PAGE_WORDS] == 4711, "and the pager sees it");
    return failed + deaths() != 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (argc == 1) {
        return story();
    }
    if (strcmp(what, "maps") == 0) {
        return maps_check();
    }
    if (strcmp(what, "demand") == 0) {
        demand_copy();
    }
    if (strcmp(what, "copy") == 0) {
        return demand();
    }
    if (strcmp(what, "all") == 0 && argc == 3) {
        return demand_all(argv[2]);
    }
    if (strcmp(what, "touch") == 0 && argc == 5) {
        return maps_touch(argv[2], (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]));
    }
    fprintf(stderr, "usage: pager [maps | demand | touch FILE PAGES SECONDS]\n");
    return 2;
}
