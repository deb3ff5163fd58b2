/* SPDX-License-Identifier: MIT */
/*
 * What kernel and user programs must agree on: plans, rights, pseudo-handles and the structures
 * that system calls take. Every structure has the same layout on both kernels: fixed-width fields
 * only, user pointers as 64-bit numbers, 64-bit fields 8-byte aligned. The calls themselves stand
 * in syscalls.def, the errors in errors.def.
 */
#ifndef QUARTET_ABI_H
#define QUARTET_ABI_H

#include <stdint.h>

enum quartet_error {
    E_OK = 0,
#define ERROR(name, code, sentence) name = code,
#include "errors.def"
#undef ERROR
};

/* ---- Slots and quarters ---------------------------------------------------------------------- */

#define SLOT_COUNT 4u
#define SLOT_SHIFT 30
#define QUARTER_SIZE (1u << SLOT_SHIFT)
#define PAGE_SHIFT 12
#define PAGE_SIZE (1u << PAGE_SHIFT)
#define SLOT_BASE(slot) ((uint32_t)(slot) << SLOT_SHIFT)
#define SLOT_OF(address) ((uint32_t)(address) >> SLOT_SHIFT)
#define SLOT_OFFSET(address) ((uint32_t)(address) & (QUARTER_SIZE - 1))

/* ---- Plans: two bits for each slot, slot 0 in bits 1:0 (the one definition of the encoding) -- */

#define PLAN_SHARE 0u
#define PLAN_COPY 1u
#define PLAN_FRESH 2u
#define PLAN_NONE 3u
#define PLAN(slot0, slot1, slot2, slot3) ((slot0) | (slot1) << 2 | (slot2) << 4 | (slot3) << 6)
#define PLAN_FOR_SLOT(plan, slot) ((plan) >> (2 * (slot)) & 3u)
/* Beside the plan byte, in process_clone's first argument: */
#define CLONE_STOPPED 0x100u /* the child does not run until space_set starts it */
/* If it ends by a fault, its status tells, and no line on the console. */
#define CLONE_QUIET 0x200u
#define CLONE_BARE 0x400u /* it has no handles; handle_give puts some into a stopped one */
#define CLONE_FLAGS (CLONE_STOPPED | CLONE_QUIET | CLONE_BARE)

/* ---- Handles and rights ---------------------------------------------------------------------- */

#define RIGHT_READ 1u
#define RIGHT_WRITE 2u
#define RIGHT_EXECUTE 4u
#define RIGHT_MAP 8u /* change regions; attach */
#define RIGHT_DUPLICATE 16u
#define RIGHT_TRANSFER 32u
#define RIGHTS_ALL 63u
/* Beside the rights, in quarter_map: pages that are absent are asked of the quarter's pager. */
#define MAP_PAGED 0x100u

#define QUARTET_NONE (-1)                      /* no handle */
#define QUARTET_ANY (-2)                       /* process_wait: any child */
#define QUARTET_SELF (-3)                      /* the calling process */
#define QUARTET_KEEP (-4)                      /* space_set: leave this slot as it is */
#define QUARTET_SLOT(slot) (-16 - (int)(slot)) /* the quarter in this slot of the caller */
/* handle_dup: the lowest free index from INDEX on that is not one of HANDLE_FILES.. below. */
#define QUARTET_FROM(index) (-256 - (int)(index))

/* Handles that a program finds in place when it starts. New handles get indexes from
 * HANDLE_FIRST. */
#define HANDLE_STDIN 0
#define HANDLE_STDOUT 1
#define HANDLE_STDERR 2
#define HANDLE_FILES 3   /* session with the file server */
#define HANDLE_SYSTEM 4  /* the machine: console, information, power */
#define HANDLE_CONSOLE 5 /* session with the console server */
#define HANDLE_SERVICE 6 /* a server: the endpoint that it receives on */
#define HANDLE_NAMES 7   /* session with the name server */
#define HANDLE_FIRST 8
#define HANDLE_LIMIT 256 /* indexes 0..HANDLE_LIMIT-1 */

enum object_type {
    OBJECT_QUARTER = 1,
    OBJECT_PROCESS,
    OBJECT_ENDPOINT,
    OBJECT_SESSION,
    OBJECT_SYSTEM,
    OBJECT_NOTIFICATION,
    OBJECT_INTERRUPT,
    OBJECT_PORTS,
    OBJECT_DEVICE,
    OBJECT_CONSOLE,
};

