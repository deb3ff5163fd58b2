/* SPDX-License-Identifier: MIT */
/*
 * What clients and the file and console servers say to each other. A file descriptor is the index
 * of a session handle; whatever stands behind it (file, directory, pipe end, console) answers the
 * same FILE_* labels, so that read(), write() and fstat() never ask what they talk to.
 *
 * Rules for all labels:
 *   - struct message: LABEL says what is wanted; the reply's label is 0 or an errno number of
 *     newlib's <errno.h>. A label that the object does not know is answered with ENOSYS; one that
 *     makes no sense for it (FILE_SEEK on a pipe) with the errno that POSIX has for the case.
 *   - "bytes" are what send_buffer / receive_buffer carry: at most MESSAGE_BYTES each way.
 *   - A path is absolute, without "." and "..", without a slash at its end (but "/" itself), and
 *     not terminated by a zero byte. The library makes it so; the server refuses what is not.
 *   - Calls with a path go to HANDLE_FILES. All others go to the session that FILE_OPEN or
 *     FILE_PIPE gave.
 *   - The file offset belongs to the session: duplicated and inherited descriptors share it.
 *   - The last close of a session reaches the server as MESSAGE_CLOSED.
 *   - Reads and writes of few bytes may be short messages instead: enum small_label. A server that
 *     does not know these answers ENOSYS, as always, and is asked with a struct message.
 *   - A server may end at any time and be started again behind the same sessions
 *     (docs/servers.md). The new instance answers what it does not know, such as files that its
 *     predecessor had open, with EIO.
 * Clients: user/lib/posix_files.c, posix_small.c, service.c. Servers: user/servers/files.c, console.c, names.c.
 */
#ifndef QUARTET_PROTOCOL_H
#define QUARTET_PROTOCOL_H

#include <stdint.h>

enum file_label {
    /* in: word[0] O_* flags of <fcntl.h>, word[1] mode for O_CREAT, bytes: path.
     * out: handle[0], the session. A directory may be opened with O_RDONLY only (else EISDIR). */
    FILE_OPEN = 1,

    /* in: word[0] bytes wanted (at most MESSAGE_BYTES), word[1] offset, or FILE_HERE.
     * out: bytes; none at the end of the file. word[0] FILE_MORE if no later read has to wait. A pipe
     * and the console ignore the offset, and do not reply before there is a byte, or no writer left,
     * or (console, cooked) a whole line; a pipe end with O_NONBLOCK answers EAGAIN instead. With
     * FILE_HERE the session's offset moves on. */
    FILE_READ,

    /* in: bytes, word[0] offset, or FILE_HERE (with O_APPEND: the end). out: word[0] bytes written,
     * at least one unless none were given. A pipe without a reader: EPIPE. */
    FILE_WRITE,

    /* in: word[0] signed offset, word[1] SEEK_SET, SEEK_CUR or SEEK_END. out: word[0] the new
     * offset. */
    FILE_SEEK,

    /* in: bytes: path (to HANDLE_FILES), or no bytes (to a session: what it has open).
     * out: bytes: struct file_stat. The console says S_IFCHR, a pipe S_IFIFO. */
    FILE_STAT,

    /* Of an open directory, whose offset counts entries from 0 ("." and ".." are not among them).
     * in: word[0] which entry, or FILE_HERE: the session's offset, which then moves on to the next.
     * out: word[0] inode, word[1] mode, bytes: the name; no bytes: the directory ends here. */
    FILE_READ_DIRECTORY,

    /* in: word[0] mode, bytes: path. */
    FILE_MAKE_DIRECTORY,

    /* in: word[0] 0 for a file, 1 for an empty directory, bytes: path. */
    FILE_REMOVE,

    /* in: word[0] length of the old path, bytes: old path, then at once the new path. */
    FILE_RENAME,

    /* in: word[0] new length, of an open file. */
    FILE_TRUNCATE,

    /* in: word[0] O_NONBLOCK or 0. out: handle[0] the end to read from, handle[1] the end to write
     * to. */
    FILE_PIPE,

    /* in: word[0] the flags that the session is to have, of which O_APPEND and O_NONBLOCK count, or
     * FILE_ASK to leave them. out: word[0] the flags before: O_ACCMODE, O_APPEND, O_NONBLOCK. */
    FILE_FLAGS,

    /* in: word[0] events that are wanted (POLL* of <poll.h>; POLLERR and POLLHUP always are).
     * out: word[0] those that hold now, with or without:
     * in: handle[0] a notification (write), word[1] a bit of it, word[2] who asks. If none holds,
     * the server keeps the handle and sets the bit once, when one does, or earlier: then the client
     * asks again. An earlier request for the same session with the same word[2] is replaced. */
    FILE_POLL,

    /* Of an open file: map it into a quarter, whose pager the server becomes (user/servers/files/map.c,
     * docs/files.md). in: handle[0] the quarter (with map, write and the rights), word[0] offset in it,
     * word[1] offset in the file, word[2] length, all in whole pages, word[3] RIGHT_* and FILE_MAP_*.
     * EEXIST: something is mapped there. */
    FILE_MAP,

