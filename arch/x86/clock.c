/* SPDX-License-Identifier: MIT */
/*
 * Time: the clock (TSC, whose rate is measured against the PIT at boot) and the tick (the local
 * APIC's timer, or the PIT where there is none). A CPU without a TSC has a clock that advances with
 * the tick. Everything here is written at boot, but the count of ticks, which the boot CPU adds to.
 * Read next: apic.c, io_apic.c.
 */
#include "arch/arch.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"

#define NANOSECONDS 1000000000ull

#define PIT_HZ 1193182u
#define PIT_COUNTER_0 0x40
#define PIT_COUNTER_2 0x42
#define PIT_COMMAND 0x43
#define PIT_LATCH_2 0x80
#define PIT_ONCE_2 0xB0     /* counter 2, both bytes, mode 0: count down once */
#define PIT_PERIODIC_0 0x34 /* counter 0, both bytes, mode 2 */
#define SPEAKER_PORT 0x61
#define SPEAKER_GATE 0x01 /* counter 2 counts */
#define SPEAKER_SOUND 0x02

#define MEASURE_COUNTS (PIT_HZ / 660) /* about 1.5 ms, at least twice */
#define MEASURE_AGREE 100u /* two results agree if they differ by less than a hundredth */
#define MEASURE_ROUNDS 20u
#define MEASURE_TRIES 1000000u /* more than 3 s of port accesses */

/* Nanoseconds = TSC * multiplier / 2^shift, in 64 bits: the multiplier has 32. */
static u32 multiplier, shift;
static u64 tsc_start;
static u32 apic_hz;
static u64 ticks; /* atomic; where there is no TSC */

