# SPDX-License-Identifier: MIT
"""The graphics screen: pictures of a guest that GRUB has started, read by the glyphs of its font. One
boot for all; the last test ends it by a panic."""

import contextlib
import os
import re

import pytest

from machine import ARCH, ROOT, Session
from test_boot import choose_in_menu
import screen  # of tools, which machine.py has put on the path

BOXES_X, SLOTS = 192, 4  # of qview: user/bin/qview/paint.c
GROUND = (0x10, 0x14, 0x18)
ENDED = [("ended", GROUND), None, None, None]


class Guest:
    """The guest on its serial line (shell), and as its screen shows it (view)."""

    def __init__(self, shell, view):
        self.shell, self.view = shell, view

    def wait_text(self, *wanted):
        """A picture with all these texts on it, in lines of their own, and equal to the one before it:
        nobody is just drawing."""
        before = []

        def done(seen):
            before.append(seen.lines)
            return before[-2:-1] == [seen.lines] and all(self.has(seen, text) for text in wanted)

        picture = self.view.wait(done)
        for text in wanted:
            assert self.has(picture, text), (text, picture.lines)
        return picture

    def pid(self, name):
        found = re.search(rf"^ *(\d+) {name} ", self.shell.run("qps").output, re.MULTILINE)
        return found.group(1)

    @staticmethod
    def has(picture, text):
        return any(text == line or text + " " in line + " " for line in picture.lines)


@pytest.fixture(scope="module")
def guest():
    start = [os.path.join(ROOT, "tools/qemu"), "grub"]
    with screen.Screen() as view, Session(
        *view.arguments, start=start, to_prompt=False, bound=90, HOLD="1", CPUS="2"
    ) as shell:
        choose_in_menu(shell)
        shell.expect_prompt()
        yield Guest(shell, view)


def test_prompt_and_boot_log(guest):
    picture = guest.wait_text("/ $")
    lines = picture.lines
    assert lines[0] == f"quartet: {ARCH} kernel, started by Multiboot2"
    assert lines[-1] == "/ $" and picture.cursor() == (4, len(lines) - 1)
    assert (picture.width, picture.height) == (1024, 768)


def test_colours_and_erasing(guest):
    guest.shell.run("clear; echo")
    guest.shell.run("qps")  # has colours
    picture = guest.wait_text("1 init", "/ $")
    rows = picture.lines
    row = next(number for number, line in enumerate(rows) if " init " in line)
    column = rows[row].index("init")
    assert len(picture.colours(column, row)) == 2 and picture.letter(column, row) == "i"
    inks = set().union(*(picture.colours(x, row) for x in range(len(rows[row])))) - {(0, 0, 0)}
    assert len(inks) >= 4, inks  # the name, and the quarters
    assert not any("Multiboot2" in line for line in rows)


def test_scrolling(guest):
    listing = "ls -l /bin; ls -l /bin; ls -l /bin"
    guest.shell.run(listing)
    guest.shell.run(f"clear; {listing}; echo the end")
    lines = guest.wait_text("the end", "/ $").lines
    assert len(lines) == guest.view.picture().height // screen.HEIGHT
    listing = [re.match(r"\S+.* (\w+)$", line) for line in lines]
    names = [match.group(1) for match in listing if match and match.group(0).startswith("-")]
    assert len(names) >= 40 and "wc" in names
    assert not any("?" in line for line in lines)  # each letter is one


def test_a_new_driver_goes_on_with_the_picture(guest):
    guest.shell.run("clear; echo kept")
    pid = guest.pid("console")
    guest.shell.type(f"kill {pid}\r")
    guest.shell.expect("is started again")
    guest.shell.run("echo and on")
    lines = guest.wait_text("kept", "and on", "/ $").lines
    assert lines.index("kept") < lines.index("and on") < len(lines) - 1


def test_who_draws_has_the_screen_for_itself(guest):
    assert guest.shell.run("screencheck") == ("7 passed, 0 failed\n", 0)
    guest.wait_text("7 passed, 0 failed", "/ $")


# ---- qview


