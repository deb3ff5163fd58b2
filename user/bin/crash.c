/* SPDX-License-Identifier: MIT */
/*
 * crash KIND: end by a fault of one's own choice, to see what the kernel says and what the shell's
 * $? is. A kind is a line of the table below. If the fault does not come, that is said, with status
 * 1.
 */
#include "command.h"

#include <quartet.h>
#include <stdint.h>

#define USAGE "crash KIND"

static volatile char data[PAGE_SIZE] = {(char)0xC3}; /* 0xC3: a return instruction */
static const char constant[] = "a constant";

static void store(uintptr_t address) { *(volatile char *)address = 1; }
static void load(uintptr_t address) { (void)*(volatile char *)address; }
static void jump(uintptr_t address) { ((void (*)(void))address)(); }

static void crash_null(void) { load(0); }
static void crash_text(void) { store((uintptr_t)&crash_null); }
static void crash_constant(void) { store((uintptr_t)constant); }
/* What is not there is not even asked of the processor. */
static void crash_execute(void) {
    load((uintptr_t)data);
    jump((uintptr_t)data);
}
static void crash_nowhere(void) { store(SLOT_BASE(2) + 0x123000); }
static void crash_stack(void) { store((uintptr_t)__builtin_frame_address(0) - 64u * 1024 * 1024); }
static void crash_divide(void) {
    __asm__ volatile("xorl %%ecx, %%ecx\n\tdivl %%ecx" : : : "eax", "ecx", "edx");
}
static void crash_opcode(void) { __asm__ volatile("ud2"); }
static void crash_privileged(void) { __asm__ volatile("cli"); }
static void crash_port(void) { __asm__ volatile("outb %%al, $0xF4" : : "a"(0)); }

#ifdef __x86_64__
#define KERNEL_ADDRESS 0xFFFFFFFF80100000u
#else
#define KERNEL_ADDRESS 0xF0100000u
#endif
static void crash_kernel(void) { load((uintptr_t)KERNEL_ADDRESS); }
static void crash_kernel_write(void) { store((uintptr_t)KERNEL_ADDRESS); }
static void crash_kernel_execute(void) { jump((uintptr_t)KERNEL_ADDRESS); }

static const struct {
    const char *name;
    void (*function)(void);
    const char *sentence;
} kinds[] = {
    {"null", crash_null, "read address 0"},
    {"text", crash_text, "write to the program's code"},
    {"constant", crash_constant, "write to a constant"},
    {"execute", crash_execute, "execute data (goes well on a processor without NX)"},
    {"nowhere", crash_nowhere, "write to slot 2 where no region is"},
    {"stack", crash_stack, "write far below the stack"},
    {"kernel", crash_kernel, "read the kernel"},
    {"kernel-write", crash_kernel_write, "write to the kernel"},
    {"kernel-execute", crash_kernel_execute, "jump into the kernel"},
    {"divide", crash_divide, "divide by zero"},
    {"opcode", crash_opcode, "execute an undefined instruction"},
    {"privileged", crash_privileged, "disable interrupts"},
    {"port", crash_port, "write to an I/O port"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < KINDS; i++) {
        if (strcmp(argv[1], kinds[i].name) == 0) {
            kinds[i].function();
            fprintf(stderr, "crash: %s: no fault came\n", kinds[i].name);
            return EXIT_FAILURE;
        }
    }
    int status = command_usage(USAGE, argc == 2 && strcmp(argv[1], "-h") == 0 ? 'h' : 0);
    for (size_t i = 0; i < KINDS; i++) {
        fprintf(status == EXIT_SUCCESS ? stdout : stderr, "  %-16s %s\n", kinds[i].name,
                kinds[i].sentence);
    }
    return status;
}
