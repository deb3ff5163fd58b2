# SPDX-License-Identifier: MIT
"""Two ways to use a guest in a test.

    run_line("ls; qmap", MEM="32M")     boots, runs one shell line, returns Result(output, status)
    with Session() as shell:            boots to the prompt and stays there
        shell.run("ls /bin")            types a line, returns Result(output, status)
        shell.type("ec"), shell.expect  for what a person at the keyboard does

Keyword arguments are the variables of tools/qemu. ARCH and BUILD come from the environment. A
timeout here is only the bound after which a test has failed: a guest that works ends by itself,
with a status.
"""

import collections
import os
import re
import sys

import pexpect

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import guest

ARCH = os.environ.get("ARCH") or "pae"
BUILD = (
    os.environ.get("BUILD") or "build"
)  # relative to ROOT, as for make: another spelling builds anew
BOUND = 60
PROMPT = r"/\S* \$ "

Result = collections.namedtuple("Result", "output status")


def environment(variables):
    return {"BUILD": BUILD, "ARCH": ARCH, "APPEND": "", "SCREEN": "none", **variables}


def run_line(line, *extra, bound=BOUND, **variables):
    """Run LINE in a guest of its own; EXTRA goes to QEMU. The output has the tool's complaints."""
    blocks = []
    status = guest.run_line(
        line,
        blocks.append,
        lambda text: blocks.append(text.encode() + b"\n"),
        bound,
        extra,
        environment(variables),
    )
    return Result(b"".join(blocks).decode(errors="replace"), status)


class Session:
    """A guest at its shell prompt. START: what to start (default: tools/qemu run)."""

    def __init__(self, *extra, start=None, bound=BOUND, to_prompt=True, **variables):
        start = start or [os.path.join(ROOT, "tools/qemu"), "run"]
        self.process = pexpect.spawn(
            start[0],
            [*start[1:], *extra],
            env={**os.environ, **environment(variables)},
            timeout=bound,
            encoding="utf-8",
            codec_errors="replace",
            echo=False,
            dimensions=(24, 200),
        )
        self.process.delaybeforesend = None
        if to_prompt:
            self.boot_text = self.expect_prompt()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def expect(self, pattern, bound=-1):
        """Wait for PATTERN (a regular expression); return the text before it."""
        self.process.expect(pattern, timeout=bound)
        return self.process.before.replace("\r", "")

    def expect_prompt(self, bound=-1):
        return self.expect(PROMPT, bound)

    def type(self, text):
        self.process.send(text)

    def run(self, line, bound=-1):
        """Type LINE, wait for its end. The marks have quotes inside: their echo is no match."""
        joint = "" if line.rstrip().endswith("&") else ";"
        self.type(f'echo "@"begin; {line}{joint} echo "@"$?"@"\r')
        self.expect("@begin\r*\n", bound)
        output = self.expect(r"@\d+@\r*\n", bound)
        return Result(output, int(re.search(r"\d+", self.process.after).group()))

    def close(self):
        """End the emulator, however the guest is."""
        self.process.close(force=True)

    def wait_end(self, bound=-1):
        """Wait until the emulator ends by itself; return the rest of the output and its status."""
        rest = self.expect(pexpect.EOF, bound)
        self.process.close()
        return Result(rest, self.process.exitstatus)
