/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the ELF checks of the 32-bit class: see fuzz_elf.c.
 */
#define ELF_TEST_32
#include "tests/host/fuzz_elf.c"
