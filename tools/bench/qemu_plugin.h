/* SPDX-License-Identifier: MIT */
/*
 * What tools/bench/profile.c and tools/tlbsim/trace.c use of QEMU's interface for TCG plugins, version 1
 * (QEMU 6 and later; docs/devel/tcg-plugins in QEMU's tree). Debian's packages have the interface, but no
 * header for it.
 */
#ifndef QEMU_PLUGIN_H
#define QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))
#define QEMU_PLUGIN_CB_NO_REGS 0 /* the callback touches no register of the guest */

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_plugin_info_t qemu_plugin_info_t; /* nothing in it is used */
struct qemu_plugin_tb;                                /* a block while it is translated */
struct qemu_plugin_insn;

QEMU_PLUGIN_EXPORT int qemu_plugin_version = 1; /* QEMU looks for it */

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*callback)(qemu_plugin_id_t,
                                                            struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);

const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn); /* where the host has it */
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*callback)(unsigned cpu, void *data), int flags,
                                            void *data);

/* CALLBACK runs before each run of the block, but for an interrupt in it. */
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
                                          void (*callback)(unsigned cpu, void *data), int flags,
                                          void *data);
/* After each access of INSN to memory, fetches not included. WHICH: QEMU_PLUGIN_MEM_*. */
#define QEMU_PLUGIN_MEM_READS_AND_WRITES 3
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
                                      void (*callback)(unsigned cpu, uint32_t info,
                                                       uint64_t address, void *data),
                                      int flags, int which, void *data);
bool qemu_plugin_mem_is_store(uint32_t info);

void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t, void *),
                                    void *data);

#endif
