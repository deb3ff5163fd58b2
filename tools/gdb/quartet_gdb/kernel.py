# SPDX-License-Identifier: MIT
"""The kernel's data: variables, lists, processes, spaces, quarters, by the names in the source.

Nothing here knows an offset: a field that is not there any more is a sentence that names it.
"""
import gdb

from quartet_gdb.machine import cpu_number, number

LIST_LIMIT = 100000
RIGHTS = ((1, "r"), (2, "w"), (4, "x"))  # RIGHT_* in abi/abi.h
ACTIONS = ("share", "copy", "fresh", "none")  # PLAN_* in abi/abi.h, by number


# ---- Names --------------------------------------------------------------------------------------


def field(value, name):
    """VALUE.name, for a structure or a pointer to one."""
    try:
        return value[name]
    except gdb.error as error:
        if isinstance(error, gdb.MemoryError):
            raise
        raise gdb.GdbError(
            f"this kernel's {value.type} has no field `{name}`: tools/gdb belongs to another kernel"
        ) from error


def variable(name, file=None):
    """A global of the kernel, or with FILE a static one of that file."""
    if file is None:
        symbol = gdb.lookup_global_symbol(name)
        if symbol is None:
            raise gdb.GdbError(f"this kernel has no variable `{name}`")
        return symbol.value()
    try:
        return gdb.parse_and_eval(f"'{file}'::{name}")
    except gdb.error as error:
        raise gdb.GdbError(f"this kernel has no variable `{name}` in {file}") from error


def structure(name):
    """The type `struct NAME` of the kernel (programs may have another one of that name)."""
    block = gdb.lookup_global_symbol("kernel_main").symtab.static_block()
    try:
        return gdb.lookup_type(f"struct {name}", block)
    except gdb.error as error:
        raise gdb.GdbError(f"this kernel has no `struct {name}`") from error


def list_entries(head, name, member):
    """The elements (struct NAME, linked by MEMBER) of the list whose head is the value HEAD."""
    kind = structure(name)
    places = [part.bitpos // 8 for part in kind.fields() if part.name == member]
    if not places:
        raise gdb.GdbError(f"this kernel's struct {name} has no field `{member}`")
    bytes_pointer = gdb.lookup_type("char").pointer()
    end, link = number(head.address), field(head, "next")
    for _ in range(LIST_LIMIT):
        if number(link) in (0, end):
            return
        yield (link.cast(bytes_pointer) - places[0]).cast(kind.pointer()).dereference()
        link = link.dereference()["next"]


def text_of(value):
    return value.string(errors="replace")


def rights_text(rights):
    return "".join(letter if rights & bit else "-" for bit, letter in RIGHTS)


def enum_word(value, prefix):
    """The enumerator of VALUE in lower case without PREFIX: THREAD_READY is "ready"."""
    return str(value).replace(prefix, "").lower()


def symbol_at(address):
    """NAME, or NAME+OFFSET, of the kernel's code or data at ADDRESS."""
    shown = gdb.execute(f"info symbol {address:#x}", to_string=True)
    text = shown.splitlines()[-1]  # with `set trace-commands on` the command stands above it
    return text.split(" in section")[0].replace(" + ", "+") if "in section" in text else hex(address)


def plan_text(plan):
    return ",".join(ACTIONS[plan >> 2 * slot & 3] for slot in range(4))


# ---- What there is ------------------------------------------------------------------------------


def cpus():
    """The struct cpu of each CPU that runs the kernel; of CPU 0 before it has counted itself."""
    table = variable("cpus")
    return [table[i] for i in range(max(1, int(variable("cpu_count"))))]


def cpu():
    """The struct cpu of the selected CPU."""
    return variable("cpus")[cpu_number()]


def cpu_process(cpu_value):
    """The process whose thread a CPU runs, or None: no thread yet, or one of the kernel."""
    thread = field(cpu_value, "current")
    process = field(thread, "process") if number(thread) else thread
    return process.dereference() if number(process) else None


def current_process():
    return cpu_process(cpu())


def processes():
    return list_entries(variable("all_processes", "kernel/process/table.c"), "process", "all")


def process_by_pid(pid):
    for process in processes():
        if int(field(process, "pid")) == pid:
            return process
    raise gdb.GdbError(f"there is no process {pid}; `quartet ps` lists them")


def process_space(process):
    """The space of a process, or None while it ends."""
    space = field(process, "space")
    return space.dereference() if number(space) else None


def spaces():
    buckets = variable("buckets", "kernel/vm/space.c")
    first, last = buckets.type.range()
    for i in range(first, last + 1):
        yield from list_entries(buckets[i], "space", "link")


def slots(space):
    """For each slot: the quarter (a value, or None) and the view's rights."""
    for slot in range(4):
        place = field(space, "slot")[slot]
        quarter = field(place, "quarter")
        yield quarter.dereference() if number(quarter) else None, int(field(place, "view"))


def running_mask(quarter):
    """The CPUs that run QUARTER: it stands in the space that they enter, or have loaded."""
    slot, mask = int(field(quarter, "slot")), 0
    for each in cpus():
        for space in (field(each, "entering"), field(each, "loaded")):
            if number(space) and number(field(field(space, "slot")[slot], "quarter")) == number(
                quarter.address
            ):
                mask |= 1 << int(field(each, "number"))
    return mask


def handle_objects(process, type_name):
    """What the handles of PROCESS refer to, of enum object_type's TYPE_NAME."""
    wanted = int(gdb.parse_and_eval(type_name))
    table = field(process, "handles")
    for i in range(int(field(table, "end"))):
        handle = field(table, "handles")[i]
        if number(field(handle, "object")) and int(field(handle, "type")) == wanted:
            yield field(handle, "object")


def quarters():
    """Every quarter that a space or a handle refers to, by its sub-ID."""
    found = {}
    for space in spaces():
        for quarter, _ in slots(space):
            if quarter is not None:
                found[number(field(quarter, "sub_id"))] = quarter
    pointer = structure("quarter").pointer()
    for process in processes():
        for place in handle_objects(process, "OBJECT_QUARTER"):
            quarter = place.cast(pointer).dereference()
            found[number(field(quarter, "sub_id"))] = quarter
    return dict(sorted(found.items()))


def quarter_by_sub_id(sub_id):
    try:
        return quarters()[sub_id]
    except KeyError:
        raise gdb.GdbError(
            f"no space and no handle refers to a quarter {sub_id}; `quartet ps` lists them"
        ) from None


def regions(quarter):
    table = field(quarter, "regions")
    if number(table) == 0:
        return []
    return [field(table, "region")[i] for i in range(int(field(table, "count")))]


def region_line(region, base):
    start, end = base + int(field(region, "start")), base + int(field(region, "end"))
    kind = gdb.Value(int(field(region, "kind"))).cast(gdb.lookup_type("enum region_kind"))
    rights = rights_text(int(field(region, "rights")))
    return f"{start:08x}-{end - 1:08x}  {rights}  {enum_word(kind, 'REGION_')}"


def mask_text(mask, nobody="none"):
    """The CPUs whose bits are set."""
    found = [str(bit) for bit in range(64) if mask >> bit & 1]
    return ", ".join(found) if found else nobody


def count_text(count, noun):
    return f"{count} {noun}{'' if count == 1 else 's'}"
