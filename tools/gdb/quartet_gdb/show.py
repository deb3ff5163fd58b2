# SPDX-License-Identifier: MIT
"""The commands that show what the kernel keeps: ps, space, quarter, pcid, locks, tlb."""
import gdb

from quartet_gdb import kernel
from quartet_gdb.kernel import count_text, enum_word, field, rights_text
from quartet_gdb.machine import Command, number

DIGIT_BITS = 3


class Prefix(gdb.Command):
    """Quartet's own: processes, spaces, quarters, page tables, TLB tags, stops by program.

    `help quartet WORD` explains each of the commands below. docs/stepping.md is a tour."""

    def __init__(self):
        super().__init__("quartet", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


# ---- Processes and spaces -----------------------------------------------------------------------


def slot_text(quarter, view):
    if quarter is None:
        return "-"
    sub_id = number(field(quarter, "sub_id"))
    return str(sub_id) if view == 7 else f"{sub_id} {rights_text(view)}"


def process_state(process):
    for name in ("ended", "dying", "stopped"):
        if field(process, name):
            return name
    states = {
        enum_word(state, "THREAD_")
        for thread in kernel.list_entries(field(process, "threads"), "thread", "sibling")
        for state in [field(thread, "state").cast(gdb.lookup_type("enum thread_state"))]
    }
    for state in ("running", "ready", "waiting", "new"):
        if state in states:
            return state
    return "dead"


class Ps(Command):
    """quartet ps: every process, its threads, its space, and the quarter in each slot.

    A quarter is named by its sub-ID. Behind it stand the rights of the view where they are not
    all. A star marks what the CPUs run at this moment."""

    WORD = "ps"

    def run(self, words):
        running = [kernel.cpu_process(cpu) for cpu in kernel.cpus()]
        running = {number(process.address) for process in running if process is not None}
        form = "{:1}{:>4} {:12} {:8} {:>3} {:>5}  {:10} {:10} {:10} {:10}"
        names = ("PID", "NAME", "STATE", "THR", "SPACE", "SLOT0", "SLOT1", "SLOT2", "SLOT3")
        print(form.format("", *names).rstrip())
        for process in kernel.processes():
            space = kernel.process_space(process)
            shown = ["-"] * 4
            if space is not None:
                shown = [slot_text(quarter, view) for quarter, view in kernel.slots(space)]
            line = form.format(
                "*" if number(process.address) in running else "",
                int(field(process, "pid")),
                kernel.text_of(field(process, "name")),
                process_state(process),
                int(field(process, "thread_count")),
                "-" if space is None else number(field(space, "id")),
                *shown,
            )
            print(line.rstrip())


def print_space(space):
    references = count_text(int(field(space, "references")), "reference")
    print(f"space {number(field(space, 'id'))}: {references}")
    for slot, (quarter, view) in enumerate(kernel.slots(space)):
        if quarter is None:
            print(f"  slot {slot}  nothing")
            continue
        print(
            f"  slot {slot}  quarter {number(field(quarter, 'sub_id'))}  view {rights_text(view)}"
            f"  {count_text(int(field(quarter, 'references')), 'reference')}"
            f"  {count_text(int(field(quarter, 'resident')), 'page')}"
            f"  {count_text(int(field(quarter, 'tables')), 'table')}"
            f"  generation {number(field(quarter, 'generation'))}"
        )
        for region in kernel.regions(quarter):
            print(f"    {kernel.region_line(region, slot << 30)}")


class Space(Command):
    """quartet space [PID]: the four quarters of a process, and their regions.

    Without PID: of the space that the selected CPU has loaded."""

    WORD = "space"

    def run(self, words):
        if len(words) > 1:
            self.usage()
        if words:
            process = kernel.process_by_pid(int(words[0], 0))
            space = kernel.process_space(process)
            if space is None:
                raise gdb.GdbError(f"process {words[0]} has no space any more")
            print(f"process {words[0]}, {kernel.text_of(field(process, 'name'))}")
        else:
            loaded = field(kernel.cpu(), "loaded")
            if number(loaded) == 0:
                raise gdb.GdbError("this CPU has the kernel's own root loaded, no space")
            space = loaded.dereference()
            process = kernel.current_process()
            if process is not None:
                pid = int(field(process, "pid"))
                print(f"process {pid}, {kernel.text_of(field(process, 'name'))}")
        print_space(space)


# ---- Quarters -----------------------------------------------------------------------------------


def directory_lines(quarter):
    """A line for each present directory entry."""
    from quartet_gdb import walk

    base = int(field(quarter, "slot")) << walk.SLOT_SHIFT
    for index in range(512):
        raw = number(field(field(quarter, "directory")[index], "raw"))
        if not raw & walk.PRESENT or raw & walk.USER == 0:
            continue
        step = walk.Step("directory", index, raw)
        count = walk.frame_references(step.frame, step.leaf)
        own = "own" if raw & walk.WRITE else "write-protected"
        kind = "2 MiB page" if step.leaf else "page table"
        yield (
            f"    [{index:3}] {base + (index << walk.TABLE_SHIFT):08x}  {kind}"
            f"  {count_text(count, 'reference')}  {own}"
        )


class Quarter(Command):
    """quartet quarter SUBID: a quarter, whoever has it attached.

    Who runs it now, its regions, and each present entry of its directory: whether the page table
    is its own (one reference) or shared by COPY and so immutable."""

    WORD = "quarter"

    def run(self, words):
        if len(words) != 1:
            self.usage()
        quarter = kernel.quarter_by_sub_id(int(words[0], 0))
        slot = int(field(quarter, "slot"))
        references = count_text(int(field(quarter, "references")), "reference")
        print(
            f"quarter {words[0]}, slot {slot}: {references}"
            f", {count_text(int(field(quarter, 'resident')), 'page')}"
            f", generation {number(field(quarter, 'generation'))}"
        )
        print(f"  run now by CPUs: {kernel.mask_text(kernel.running_mask(quarter))}")
        users = [
            f"{int(field(process, 'pid'))} {kernel.text_of(field(process, 'name'))}"
            for process in kernel.processes()
            for space in [kernel.process_space(process)]
            if space is not None
            and number(field(field(space, "slot")[slot], "quarter")) == number(quarter.address)
        ]
        print(f"  in processes: {', '.join(users) if users else 'none'}")
        counters = ("faults", "shootdowns", "interrupts_sent", "interrupts_saved")
        print("  " + ", ".join(f"{name} {number(field(quarter, name))}" for name in counters))
        for region in kernel.regions(quarter):
            print(f"    {kernel.region_line(region, slot << 30)}")
        for line in directory_lines(quarter):
            print(line)


# ---- Tags ---------------------------------------------------------------------------------------


def tags_are_used():
    features = kernel.variable("x86_features")
    return bool(field(features, "pcid") or field(features, "pcid_pretended"))


def good_tags(own):
    good = field(own, "good")
    first, last = good.type.range()
    for word in range(first, last + 1):
        bits = number(good[word])
        yield from (word * 64 + bit for bit in range(64) if bits >> bit & 1)


def hot_lines(own):
    hot = field(own, "hot")
    for slot in range(4):
        first, last = hot[slot].type.range()
        shown = []
        for i in range(first, last + 1):
            place = hot[slot][i]
            sub_id = number(field(place, "sub_id"))
            if sub_id:
                view = rights_text(int(field(place, "view")))
                shown.append(f"{i + 1}: {sub_id} {view} seen {number(field(place, 'seen'))}")
        yield f"  slot {slot}  {'; '.join(shown) if shown else 'no digit given'}"


class Pcid(Command):
    """quartet pcid: which quarter has which digit of the PCIDs, on each CPU.

    A PCID is four octal digits, one for each slot (kernel/vm/tags.h). Of each digit: the sub-ID,
    the view, and the generation up to which the CPU has seen the quarter's shootdowns. Then the
    tags whose contents are still good, and the spaces that they were loaded for."""

    WORD = "pcid"

    def run(self, words):
        if not tags_are_used():
            print(
                "This CPU has no PCIDs, or they are off: a change of space forgets what is not global."
            )
            print("Bochs has them; a DEBUG=1 kernel pretends with APPEND=pcid=pretend.")
            return
        table = kernel.variable("tags", "kernel/vm/tags.c")
        for cpu in kernel.cpus():
            i = int(field(cpu, "number"))
            print(f"CPU {i}: tag 0o{int(field(cpu, 'tag')):04o} is loaded")
            for line in hot_lines(table[i]):
                print(line)
            good = list(good_tags(table[i]))
            for tag in good:
                print(f"  0o{tag:04o} is good, for space {number(field(table[i], 'owner')[tag])}")


# ---- Locks --------------------------------------------------------------------------------------


class Locks(Command):
    """quartet locks: the spinlocks that each CPU holds, in the order of acquisition.

    Of each: its class, for a quarter the sub-ID, and the code that acquired it. The order is that
    of kernel/base/spinlock.h."""

    WORD = "locks"

    def run(self, words):
        for cpu in kernel.cpus():
            count = int(field(cpu, "lock_count"))
            print(f"CPU {int(field(cpu, 'number'))}: {count_text(count, 'lock')} held")
            for i in range(count):
                lock = field(cpu, "locks")[i].dereference()
                kind = gdb.Value(int(field(lock, "class"))).cast(gdb.lookup_type("enum lock_class"))
                order = number(field(lock, "order"))
                which = f" {order}" if order else ""
                place = kernel.symbol_at(number(field(cpu, "lock_places")[i]))
                name = kernel.text_of(field(lock, "name"))
                print(f"  {enum_word(kind, 'LOCK_')}{which} ({name}), acquired at {place}")


# ---- TLB ----------------------------------------------------------------------------------------


def loaded_lines(cpu):
    loaded = field(cpu, "loaded")
    if number(loaded) == 0:
        yield "  the kernel's own root is loaded"
        return
    space = loaded.dereference()
    yield f"  space {number(field(space, 'id'))} is loaded"
    for slot, (quarter, _) in enumerate(kernel.slots(space)):
        if quarter is not None:
            others = kernel.running_mask(quarter) & ~(1 << int(field(cpu, "number")))
            yield (
                f"    slot {slot}  quarter {number(field(quarter, 'sub_id'))}"
                f"  generation {number(field(quarter, 'generation'))}"
                f"  also run by CPUs: {kernel.mask_text(others)}"
            )


def request_lines(cpu):
    requesters = number(field(cpu, "requesters"))
    unanswered = number(field(field(cpu, "request"), "unanswered"))
    if requesters:
        yield f"  has requests to serve, of CPUs {kernel.mask_text(requesters)}"
    if unanswered:
        function = kernel.symbol_at(number(field(field(cpu, "request"), "function")))
        yield f"  waits for CPUs {kernel.mask_text(unanswered)} to run {function}"


class Tlb(Command):
    """quartet tlb: what each CPU's TLB may hold, and which invalidations are under way.

    The contents themselves nobody can read. This is what decides about them: the space that is
    loaded, who else runs its quarters, their generations, open requests between CPUs, and what has
    been counted since boot. `quartet pcid` has the tags."""

    WORD = "tlb"

    def run(self, words):
        for cpu in kernel.cpus():
            i = int(field(cpu, "number"))
            print(f"CPU {i}:")
            for line in [*loaded_lines(cpu), *request_lines(cpu)]:
                print(line)
            counters = field(kernel.variable("vm_counters")[i], "translation")
            simple = ("loads_kept", "loads_flushed", "loads_skipped", "invalidations", "catch_ups")
            shown = [f"{name} {number(field(counters, name))}" for name in simple]
            print("  " + ", ".join(shown))
            shootdowns = field(counters, "shootdowns")
            first, last = shootdowns.type.range()
            total = sum(number(shootdowns[cause]) for cause in range(first, last + 1))
            sent, saved = (number(field(counters, f"interrupts_{word}")) for word in ("sent", "saved"))
            print(f"  shootdowns {total}, interrupts sent {sent}, saved {saved}")


def install():
    Prefix()
    for command in (Ps, Space, Quarter, Pcid, Locks, Tlb):
        command()
