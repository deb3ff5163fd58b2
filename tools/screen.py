# SPDX-License-Identifier: MIT
"""The guest's graphics screen, seen from outside: a picture of it over QMP, and what is written there.

    with Screen() as screen:              its .arguments go to tools/qemu
        picture = screen.picture()        .width, .height, .pixel(x, y): (red, green, blue)
        picture.lines                     the text on it, read by the glyphs of the font
        screen.save("file.png")

A letter is recognised by its dots, whatever its two colours are; what is none is a question mark.
"""

import functools
import json
import os
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "make"))
import font

WIDTH, HEIGHT = 8, font.HEIGHT
BAR = (0x30, 0xD0, 0xA0)  # the cursor: BAR_COLOUR of format/glyph_screen.c
BAR_ROWS = 2
CONNECT_SECONDS = 20


class Picture:
    """A binary PPM file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            magic, size, depth = file.readline(), file.readline().split(), file.readline()
            self.pixels = file.read()
        assert magic.strip() == b"P6" and depth.strip() == b"255", path
        self.width, self.height = (int(word) for word in size)

    def pixel(self, x, y):
        at = (y * self.width + x) * 3
        return tuple(self.pixels[at : at + 3])

    def dots(self, x, y):
        """The pixels of a letter whose corner is at X, Y: HEIGHT lines of three bytes a pixel."""
        starts = range((y * self.width + x) * 3, ((y + HEIGHT) * self.width + x) * 3, self.width * 3)
        return [self.pixels[at : at + WIDTH * 3] for at in starts]

    def letter(self, column, row):
        return letter_of(self.dots(column * WIDTH, row * HEIGHT))

    def colours(self, column, row):
        """Of the letter there."""
        lines = self.dots(column * WIDTH, row * HEIGHT)
        return {pixel for line in lines for pixel in pixels_of(line)}

    def text_at(self, x, y, length):
        """LENGTH letters that need not stand where the console's cells are."""
        return "".join(letter_of(self.dots(at, y)) for at in range(x, x + length * WIDTH, WIDTH))

    @functools.cached_property
    def lines(self):
        columns, rows = self.width // WIDTH, self.height // HEIGHT
        text = ["".join(self.letter(x, y) for x in range(columns)).rstrip() for y in range(rows)]
        while text and not text[-1]:
            text.pop()
        return text

    def cursor(self):
        """(column, row) of its cell; None: it is nowhere."""
        for row in range(self.height // HEIGHT):
            for column in range(self.width // WIDTH):
                if self.pixel(column * WIDTH, row * HEIGHT + HEIGHT - 1) == BAR:
                    return column, row
        return None


def pixels_of(line):
    return [tuple(line[at : at + 3]) for at in range(0, len(line), 3)]


def letter_of(lines):
    """What the dots of LINES are; under the cursor's bar, those above it."""
    height = HEIGHT - BAR_ROWS if tuple(lines[-1][:3]) == BAR else HEIGHT
    ground = lines[0][:3] * WIDTH
    if all(line == ground for line in lines[:height]):
        return " "
    pixels = [pixels_of(line) for line in lines[:height]]
    colours = {pixel for line in pixels for pixel in line}
    if len(colours) > 2:
        return "?"
    for back in colours:
        dots = bytes(
            sum((pixel != back) << (WIDTH - 1 - x) for x, pixel in enumerate(line))
            for line in pixels
        )
        if dots in LETTERS[height]:
            return LETTERS[height][dots]
    return "?"


def letters(height):
    table = {}
    for code, rows in reversed(list(enumerate(font.glyphs()))):
        table[rows[:height]] = bytes([code]).decode("cp437")
    table[bytes(height)] = " "
    return table


LETTERS = {height: letters(height) for height in (HEIGHT, HEIGHT - BAR_ROWS)}


class Screen:
    """The emulator's machine protocol (QMP). ARGUMENTS make QEMU listen for it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="quartet-screen-")
        self.path = os.path.join(self.folder.name, "qmp")
        self.arguments = ["-qmp", f"unix:{self.path},server=on,wait=off"]
        self.socket = self.file = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.socket:
            self.file.close()
            self.socket.close()
        self.folder.cleanup()

    def connect(self):
        end = time.monotonic() + CONNECT_SECONDS
        while self.socket is None:
            attempt = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                attempt.connect(self.path)
                self.socket = attempt
            except OSError:
                attempt.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        if name != "qmp_capabilities" and self.socket is None:
            self.connect()
        self.file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "event" not in answer:
                assert "return" in answer, answer
                return answer["return"]

    def save(self, path, form="png"):
        self.command("screendump", filename=os.path.abspath(path), format=form)

    def picture(self):
        path = os.path.join(self.folder.name, "picture.ppm")
        self.save(path, "ppm")
        return Picture(path)

    def wait(self, condition, seconds=20):
        """The first picture for which CONDITION holds; the last one if none does in time."""
        end = time.monotonic() + seconds
        while True:
            picture = self.picture()
            if condition(picture) or time.monotonic() > end:
                return picture
            time.sleep(0.1)
