/* SPDX-License-Identifier: MIT */
/*
 * Names. Every node but the root stands in its parent's list, sorted by name. The tree is built
 * from the initrd at the start and changed in memory only. A node that is removed while it is open
 * lives, without a name, until its last session closes. Paths are checked here: absolute, no empty
 * part, no "." or "..".
 */
#include "user/servers/files/files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/cpio.h"

struct node *tree_root;
static struct pool node_pool = {.object_size = (sizeof(struct node) + 7) & ~(size_t)7};
static uint32_t next_inode = 1;

static uint32_t initrd_inodes; /* those up to this one are of the initrd */

void node_touch(struct node *node) {
    clock_now(&node->modified);
    node->changed = true;
    if (node->mapped) {
        node->mapped = false; /* once is enough: what is mapped from now on is marked at once */
        maps_changed(node);
    }
}

static struct node *node_create(enum node_type type, uint32_t mode) {
    struct node *node = pool_take(&node_pool);
    if (node != NULL) {
        node->type = type;
        node->mode = mode & 0777;
        node->inode = next_inode++;
        node_touch(node);
    }
    return node;
}

static void node_free(struct node *node) {
    content_resize(&node->content, 0);
    pool_give(&node_pool, node);
}

void node_open(struct node *node) { node->opens++; }

void node_close(struct node *node) {
    if (--node->opens == 0 && node->parent == NULL && node != tree_root) {
        node_free(node);
    }
}

/* ---- One directory --------------------------------------------------------------------------- */

static int compare(const char *name, const char *text, uint32_t length) {
    int difference = strncmp(name, text, length);
    return difference != 0 ? difference : name[length] != '\0';
}

/* Where the link to NAME is, or would be. */
static struct node **child_link(struct node *directory, const char *text, uint32_t length) {
    struct node **link = &directory->children;
    while (*link != NULL && compare((*link)->name, text, length) < 0) {
        link = &(*link)->next;
    }
    return link;
}

static struct node *child_find(struct node *directory, const char *text, uint32_t length) {
    struct node *node = *child_link(directory, text, length);
    return node != NULL && compare(node->name, text, length) == 0 ? node : NULL;
}

static void child_insert(struct node *directory, struct node *node, const char *text,
                         uint32_t length) {
    struct node **link = child_link(directory, text, length);
    memset(node->name, 0, NAME_SIZE);
    memcpy(node->name, text, length);
    node->next = *link;
    node->parent = directory;
    *link = node;
    node_touch(directory);
}

static void child_unlink(struct node *node) {
    struct node **link = &node->parent->children;
    while (*link != node) {
        link = &(*link)->next;
    }
    *link = node->next;
    node_touch(node->parent);
    node->parent = NULL;
}

static void node_drop(struct node *node) {
    child_unlink(node);
    if (node->opens == 0) {
        node_free(node);
    }
}

/* ---- Paths ----------------------------------------------------------------------------------- */

/* Split off the first part of PATH, which begins with a slash. */
static int path_step(struct path *path, const char **name, uint32_t *length) {
    if (path->length < 2 || path->text[0] != '/') {
        return EINVAL;
    }
    *name = path->text + 1;
    const char *end = memchr(*name, '/', path->length - 1);
    *length = end != NULL ? (uint32_t)(end - *name) : path->length - 1;
    path->text += *length + 1;
    path->length -= *length + 1;
    if (*length == 0 || memchr(*name, '\0', *length) != NULL || (**name == '.' && *length == 1) ||
        (*length == 2 && memcmp(*name, "..", 2) == 0)) {
        return EINVAL;
    }
    return *length < NAME_SIZE ? 0 : ENAMETOOLONG;
}

