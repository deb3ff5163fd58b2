/* SPDX-License-Identifier: MIT */
/* What the server and the clients of kv share: the protocol, and the table as it lies in slot 2. */
#ifndef KV_H
#define KV_H

#include "user/demos/demo.h"

#define KEYS 64u
#define VALUE_WORDS 15u

/* Labels; answers are 0 or KV_NO_*. */
enum kv_label { KV_OPEN = 1, KV_PUT, KV_NO_KEY, KV_NO_CALL };

struct entry {
    uint32_t sequence; /* odd: it is being written */
    uint32_t word[VALUE_WORDS];
};

struct table {
    struct entry entry[KEYS];
    uint32_t puts; /* writes that were done */
};
#define TABLE_LENGTH (2 * PAGE_SIZE)
_Static_assert(sizeof(struct table) <= TABLE_LENGTH, "the table has room");
#define TABLE ((struct table *)demo_pointer(2, 0))

/* Word 0 is the value; the others follow from it and the key, so that a torn one shows. */
static inline uint32_t value_word(uint32_t key, uint32_t value, uint32_t i) {
    return i == 0 ? value : (value + key) * 2654435761u + i;
}

/* What clients have counted, in slot 0, which all share. */
struct board {
    uint32_t reads, torn, sent, answered;
};
#define BOARD_OFFSET 0x20000000u
#define BOARD ((struct board *)demo_pointer(0, BOARD_OFFSET))

extern int endpoint, session;

/* client.c */
void client_attach(void); /* ask the server for the table, and attach it read-only */
long client_put(uint32_t key, uint32_t value);
/* Copy the value of KEY; true if all its words belong together. No system call. */
bool table_read(uint32_t key, uint32_t *value);
uint32_t table_value(uint32_t key);

/* A clone that attaches the table and runs FUNCTION(ARGUMENT). */
long client_start(int (*function)(uint32_t), uint32_t argument);
int client_run(uint32_t seed); /* reads and writes until it crashes, or is killed */
int client_writes(uint32_t unused);
int client_widens(uint32_t unused);

#endif
