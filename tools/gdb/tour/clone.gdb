# SPDX-License-Identifier: MIT
# A clone by plan; the directory entries of what is copied change.
# arch: pae
# line: plan share,copy,fresh,copy true
source tools/gdb/tour/settings.gdb
echo --- before\n
quartet break-clone share,copy,fresh,copy
continue
quartet space
quartet walk 0x40000000
echo --- copied\n
thbreak kernel/vm/space.c:space_obtain
continue
quartet walk 0x40000000
echo --- child\n
thbreak kernel/process/thread.c:thread_start
continue
quartet ps
quartet walk 0x40000000
