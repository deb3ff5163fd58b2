/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine with threads: see threads.h. The scheduler, processes, handles, messages and
 * system calls are the kernel's own; here stand the boot, idle CPUs, and the driver.
 */
#include "tests/host/threads.h"

#include "kernel/base/interleave.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot.h"
#include "kernel/object/budget.h"
#include "kernel/sched/futex.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/space.h"

static struct {
    bool over;
    bool idle[ARCH_CPU_LIMIT];        /* halted, or about to be */
    bool tick_wanted[ARCH_CPU_LIMIT]; /* by time_pass */
    u32 ticks_one_in;
    struct process *init;
    void (*driver)(void);
    struct spinlock lock; /* the driver's rest */
    struct list resting;
} t;

/* ---- Idle CPUs ------------------------------------------------------------------------------- */

static bool somebody_sleeps(void) {
    for (u32 i = 0; i < cpu_count; i++) {
        if (!list_empty(&run_queues[i].sleepers)) {
            return true;
        }
    }
    return false;
}

/* Between two points, so it is an instant. */
static bool everybody_waits(void) {
    for (u32 i = 0; i < cpu_count; i++) {
        if (!t.idle[i] || t.tick_wanted[i] || run_queues[i].length != 0) {
            return false;
        }
    }
    return true;
}

static void driver_wake(void) {
    spinlock_acquire(&t.lock);
    if (!list_empty(&t.resting)) {
        sched_wake(LIST_FIRST(&t.resting, struct thread, queue), 0);
    }
    spinlock_release(&t.lock);
}

static void tick_if_wanted(void) {
    u32 number = arch_cpu()->number;
    bool wanted = t.tick_wanted[number];
    t.tick_wanted[number] = false;
    if (wanted || (t.ticks_one_in != 0 && sim_random_below(t.ticks_one_in) == 0)) {
        kernel_tick();
    }
}

static void idle_halt(void) {
    bool *idle = &t.idle[arch_cpu()->number];
    if (t.tick_wanted[arch_cpu()->number]) {
        return; /* whoever wants it may have gone to another CPU since */
    }
    *idle = true;
    if (everybody_waits()) {
        *idle = false;
        driver_wake();
        if (run_queue_own()->length != 0) {
            return; /* the driver goes on here */
        }
        *idle = true;
    }
    arch_wait_for_interrupt();
    *idle = false;
}

/* What sched_start does, until the test is over. */
static void cpu_body(u32 number) {
    (void)number;
    while (!t.over) {
        sched_reschedule();
        if (t.over || run_queue_idle()) {
            continue;
        }
        if (t.ticks_one_in != 0 && somebody_sleeps()) {
            sim_clock_advance(sim_random_below(50) * 1000);
            arch_interrupt_window(); /* a tick will come */
        } else {
            idle_halt();
            tick_if_wanted();
        }
    }
}

/* ---- User mode ------------------------------------------------------------------------------- */

#define PROGRAMS 16u
static void (*programs[PROGRAMS])(u32 argument);

static u32 program_entry(void (*program)(u32 argument)) {
    u32 i = 0;
    while (i < PROGRAMS && programs[i] != NULL && programs[i] != program) {
        i++;
    }
    CHECK(i < PROGRAMS, "the test has more than %u programs", PROGRAMS);
    programs[i] = program;
    return i + 1;
}

static void user_mode(u32 entry, u32 sp, u32 argument) {
    (void)sp;
    user_point();
    programs[entry - 1](argument);
    system_call(call_thread_exit, 0, 0, 0, 0);
}

static void return_to_user(void) {
    if (arch_cpu()->attention) {
        kernel_return_to_user();
    }
}

void user_point(void) {
    arch_interrupt_window();
    return_to_user();
    CHECK(arch_cpu()->lock_count == 0, "user mode with %u locks held", arch_cpu()->lock_count);
}

static uword number_of(system_call_entry *handler) {
    static system_call_entry *const entries[SYSCALL_COUNT] = SYSCALL_ENTRIES;
    uword number = 0;
    while (number < SYSCALL_COUNT && entries[number] != handler) {
        number++;
    }
    CHECK(number < SYSCALL_COUNT, "no system call has this handler");
    return number;
}

long system_call(system_call_entry *handler, uword a, uword b, uword c, uword d) {
    sim_progress();
    long result = kernel_system_call(a, b, c, d, number_of(handler));
    return_to_user();
    CHECK(result != -E_KILLED, "a program sees of a call that it has been killed");
    user_point();
    return result;
}

/* ---- Processes and threads ------------------------------------------------------------------- */

static int space_new(struct space **space) {
    struct space_slot slots[SLOT_COUNT];
    int error = 0;
    u32 made = 0;
    while (error == 0 && made < SLOT_COUNT) {
        error = quarter_create(made, &budget_root, &slots[made].quarter);
        slots[made].view = VIEW_FULL;
        made += error == 0;
    }
    if (error == 0) {
        error = quarter_map(slots[1].quarter, 0, MEMORY_SIZE, RIGHT_READ | RIGHT_WRITE);
    }
    if (error == 0) {
        error = space_obtain(slots, space);
    }
    while (made-- > 0) {
        quarter_release(slots[made].quarter);
    }
    return error;
}

int program_new_try(struct process *parent, struct process **result) {
    struct space *space;
    int error = space_new(&space);
    if (error == 0) {
        error = process_create(parent ? parent : t.init, space, &budget_root, result);
        if (error != 0) {
            space_release(space);
        }
    }
    return error;
}

