# SPDX-License-Identifier: MIT
"""The simulated curve: how lengths are read from a log, and the queue in virtual time."""

import os
import subprocess
import sys
import types

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD") or "build"
sys.path.insert(0, os.path.join(ROOT, "tools/bench"))
import holds

KERNEL = types.SimpleNamespace(
    places={"quarter_fault": 0xF0000010}, acquire=0xF0000100, taken=0xF0000101, given=0xF0000200
)
NAMES = {0xF0000011: "quarter", 0xF0000012: "frames"}  # by the call's address
USER = [0x400000]
TICK = [0xF0000000, 0xF0000012, 0xF0000100, 0xF0000101, 0xF0000200]
FAULT = [0xF0000001, 0xF0000010, 0xF0000011, 0xF0000100, 0xF0000101, 0xF0000020]
FAULT += [0xF0000012, 0xF0000100, 0xF0000101, 0xF0000030, 0xF0000031, 0xF0000200]
FAULT += [0xF0000040, 0xF0000200, 0xF0000041]


def test_lengths_add_up_to_the_fault(tmp_path):
    """Only whole stays in the kernel count, and of them only faults."""
    log = tmp_path / "log"
    stays = [FAULT, USER, TICK, USER, FAULT, USER, FAULT[:4]]
    log.write_text(
        "".join(
            f"Trace 0: 0x7f0000000100 [00000000/{address:016x}/00c0b3b0/ff021001] \n"
            for stay in stays
            for address in stay
        )
    )
    lengths = holds.lengths_of(str(log), KERNEL, NAMES)
    assert lengths == {
        ("enter", "+quarter"): [4],
        ("+quarter", "+frames"): [4],
        ("+frames", "-frames"): [3],
        ("-frames", "-quarter"): [2],
        ("-quarter", "leave"): [2],
    }
    assert sum(counts[0] for counts in lengths.values()) == len(FAULT)


LENGTHS = """enter +quarter 100
+quarter -quarter 300
-quarter leave 200
+quarter +frames 100
+frames -frames 80
-frames -quarter 120
"""


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    """Faults in a million instructions and percent waited, for LOCK, LAYOUT and CPUS."""
    ended = subprocess.run(
        ["make", "--no-print-directory", f"BUILD={BUILD}", f"{BUILD}/host/curve"],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    path = tmp_path_factory.mktemp("curve") / "lengths"
    path.write_text(LENGTHS)

    def run(*words):
        program = subprocess.run(
            [os.path.join(ROOT, BUILD, "host/curve"), str(path), *map(str, words)],
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
            capture_output=True,
            text=True,
        )
        assert program.returncode == 0, program.stderr
        return tuple(map(int, program.stdout.split()))

    return run


def test_one_cpu_takes_the_sum_of_the_lengths(curve):
    for lock in ("quarter", "big"):
        for layout in ("own", "slots", "one"):
            faults, waited = curve(lock, layout, 1)
            assert faults == pytest.approx(1e6 / 600, abs=1) and waited == 0  # however cut


@pytest.mark.parametrize("layout", ["own", "slots"])
def test_cpus_in_quarters_of_their_own_wait_only_for_frames(curve, layout):
    assert curve("quarter", layout, 4)[0] == pytest.approx(4 * 1667, rel=0.01)
    faults, waited = curve("quarter", layout, 64)
    assert 0.5 * 8e6 / 80 < faults <= 8.2e6 / 80 and waited > 0  # a hold of 80 for 8 faults


@pytest.mark.parametrize("lock, layout", [("quarter", "one"), ("big", "own"), ("big", "slots")])
def test_one_lock_is_the_limit(curve, lock, layout):
    """Held for 300 of 600 instructions: two CPUs may get on, more may not."""
    for cpus in (2, 8, 64):
        faults, waited = curve(lock, layout, cpus)
        assert faults == pytest.approx(1e6 / 300, rel=0.02)
        assert waited == pytest.approx(100 * (1 - 2 / cpus), abs=2)