struct handle_stat {
    uint32_t type;    /* enum object_type */
    uint32_t rights;  /* RIGHT_* */
    uint64_t id;      /* sub-ID, process ID, badge, line, first port, address; 0 for others */
    uint32_t private; /* 1: it goes with the program, see handle_private */
    uint32_t reserved;
};

struct quarter_stat {
    uint64_t sub_id;
    uint32_t slot;
    uint32_t references; /* spaces and handles that refer to it */
    uint32_t resident;   /* pages present, shared or not (4 KiB units) */
    uint32_t tables;     /* page-table pages reachable, shared or not */
    uint32_t regions;
    uint32_t view; /* rights through which the caller sees it */
};

/* ---- space_set ------------------------------------------------------------------------------- */

#define SPACE_START 1u   /* then continue (or start a stopped process) at entry, sp, arg */
#define SPACE_CONSUME 2u /* close the quarter handles on success */

struct space_change {
    int32_t process;    /* QUARTET_SELF, or a stopped process (needs map) */
    uint32_t flags;     /* SPACE_* */
    int32_t quarter[4]; /* for each slot a quarter handle, QUARTET_KEEP or QUARTET_NONE */
    uint32_t rights[4]; /* RIGHT_READ|WRITE|EXECUTE: the view; at most what the handle has */
    uint32_t entry, sp, arg;
    char name[32]; /* with SPACE_START: the process name from now on, if not empty */
    uint32_t reserved;
};

/* ---- Processes ------------------------------------------------------------------------------- */

#define PRIORITY_LEVELS 32u
#define PRIORITY_DEFAULT 16u
#define FUTEX_FOREVER 0xFFFFFFFFu
#define THREAD_ANY_CPU 0xFFFFFFFFu
#define WAIT_NOHANG 1u

#define STATUS_CODE(status) (0xFFu & (status))
#define STATUS_KILLED 0x100u /* ended by process_kill */
#define STATUS_FAULT 0x200u  /* ended by a fault that nothing answered; code: enum fault_reason */

enum fault_reason {
    FAULT_NO_QUARTER = 1, /* nothing is attached in that slot */
    FAULT_NO_REGION,      /* no region covers the address */
    FAULT_RIGHTS,         /* the region or the view forbids the access */
    FAULT_NO_MEMORY,      /* no memory or budget left to serve it */
    FAULT_KERNEL_ADDRESS, /* a user access above the user addresses */
    FAULT_EXCEPTION,      /* another processor exception (divide, opcode, ...) */
    FAULT_NO_PAGER,       /* the page must come from a pager, and the quarter has none */
    FAULT_PAGER_GONE,     /* the pager ended, or lost what it needs to answer */
    FAULT_PAGER_REFUSED,  /* the pager answered PAGER_REFUSE */
    FAULT_PAGER_NONSENSE, /* the pager's answer cannot be followed */
    FAULT_PAGER_SELF,     /* the process receives the pager's messages itself */
};

struct process_status {
    uint32_t pid;
    int32_t handle;  /* the handle that named it, or QUARTET_NONE */
    uint32_t status; /* STATUS_* */
    uint32_t fault_address;
};

struct process_limits { /* 0: leave this limit as it is */
    uint32_t frames;
    uint32_t processes;
    uint32_t threads;
    uint32_t quarters;
};

/* ---- Messages -------------------------------------------------------------------------------- */

#define MESSAGE_BYTES 4096u
#define MESSAGE_HANDLES 4u
#define MESSAGE_CALL 0u   /* kind: somebody calls */
#define MESSAGE_CLOSED 1u /* kind: the last handle to the badge's session is gone; no reply */
#define MESSAGE_FAULT 2u  /* kind: the kernel calls: a page is wanted (see Pagers) */

struct message {
    uint32_t label; /* free for the protocol */
    uint32_t kind;  /* set by receive: MESSAGE_CALL or MESSAGE_CLOSED */
    uint64_t word[4];
    uint64_t badge;    /* set by receive: of the session, 0 for the endpoint itself */
    uint64_t token;    /* set by receive, given back to reply */
    int32_t handle[4]; /* sent: duplicated for the other side (needs transfer); received: indexes */
    uint32_t handle_count;
    uint32_t send_length;    /* bytes at send_buffer to send, at most MESSAGE_BYTES */
    uint32_t receive_size;   /* room at receive_buffer */
    uint32_t receive_length; /* set on return: bytes received (too many: E_TOOBIG for the sender) */
    uint64_t send_buffer;
    uint64_t receive_buffer;
    uint32_t timeout; /* microseconds that a call or receive may last, then E_TIMEOUT; 0: any */
    uint32_t reserved;
    uint64_t lend; /* a struct message_lend, or 0: no quarter comes or goes */
};

