# SPDX-License-Identifier: MIT
"""What people run on the host: the Makefile's targets and messages, the generator, the doctor."""

import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD") or "build"


def run(*words, **variables):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    environment.pop("ARCH", None)
    ended = subprocess.run(
        words,
        cwd=ROOT,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=600,
    )
    return ended.returncode, ended.stdout, ended.stderr


def make(*words):
    return run("make", "--no-print-directory", f"BUILD={BUILD}", *words)


def test_help_lists_every_target_and_variable():
    status, text, _ = make("help")
    assert status == 0
    names = re.findall(r"^  (\S+)", text, re.MULTILINE)
    makefiles = [
        "Makefile",
        *(
            os.path.join("tools/make", name)
            for name in os.listdir(os.path.join(ROOT, "tools/make"))
            if name.endswith(".mk")
        ),
    ]
    for makefile in makefiles:
        with open(os.path.join(ROOT, makefile), encoding="utf-8") as file:
            source = file.read()
        for phony in re.findall(r"^\.PHONY: (.*)", source, re.MULTILINE):
            for target in phony.split():
                assert target in names or target in (
                    "FORCE",
                    "host-binaries",
                    "host-vm-binaries",
                    "host-sources",
                    "host-vm-list",
                    "exec-guest",
                ), target
        for variable in re.findall(r"^([A-Z_]+) \?=", source, re.MULTILINE):
            assert variable in names, variable


def test_unknown_arch_is_one_line():
    status, text, complaint = make("ARCH=arm", "run")
    assert status != 0 and text == ""
    assert len(complaint.splitlines()) == 1
    assert "ARCH=arm" in complaint and "pae" in complaint and "long" in complaint


@pytest.mark.parametrize(
    "variables, word",
    [
        ({"ACCEL": "warp"}, "ACCEL=warp"),
        ({"BUILD": "/nowhere"}, "make image"),
        ({"MEM": "4M"}, "8M"),
        ({"MEM": "lots"}, "MEM=lots"),
    ],
)
def test_wrong_setting_is_one_line(variables, word):
    status, text, complaint = run("tools/qemu", "run", **variables)
    assert status != 0 and text == ""
    assert len(complaint.splitlines()) == 1 and word in complaint


def hide(tmp_path, *hidden):
    """A PATH with everything of the usual one but the HIDDEN commands."""
    for folder in os.environ["PATH"].split(":")[::-1]:
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            place = tmp_path / name
            if name not in hidden and not place.is_symlink():
                place.symlink_to(os.path.join(folder, name))
    return str(tmp_path)


def test_missing_tool_is_named_with_its_package(tmp_path):
    path = hide(tmp_path, "nasm", "apt-get", "sudo")
    status, text, _ = run("tools/doctor", PATH=path)
    assert status != 0
    assert re.search(r"nasm .*MISSING", text)
    assert "apt-get install nasm" in text
    status, _, complaint = run("tools/doctor", "--install", "build", PATH=path)
    assert status != 0
    assert len(complaint.splitlines()) == 1 and "nasm" in complaint


def test_doctor_knows_what_is_there():
    status, text, _ = run("tools/doctor")
    assert status == 0, text
    assert re.search(r"nasm .*\d\.\d", text)


def test_a_second_make_does_nothing():
    for arch in ("pae", "long"):
        status, text, complaint = make(f"ARCH={arch}", "image")
        assert status == 0, complaint
        status, text, complaint = make(f"ARCH={arch}", "image")
        assert (status, text) == (0, ""), text


@pytest.mark.parametrize(
    "emulator, status, word",
    [
        ("exit 0", 125, "without giving a status"),  # as after a triple fault, with -no-reboot
        ("echo 'bad option' >&2; exit 1", 126, "did not start"),
        ("exec sleep 60", 124, "did not end within 1 seconds"),
    ],
)
def test_exec_tells_how_a_guest_failed(tmp_path, emulator, status, word):
    """With a script in the emulator's place."""
    path = hide(tmp_path, "qemu-system-x86_64")
    script = tmp_path / "qemu-system-x86_64"
    script.write_text(f"#!/bin/sh\n{emulator}\n")
    script.chmod(0o755)
    result, text, complaint = run(
        "tools/exec", "--built", "--timeout", "1", "true", PATH=path, ARCH="pae", BUILD=BUILD
    )
    assert (result, text) == (status, "")
    assert word in complaint.splitlines()[-1]


# ---- The generator


