# SPDX-License-Identifier: MIT
"""Which rows of `bench` are measured beside Linux, and what was aimed at.

A row: what it is, its name in user/bin/bench, the one in tools/bench/linux, and by what factor Linux
was to need more than `long` (None: nothing was set). Quartet has 4 KiB pages below 2 MiB anyway, so
two rows of Linux stand beside fork_1m.
"""

from collections import namedtuple

Row = namedtuple("Row", "title quartet linux target", defaults=[None])

SIZES = 64, 256, 512, 1024

ROWS = [
    Row("empty system call", "null_syscall", "null_syscall", 2.5),
    Row("message, against a futex round trip", "ipc_roundtrip", "futex_roundtrip", 10),
    Row("message, against a pipe round trip", "ipc_roundtrip", "pipe_roundtrip", 10),
    Row("pipe round trip", "pipe_roundtrip", "pipe_roundtrip", 2),
    Row("futex round trip, two processes", "futex_roundtrip", "futex_roundtrip"),
    Row("yield and switch", "context_switch", "context_switch"),
    Row("clone that shares all, exit, wait", "clone_share", "clone_share", 3),
    Row("the same with 1 GiB touched", "clone_share_1024m", "clone_share_1024m", 3),
    Row("thread, joined", "clone_thread", "clone_thread"),
    Row("fork, exit, wait: nothing touched", "fork_0m", "fork_0m", 5),
    Row("1 MiB touched", "fork_1m", "fork_1m"),
]
for size in SIZES:
    ROWS += [
        Row(f"{size} MiB, 2 MiB pages", f"fork_{size}m", f"fork_{size}m"),
        Row(
            f"{size} MiB, 4 KiB pages",
            f"fork_{size}m_4k_pages",
            f"fork_{size}m_4k_pages",
            1000 if size == 1024 else None,
        ),
    ]
ROWS += [Row("fork, the call alone: nothing touched", "fork_call_0m", "fork_call_0m")]
for size in SIZES:
    ROWS += [
        Row(f"{size} MiB, 2 MiB pages", f"fork_call_{size}m", f"fork_call_{size}m"),
        Row(
            f"{size} MiB, 4 KiB pages", f"fork_call_{size}m_4k_pages", f"fork_call_{size}m_4k_pages"
        ),
    ]
ROWS += [
    Row("exit and wait: nothing touched", "fork_end_0m", "fork_end_0m"),
    Row("1024 MiB, 2 MiB pages", "fork_end_1024m", "fork_end_1024m"),
    Row("1024 MiB, 4 KiB pages", "fork_end_1024m_4k_pages", "fork_end_1024m_4k_pages"),
    Row("first touch of an anonymous page", "anon_fault", "anon_fault", 2),
    Row("copy-on-write fault", "cow_fault", "cow_fault", 2),
    Row("first read of a shared page", "shared_first_touch", "shared_first_touch", float("inf")),
    Row("first write of a shared page", "shared_first_touch", "shared_first_write", float("inf")),
    Row("map and unmap 16 pages", "mmap_munmap", "mmap_munmap"),
    Row("page-table bytes, 2 share 512 MiB", "page_table_bytes_2", "page_table_bytes_2"),
    Row("16 share", "page_table_bytes_16", "page_table_bytes_16"),
    Row("64 share", "page_table_bytes_64", "page_table_bytes_64", 50),
    Row("from reset to the first program's work", "boot_to_shell", "boot_to_user"),
]

# What `make bench-events` looks into.
EVENT_ROWS = """null_syscall clone_share clone_thread fork_0m fork_1024m fork_1024m_4k_pages fork_call_0m
    fork_call_1024m spawn_wait anon_fault cow_fault mmap_munmap context_switch futex_roundtrip
    ipc_roundtrip ipc_roundtrip_threads ipc_roundtrip_long ipc_lend_512m pipe_roundtrip pager_fault
    notification""".split()

# What `bench` runs beyond its usual rows for these.
NAMED = [f"fork_{size}m{pages}" for size, pages in ((64, "_4k_pages"), (256, ""), (256, "_4k_pages"))]


def with_ends(rows):
    """ROWS (name: number), with fork_end_*: what of a fork is not the call, exit and wait."""
    ends = {
        name.replace("fork_call_", "fork_end_"): rows[name.replace("fork_call_", "fork_")] - number
        for name, number in rows.items()
        if name.startswith("fork_call_") and name.replace("fork_call_", "fork_") in rows
    }
    return {**rows, **ends}
