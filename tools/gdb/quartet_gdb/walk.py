# SPDX-License-Identifier: MIT
"""`quartet walk ADDRESS [PID]`: the CPU's walk through the tables, and what the kernel makes of it.

The bits of an entry are those of arch/x86/machine_paging.h; the decision at the end is that of
kernel/vm/fault.c and table.c, told in advance.
"""
import gdb

from quartet_gdb import kernel
from quartet_gdb.kernel import count_text, field, rights_text
from quartet_gdb.machine import (
    Command,
    address_of,
    architecture,
    cpu_number,
    number,
    physical_read,
    physical_word,
    register,
    user_top,
)

PRESENT, WRITE, USER, DEVICE, ACCESSED, DIRTY, LARGE = 0x1, 0x2, 0x4, 0x18, 0x20, 0x40, 0x80
GLOBAL, COW, SHARED, NO_EXECUTE = 0x100, 0x200, 0x400, 1 << 63
FRAME_MASK = 0x00000FFFFFFFF000
FLAGS = (
    (WRITE, "write"),
    (USER, "user"),
    (ACCESSED, "accessed"),
    (DIRTY, "dirty"),
    (LARGE, "large"),
    (GLOBAL, "global"),
    (COW, "cow"),
    (SHARED, "shared"),
    (NO_EXECUTE, "no-execute"),
)
ACCESSES = (("read", 1), ("write", 2), ("execute", 4))
SLOT_SHIFT, TABLE_SHIFT, PAGE_SHIFT, BLOCK_FRAMES = 30, 21, 12, 512


def entry_text(raw):
    if not raw & PRESENT:
        return "not present" if raw == 0 else f"not present ({raw:#x})"
    words = [word for bit, word in FLAGS if raw & bit]
    if raw & DEVICE:
        words.append("uncached")
    return f"frame {(raw & FRAME_MASK) >> PAGE_SHIFT:#x}  {' '.join(words)}".rstrip()


class Step:
    """One entry of the walk: NAME[INDEX] = RAW."""

    def __init__(self, name, index, raw):
        self.name, self.index, self.raw = name, index, raw
        self.frame = (raw & FRAME_MASK) >> PAGE_SHIFT
        self.present = bool(raw & PRESENT)
        self.leaf = name == "table" or (bool(raw & LARGE) and name != "PML4")

    def allows(self, access):
        if not self.present:
            return False
        if self.name == "PDPT" and architecture() == "pae":
            return True  # a PAE PDPTE has no rights
        return not (access == 2 and not self.raw & WRITE or access == 4 and self.raw & NO_EXECUTE)


def steps(root, address):
    """The walk from physical address ROOT (CR3's), as far as entries are present."""
    if architecture() == "long":
        levels, table = [("PML4", 39), ("PDPT", 30)], root & FRAME_MASK
    else:
        levels, table = [("PDPT", 30)], root & 0xFFFFFFE0
    walked = []
    for name, shift in [*levels, ("directory", TABLE_SHIFT), ("table", PAGE_SHIFT)]:
        index = address >> shift & (3 if len(levels) == 1 and name == "PDPT" else 511)
        walked.append(Step(name, index, physical_word(table + 8 * index)))
        if walked[-1].leaf or not walked[-1].present:
            break
        table = walked[-1].raw & FRAME_MASK
    return walked


def root_of(space):
    """What the CPU's CR3 gets for SPACE."""
    root = field(space, "root")
    if architecture() == "long":
        return number(field(field(root, "pml4"), "number")) << PAGE_SHIFT
    # Objects that the kernel allocates are low memory: what maps them says where they are.
    address = number(field(root, "pdpt").address)
    return steps_physical(register("cr3"), address)


def steps_physical(root, address):
    """The physical address behind a virtual one that is mapped from ROOT."""
    last = steps(root, address)[-1]
    if not last.present:
        raise gdb.GdbError(f"{address:#x} is not mapped")
    size = 1 << {"table": PAGE_SHIFT, "directory": TABLE_SHIFT, "PDPT": 30}[last.name]
    return (last.raw & FRAME_MASK & ~(size - 1)) | address & (size - 1)


