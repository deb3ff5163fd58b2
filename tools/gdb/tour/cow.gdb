# SPDX-License-Identifier: MIT
# A write to a page that a fork has left to two processes.
# arch: pae
# line: ls /etc; true
source tools/gdb/tour/settings.gdb
echo --- fault\n
quartet break-clone fork
continue
thbreak kernel_page_fault if fault->user && fault->write
continue
backtrace 6
echo --- before\n
quartet walk $cr2
echo --- lock\n
thbreak kernel/vm/table.c:table_own
continue
quartet locks
echo --- after\n
thbreak arch/x86/pae/entry.asm:return_to_user
continue
quartet walk $cr2
