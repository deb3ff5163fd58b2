/* SPDX-License-Identifier: MIT */
/*
 * What the attacks share: claims, children, random numbers. An attack is a function without arguments that runs in a
 * process of its own with a fresh quarter in slot 2, of which 20 pages are mapped; the process fails if a claim did
 * not hold. Children report by their exit status: 1 if a claim did not hold.
 * The table of attacks is in ../torture.c.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include "user/bin/command.h"
#include "user/demos/demo.h"

#define AREA_PAGES 20u
#define RW (RIGHT_READ | RIGHT_WRITE)
#define FORK_SHARING PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY)
#define CODE_KILL 9u
#define NOBODY 0xFFFFFFFFu /* no status: there was no process */

/* Words in slot 2, which children see under FORK_SHARING. */
static volatile uint32_t *const word = (uint32_t *)(uintptr_t)SLOT_BASE(2);
enum { STOP, ERRORS, COUNT_A, COUNT_B, READY, MUTEX, ARRIVED, BARRIER = 16 };

extern uint32_t seed; /* of random_below */
extern int broken;    /* claims of this process that did not hold */

uint32_t random_below(uint32_t limit);
void claim(int holds, const char *what, long value);
#define EXPECT(error, call) expect(error, call, #call)
void expect(int error, long result, const char *call);

uint64_t milliseconds(void);
void nap(uint32_t most); /* milliseconds */

long start(uint32_t plan, void (*function)(uint32_t), uint32_t argument);
uint32_t end(long child); /* its status */
/* The same, or that of a kill if it takes longer than LONGEST milliseconds. */
uint32_t end_within(long child, uint32_t longest);
uint32_t run(uint32_t plan, void (*function)(uint32_t), uint32_t argument);
int is_fault(uint32_t status);

long limit(uint32_t frames, uint32_t processes, uint32_t threads, uint32_t quarters);
void handles_close_all(void);

/* kills.c */
extern int endpoint, session; /* of the attack; nobody receives unless it says so */
void call_for_ever(uint32_t unused);

void attack_bomb(void);
void attack_budgets(void);
void attack_handles(void);
void attack_threads(void);
void attack_kills(void);
void attack_model(void);
void attack_chain(void);
void attack_sessions(void);
void attack_endpoints(void);
void attack_servers(void);
void attack_pipes(void);
void attack_fpu(void);
void attack_futex(void);
void attack_priority(void);
void attack_timer(void);
void attack_views(void);
void attack_stale(void);
void attack_addresses(void);
void attack_entries(void);
void attack_code(void);
void attack_calls(void);

#endif
