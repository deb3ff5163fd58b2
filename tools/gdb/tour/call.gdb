# SPDX-License-Identifier: MIT
# A system call from the stub in the program to the table and back.
# arch: long
# line: echo hello
source tools/gdb/tour/settings.gdb
echo --- stub\n
quartet user echo:ipc_call
continue
x/3i $pc
backtrace
echo --- entry\n
thbreak x86_entry_fast_call
continue
stepi
stepi
stepi
backtrace 3
echo --- table\n
thbreak kernel/syscall/dispatch.c:kernel_system_call
continue
backtrace 4
print /d number
print entries[number]
thbreak kernel/syscall/calls_ipc.c:do_ipc_call
continue
backtrace 4
echo --- back\n
finish
stepi
stepi
backtrace 3
