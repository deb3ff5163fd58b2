/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs on one host thread. Each is a coroutine with a stack of its own; at every point
 * (kernel/base/interleave.h) the seeded scheduler may let another go on, so that one seed is one
 * interleaving, and very many can be tried.
 *
 *     CPU 0   ──lock──x                       x──publish──┐    x: a point at which the turn passes
 *     CPU 1           x──relax──relax──x      |           x──  |: some turns last one point, some
 *     CPU 2                            x──────x                   hundreds; now and then a CPU is held
 *                                                                 back for thousands
 *
 * Interrupts are pending for a CPU until a point at which it has them on, and then come by chance:
 * late, never lost. A plain store that a test makes with sim_store waits in the CPU's store buffer
 * until a locked operation, or by chance, as on x86. Nobody can go on, or nobody gets anywhere: the
 * test fails.
 */
#include <string.h>

#include "arch/sim/context.h"
#include "arch/sim/tlb.h"
#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"

#define STEPS_WITHOUT_PROGRESS 4000000u
#define HOLD_ONE_IN 200u /* turns */
#define HOLD_STEPS 4096u

enum fibre_state { FIBRE_READY, FIBRE_HALTED, FIBRE_ENDED };

struct fibre {
    struct context own;      /* where it begins */
    struct context *context; /* where it is: that, or a thread's (thread.c) */
    enum fibre_state state;
    bool pending;                  /* an interrupt */
    u64 held_until;                /* step */
    u64 *store_place, store_value; /* the store buffer; null: empty */
};

bool sim_interleaving;
static struct {
    struct fibre fibre[ARCH_CPU_LIMIT], host;
    void (*body)(u32 cpu);
    u32 count, alive, countdown;
    u64 steps, progress;
} m;

u64 sim_steps(void) { return m.steps; }
void sim_progress(void) { m.progress = m.steps; }

static struct fibre *own_fibre(void) { return &m.fibre[arch_cpu()->number]; }

/* ---- Turns ----------------------------------------------------------------------------------- */

static void fibre_switch(struct fibre *from, struct fibre *to) {
    if (to != &m.host) {
        sim_cpu_select((u32)(to - m.fibre));
    }
    context_switch(from->context, to->context, false);
}

struct context *sim_context(void) {
    return own_fibre()->context;
}
struct context *sim_context_of_cpu(void) {
    return &own_fibre()->own;
}
struct context *sim_context_of_host(void) {
    return &m.host.own;
}
void sim_context_set(struct context *context) { own_fibre()->context = context; }

static bool can_go_on(const struct fibre *fibre, bool held_too) {
    bool awake = fibre->state == FIBRE_READY || (fibre->state == FIBRE_HALTED && fibre->pending);
    return awake && (held_too || fibre->held_until <= m.steps);
}

static struct fibre *fibre_pick(bool held_too) {
    u32 first = sim_random_below(m.count);
    for (u32 i = 0; i < m.count; i++) {
        struct fibre *fibre = &m.fibre[(first + i) % m.count];
        if (can_go_on(fibre, held_too)) {
            return fibre;
        }
    }
    return NULL;
}

static u32 turn_length(void) {
    static const u32 limits[] = {1, 2, 2, 4, 4, 8, 16, 32, 64, 256};
    return 1 + sim_random_below(limits[sim_random_below(ARRAY_LENGTH(limits))]);
}

