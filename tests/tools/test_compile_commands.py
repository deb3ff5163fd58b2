# SPDX-License-Identifier: MIT
"""make compile-commands: what it writes names every source of one kernel, and its commands are right."""

import glob
import json
import os
import shutil
import subprocess

import pytest

from test_tools import BUILD, ROOT, make, run

WRITTEN = os.path.join(ROOT, "compile_commands.json")
KERNEL = ("kernel/**/*.c", "arch/x86/*.c", "arch/x86/pae/*.c", "boot/*.c")
USER = ("user/**/*.c",)


# In place of gcc, ld and strip: it makes the file that they would, as what is recorded is how they are called. A
# kernel is one already: its symbols are read.
COMPILER = """#!/bin/sh
case "$*" in
*-print-*) exec "$REAL_GCC" "$@" ;;
esac
while [ $# -gt 1 ]; do
    [ "$1" != -o ] || case $2 in
    *kernel*.elf) cp "$KERNEL" "$2" ;;
    *) : >"$2" ;;
    esac
    shift
done
"""


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    """Of the 32-bit kernel. What an editor has been given before comes back afterwards."""
    status, _, complaint = make("ARCH=pae", "image")
    assert status == 0, complaint
    folder = tmp_path_factory.mktemp("compiler")
    for name in ("gcc", "ld", "strip"):
        (folder / name).write_text(COMPILER)
        (folder / name).chmod(0o755)
    before = read(WRITTEN) if os.path.exists(WRITTEN) else None
    status, _, complaint = run(
        *("make", "--no-print-directory", f"BUILD={BUILD}", "ARCH=pae", "compile-commands"),
        PATH=f"{folder}:{os.environ['PATH']}",
        REAL_GCC=shutil.which("gcc"),
        KERNEL=os.path.join(ROOT, BUILD, "pae/kernel.elf"),
    )
    assert status == 0, complaint
    written = json.loads(read(WRITTEN))
    os.remove(WRITTEN)
    if before is not None:
        with open(WRITTEN, "wb") as file:
            file.write(before)
    return {os.path.relpath(entry["file"], ROOT): entry for entry in written}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sources(patterns):
    names = [name for each in patterns for name in glob.glob(each, root_dir=ROOT, recursive=True)]
    assert len(names) > 50
    return set(names)


def test_every_source_is_there(entries):
    assert sources(KERNEL + USER) - set(entries) == set()


@pytest.mark.parametrize("name", ["kernel/vm/fault.c", "user/bin/sh/run.c"])
def test_command_compiles(entries, name):
    entry = entries[name]
    words = entry["arguments"]
    output = words.index("-o")
    command = ["gcc", *words[1:output], *words[output + 2 :], "-fsyntax-only", "-Werror"]
    ended = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
