/* SPDX-License-Identifier: MIT */
/*
 * The processor: addresses, stacks and entry points where none are, every way into the kernel with odd flags, random
 * instructions and random system calls.
 */
#include "torture.h"

#ifdef ARCH_PAE
#define EXIT_7 "movl $23, %eax; movl $7, %ebx; int $0x80"
#define ADDRESSES                                                                                  \
    {                                                                                              \
        0xF0000000u, 0xF0100000u, 0xFDFFFFFFu, 0xFFC00000u, 0xFFE00000u, 0xFFFFD000u, 0xFFFFF000u, \
            0xFFFFFFFCu                                                                            \
    }
#define LAST_STACK 0xF0000000u
#else
#define EXIT_7 "movl $23, %eax; movl $7, %edi; syscall"
#define ADDRESSES                                                                                 \
    {                                                                                             \
        0x100000000u, 0x7FFFFFFFF000u, 0x800000000000u, 0xFFFF7FFFFFFFFFF8u, 0xFFFF800000000000u, \
            0xFFFFFFFF80100000u, 0xFFFFFFFFFFFFF000u, 0xFFFFFFFFFFFFFFFCu                         \
    }
#define LAST_STACK 0xFFFFFFFFu
#endif

static const uintptr_t addresses[] = ADDRESSES;

extern void exit_without_stack(void);
__asm__("exit_without_stack: " EXIT_7);

static void touch_address(uint32_t number) { (void)*(volatile char *)addresses[number]; }
static void jump_address(uint32_t number) { ((void (*)(void))addresses[number])(); }

void attack_addresses(void) {
    static const uintptr_t stacks[] = {0, 1, 3, 0x3FFFFFFF, 0x80000001u, 0xBFFFFFFDu, LAST_STACK};
    for (uint32_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        claim(is_fault(run(PLAN_FORK, touch_address, i)), "a read above the user's addresses",
              (long)i);
        claim(is_fault(run(PLAN_FORK, jump_address, i)), "a jump above the user's addresses",
              (long)i);
        EXPECT(E_INVALID, process_clone(PLAN_FORK, addresses[i], 0x1000, 0));
        EXPECT(E_INVALID,
               process_clone(PLAN_FORK, 0x400000, addresses[i] + (addresses[i] == LAST_STACK), 0));
    }
    for (uint32_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
        long child = process_clone(PLAN_FORK, (uintptr_t)exit_without_stack, stacks[i], 0);
        claim(end(child) == 7, "an odd stack pointer that is not used", (long)i);
        child = process_clone(PLAN_FORK, 1 + stacks[i] / 2, stacks[i], 0);
        claim(is_fault(end(child)), "an entry where no code is", (long)i);
    }
}

/* Run BYTES, then exit with 7: in a page of slot 2, which may be executed. All handles are gone before. */
static uint8_t code[256];

static void code_run(uint32_t length) {
#ifdef ARCH_PAE
    static const uint8_t tail[] = {0xB8, 23, 0, 0, 0, 0xBB, 7, 0, 0, 0, 0xCD, 0x80};
#else
    static const uint8_t tail[] = {0xB8, 23, 0, 0, 0, 0xBF, 7, 0, 0, 0, 0x0F, 0x05};
#endif
    long quarter = quarter_create(2);
    memcpy(code + length, tail, sizeof(tail));
    quarter_map((int)quarter, 0, PAGE_SIZE, RIGHT_READ | RIGHT_EXECUTE);
    quarter_supply((int)quarter, 0, code, length + sizeof(tail));
    demo_attach(2, (int)quarter, RIGHT_READ | RIGHT_EXECUTE, 1);
    limit(512, 4, 4, 20);
    handles_close_all();
    volatile uintptr_t entry = SLOT_BASE(2); /* clang 14 cannot encode a call of the constant */
    ((void (*)(void))entry)();
}

static uint32_t code_end(uint32_t length) {
    return end_within(start(PLAN_FORK, code_run, length), 30);
}

