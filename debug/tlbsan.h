/* SPDX-License-Identifier: MIT */
/*
 * TLBSAN, in debug builds (TLBSAN defined): finds missing invalidations on the real kernel, whatever
 * the processor does with its TLB. It keeps books of its own, by what was done to entries and by the
 * invalidations that the processor was given, not by what the protocol believes:
 *
 *     downgrade   under a quarter's lock: entries of a range lost rights or changed their frame
 *     shadow      for each CPU, tag and slot: of which quarter translations may be cached, and up to
 *                 which generation they have been forgotten
 *
 * A quarter that is unlocked with a downgrade and no shootdown since; a frame that is freed before
 * the shootdown; a CPU that enters the kernel from user mode, or loads a kept tag, with a shadow
 * behind the last downgrade: each is a panic that names the line that downgraded and the CPU that
 * never flushed. Without TLBSAN everything here is nothing, and the arch_ functions are meant as
 * they stand. Include it last. (tlbsan.c)
 */
#ifndef DEBUG_TLBSAN_H
#define DEBUG_TLBSAN_H

#include "kernel/vm/quarter.h"

#ifdef TLBSAN

struct space;

int tlbsan_initialise(void); /* on each CPU, before its first space. 0 or E_NOMEM */
void tlbsan_downgrade(struct quarter *quarter, u32 offset, u32 pages, const char *file, u32 line);
void tlbsan_frame(const struct quarter *quarter, frame_t frame, const char *file, u32 line);
void tlbsan_frame_freed(frame_t frame);
void tlbsan_shot(struct quarter *quarter);   /* all CPUs have answered; lock held */
void tlbsan_unlock(struct quarter *quarter); /* before the lock goes */
void tlbsan_check_user(void);
void tlbsan_root_load(const struct space *space, u32 tag, bool keep);
void tlbsan_invalidate(u32 address, u32 pages);
void tlbsan_tag_invalidate(u32 tag, u32 address, u32 pages);
void tlbsan_invalidate_all(void);

#define tlbsan_root_load_untagged(space) tlbsan_root_load(space, 0, false)
/* Entries of PAGES pages at OFFSET (PAGES 0: the whole quarter) have lost rights or moved. */
#define TLBSAN_DOWNGRADE(quarter, offset, pages) \
    tlbsan_downgrade(quarter, offset, pages, __FILE__, __LINE__)
/* No entry of QUARTER refers to FRAME any more. */
#define TLBSAN_FRAME(quarter, frame) tlbsan_frame(quarter, frame, __FILE__, __LINE__)
/* In place of the functions of the same name, which each of them calls. */
#define arch_invalidate(address, pages) tlbsan_invalidate(address, pages)
#define arch_tag_invalidate(tag, address, pages) tlbsan_tag_invalidate(tag, address, pages)
#define arch_invalidate_all() tlbsan_invalidate_all()

#else

static inline int tlbsan_initialise(void) { return 0; }
static inline void tlbsan_frame_freed(frame_t frame) { (void)frame; }
static inline void tlbsan_shot(struct quarter *quarter) { (void)quarter; }
static inline void tlbsan_check_user(void) {}
#define TLBSAN_DOWNGRADE(quarter, offset, pages) ((void)0)
#define TLBSAN_FRAME(quarter, frame) ((void)0)
#define tlbsan_root_load_untagged(space) arch_root_load_untagged(&(space)->root)
#define tlbsan_root_load(space, tag, keep) \
    arch_root_load((space) ? &(space)->root : NULL, tag, keep)

#endif

#endif
