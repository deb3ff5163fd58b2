# SPDX-License-Identifier: MIT
# From the firmware's hand-over to the first program.
# arch: long
# line: true
source tools/gdb/tour/settings.gdb
echo --- hand-over\n
thbreak boot_entry_pvh
continue
x/3i $pc
quartet walk $pc
echo --- higher half\n
thbreak boot_main
continue
backtrace
quartet walk $pc
echo --- kernel_main\n
thbreak kernel_main
continue
backtrace
thbreak init_start
continue
quartet walk $pc
echo --- first program\n
quartet user init
continue
