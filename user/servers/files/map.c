/* SPDX-License-Identifier: MIT */
/*
 * Files mapped into clients' quarters. This server is the pager of such a quarter: through a session of
 * its own, whose badge names a set of mappings. Copies of the quarter inherit the session, and with
 * it the set; the kernel closes it with the last of them.
 *
 *     quarter ──pager──> session (badge) ──> mapping, mapping ... ──> node, its chunks
 *
 * A fault is answered with the file's own chunk, the page cache: shared copy-on-write, or, for a
 * writable shared mapping, shared. No byte is copied but by who writes.
 *
 * The mappings stand in memory that init keeps for the next instance of this server: programs that
 * were started from the initrd do not notice that it was killed. Mappings of files that were changed
 * since boot are lost with the changes. Read next: docs/files.md.
 */
#include "user/servers/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MAPPINGS (FILES_MAPS_SIZE / sizeof(struct mapping))
#define MAPPINGS_OF_QUARTER 64u /* what comes beyond forgets nothing, and fails */
#define BUCKETS 256u
#define AHEAD 8u /* pages that one fault brings, if they are neighbours in the cache */

enum mapping_flag {
    MAPPING_SHARED = 1,  /* what is written to it is written to the file */
    MAPPING_CHANGED = 2, /* the file is not as in the initrd */
};

/* In memory that outlives this process: every field is checked before the first use. */
struct mapping {
    uint32_t badge;      /* 0: free */
    uint32_t start, end; /* offsets in the quarter */
    uint32_t offset;     /* in the file, of START */
    uint32_t inode;
    uint32_t flags;
};

#define MAPS_OFFSET 0x3F400000u                      /* in slot 1, above the chunks */
#define SPARE_OFFSET (MAPS_OFFSET + FILES_MAPS_SIZE) /* one page */
static struct mapping *const mappings = (struct mapping *)(uintptr_t)(SLOT_BASE(1) + MAPS_OFFSET);

/* What is known of each: rebuilt at the start. Lists by badge, newest first; a number is an index + 1. */
static uint16_t bucket[BUCKETS], next[MAPPINGS];
static struct node *node_of[MAPPINGS];
static uint32_t mappings_free;
static int own_memory; /* slot 1 of this process, to supply from */

/* ---- Lists ----------------------------------------------------------------------------------- */

static uint16_t *bucket_of(uint32_t badge) { return &bucket[badge % BUCKETS]; }

static void mapping_link(uint32_t index, struct node *node) {
    uint16_t *first = bucket_of(mappings[index].badge);
    next[index] = *first;
    *first = (uint16_t)(index + 1);
    node_of[index] = node;
    node_open(node);
    mappings_free--;
}

/* A free one becomes MAPPING, which has a badge. There is one. */
static void mapping_add(const struct mapping *mapping, struct node *node) {
    uint32_t index = 0;
    while (mappings[index].badge != 0) {
        index++;
    }
    mappings[index] = *mapping;
    mapping_link(index, node);
}

/* The newest mapping of BADGE from number FROM (of a list) on that covers OFFSET; MAPPINGS: none. */
static uint32_t mapping_find(uint32_t badge, uint32_t offset) {
    for (uint32_t i = *bucket_of(badge); i != 0; i = next[i - 1]) {
        const struct mapping *mapping = &mappings[i - 1];
        if (mapping->badge == badge && mapping->start <= offset && offset < mapping->end) {
            return i - 1;
        }
    }
    return MAPPINGS;
}

void maps_close(uint32_t badge) {
    uint16_t *link = bucket_of(badge);
    while (*link != 0) {
        uint32_t index = *link - 1u;
        if (mappings[index].badge != badge) {
            link = &next[index];
            continue;
        }
        *link = next[index];
        mappings[index].badge = 0;
        mappings_free++;
        node_close(node_of[index]);
    }
}

/* Those of OLD go to NEW as well, but for what lies in [START, END): there the quarter has nothing of
 * them any more. How many; never more than MAPPINGS_OF_QUARTER. */
static uint32_t mappings_copy(uint32_t old, uint32_t new, uint32_t start, uint32_t end) {
    uint16_t index[MAPPINGS_OF_QUARTER];
    uint32_t count = 0;
    for (uint32_t i = *bucket_of(old); i != 0 && count < MAPPINGS_OF_QUARTER; i = next[i - 1]) {
        const struct mapping *mapping = &mappings[i - 1];
        if (mapping->badge == old && !(start <= mapping->start && mapping->end <= end)) {
            index[count++] = (uint16_t)(i - 1);
        }
    }
    for (uint32_t i = count; i-- > 0;) { /* the oldest first, so that it stays last in the list */
        struct mapping mapping = mappings[index[i]];
        mapping.badge = new;
        mapping_add(&mapping, node_of[index[i]]);
    }
    return count;
}

void maps_changed(const struct node *node) {
    for (uint32_t i = 0; i < MAPPINGS; i++) {
        if (mappings[i].badge != 0 && node_of[i] == node) {
            mappings[i].flags |= MAPPING_CHANGED;
        }
    }
}