/* Quarters that come and go with a message, at most one for each slot. In a call they are lent:
 * until the reply they stand in the receiver's slots; or given. In a reply they can be given only. */
struct message_lend {
    int32_t quarter[4]; /* sent: for each slot a handle (needs map and RIGHTS), or QUARTET_NONE */
    uint32_t rights[4]; /* RIGHT_READ|WRITE|EXECUTE: the view that the receiver gets */
    uint32_t give;      /* bit s: given for good; from the sender's slot, if it stands there, too */
    uint32_t accept;    /* bit s: what is received may bring a quarter in slot s, else E_REFUSED */
    uint32_t received;  /* set on return: those that have come */
    uint32_t reserved;
};

/* A short message: a label and these, in registers. Words are as wide as the machine's. */
#define SHORT_WORDS 3u
struct short_message {
    uintptr_t word[SHORT_WORDS];
    uintptr_t badge; /* set by receive */
};

/* Labels of short messages are below these, which a short receive returns for a MESSAGE_CLOSED, and
 * for a long message that stands where ipc_room says. */
#define SHORT_CLOSED 0x7FFFFFFF
#define SHORT_LONG 0x7FFFFFFE
#define SHORT_LABEL_LIMIT (SHORT_LONG - 1u)

/* The token of a caller that ipc_keep_receive_short keeps under KEY. No other token has this bit. */
#define KEPT_TOKEN(key) ((uint64_t)1 << 63 | (key))

/* ---- Notifications --------------------------------------------------------------------------- */

#define NOTIFICATION_BITS 0x7FFFFFFFu /* a result of calls: never negative */

/* ---- Pagers ----------------------------------------------------------------------------------
 *
 * A fault that a quarter's pager must answer is a call to it, of kind MESSAGE_FAULT, which no
 * program can send:
 *
 *     label PAGER_FAULT   word[0] sub-ID   word[1] offset of the page   word[2] RIGHT_* of the access
 *                         word[3] thread ID    badge: of the session that the quarter was given
 *
 * The reply's label is one of the others:
 *
 *     MOVE, COPY, SHARE   handle[0] a quarter   word[0] offset in it   word[1] pages
 *                         word[2] rights of the region to add where there is none, or 0
 *     RETRY               nothing more: the access is tried again
 *     REFUSE              the process ends with FAULT_PAGER_REFUSED */
enum pager_label {
    PAGER_FAULT = 0x1000,
    PAGER_MOVE,  /* the pages leave the source (its handle: read and write) */
    PAGER_COPY,  /* copy-on-write: either side's writes are its own (read) */
    PAGER_SHARE, /* both see what the other writes, and so do their copies (read and write) */
    PAGER_RETRY,
    PAGER_REFUSE,
};

/* quarter_supply_pages: the same without a fault. */
struct page_supply {
    int32_t to, from;             /* quarters */
    uint32_t offset, from_offset; /* of the first page in each */
    uint32_t pages;
    uint32_t mode;   /* PAGER_MOVE, PAGER_COPY or PAGER_SHARE */
    uint32_t rights; /* of the region to add where there is none, or 0 */
    uint32_t reserved;
};

/* ---- Devices --------------------------------------------------------------------------------- */

struct device_range {
    uint64_t physical, length; /* bytes; whole pages */
};

/* ---- system_info ----------------------------------------------------------------------------- */

enum info_kind {
    INFO_MACHINE = 1,  /* struct info_machine */
    INFO_PROCESS,      /* struct info_process; in: pid = look from this ID upwards */
    INFO_REGION,       /* struct info_region; in: pid, slot, index */
    INFO_COMMAND_LINE, /* char[length]: the kernel's command line */
    INFO_CPU,          /* struct info_cpu; in: number; E_NOTFOUND past the last */
    INFO_FRAMEBUFFER,  /* struct info_framebuffer; E_NOTFOUND: the machine shows text, or nothing */
};

/* Why translations of a quarter were shot down. */
enum shootdown_cause {
    CAUSE_UNMAP,      /* quarter_unmap */
    CAUSE_PROTECT,    /* quarter_protect took rights */
    CAUSE_COPY,       /* a COPY write-protected its source */
    CAUSE_PAGE_COPY,  /* a page got a frame of its own */
    CAUSE_TABLE_COPY, /* a page table did */
    CAUSE_SPLIT,      /* a 2 MiB page became 4 KiB pages */
    CAUSE_SUPPLY,     /* pages were moved out, or are shared copy-on-write from now on */
    CAUSE_COUNT
};

