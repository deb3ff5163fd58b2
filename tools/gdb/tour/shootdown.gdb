# SPDX-License-Identifier: MIT
# A CPU unmaps what another one writes to.
# arch: long
# machine: CPUS=2
# line: stale 1
source tools/gdb/tour/settings.gdb
echo --- sender\n
tbreak quarter_shootdown if cause == CAUSE_UNMAP && cpus[0].loaded == cpus[1].loaded
continue
backtrace 4
quartet locks
echo --- receiver\n
tbreak shootdown_here if cpus[$_thread - 1].lock_count == 0
continue
backtrace 6
echo --- tlb\n
quartet tlb
