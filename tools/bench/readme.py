# SPDX-License-Identifier: MIT
"""The table of figures in README.md: which rows it has, and its cells made anew.

A line of it is

    | `ROW`: what it is | PAE | LONG | LINUX |

with ROW of `make bench`; the last cell may be empty, else it is what `make bench-compare` has for ROW.
"""

import os
import re

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../README.md")
LINE = re.compile(r"^(\| `(\w+)`[^|]*\|) ([\d,.]+(?: million)?) \| ([\d,.]+(?: million)?) \|([^|]*)\|$")


def number_text(number):
    """As a reader takes it in: exact, but for millions."""
    return f"{number:,}" if number < 1_000_000 else f"{number / 1e6:.1f} million"


def linux_text(number):
    """Linux's figures vary by a per cent from boot to boot, so large ones have fewer digits."""
    if number < 20_000:
        return f"{number:,}"
    unit, name = (1e6, "million") if number >= 1_000_000 else (1e3, "thousand")
    return f"{number / unit:,.0f} {name}"


def number_of(text):
    number, *millions = text.replace(",", "").split()
    return round(float(number) * 1e6) if millions else int(number)


def rows(text):
    """{row: (pae, long)}: Quartet's figures in TEXT."""
    found = map(LINE.match, text.splitlines())
    return {match.group(2): tuple(map(number_of, match.group(3, 4))) for match in found if match}


def refreshed(text, figures, linux):
    """TEXT with the cells that FIGURES, {(arch, row): number}, and LINUX, {row: number}, make."""

    def line(old):
        match = LINE.match(old)
        if not match:
            return old
        head, row, *_, last = match.groups()
        if last.strip() and row in linux:
            last = f" {linux_text(linux[row])} "
        cells = (number_text(figures[arch, row]) for arch in ("pae", "long"))
        return " ".join((head, " | ".join(cells), f"|{last}|"))

    return "\n".join(map(line, text.split("\n")))
