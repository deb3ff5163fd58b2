/* SPDX-License-Identifier: MIT */
/*
 * Machine checks: the hardware's own errors (memory, caches, buses), recorded in banks of MSRs. All
 * banks report; an uncorrected error raises exception 18, which ends in a panic that shows what the
 * banks say.
 */
#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"
#include "kernel/base/print.h"

#define MSR_MCG_CAP 0x179u
#define MSR_MCG_CTL 0x17Bu
#define MCG_CAP_BANKS 0xFFu
#define MCG_CAP_CTL 0x100u
#define MSR_BANK_CTL(bank) (0x400u + 4 * (bank))
#define MSR_BANK_STATUS(bank) (0x401u + 4 * (bank))
#define MSR_BANK_ADDRESS(bank) (0x402u + 4 * (bank))
#define STATUS_VALID (1ull << 63)
#define STATUS_ADDRESS (1ull << 58)

void x86_machine_check_initialise(void) {
    if (!x86_features.machine_check) {
        return;
    }
    u64 capability = msr_read(MSR_MCG_CAP);
    if (capability & MCG_CAP_CTL) {
        msr_write(MSR_MCG_CTL, UINT64_MAX);
    }
    /* Bank 0 of the first family 6 CPUs belongs to the firmware; it has switched it on. */
    for (u32 bank = 0; bank < (capability & MCG_CAP_BANKS); bank++) {
        if (bank > 0 || (capability & MCG_CAP_CTL)) {
            msr_write(MSR_BANK_CTL(bank), UINT64_MAX);
        }
        msr_write(MSR_BANK_STATUS(bank), 0);
    }
}

void x86_machine_check_print(void) {
    u32 banks = x86_features.machine_check ? msr_read(MSR_MCG_CAP) & MCG_CAP_BANKS : 0;
    for (u32 bank = 0; bank < banks; bank++) {
        u64 status = msr_read(MSR_BANK_STATUS(bank));
        if (status & STATUS_VALID) {
            u64 address = status & STATUS_ADDRESS ? msr_read(MSR_BANK_ADDRESS(bank)) : 0;
            print("\nmachine check bank %u: status %llx address %llx\n", bank,
                  (unsigned long long)status, (unsigned long long)address);
        }
    }
}