# ---- Frames -------------------------------------------------------------------------------------


def frame_references(frame, large):
    """Of the 4 KiB frame, or of the 2 MiB page that starts there; None: memory it does not count."""
    table = kernel.variable("frame_blocks" if large else "frame_table")
    if number(table) == 0:
        return None  # early in the boot
    try:
        place = table[frame // BLOCK_FRAMES if large else frame]
        return int(field(place, "large" if large else "references"))
    except gdb.MemoryError:
        return None


def sharers(frame, index, slot):
    """The sub-IDs of all quarters of SLOT whose directory entry INDEX refers to FRAME."""
    found = []
    for sub_id, quarter in kernel.quarters().items():
        if int(field(quarter, "slot")) == slot:
            raw = number(field(field(quarter, "directory")[index], "raw"))
            if raw & PRESENT and (raw & FRAME_MASK) >> PAGE_SHIFT == frame:
                found.append(str(sub_id))
    return found


def sharers_text(known, count):
    """Whose COUNT references they are; a quarter that COPY is making is in no space yet."""
    others = count - len(known)
    more = f" and {others} in no space yet" if others > 0 else ""
    return f", of quarters {', '.join(known)}{more}"


def payer(frame):
    return int(field(kernel.variable("frame_table")[frame], "budget"))


# ---- What the kernel would do -------------------------------------------------------------------


class Place:
    """A user address in a space: its quarter, region and walk."""

    def __init__(self, space, address):
        self.slot, self.offset = address >> SLOT_SHIFT, address & (1 << SLOT_SHIFT) - 1
        self.quarter, self.view = list(kernel.slots(space))[self.slot]
        self.region = None
        if self.quarter is not None:
            for region in kernel.regions(self.quarter):
                if int(field(region, "start")) <= self.offset < int(field(region, "end")):
                    self.region = region
        self.steps = steps(root_of(space), address)
        self.directory = next((step for step in self.steps if step.name == "directory"), None)
        self.leaf = next((step for step in self.steps if step.leaf), None)

    def table_is_shared(self):
        """The ownership rule: a page table of more than one reference is immutable."""
        step = self.directory
        return bool(
            step and step.present and not step.leaf and frame_references(step.frame, False) > 1
        )

    def missing(self):
        """Why no page is there: what the fault handler does about it."""
        if int(field(self.region, "kind")) == int(gdb.parse_and_eval("REGION_PAGED")):
            return "faults: the page is absent, and its quarter's pager is asked"
        how = "a copy of the page table first, then " if self.table_is_shared() else ""
        return f"faults: the page is absent; {how}a page is put there"

    def write_refused(self):
        """A present page whose entries forbid a write that its region allows."""
        large = self.leaf.name == "directory"
        count = frame_references(self.leaf.frame, large)
        if self.table_is_shared():
            tables = frame_references(self.directory.frame, False)
            first = f"copies the page table ({count_text(tables, 'reference')})"
            return f"faults: the kernel {first}, and then the page if others refer to it"
        if count is not None and count > 1:
            return f"faults: copy on write ({count_text(count, 'reference')}): the page is copied"
        return "faults: nobody else refers to the page; it is made writable again"

    def verdict(self, access):
        if self.quarter is None:
            return "faults, and ends the process: nothing is attached in that slot"
        if self.region is None:
            asked = number(field(field(self.quarter, "pager"), "object"))
            if asked and self.view & access:
                return "faults: no region covers it, and the quarter's pager is asked"
            return "faults, and ends the process: no region covers it"
        if not int(field(self.region, "rights")) & access:
            return "faults, and ends the process: the region forbids it"
        if not self.view & access:
            return "faults, and ends the process: the view forbids it"
        if all(step.allows(access) for step in self.steps) and self.leaf:
            return "is allowed"
        if self.leaf is None or not self.leaf.present:
            return self.missing()
        if access == 2:
            return self.write_refused()
        return "faults: the kernel looks at the region and corrects the entries"


# ---- The command --------------------------------------------------------------------------------


def step_line(step, place):
    text = f"  {step.name + f'[{step.index}]':16} {step.raw:#018x}  {entry_text(step.raw)}"
    if not step.present or step.name in ("PML4", "PDPT"):
        return text
    large = step.leaf and step.name == "directory"
    count = frame_references(step.frame, large)
    if count is None:
        return text
    text += f"\n{'':19}{'page' if step.leaf else 'page table'}: {count_text(count, 'reference')}"
    if place is not None and count > 0:
        if step.name == "directory" and count > 1:
            text += sharers_text(sharers(step.frame, step.index, place.slot), count)
        text += f", paid by budget {payer(step.frame)}"
    return text


def chosen(words):
    """(process, space) of the PID in WORDS, else of the selected CPU; None: there is none."""
    if words:
        process = kernel.process_by_pid(int(words[0], 0))
        return process, kernel.process_space(process)
    loaded = field(kernel.cpu(), "loaded")
    return kernel.current_process(), loaded.dereference() if number(loaded) else None


class Walk(Command):
    """quartet walk ADDRESS [PID]: walk the page tables as the CPU does, and say what happens.

    ADDRESS is an expression. It is walked in the space of process PID, else in what the selected
    CPU has loaded. Each line is one level: the entry as it stands, decoded; below it, who counts on
    what it refers to. The last lines say for each kind of access whether it is allowed, and if not,
    what the kernel does about the fault.

    The entries are read from physical memory. What a TLB may still hold is another matter:
    `quartet tlb`."""

    WORD = "walk"

    def run(self, words):
        if len(words) not in (1, 2):
            self.usage()
        address = address_of(words[0])
        if not register("cr0") >> 31 & 1:
            print(f"{address:#x} is a physical address: paging is off")
            return
        if address >= user_top():
            self.kernel_address(address)
            return
        process, space = chosen(words[1:])
        if space is None:
            self.kernel_address(address)
            return
        self.user_address(address, space, process)

    def kernel_address(self, address):
        print(f"{address:#x}, from CR3 of CPU {cpu_number()}")
        for step in steps(register("cr3"), address):
            print(step_line(step, None))

    def user_address(self, address, space, process):
        place = Place(space, address)
        whose = "" if process is None else f", {process['name'].string()}"
        print(f"{address:#x}: slot {place.slot}, offset {place.offset:#x}")
        print(f"  space {number(field(space, 'id'))}{whose}")
        if place.quarter is not None:
            sub_id = number(field(place.quarter, "sub_id"))
            references = count_text(int(field(place.quarter, "references")), "reference")
            print(f"  quarter {sub_id}, view {rights_text(place.view)}, {references}")
        if place.region is not None:
            base = place.slot << SLOT_SHIFT
            print(f"  region {kernel.region_line(place.region, base)}")
        for step in place.steps:
            print(step_line(step, place))
        for word, access in ACCESSES:
            print(f"  {word:7} {place.verdict(access)}")


class Bytes(Command):
    """quartet bytes ADDRESS [PID [COUNT]]: memory of a process, which need not be running.

    64 bytes, or COUNT, from ADDRESS on, within its page. `x` reads only what the selected CPU has
    loaded; this walks the process's own tables, and reads physical memory wherever it is."""

    WORD = "bytes"

    def run(self, words):
        if not 1 <= len(words) <= 3:
            self.usage()
        address = address_of(words[0])
        _, space = chosen(words[1:2])
        root = register("cr3") if space is None or address >= user_top() else root_of(space)
        page = 1 << PAGE_SHIFT
        count = min(int(words[2], 0) if len(words) == 3 else 64, page - address % page)
        content = physical_read(steps_physical(root, address), count)
        for place in range(0, count, 16):
            row = content[place : place + 16]
            text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            print(f"{address + place:08x}  {row.hex(' '):47}  {text}")


def install():
    Walk()
    Bytes()
