# SPDX-License-Identifier: MIT
"""Pretty-printers for the kernel's types: a page-table entry says what its bits mean, a pointer to
a quarter says which one. `print /r` shows what is stored."""
import gdb
import gdb.printing

from quartet_gdb import kernel
from quartet_gdb.kernel import field, rights_text
from quartet_gdb.machine import number
from quartet_gdb.walk import entry_text


class Entry:
    """entry_t"""

    def __init__(self, value):
        self.raw = number(value["raw"])

    def to_string(self):
        return f"{self.raw:#x} ({entry_text(self.raw)})"


class Frame:
    """frame_t"""

    def __init__(self, value):
        self.number = number(value["number"])

    def to_string(self):
        return f"frame {self.number:#x}" if self.number else "no frame"


class Region:
    """struct region"""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        return kernel.region_line(self.value, 0)


class Slot:
    """struct space_slot"""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        quarter = field(self.value, "quarter")
        if number(quarter) == 0:
            return "nothing"
        return f"{named(quarter)}, view {rights_text(int(field(self.value, 'view')))}"


class Spinlock:
    """struct spinlock"""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        state = "held" if field(self.value, "locked") else "free"
        order = number(field(self.value, "order"))
        return f"{kernel.text_of(field(self.value, 'name'))}{f' {order}' if order else ''}, {state}"


# ---- Pointers -----------------------------------------------------------------------------------

# What names an object: the structure, a field, and what stands before it.
NAMES = {
    "quarter": ("sub_id", "quarter"),
    "space": ("id", "space"),
    "process": ("pid", "process"),
    "thread": ("tid", "thread"),
    "cpu": ("number", "CPU"),
}


def named(pointer):
    """A pointer to an object as "quarter 17", or None where there is nothing to read."""
    target = pointer.type.strip_typedefs().target().strip_typedefs()
    name, word = NAMES[target.tag]
    try:
        return f"{word} {number(pointer.dereference()[name])}"
    except gdb.error:
        return None


class Pointer:
    """A pointer to one of NAMES"""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        address = number(self.value)
        if address == 0:
            return "null"
        name = named(self.value)
        return hex(address) if name is None else f"{address:#x} ({name})"


def pointer_printer(value):
    """The printer for VALUE if it is a pointer to one of the kernel's objects."""
    kind = value.type.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_PTR:
        return None
    target = kind.target().strip_typedefs()
    if target.code != gdb.TYPE_CODE_STRUCT or target.tag not in NAMES:
        return None
    names = {part.name for part in target.fields()}  # a program's own struct of that name has others
    return Pointer(value) if NAMES[target.tag][0] in names else None


def install():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("quartet")
    collection.add_printer("entry", "^entry_t$", Entry)
    collection.add_printer("frame", "^frame_t$", Frame)
    collection.add_printer("region", "^region$", Region)
    collection.add_printer("slot", "^space_slot$", Slot)
    collection.add_printer("spinlock", "^spinlock$", Spinlock)
    gdb.printing.register_pretty_printer(None, collection, replace=True)
    gdb.pretty_printers.append(pointer_printer)
