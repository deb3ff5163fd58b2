/* SPDX-License-Identifier: MIT */
/*
 * The harness (see harness.h), and what the VM needs of the rest of the kernel: panic, print and
 * the scheduler's preemption point. Calls to the allocators are intercepted by the linker (--wrap),
 * so that the real ones stay untouched: each allocation may be made to fail, new frames come full
 * of rubbish, and each freed frame is looked for in the TLBs.
 */
#include "tests/host/harness.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/base/cache.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/poison.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot_info.h"
#include "kernel/object/budget.h"
#include "kernel/object/object.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/space.h"

/* ---- Failing --------------------------------------------------------------------------------- */

#define TRACE_LINES 80
#define TRACE_WIDTH 160
static char trace_line[TRACE_LINES][TRACE_WIDTH];
static u64 trace_count, seed_used;
static bool seed_given;

void trace(const char *format, ...) {
    va_list arguments;
    char *line = trace_line[trace_count++ % TRACE_LINES];
    int length = sim_interleaving ? snprintf(line, TRACE_WIDTH,
                                             "%9llu CPU %u: ", (unsigned long long)sim_steps(),
                                             arch_cpu()->number)
                                  : 0;
    va_start(arguments, format);
    vsnprintf(line + length, (size_t)(TRACE_WIDTH - length), format, arguments);
    va_end(arguments);
}

u64 test_seed(u64 fallback) {
    const char *text = getenv("SEED");
    if (text && strcmp(text, "random") == 0) {
        seed_used = (u64)(uword)getpid() * 1000003 + (u64)time(NULL);
    } else {
        seed_used = text ? strtoull(text, NULL, 0) : fallback;
    }
    seed_given = true;
    sim_seed(seed_used);
    return seed_used;
}

static _Noreturn void test_end(void) {
    u64 first = trace_count > TRACE_LINES ? trace_count - TRACE_LINES : 0;
    for (u64 i = first; i < trace_count; i++) {
        fprintf(stderr, "    %6llu  %s\n", (unsigned long long)i, trace_line[i % TRACE_LINES]);
    }
    if (sim_interleaving) {
        fprintf(stderr, "    CPU %u, step %llu\n", arch_cpu()->number,
                (unsigned long long)sim_steps());
    }
    if (seed_given) {
        fprintf(stderr, "    repeat with SEED=%llu\n", (unsigned long long)seed_used);
    }
    fflush(NULL);
    if (getenv("NOFORK")) {
        abort();
    }
    _exit(1);
}

_Noreturn void sim_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    test_end();
}

_Noreturn void check_failed(const char *file, int line, const char *condition, const char *format,
                            ...) {
    va_list arguments;
    fprintf(stderr, "%s:%d: %s: ", file, line, condition);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    test_end();
}

_Noreturn void panic(const char *format, ...) {
    va_list arguments;
    fputs(PANIC, stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    test_end();
}

/* ---- Isolation ------------------------------------------------------------------------------- */

#define TEST_SECONDS 300 /* a test that hangs fails */

static void test_child(void (*body)(void), FILE *capture) {
    alarm(TEST_SECONDS);
    if (capture) {
        dup2(fileno(capture), STDERR_FILENO);
        dup2(fileno(capture), STDOUT_FILENO);
    }
    body();
    fflush(NULL);
    _exit(0);
}

static bool file_contains(FILE *file, const char *text) {
    static char content[65536];
    rewind(file);
    content[fread(content, 1, sizeof(content) - 1, file)] = 0;
    return strstr(content, text) != NULL;
}

void test_isolated(const char *name, void (*body)(void), const char *expected_failure) {
    if (getenv("NOFORK") && !expected_failure) {
        body();
        return;
    }
    FILE *capture = expected_failure ? tmpfile() : NULL;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        test_child(body, capture);
    }
    int status = -1;
    waitpid(child, &status, 0);
    if (!expected_failure) {
        if (status != 0) {
            fail_msg("%s ended with status %#x (see above)", name, status);
        }
        return;
    }
    bool found = file_contains(capture, expected_failure);
    fclose(capture);
    if (status == 0 || !found) {
        fail_msg("%s was to fail with \"%s\" and %s", name, expected_failure,
                 status == 0 ? "succeeded" : "failed in another way");
    }
}

