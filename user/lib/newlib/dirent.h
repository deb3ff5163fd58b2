/* SPDX-License-Identifier: MIT */
/*
 * <sys/dirent.h>: the part of <dirent.h> that newlib leaves to each system. It becomes part of the
 * C library when that is built (tools/make/build-newlib). newlib's opendir() and readdir() fill
 * these; the entries come from getdents() in user/lib/posix_files.c.
 */
#ifndef _SYS_DIRENT_H
#define _SYS_DIRENT_H

#include <sys/lock.h>
#include <sys/types.h>

#define HAVE_DD_LOCK
#define MAXNAMLEN 255

#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_REG 8

struct dirent {
    ino_t d_ino;
    off_t d_off;
    unsigned short d_reclen; /* bytes of this entry, a multiple of 8 */
    unsigned char d_type;    /* DT_* */
    char d_name[MAXNAMLEN + 1];
};

typedef struct {
    int dd_fd;
    long dd_loc; /* of the next entry in dd_buf */
    long dd_seek;
    long dd_size; /* bytes in dd_buf */
    char *dd_buf;
    int dd_len; /* room in dd_buf */
    _LOCK_RECURSIVE_T dd_lock;
} DIR;

#define __dirfd(directory) ((directory)->dd_fd)

#endif