static u64 tsc_read(void) {
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

/* Two 32 x 32 products; what the lower one's division drops is below a nanosecond. */
static u64 tsc_to_nanoseconds(u64 tsc) {
    u64 high = tsc >> 32, low = (u32)tsc;
    return ((high * multiplier) << (32 - shift)) + ((low * multiplier) >> shift);
}

static void scale_set(u64 hz) {
    shift = 32;
    u64 scale = (NANOSECONDS << 32) / hz;
    while (scale > UINT32_MAX) {
        scale >>= 1;
        shift--;
    }
    multiplier = (u32)scale;
}

u64 arch_clock(void) {
    if (!x86_features.tsc) {
        return atomic_read_64(&ticks) * (NANOSECONDS / TICK_HZ);
    }
    return tsc_to_nanoseconds(tsc_read() + arch_cpu()->arch.tsc_offset - tsc_start);
}

u32 x86_slow_ticks(void) { return (u32)ticks; }

u64 arch_ticks_nanoseconds(u32 count) {
    return x86_features.tsc ? tsc_to_nanoseconds(count) : count * (NANOSECONDS / TICK_HZ);
}

void x86_clock_tick(void) {
    if (arch_cpu()->number == 0) {
        atomic_add_64(&ticks, 1);
    }
}

/* ---- Measuring at boot ----------------------------------------------------------------------- */

static void pit_count_down_from(u16 count) {
    u8 speaker = port_read8(SPEAKER_PORT) & (u8)~SPEAKER_SOUND;
    port_write8(SPEAKER_PORT, speaker | SPEAKER_GATE);
    port_write8(PIT_COMMAND, PIT_ONCE_2);
    port_write8(PIT_COUNTER_2, (u8)count);
    port_write8(PIT_COUNTER_2, (u8)(count >> 8));
}

static u16 pit_latched(void) {
    u8 low = port_read8(PIT_COUNTER_2);
    return (u16)(low | port_read8(PIT_COUNTER_2) << 8);
}

struct sample {
    u64 tsc;
    u32 apic;
    u16 pit;
};

/* All three counters at the moment when the PIT's is latched. */
static struct sample sample_take(void) {
    struct sample sample = {0};
    port_write8(PIT_COMMAND, PIT_LATCH_2);
    if (x86_features.tsc) {
        sample.tsc = tsc_read();
    }
    if (x86_features.apic) {
        sample.apic = x86_apic_timer_measured();
    }
    sample.pit = pit_latched();
    return sample;
}

/* How often a counter that advanced by COUNTS did so in a second, if the PIT counted PIT_COUNTS
 * meanwhile. */
static u64 rate(u64 counts, u32 pit_counts) {
    u64 hz = counts * PIT_HZ / pit_counts;
    return hz != 0 ? hz : 1;
}

struct rates {
    u64 tsc, apic; /* a second */
};

static struct rates measure_once(void) {
    if (x86_features.apic) {
        x86_apic_timer_measure_start();
    }
    pit_count_down_from(UINT16_MAX);
    struct sample first = sample_take(), last;
    u32 tries = 0;
    do {
        last = sample_take();
        ASSERT(++tries < MEASURE_TRIES,
               "the PIT does not count (0x%x), so there is no measure of time", last.pit);
    } while ((u16)(first.pit - last.pit) < MEASURE_COUNTS);
    u32 elapsed = (u16)(first.pit - last.pit);
    return (struct rates){.tsc = rate(last.tsc - first.tsc, elapsed),
                          .apic = rate(last.apic - first.apic, elapsed)};
}

static bool rates_agree(u64 a, u64 b) { return (a > b ? a - b : b - a) <= a / MEASURE_AGREE; }

/* An emulator that its host leaves waiting between two counters' readings measures anything: so
 * until two results in a row agree. */
static void measure(void) {
    struct rates last, rates = measure_once();
    u32 rounds = 0;
    do {
        last = rates;
        rates = measure_once();
    } while (++rounds < MEASURE_ROUNDS &&
             !(rates_agree(last.tsc, rates.tsc) && rates_agree(last.apic, rates.apic)));
    scale_set(rates.tsc);
    apic_hz = (u32)rates.apic;
}

/* By the PIT, so that it does without a TSC and without interrupts. */
void x86_delay(u32 microseconds) {
    u32 counts = (u32)((u64)microseconds * PIT_HZ / 1000000), tries = 0;
    pit_count_down_from(UINT16_MAX);
    port_write8(PIT_COMMAND, PIT_LATCH_2);
    u16 first = pit_latched(), now = first;
    while ((u16)(first - now) < counts) {
        ASSERT(++tries < MEASURE_TRIES, "the PIT does not count any more (0x%x)", now);
        port_write8(PIT_COMMAND, PIT_LATCH_2);
        now = pit_latched();
    }
}

/* ---- Other CPUs' TSCs ------------------------------------------------------------------------
 *
 *     new CPU                     boot CPU
 *     before = TSC
 *     asked = round  ─────────>
 *                    <─────────   tsc = TSC, answered = round
 *     after = TSC
 *
 * The boot CPU's TSC was read between before and after. If it lies between them, nobody can tell
 * the two apart: a message from one CPU to the other takes longer than they differ. */

#define ROUNDS 16u /* the quickest one counts: nothing came in between */

static struct {
    u32 asked, answered; /* atomic; rounds, counted on from CPU to CPU */
    u64 tsc;             /* of ANSWERED */
} comparison;

void x86_tsc_answer(void) {
    u32 asked = atomic_read(&comparison.asked);
    if (comparison.answered != asked) {
        comparison.tsc = tsc_read();
        __atomic_store_n(&comparison.answered, asked, __ATOMIC_SEQ_CST);
    }
}

u64 x86_tsc_offset_measure(void) {
    u64 offset = 0, quickest = UINT64_MAX;
    for (u32 i = 0; x86_features.tsc && i < ROUNDS; i++) {
        u64 before = tsc_read();
        u32 round = __atomic_add_fetch(&comparison.asked, 1, __ATOMIC_SEQ_CST);
        while (atomic_read(&comparison.answered) != round) {
            arch_relax();
        }
        u64 took = tsc_read() - before;
        if (took < quickest) {
            quickest = took;
            u64 late = comparison.tsc - before; /* wraps if the boot CPU is behind */
            offset = late <= took ? 0 : late - took / 2;
        }
    }
    return offset;
}

/* ---- At boot --------------------------------------------------------------------------------- */

void x86_clock_initialise(void) {
    if (x86_features.apic) {
        x86_apic_initialise();
    }
    x86_lines_initialise();
    measure();
    if (x86_features.tsc) {
        tsc_start = tsc_read();
    }
}

/* ---- The tick -------------------------------------------------------------------------------- */

void x86_tick_start(void) {
    const u32 divisor = PIT_HZ / TICK_HZ;
    if (x86_features.apic) {
        x86_apic_timer_start(apic_hz / TICK_HZ);
        return;
    }
    port_write8(PIT_COMMAND, PIT_PERIODIC_0);
    port_write8(PIT_COUNTER_0, (u8)divisor);
    port_write8(PIT_COUNTER_0, (u8)(divisor >> 8));
    arch_line_unmask(PIC_TIMER);
}

void x86_tick_start_other(void) { x86_apic_timer_start(apic_hz / TICK_HZ); }

/* ---- Letting interrupts in ------------------------------------------------------------------- */

/* STI takes effect behind the next instruction: an interrupt that came before still ends the
 * HLT. */
void arch_wait_for_interrupt(void) { __asm__ volatile("sti; hlt; cli" ::: "memory"); }

void arch_interrupt_window(void) { __asm__ volatile("sti; nop; cli" ::: "memory"); }
