/* SPDX-License-Identifier: MIT */
/*
 * What the CPU has, found once on the boot CPU, and the control registers that follow from it.
 * Nothing but PAE (and IA-32e mode on long) is assumed: whoever wants to use a feature asks
 * x86_features. What is in there is used; another CPU that lacks any of it cannot run the kernel
 * (hazard 28).
 *
 * Written by x86_features_initialise, read-only afterwards. CR0, CR4, EFER and the PAT are written by
 * x86_features_enable alone, once on each CPU.
 */
#ifndef ARCH_X86_CPU_FEATURES_H
#define ARCH_X86_CPU_FEATURES_H

#include "kernel/base/types.h"

struct x86_features {
    bool no_execute;    /* EFER.NXE set, x86_no_execute_bit not 0 */
    bool global_pages;  /* CR4.PGE set */
    bool smep;          /* CR4.SMEP set */
    bool smap;          /* CR4.SMAP set: user memory only between STAC and CLAC */
    bool umip;          /* CR4.UMIP set */
    bool sysenter;      /* works: not the early Pentium Pro that only claims it */
    bool syscall;       /* EFER.SCE set (long only) */
    bool fxsr;          /* FXSAVE; CR4.OSFXSR set */
    bool sse;           /* CR4.OSFXSR and OSXMMEXCPT set */
    bool machine_check; /* CR4.MCE set, banks on */
    bool pat;           /* its table is as PAT_VALUE says */
    bool apic;
    bool tsc;
    bool page_1g;       /* used for the direct map (long only) */
    bool x2apic;        /* the local APIC's registers are MSRs */
    bool pcid;          /* CR4.PCIDE set (long only) */
    bool invpcid;       /* with pcid only */
    bool invlpg_global; /* INVLPG reaches global translations under PCIDs too */
    /* In a debug build, of the tags without the CPU's help (invalidate.c): */
    bool pcid_pretended, invpcid_pretended;
    bool tagged; /* there are tags: by pcid, or pretended */
};

extern struct x86_features x86_features;

/* Detect on the boot CPU, and enable there. */
void x86_features_initialise(void);

/* This CPU, another one than the boot CPU, has all that x86_features says. Touches nothing. */
bool x86_features_match(void);

/* Set CR0, CR4, EFER and the PAT of this CPU, each as a whole. Paging is on, with a root whose address has
 * no bits below 12 (hazard 28: PCIDE wants that). */
void x86_features_enable(void);

#endif
