/* SPDX-License-Identifier: MIT */
/*
 * Errors of the kernel in words and as errno, and the status of ended processes. The list itself is
 * abi/errors.def.
 */
#include <errno.h>
#include <signal.h>

#include "internal.h"

#define ERROR_COUNT (sizeof(errors) / sizeof(errors[0]))

static const struct {
    const char *name, *text;
} errors[] = {
    [E_OK] = {"E_OK", "no error"},
#define ERROR(name, code, sentence) [code] = {#name, sentence},
#include "abi/errors.def"
#undef ERROR
};

static unsigned long magnitude(long error) {
    return error < 0 ? -(unsigned long)error : (unsigned long)error;
}

const char *quartet_error_name(long error) {
    return magnitude(error) < ERROR_COUNT ? errors[magnitude(error)].name : "E_?";
}

const char *quartet_error_text(long error) {
    return magnitude(error) < ERROR_COUNT ? errors[magnitude(error)].text
                                          : "an error without a name";
}

int quartet_errno(long error) {
    static const unsigned char map[] = {
        [E_INVALID] = EINVAL,  [E_FAULT] = EFAULT, [E_HANDLE] = EBADF,      [E_RIGHTS] = EACCES,
        [E_TYPE] = EBADF,      [E_NOMEM] = ENOMEM, [E_LIMIT] = EAGAIN,      [E_EXISTS] = EEXIST,
        [E_NOTFOUND] = ENOENT, [E_AGAIN] = EAGAIN, [E_TIMEOUT] = ETIMEDOUT, [E_KILLED] = EINTR,
        [E_DEAD] = EPIPE,      [E_BUSY] = EBUSY,   [E_RANGE] = EINVAL,      [E_ALIGN] = EINVAL,
        [E_NOSYS] = ENOSYS,    [E_SLOT] = EINVAL,  [E_TOOBIG] = E2BIG,
    };
    unsigned long code = magnitude(error);
    return code < sizeof(map) && map[code] != 0 ? map[code] : EIO;
}

long posix_result(long result) {
    if (result >= 0)
        return result;
    errno = quartet_errno(result);
    return -1;
}

const char *quartet_fault_text(uint32_t reason) {
    static const char *const texts[] = {
        [FAULT_NO_QUARTER] = "nothing is attached in that slot",
        [FAULT_NO_REGION] = "no region covers the address",
        [FAULT_RIGHTS] = "the region or the view forbids the access",
        [FAULT_NO_MEMORY] = "there is no memory left to serve it",
        [FAULT_KERNEL_ADDRESS] = "the address is the kernel's",
        [FAULT_EXCEPTION] = "a processor exception",
        [FAULT_NO_PAGER] = "the page must come from a pager, and there is none",
        [FAULT_PAGER_GONE] = "the pager is gone",
        [FAULT_PAGER_REFUSED] = "the pager refuses the page",
        [FAULT_PAGER_NONSENSE] = "the pager's answer cannot be followed",
        [FAULT_PAGER_SELF] = "the process is its own pager",
    };
    return reason < sizeof(texts) / sizeof(texts[0]) && texts[reason] ? texts[reason]
                                                                      : "an unknown reason";
}

int quartet_shell_status(uint32_t status) {
    if (status & STATUS_FAULT)
        return 128 + SIGSEGV;
    if (status & STATUS_KILLED)
        return (int)((128 + STATUS_CODE(status)) & 0xFF);
    return (int)STATUS_CODE(status);
}