/* The directory that PATH's last part is in, and that part. */
static int path_parent(struct path path, struct node **directory, const char **name,
                       uint32_t *length) {
    *directory = tree_root;
    for (;;) {
        int error = path_step(&path, name, length);
        if (error != 0 || path.length == 0) {
            return error;
        }
        struct node *node = child_find(*directory, *name, *length);
        if (node == NULL) {
            return ENOENT;
        }
        if (node->type != NODE_DIRECTORY) {
            return ENOTDIR;
        }
        *directory = node;
    }
}

int tree_find(struct path path, struct node **node) {
    struct node *directory;
    const char *name;
    uint32_t length;
    if (path.length == 1 && path.text[0] == '/') {
        *node = tree_root;
        return 0;
    }
    int error = path_parent(path, &directory, &name, &length);
    if (error != 0) {
        return error;
    }
    *node = child_find(directory, name, length);
    return *node != NULL ? 0 : ENOENT;
}

int tree_create(struct path path, enum node_type type, uint32_t mode, struct node **node) {
    struct node *directory;
    const char *name;
    uint32_t length;
    if (path.length == 1 && path.text[0] == '/') {
        return EEXIST;
    }
    int error = path_parent(path, &directory, &name, &length);
    if (error != 0) {
        return error;
    }
    if (child_find(directory, name, length) != NULL) {
        return EEXIST;
    }
    *node = node_create(type, mode);
    if (*node == NULL) {
        return ENOSPC;
    }
    child_insert(directory, *node, name, length);
    return 0;
}

int tree_remove(struct path path, bool directory) {
    struct node *node;
    int error = tree_find(path, &node);
    if (error != 0) {
        return error;
    }
    if ((node->type == NODE_DIRECTORY) != directory) {
        return directory ? ENOTDIR : EISDIR;
    }
    if (node == tree_root) {
        return EBUSY;
    }
    if (node->children != NULL) {
        return ENOTEMPTY;
    }
    node_drop(node);
    return 0;
}

static bool node_is_within(const struct node *node, const struct node *ancestor) {
    while (node != NULL && node != ancestor) {
        node = node->parent;
    }
    return node == ancestor;
}

/* What already has the new name goes, if it is of the same kind and, a directory, empty. */
static int rename_over(const struct node *from, struct node *to) {
    if (to->type == NODE_DIRECTORY && from->type != NODE_DIRECTORY) {
        return EISDIR;
    }
    if (to->type != NODE_DIRECTORY && from->type == NODE_DIRECTORY) {
        return ENOTDIR;
    }
    if (to->children != NULL) {
        return ENOTEMPTY;
    }
    node_drop(to);
    return 0;
}

int tree_rename(struct path from, struct path to) {
    struct node *node, *directory;
    const char *name;
    uint32_t length;
    int error = tree_find(from, &node);
    if (error == 0 && (node == tree_root || to.length < 2)) {
        error = EBUSY;
    }
    if (error == 0) {
        error = path_parent(to, &directory, &name, &length);
    }
    if (error != 0) {
        return error;
    }
    if (node_is_within(directory, node)) {
        return EINVAL;
    }
    struct node *old = child_find(directory, name, length);
    if (old == node) {
        return 0;
    }
    if (old != NULL && (error = rename_over(node, old)) != 0) {
        return error;
    }
    child_unlink(node);
    child_insert(directory, node, name, length);
    return 0;
}