def boxes(picture):
    """{process: [(what a box says, its colour) or None for each slot]} of qview's picture."""
    width = (picture.width - BOXES_X - 8) // SLOTS - 8
    processes = {}
    y = 0
    while y < picture.height - screen.HEIGHT:
        words = picture.text_at(8, y, 16).split()
        if len(words) == 2 and words[0].isdecimal() and "?" not in words[1]:
            slots = []
            for slot in range(SLOTS):
                x = BOXES_X + slot * (width + 8)
                text = picture.text_at(x + 8, y, 12).split()
                slots.append((text[0], picture.pixel(x + 4, y + 5)) if text else None)
            processes[words[1]] = slots
            y += screen.HEIGHT
        y += 1
    return processes


def whole(seen, names):
    """Rows for all NAMES, and no letter that qview was just changing."""
    rows = boxes(seen)
    return set(names) <= set(rows) and "?" not in str(rows)


def qview_picture(guest, *names):
    """Its boxes, once all NAMES have rows."""
    seen = boxes(guest.view.wait(lambda picture: whole(picture, names)))
    assert set(names) <= set(seen), seen
    return seen


@contextlib.contextmanager
def qview(guest):
    guest.shell.type("qview\r")
    try:
        yield
    finally:
        guest.shell.type("q")
        guest.shell.expect_prompt()


def test_qview_shows_sharers_in_one_colour(guest):
    guest.shell.run("clear; echo before; sleep 60 &")
    before = guest.wait_text("before", "/ $").lines
    with qview(guest):
        seen = qview_picture(guest, "init", "files", "sh", "sleep", "qview")
    init, files = seen["init"][2], seen["files"][2]
    assert init == files and init[0].endswith("r"), seen  # the initrd
    others = [box for row in seen.values() for box in row if box and box[0] != init[0]]
    colours = {colour for _, colour in others}
    assert init[1] not in colours
    assert len(colours) == len({text for text, _ in others}), others  # others have their own
    assert max(init[1]) > 200 and all(max(colour) < 100 for colour in colours)  # bright: shared

    # What was on the screen is there again, and what was printed meanwhile.
    after = guest.wait_text("/ $ qview", "/ $").lines
    assert after[: len(before) - 1] == before[:-1]
    guest.shell.run(f"kill {guest.pid('sleep')}; wait")


def test_qview_moves_as_programs_run(guest):
    guest.shell.run("clear; sleep 1 &")
    with qview(guest):
        qview_picture(guest, "qview", "sleep")
        later = boxes(guest.view.wait(lambda seen: boxes(seen).get("sleep") == ENDED))
    assert later["sleep"] == ENDED and all(later["qview"]), later  # the shell has not asked for it yet


def test_the_console_comes_back_however_qview_ends(guest):
    guest.shell.run("clear; echo here")
    guest.shell.type("qview\r")
    qview_picture(guest, "qview")
    guest.shell.type("\x03")
    guest.shell.expect_prompt()
    guest.wait_text("here", "/ $")
    guest.shell.run("sleep 60 | qview &")  # where no more keys come, it would leave
    qview_picture(guest, "qview")
    busy = guest.shell.run("qview")
    guest.shell.run(f"kill {guest.pid('qview')} {guest.pid('sleep')}; wait")
    assert busy.status == 1 and "qview: screen: " in busy.output, busy
    guest.wait_text("here", "/ $")


def test_a_new_driver_has_the_screen_although_somebody_draws(guest):
    guest.shell.run("clear")
    guest.shell.run(f"(sleep 1; kill {guest.pid('console')}) &")
    guest.shell.type("qview\r")
    qview_picture(guest, "qview")
    guest.shell.expect("is started again")
    guest.shell.type("q\r")
    guest.shell.expect_prompt()
    guest.shell.run("clear; echo fine")
    guest.wait_text("fine", "/ $")
    assert guest.shell.run("screencheck") == ("7 passed, 0 failed\n", 0)


# ---- The end


def test_a_panic_is_seen_although_somebody_draws(guest):
    guest.shell.type("qview\r")
    qview_picture(guest, "qview")
    machine_check = "mce 0 9 0xbd00000000000005 0x5 0x0 0x0"  # CPU, bank, an uncorrected error
    guest.view.command("human-monitor-command", **{"command-line": machine_check})
    guest.shell.expect("backtrace:")
    picture = guest.wait_text("backtrace:")
    lines = [line.strip() for line in picture.lines]
    panic = next(line for line in lines if line.startswith("panic: "))
    assert re.match(r"panic: machine check at 0x[0-9a-f]+ in (kernel|user) mode", panic), lines
    assert "backtrace:" in lines[lines.index(panic) :]
