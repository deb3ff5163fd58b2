/* SPDX-License-Identifier: MIT */
/* <poll.h>, which newlib does not have. The bits are those of FILE_POLL too (user/lib/protocol.h).
 * user/lib/posix_poll.c */
#ifndef QUARTET_POLL_H
#define QUARTET_POLL_H

#define POLLIN 0x001
#define POLLPRI 0x002 /* never happens */
#define POLLOUT 0x004
#define POLLERR 0x008
#define POLLHUP 0x010
#define POLLNVAL 0x020
#define POLLRDNORM 0x040
#define POLLRDBAND 0x080 /* never happens */
#define POLLWRNORM 0x100
#define POLLWRBAND 0x200 /* never happens */

typedef unsigned nfds_t;

struct pollfd {
    int fd;
    short events, revents;
};

int poll(struct pollfd *descriptors, nfds_t count, int milliseconds);

#endif