static struct node *inode_find(struct node *node, uint32_t inode) {
    for (; node != NULL; node = node->next) {
        struct node *found = node->inode == inode ? node : inode_find(node->children, inode);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

struct node *tree_of_initrd(uint32_t inode) {
    struct node *node = inode <= initrd_inodes ? inode_find(tree_root, inode) : NULL;
    return node != NULL && node->type == NODE_FILE ? node : NULL;
}

bool tree_shrink(struct node *node) {
    bool any = false;
    for (; node != NULL; node = node->next) {
        if (node->type == NODE_FILE && !node->changed && node->opens == 0) {
            any |= content_forget(&node->content);
        }
        any |= tree_shrink(node->children);
    }
    return any;
}

void tree_stat(const struct node *node, struct file_stat *stat) {
    static const uint32_t type[] = {
        [NODE_FILE] = S_IFREG,
        [NODE_DIRECTORY] = S_IFDIR,
        [NODE_NULL] = S_IFCHR,
        [NODE_ZERO] = S_IFCHR,
    };
    *stat = (struct file_stat){.inode = node->inode,
                               .size = node->content.size,
                               .modified = node->modified,
                               .mode = type[node->type] | node->mode,
                               .links = node->parent != NULL || node == tree_root};
}

/* ---- The initrd ------------------------------------------------------------------------------ */

/* Make every directory above the last part of PATH that is not there yet. */
static int directories_create(struct path path) {
    struct node *node;
    for (uint32_t i = 1; i < path.length; i++) {
        if (path.text[i] == '/') {
            int error = tree_create((struct path){path.text, i}, NODE_DIRECTORY, 0755, &node);
            if (error != 0 && error != EEXIST) {
                return error;
            }
        }
    }
    return 0;
}

/* "./bin/ls", "bin/ls" or "/bin/ls" as an absolute path in BUFFER; length 0: the root itself. */
static struct path entry_path(const struct cpio_entry *entry, char *buffer, size_t size) {
    const char *name = entry->name;
    name += strncmp(name, "./", 2) == 0 ? 2 : 0;
    while (*name == '/') {
        name++;
    }
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] == '/') {
        length--;
    }
    if (length == 0 || length + 1 > size || strcmp(name, ".") == 0) {
        return (struct path){buffer, 0};
    }
    buffer[0] = '/';
    memcpy(buffer + 1, name, length);
    return (struct path){buffer, (uint32_t)length + 1};
}

static int entry_add(const struct cpio_entry *entry) {
    char buffer[1024];
    struct path path = entry_path(entry, buffer, sizeof buffer);
    bool directory = CPIO_TYPE(entry->mode) == CPIO_DIRECTORY;
    if (path.length == 0 || (!directory && CPIO_TYPE(entry->mode) != CPIO_FILE)) {
        return 0;
    }
    struct node *node;
    int error = directories_create(path);
    if (error == 0) {
        error = tree_create(path, directory ? NODE_DIRECTORY : NODE_FILE, entry->mode, &node);
    }
    if (error == 0 && !directory && entry->length <= CONTENT_LIMIT) {
        node->content = (struct content){
            .image = entry->data, .image_length = entry->length, .size = entry->length};
        node->changed = false;
    }
    /* A name twice, or one that no path can say, is not worth losing the others for. */
    return error == ENOSPC ? error : 0;
}

static int devices_create(void) {
    static const struct {
        const char *path;
        enum node_type type;
    } devices[] = {{"/dev", NODE_DIRECTORY},
                   {"/dev/null", NODE_NULL},
                   {"/dev/zero", NODE_ZERO},
                   {"/tmp", NODE_DIRECTORY}};
    struct node *node;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct path path = {devices[i].path, (uint32_t)strlen(devices[i].path)};
        uint32_t mode = devices[i].type == NODE_DIRECTORY ? 0755 : 0666;
        int error = tree_create(path, devices[i].type, mode, &node);
        if (error != 0 && error != EEXIST) {
            return error;
        }
    }
    return 0;
}

int tree_initialize(const void *start, size_t length) {
    struct cpio_archive archive;
    struct cpio_entry entry;
    enum cpio_result result;
    tree_root = node_create(NODE_DIRECTORY, 0755);
    if (tree_root == NULL) {
        return ENOSPC;
    }
    cpio_open(&archive, start, length);
    while ((result = cpio_next(&archive, &entry)) == CPIO_ENTRY) {
        int error = entry_add(&entry);
        if (error != 0) {
            return error;
        }
    }
    initrd_inodes = next_inode - 1;
    return result == CPIO_END ? devices_create() : EINVAL;
}