struct process *program_new(struct process *parent) {
    struct process *process;
    CHECK_EQUAL(program_new_try(parent, &process), 0);
    process->quiet = true;
    return process;
}

void program_end(struct process *process) {
    struct process_status status;
    spinlock_acquire(&process_lock);
    bool empty = process->thread_count == 0 && !process->dying;
    spinlock_release(&process_lock);
    if (empty) { /* every process ends by its last thread */
        thread_spawn(process, (void (*)(u32))abort, 0, 1);
    }
    process_end(process, STATUS_KILLED, 0);
    CHECK_EQUAL(process_wait(process, 0, &status), 0);
    process_release(process);
}

struct thread *thread_spawn(struct process *process, void (*program)(u32 argument), u32 argument,
                            u32 priority) {
    struct thread *thread;
    CHECK_EQUAL(thread_create(process, &thread), 0);
    thread->base_priority = thread->priority = (u8)priority;
    arch_thread_start_user(thread, program_entry(program), 0, argument);
    thread_start(thread);
    return thread;
}

void (*thread_freed)(struct thread *thread);

void __real_thread_free(struct thread *thread);
void __wrap_thread_free(struct thread *thread);
void __wrap_thread_free(struct thread *thread) {
    if (thread_freed != NULL) {
        thread_freed(thread);
    }
    __real_thread_free(thread);
}

/* ---- The driver ------------------------------------------------------------------------------ */

void settle(void) {
    spinlock_acquire(&t.lock);
    CHECK_EQUAL(sched_wait(&t.resting, &t.lock, WAIT_FOREVER, false), 0);
    sim_progress();
    return_to_user();
}

void threads_ticks(u32 one_in) { t.ticks_one_in = one_in; }

void time_pass(u64 nanoseconds) {
    sim_clock_advance(nanoseconds);
    for (u32 i = 0; i < cpu_count; i++) {
        t.tick_wanted[i] = true;
        if (i != arch_cpu()->number) {
            arch_interrupt_cpu(i);
        }
    }
    user_point();
    settle();
}

struct counts {
    u32 frames, processes, threads, quarters, spaces;
    u32 charged[BUDGET_RESOURCES];
};

static struct counts counts_now(void) {
    struct counts counts = {frame_free_count(), process_count(), thread_count(),
                            quarter_count(),    space_count(),   {0}};
    for (u32 i = 0; i < BUDGET_RESOURCES; i++) {
        counts.charged[i] = budget_root.resource[i].used;
    }
    return counts;
}

static struct counts counts_before;

void threads_check_nothing_left(void) {
    settle();
    struct counts after = counts_now();
    CHECK_EQUAL(after.processes, counts_before.processes);
    CHECK_EQUAL(after.threads, counts_before.threads);
    CHECK_EQUAL(after.quarters, counts_before.quarters);
    CHECK_EQUAL(after.spaces, counts_before.spaces);
    CHECK_EQUAL(after.frames, counts_before.frames);
    for (u32 i = 0; i < BUDGET_RESOURCES; i++) {
        CHECK(after.charged[i] == counts_before.charged[i],
              "%u of resource %u are charged, %u were before", after.charged[i], i,
              counts_before.charged[i]);
    }
}

static void driver_main(u32 argument) {
    (void)argument;
    settle();
    counts_before = counts_now();
    t.driver();
    threads_check_nothing_left();
    t.over = true;
    for (u32 i = 0; i < cpu_count; i++) {
        if (i != arch_cpu()->number) {
            arch_interrupt_cpu(i);
        }
    }
    sched_wait(NULL, NULL, WAIT_FOREVER, false);
}

/* ---- Boot ------------------------------------------------------------------------------------ */

static void init_create(void) {
    struct space *space;
    CHECK_EQUAL(space_new(&space), 0);
    CHECK_EQUAL(process_create(NULL, space, &budget_root, &t.init), 0);
    CHECK_EQUAL(t.init->pid, 1);
    thread_spawn(t.init, driver_main, 0, DRIVER_PRIORITY);
}

static void interrupt_window(void) {
    if (sim_interleaving) {
        tick_if_wanted();
    }
}

bool threads_speculate;

/* A change of the quarter in SLOT of the space of ROOT is under way: somebody has it locked. */
static bool space_changing(const struct arch_root *root, u32 slot) {
    const struct space *space = CONTAINER_OF(root, struct space, root);
    const struct quarter *quarter = space->slot[slot].quarter;
    return quarter != NULL && quarter->lock->locked != 0;
}

void threads_run(u32 count, void (*driver)(void)) {
    machine_cpus = count;
    machine_boot(&memory_usual);
    t.driver = driver;
    spinlock_init(&t.lock, LOCK_FUTEX, 0, "driver");
    list_init(&t.resting);
    sim_knobs.fault = kernel_page_fault;
    sim_knobs.changing = space_changing;
    sim_knobs.program = user_mode;
    sim_knobs.speculate = threads_speculate;
    sim_knobs.interrupt_window = interrupt_window;
    process_initialise();
    futex_initialise();
    for (u32 i = 0; i < count; i++) {
        sim_cpu_select(i);
        sched_initialise();
    }
    sim_cpu_select(0);
    init_create();
    sim_run(count, cpu_body);
}

/* ---- What the machine has not ---------------------------------------------------------------- */

const char *arch_features(void) { return "nothing"; }
const char *boot_command_line(void) { return ""; }
void print_bytes(const char *bytes, size_t length) { fwrite(bytes, 1, length, stdout); }
bool panic_started(void) { return false; }
int format_text(char *buffer, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
