/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked circular lists, the links inside the elements. A head is an element of its own:
 *
 *     head <-> first <-> second <-> ... <-> last <-> head
 *
 * The lock that guards a list is named where its head is declared.
 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include "kernel/base/types.h"

struct list {
    struct list *next, *previous;
};

static inline void list_init(struct list *head) { head->next = head->previous = head; }
static inline bool list_empty(const struct list *head) { return head->next == head; }

static inline void list_append(struct list *head, struct list *element) {
    element->next = head;
    element->previous = head->previous;
    head->previous->next = element;
    head->previous = element;
}

/* Unlink ELEMENT, which is given to another list before anybody looks at it again. */
static inline void list_unlink(const struct list *element) {
    struct list *next = element->next, *previous = element->previous;
    previous->next = next;
    next->previous = previous;
}

static inline void list_prepend(struct list *head, struct list *element) {
    list_append(head->next, element);
}

/* Unlink ELEMENT and make it a list of one, so that removing it again does no harm. */
static inline void list_remove(struct list *element) {
    list_unlink(element);
    list_init(element);
}

#define LIST_ENTRY(link, type, member) CONTAINER_OF(link, type, member)
#define LIST_FIRST(head, type, member) LIST_ENTRY((head)->next, type, member)
#define LIST_FOR_EACH(link, head) \
    for (struct list *link = (head)->next; link != (head); link = link->next)

#endif
