/* SPDX-License-Identifier: MIT */
/*
 * I/O ports: see ports.h. A grant has an identity that is never reused, so a CPU whose bitmap is
 * that of a grant which has been freed never mistakes another one for it.
 */
#include "kernel/device/ports.h"

#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/request.h"

struct ports {
    u32 references; /* atomic: handles, calls under way */
    struct port_range range;
};

struct port_grant {
    u64 id; /* not 0 */
    u32 count;
    struct port_range range[PORT_RANGES];
};

static struct cache ports_cache = CACHE("ports", sizeof(struct ports), 8);
static struct cache grant_cache = CACHE("port grant", sizeof(struct port_grant), 8);

int ports_create(u32 first, u32 count, struct ports **result) {
    if (count == 0) {
        return E_INVALID;
    }
    if (first >= ARCH_PORTS || count > ARCH_PORTS - first) {
        return E_RANGE;
    }
    const struct port_range range = {.first = first, .count = count};
    if (!arch_ports_free(&range)) {
        return E_BUSY;
    }
    struct ports *ports = cache_allocate(&ports_cache);
    if (ports == NULL) {
        return E_NOMEM;
    }
    ports->references = 1;
    ports->range = range;
    *result = ports;
    return E_OK;
}

void ports_reference(struct ports *ports) { atomic_increment(&ports->references); }

void ports_release(struct ports *ports) {
    if (atomic_decrement(&ports->references) == 0) {
        cache_free(&ports_cache, ports);
    }
}

u32 ports_first(const struct ports *ports) { return ports->range.first; }

/* ---- Switching ------------------------------------------------------------------------------- */

static struct port_grant *grant_of(const struct process *process) {
    return __atomic_load_n(&process->ports, __ATOMIC_SEQ_CST);
}

void ports_switch(const struct process *process) {
    struct cpu *cpu = arch_cpu();
    const struct port_grant *grant = grant_of(process);
    if (grant != NULL && cpu->ports_filled != grant->id) {
        arch_ports_fill(grant->range, grant->count);
        cpu->ports_filled = grant->id;
    }
    cpu->ports_id = grant != NULL ? grant->id : 0;
    arch_ports_allow(grant != NULL);
}

/* On each CPU that runs a thread of a process whose grant has changed; it may run another by now.
 */
static void grant_refresh(void *unused) {
    (void)unused;
    const struct process *process = process_current();
    if (process != NULL) {
        ports_load(arch_cpu(), process);
    }
}

/* PROCESS, the caller's, has GRANT from now on (null: none). The old one goes when no CPU can look
 * at it any more: as with process_set_space. */
static void grant_replace(struct process *process, struct port_grant *old,
                          struct port_grant *grant) {
    __atomic_store_n(&process->ports, grant, __ATOMIC_SEQ_CST);
    spinlock_release(&process_lock);
    request_run(process_running(process), grant_refresh, NULL);
    if (old != NULL) {
        cache_free(&grant_cache, old);
    }
}

/* ---- Granting -------------------------------------------------------------------------------- */

static bool range_granted(const struct port_grant *grant, const struct port_range *range) {
    for (u32 i = 0; grant != NULL && i < grant->count; i++) {
        const struct port_range *have = &grant->range[i];
        if (have->first <= range->first &&
            range->first + range->count <= have->first + have->count) {
            return true;
        }
    }
    return false;
}

/* GRANT, new, becomes what OLD (or nothing) is, and RANGE. */
static void grant_extend(struct port_grant *grant, const struct port_grant *old,
                         const struct port_range *range) {
    static u64 last __attribute__((aligned(8))); /* atomic */
    if (old != NULL) {
        *grant = *old;
    }
    grant->id = atomic_add_64(&last, 1);
    grant->range[grant->count++] = *range;
}

int ports_grant(const struct ports *ports) {
    struct process *process = process_current();
    struct port_grant *grant = cache_allocate(&grant_cache);
    if (grant == NULL) {
        return E_NOMEM;
    }
    spinlock_acquire(&process_lock);
    struct port_grant *old = process->ports;
    bool granted = range_granted(old, &ports->range);
    if (granted || (old != NULL && old->count == PORT_RANGES)) {
        spinlock_release(&process_lock);
        cache_free(&grant_cache, grant);
        return granted ? E_OK : E_LIMIT;
    }
    grant_extend(grant, old, &ports->range);
    grant_replace(process, old, grant);
    return E_OK;
}

void ports_end(struct process *process) {
    spinlock_acquire(&process_lock);
    grant_replace(process, process->ports, NULL);
}
