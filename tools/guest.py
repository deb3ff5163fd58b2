# SPDX-License-Identifier: MIT
"""Run one shell line in a guest, for tools/exec, tools/bench/run and tests/guest.

tools/qemu has the emulator's command line; the environment describes the machine, as it says.
"""

import os
import re
import subprocess
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMED_OUT, NO_STATUS, NO_GUEST = 124, 125, 126
LINE_LIMIT = 1900  # bytes: in hexadecimal it must fit BOOT_COMMAND_LINE (kernel/boot/boot_info.h)


def copy_output(source, write):
    """Pass the guest's output on, as soon as it comes, without carriage returns."""
    while True:
        block = source.read1(65536)
        if not block:
            return
        write(block.replace(b"\r", b""))


class KernelOutput:
    """Passes on what comes after the loader's last line; what firmware and loader said before is only passed on
    by end(), if that line never came."""

    LAST_LINE = re.compile(rb"\nStarting /\S*\.\n+")  # boot/uefi/start.c, tools/qemu

    def __init__(self, write):
        self.pass_on, self.before = write, b""

    def write(self, block):
        if self.before is None:
            self.pass_on(block)
            return
        self.before += block
        found = self.LAST_LINE.search(self.before)
        if found:
            rest, self.before = self.before[found.end() :], None
            self.pass_on(rest)

    def end(self):
        if self.before:
            self.pass_on(self.before)


def read_status(path):
    """The last "exit STATUS" that the guest wrote to its debug port, or None."""
    with open(path, encoding="ascii", errors="replace") as file:
        lines = [line.split() for line in file]
    statuses = [words[1] for words in lines if len(words) == 2 and words[0] == "exit"]
    return int(statuses[-1]) & 0xFF if statuses else None


def run_line(line, write, complain, timeout, extra=(), environment=None):
    """Run LINE in a guest; WRITE gets its output in blocks of bytes. Return the exit status."""
    if len(os.fsencode(line)) > LINE_LIMIT:
        complain(
            f"exec: the line is too long: the kernel's command line has room for {LINE_LIMIT} bytes"
        )
        return NO_GUEST
    with tempfile.TemporaryDirectory(prefix="quartet-") as folder:
        debugcon = os.path.join(folder, "debugcon")
        machine = {**os.environ, **(environment or {}), "DEBUGCON": debugcon}
        guest = subprocess.Popen(
            [os.path.join(ROOT, "tools/qemu"), "exec", line, *extra],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=machine,
        )
        hung = threading.Event()
        alarm = threading.Timer(timeout, lambda: (hung.set(), guest.kill()))
        alarm.start()
        by_firmware = machine.get("BOOT", "pvh") not in ("pvh", "direct", "")
        output = KernelOutput(write) if by_firmware else None
        try:
            copy_output(guest.stdout, output.write if output else write)
            code = guest.wait()
        finally:
            alarm.cancel()
            guest.kill()
            guest.wait()
            if output:
                output.end()
        status = read_status(debugcon) if os.path.exists(debugcon) else None
    if hung.is_set():
        complain(
            f"exec: the guest did not end within {timeout:g} seconds (TIMEOUT=) and was stopped"
        )
        return TIMED_OUT
    if status is not None:
        return status
    if code == 1:
        complain("exec: the emulator did not start; its message is above")
        return NO_GUEST
    complain("exec: the guest stopped without giving a status: it reset, or the emulator was ended")
    return NO_STATUS


def run_kernel(kernel, initrd, write, timeout, extra=(), environment=None):
    """Boot another KERNEL with INITRD on the same machine, until it switches off or TIMEOUT has passed."""
    machine = {**os.environ, **(environment or {}), "KERNEL": kernel, "INITRD": initrd}
    with subprocess.Popen(
        [os.path.join(ROOT, "tools/qemu"), "kernel", *extra],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=machine,
    ) as guest:
        alarm = threading.Timer(timeout, guest.kill)
        alarm.start()
        try:
            copy_output(guest.stdout, write)
            guest.wait()
        finally:
            alarm.cancel()
            guest.kill()