def generate(tmp_path, *words, syscalls=None):
    """Run the generator on a copy of the tables; SYSCALLS changes the text of the one."""
    for folder in ("tools", "abi"):
        os.makedirs(tmp_path / folder, exist_ok=True)
    for name in ("tools/generate-syscalls.py", "abi/syscalls.def", "abi/errors.def"):
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            text = file.read()
        (tmp_path / name).write_text(
            syscalls(text) if syscalls and name.endswith("syscalls.def") else text
        )
    ended = subprocess.run(
        ["/usr/bin/python3", str(tmp_path / "tools/generate-syscalls.py"), *words],
        capture_output=True,
        text=True,
    )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    "words",
    [["table"], ["entries"], ["header"], ["docs"], ["stubs", "pae"], ["stubs", "long"]],
)
def test_generator_makes_every_call(tmp_path, words):
    output = tmp_path / "output"
    status, complaint = generate(tmp_path, *words, str(output))
    assert status == 0, complaint
    with open(os.path.join(ROOT, "abi/syscalls.def"), encoding="utf-8") as file:
        names = re.findall(r"^SYSCALL\(\d+, (\w+)", file.read(), re.MULTILINE)
    assert len(names) > 30
    text = output.read_text()
    if words == ["stubs", "long"]:  # those of short messages stand in line in the header there
        assert generate(tmp_path, "header", str(output)) == (0, "")
        in_line = re.findall(r"^static inline .*\b(\w+)\(.*\{$", output.read_text(), re.MULTILINE)
        assert in_line and not [name for name in in_line if f"{name}:" in text]
        text += " ".join(in_line)
    assert [name for name in names if name not in text] == []


@pytest.mark.parametrize(
    "mistake",
    [
        lambda text: text.replace("SYSCALL(3, ", "SYSCALL(2, "),
        lambda text: text.replace("thread_yield", "thread_exit"),
        lambda text: text.replace("ARGUMENT(word, priority)", "ARGUMENT(wrod, priority)"),
        lambda text: text.replace('SYSCALL(3, thread_yield, "', "SYSCALL(3, thread_yield, "),
        lambda text: text.replace("object(PROCESS, MAP)", "object(PROGRESS, MAP)"),
        lambda text: text.replace("object(PROCESS, MAP)", "object(PROCESS, MOP)"),
    ],
    ids=[
        "number twice",
        "name twice",
        "unknown type",
        "quote missing",
        "unknown object",
        "unknown right",
    ],
)
def test_generator_names_the_line_of_a_mistake(tmp_path, mistake):
    status, complaint = generate(tmp_path, "table", str(tmp_path / "output"), syscalls=mistake)
    assert status != 0
    assert len(complaint.splitlines()) == 1
    assert re.search(r"syscalls\.def:\d+", complaint)


ADDED = """SYSCALL(0, first, "Do it.",
    ARGUMENT(object(QUARTER, MAP | rights), quarter), ARGUMENT(object(SYSTEM, READ), system),
    ARGUMENT(rights(READ | WRITE), rights), ARGUMENT(flag, on))
SYSCALL(1, second, "Do that.", ARGUMENT(address, at), ARGUMENT(handle, to), ARGUMENT(words, words), FAST)
"""


def made(tmp_path, kind):
    output = tmp_path / "output"
    assert generate(tmp_path, kind, str(output), syscalls=lambda _: ADDED) == (0, "")
    return output.read_text()


def test_an_entry_looks_up_what_the_table_names(tmp_path):
    """First what needs no objects, then these in order; the last one goes first."""
    first, second = made(tmp_path, "entries").split("\n\n")[1:]
    assert [line.strip() for line in first.splitlines()] == [
        "long call_first(uword a, uword b, uword c, uword d) {",
        "if ((u32)c & ~(RIGHT_READ | RIGHT_WRITE)) {",
        "return -E_INVALID;",
        "}",
        "if ((u32)d > 1) {",
        "return -E_INVALID;",
        "}",
        "struct handle quarter, system;",
        "long result = -object_lookup((int)a, OBJECT_QUARTER, "
        "RIGHT_MAP | ((u32)c & VIEW_FULL), &quarter);",
        "if (result == 0) {",
        "result = -object_lookup((int)b, OBJECT_SYSTEM, RIGHT_READ, &system);",
        "if (result == 0) {",
        "result = do_first(quarter.object, (u32)c, (u32)d != 0);",
        "object_release(system.object, OBJECT_SYSTEM, 0);",
        "}",
        "object_release(quarter.object, OBJECT_QUARTER, 0);",
        "}",
        "return result;",
        "}",
    ]
    assert second.splitlines() == [
        "long call_second_generally(uword a, uword b, uword c UNUSED, uword d UNUSED) {",
        "    return do_second(a, (int)b);",
        "}",
    ]
    prototypes = made(tmp_path, "table")
    assert "long do_first(struct quarter *quarter, u32 rights, bool on);" in prototypes
    assert "long do_second(uword at, int to);" in prototypes
    assert "[1] = call_second, " in prototypes


def test_what_a_handle_needs_stands_in_the_reference(tmp_path):
    first, second = made(tmp_path, "docs").split("## 1: second")
    assert "* `quarter` (`int`): handle of a quarter, needs map and RIGHTS\n" in first
    assert "* `system` (`int`): handle of the system object, needs read\n" in first
    errors = re.compile(r"^\* `(E_\w+)`", re.MULTILINE)
    assert set(errors.findall(first)) == {"E_INVALID", "E_HANDLE", "E_TYPE", "E_RIGHTS"}
    assert set(errors.findall(second.split("# Errors")[0])) == {"E_HANDLE", "E_TYPE"}
    assert "/* Do it. QUARTER needs map and RIGHTS. SYSTEM needs read. */" in made(tmp_path, "header")
