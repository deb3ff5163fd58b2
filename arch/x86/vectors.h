/* SPDX-License-Identifier: MIT */
/*
 * The interrupt vectors: which exception, device or call each one is. Read next: traps.c.
 */
#ifndef ARCH_X86_VECTORS_H
#define ARCH_X86_VECTORS_H

/* The system call's is an IDT entry on pae only, but marks the frame on both. */
enum vector {
    VECTOR_DEBUG = 1,
    VECTOR_NMI = 2,
    VECTOR_BREAKPOINT = 3,
    VECTOR_OVERFLOW = 4,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_MACHINE_CHECK = 18,
    VECTOR_EXCEPTIONS = 32, /* below: exceptions */
    VECTOR_PIC = 0x20,      /* 16 lines */
    VECTOR_APIC_TIMER = 0x30,
    VECTOR_REQUEST = 0x31,       /* another CPU wants something: arch_interrupt_cpu */
    VECTOR_APIC_SPURIOUS = 0x3F, /* old CPUs want the low four bits set */
    VECTOR_STUBS = 0x40,         /* entry.asm has a stub for each below */
    VECTOR_SYSTEM_CALL = 0x80,
};

#endif
