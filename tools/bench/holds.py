# SPDX-License-Identifier: MIT
"""How long a page fault holds which lock, in instructions: follow a guest through `bench anon_fault`.

Through QEMU's debugger port the guest stops wherever a lock is acquired in the first faults of that
row, so that we learn which call is about which lock. Then QEMU runs on without a stop, and writes a
line for each instruction. A fault begins with its first instruction in the kernel and ends with its
last; a lock is held from the exchange in spinlock_acquire to the store in spinlock_release. Nothing
in the kernel is changed for the measurement.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import guest

LEARN_PAGE, FIRST_PAGE = 2, 24  # of the row's 128: from the second on instructions are counted
CALL_LENGTH = 5  # bytes of a call instruction
USER_TOP = 0xF0000000  # addresses from here on are the kernel's, on both kernels
RSI, RDI, RSP, RIP = 4, 5, 7, 16  # the debugger's numbers of registers
LOCK_NAME = 16  # offset of `name` in struct spinlock, on both kernels
QUARTER_SLOT = 8  # offset of `slot` in struct quarter


class Debugger:
    """The few commands of the remote protocol that are needed."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(200):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.05)
        self.buffer = b""
        self.ask("qXfer:features:read:target.xml:0,ffb")  # else QEMU answers no single register

    def packet(self):
        """The next reply's text."""
        while True:
            begin = self.buffer.find(b"$")
            end = self.buffer.find(b"#", begin)
            if 0 <= begin < end and len(self.buffer) >= end + 3:
                text = self.buffer[begin + 1 : end].decode(errors="replace")
                self.buffer = self.buffer[end + 3 :]
                self.socket.sendall(b"+")
                return text
            block = self.socket.recv(4096)
            if not block:
                raise EOFError("the guest has ended")
            self.buffer += block

    def ask(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) & 0xFF:02x}".encode())
        return self.packet()

    def monitor(self, command):
        """A command of QEMU's monitor; what it prints is dropped."""
        text = self.ask("qRcmd," + command.encode().hex())
        while text.startswith("O") and text != "OK":
            text = self.packet()

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def memory(self, address, length):
        return bytes.fromhex(self.ask(f"m{address:x},{length:x}"))

    def word(self, address, length=4):
        return int.from_bytes(self.memory(address, length), "little")

    def text(self, address):
        return self.memory(address, 24).split(b"\0")[0].decode()


class Kernel:
    """Where in the kernel is what we look for."""

    def __init__(self, path, arch):
        self.path, self.word = path, 8 if arch == "long" else 4
        text = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
        self.places = {words[2]: int(words[0], 16) for words in map(str.split, text.splitlines())}
        self.acquire = self.places["spinlock_acquire"]
        self.taken = self.find("spinlock_acquire", r"\bxchg\b")
        self.given = self.find("spinlock_release", r"\bmovl\s+\$0x0,\(")

    def find(self, function, pattern):
        """The address of the first instruction of FUNCTION that matches PATTERN."""
        text = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", f"--disassemble={function}", self.path],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for line in text.splitlines():
            match = re.match(r"\s*([0-9a-f]+):\t(.*)", line)
            if match and re.search(pattern, match.group(2)):
                return int(match.group(1), 16)
        raise LookupError(f"no instruction of {function} matches {pattern}")