    /* To HANDLE_FILES: the client has unmapped what it had there. in: handle[0] the quarter (with map
     * and write), word[0] offset in it, word[1] length. */
    FILE_UNMAP,
};

/* A short message reads or writes up to SMALL_BYTES bytes at the session's offset (FILE_HERE): its
 * label is one of these with the number of bytes in its low bits, and its words are the bytes, in the
 * order of memory. The reply's label is how many have been read or written, or SMALL_ERROR. */
enum small_label {
    SMALL_READ = 0x200,
    SMALL_WRITE = 0x240,
};

#define SMALL_BYTES (SHORT_WORDS * (uint32_t)sizeof(uintptr_t))
#define SMALL_LENGTH 0x3Fu
#define SMALL_ERROR(error) ((error) << 8)
#define SMALL_ERRNO(label) ((label) >> 8)

#define FILE_MAP_SHARED 0x100u /* what is written there is written to the file */
#define FILE_MAP_NOW 0x200u    /* bring all pages now, and not one by one */
#define FILE_MAP_ALL 0x307u    /* all that word[3] can have */

/* Beside FILE_READ, FILE_WRITE and FILE_STAT, console sessions know: */
enum console_label {
    /* in: up to four process handles (with write), word[0] 0: these are the foreground, 1: these
     * too. Ctrl-C kills the foreground processes with code 2. No handles and 0: nobody. EINVAL (no
     * process), EACCES (no write), ENOSPC (there are 32): nothing has changed. */
    CONSOLE_SET_FOREGROUND = 64,

    /* in: word[0] CONSOLE_* bits, or CONSOLE_ASK to leave them. out: word[0] the bits before. */
    CONSOLE_MODE,

    /* The graphics screen, to draw on (docs/screen.md). out: handle[0] a session that has it: its last
     * close, also by the client's death, gives it back. handle[1] a quarter of slot 2 (read, write,
     * map), where it is mapped, with word[0] the offset of the first pixel; bytes: struct
     * info_framebuffer. What clients write meanwhile appears when it is given back. The server can take
     * it away: then the quarter is empty. ENODEV: there is none; EBUSY: another one draws. */
    CONSOLE_SCREEN,
};

/* To HANDLE_NAMES. Whoever may look up may not register: which names there are is init's table, and
 * the sessions behind them are given to the name server when it starts. */
enum names_label {
    /* in: word[0] RIGHT_* wanted (transfer comes along), bytes: the name. out: handle[0], a session
     * with the service, with those rights that the table allows. ENOENT: no such name; ENXIO: init
     * has given the service up, or left it out. */
    NAMES_LOOK_UP = 96,

    /* in: word[0] which, from 0. out: bytes: struct service_state; none: there are no more. */
    NAMES_LIST,

    /* Refused with EPERM. */
    NAMES_REGISTER,
};

enum service_phase { SERVICE_RUNNING = 1, SERVICE_WAITING, SERVICE_GIVEN_UP, SERVICE_LEFT_OUT };

/* One of init's servers. */
struct service_state {
    char name[16];
    uint32_t phase;    /* enum service_phase */
    uint32_t pid;      /* 0: it does not run */
    uint32_t restarts; /* since boot */
    uint32_t reserved;
};

/* To a session with the service "loader". */
enum loader_label {
    /* in: word[0] bit N: the quarter for slot N is wanted, bytes: the path. out: word[0] the entry
     * point, word[1] and word[2]: the slots for which there are handles, in ascending order. Those in
     * word[1] are shared with all who run this program, and can only be attached (read, execute,
     * map). Those in word[2] are as the program finds them when it starts: whoever starts it makes a
     * copy (read, duplicate), which is then its own, and paid by it. ENOEXEC: it is no program;
     * ENOSPC: there is no room for it in the loader; else an errno of the file. */
    LOADER_LOAD = 112,
};

/* The badges of the sessions that init makes; all others are made by the servers. */
#define BADGE_FILES 1u
#define BADGE_CONSOLE 2u
#define BADGE_NAMES 3u
#define BADGE_LOADER 4u

/* What the name server has beside its endpoint: the board (user/servers/board.h), and from
 * NAMES_FIRST on a session for each name of its arguments. */
#define NAMES_BOARD 8
#define NAMES_FIRST 9

/* What the file server has beside its endpoint: a quarter that init keeps for the next instance. */
#define FILES_MAPS 9
#define FILES_MAPS_SIZE (2u * 4096)

#define FILE_HERE UINT64_MAX
#define FILE_ASK UINT64_MAX
#define FILE_MORE 1u

#define CONSOLE_COOKED 1u /* lines, with erase and Ctrl-D; else each byte as it comes */
#define CONSOLE_ECHO 2u
#define CONSOLE_KILL 4u /* Ctrl-C kills the foreground; else it is a byte like others */
#define CONSOLE_NORMAL (CONSOLE_COOKED | CONSOLE_ECHO | CONSOLE_KILL)
#define CONSOLE_ASK UINT64_MAX

struct file_stat {
    uint64_t inode;
    uint64_t size;
    uint64_t modified; /* nanoseconds since boot */
    uint32_t mode;     /* S_IF* and permissions of <sys/stat.h> */
    uint32_t links;
};

#endif
