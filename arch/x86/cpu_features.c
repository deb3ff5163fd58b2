/* SPDX-License-Identifier: MIT */
/*
 * CPUID, and the control registers that follow from it. x86_features is written here once at boot;
 * the text for the boot line names only what is used. The bits (hazard 30): leaf 1 ECX 17 PCID, 21
 * x2APIC; leaf 7 EBX 7 SMEP, 10 INVPCID, 20 SMAP, ECX 2 UMIP; leaf 0x80000001 EDX 11 SYSCALL, 20
 * NX, 26 1 GiB pages.
 */
#include "arch/x86/cpu_features.h"

#include <string.h>

#include "arch/arch.h"
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"

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

static void detect_basic(struct x86_features *features, struct cpuid basic) {
    features->tsc = bit(basic.edx, 4);
    features->machine_check = bit(basic.edx, 7) && bit(basic.edx, 14);
    features->apic = bit(basic.edx, 9);
    features->sysenter = sysenter_works(basic);
    features->global_pages = bit(basic.edx, 13);
    features->pat = bit(basic.edx, 16);
    features->fxsr = bit(basic.edx, 24);
    features->sse = features->fxsr && bit(basic.edx, 25);
    features->x2apic = bit(basic.ecx, 21);
#ifdef __x86_64__
    features->pcid = bit(basic.ecx, 17) && features->global_pages;
#endif
}

static void detect_structured(struct x86_features *features) {
    struct cpuid leaf = cpuid_read(7, 0);
    features->smep = bit(leaf.ebx, 7);
    features->invpcid = bit(leaf.ebx, 10) && features->pcid;
    features->smap = bit(leaf.ebx, 20);
    features->umip = bit(leaf.ecx, 2);
}

static void detect_extended(struct x86_features *features) {
    u32 highest = cpuid_read(0x80000000u, 0).eax;
    if (highest < 0x80000001u || highest > 0x8000FFFFu) {
        return; /* CPUs without extended leaves answer with anything */
    }
    struct cpuid leaf = cpuid_read(0x80000001u, 0);
    features->no_execute = bit(leaf.edx, 20);
#ifdef __x86_64__
    features->syscall = bit(leaf.edx, 11);
    features->page_1g = bit(leaf.edx, 26);
#endif
}

/* Bits above these are reserved in an entry (SDM 3A 4.1.4); a frame number has 32. */
#define PHYSICAL_BITS_PLAIN 36u
#define PHYSICAL_BITS_LIMIT 44u

physical_t arch_physical_limit(void) {
    u32 highest = cpuid_read(0x80000000u, 0).eax;
    u32 bits = PHYSICAL_BITS_PLAIN;
    if (highest >= 0x80000008u && highest <= 0x8000FFFFu) {
        bits = cpuid_read(0x80000008u, 0).eax & 0xFF;
    }
    return (physical_t)1 << (bits < PHYSICAL_BITS_LIMIT ? bits : PHYSICAL_BITS_LIMIT);
}

/* Hazard 27, errata ADL063 and RPL042: Intel's family 6, models of Alder Lake (with N) and Raptor
 * Lake. */
static bool invlpg_reaches_global(u32 signature) {
    static const u8 affected[] = {0x97, 0x9A, 0xB7, 0xBA, 0xBE, 0xBF};
    u32 family = signature >> 8 & 15;
    u32 model = (signature >> 4 & 15) | (signature >> 12 & 0xF0);
    for (size_t i = 0; i < ARRAY_LENGTH(affected); i++) {
        if (family == 6 && model == affected[i]) {
            return false;
        }
    }
    return true;
}

static struct x86_features detect(void) {
    struct x86_features features = {0};
    struct cpuid basic = cpuid_read(1, 0);
    detect_basic(&features, basic);
    if (cpuid_read(0, 0).eax >= 7) {
        detect_structured(&features);
    }
    detect_extended(&features);
    features.invlpg_global = invlpg_reaches_global(basic.eax);
    return features;
}

/* The value of the command line's word NAME is VALUE. */
static bool option_is(const char *name, const char *value) {
    const char *text = boot_option(name);
    size_t length = strlen(value);
    return text != NULL && strncmp(text, value, length) == 0 &&
           (text[length] == 0 || text[length] == ' ');
}

static void tags_choose(struct x86_features *features) {
    features->pcid = features->pcid && !option_is("pcid", "off");
    features->invpcid = features->invpcid && features->pcid && !option_is("invpcid", "off");
#ifdef DEBUG
    features->pcid_pretended = !features->pcid && option_is("pcid", "pretend");
    features->invpcid_pretended = features->pcid_pretended && !option_is("invpcid", "off");
#endif
    features->tagged = features->pcid || features->pcid_pretended;
}

/* Whatever the firmware left there is replaced (hazard 29). */
void x86_features_enable(void) {
    u32 cr4 = CR4_PAE;
    cr4 |= x86_features.global_pages ? CR4_PGE : 0;
    cr4 |= x86_features.machine_check ? CR4_MCE : 0;
    cr4 |= x86_features.fxsr ? CR4_OSFXSR : 0;
    cr4 |= x86_features.sse ? CR4_OSXMMEXCPT : 0;
    cr4 |= x86_features.umip ? CR4_UMIP : 0;
    cr4 |= x86_features.smep ? CR4_SMEP : 0;
    cr4 |= x86_features.smap ? CR4_SMAP : 0;
    cr4 |= x86_features.pcid ? CR4_PCIDE : 0;
    u32 efer = 0;
#ifdef __x86_64__
    efer |= EFER_LME | (x86_features.syscall ? EFER_SCE : 0);
#endif
    efer |= x86_features.no_execute ? EFER_NXE : 0;
    if (efer != 0) {
        msr_write(MSR_EFER, efer);
    }
    if (x86_features.pat) {
        msr_write(MSR_PAT, PAT_VALUE);
    }
    cr0_write(CR0_BASE);
    cr4_write(cr4);
    __asm__ volatile("fninit");
}

void x86_features_initialise(void) {
    x86_features = detect();
    tags_choose(&x86_features);
    x86_no_execute_bit = x86_features.no_execute ? 1ull << 63 : 0;
    x86_features_enable();
}

bool x86_features_match(void) {
    const struct x86_features own = detect();
    const bool *has = (const bool *)&own, *wants = (const bool *)&x86_features;
    const size_t detected = offsetof(struct x86_features, pcid_pretended) / sizeof(bool);
    for (size_t i = 0; i < detected; i++) {
        if (wants[i] && !has[i]) {
            return false;
        }
    }
    return true;
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
    static char text[160];
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
        {x86_io_apic_used(), "IOAPIC"},
        {!x86_io_apic_used(), "PIC"},
        {x86_features.tsc, "TSC"},
        {x86_features.pcid, "PCID"},
        {x86_features.invpcid, "INVPCID"},
        {x86_features.pcid_pretended, "PCID-PRETENDED"},
    };
    text[0] = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(features); i++) {
        if (features[i].used) {
            append(text, sizeof(text), features[i].name);
        }
    }
    return text;
}