/* ---- The start ------------------------------------------------------------------------------- */

static bool mapping_valid(const struct mapping *mapping) {
    return mapping->start < mapping->end && mapping->end <= QUARTER_SIZE &&
           (mapping->start | mapping->end | mapping->offset) % PAGE_SIZE == 0 &&
           !(mapping->flags & MAPPING_CHANGED);
}

/* Find the predecessor's mappings. */
static void mappings_recover(void) {
    for (uint32_t i = 0; i < MAPPINGS; i++) {
        if (mappings[i].badge == 0) {
            continue;
        }
        struct node *node = mapping_valid(&mappings[i]) ? tree_of_initrd(mappings[i].inode) : NULL;
        if (node != NULL) {
            node->mapped = true;
            mapping_link(i, node);
        } else {
            mappings[i].badge = 0;
        }
    }
}

int memory_own(void) {
    struct space_change change = {.process = QUARTET_SELF};
    int copy = (int)quarter_copy(QUARTET_SLOT(1)); /* on the stack: the copy does not know of it */
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        change.quarter[slot] = slot == 1 ? copy : QUARTET_KEEP;
    }
    change.rights[1] = RIGHT_READ | RIGHT_WRITE;
    if (copy < 0 || space_set(&change) < 0) {
        return ENOMEM;
    }
    own_memory = copy;
    return 0;
}

int maps_initialize(void) {
    struct page_supply supply = {
        .to = QUARTET_SLOT(1),
        .from = FILES_MAPS,
        .offset = MAPS_OFFSET,
        .pages = FILES_MAPS_SIZE / PAGE_SIZE,
        .mode = PAGER_SHARE,
        .rights = RIGHT_READ | RIGHT_WRITE,
    };
    if (quarter_supply_pages(&supply) != (long)supply.pages ||
        quarter_map(QUARTET_SLOT(1), SPARE_OFFSET, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE) < 0) {
        return ENOMEM;
    }
    mappings_free = MAPPINGS;
    mappings_recover();
    return 0;
}

/* ---- Pages ----------------------------------------------------------------------------------- */

/* How many pages of MAPPING from OFFSET on can be supplied at once, and the chunk of the first; 0: no
 * memory, or the file ends before. */
static uint32_t pages_find(uint32_t index, uint32_t offset, uint32_t limit, chunk_number *first) {
    const struct mapping *mapping = &mappings[index];
    struct content *content = &node_of[index]->content;
    uint32_t from = mapping->offset + (offset - mapping->start), count = 0;
    uint32_t room = (mapping->end - offset) / PAGE_SIZE;
    limit = limit < room ? limit : room;
    while (count < limit && from + count * PAGE_SIZE < content->size) {
        chunk_number chunk = content_page(content, from / CHUNK_SIZE + count);
        if (chunk == 0 || (count > 0 && chunk != *first + count)) {
            break;
        }
        *first = count == 0 ? chunk : *first;
        chunk_lend(chunk);
        count++;
    }
    return count;
}

/* There is no chunk left to cache a page in: it goes to who wants it, by way of one that is always at
 * hand, and is his. False: there is no such page in the file, or no memory at all. */
static bool page_spare(uint32_t index, uint32_t offset) {
    static uint8_t bytes[PAGE_SIZE];
    const struct mapping *mapping = &mappings[index];
    const struct content *content = &node_of[index]->content;
    uint32_t from = mapping->offset + (offset - mapping->start);
    if ((mapping->flags & MAPPING_SHARED) || from >= content->size) {
        return false;
    }
    uint32_t length = content->size - from < PAGE_SIZE ? content->size - from : PAGE_SIZE;
    content_read(content, from, bytes, length);
    memset(bytes + length, 0, PAGE_SIZE - length);
    return quarter_supply(QUARTET_SLOT(1), SPARE_OFFSET, bytes, PAGE_SIZE) == 0;
}

void maps_fault(const struct message *fault) {
    uint32_t offset = (uint32_t)fault->word[1];
    uint32_t index = mapping_find((uint32_t)fault->badge, offset);
    struct message reply = {.label = PAGER_REFUSE, .token = fault->token};
    chunk_number chunk;
    uint32_t count = index < MAPPINGS ? pages_find(index, offset, AHEAD, &chunk) : 0;
    if (count > 0) {
        reply.label = mappings[index].flags & MAPPING_SHARED ? PAGER_SHARE : PAGER_COPY;
        reply.word[0] = chunk_offset(chunk);
        reply.word[1] = count;
    } else if (index < MAPPINGS && page_spare(index, offset)) {
        reply.label = PAGER_MOVE;
        reply.word[0] = SPARE_OFFSET;
        reply.word[1] = 1;
    }
    if (reply.label != PAGER_REFUSE) {
        reply.handle[0] = own_memory;
        reply.handle_count = 1;
    }
    long result = ipc_reply(HANDLE_SERVICE, &reply);
    if (result < 0 && result != -E_NOTFOUND) { /* that is: it was killed meanwhile */
        reply = (struct message){.label = PAGER_REFUSE, .token = fault->token};
        ipc_reply(HANDLE_SERVICE, &reply);
    }
}

