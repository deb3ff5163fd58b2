#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The listings of docs/stepping.md: run the scripts of tools/gdb/tour, and fill in what they show.

    tools/gdb/tour.py [BUILD]      rewrite the listings from the kernels in BUILD (`make tour`)

A script is a file of GDB commands; its comments say which kernel it is for, the machine, and the
shell line that the guest runs. `echo --- NAME` begins a piece; in the page, behind a comment
`tour SCRIPT: PIECE`, stands its listing. The tests compare what must not vary (`gist`).
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "tools/gdb/tour")
PAGE = os.path.join(ROOT, "docs/stepping.md")
LISTING = re.compile(r"(<!-- tour (\w+): ([^>]+?) -->\n```\n)(.*?)(```\n)", re.DOTALL)
DETERMINISTIC = ("-icount", "shift=0,sleep=off")  # for one CPU; with more, QEMU may stand still

# What GDB says and no reader needs: where a breakpoint was set, the end, empty lines.
NOISE = re.compile(r"(Temporary b|Hardware assisted b|B)reakpoint \d+(:| at 0x)|\[Inferior |$")
ENTRY = re.compile(r"0x([0-9a-f]{16})  frame 0x([0-9a-f]+)")


def scripts(arch=None):
    names = sorted(name[:-4] for name in os.listdir(FOLDER) if name != "settings.gdb")
    return [name for name in names if arch in (None, setting(name, "arch"))]


def setting(name, word):
    with open(os.path.join(FOLDER, f"{name}.gdb"), encoding="utf-8") as file:
        found = re.search(rf"^# {word}: (.*)$", file.read(), re.MULTILINE)
    return found[1] if found else ""


def tidy_entry(frames):
    """Frames are named by letters, in order of appearance: their numbers change with each build."""

    def replace(match):
        raw, frame = match.groups()
        letter = frames.setdefault(frame, chr(ord("A") + len(frames) % 26))
        return f"0x{raw[0]}..{raw[-3:]}  frame {letter}"

    return replace


def tidy(text, frames):
    """A listing as the page has it; FRAMES: the letters that the script's other ones have used."""
    lines = []
    for line in text.splitlines():
        line = re.sub(r"^\+(?!\+)", "(gdb) ", line)
        line = re.sub(r"0x[0-9a-f]+ (<\w+(\+\d+)?>)", r"\1", line)
        line = re.sub(r"0x[0-9a-f]+ is a physical", "$pc is a physical", line)
        line = re.sub(r"\$0x[0-9a-f]{5,}", "$...", line)
        line = re.sub(r"0x(f|ffffffff8)01[0-9a-f]{5}\b", "$pc", line)
        line = ENTRY.sub(tidy_entry(frames), line).replace(os.getcwd() + "/", "")
        if not NOISE.match(line) and not line.startswith("++") and not line.startswith("(gdb) echo"):
            lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def run(name, build="build", timeout=60):
    """{piece: listing} of the script NAME."""
    machine = dict(word.split("=") for word in setting(name, "machine").split())
    environment = {"ARCH": setting(name, "arch"), "BUILD": build, "TIMEOUT": str(timeout), **machine}
    command = [os.path.join(ROOT, "tools/gdb/batch"), os.path.join(FOLDER, f"{name}.gdb")]
    kept = {word: value for word, value in os.environ.items() if word not in ("APPEND", "MEM", "CPU")}
    ended = subprocess.run(
        [*command, setting(name, "line"), *(() if "CPUS" in machine else DETERMINISTIC)],
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode != 0 or "Error in sourced command file" in ended.stdout:
        raise RuntimeError(f"tools/gdb/tour/{name}.gdb failed:\n{ended.stdout}")
    pieces = re.split(r"^--- (.*)\n", ended.stdout, flags=re.MULTILINE)[1:]
    frames = {}
    return {piece: tidy(text, frames) for piece, text in zip(pieces[::2], pieces[1::2])}


def listings(page):
    """{(script, piece): listing} of the page's text."""
    return {(match[2], match[3]): match[4] for match in LISTING.finditer(page)}


def gist(listing):
    """What of a listing must not vary: no numbers, no source lines, no rows of other processes, and
    not which CPU comes first."""
    lines = []
    for line in listing.splitlines():
        if re.match(r"\[Switching|\d+\t|[* ] +\d+ \w+ +\w+ +\d", line):
            continue
        line = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{8}\b|0x[0-9a-f.]+|\b\d+\b", "#", line)
        line = re.sub(r"\b(page|table|reference|lock)s\b", r"\1", line)
        lines.append(re.sub(r" +", " ", line).strip())
    return sorted(lines)


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    shown = {name: run(name, build) for name in scripts()}

    def replace(match):
        return match[1] + shown[match[2]][match[3]] + match[5]

    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(LISTING.sub(replace, page))


if __name__ == "__main__":
    main()
