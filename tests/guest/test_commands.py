# SPDX-License-Identifier: MIT
"""The commands: each does its work, and the ones about quarters print what the design says."""

import glob
import os
import re

import pytest

from machine import ARCH, ROOT

PROGRAMS = sorted(
    os.path.basename(path)[:-2] for path in glob.glob(os.path.join(ROOT, "user/bin/*.c"))
)
WITHOUT_USAGE = {
    *("badcalls", "bench", "filecheck", "libcheck", "pollcheck", "screencheck", "threadcheck"),
    *("clear", "echo", "false", "sh", "true"),
}
PRESETS = ("fork", "thread", "rfork", "spawn")


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*[mK]", "", text)


def test_every_program_is_there(shell):
    names = shell.run("ls /bin | cat").output.split()
    assert [name for name in PROGRAMS if name not in names] == []


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name not in WITHOUT_USAGE])
def test_usage(shell, program):
    result = shell.run(f"{program} -h")
    assert result.status == 0
    assert result.output.startswith(f"usage: {program}")


@pytest.mark.parametrize(
    "line, output, status",
    [
        ("echo -n a; echo b", "ab\n", 0),
        ("cat /etc/readme | head -n 1 | wc -l", "1\n", 0),
        ("head -n 2 /etc/readme | tail -n 1 | wc -l", "1\n", 0),
        ("grep -c bin /etc/readme", "1\n", 0),
        ("grep nothinglikethis /etc/readme", "", 1),
        (
            "mkdir /tmp/d; cp /etc/motd /tmp/d/m; mv /tmp/d/m /tmp/d/n; ls /tmp/d | cat;"
            " rm /tmp/d/n; rmdir /tmp/d",
            "n\n",
            0,
        ),
        ("rm /tmp/nothing", None, 1),
        ("mkdir /bin", None, 1),
        ("rmdir /etc", None, 1),
        ("echo AB | hexdump | grep -c '41 42 0a'", "1\n", 0),
        ("env X=y sh -c 'echo $X'", "y\n", 0),
        ("true", "", 0),
        ("false", "", 1),
        ("sleep x", None, 2),
        ("kill -9 99999", None, 1),
        ("cp /bin/true /tmp/mine; /tmp/mine; echo $?; rm /tmp/mine", "0\n", 0),
        (
            "cp /etc/motd /tmp/motd; rm /etc/motd; ls /etc | cat; mv /tmp/motd /etc/motd",
            "readme\n",
            0,
        ),
    ],
)
def test_command(shell, line, output, status):
    result = shell.run(line)
    assert result.status == status, result.output
    if output is None:
        assert len(result.output.splitlines()) in (1, 2)  # a message, perhaps with the usage
    else:
        assert re.sub(r" +(\d)", r"\1", result.output) == output


def test_initrd_is_a_lower_layer(shell):
    """A file of the initrd can be replaced and removed, for as long as the machine is up."""
    assert (
        shell.run("echo mine >/etc/new; cat /etc/new; rm /etc/new; cat /etc/new 2>/dev/null").output
        == "mine\n"
    )


def test_ps_and_qps_agree(shell):
    count = [int(shell.run(f"{command} | wc -l").output) for command in ("ps", "qps")]
    assert count[0] == count[1] >= 6  # a head line, init, two servers, the shell, the command, wc


def test_qps_shows_four_slots(shell):
    lines = plain(shell.run("qps").output).splitlines()
    assert all(f"SLOT{slot}" in lines[0] for slot in range(4))
    assert any(re.match(r"\s*1 init\s", line) for line in lines[1:])


def test_qmap_shows_regions_with_rights(shell):
    text = plain(shell.run("qmap").output)
    for slot in range(4):
        assert f"slot {slot}" in text
    assert re.search(r"00400000-\w+\s+r-x", text), text
    assert re.search(r"40000000-\w+\s+rw-", text), text
    assert " rwx " not in re.sub(r"view rwx", "", text), "a region may be written to and executed"


def test_qmap_of_another_process(shell):
    assert "init" in plain(shell.run("qmap 1").output)
    assert shell.run("qmap 99999").status == 1


