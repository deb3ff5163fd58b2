# SPDX-License-Identifier: MIT
"""The kernel's monitor: typed to through the console's driver, by an NMI, and after a panic."""

import re

import pytest

from machine import ARCH, Session

KEY = "\x1c"  # ^\
PROMPT = "monitor> "
TO_QEMU, BACK = "\x01c", "\x01c"  # ^A c: between the guest's serial line and QEMU's monitor


class Monitor:
    """A guest whose monitor can be typed to."""

    def __init__(self, shell):
        self.shell = shell

    def enter(self):
        self.shell.type(KEY)
        return self.shell.expect(PROMPT)

    def interrupt(self):
        """By an NMI, as from a button; what CPU 0 did. One that comes while the monitor is being left
        is ignored: the echo of a key says that it is over."""
        self.shell.type("~")
        self.shell.expect("~")
        self.shell.type("\x7f" + TO_QEMU)
        self.shell.expect(r"\(qemu\) ")
        self.shell.type("nmi\r")
        seen = ""  # QEMU's prompt falls anywhere in what the guest says
        while "monitor>" not in re.sub(r"\(qemu\) |\s", "", seen):
            self.shell.expect(".")
            seen += self.shell.process.after
        self.shell.type(BACK + "cpus\r")
        self.shell.expect("CPU 0: ")
        return self.shell.expect(PROMPT).partition("\n")[0]

    def run(self, command):
        self.shell.type(command + "\r")
        return self.shell.expect(PROMPT).partition("\n")[2]

    def leave(self):
        self.shell.type("continue\r")
        self.shell.expect("continue\r*\n")


def number_of(text, name):
    """The ID of the process NAME in what ps has printed."""
    return re.search(rf"^ *(\d+) {name} ", text, re.M).group(1)


def check_processes(monitor):
    listed = monitor.run("ps")
    for name in ("init", "console", "files", "sh"):
        assert re.search(rf"^ *\d+ {name} +lives ", listed, re.M), listed
    shell = number_of(listed, "sh")
    assert monitor.run(f"ps {shell}").count("thread ") == 1
    space = monitor.run(f"space {shell}")
    assert [f"slot {slot}" in space for slot in range(4)] == [True] * 4
    assert "no process 9999" in monitor.run("space 9999")
    return shell, re.search(r"slot 1  quarter (\d+)", space).group(1)


def check_quarters(monitor, quarter):
    listed = monitor.run("quarters")
    assert re.search(rf"^ *{quarter} +1 ", listed, re.M), listed
    found, exist = re.search(r"(\d+) found, (\d+) exist", listed).groups()
    assert 0 < int(found) <= int(exist)
    one = monitor.run(f"quarter {quarter}")
    assert f"quarter {quarter} at 0x" in one and "slot 1," in one
    assert re.search(r"region 4\w{7}-[4-7]\w{7}  rw-  ", one), one
    assert "no process can reach" in monitor.run("quarter 123456")


def check_walk(monitor, shell):
    """Text of the shell, a hole, and an address of the kernel."""
    text = monitor.run(f"walk 0x400000 {shell}")
    levels = re.findall(r"^  (PML4|PDPT|directory|table) ", text, re.M)
    assert levels == ["PML4"] * (ARCH == "long") + ["PDPT", "directory", "table"], text
    assert "execute: is allowed" in text, text
    assert "write:   the region or the view forbids it" in text, text
    assert "read:    no region covers it" in monitor.run(f"walk 0x3ff00000 {shell}")
    kernel = "0xffffffff80100000" if ARCH == "long" else "0xf0100000"
    assert re.search(r" P .*", monitor.run(f"walk {kernel}"))
    assert "usage: walk" in monitor.run("walk")
    assert "usage: walk" in monitor.run("walk 0xfg")


def check_cpus(monitor, count):
    cpus = monitor.run("cpus")
    assert re.findall(r"^CPU (\d+): ", cpus, re.M) == [str(cpu) for cpu in range(count)], cpus
    assert "has not stopped" not in cpus
    locks = monitor.run("locks")
    assert re.findall(r"^CPU (\d+): ", locks, re.M) == [str(cpu) for cpu in range(count)], locks
    for cpu in range(count):
        trace = monitor.run(f"backtrace cpu {cpu}")
        assert re.search(r"\w+\+0x|user mode", trace), trace
    assert "no CPU 77" in monitor.run("backtrace cpu 77")


def check_threads(monitor):
    """The shell waits with frames of its own, a server is parked in its message."""
    listed = monitor.run("ps")
    thread = dict(re.findall(r"^ *\d+ (\w+) .*\n +thread (\d+)", listed, re.M))
    assert "wait" in monitor.run("backtrace " + thread["init"])
    parked = monitor.run("backtrace " + thread["names"])
    assert "came from user mode at 0x" in parked, parked
    assert "there is no thread 9999" in monitor.run("backtrace 9999")
    assert "usage: backtrace" in monitor.run("backtrace 1 2")


@pytest.mark.parametrize("cpus", (1, 2))
def test_every_command_and_on(cpus):
    with Session(CPUS=str(cpus)) as shell:
        monitor = Monitor(shell)
        assert "by a call" in monitor.enter()
        helped = monitor.run("help")
        assert helped.count("\n") == 15, helped
        process, quarter = check_processes(monitor)
        check_quarters(monitor, quarter)
        check_walk(monitor, process)
        check_cpus(monitor, cpus)
        check_threads(monitor)
        memory = monitor.run("memory")
        assert re.search(r"low +\d+ frames, +\d+ used", memory) and "budget 1:" in memory
        check_peek(monitor)
        assert "there is no command nonsense" in monitor.run("nonsense")
        assert "2 threads" not in monitor.run("p\x7f\x15")  # an empty line: nothing
        monitor.leave()
        assert shell.run("echo goes on").output == "goes on\n"
        check_under_load(shell, monitor)
        monitor.enter()
        shell.type("off\r" if cpus == 1 else "reboot\r")  # which ends QEMU as well: -no-reboot
        assert shell.wait_end().status == 0


def check_peek(monitor):
    """Where memory is, and where none is: the exception ends the command, not the kernel."""
    code = re.search(r"0x\w+(?=\w )", monitor.run("backtrace")).group() + "0"
    words = monitor.run("peek " + code)
    assert re.fullmatch(rf"  {code}:( [0-9a-f]{{8,16}}){{4}}\n  0x.*\n", words), words
    for address in ("0x10", "0xdead0000"):
        broken = monitor.run("peek " + address)
        assert f"page fault at {address}, by the code at" in broken and "ends" in broken, broken


def check_under_load(shell, monitor):
    """In and out again, by both ways, while programs run: they end as they would have."""
    shell.type('presets; presets; presets; plans; echo "@"$?"@"\r')
    for _ in range(6):
        monitor.enter()
        monitor.leave()
        place = monitor.interrupt()
        assert "in user mode at" in place or "in the kernel at" in place, place
        monitor.leave()
    shell.expect("256 passed, 0 failed")
    shell.expect("@0@")


def test_panic():
    with Session(APPEND="panic-test panic=monitor", to_prompt=False, CPUS="2") as shell:
        monitor = Monitor(shell)
        text = shell.expect(PROMPT)
        assert "panic: the command line asks for a panic" in text
        assert "holds lock panic test" in monitor.run("locks")
        assert "kernel_main+0x" in monitor.run("backtrace")
        assert "cannot go on" in monitor.run("continue")
        shell.type("off\r")
        assert shell.wait_end().status == 99
