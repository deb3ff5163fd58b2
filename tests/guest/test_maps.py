# SPDX-License-Identifier: MIT
"""Files mapped through the file server's pager, also when it dies."""

import re

import pytest

from machine import Session, run_line


@pytest.mark.parametrize("cpus", ("1", "4"))
def test_maps(cpus):
    result = run_line("pager maps", CPUS=cpus)
    assert result.status == 0, result.output
    assert result.output.rstrip().endswith(", 0 failed")


@pytest.fixture(scope="module")
def guest():
    with Session() as session:
        yield session


def kill_files(guest):
    pid = re.search(r"^files\s+(\d+)", guest.run("services").output, re.M).group(1)
    guest.type(f"kill {pid}\r")
    guest.expect(rf"init: files \(pid {pid}\) was killed")
    guest.expect(r"init: files is started again \(pid \d+\)")


def test_pages_of_the_initrd_come_also_from_the_next_file_server(guest):
    whole = guest.run("pager touch /bin/locks 30 0").output
    wanted = re.search(r"touched (\w+)", whole).group(1)
    guest.run("pager touch /bin/locks 30 3 &")
    guest.run("sleep 1")
    kill_files(guest)
    guest.type("wait\r")
    guest.expect(rf"touched {wanted}")
    guest.expect_prompt()
    assert guest.run("pager demand").status == 0


def test_pages_of_a_file_that_went_with_the_server_are_refused(guest):
    guest.run("cp /bin/locks /tmp/copy")
    assert "touched" in guest.run("pager touch /tmp/copy 30 0").output
    guest.run("pager touch /tmp/copy 30 3 &")
    guest.run("sleep 1")
    kill_files(guest)
    guest.type("wait\r")
    guest.expect(r"fault: pager \(pid \d+\) read at \S+ slot 1: its pager refuses it")
    guest.expect_prompt()


def test_a_program_that_is_replaced_while_it_runs_goes_on(guest):
    """The pages that it has are its own; a later start has the new contents."""
    guest.run("cp /bin/sleep /tmp/sleeper")
    guest.run("/tmp/sleeper 2 &")
    guest.run("cp /bin/false /tmp/sleeper")
    assert guest.run("/tmp/sleeper").status == 1
    guest.type("wait\r")
    guest.expect_prompt()