@pytest.mark.parametrize(
    "spec", [*PRESETS, "share,copy,fresh,none", "copy,copy,share,copy", "n,n,n,n", "s,s,s,s"]
)
def test_plan_runs_a_command(shell, spec):
    assert shell.run(f"plan {spec} echo under a plan").output == "under a plan\n"


def test_plan_passes_the_status_on(shell):
    assert shell.run("plan fork sh -c 'exit 9'").status == 9


def test_plan_leaves_slot_2_as_it_says(shell):
    """Slot 2 of the command holds a quarter with FRESH, and nothing with NONE."""

    def slot_2(spec):
        text = plain(shell.run(f"plan {spec} qmap").output)
        return re.search(r"slot 2 +(.*)", text).group(1)

    assert re.search(r"quarter \d+", slot_2("share,share,fresh,share"))
    assert not re.search(r"quarter \d+", slot_2("share,share,none,share"))


@pytest.mark.parametrize(
    "spec", ["", "x,y,z,w", "share,copy", "share,copy,fresh,none,none", "forks"]
)
def test_wrong_plan_is_refused(shell, spec):
    result = shell.run(f"plan '{spec}' echo no")
    assert result.status == 2
    assert "\nno\n" not in "\n" + result.output


def test_plan_without_command_explains_the_plan(shell):
    result = shell.run("plan share,copy,fresh,none")
    assert result.status == 0
    for word in ("share", "copy", "fresh", "none"):
        assert word in result.output.lower()


def test_qmap_counts_what_the_cpus_did(shell):
    text = plain(shell.run("qmap").output)
    counts = re.findall(
        r"^ +(?:on CPU [\d,]+  )?(\d+) faults  (\d+) shootdowns  interrupts (\d+) sent, (\d+) saved$",
        text,
        re.MULTILINE,
    )
    assert len(counts) == 4, text
    assert "on CPU 0" in text
    assert re.search(r" [1-9]\d* faults ", plain(shell.run("qmap 1").output))  # init's


def test_qtop_prints_plain_screens(shell):
    result = shell.run("qtop -n 2 -d 1 | cat")
    assert result.status == 0
    screens = result.output.split("\n\n")
    assert len(screens) == 4, result.output  # CPUs and processes, twice
    for part in (0, 2):
        lines = screens[part].splitlines()
        assert re.match(r"\d+ CPUs, \d+ processes, .*; the last \d+\.\d{3} s$", lines[0])
        assert lines[1].split()[:5] == ["CPU", "PID", "NAME", "TAG", "SW/S"]
        for number, line in enumerate(lines[2:]):
            assert re.match(rf" *{number} +\d+ \S+ +(-|[0-7]{{4}})( +\d+){{11}}$", line), line
    processes = screens[1].splitlines()
    assert processes[0].split()[:3] == ["PID", "NAME", "CPUS"]
    assert any(re.match(r" *1 init ", line) for line in processes)
    assert any(re.match(r" *\d+ qtop +\d+ ", line) for line in processes)  # runs on a CPU


def test_qtop_is_live_until_q(shell):
    shell.type("qtop\r")
    for _ in range(2):
        shell.expect(r"\x1b\[H\x1b\[J.*CPUs, ")
    shell.type("q")
    shell.expect_prompt()
    assert shell.run("echo fine") == ("fine\n", 0)


def test_trace_prints_each_call(shell):
    result = shell.run("trace echo traced")
    assert "traced\n" in result.output
    assert re.search(r"\[\d+ echo\] ipc_call\(.*\) = ", result.output), result.output
    assert re.search(r"\[\d+ echo\] process_exit\(0\)", result.output), result.output


def test_trace_names_errors(shell):
    assert re.search(r"= -?E_[A-Z]+", shell.run("trace badcalls | head -n 1").output)


def test_time_and_uptime_and_free(shell):
    assert re.search(r"\d", shell.run("time sleep 1").output)
    assert ARCH in shell.run("uptime").output
    assert re.search(r"KiB +\d+ +\d+ +\d+", shell.run("free").output)
