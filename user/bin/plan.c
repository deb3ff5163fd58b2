/* SPDX-License-Identifier: MIT */
/*
 * plan SPEC COMMAND...: run a command in a process made by a plan. The program's image renews slots
 * 0, 1 and 3; slot 2 stays as the plan gave it. `plan SPEC` alone explains the plan byte.
 */
#include "run.h"

#define USAGE                                                                                   \
    "plan SPEC [COMMAND [ARGUMENT]...]\n"                                                       \
    "  SPEC: what slots 0,1,2,3 get, each one of share copy fresh none (the first letter will " \
    "do),\n"                                                                                    \
    "  as in share,copy,fresh,none; or a preset: fork, thread, rfork, spawn"

static void explain(uint32_t plan) {
    char text[PLAN_TEXT_SIZE];
    const char *name = quartet_plan_name(plan);
    printf("plan 0x%02lx: %s%s%s\n", (unsigned long)plan, quartet_plan_format(plan, text),
           name != NULL ? ", the preset " : "", name != NULL ? name : "");
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "-h") == 0) {
        return command_usage(USAGE, argc < 2 ? 0 : 'h');
    }
    int plan = quartet_plan_parse(argv[1]);
    if (plan < 0) {
        fprintf(stderr, "plan: %s: not a plan\n", argv[1]);
        return command_usage(USAGE, 0);
    }
    if (argc == 2) {
        explain((uint32_t)plan);
        return command_end("plan", EXIT_SUCCESS);
    }
    struct quartet_spawn spawn = {.plan = (uint32_t)plan};
    pid_t child = run_start("plan", &spawn, argv + 2);
    return child < 0 ? run_failed() : run_wait(child);
}
