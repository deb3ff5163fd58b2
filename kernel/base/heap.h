/* SPDX-License-Identifier: MIT */
/*
 * Leftist heaps: the smallest key first, the links inside the elements. Rank: how many steps to the
 * right lead out of the heap; it is never greater on the right than on the left,
 *
 *                 3 (rank 2)
 *               /           \
 *            5 (2)         4 (1)
 *           /     \        /
 *        9 (1)   7 (1)   8 (1)
 *
 * so there are at most log2(n + 1) steps to the right from anywhere, and insert and remove go no
 * other way. The lock is that of whoever declares the head. A broken order shows as an element that
 * comes out too late.
 */
#ifndef KERNEL_HEAP_H
#define KERNEL_HEAP_H

#include "kernel/base/types.h"

struct heap_node {
    struct heap_node *parent, *left, *right;
    u32 rank;
    u64 key; /* set before heap_insert, unchanged while in the heap */
};

struct heap {
    struct heap_node *first; /* null: empty */
};

void heap_insert(struct heap *heap, struct heap_node *node);
void heap_remove(struct heap *heap, struct heap_node *node); /* NODE is in HEAP */

#endif
