# SPDX-License-Identifier: MIT
"""Messages on the running system: user/bin/ipccheck.c checks all that they promise."""

import os
import re
import subprocess

import pytest

from machine import ARCH, BUILD, ROOT, run_line

ICOUNT = ["-icount", "shift=0,align=off,sleep=off"]
GROUPS = 21


def assert_all_passed(result):
    assert result.status == 0, result.output
    assert "FAIL" not in result.output and "panic" not in result.output, result.output
    assert re.search(rf"^{GROUPS} passed, 0 failed$", result.output, re.MULTILINE), result.output


@pytest.mark.parametrize("cpus", (1, 4))
def test_messages(cpus):
    assert_all_passed(run_line("ipccheck", bound=150, CPUS=str(cpus)))


def test_messages_in_exact_time():
    """One tick of the time-stamp counter for each instruction: what a high caller waits for, and
    the ends of time-outs, have bounds (-x)."""
    result = run_line("ipccheck -x", *ICOUNT, bound=150)
    assert_all_passed(result)
    assert re.search(r"a high caller has waited for \d+ instructions", result.output)


@pytest.mark.parametrize("demo", ("kv", "lend"))
def test_demonstrations_on_four_cpus(demo):
    result = run_line(demo, bound=150, CPUS="4")
    assert result.status == 0, result.output
    assert "FAIL" not in result.output


# ---- The fast path against the general one (hazard 44)


@pytest.fixture(scope="module")
def general_build():
    """The folder of a kernel in which every message takes the general way."""
    build = os.path.join(BUILD, f"general-{ARCH}")
    ended = subprocess.run(
        ["make", "--no-print-directory", f"BUILD={build}", f"ARCH={ARCH}", "FAST_PATH=0", "kernel"],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    return build


def mix(seed, **variables):
    """What a random mix of messages ends with, and the instructions of one round trip."""
    result = run_line(f"ipcmix {seed}", *ICOUNT, bound=120, **variables)
    assert result.status == 0, result.output
    text, roundtrip = result.output.split("roundtrip ")
    for error in "INVALID HANDLE RIGHTS TYPE NOTFOUND DEAD TOOBIG".split():
        assert re.search(rf"^  E_{error} +\d+$", text, re.MULTILINE), text
    return text, int(roundtrip)


@pytest.mark.parametrize("seed", (1, 2, 3))
def test_the_fast_path_does_what_the_general_one_does(general_build, seed):
    fast, general = mix(seed), mix(
        seed, BUILD=general_build, INITRD=os.path.join(BUILD, ARCH, "initrd.cpio")
    )
    assert fast[0] == general[0]
    assert fast[1] < general[1]  # one of them has taken it
