/* SPDX-License-Identifier: MIT */
/*
 * A mark in a program that the plugin of tools/tlbsim sees and the processor does not: a NOP with a
 * number in its displacement.
 */
#ifndef WORKLOADS_MARK_H
#define WORKLOADS_MARK_H

#define MARK_BEGIN 0x31
#define MARK_END 0x32
#define MARK_BYTES(number) 0x0F, 0x1F, 0x80, 0x51, 0x54, 0x4D, number /* nopl N(%eax), or (%rax) */

#define MARK_TEXT(...) #__VA_ARGS__
#define MARK_LINE(...) MARK_TEXT(.byte __VA_ARGS__)
#define MARK(number) __asm__ volatile(MARK_LINE(MARK_BYTES(number))::: "memory")

#endif