/* ---- The machine ----------------------------------------------------------------------------- */

const struct sim_memory memory_usual = {.low_frames = 0x4000,
                                        .hole_start = 0xA0,
                                        .hole_frames = 0x60,
                                        .high_start = 0x8000,
                                        .high_frames = 0x4000};
const struct sim_memory memory_small = {.low_frames = 0x400};

u32 machine_cpus = 1;
static struct boot_info boot;

static void boot_range_add(u32 start, u32 frames) {
    if (frames != 0) {
        struct boot_range *range = &boot.range[boot.range_count++];
        range->start = frame_address((frame_t){start});
        range->end = frame_address((frame_t){start + frames});
    }
}

struct boot_info *machine_boot_info(void) {
    return &boot;
}

void machine_boot(const struct sim_memory *memory) {
    sim_start(memory);
    boot = (struct boot_info){.loader = "test"};
    u32 hole_end = memory->hole_start + memory->hole_frames;
    boot_range_add(0, memory->hole_frames ? memory->hole_start : memory->low_frames);
    boot_range_add(hole_end, memory->hole_frames ? memory->low_frames - hole_end : 0);
    boot_range_add(memory->high_start, memory->high_frames);
    boot.kernel_start = frame_address((frame_t){0x100});
    boot.kernel_end = frame_address((frame_t){0x120}) - 100; /* not a whole frame */
    boot.initrd_start = frame_address((frame_t){0x140});
    boot.initrd_end = frame_address((frame_t){0x148});
    for (u32 i = 0; i < 8; i++) {
        memset(sim_frame_bytes((frame_t){0x140 + i}), (int)(0x30 + i), PAGE_SIZE);
    }
    cpu_count = machine_cpus;
    frame_initialise(&boot);
    budget_initialise();
    for (u32 i = 0; i < machine_cpus; i++) {
        sim_cpu_select(i);
        CHECK_EQUAL(space_cpu_initialise(), 0);
    }
    sim_cpu_select(0);
}

/* ---- The rest of the kernel ------------------------------------------------------------------ */

void print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}

void (*preemption_hook)(void);
static u64 preemptions;

u64 preemption_count(void) { return preemptions; }

/* Weak: where the real scheduler runs, this is its own. */
__attribute__((weak)) void sched_preemption_point(void) {
    preemptions++;
    CHECK(arch_cpu()->lock_count == 0, "a preemption point with %u locks held",
          arch_cpu()->lock_count);
    if (preemption_hook) {
        preemption_hook();
    }
}

/* A quarter refers to its pager; what that is, the VM does not ask. Here it is a counter. Weak: a
 * test that has objects has functions of its own. */
__attribute__((weak)) void object_reference(void *object, enum object_type type, u32 rights) {
    (void)type, (void)rights;
    ++*(u32 *)object;
}

__attribute__((weak)) void object_release(void *object, enum object_type type, u32 rights) {
    (void)type, (void)rights;
    CHECK(arch_cpu()->lock_count == 0, "a pager is let go with a lock held");
    --*(u32 *)object;
}

/* ---- Allocations ----------------------------------------------------------------------------- */

static u64 allocations, fail_at;
static bool failed;
static u32 fail_one_in;

u64 allocation_count(void) { return allocations; }
bool allocation_has_failed(void) { return failed; }
void allocation_fail_randomly(u32 one_in) { fail_one_in = one_in; }

void allocation_fail(u64 n) {
    fail_at = n ? allocations + n : 0;
    failed = false;
}

static bool allocation_fails(void) {
    allocations++;
    bool fails = allocations == fail_at || (fail_one_in && sim_random_below(fail_one_in) == 0);
    failed |= fails;
    return fails;
}

