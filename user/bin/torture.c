/* SPDX-License-Identifier: MIT */
/*
 * torture [NAME...]: what a hostile or unlucky program can do to the kernel and the servers, one attack for each line
 * of the table; without NAME all of them. An attack runs in a process of its own and says what does not hold.
 * Afterwards the machine must have as many processes, threads, quarters, spaces and frames as before. Ends with
 * "N passed, N failed". Many attacks make processes fault: the kernel's lines about that belong to it.
 * Bad arguments are badcalls' business, plain greed is hog's, the library libcheck's. Read torture/torture.h next.
 */
#include "user/bin/torture/torture.h"

#define USAGE "torture [NAME...]"

static const struct attack {
    const char *name;
    void (*function)(void);
    const char *sentence;
} attacks[] = {
    {"bomb", attack_bomb, "a fork bomb in a budget"},
    {"budgets", attack_budgets, "budgets inside budgets"},
    {"handles", attack_handles, "a full handle table"},
    {"threads", attack_threads, "threads without end"},
    {"kills", attack_kills, "kills in every state"},
    {"model", attack_model, "random memory operations and plans, compared with a model"},
    {"chain", attack_chain, "clones of clones"},
    {"sessions", attack_sessions, "sessions that close"},
    {"endpoints", attack_endpoints, "endpoints that die"},
    {"servers", attack_servers, "malformed messages to the servers"},
    {"pipes", attack_pipes, "pipes with dead ends"},
    {"fpu", attack_fpu, "FPU state"},
    {"futex", attack_futex, "futexes between processes"},
    {"priority", attack_priority, "spinning at all priorities"},
    {"timer", attack_timer, "sleeps and time-outs"},
    {"views", attack_views, "writing through a read-only view"},
    {"stale", attack_stale, "stale translations"},
    {"addresses", attack_addresses, "kernel addresses, odd stacks and entries"},
    {"entries", attack_entries, "odd ways into the kernel, with odd flags"},
    {"code", attack_code, "random instructions"},
    {"calls", attack_calls, "random system calls"},
};
#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

struct counts {
    uint32_t processes, threads, quarters, spaces, frames;
};

static struct counts counts_now(void) {
    struct info_machine machine;
    system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof(machine));
    return (struct counts){machine.processes, machine.threads, machine.quarters, machine.spaces,
                           machine.frames_free};
}

static void attack_process(uint32_t number) {
    demo_fresh_area(2, AREA_PAGES * PAGE_SIZE);
    attacks[number].function();
    fflush(stdout);
}

/* Run it; 0: it held and everything came back. What ends by itself is given some time. */
static int attack_once(uint32_t number) {
    struct counts before = counts_now(), after;
    uint32_t status = run(PLAN_FORK, attack_process, number);
    for (int i = 0; i < 200; i++) {
        after = counts_now();
        if (memcmp(&before, &after, i < 20 ? sizeof(before) : offsetof(struct counts, frames)) ==
            0) {
            break;
        }
        nap(10);
    }
    if (status != 0) {
        printf("%s: ended with status %#lx\n", attacks[number].name, (unsigned long)status);
        return 2;
    }
    if (memcmp(&before, &after, sizeof(before)) == 0) {
        return 0;
    }
    printf("  %s: processes %+ld, threads %+ld, quarters %+ld, spaces %+ld, free frames %+ld\n",
           attacks[number].name, (long)after.processes - (long)before.processes,
           (long)after.threads - (long)before.threads, (long)after.quarters - (long)before.quarters,
           (long)after.spaces - (long)before.spaces, (long)after.frames - (long)before.frames);
    return 1;
}

/* What is missing once may be somebody's cache that has grown; what is missing each time is lost. */
static int attack_run(uint32_t number) {
    printf("%s: %s\n", attacks[number].name, attacks[number].sentence);
    fflush(stdout);
    int result = 1;
    for (int i = 0; i < 3 && result == 1; i++) {
        result = attack_once(number);
    }
    fflush(stdout);
    return result == 0;
}

int main(int argc, char **argv) {
    int passed = 0, failed = 0, found = argc == 1;
    if (argc > 1 && strcmp(argv[1], "-h") == 0) {
        return command_usage(USAGE, 'h');
    }
    for (uint32_t i = 0; i < ATTACKS; i++) {
        int chosen = argc == 1;
        for (int j = 1; j < argc; j++) {
            chosen |= strcmp(argv[j], attacks[i].name) == 0;
        }
        if (chosen) {
            found = 1;
            attack_run(i) ? passed++ : failed++;
        }
    }
    if (!found) {
        return command_usage(USAGE, 0);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? EXIT_FAILURE : command_end("torture", EXIT_SUCCESS);
}
