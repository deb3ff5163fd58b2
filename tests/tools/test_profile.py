# SPDX-License-Identifier: MIT
"""make profile: how the guest's and the plugin's lines are read, and which program code belongs to."""

import importlib.machinery
import importlib.util
import os
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load(path):
    loader = importlib.machinery.SourceFileLoader("profile_tool", os.path.join(ROOT, path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("profile_tool", loader))
    loader.exec_module(module)
    return module


profile = load("tools/bench/profile")
counted = profile.counted

BENCH = "null_syscall\t76\nnull_syscall: 76 to 76; 7600 for 100, and 3 of the bracket\n"
TIME = "hello\nreal             0.001200 s\nticks                 1234567\n"
WINDOWS = """window 400010 400020 3 7 1
400012 7f01 90 1
f0000010 7f02 0f05 1
400020 7f01 0f31 1
window 0 400020 900 1 0
fff0 7f00 ea 900
"""


def test_what_was_measured():
    assert counted.read_measured(BENCH, "null_syscall") == (7603, 100, 3)
    assert counted.read_measured(BENCH, "syscall") is None
    assert counted.read_measured(TIME, None) == (1234567, 1, 0)


def test_the_window_is_the_one_that_took_as_long():
    windows = list(counted.read_windows(WINDOWS.splitlines()))
    assert [window.total for window in windows] == [3, 900]
    assert [window.strings for window in windows] == [1, 0]
    assert windows[0].instructions[1] == (0xF0000010, 0x7F02, b"\x0f\x05", 1)
    assert sum(one.count for one in windows[0].instructions) == windows[0].total
    assert counted.choose(windows, counted.Measured(899, 1, 3)) is windows[1]
    assert counted.choose(windows, counted.Measured(500, 1, 3)) is None
    assert counted.choose([], counted.Measured(500, 1, 3)) is None


def image(base, code):
    one = types.SimpleNamespace(segments=[(base, code)])
    one.has = lambda instruction: counted.Image.has(one, instruction)
    return one


def test_code_decides_between_programs_with_the_same_addresses():
    kernel = image(0xF0000000, b"\x0f\x05" * 8)
    first, second = image(0x400000, b"\x90\x90"), image(0x400000, b"\x90\xcc")
    ours = [counted.Instruction(0x400000, 1, b"\x90", 5), counted.Instruction(0x400001, 1, b"\xcc", 5)]
    other = [counted.Instruction(0x400001, 2, b"\x90", 1)]
    high = [counted.Instruction(0xF0000000, 3, b"\x0f\x05", 1)]
    nowhere = [counted.Instruction(0xFFF0, 4, b"\xea", 1)]
    found = counted.assign(ours + other + high + nowhere, kernel, [first, second])
    assert {one: image for image, one in found} == {
        ours[0]: second,
        ours[1]: second,
        other[0]: first,
        high[0]: kernel,
        nowhere[0]: None,
    }


def test_inlined_code_is_told_from_the_function_s_own():
    stack = [("lock", f"{ROOT}/kernel/base/spinlock.h:7"), ("fault", f"{ROOT}/kernel/vm/fault.c:9")]
    assert profile.label(stack, False) == "lock (kernel/base/spinlock.h)"
    assert profile.label(stack, True) == "lock kernel/base/spinlock.h:7"
    assert profile.label(stack[1:], False) is None
    assert profile.label(stack[1:], True) == "fault kernel/vm/fault.c:9"


def test_dear_instructions_are_told_by_their_bytes():
    events = load("tools/bench/events")
    kinds = {
        "0f22d8": {"roots"},
        "0f22e0": set(),  # CR4
        "410f22d9": {"roots"},
        "0f0138": {"INVLPG"},
        "0f01f8": set(),  # SWAPGS
        "660f388201": {"INVPCID"},
        "0f30": {"MSRs"},
        "f0480fab07": {"atomic"},
        "8703": {"atomic"},
        "87d8": set(),  # between registers
        "4889d8": set(),
        "90": set(),
    }
    for code, expected in kinds.items():
        assert set(events.kinds_of(bytes.fromhex(code), True)) == expected, code
    assert set(events.kinds_of(bytes.fromhex("40"), False)) == set()  # INC, in 32-bit code
