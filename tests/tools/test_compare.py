# SPDX-License-Identifier: MIT
"""Quartet beside Linux: the rows, how guests' lines are read, the table; that Linux's program builds."""

import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD") or "build"
sys.path.insert(0, os.path.join(ROOT, "tools/bench"))
import baseline
import readme
import rows


def load(name):
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(ROOT, "tools/bench", name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


compare, cascade = load("compare"), load("cascade")


def source(*paths):
    texts = []
    for path in paths:
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            texts.append(file.read())
    return "\n".join(texts)


def test_lines_of_a_guest():
    text = "[ 0.1] boot\nnull_syscall\t308\n# meltdown: Not affected\nfork_0m\t1 2\n# end\n"
    assert compare.read_rows(text) == ({"null_syscall": 308}, ["meltdown: Not affected", "end"])


def test_exit_and_wait_is_what_a_fork_s_call_leaves():
    found = rows.with_ends({"fork_0m": 100, "fork_call_0m": 30, "fork_1m": 9})
    assert found == {"fork_0m": 100, "fork_call_0m": 30, "fork_1m": 9, "fork_end_0m": 70}


def test_ratios_and_verdicts():
    numbers = {row.quartet: 10 for row in rows.ROWS}
    found = {column: dict(numbers) for column in compare.COLUMNS}
    for column in compare.COLUMNS[2:]:
        found[column] = {row.linux: 25 for row in rows.ROWS}
    found["linux strings once"]["null_syscall"] = 24
    lines = list(compare.table(found))
    assert len(lines) == len(rows.ROWS) + 1
    assert {len(line) for line in lines} == {len(compare.HEAD)}
    null = next(line for line in lines if line[0] == "empty system call")
    assert null[1:6] == ["10", "10", "25", "25", "24"]
    assert null[6:] == ["2.50", "2.40", "2.50", "1.00", "2.5: reached, strings once missed"]
    first_read = next(line for line in lines if line[0] == "first read of a shared page")
    assert first_read[-1] == "no fault: missed"


def test_repetitions_of_strings_are_taken_off():
    notes = ["ticks of cow_fault: 3945 for 1, and 3 of the bracket", "ticks of pipe: 9000 for 9, and 3 of the bracket"]
    once = compare.strings_once({"cow_fault": 3945, "pipe": 1000}, notes, ["span 3949 1059", "span 5 2"])
    assert once == {"cow_fault": 2886, "pipe": 1000}  # nothing took as long as the second


def test_every_row_is_printed_by_both_sides():
    """By its literal name, or made from one of a size."""
    quartet = source("user/bin/bench.c", "user/bin/bench/process.c", "user/bin/bench/ipc.c")
    linux = source(*(f"tools/bench/linux/{name}.c" for name in ("init", "memory", "message", "process")))
    made = re.compile(r"fork_(call_|end_)?\d+m(_4k_pages)?|page_table_bytes_\d+")
    for row in rows.ROWS:
        assert made.fullmatch(row.quartet) or f'"{row.quartet}"' in quartet
        assert made.fullmatch(row.linux) or f'"{row.linux}"' in linux
    assert all(f'"{name}"' in quartet for name in rows.NAMED)


def test_break_even_lies_between_two_points():
    eager = [(0, 100), (50, 100), (100, 100)]
    assert cascade.break_even([(0, 10), (50, 60), (100, 140)], eager) == 75
    assert cascade.break_even([(0, 10), (50, 60), (100, 90)], eager) is None


def test_the_program_for_linux_builds_and_is_static():
    ended = subprocess.run(
        ["make", "-s", f"BUILD={BUILD}", f"{BUILD}/linux/initrd.cpio"],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    path = os.path.join(ROOT, BUILD, "linux/init")
    headers = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True).stdout
    assert "LOAD" in headers and "INTERP" not in headers


def test_tables_of_the_page_are_replaced_each_in_its_place():
    results = load("results")
    page = "# a\n<!-- make one -->\nold\n<!-- end -->\nb\n<!-- make two -->\nold\n<!-- end -->\n"
    page = results.replace(page, "two", "new\n")
    assert page.startswith("# a\n<!-- make one -->\nold\n<!-- end -->\nb\n")
    assert page.endswith("<!-- make two -->\n\nnew\n\n<!-- end -->\n")
    with open(os.path.join(ROOT, "docs/results.md"), encoding="utf-8") as file:
        text = file.read()
    for target in "bench-compare", "bench-cascade", "bench-events", "size":
        assert results.replace(text, target, "") != text


def test_growth_beyond_one_per_cent_needs_a_reason():
    before = {("long", row): (1000, "the first") for row in baseline.ROWS}
    measured = dict.fromkeys(baseline.ROWS, 1010)
    assert list(baseline.grown(before, "long", measured)) == []
    measured["cow_fault"] = 1011
    assert list(baseline.grown(before, "long", measured)) == [
        "cow_fault took 1000 instructions, and takes 1011"
    ]
    assert len(list(baseline.grown(before, "pae", measured))) == len(baseline.ROWS)


def test_a_new_baseline_keeps_the_reasons_of_what_is_the_same():
    old = {("pae", "fork_0m"): (5, "a"), ("pae", "gone"): (1, "a")}
    new = baseline.renewed(old, {("pae", "fork_0m"): 5, ("pae", "fork_1m"): 6}, "b")
    assert new == {("pae", "fork_0m"): (5, "a"), ("pae", "fork_1m"): (6, "b")}
    assert baseline.read(baseline.write("GCC 1", new)) == ("GCC 1", new)
    with open(baseline.PATH, encoding="utf-8") as file:
        name, rows_now = baseline.read(file.read())
    assert name and set(rows_now) == {(arch, row) for arch in baseline.ARCHS for row in baseline.ROWS}
    assert all(reason for _, reason in rows_now.values())


def test_a_baseline_without_a_reason_is_refused():
    ended = subprocess.run(
        [os.path.join(ROOT, "tools/bench/baseline.py"), " "], capture_output=True, text=True
    )
    assert ended.returncode != 0 and "REASON" in ended.stderr


def test_the_readme_gets_new_figures():
    text = "\n".join(
        (
            "| row | `pae` | `long` | Linux 6.1 |",
            "| `null_syscall` | 78 | 63 | 308 |",
            "| `fork_512m`: COPY x4 | 65,075 | 54,254 | 739 thousand |",
            "| `notification` | 2,493 | 2,131 | |",
            "| `boot_to_shell`: from reset | 16.2 million | 13.9 million | |",
            "",
        )
    )
    assert readme.rows(text)["boot_to_shell"] == (16_200_000, 13_900_000)
    figures = {(arch, row): 1_234_567 for arch in ("pae", "long") for row in readme.rows(text)}
    figures["long", "fork_512m"] = 54_321
    new = readme.refreshed(text, figures, {"fork_512m": 51_747_565, "null_syscall": 19_999, "notification": 5})
    assert new.split("\n") == [
        "| row | `pae` | `long` | Linux 6.1 |",
        "| `null_syscall` | 1.2 million | 1.2 million | 19,999 |",
        "| `fork_512m`: COPY x4 | 1.2 million | 54,321 | 52 million |",
        "| `notification` | 1.2 million | 1.2 million | |",
        "| `boot_to_shell`: from reset | 1.2 million | 1.2 million | |",
        "",
    ]
    with open(readme.PATH, encoding="utf-8") as file:
        text = file.read()
    said = {(arch, row): cells[i] for row, cells in readme.rows(text).items() for i, arch in ((0, "pae"), (1, "long"))}
    assert readme.refreshed(text, said, {}) == text  # every line of the table is read as it stands
