/* SPDX-License-Identifier: MIT */
/*
 * What the parts of ipccheck share. A group is a function without arguments that runs in a process
 * of its own, with a quarter of one page in slot 2, an endpoint, and a session of it with BADGE. It
 * is the driver of the others, which it starts as clones: what they find wrong counts as well, on a
 * board that all of them share.
 *
 *     slot 0   text, and at BOARD_OFFSET the board: SHAREd
 *     slot 2   what is lent; a clone gets a copy, with SHARING the same
 *
 * A step that one of them has reached is said by stage_set; waits() is for calls: the kernel says
 * when a process waits. The table of groups is in ../ipccheck.c.
 */
#ifndef IPCCHECK_H
#define IPCCHECK_H

#include "user/bin/many.h"

#define FORK (PLAN(PLAN_SHARE, PLAN_COPY, PLAN_COPY, PLAN_COPY) | CLONE_QUIET)
#define SHARING (PLAN(PLAN_SHARE, PLAN_COPY, PLAN_SHARE, PLAN_COPY) | CLONE_QUIET)
#define RW (RIGHT_READ | RIGHT_WRITE)
#define BADGE 77u
#define KILLED (STATUS_KILLED | 9u)
#define MILLISECOND 1000u
#define TICK (10 * MILLISECOND)
#define NOT_FOR_EVER (5000 * MILLISECOND) /* a call that should have ended long before */

struct board {
    uint32_t checks, failures; /* atomic */
    uint32_t stage;
    uint32_t word[32]; /* as a group likes */
};
#define BOARD_OFFSET 0x20000000u
#define BOARD ((volatile struct board *)demo_pointer(0, BOARD_OFFSET))

/* ---- Checks ---------------------------------------------------------------------------------- */

bool check(bool good, const char *what, long value, const char *file, int line);
#define CHECK(condition) check(condition, #condition, 0, __FILE__, __LINE__)
#define EQUAL(wanted, value)                                                                    \
    do {                                                                                        \
        long long value_ = (long long)(value);                                                  \
        check(value_ == (long long)(wanted), #value " is not " #wanted, (long)value_, __FILE__, \
              __LINE__);                                                                        \
    } while (0)
/* The call fails with ERROR, and the process has the handles and quarters that it had. */
#define REFUSED(error, call) refused(error, call, #call, __FILE__, __LINE__)
void state_keep(void); /* once before the first REFUSED, and after what changes the state */
void refused(int error, long result, const char *what, const char *file, int line);

/* Under -icount on one CPU times are exact, and checked. */
extern bool exact;

/* ---- Processes ------------------------------------------------------------------------------- */

long start(uint32_t plan, void (*function)(void)); /* exits with 0 */
uint32_t end(long child);                          /* its status */
void ends(long child, uint32_t status);            /* and a check */
void kills(long child);
void waits(long child); /* returns when its threads wait */
struct info_process process_facts(long child);

void stage_set(uint32_t stage);
void stage_wait(uint32_t stage); /* at least STAGE */
void sleep_for_ever(void);

/* ---- Messages -------------------------------------------------------------------------------- */

extern int endpoint, session;

/* Both forms, so that a check can be done with each: label LABEL and one word. */
enum form { SHORT, LONG, FORMS };
struct exchange {
    uint64_t word, badge, token;
    bool closed;
};
long form_call(enum form form, uint32_t label, uint64_t word, uint64_t *answer);
long form_receive(enum form form, struct exchange *got); /* the label */
long form_reply(enum form form, uint32_t label, const struct exchange *got, uint64_t word);

/* ---- Quarters in messages -------------------------------------------------------------------- */

#define WORD(page) (*(volatile uint32_t *)demo_pointer(2, (page)*PAGE_SIZE))

struct lending {
    struct message message;
    struct message_lend lend;
};
/* A message that lends HANDLE in slot 2 with RIGHTS (QUARTET_NONE: nothing), and accepts slots. */
void lending_make(struct lending *lending, int handle, uint32_t rights, uint32_t accept);
void slot_fill(uint32_t value); /* a new quarter in slot 2: WORD(0) and WORD(1) are VALUE */
bool slot_empty(void);
uint64_t slot_id(void); /* sub-ID */

void check_errors(void); /* errors.c */
void check_lend_errors(void);
void check_forms(void); /* forms.c */
void check_misfits(void);
void check_client_deaths(void); /* deaths.c */
void check_server_deaths(void);
void check_endpoint_deaths(void);
void check_unseen(void);
void check_lend(void); /* lend.c */
void check_on_loan(void);
void check_give(void);
void check_lender_deaths(void); /* loans.c */
void check_borrower_deaths(void);
void check_loan_races(void);
void check_rights(void);      /* rights.c */
void check_timeouts(void);    /* times.c */
void check_queue_order(void); /* priority.c */
void check_boost(void);
void check_flood(void); /* denial.c */
void check_mute_server(void);
void check_sessions(void);

#endif