static void turn(void) {
    struct fibre *own = own_fibre();
    if (m.steps - m.progress > STEPS_WITHOUT_PROGRESS) {
        sim_fail("sim: no operation has ended in %u steps: the CPUs wait for each other",
                 STEPS_WITHOUT_PROGRESS);
    }
    if (sim_random_below(HOLD_ONE_IN) == 0) {
        own->held_until = m.steps + sim_random_below(HOLD_STEPS);
    }
    if (sim_random_below(8) == 0) {
        sim_speculate_somewhere();
    }
    m.countdown = turn_length();
    struct fibre *next = fibre_pick(false);
    next = next ? next : fibre_pick(true);
    if (!next) {
        sim_fail("sim: no CPU can go on: all are halted, with no interrupt pending");
    }
    if (next != own) {
        fibre_switch(own, next);
    }
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

void arch_interrupt_cpu(u32 number) {
    if (number >= cpu_count || number == arch_cpu()->number) {
        sim_fail("sim: CPU %u interrupts CPU %u of %u", arch_cpu()->number, number, cpu_count);
    }
    if (sim_knobs.interrupted) {
        sim_knobs.interrupted(number);
    }
    if (sim_interleaving) {
        sim_point();
        m.fibre[number].pending = true;
    } else { /* at once */
        u32 sender = arch_cpu()->number;
        sim_cpu_select(number);
        kernel_cpu_interrupt();
        sim_cpu_select(sender);
    }
}

static void interrupt_deliver(struct fibre *own) {
    struct sim_cpu *cpu = arch_cpu()->arch.sim;
    bool user = cpu->user;
    uword before = arch_interrupts_save();
    own->pending = false;
    cpu->user = false;
    kernel_cpu_interrupt();
    arch_interrupts_restore(before);
    sim_user(user);
}

static void interrupt_by_chance(struct fibre *own) {
    if (own->pending && arch_interrupts_enabled() && sim_random_below(4) == 0) {
        interrupt_deliver(own);
    }
}

void arch_interrupt_window(void) {
    if (arch_cpu()->lock_count != 0) {
        sim_fail("sim: interrupts are let in with %u locks held", arch_cpu()->lock_count);
    }
    if (sim_interleaving) {
        sim_point_locked();
        if (own_fibre()->pending) {
            interrupt_deliver(own_fibre());
        }
    }
    if (sim_knobs.interrupt_window) {
        sim_knobs.interrupt_window();
    }
}

void arch_wait_for_interrupt(void) {
    struct fibre *own = own_fibre();
    sim_point_locked();
    while (!own->pending && m.alive != 0) {
        own->state = FIBRE_HALTED;
        turn();
    }
    own->state = FIBRE_READY;
    if (own->pending) {
        interrupt_deliver(own);
    }
}

/* ---- Points ---------------------------------------------------------------------------------- */

static void store_drain(struct fibre *own) {
    if (own->store_place) {
        *(volatile u64 *)own->store_place = own->store_value;
        own->store_place = NULL;
    }
}

void sim_point(void) {
    if (!sim_interleaving) {
        return;
    }
    struct fibre *own = own_fibre();
    m.steps++;
    if (own->store_place && sim_random_below(16) == 0) {
        store_drain(own);
    }
    if (--m.countdown == 0) {
        turn();
    }
    interrupt_by_chance(own);
}

void sim_point_locked(void) {
    sim_point();
    if (sim_interleaving) {
        store_drain(own_fibre());
    }
}

void sim_point_read(const volatile void *place) {
    sim_point();
    if (sim_interleaving && own_fibre()->store_place == place) {
        store_drain(own_fibre()); /* a CPU sees its own stores: as good as early */
    }
}

void sim_store(u64 *place, u64 value) {
    sim_point_locked(); /* room for one */
    if (!sim_interleaving) {
        *place = value;
        return;
    }
    own_fibre()->store_place = place;
    own_fibre()->store_value = value;
}

void arch_relax(void) { sim_point(); }

/* ---- A run ----------------------------------------------------------------------------------- */

static void fibre_main(void) {
    struct fibre *own = own_fibre();
    context_begun(&own->own, &m.host.own);
    m.body(arch_cpu()->number);
    m.alive--;
    arch_interrupts_save();
    while (m.alive != 0) { /* others may still ask something of this CPU */
        arch_wait_for_interrupt();
    }
    store_drain(own);
    own->state = FIBRE_ENDED;
    struct fibre *next = NULL;
    for (u32 i = 0; i < m.count; i++) {
        next = m.fibre[i].state != FIBRE_ENDED ? &m.fibre[i] : next;
    }
    fibre_switch(own, next ? next : &m.host);
}

void sim_run(u32 count, void (*body)(u32 cpu)) {
    memset(m.fibre, 0, sizeof(m.fibre));
    m.progress = m.steps;
    m.body = body;
    m.count = m.alive = count;
    m.countdown = 1;
    for (u32 i = 0; i < count; i++) {
        m.fibre[i].context = &m.fibre[i].own;
        context_create(&m.fibre[i].own, fibre_main);
    }
    m.host = (struct fibre){.own.started = true, .context = &m.host.own};
    sim_interleaving = true;
    fibre_switch(&m.host, &m.fibre[sim_random_below(count)]);
    sim_interleaving = false;
    for (u32 i = 0; i < count; i++) {
        context_free(&m.fibre[i].own);
    }
    sim_cpu_select(0);
}
