/* SPDX-License-Identifier: MIT */
/*
 * One inline function for each instruction that C has no word for: ports, control registers, CPUID,
 * MSRs. Bit names stand beside the register that they belong to.
 */
#ifndef ARCH_X86_REGISTERS_H
#define ARCH_X86_REGISTERS_H

#include "kernel/base/types.h"

#define CR0_BASE 0x80010033u  /* PG, WP, NE, ET, MP, PE */
#define CR3_KEEP (1ull << 63) /* with CR4.PCIDE: do not forget what the PCID has cached */
#define CR4_PAE (1u << 5)
#define CR4_MCE (1u << 6)
#define CR4_PGE (1u << 7)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP (1u << 11)
#define CR4_PCIDE (1u << 17)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)
#define MSR_EFER 0xC0000080u
#define MSR_FS_BASE 0xC0000100u
#define MSR_PAT 0x277u
/* As after a reset but for entry 1 (PWT alone), which is write-combining and not write-through: no
 * page had used it. SDM 3A 12.12.4 */
#define PAT_VALUE 0x0007040600070106ull
#define EFER_SCE (1u << 0)
#define EFER_LME (1u << 8)
#define EFER_NXE (1u << 11)

static inline void port_write8(u16 port, u8 value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void port_write16(u16 port, u16 value) {
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline void port_write32(u16 port, u32 value) {
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline u8 port_read8(u16 port) {
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void cr0_write(uword value) {
    __asm__ volatile("mov %0, %%cr0" ::"r"(value) : "memory");
}

static inline uword cr2_read(void) {
    uword value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value)::"memory");
    return value;
}

static inline void cr2_write(uword value) {
    __asm__ volatile("mov %0, %%cr2" ::"r"(value) : "memory");
}

static inline uword cr3_read(void) {
    uword value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value)::"memory");
    return value;
}

static inline void cr3_write(uword value) {
    __asm__ volatile("mov %0, %%cr3" ::"r"(value) : "memory");
}

static inline uword cr4_read(void) {
    uword value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value)::"memory");
    return value;
}

static inline void cr4_write(uword value) {
    __asm__ volatile("mov %0, %%cr4" ::"r"(value) : "memory");
}

static inline void tlb_invalidate_page(uword address) {
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

/* How INVPCID is told what to forget. */
struct invpcid {
    u64 pcid, address;
};
enum invpcid_type { INVPCID_ADDRESS = 0, INVPCID_ALL_AND_GLOBAL = 2 };

static inline void tlb_invalidate_tagged(enum invpcid_type type, u32 pcid, u64 address) {
    const struct invpcid descriptor = {pcid, address};
    __asm__ volatile("invpcid %0, %1" ::"m"(descriptor), "r"((uword)type) : "memory");
}

static inline void msr_write(u32 number, u64 value) {
    __asm__ volatile("wrmsr" ::"c"(number), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 msr_read(u32 number) {
    u32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (u64)high << 32 | low;
}

struct cpuid {
    u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid_read(u32 leaf, u32 subleaf) {
    struct cpuid result;
    __asm__ volatile("cpuid"
                     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                     : "a"(leaf), "c"(subleaf));
    return result;
}

#endif
