#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The figures that may not grow by more than one per cent unless somebody says why.

    tools/bench/baseline.py REASON         measure, and write what has changed with its reason

baseline.tsv has a line ARCH, row, instructions, reason for each; its first line names the compiler,
without which the numbers mean nothing. tests/guest/test_bench.py compares.
"""

import os
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(FOLDER))
PATH = os.path.join(FOLDER, "baseline.tsv")
BUILD = os.path.join(ROOT, os.environ.get("BUILD") or "build")
ARCHS = "pae", "long"
ROOM = 100  # one in so many instructions may come without a reason
ROWS = """null_syscall ipc_roundtrip ipc_roundtrip_threads clone_share clone_share_1024m clone_thread
    fork_0m fork_call_0m fork_1m fork_call_1m fork_64m fork_call_64m fork_512m fork_call_512m
    fork_512m_4k_pages fork_call_512m_4k_pages fork_1024m fork_call_1024m fork_1024m_4k_pages
    fork_call_1024m_4k_pages anon_fault cow_fault shared_first_touch pager_fault""".split()


def compiler(arch):
    """What compiles the kernel of ARCH, and whether for debugging."""
    with open(os.path.join(BUILD, arch, "kernel.flags"), encoding="utf-8") as file:
        words = file.read().split()
    text = subprocess.run([words[0], "--version"], check=True, capture_output=True, text=True).stdout
    return text.splitlines()[0] + (", DEBUG" if "-DDEBUG" in words else "")


def read(text):
    """(the compiler, {(arch, row): (instructions, reason)}) of a baseline's TEXT."""
    head, *lines = text.splitlines()
    rows = [line.split("\t") for line in lines if line]
    return head.removeprefix("# "), {
        (arch, row): (int(count), reason) for arch, row, count, reason in rows
    }


def write(name, rows):
    lines = [f"{arch}\t{row}\t{count}\t{why}" for (arch, row), (count, why) in rows.items()]
    return "\n".join([f"# {name}", *lines]) + "\n"


def grown(baseline, arch, measured):
    """Sentences: the rows of MEASURED {row: instructions} that have grown by too much, or are new."""
    for row in ROWS:
        if (arch, row) not in baseline:
            yield f"{row} has no baseline"
            continue
        before = baseline[arch, row][0]
        if (measured[row] - before) * ROOM > before:
            yield f"{row} took {before} instructions, and takes {measured[row]}"


def renewed(baseline, measured, reason):
    """The baseline of MEASURED {(arch, row): instructions}; REASON stands where it has changed."""
    return {
        key: baseline[key] if key in baseline and baseline[key][0] == count else (count, reason)
        for key, count in measured.items()
    }


def measure():
    text = subprocess.run(
        [os.path.join(FOLDER, "run"), *ARCHS], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    rows = [line.split("\t") for line in text.splitlines()]
    return {(arch, row): int(count) for arch, row, count in rows if row in ROWS}


def main():
    reason = " ".join(sys.argv[1:]).split()
    if not reason:
        sys.exit("baseline: say why the figures change: make bench-baseline REASON='...'")
    baseline = {}
    if os.path.exists(PATH):
        with open(PATH, encoding="utf-8") as file:
            _, baseline = read(file.read())
    new = renewed(baseline, measure(), " ".join(reason))
    for (arch, row), (count, _) in new.items():
        before = baseline.get((arch, row), ("none", ""))[0]
        if before != count:
            print(f"{arch}\t{row}\t{before} -> {count}")
    text = write(compiler("long"), new)
    with open(PATH, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
