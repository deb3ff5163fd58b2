/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a file. The initrd's image of it stays where it is, read-only; what is written goes
 * to chunks that are laid over it one by one. A file cut short forgets the image beyond its new
 * end, so that growing again shows zeros. The picture stands at struct content in files.h.
 */
#include "user/servers/files/files.h"

#include <errno.h>
#include <string.h>

/* Where the number of chunk INDEX is kept; null if its table is not there and, with CREATE, cannot
 * be. */
static chunk_number *content_entry(struct content *content, uint32_t index, bool create) {
    if (index < CONTENT_DIRECT) {
        return &content->direct[index];
    }
    index -= CONTENT_DIRECT;
    if (content->tables == 0 && (!create || (content->tables = chunk_take()) == 0)) {
        return NULL;
    }
    chunk_number *table = (chunk_number *)chunk_address(content->tables) + index / CONTENT_FANOUT;
    if (*table == 0 && (!create || (*table = chunk_take()) == 0)) {
        return NULL;
    }
    return (chunk_number *)chunk_address(*table) + index % CONTENT_FANOUT;
}

/* LENGTH bytes of the image, or zeros behind its end. */
static void image_read(const struct content *content, uint32_t offset, uint8_t *buffer,
                       uint32_t length) {
    uint32_t there = offset < content->image_length ? content->image_length - offset : 0;
    there = there < length ? there : length;
    if (there > 0) {
        memcpy(buffer, content->image + offset, there);
    }
    memset(buffer + there, 0, length - there);
}

/* The caller has checked that the range lies in the file. */
void content_read(const struct content *content, uint32_t offset, void *buffer, uint32_t length) {
    uint8_t *to = buffer;
    while (length > 0) {
        uint32_t within = offset % CHUNK_SIZE, part = CHUNK_SIZE - within;
        part = part < length ? part : length;
        chunk_number *entry = content_entry((struct content *)content, offset / CHUNK_SIZE, false);
        if (entry != NULL && *entry != 0) {
            memcpy(to, (uint8_t *)chunk_address(*entry) + within, part);
        } else {
            image_read(content, offset, to, part);
        }
        to += part;
        offset += part;
        length -= part;
    }
}

/* Copied up from the image if it was not needed before. */
chunk_number content_page(struct content *content, uint32_t index) {
    chunk_number *entry = content_entry(content, index, true);
    if (entry == NULL) {
        return 0;
    }
    if (*entry == 0 && ((*entry = chunk_take()) != 0 ||
                        (tree_shrink(tree_root) &&
                         (*entry = chunk_take()) != 0))) { /* a new one is lent to nobody */
        image_read(content, index * CHUNK_SIZE, chunk_address(*entry), CHUNK_SIZE);
    }
    return *entry;
}

int content_write(struct content *content, uint32_t offset, const void *buffer, uint32_t length,
                  uint32_t *written) {
    const uint8_t *from = buffer;
    *written = 0;
    if (offset > CONTENT_LIMIT || length > CONTENT_LIMIT - offset) {
        return EFBIG;
    }
    while (*written < length) {
        uint32_t within = offset % CHUNK_SIZE, part = CHUNK_SIZE - within;
        part = part < length - *written ? part : length - *written;
        chunk_number chunk = content_page(content, offset / CHUNK_SIZE);
        if (chunk == 0 || !chunk_write(chunk, within, from + *written, part)) {
            break;
        }
        *written += part;
        offset += part;
        content->size = offset > content->size ? offset : content->size;
    }
    return *written == 0 && length > 0 ? ENOSPC : 0;
}

static void entry_clear(chunk_number *entry) {
    chunk_give(*entry);
    *entry = 0;
}

/* Drop all chunks from INDEX on, and the tables that hold nothing else. */
static void content_drop(struct content *content, uint32_t index) {
    for (; index < CONTENT_DIRECT; index++) {
        entry_clear(&content->direct[index]);
    }
    if (content->tables == 0) {
        return;
    }
    index -= CONTENT_DIRECT;
    uint32_t first = index % CONTENT_FANOUT;
    chunk_number *tables = chunk_address(content->tables);
    for (uint32_t i = index / CONTENT_FANOUT; i < CONTENT_TABLES; i++, first = 0) {
        for (uint32_t j = first; j < CONTENT_FANOUT && tables[i] != 0; j++) {
            entry_clear((chunk_number *)chunk_address(tables[i]) + j);
        }
        if (first == 0) {
            entry_clear(&tables[i]);
        }
    }
    if (index == 0) {
        entry_clear(&content->tables);
    }
}

bool content_forget(struct content *content) {
    bool any = content->tables != 0;
    for (uint32_t i = 0; i < CONTENT_DIRECT; i++) {
        any |= content->direct[i] != 0;
    }
    content_drop(content, 0);
    return any;
}

int content_resize(struct content *content, uint32_t size) {
    if (size > CONTENT_LIMIT) {
        return EFBIG;
    }
    if (size < content->size) {
        static const uint8_t zeros[CHUNK_SIZE];
        chunk_number *last = content_entry(content, size / CHUNK_SIZE, false);
        if (size % CHUNK_SIZE != 0 && last != NULL && *last != 0 &&
            !chunk_write(*last, size % CHUNK_SIZE, zeros, CHUNK_SIZE - size % CHUNK_SIZE)) {
            return ENOSPC;
        }
        content_drop(content, (size + CHUNK_SIZE - 1) / CHUNK_SIZE);
        content->image_length = content->image_length < size ? content->image_length : size;
    }
    content->size = size;
    return 0;
}
