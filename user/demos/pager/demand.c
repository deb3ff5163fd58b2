/* SPDX-License-Identifier: MIT */
/*
 * Of a program only what is touched is loaded. Its pages are those of the file server's cache: two
 * processes that run it have the same frames, and the second one costs nearly nothing. The program is
 * this one. `pager all SUM` reads all its text, says whether it adds up to SUM, and waits for the end
 * of its standard input: what the demonstration starts twice.
 */
#include "user/demos/pager/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define COPY "/tmp/pager-copy"
struct pages {
    uint32_t all, resident, shared;
};

/* Of slot 0 of the process PID: the program's text and constants. */
static struct pages text_pages(uint32_t pid) {
    struct pages pages = {0};
    struct info_region region = {.pid = pid, .slot = SLOT_TEXT};
    while (system_info(HANDLE_SYSTEM, INFO_REGION, &region, sizeof region) >= 0) {
        pages.all += (region.end - region.start) / PAGE_SIZE;
        pages.resident += region.resident;
        pages.shared += region.shared;
        region = (struct info_region){.pid = pid, .slot = SLOT_TEXT, .index = region.index + 1};
    }
    return pages;
}

static uint32_t frames_free(void) {
    struct info_machine machine;
    demo_must("system_info", system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof machine));
    return machine.frames_free;
}

/* The sum of one word of each page of text. */
static uint32_t text_sum(void) {
    struct handle_stat self;
    demo_must("handle_stat", handle_stat(QUARTET_SELF, &self));
    struct info_region region = {.pid = (uint32_t)self.id, .slot = SLOT_TEXT};
    demo_must("system_info", system_info(HANDLE_SYSTEM, INFO_REGION, &region, sizeof region));
    uint32_t sum = 0;
    for (uint32_t at = region.start; at < region.end; at += PAGE_SIZE) {
        sum = sum * 31 + *(volatile uint32_t *)demo_pointer(SLOT_TEXT, at);
    }
    return sum;
}

static int child_main(const char *sum) {
    char byte = text_sum() == strtoul(sum, NULL, 0) ? 'y' : 'n';
    if (write(STDOUT_FILENO, &byte, 1) != 1) {
        return 1;
    }
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return 0;
}

/* A child that has touched everything, and waits. Its ID. */
static uint32_t child_start(uint32_t sum, int to_child[2], int from_child[2]) {
    char text[16];
    char *argv[] = {"pager", "all", text, NULL};
    struct handle_stat stat;
    char byte = 0;
    snprintf(text, sizeof text, "%lu", (unsigned long)sum);
    int process = process_clone(PLAN_FORK, 0, 0, 0);
    if (process == 0) {
        dup2(to_child[0], STDIN_FILENO);
        dup2(from_child[1], STDOUT_FILENO);
        close(to_child[1]);
        quartet_execute(&(struct quartet_program){.path = COPY, .argv = argv});
        _exit(1);
    }
    demo_must("process_clone", process);
    demo_must("handle_stat", handle_stat(process, &stat));
    if (read(from_child[0], &byte, 1) != 1 || byte != 'y') {
        printf("  FAIL  a child does not read what is in the file\n");
        exit(1);
    }
    return (uint32_t)stat.id;
}

/* The loader keeps what has been loaded: so that the claims hold each time, this is about a new
 * file. */
static void copy_run(void) {
    char *argv[] = {"pager", "copy", NULL};
    static char buffer[PAGE_SIZE];
    int from = open("/bin/pager", O_RDONLY), to = open(COPY, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    long count;
    while ((count = read(from, buffer, sizeof buffer)) > 0 &&
           write(to, buffer, (size_t)count) == count) {
    }
    close(from);
    close(to);
    quartet_execute(&(struct quartet_program){.path = COPY, .argv = argv});
    printf("  FAIL  the program cannot be copied: %s\n", strerror(errno));
    exit(1);
}

int demand_all(const char *sum) { return child_main(sum); }

void demand_copy(void) {
    unlink(COPY);
    copy_run();
}

int demand(void) {
    struct handle_stat self;
    int to_child[2], from_child[2], failed = 0;
    demo_must("handle_stat", handle_stat(QUARTET_SELF, &self));
    struct pages start = text_pages((uint32_t)self.id);
    printf("demand: %lu pages of text and constants, %lu of them present\n",
           (unsigned long)start.all, (unsigned long)start.resident);
    failed += demo_claim(start.resident < start.all, "a program begins with some of its pages");
    uint32_t sum = text_sum();
    struct pages some = text_pages((uint32_t)self.id);
    failed += demo_claim(some.resident > start.resident, "what is touched comes");
    failed += demo_claim(some.shared == some.resident, "every page of it is the page cache's");
    if (pipe(to_child) != 0 || pipe(from_child) != 0) {
        printf("  FAIL  pipe: %s\n", strerror(errno));
        return 1;
    }
    uint32_t before = frames_free();
    uint32_t first = child_start(sum, to_child, from_child);
    uint32_t between = frames_free();
    uint32_t second = child_start(sum, to_child, from_child);
    uint32_t after = frames_free();
    struct pages one = text_pages(first), other = text_pages(second);
    printf("        the first child has %lu pages and took %ld frames, the second %lu and %ld\n",
           (unsigned long)one.resident, (long)before - (long)between, (unsigned long)other.resident,
           (long)between - (long)after);
    failed += demo_claim(other.resident >= some.resident && other.shared == other.resident,
                         "the second child has all pages");
    failed += demo_claim((long)between - (long)after < 32, "and nearly no frames of its own");
    close(to_child[1]);
    close(to_child[0]);
    demo_must("process_wait", process_wait(QUARTET_ANY, 0, &(struct process_status){0}));
    demo_must("process_wait", process_wait(QUARTET_ANY, 0, &(struct process_status){0}));
    unlink(COPY);
    return failed != 0;
}
