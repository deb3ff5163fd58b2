# SPDX-License-Identifier: MIT
"""All processors of a machine: they come up, or are left out with a sentence, and are stopped."""

import re

import pytest

from machine import ARCH, Session, run_line

PLAIN = {"pae": ["pentium2", "max,-pge,-nx,-sse"], "long": ["qemu64", "max,-pge,-nx"]}


def cpus_used(shell):
    """How many CPUs the boot log says that the kernel runs on."""
    return int(re.search(r"quartet: (\d+) CPUs?;", shell.boot_text).group(1))


@pytest.mark.parametrize("count", [1, 2, 4, 8, 32])
def test_every_cpu_comes_up(count):
    with Session(CPUS=str(count)) as shell:
        assert cpus_used(shell) == count
        assert "not used" not in shell.boot_text
        assert shell.run("presets").status == 0


@pytest.mark.parametrize("cpu", PLAIN[ARCH])
def test_plain_processors_come_up(cpu):
    with Session(CPUS="4", CPU=cpu) as shell:
        assert cpus_used(shell) == 4


def test_more_cpus_than_the_kernel_drives():
    with Session(CPUS="35") as shell:
        assert cpus_used(shell) == 32
        assert "3 more CPUs are not used" in shell.boot_text


def test_a_cpu_that_lacks_what_is_used_is_left_out():
    """Hazard 28: one of three others has no SMEP, another one no NX."""
    extra = []
    for number, feature in enumerate(["smep=off", "smep=on", "nx=off"], 1):
        place = f"socket-id={number},core-id=0,thread-id=0"
        extra += ["-device", f"max-x86_64-cpu,{place},{feature}"]
    with Session(*extra, CPUS="1,maxcpus=4,sockets=4,cores=1,threads=1") as shell:
        assert cpus_used(shell) == 2
        for apic_id in (1, 3):
            sentence = f"APIC ID {apic_id} is not used: it lacks what the kernel uses"
            assert sentence in shell.boot_text


def test_stacks_of_many_cpus_fit_into_little_memory():
    result = run_line("presets && echo all | cat", CPUS="32", MEM="24M")
    assert result.status == 0, result.output


def test_a_panic_is_of_one_cpu():
    result = run_line("true", CPUS="4", APPEND="panic-test")
    assert result.status == 99
    assert result.output.count("panic:") == 1
