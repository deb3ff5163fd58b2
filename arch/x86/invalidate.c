/* SPDX-License-Identifier: MIT */
/*
 * Forgetting translations on this CPU, and tags (PCIDs, SDM 3A 4.10.1). The ladder, each rung of
 * which the command line can choose (cpu_features.c):
 *
 *   PCID and INVPCID   what other tags have cached can be forgotten page by page
 *   PCID               it is forgotten when that tag is loaded without keep
 *   neither            one tag, forgotten at every load of another root; always so on pae, where
 *                      CR4.PCIDE may not be set
 *
 * In a debug build pcid=pretend takes the kernel through its dealings with tags on a CPU without
 * them. Every load really forgets everything then, which is always allowed. Read next: long/root.c.
 */
#include "arch/arch.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"

void arch_invalidate(u32 address, u32 pages) {
    if (pages == 0) {
        cr3_write(cr3_read()); /* reads back without CR3_KEEP: forgets the loaded tag's */
        return;
    }
    for (u32 i = 0; i < pages; i++) {
        tlb_invalidate_page(address + i * PAGE_SIZE);
    }
}

bool arch_tag_invalidates(void) { return x86_features.invpcid || x86_features.invpcid_pretended; }

void arch_tag_invalidate(u32 tag, u32 address, u32 pages) {
    if (!x86_features.invpcid) {
        return; /* pretended: nothing is cached under a tag that is not loaded */
    }
    for (u32 i = 0; i < pages; i++) {
        tlb_invalidate_tagged(INVPCID_ADDRESS, tag, address + i * PAGE_SIZE);
    }
}

/* A change of CR4.PGE forgets everything of every PCID. */
void arch_invalidate_all(void) {
    if (x86_features.invpcid) {
        tlb_invalidate_tagged(INVPCID_ALL_AND_GLOBAL, 0, 0);
    } else if (x86_features.global_pages) {
        uword cr4 = cr4_read();
        cr4_write(cr4 & ~(uword)CR4_PGE);
        cr4_write(cr4);
    } else {
        cr3_write(cr3_read());
    }
}

/* Where INVLPG leaves the global translations alone under PCIDs, nobody may rely on it. */
bool arch_global_usable(void) {
    return x86_features.global_pages && (!x86_features.pcid || x86_features.invlpg_global);
}
