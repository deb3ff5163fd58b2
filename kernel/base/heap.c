/* SPDX-License-Identifier: MIT */
/*
 * Leftist heaps: see heap.h for the picture. Everything is one merge of two heaps along their right
 * sides, and one walk up that puts ranks in order.
 */
#include "kernel/base/heap.h"

static u32 rank_of(const struct heap_node *node) { return node ? node->rank : 0; }

/* Give NODE the rank that its children demand, the higher one on the left. True if it changed. */
static bool rank_update(struct heap_node *node) {
    if (rank_of(node->left) < rank_of(node->right)) {
        struct heap_node *left = node->left;
        node->left = node->right;
        node->right = left;
    }
    u32 rank = rank_of(node->right) + 1;
    bool changed = rank != node->rank;
    node->rank = rank;
    return changed;
}

/* One heap of two; its first element's parent is null. */
static struct heap_node *merge(struct heap_node *a, struct heap_node *b) {
    struct heap_node *first = NULL, *last = NULL, **place = &first;
    while (a && b) {
        struct heap_node *smaller = b->key < a->key ? b : a;
        if (smaller == b) {
            b = a;
        }
        a = smaller->right; /* what is left: A below the smaller one, and B */
        *place = smaller;
        smaller->parent = last;
        last = smaller;
        place = &smaller->right;
    }
    *place = a ? a : b;
    if (*place) {
        (*place)->parent = last;
    }
    for (struct heap_node *node = last; node; node = node->parent) {
        rank_update(node);
    }
    return first;
}

void heap_insert(struct heap *heap, struct heap_node *node) {
    node->parent = node->left = node->right = NULL;
    node->rank = 1;
    heap->first = merge(heap->first, node);
}

void heap_remove(struct heap *heap, struct heap_node *node) {
    struct heap_node *parent = node->parent;
    struct heap_node *rest = merge(node->left, node->right);
    if (rest) {
        rest->parent = parent;
    }
    if (!parent) {
        heap->first = rest;
    } else if (parent->left == node) {
        parent->left = rest;
    } else {
        parent->right = rest;
    }
    /* A rank that stays ends it; each that changes is one less, so the way up is short, too. */
    while (parent && rank_update(parent)) {
        parent = parent->parent;
    }
}