#define RUBBISH 0xC3
#define FREED 0xDD

u64 frame_rubbish;

/* What has just been allocated is in no TLB, and full of rubbish. */
static void frames_taken(frame_t first, u32 count) {
    for (u32 i = 0; i < count && !frame_is_none(first); i++) {
        frame_t frame = {first.number + i};
        sim_check_freed(frame);
        sim_place_forget(frame);
        sim_unpoison(sim_frame_bytes(frame), PAGE_SIZE);
        memset(sim_frame_bytes(frame), RUBBISH, PAGE_SIZE);
        for (u32 at = 0; frame_rubbish != 0 && at < PAGE_SIZE; at += sizeof(frame_rubbish)) {
            memcpy(sim_frame_bytes(frame) + at, &frame_rubbish, sizeof(frame_rubbish));
        }
    }
}

/* Look at what may just have been freed. */
static void frames_check_freed(frame_t first, u32 count) {
    for (u32 i = 0; i < count; i++) {
        frame_t frame = {first.number + i};
        if (frame_references(frame) == 0) {
            sim_check_freed(frame);
            sim_unpoison(sim_frame_bytes(frame), PAGE_SIZE);
            memset(sim_frame_bytes(frame), FREED, PAGE_SIZE);
            sim_poison(sim_frame_bytes(frame), PAGE_SIZE);
        }
    }
}

/* The linker turns each call of NAME into one of __wrap_NAME, and __real_NAME is the kernel's own.
 */
#define WRAPPED(name) __typeof__(name) __real_##name, __wrap_##name
WRAPPED(frame_allocate);
WRAPPED(frame_allocate_low_run);
WRAPPED(frame_allocate_large);
WRAPPED(frame_release);
WRAPPED(frame_free);
WRAPPED(frame_release_large);
WRAPPED(cache_allocate);
WRAPPED(cache_free);
WRAPPED(budget_charge);

int __wrap_frame_allocate(enum frame_zone zone, struct budget *budget, frame_t *result) {
    *result = FRAME_NONE;
    int error = allocation_fails() ? E_NOMEM : __real_frame_allocate(zone, budget, result);
    frames_taken(*result, 1);
    return error;
}

frame_t __wrap_frame_allocate_low_run(u32 count) {
    frame_t first = allocation_fails() ? FRAME_NONE : __real_frame_allocate_low_run(count);
    frames_taken(first, count);
    return first;
}

int __wrap_frame_allocate_large(struct budget *budget, frame_t *result) {
    *result = FRAME_NONE;
    int error = allocation_fails() ? E_NOMEM : __real_frame_allocate_large(budget, result);
    frames_taken(*result, LARGE_FRAMES);
    return error;
}

void (*object_taken)(const struct cache *cache, void *object);
void (*object_freed)(const struct cache *cache, void *object);

void *__wrap_cache_allocate(struct cache *cache) {
    void *object = allocation_fails() ? NULL : __real_cache_allocate(cache);
    if (object && object_taken) {
        object_taken(cache, object);
    }
    return object;
}

void __wrap_cache_free(struct cache *cache, void *object) {
    if (object_freed) {
        object_freed(cache, object);
    }
    __real_cache_free(cache, object);
}

int __wrap_budget_charge(struct budget *budget, enum budget_resource resource, u32 amount) {
    return allocation_fails() ? E_LIMIT : __real_budget_charge(budget, resource, amount);
}

void __wrap_frame_release(frame_t frame) {
    __real_frame_release(frame);
    frames_check_freed(frame, 1);
}

void __wrap_frame_free(frame_t frame) {
    __real_frame_free(frame);
    frames_check_freed(frame, 1);
}

bool __wrap_frame_release_large(frame_t frame) {
    bool last = __real_frame_release_large(frame);
    if (last) {
        frames_check_freed(frame, LARGE_FRAMES);
    }
    return last;
}
