/* SPDX-License-Identifier: MIT */
/*
 * Time the POSIX way. The machine's calendar is not read: all clocks count from the start of the
 * kernel.
 */
#include <errno.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define NANOSECONDS 1000000000u

int clock_gettime(clockid_t clock, struct timespec *time) {
    uint64_t now;
    (void)clock;
    if (posix_result(clock_now(&now)) < 0)
        return -1;
    time->tv_sec = (time_t)(now / NANOSECONDS);
    time->tv_nsec = (long)(now % NANOSECONDS);
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) < 0)
        return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

/* The kernel takes 32 bits of microseconds, a little over an hour. */
static int sleep_microseconds(uint64_t microseconds) {
    while (microseconds > 0) {
        uint32_t part = microseconds < 0x80000000u ? (uint32_t)microseconds : 0x80000000u;
        if (posix_result(thread_sleep(part)) < 0)
            return -1;
        microseconds -= part;
    }
    return 0;
}

int nanosleep(const struct timespec *wanted, struct timespec *left) {
    if (wanted->tv_sec < 0 || wanted->tv_nsec < 0 || wanted->tv_nsec >= (long)NANOSECONDS) {
        errno = EINVAL;
        return -1;
    }
    if (left != NULL)
        *left = (struct timespec){0, 0};
    return sleep_microseconds((uint64_t)wanted->tv_sec * 1000000 +
                              ((uint64_t)wanted->tv_nsec + 999) / 1000);
}

int usleep(useconds_t microseconds) { return sleep_microseconds(microseconds); }

unsigned sleep(unsigned seconds) {
    sleep_microseconds((uint64_t)seconds * 1000000);
    return 0;
}

/* The processor time of this process, if it may ask; it is not split into user's and kernel's. */
static uint64_t processor_time(void) {
    struct info_process info = {.pid = (uint32_t)getpid()};
    long result = system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof(info));
    return result >= 0 ? info.cpu_time : 0;
}

clock_t times(struct tms *times) {
    uint64_t now;
    if (posix_result(clock_now(&now)) < 0)
        return (clock_t)-1;
    uint64_t used = processor_time() / (NANOSECONDS / CLOCKS_PER_SEC);
    *times = (struct tms){.tms_utime = (clock_t)used};
    return (clock_t)(now / (NANOSECONDS / CLOCKS_PER_SEC));
}