/* Bring all pages now, as far as there is memory; later ones are brought by faults. */
static void populate(int quarter, uint32_t index) {
    const struct mapping *mapping = &mappings[index];
    for (uint32_t offset = mapping->start; offset < mapping->end;) {
        chunk_number chunk;
        uint32_t count = pages_find(index, offset, UINT32_MAX, &chunk);
        struct page_supply supply = {
            .to = quarter,
            .from = own_memory,
            .offset = offset,
            .from_offset = count > 0 ? chunk_offset(chunk) : 0,
            .pages = count,
            .mode = mapping->flags & MAPPING_SHARED ? PAGER_SHARE : PAGER_COPY,
        };
        if (count == 0 || quarter_supply_pages(&supply) != (long)count) {
            return;
        }
        offset += count * PAGE_SIZE;
    }
}

/* ---- Mapping --------------------------------------------------------------------------------- */

/* QUARTER gets a new session as its pager, with the mappings that it has outside [START, END). *BADGE:
 * the session's; *COUNT: of them. */
static int pager_renew(int quarter, uint32_t start, uint32_t end, uint32_t *badge,
                       uint32_t *count) {
    struct session *session;
    int handle;
    if (mappings_free <= MAPPINGS_OF_QUARTER) {
        return ENFILE;
    }
    int error = session_create(&session, &handle);
    if (error != 0) {
        return error;
    }
    long old = quarter_pager(quarter, handle);
    if (old >= 0) {
        *badge = (uint32_t)session->badge;
        *count = mappings_copy((uint32_t)old, *badge, start, end);
    }
    handle_close(handle); /* the quarter has it; or nobody, and the notice of its end comes */
    return old < 0 ? quartet_errno(old) : 0;
}

static int mapping_attach(int quarter, struct mapping *mapping, struct node *node) {
    uint32_t count;
    int error = pager_renew(quarter, mapping->start, mapping->end, &mapping->badge, &count);
    if (error == 0 && count == MAPPINGS_OF_QUARTER) {
        error = ENFILE;
    }
    if (error == 0) {
        mapping_add(mapping, node);
    }
    return error;
}

static int map_into(int quarter, struct mapping *mapping, struct node *node, uint32_t rights) {
    uint32_t length = mapping->end - mapping->start;
    long result = quarter_map(quarter, mapping->start, length, rights | MAP_PAGED);
    if (result < 0) {
        return result == -E_EXISTS ? EEXIST : quartet_errno(result);
    }
    int error = mapping_attach(quarter, mapping, node);
    if (error != 0) {
        quarter_unmap(quarter, mapping->start, length);
    }
    return error;
}

int session_map(struct session *session, struct request *request) {
    const uint64_t *word = request->message.word;
    uint32_t rights = (uint32_t)word[3] & (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
    bool writable = (session->flags & O_ACCMODE) == O_RDWR;
    if (session->node == NULL || session->node->type != NODE_FILE) {
        return ENODEV;
    }
    if (memory_is_scarce()) {
        return ENOMEM; /* programs are read instead: nothing stays in a cache when they end */
    }
    if (request->given < 0 || (word[0] | word[1] | word[2]) % PAGE_SIZE != 0 || word[2] == 0 ||
        word[0] > QUARTER_SIZE || word[2] > QUARTER_SIZE - word[0] || word[1] > CONTENT_LIMIT ||
        (word[3] & ~(uint64_t)FILE_MAP_ALL) != 0) {
        return EINVAL;
    }
    if ((session->flags & O_ACCMODE) == O_WRONLY ||
        ((word[3] & FILE_MAP_SHARED) && (rights & RIGHT_WRITE) && !writable)) {
        return EACCES;
    }
    struct mapping mapping = {
        .start = (uint32_t)word[0],
        .end = (uint32_t)(word[0] + word[2]),
        .offset = (uint32_t)word[1],
        .inode = session->node->inode,
        /* Whoever is given a shared page can write to it: so others get copies. */
        .flags = (word[3] & FILE_MAP_SHARED) && writable ? MAPPING_SHARED : 0,
    };
    if (mapping.flags & MAPPING_SHARED) {
        node_touch(session->node); /* nobody will tell when it is written to */
    }
    mapping.flags |= session->node->changed ? MAPPING_CHANGED : 0;
    int error = map_into(request->given, &mapping, session->node, rights);
    if (error == 0) {
        session->node->mapped = true;
        if (word[3] & FILE_MAP_NOW) {
            populate(request->given, mapping_find(mapping.badge, mapping.start));
        }
    }
    return error;
}

int maps_forget(struct request *request) {
    const uint64_t *word = request->message.word;
    uint32_t badge, count;
    if (request->given < 0 || word[0] > QUARTER_SIZE || word[1] > QUARTER_SIZE - word[0]) {
        return EINVAL;
    }
    int error = pager_renew(request->given, (uint32_t)word[0], (uint32_t)(word[0] + word[1]),
                            &badge, &count);
    if (error == 0 && count == 0) {
        quarter_pager(request->given, QUARTET_NONE);
    }
    return error;
}
