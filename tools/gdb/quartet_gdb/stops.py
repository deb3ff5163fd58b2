# SPDX-License-Identifier: MIT
"""Stops and traces by what the kernel does: break-clone, trace."""
import gdb

from quartet_gdb import kernel
from quartet_gdb.kernel import ACTIONS, field
from quartet_gdb.machine import Command, number

# The old calls as points in the space of plans (user/lib/quartet.h).
PRESETS = {
    "fork": ("copy",) * 4,
    "thread": ("share",) * 4,
    "rfork": ("share", "share", "share", "copy"),
}


def who():
    process = kernel.current_process()
    if process is None:
        return "kernel"
    return f"{int(field(process, 'pid'))} {kernel.text_of(field(process, 'name'))}"


def argument(name):
    return number(gdb.newest_frame().read_var(name))


# ---- Clones -------------------------------------------------------------------------------------


def plan_parse(text):
    """The byte of a plan: a number, a preset, or four actions with commas, slot 0 first."""
    words = PRESETS.get(text) or tuple(text.split(","))
    if len(words) == 4 and all(word in ACTIONS for word in words):
        return sum(ACTIONS.index(word) << 2 * slot for slot, word in enumerate(words))
    try:
        plan = int(text, 0)
    except ValueError:
        plan = -1
    if not 0 <= plan <= 255:
        raise gdb.GdbError(
            f"`{text}` is no plan: use a number up to 255, {', '.join(PRESETS)},"
            f" or four of {', '.join(ACTIONS)} with commas between them, slot 0 first"
        )
    return plan


class CloneBreakpoint(gdb.Breakpoint):
    def __init__(self, plan):
        super().__init__("-source kernel/process/process.c -function process_clone")
        self.plan = plan

    def stop(self):
        return self.plan is None or argument("plan") & 0xFF == self.plan


class BreakClone(Command):
    """quartet break-clone [PLAN]: stop where a process is about to be cloned by PLAN.

    PLAN is a number, `fork`, `thread`, `rfork`, or four of share, copy, fresh, none with commas
    between them, slot 0 first. Without it: at every clone."""

    WORD = "break-clone"

    def run(self, words):
        if len(words) > 1:
            self.usage()
        plan = plan_parse(words[0]) if words else None
        breakpoint = CloneBreakpoint(plan)
        shown = "any plan" if plan is None else f"{kernel.plan_text(plan)} (0x{plan:02x})"
        print(f"Breakpoint {breakpoint.number} at clones by {shown}")


# ---- Traces -------------------------------------------------------------------------------------


class Trace(gdb.Breakpoint):
    """A place that is passed with a line, and never stops."""

    PLACE = ""

    def __init__(self):
        super().__init__(self.PLACE, internal=True)
        self.silent = True

    def stop(self):
        try:
            print(f"[CPU {int(field(kernel.cpu(), 'number'))}] {who()}: {self.line()}")
        except (gdb.error, gdb.GdbError) as error:
            print(f"quartet trace: {error}")
        return False


class Calls(Trace):
    PLACE = "-source kernel/syscall/dispatch.c -function kernel_system_call"

    def line(self):
        shapes = kernel.variable("shapes", "debug/syscall_trace.c")
        call = argument("number") & 0xFFFFFFFF
        if call > shapes.type.range()[1]:
            return f"call {call}, which there is not"
        words = ", ".join(f"{argument(name):#x}" for name in "abcd")
        return f"{kernel.text_of(field(shapes[call], 'name'))}({words})"


class Faults(Trace):
    PLACE = "-source kernel/vm/fault.c -function quarter_fault"

    def line(self):
        quarter = gdb.newest_frame().read_var("quarter").dereference()
        access = kernel.enum_word(gdb.newest_frame().read_var("access"), "ACCESS_")
        address = (int(field(quarter, "slot")) << 30) + argument("offset")
        return f"{access} fault at {address:#x}, quarter {number(field(quarter, 'sub_id'))}"


class Switches(Trace):
    PLACE = "-source kernel/vm/space.c -function space_change"

    def line(self):
        space = gdb.newest_frame().read_var("space")
        if number(space) == 0:
            return "leaves its space for the kernel's own root"
        return f"loads space {number(field(space, 'id'))}"


class Shootdowns(Trace):
    PLACE = "-source kernel/vm/shootdown.c -function quarter_shootdown"

    def line(self):
        quarter = gdb.newest_frame().read_var("quarter").dereference()
        pages = argument("pages")
        running = kernel.mask_text(kernel.running_mask(quarter))
        cause = kernel.enum_word(gdb.newest_frame().read_var("cause"), "CAUSE_")
        return (
            f"shoots {'all' if pages == 0 else kernel.count_text(pages, 'page')} of quarter"
            f" {number(field(quarter, 'sub_id'))} down ({cause}); CPUs that run it: {running}"
        )


KINDS = {"calls": Calls, "faults": Faults, "switches": Switches, "shootdowns": Shootdowns}
traces = {}


class TraceCommand(Command):
    """quartet trace [KIND...|off]: print a line at each event, and go on.

    KIND is calls, faults, switches or shootdowns; without a word all of them. `off` ends it. The
    lines come while the machine runs, slowly: each is a stop of all CPUs. (The guest's own `trace`
    shows the calls of one program with their results, at full speed.)"""

    WORD = "trace"

    def run(self, words):
        for word in words:
            if word not in (*KINDS, "off"):
                raise gdb.GdbError(f"`{word}` cannot be traced: use {', '.join(KINDS)}, or off")
        for trace in traces.values():
            trace.delete()
        traces.clear()
        if "off" not in words:
            for word in words or KINDS:
                traces[word] = KINDS[word]()
        print(f"Traced: {', '.join(traces) if traces else 'nothing'}")

    def complete(self, text, word):
        return [kind for kind in (*KINDS, "off") if kind.startswith(word)]


def install():
    BreakClone()
    TraceCommand()
