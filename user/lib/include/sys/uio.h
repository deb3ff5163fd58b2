/* SPDX-License-Identifier: MIT */
/* <sys/uio.h>, which newlib does not have. user/lib/posix_files.c */
#ifndef QUARTET_SYS_UIO_H
#define QUARTET_SYS_UIO_H

#include <sys/types.h>

struct iovec {
    void *iov_base;
    size_t iov_len;
};

ssize_t readv(int file, const struct iovec *parts, int count);
ssize_t writev(int file, const struct iovec *parts, int count);

#endif
