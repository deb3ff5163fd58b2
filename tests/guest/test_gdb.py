# SPDX-License-Identifier: MIT
"""GDB attached to the machine: each `quartet` command, back-traces through the entry code, symbols of
programs, `make gdb` itself, and the listings of docs/stepping.md."""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

import pexpect
import pytest

from machine import ARCH, BUILD, ROOT, environment

sys.path.insert(0, os.path.join(ROOT, "tools/gdb"))
import tour

BOUND = 60
LONG = ARCH == "long"

# One boot for all commands. Each line behind `echo` is a piece for a test below.
COMMANDS = r"""
echo --- early\n
thbreak boot_entry_pvh
continue
quartet walk $pc
x/3i check_cpu
python
try:
    gdb.execute("quartet ps")
except gdb.error as error:
    print("refused:", error)
end
echo --- user\n
quartet user sh
continue
echo --- ps\n
quartet ps
echo --- space\n
quartet space 1
echo --- quarter\n
python
sub_id = int(gdb.parse_and_eval("cpus[0].loaded->slot[1].quarter->sub_id"))
gdb.execute(f"quartet quarter {sub_id}")
end
echo --- walk\n
quartet walk $pc
quartet walk 0x7ffff000
quartet walk &cpus
quartet walk $sp
echo --- bytes\n
quartet bytes $pc 1 16
quartet bytes $pc
quartet bytes &cpus 1 16
python
from quartet_gdb import machine
print("same", machine.physical_read(0x100000, 64) == machine.monitor_read(0x100000, 64))
print("here", bytes(gdb.selected_inferior().read_memory(machine.register("pc"), 16)).hex(" "))
end
echo --- no pcid\n
quartet pcid
echo --- pcid\n
set var x86_features.pcid = 1
set var 'kernel/vm/tags.c'::tags[0].hot[1][2].sub_id = 77
set var 'kernel/vm/tags.c'::tags[0].hot[1][2].view = 5
set var 'kernel/vm/tags.c'::tags[0].hot[1][2].seen = 9
set var 'kernel/vm/tags.c'::tags[0].good[0] = 1 << 24
set var 'kernel/vm/tags.c'::tags[0].owner = &'kernel/vm/space.c'::last_id - 24
quartet pcid
set var x86_features.pcid = 0
set var 'kernel/vm/tags.c'::tags[0].good[0] = 0
echo --- errors\n
python
for command in ("space 999", "quarter 999999", "break-clone share", "user nosuch", "user sh:nosuch",
                "trace nosuch", "walk"):
    try:
        gdb.execute("quartet " + command)
    except gdb.error as error:
        print("refused:", error)
import quartet_gdb.kernel
try:
    quartet_gdb.kernel.field(quartet_gdb.kernel.cpu(), "nosuch")
except gdb.GdbError as error:
    print("refused:", error)
end
echo --- fault\n
delete
thbreak kernel/vm/fault.c:quarter_fault
continue
backtrace
print *quarter->lock
print cpus[0].loaded->slot
print cpus[0].current
echo --- clone\n
quartet break-clone fork
continue
print plan
backtrace
quartet locks
echo --- step\n
delete
quartet user sh:process_limit
continue
python
steps = 0
while "x86_entry_fast_call" not in str(gdb.newest_frame().name()):
    gdb.execute("stepi", to_string=True)
while "kernel_system_call" not in str(gdb.newest_frame().name()):
    frame, names = gdb.newest_frame(), []
    while frame is not None and frame.pc() != 0:
        names.append(str(frame.name()))
        frame = frame.older()
    if "job_enter" not in names or "main" not in names:
        print("lost at", hex(gdb.newest_frame().pc()), names)
    gdb.execute("stepi", to_string=True)
    steps += 1
print("steps", steps)
end
finish
echo --- locks\n
delete
thbreak kernel/vm/shootdown.c:quarter_shootdown
continue
quartet locks
echo --- tlb\n
quartet tlb
echo --- trace\n
delete
quartet trace calls faults switches shootdowns
thbreak kernel/process/end.c:process_exit
continue
quartet trace off
echo --- resume\n
delete
thbreak x86_park_resume
continue
python
steps, here = 0, True
while here:
    frame, names = gdb.newest_frame(), []
    while frame is not None and frame.pc() != 0:
        names.append(str(frame.name()))
        frame = frame.older()
    here = gdb.newest_frame().name() in ("x86_park_resume", "resume_frame")
    if names[0] != "x86_park_resume" and "main" not in names:
        print("lost at", hex(gdb.newest_frame().pc()), names)
    gdb.execute("stepi", to_string=True)
    steps += 1
print("steps", steps)
end
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """{piece: what GDB wrote}."""
    script = tmp_path_factory.mktemp("gdb") / "commands.gdb"
    script.write_text(COMMANDS)
    ended = subprocess.run(
        [os.path.join(ROOT, "tools/gdb/batch"), script, "ls /etc; true; bench ipc_roundtrip", *tour.DETERMINISTIC],
        env={**os.environ, **environment({"TIMEOUT": str(BOUND), "CPUS": "1"})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    pieces = re.split(r"^--- (.*)\n", ended.stdout, flags=re.MULTILINE)
    found = dict(zip(pieces[1::2], pieces[2::2]))
    assert ended.returncode == 0 and "trace" in found, ended.stdout
    return found


def test_before_the_kernel_runs(shown):
    assert "paging is off" in shown["early"]
    assert "refused: Cannot access memory" in shown["early"]
    assert re.search(r"pop +%eax", shown["early"]), "the first instructions are 32-bit code"
    assert "boot_entry_pvh () at boot/entry.asm" in shown["early"]


def test_stops_in_one_program_and_shows_its_quarters(shown):
    assert re.search(r"process \d+, sh\nspace \d+", shown["user"])
    assert len(re.findall(r"^  slot \d  quarter \d+", shown["user"], re.MULTILINE)) == 4
    assert f"_start () at user/lib/crt-{ARCH}.asm" in shown["user"]


def test_ps_and_space(shown):
    assert re.search(r"^ +1 init +waiting", shown["ps"], re.MULTILINE)
    assert re.search(r"^\* +\d+ sh +running", shown["ps"], re.MULTILINE)
    assert "process 1, init" in shown["space"]
    assert re.search(r"slot 2  quarter \d+  view r--", shown["space"])
    assert "boot_image" in shown["space"]


def test_quarter(shown):
    assert re.search(r"run now by CPUs: 0\n  in processes: \d+ sh", shown["quarter"])
    assert re.search(r"\[  0\] 40000000  page table  1 reference  own", shown["quarter"])


def test_walk(shown):
    code, absent, kernel, stack = re.split(r"^(?=0x)", shown["walk"], flags=re.MULTILINE)[1:]
    assert re.search(r"table\[0\] +0x\w+  frame 0x\w+  user", code)
    assert "page: 1 reference" in code and "execute is allowed" in code
    assert "write   faults, and ends the process: the region forbids it" in code
    assert absent.count("no region covers it") == 3
    assert re.search(r"table\[\d+\] +0x\w+  frame 0x\w+  write .*global no-execute", kernel)
    assert ("PML4[511]" in kernel) == LONG
    assert "write   is allowed" in stack


def test_bytes_of_a_process_that_does_not_run(shown):
    rows = re.findall(r"^[0-9a-f]{8,16}  ((?:[0-9a-f]{2} ){15}..)", shown["bytes"], re.MULTILINE)
    assert len(rows) == 1 + 4 + 1
    assert f"here {rows[1]}" in shown["bytes"]
    assert "same True" in shown["bytes"]


def test_pcid(shown):
    assert "has no PCIDs" in shown["no pcid"]
    assert "slot 1  3: 77 r-x seen 9" in shown["pcid"]
    assert "0o0030 is good, for space " in shown["pcid"]


def test_what_cannot_be_done_is_a_sentence(shown):
    refused = [line[9:] for line in shown["errors"].splitlines() if line.startswith("refused: ")]
    assert len(refused) == 8
    assert "there is no process 999" in refused[0]
    assert "`share` is no plan" in refused[2]
    assert "there is no program `nosuch`" in refused[3]
    assert "sh has no function `nosuch`" in refused[4]
    assert refused[6].startswith("usage: quartet walk ADDRESS")
    assert "cpu has no field `nosuch`: tools/gdb belongs to another kernel" in refused[7]


def frames(text):
    return re.findall(r"^#\d+ +(?:0x\w+ in )?([\w ]\S*(?: \S+)*?) \(", text, re.MULTILINE)


def test_a_fault_is_traced_back_into_the_program(shown):
    names = frames(shown["fault"])
    assert names[0] == "quarter_fault" and "x86_trap" in names
    assert "main" in names[names.index("trap_entry") :] or "_start" in names[-1:]
    assert "Backtrace stopped" not in shown["fault"]


def test_the_kernels_types_have_names(shown):
    assert re.search(r"= quarter \d+, (free|held)", shown["fault"])
    assert re.search(r"= \{quarter \d+, view rwx, quarter \d+", shown["fault"])
    assert re.search(r"= .*\(thread \d+\)", shown["fault"])


def test_a_call_is_traced_back_to_main(shown):
    names = frames(shown["clone"])
    assert "= 85" in shown["clone"]
    entry = names.index("x86_entry_fast_call")
    assert names[0] == "process_clone" and "fork" in names[entry:] and "main" in names[entry:]
    assert names[-1] in ("main", "_start")
    assert "Backtrace stopped" not in shown["clone"] and "corrupt" not in shown["clone"]
    assert "CPU 0: 0 locks held" in shown["clone"]


def test_every_instruction_of_the_entry_code_knows_its_caller(shown):
    assert "lost" not in shown["step"]
    assert int(re.search(r"steps (\d+)", shown["step"])[1]) > 20
    assert "Value returned is" in shown["step"] and "= 0" in shown["step"]


def test_a_message_returns_to_the_program_that_gets_it(shown):
    assert "lost" not in shown["resume"]
    assert int(re.search(r"steps (\d+)", shown["resume"])[1]) > 15


def test_trace(shown):
    assert re.search(r"^\[CPU 0\] \d+ \w+: ipc_call\(0x", shown["trace"], re.MULTILINE)
    assert re.search(r"^\[CPU 0\] \d+ \w+: (read|write|execute) fault at 0x", shown["trace"], re.M)
    assert re.search(r"^\[CPU 0\] \w.*: loads space \d+", shown["trace"], re.MULTILINE)
    assert re.search(r"^\[CPU 0\] \d+ \w+: shoots .* of quarter \d+ down \(", shown["trace"], re.M)
    assert "Traced: nothing" in shown["trace"]


def test_locks_and_tlb(shown):
    assert re.search(r"quarter \d+ \(quarter\), acquired at \w+\+\d+", shown["locks"])
    assert re.search(r"CPU 0:\n  (space \d+|the kernel's own root) is loaded", shown["tlb"])
    assert "interrupts sent 0" in shown["tlb"]


# ---- docs/stepping.md ----------------------------------------------------------------------------


def is_the_usual_build():
    """The listings are of what gcc makes at -O2; others inline other functions."""
    with open(os.path.join(ROOT, BUILD, ARCH, "kernel.flags"), encoding="utf-8") as file:
        flags = file.read().split()
    return flags[0] == "gcc" and "-O2" in flags and "-DIPC_GENERAL_ONLY" not in flags


@pytest.mark.parametrize("script", tour.scripts(ARCH))
def test_the_tour_is_what_happens(script):
    if not is_the_usual_build():
        pytest.skip("another compiler or other options than the page's")
    with open(tour.PAGE, encoding="utf-8") as file:
        page = tour.listings(file.read())
    for piece, listing in tour.run(script, BUILD).items():
        assert tour.gist(listing) == tour.gist(page[script, piece]), (
            f"docs/stepping.md is behind at `{script}: {piece}`; `make tour` writes it anew"
        )


# ---- make gdb ------------------------------------------------------------------------------------


def start(**variables):
    return {
        "args": [os.path.join(ROOT, "tools/gdb/start")],
        "env": {**os.environ, **environment(variables)},
        "stdin": subprocess.DEVNULL,
        "capture_output": True,
        "text": True,
        "check": False,
    }


def test_the_two_commands_work_in_two_terminals():
    printed = subprocess.run(**start(PRINT="1", PROGRAM="init")).stdout
    qemu, gdb = (line.strip() for line in printed.splitlines() if line.startswith("  "))
    machine = subprocess.Popen(
        shlex.split(qemu),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "SERIAL": "null"},
        start_new_session=True,  # tools/qemu and the emulator
    )
    try:
        ended = subprocess.run(
            [*shlex.split(gdb), "-nx", "-batch"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=BOUND,
            check=False,
        )
        assert "process 1, init" in ended.stdout, ended.stdout + ended.stderr
        assert "auto-load" not in ended.stderr and "warning" not in ended.stderr, ended.stderr
        machine.wait(timeout=BOUND)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(machine.pid, signal.SIGKILL)
        machine.wait()


def pane(server):
    """What stands in the upper pane. Asked of tmux, because what it sends to a terminal depends on what
    it believes to be there already: a prompt may come as letters and a move of the cursor."""
    shown = subprocess.run(
        ["tmux", "-L", server, "capture-pane", "-p", "-t", ":0.0"], capture_output=True, text=True, check=False
    )
    return shown.stdout


def test_one_terminal_with_tmux():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    variables = environment({"TERM": "xterm", "LC_ALL": "C.UTF-8", "GDBPORT": port})
    kept = {name: value for name, value in os.environ.items() if name != "TMUX"}
    screen = pexpect.spawn(
        os.path.join(ROOT, "tools/gdb/start"),
        env={**kept, **variables},
        timeout=BOUND,
        encoding="utf-8",
        codec_errors="replace",
        dimensions=(40, 120),
    )
    until = time.monotonic() + BOUND
    text = ""
    while not re.search(r"boot_entry_pvh.*\(gdb\)\s*\Z", text, re.DOTALL):
        assert time.monotonic() < until, text
        screen.expect(pexpect.TIMEOUT, timeout=0.2)  # takes what tmux sends, so that it goes on
        text = pane(f"quartet-gdb-{port}")
    screen.send("quit\r")
    screen.expect(pexpect.EOF)
    screen.close()


@pytest.mark.parametrize(
    "variables, sentence",
    [
        ({"GDBPORT": "x"}, "GDBPORT=x is no port"),
        ({"PROGRAM": "nosuch"}, "PROGRAM=nosuch is unknown"),
        ({"BOOT": "nosuch"}, "BOOT=nosuch is unknown"),
        ({"BOOT": "uefi", "ARCH": "pae"}, "use BOOT=uefi32"),
    ],
)
def test_what_make_gdb_refuses(variables, sentence):
    ended = subprocess.run(**start(**variables))
    assert ended.returncode == 1 and sentence in ended.stderr
