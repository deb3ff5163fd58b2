/* SPDX-License-Identifier: MIT */
/*
 * The ELF tests for the 32-bit class (the pae kernel's): see test_elf.c.
 */
#define ELF_TEST_32
#include "tests/host/test_elf.c"