/* Direct and odd ways into the kernel, each with odd flags: the process goes on, or ends by an exception. */
void attack_entries(void) {
    static const struct {
        uint8_t length, bytes[7];
    } ways[] = {
        {2, {0xCD, 0x80}},
        {2, {0x0F, 0x34}},
        {2, {0x0F, 0x05}},
        {2, {0x0F, 0x35}},
        {3, {0x48, 0x0F, 0x07}},
        {1, {0xCF}},
        {1, {0xF1}},
        {1, {0xCC}},
        {1, {0xCE}},
        {1, {0xCB}},
        {2, {0x0F, 0x0B}},
        {5, {0xFF, 0x54, 0x24, 0xF0, 0x90}},
        {4, {0x16, 0x17, 0xCD, 0x80}},
        /* pop ss, then int */ {2, {0x0F, 0xA1}},
        {2, {0x8E, 0xD0}},
        {4, {0x31, 0xE4, 0xCD, 0x80}},
        /* esp = 0, then int */ {2, {0x0F, 0x01}},
        {3, {0x0F, 0x01, 0xF8}},
        {7, {0x9A, 0, 0, 0, 0, 0x38, 0}},
        /* far call to a TSS */ {5, {0x8E, 0xE8, 0x8E, 0xE0, 0x90}},
    };
    static const uint32_t flags[] = {0,       0x100,   0x400,    0x4000,  0x3000,
                                     0x10000, 0x40000, 0x200000, 0x44500, 0x254DD5};
    for (uint32_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
        for (uint32_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++) {
            uint8_t *at = code; /* push flags; popf; eax = 0, but not the flags; the way */
            *at++ = 0x68;
            memcpy(at, &flags[f], 4);
            at += 4;
            static const uint8_t set[] = {0xB8, 0, 0, 0, 0, 0xB9, 0, 0, 0, 0, 0x9D};
            memcpy(at, set, sizeof(set));
            at += sizeof(set);
            memcpy(at, ways[w].bytes, ways[w].length);
            uint32_t status = code_end((uint32_t)(at - code) + ways[w].length);
            claim(status == 7 || is_fault(status) || status == (STATUS_KILLED | CODE_KILL),
                  "an odd entry", (long)(w << 16 | f));
        }
    }
    for (uint32_t vector = 0; vector < 256; vector++) {
        memcpy(code, (uint8_t[]){0x31, 0xC0, 0xCD, (uint8_t)vector}, 4);
        uint32_t status = code_end(4);
        claim(status == 7 || is_fault(status), "a software interrupt", (long)vector);
    }
}

void attack_code(void) {
    for (uint32_t i = 0; i < 150; i++) {
        for (uint32_t at = 0; at < 64; at++) {
            code[at] = (uint8_t)random_below(256);
        }
        code_end(64);
    }
}

static long raw_call(uint32_t number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d) {
    long result;
#ifdef ARCH_PAE
    __asm__ volatile("call *%[page]"
                     : "=a"(result), "+d"(b)
                     : "a"(number), "b"(a), "S"(c),
                       "D"(d), [page] "m"((const uint32_t){0xFFFFE000u})
                     : "ecx", "memory");
#else
    register uintptr_t r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10)
                     : "0"(number)
                     : "rcx", "r11", "memory");
#endif
    return result;
}

/* Random calls with plausible arguments. What may wait for ever is made rare; the parent ends the rest. */
static void calls_run(uint32_t number) {
    static uint32_t memory[256];
    seed = number * 2654435761u + 1;
    handles_close_all();
    limit(1500, 6, 6, 30);
    for (uint32_t i = 0; i < 4000; i++) {
        const uintptr_t values[] = {0,
                                    1,
                                    2,
                                    3,
                                    7,
                                    (uintptr_t)-1,
                                    (uintptr_t)-3,
                                    (uintptr_t)-4,
                                    (uintptr_t)QUARTET_SLOT(2),
                                    8,
                                    9,
                                    10,
                                    11,
                                    12,
                                    13,
                                    14,
                                    15,
                                    16,
                                    PAGE_SIZE,
                                    2 * MIB,
                                    0x3FFFF000,
                                    random_below(64),
                                    (uintptr_t)memory,
                                    (uintptr_t)memory,
                                    (uintptr_t)demo_pointer(2, 0),
                                    seed};
        const uint32_t count = sizeof(values) / sizeof(values[0]);
        uint32_t call = random_below(39);
        if (call == 28) {
            continue; /* a trace of all this, for nobody to read */
        }
        for (uint32_t at = random_below(256), n = 0; n < 40; n++) {
            memory[(at + n) % 256] = (uint32_t)values[random_below(count)];
        }
        int waits = call == 4 || call == 7 || (call >= 31 && call <= 34) || call == 24;
        int ends = call == 1 || call == 2 || call == 23 || call == 25 || call == 21;
        if ((waits && random_below(40) != 0) || (ends && random_below(400) != 0)) {
            continue;
        }
        if (raw_call(call, values[random_below(count)], values[random_below(count)],
                     values[random_below(count)], values[random_below(count)]) == 0 &&
            call == 22) {
            process_exit(0); /* a clone */
        }
    }
}

void attack_calls(void) {
    for (uint32_t i = 0; i < 40; i += 4) {
        long child[4];
        for (uint32_t j = 0; j < 4; j++) {
            child[j] = start(PLAN_FORK, calls_run, i + j);
        }
        for (uint32_t j = 0; j < 4; j++) {
            end_within(child[j], 100);
        }
    }
}