class Follower:
    """The guest, from one page's fault to another's."""

    def __init__(self, debugger, kernel):
        self.debugger, self.kernel, self.stops = debugger, kernel, []

    def argument(self, index):
        """Of the function whose first instruction comes next."""
        if self.kernel.word == 8:
            return self.debugger.register((RDI, RSI)[index])
        return self.debugger.word(self.debugger.register(RSP) + 4 * (index + 1))

    def go_on(self):
        """To the next of the stops: first one step without them, or it would be the same again."""
        self.debugger.ask("s")
        for name in self.stops:
            self.debugger.ask(f"Z0,{self.kernel.places[name]:x},1")
        self.debugger.ask("c")
        for name in self.stops:
            self.debugger.ask(f"z0,{self.kernel.places[name]:x},1")

    def at_page(self, page):
        """Is this the beginning of quarter_fault for PAGE of the row?"""
        slot = self.debugger.word(self.argument(0) + QUARTER_SLOT)
        return slot == 2 and self.argument(1) == page << 12

    def lock_learn(self, names):
        """At the beginning of spinlock_acquire: which lock it is about, by the call's address."""
        stack = self.debugger.register(RSP)
        back = self.debugger.word(stack, self.kernel.word)
        name = self.debugger.word(self.argument(0) + LOCK_NAME, self.kernel.word)
        names[back - CALL_LENGTH] = self.debugger.text(name)

    def follow(self, log):
        """Write LOG; return {address of a call: name of the lock that it acquires}."""
        names = {}
        self.stops = ["quarter_fault"]
        self.go_on()
        while not self.at_page(LEARN_PAGE):
            self.go_on()
        self.stops = ["quarter_fault", "spinlock_acquire"]
        while True:
            self.go_on()
            if self.debugger.register(RIP) == self.kernel.acquire:
                self.lock_learn(names)
            elif self.at_page(FIRST_PAGE):
                break
        self.debugger.monitor(f"logfile {log}")
        self.debugger.monitor("singlestep on")
        self.debugger.monitor("log exec,nochain")
        self.stops = ["quarter_create"]  # the end of the row. A stop costs the guest a tick of its clock
        self.go_on()
        self.debugger.monitor("log none")
        return names


def instructions(log):
    """The addresses of the instructions that QEMU has written down."""
    with open(log, encoding="ascii", errors="replace") as file:
        for line in file:
            match = re.match(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", line)
            if match:
                yield int(match.group(1), 16)


def stays(log):
    """The instructions of each whole stay in the kernel, as lists."""
    stay = None
    for address in instructions(log):
        if address >= USER_TOP:
            if stay is not None:
                stay.append(address)
        else:
            if stay:
                yield stay
            stay = []


def lengths_of(log, kernel, names):
    """{(event, next event): [instructions]} of the faults in the log."""
    lengths = {}
    for stay in stays(log):
        if kernel.places["quarter_fault"] not in stay:
            continue  # a system call, or a tick of the clock
        last, since, held, before = "enter", 0, [], 0
        for at, address in enumerate(stay + [0]):
            event = "leave" if address == 0 else None
            if address == kernel.acquire:
                held.append(names[before])
            elif address == kernel.taken:
                event = "+" + held[-1]
            elif address == kernel.given:
                event = "-" + held.pop()
            if event:
                lengths.setdefault((last, event), []).append(at - since)
                last, since = event, at
            before = address
    return lengths


def measure(arch):
    """{(event, next event): (times, mean instructions)} of faults that fill pages."""
    build = os.environ.get("BUILD") or "build"
    kernel = Kernel(os.path.join(guest.ROOT, build, arch, "kernel.elf"), arch)
    folder = tempfile.mkdtemp(prefix="quartet-")
    port, log = os.path.join(folder, "gdb"), os.path.join(folder, "log")
    emulator = subprocess.Popen(
        [os.path.join(guest.ROOT, "tools/qemu"), "exec", "bench anon_fault", "-S"]
        + ["-icount", "shift=0,align=off"]  # its clock counts instructions, so it seldom ticks
        + ["-gdb", f"unix:path={port},server=on,wait=off"],
        env={**os.environ, "ARCH": arch, "MEM": "256M", "CPUS": "1", "APPEND": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        names = Follower(Debugger(port), kernel).follow(log)
        lengths = lengths_of(log, kernel, names)
    finally:
        emulator.kill()
        emulator.wait()
        shutil.rmtree(folder)
    return {events: (len(counts), sum(counts) / len(counts)) for events, counts in lengths.items()}
