# SPDX-License-Identifier: MIT
"""The list of mutants, and the tool that applies them."""

import importlib.machinery
import importlib.util
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOADER = importlib.machinery.SourceFileLoader("mutate", os.path.join(ROOT, "tools/mutate"))
mutate = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutate", LOADER))
LOADER.exec_module(mutate)

MUTANTS = mutate.read_list()


@pytest.mark.parametrize("name", MUTANTS)
def test_it_applies(name):
    mutant = MUTANTS[name]
    with open(os.path.join(ROOT, mutant.file), encoding="utf-8") as file:
        source = file.read()
    changed = mutant.apply(source)
    kept = [line for line in changed.split("\n") if not line.startswith("#line")]
    assert kept != source.split("\n")
    assert len(mutant.what) < 110, "the table's sentence is too long"


def test_host_tests_have_the_files():
    """But those that only a guest can show."""
    made = subprocess.run(
        ["make", "-s", "--no-print-directory", "host-sources"],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
    ).stdout
    files = {entry.split(":")[1] for entry in made.split()}
    for mutant in MUTANTS.values():
        assert mutant.guest or mutant.file in files, mutant.name


SOURCE = "one\n    two\nthree\n    two\nfour"


def list_of(tmp_path, text):
    path = tmp_path / "mutants"
    path.write_text("mutant name\nfile file.c\nwhat it does\n" + text)
    return mutate.read_list(path)["name"]


@pytest.mark.parametrize(
    "hunks, result",
    [
        ("- one\n+ 1\n", '1\n#line 2 "file.c"\n    two\nthree\n    two\nfour'),
        ("- two\n- three\n+ 2\n", 'one\n    2\n#line 4 "file.c"\n    two\nfour'),
        ("- four\n+\n", "one\n    two\nthree\n    two\n\n#line 6"),
        ("- t wo th\n- ree\n+ 2\n", 'one\n    2\n#line 4 "file.c"\n    two\nfour'),
        ("- three\n- two\n+ 3\n- one\n+ 1\n", '1\n#line 2 "file.c"\n    two\n3\n#line 5'),
    ],
)
def test_lines_are_replaced(tmp_path, hunks, result):
    changed = list_of(tmp_path, hunks).apply(SOURCE)
    assert changed.startswith('#line 1 "file.c"\n' + result), changed


@pytest.mark.parametrize(
    "hunks, complaint",
    [
        ("- two\n+ 2\n", "found 2 times"),
        ("- five\n+ 5\n", "found 0 times"),
        ("- one\n- three\n+ 5\n", "found 0 times"),
        ("- hree\n+ 5\n", "found 0 times"),
        ("+ 5\n", "a \\+ before any -"),
        ("", "lacks"),
        ("replace one\n", "not understood"),
        ("mutant name\n", "not understood"),
    ],
)
def test_a_mistake_in_the_list_is_told(tmp_path, hunks, complaint):
    with pytest.raises(mutate.Mistake, match=complaint):
        list_of(tmp_path, hunks).apply(SOURCE)


def test_an_unknown_mutant_is_one_line():
    ended = subprocess.run(
        ["tools/mutate", "no-such"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr == "mutate: tests/mutants has no mutant no-such\n"