/* What happened to address translation, counted on each CPU for itself. */
struct info_translation {
    uint64_t shootdowns[8];    /* by enum shootdown_cause: begun by this CPU */
    uint64_t interrupts_sent;  /* to other CPUs, for them */
    uint64_t interrupts_saved; /* that telling every other CPU would have sent beyond those */
    uint64_t invalidations;    /* ranges or whole tags that this CPU forgot for itself or others */
    uint64_t catch_ups;        /* loads that found a quarter's generation ahead */
    uint64_t loads_kept;       /* of another space's root, cached translations kept */
    uint64_t loads_flushed;    /* forgotten */
    uint64_t loads_skipped;    /* switches between equal spaces: nothing loaded */
    uint64_t digits_evicted;   /* hot quarters that had to make room */
    uint64_t global_flushes;   /* everything forgotten, for the commons */
};

struct info_machine {
    char arch[8];
    char features[120]; /* what is used, as the boot line says */
    uint64_t uptime;    /* nanoseconds */
    uint32_t cpus;
    uint32_t frames; /* 4 KiB frames the kernel manages */
    uint32_t frames_free;
    uint32_t frames_high; /* of frames: above the kernel's direct map */
    uint32_t frames_high_free, reserved;
    uint32_t processes, threads, quarters, spaces;
    uint64_t page_faults, zero_fills, page_copies, page_reclaims;
    uint64_t table_copies, table_reclaims, large_fills, large_splits, spurious_faults;
    uint64_t switches, steals, system_calls, lock_waits;
    uint64_t pager_faults, pages_supplied; /* asked of pagers; moved, copied or shared */
    struct info_translation translation;   /* of all CPUs */
};

#define CPU_IDLE 0u /* pid of a CPU that runs no process */
#define TAG_DIGITS 7u

struct info_cpu {
    uint32_t number; /* in */
    uint32_t pid;    /* of the process that runs there now, or CPU_IDLE */
    uint64_t space;  /* identity of the space that is loaded; 0: the kernel's */
    uint32_t tag;    /* it is loaded under: four octal digits, slot 3 first */
    uint32_t tags;   /* how many there are; 0: this machine's CPUs tag nothing */
    uint64_t switches, steals, system_calls, lock_waits, interrupts_received, page_faults;
    uint64_t ready; /* threads that wait for this CPU */
    struct info_translation translation;
    uint64_t hot[4][TAG_DIGITS]; /* hot[slot][digit - 1]: sub-ID, 0: the digit is free */
};

struct info_slot {
    uint64_t sub_id;                               /* 0: nothing there */
    uint32_t references;                           /* spaces and handles */
    uint32_t view;                                 /* RIGHT_* of the attachment */
    uint32_t resident, tables, regions, processes; /* processes: how many have it in this slot */
    uint32_t commons;                              /* 1: its translations are global */
    uint32_t reserved;
    uint64_t running; /* mask of the CPUs that run it now */
    uint64_t faults, shootdowns, interrupts_sent, interrupts_saved;
};

struct info_process {
    uint32_t pid; /* in: lowest ID wanted; out: the ID found */
    uint32_t parent;
    uint32_t threads, priority;
    uint32_t state; /* 0 ready or running, 1 waiting, 2 stopped, 3 ended */
    uint32_t handles;
    uint64_t cpu_time; /* nanoseconds */
    uint64_t space;    /* identity of its space */
    uint64_t running;  /* mask of the CPUs that run its threads now */
    char name[32];
    struct info_slot slot[4];
    uint32_t creator; /* its first parent, which may have ended */
};

struct info_region {
    uint32_t pid, slot, index; /* in */
    uint32_t start, end;       /* offsets in the quarter */
    uint32_t rights;
    uint32_t kind;     /* 0 anonymous, 1 boot image, 2 paged, 3 device */
    uint32_t resident; /* pages present in it */
    uint32_t shared;   /* of those: with another quarter, copy-on-write */
    uint32_t large;    /* 2 MiB pages in it */
};

/* The graphics screen as the loader has set it up: lines of pixels, PITCH bytes apart. A colour of a
 * pixel has BITS bits from bit SHIFT on. */
struct info_framebuffer {
    uint64_t address;              /* physical, of the upper left pixel */
    uint32_t pitch, width, height; /* bytes, pixels, pixels */
    uint32_t depth;                /* bits of a pixel: 15, 16, 24 or 32 */
    uint8_t red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
    uint8_t reserved[2];
};

#endif
