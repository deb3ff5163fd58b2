/* SPDX-License-Identifier: MIT */
/* Device memory: which ranges may be one, see memory.h. */
#include "kernel/device/memory.h"

#include <string.h>

#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/boot/boot_info.h"

static struct cache device_cache = CACHE("device memory", sizeof(struct device_memory), 8);

/* Immutable after boot. */
static struct boot_range ram[BOOT_RANGES];
static u32 ram_count;
static struct info_framebuffer framebuffer;

void device_memory_initialise(const struct boot_info *boot) {
    ram_count = boot->range_count;
    memcpy(ram, boot->range, sizeof(ram));
    framebuffer = boot->framebuffer;
}

int device_framebuffer(struct info_framebuffer *picture) {
    *picture = framebuffer;
    return framebuffer.width != 0 ? E_OK : E_NOTFOUND;
}

static bool is_ram(physical_t start, physical_t end) {
    for (u32 i = 0; i < ram_count; i++) {
        if (start < ram[i].end && ram[i].start < end) {
            return true;
        }
    }
    return false;
}

static int range_refused(physical_t physical, u64 length) {
    if ((physical | length) % PAGE_SIZE != 0) {
        return E_ALIGN;
    }
    if (length == 0) {
        return E_INVALID;
    }
    if (length > QUARTER_SIZE || physical > arch_physical_limit() - length) {
        return E_RANGE;
    }
    bool taken = is_ram(physical, physical + length) || physical == 0 ||
                 arch_device_used(physical, physical + length);
    return taken ? E_BUSY : E_OK;
}

int device_memory_create(physical_t physical, u64 length, struct device_memory **result) {
    int error = range_refused(physical, length);
    if (error != E_OK) {
        return error;
    }
    struct device_memory *device = cache_allocate(&device_cache);
    if (device == NULL) {
        return E_NOMEM;
    }
    device->references = 1;
    device->first = (frame_t){(u32)(physical >> PAGE_SHIFT)};
    device->pages = (u32)(length >> PAGE_SHIFT);
    *result = device;
    return E_OK;
}

void device_memory_reference(struct device_memory *device) {
    atomic_increment(&device->references);
}

void device_memory_release(struct device_memory *device) {
    if (atomic_decrement(&device->references) == 0) {
        cache_free(&device_cache, device);
    }
}
