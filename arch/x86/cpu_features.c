/* SPDX-License-Identifier: MIT */
/*
 * CPUID, and the control registers that follow from it. x86_features is written here once at boot;
 * the text for the boot line names only what is used. The bits (hazard 30): leaf 1 ECX 17 PCID, 21
 * x2APIC, 24 TSC deadline; leaf 7 EBX 7 SMEP, 10 INVPCID, 20 SMAP, ECX 2 UMIP; leaf 0x80000001 EDX
 * 11 SYSCALL, 20 NX, 26 1 GiB pages.
 */
#include "arch/x86/cpu_features.h"

#include <string.h>

#include "arch/arch.h"
#include "arch/x86/registers.h"

struct x86_features x86_features;
u64 x86_no_execute_bit;

static bool bit(u32 word, u32 number) { return word >> number & 1; }

/* Pentium Pro up to stepping 2 of model 3 (signature below 0x633) sets the bit but has no such
 * instruction. */
static bool sysenter_works(struct cpuid basic) {
    u32 family = basic.eax >> 8 & 15, model = basic.eax >> 4 & 15, stepping = basic.eax & 15;
    bool early = family == 6 && (basic.eax >> 16 & 15) == 0 && model <= 3 && stepping < 3;
    return bit(basic.edx, 11) && !early;
}

static void detect_basic(struct cpuid basic) {
    x86_features.tsc = bit(basic.edx, 4);
    x86_features.machine_check = bit(basic.edx, 7) && bit(basic.edx, 14);
    x86_features.apic = bit(basic.edx, 9);
    x86_features.sysenter = sysenter_works(basic);
    x86_features.global_pages = bit(basic.edx, 13);
    x86_features.fxsr = bit(basic.edx, 24);
    x86_features.sse = x86_features.fxsr && bit(basic.edx, 25);
    x86_features.pcid = bit(basic.ecx, 17);
    x86_features.x2apic = bit(basic.ecx, 21);
    x86_features.tsc_deadline = bit(basic.ecx, 24);
}

static void detect_structured(void) {
    struct cpuid leaf = cpuid_read(7, 0);
    x86_features.smep = bit(leaf.ebx, 7);
    x86_features.invpcid = bit(leaf.ebx, 10);
    x86_features.smap = bit(leaf.ebx, 20);
    x86_features.umip = bit(leaf.ecx, 2);
}

static void detect_extended(void) {
    u32 highest = cpuid_read(0x80000000u, 0).eax;
    if (highest < 0x80000001u || highest > 0x8000FFFFu) {
        return; /* CPUs without extended leaves answer with anything */
    }
    struct cpuid leaf = cpuid_read(0x80000001u, 0);
    x86_features.no_execute = bit(leaf.edx, 20);
#ifdef __x86_64__
    x86_features.syscall = bit(leaf.edx, 11);
    x86_features.page_1g = bit(leaf.edx, 26);
#endif
    x86_features.tsc_invariant = highest >= 0x80000007u && bit(cpuid_read(0x80000007u, 0).edx, 8);
}

/* Whatever the firmware left there is replaced (hazard 29). CR4.PCIDE stays clear. */
void x86_features_enable(void) {
    u32 cr4 = CR4_PAE;
    cr4 |= x86_features.global_pages ? CR4_PGE : 0;
    cr4 |= x86_features.machine_check ? CR4_MCE : 0;
    cr4 |= x86_features.fxsr ? CR4_OSFXSR : 0;
    cr4 |= x86_features.sse ? CR4_OSXMMEXCPT : 0;
    cr4 |= x86_features.umip ? CR4_UMIP : 0;
    cr4 |= x86_features.smep ? CR4_SMEP : 0;
    cr4 |= x86_features.smap ? CR4_SMAP : 0;
    u32 efer = 0;
#ifdef __x86_64__
    efer |= EFER_LME | (x86_features.syscall ? EFER_SCE : 0);
#endif
    efer |= x86_features.no_execute ? EFER_NXE : 0;
    if (efer != 0) {
        msr_write(MSR_EFER, efer);
    }
    cr0_write(CR0_BASE);
    cr4_write(cr4);
    __asm__ volatile("fninit");
}

void x86_features_initialise(void) {
    u32 highest = cpuid_read(0, 0).eax;
    detect_basic(cpuid_read(1, 0));
    if (highest >= 7) {
        detect_structured();
    }
    detect_extended();
    x86_no_execute_bit = x86_features.no_execute ? 1ull << 63 : 0;
    x86_features_enable();
}

static void append(char *text, size_t size, const char *word) {
    size_t used = strlen(text), length = strlen(word);
    if (used + length + 2 > size) {
        return;
    }
    if (used != 0) {
        text[used++] = ' ';
    }
    memcpy(text + used, word, length + 1);
}

const char *arch_features(void) {
    static char text[120];
    const struct {
        bool used;
        const char *name;
    } features[] = {
        {x86_features.no_execute, "NX"},
        {x86_features.global_pages, "PGE"},
        {x86_features.smep, "SMEP"},
        {x86_features.smap, "SMAP"},
        {x86_features.umip, "UMIP"},
#ifdef __x86_64__
        {x86_features.page_1g, "1GB-PAGES"},
        {true, "SYSCALL"},
#else
        {x86_features.sysenter, "SYSENTER"},
        {!x86_features.sysenter, "INT"},
#endif
        {x86_features.sse, "SSE"},
        {!x86_features.sse && x86_features.fxsr, "FXSR"},
        {x86_features.apic, x86_features.x2apic ? "X2APIC" : "APIC"},
        {!x86_features.apic, "PIC"},
        {x86_features.tsc, "TSC"},
    };
    text[0] = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(features); i++) {
        if (features[i].used) {
            append(text, sizeof(text), features[i].name);
        }
    }
    return text;
}
