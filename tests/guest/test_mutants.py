# SPDX-License-Identifier: MIT
"""Kernels that are broken on purpose (tests/mutants): what a guest shows of them.

The stale-read attack on a kernel with one flush left out must succeed, wherever QEMU keeps what the
flush was for: so it means something that it fails on the real one. And TLBSAN, in a debug build,
must name the line that took something away, and the CPU that has never flushed it; QEMU has no tags,
but with pcid=pretend the kernel goes through all that it would do with them.
"""

import os
import re
import subprocess

import pytest

from machine import ARCH, BUILD, ROOT, run_line

INITRD = os.path.join(BUILD, ARCH, "initrd.cpio")


def build_mutant(build, mutant, *variables):
    """The folder that stands for BUILD with the kernel of MUTANT."""
    ended = subprocess.run(
        ["make", "--no-print-directory", f"BUILD={build}", f"ARCH={ARCH}", f"MUTANT={mutant}"]
        + [*variables, "kernel"],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    return os.path.join(build, "mutants", mutant)


LATE = "an access after the call had returned was served"
OLD = r"saw round \d+'s value"


@pytest.mark.parametrize(
    "mutant, mode, sentence",
    [
        ("shootdown-others-not-asked", "unmap", LATE),
        ("shootdown-others-not-asked", "protect", LATE),
        ("shootdown-others-not-asked", "copy", OLD),
        ("swap-not-asked", "swap", "nothing is attached in that slot|" + OLD),
        ("unmap-no-shootdown", "unmap", LATE),
        ("protect-no-shootdown", "protect", LATE),
        ("page-copy-no-shootdown", "copy", OLD),
    ],
    ids=lambda word: word if re.fullmatch(r"[\w-]+", word) else "",
)
def test_the_stale_attack_succeeds(mutant, mode, sentence):
    """In plain QEMU."""
    build = build_mutant(BUILD, mutant)
    result = run_line(f"stale 20 {mode}", BUILD=build, INITRD=INITRD, CPUS="2")
    assert result.status not in (0, 124), result.output
    assert re.search(sentence, result.output), result.output


TAGS, ONE_DIGIT = "pcid=pretend", "pcid=pretend hot=1"
NOT_SHOT = r"quarter \d+ is unlocked, and no shootdown has followed the downgrade at (\S+)"
NEVER_FLUSHED = (
    r"CPU \d+ (?:has run a program|leaves a space|keeps a tag) and has never flushed what quarter"
    r" \d+ lost at (\S+) "
)
# Another quarter let go of the old table while it was copied: then it is freed at once.
FREED = (
    r"frame \w+ is freed by CPU \d+, and no shootdown of quarter \d+ has followed the downgrade"
    r" at ([\w./-]+:\d+)"
)
OF_ANOTHER = r"CPU \d+ keeps a tag with translations of quarter \d+ under tag \w+, where"


def is_downgrade(place):
    """Does the kernel tell TLBSAN of a downgrade, or of a frame's lost entry, at PLACE, "file:line"?"""
    name, line = place.split(":")
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return re.search("TLBSAN_(DOWNGRADE|FRAME)", file.read().splitlines()[int(line) - 1])


@pytest.mark.parametrize(
    "mutant, options, sentence",
    [
        ("shootdown-no-generation", "", NOT_SHOT),
        ("copy-no-shootdown", "", NOT_SHOT),
        ("table-copy-no-shootdown", "", NEVER_FLUSHED + "|" + NOT_SHOT + "|" + FREED),
        ("shootdown-others-not-asked", "", NEVER_FLUSHED),
        ("shootdown-self-not-asked", "", NEVER_FLUSHED),
        ("handler-no-invalidate", "", NEVER_FLUSHED),
        ("tags-shoot-keeps-loaded", TAGS, NEVER_FLUSHED),
        ("tags-no-catch-up", TAGS, NEVER_FLUSHED),
        ("load-always-keeps", TAGS, NEVER_FLUSHED + "|" + OF_ANOTHER),
        ("tags-keep-recycled-digit", ONE_DIGIT, NEVER_FLUSHED + "|" + OF_ANOTHER),
    ],
    ids=lambda word: word if re.fullmatch(r"[\w-]+", word) else "",
)
def test_tlbsan_names_the_line_and_the_cpu(mutant, options, sentence):
    if options and ARCH == "pae":
        pytest.skip("pae has no tags")
    build = build_mutant(os.path.join(BUILD, f"debug-{ARCH}"), mutant, "DEBUG=1")
    result = run_line(
        "plans; stale 5; sharers", BUILD=build, INITRD=INITRD, CPUS="2", APPEND=options
    )
    found = re.search("panic: (?:" + sentence + ")", result.output)
    assert found and result.status not in (0, 124), result.output
    assert all(is_downgrade(place) for place in found.groups() if place)
