/* SPDX-License-Identifier: MIT */
/*
 * Proves that a leftist heap always gives out the smallest key, whatever was inserted and removed
 * before, that its links and ranks are those of a leftist heap after every step, and that no way to
 * the right is longer than that allows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/base/heap.h"

#define NODES 300u

static struct heap heap;
static struct heap_node nodes[NODES];
static bool inside[NODES];
static uint32_t seed;

static uint32_t below(uint32_t limit) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % limit;
}

static uint32_t rank_of(const struct heap_node *node) { return node ? node->rank : 0; }

/* How many elements are at NODE and below it, all in order. */
static uint32_t check_below(const struct heap_node *node, const struct heap_node *parent) {
    if (!node) {
        return 0;
    }
    assert_ptr_equal(node->parent, parent);
    assert_true(!parent || parent->key <= node->key);
    assert_true(rank_of(node->left) >= rank_of(node->right));
    assert_int_equal(node->rank, rank_of(node->right) + 1);
    return 1 + check_below(node->left, node) + check_below(node->right, node);
}

static void check(uint32_t count) {
    assert_int_equal(check_below(heap.first, NULL), count);
    assert_true((1u << rank_of(heap.first)) - 1 <= count);
    for (uint32_t i = 0; i < NODES; i++) {
        assert_true(!inside[i] || heap.first->key <= nodes[i].key);
    }
}

/* Random steps, insertions KEEN times in eight. */
static void steps(uint32_t number, uint32_t keen, uint32_t keys, uint32_t *count) {
    while (number-- > 0) {
        uint32_t i = below(NODES);
        bool first = below(4) == 0 && heap.first; /* as a timer that fires */
        i = first ? (uint32_t)(heap.first - nodes) : i;
        if (inside[i] && (first || below(8) >= keen)) {
            heap_remove(&heap, &nodes[i]);
            inside[i] = false;
            --*count;
        } else if (!inside[i] && below(8) < keen) {
            nodes[i].key = below(keys);
            heap_insert(&heap, &nodes[i]);
            inside[i] = true;
            ++*count;
        }
        check(*count);
    }
}

static void random_use(void **state) {
    (void)state;
    uint32_t count = 0;
    seed = 1;
    for (uint32_t round = 0; round < 20; round++) {
        steps(500, 7, 1000000, &count);
        steps(500, 2, 5, &count); /* many equal keys */
    }
}

static void keys_come_out_in_order(void **state) {
    (void)state;
    uint64_t last = 0;
    memset(&heap, 0, sizeof(heap));
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].key = i % 2 ? i : NODES - i;
        heap_insert(&heap, &nodes[i]);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        struct heap_node *first = heap.first;
        assert_true(first->key >= last);
        last = first->key;
        heap_remove(&heap, first);
    }
    assert_null(heap.first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_use),
        cmocka_unit_test(keys_come_out_in_order),
    };
    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
