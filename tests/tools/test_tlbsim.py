# SPDX-License-Identifier: MIT
"""The simulated TLBs of tools/tlbsim: traces by hand, whose numbers can be told by hand; a short real one."""

import importlib.machinery
import importlib.util
import os
import struct
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD") or "build"
MACHINES = "untagged", "context", "region", "hashed", "hashed_private"

# tools/tlbsim/trace.h
ACCESS, LOAD, SPACE, SPACE_END, QUARTER, QUARTER_END, COPY, CLONE, SHOOTDOWN, FAULT = range(10)
BEGIN, END, TABLES, OWNED = range(10, 14)
CAUSE_PROTECT, CAUSE_COPY = 1, 2
FULL, READ_ONLY = 7, 5


def record(kind, *words):
    return [kind | len(words) << 8, *words]


def access(page, frame, store=False, large=False, writable=True):
    return [page << 16 | frame << 36 | store << 8 | large << 9 | writable << 10]


def space(kind, number, *quarters):
    """QUARTERS: of slots 0 to 3, a sub-ID or (sub-ID, view); 0 for nothing."""
    words = [number]
    for one in [*quarters, 0, 0, 0, 0][:4]:
        sub_id, view = one if isinstance(one, tuple) else (one, FULL)
        words += [sub_id, view if sub_id else 0, 0]
    return record(kind, *words)


def load(number, *quarters):
    return space(LOAD, number, *quarters)


def shootdown(sub_id, page=0, pages=0, cause=CAUSE_PROTECT):
    return record(SHOOTDOWN, sub_id, page << 12, pages, cause)


def make(*words):
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    words = ["make", "--no-print-directory", f"BUILD={BUILD}", *words]
    ended = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def program():
    make(f"{BUILD}/tlbsim/tlbsim")
    return os.path.join(ROOT, BUILD, "tlbsim/tlbsim")


@pytest.fixture
def simulate(program, tmp_path):
    """Status, {(machine, metric): number} and complaints of a trace, counted from its first record on."""

    def run(records, *options, marks=True):
        path = tmp_path / "trace"
        if marks:
            records = [record(BEGIN, 100, 1000), *records, record(END, 150, 1700)]
        words = [word for one in records for word in one]
        path.write_bytes(struct.pack(f"<{len(words)}Q", *words))
        ended = subprocess.run([program, str(path), *options], capture_output=True, text=True)
        rows = [line.split("\t") for line in ended.stdout.splitlines()]
        numbers = {(who, metric): int(value) for who, metric, value in rows}
        return ended.returncode, numbers, ended.stderr

    return run


def metric(numbers, name):
    return tuple(numbers[machine, name] for machine in MACHINES)


A, B = load(1, 11, 12), load(2, 11, 22)  # slot 0 is shared


def test_who_finds_what_another_space_has_brought(simulate):
    """A page that A and B share, by turns: A, B, A, B."""
    page = access(0x10, 7)
    status, numbers, _ = simulate([A, page, B, page, A, page, B, page])
    assert status == 0
    assert metric(numbers, "misses") == (4, 2, 1, 1, 2)
    assert metric(numbers, "hits") == (0, 2, 3, 3, 2)
    assert metric(numbers, "cold") == (1, 1, 1, 1, 1)
    assert metric(numbers, "flushed_loads") == (4, 2, 0, 0, 0)  # context: each for the first time
    assert numbers["trace", "accesses"] == 50 and numbers["trace", "instructions"] == 700


def test_a_page_of_their_own_is_two_pages(simulate):
    """The same address in slot 1, where A and B differ."""
    page = 1 << 18 | 5
    status, numbers, _ = simulate([A, access(page, 1), B, access(page, 2), A, access(page, 1)])
    assert status == 0
    assert metric(numbers, "misses") == (3, 2, 2, 2, 2)
    assert metric(numbers, "cold") == (2, 2, 2, 2, 2)


def test_duplicates_are_those_of_one_translation(simulate):
    """Samples come on every eighth load: then A and B both have pages 1 and 2 of the shared quarter."""
    pages = access(1, 7) + access(2, 8) + access(1 << 18, 9)
    other = access(1, 7) + access(2, 8) + access(1 << 18, 10)
    _, numbers, _ = simulate([A, pages, B, other] * 4)
    assert metric(numbers, "samples") == (1, 1, 1, 1, 1)
    assert metric(numbers, "duplicates") == (0, 2, 0, 0, 2)
    assert metric(numbers, "good") == (3, 6, 4, 4, 6)
    assert metric(numbers, "bad") == (0, 0, 0, 0, 0)


def test_the_least_recently_used_goes(simulate):
    """Two ways; pages 0, 16, 32 and 48 have the same set of 16."""
    pages = [access(page, page + 1) for page in (0, 16, 0, 32, 0, 32, 1)]
    _, numbers, _ = simulate([A, *pages], "entries=32", "ways=2")
    assert metric(numbers, "misses") == (4,) * 5  # 0, 16, 32 in place of 16, 1
    _, numbers, _ = simulate([A, *pages, access(16, 17)], "entries=32", "ways=2")
    assert metric(numbers, "misses") == (5,) * 5
    _, numbers, _ = simulate([A, *pages, access(16, 17)], "entries=64", "ways=4")
    assert metric(numbers, "misses") == (4,) * 5


def test_a_large_page_is_one_entry(simulate):
    pages = [access(512 + page, 77, large=True) for page in (0, 1, 511)] + [access(1024, 78, large=True)]
    status, numbers, _ = simulate([A, *pages])
    assert status == 0
    assert metric(numbers, "misses") == (2,) * 5
    assert metric(numbers, "cold") == (2,) * 5
    _, numbers, _ = simulate([A, pages[0], B, A, pages[1]])
    assert numbers["untagged", "misses"] == 2 and numbers["untagged", "cold"] == 1
    status, numbers, _ = simulate([A, pages[0], shootdown(11, 700, 1), access(512, 79, large=True)])
    assert status == 0
    assert metric(numbers, "misses") == (2,) * 5


def test_the_kernels_root_keeps_what_has_tags(simulate):
    _, numbers, _ = simulate([A, access(1, 1), load(0), A, access(1, 1)])
    assert metric(numbers, "misses") == (2, 1, 1, 1, 1)


# ---- Invalidations -----------------------------------------------------------------------------------


def test_what_is_not_invalidated_is_an_error(simulate):
    """Another frame, or fewer rights, and no shootdown."""
    for later in (access(1, 8), access(1, 7, writable=False)):
        status, numbers, complaint = simulate([A, access(1, 7), later])
        assert status == 1 and "not invalidated" in complaint
        assert metric(numbers, "stale") == (1,) * 5


def test_a_shootdown_reaches_every_tag(simulate):
    """A and B have both pages of the shared quarter; page 1 gets another frame while B runs."""
    pages = access(1, 7) + access(2, 8)
    after = access(1, 9) + access(2, 8)
    status, numbers, complaint = simulate([A, pages, B, pages, shootdown(11, 1, 1), after, A, after])
    assert status == 0, complaint
    # untagged: A's and B's two, one, and two of the load. context, private: one in each.
    assert metric(numbers, "misses") == (7, 6, 3, 3, 6)


def test_a_shootdown_from_elsewhere_is_caught_up_with(simulate):
    """Space 3 has nothing of quarter 11, which is shot down while it runs."""
    records = [A, access(1, 7), access(2, 8), load(3, 31), shootdown(11, 1, 1), A]
    status, numbers, complaint = simulate([*records, access(1, 9), access(2, 8)])
    assert status == 0, complaint
    assert metric(numbers, "misses") == (4, 4, 3, 3, 3)  # context gives up the whole tag
    assert numbers["context", "flushed_loads"] == 3  # A, space 3, A again


def test_a_view_has_a_digit_and_a_region_of_its_own(simulate):
    """A segment's rights are not in its entries: hashed shares them."""
    viewer = load(2, (11, READ_ONLY), 22)
    status, numbers, _ = simulate([A, access(1, 7), viewer, access(1, 7)])
    assert status == 0
    assert metric(numbers, "misses") == (2, 2, 2, 1, 2)
    records = [A, access(1, 7), viewer, access(1, 7), shootdown(11, 1, 1), access(1, 8), A, access(1, 8)]
    status, numbers, complaint = simulate(records)
    assert status == 0, complaint
    assert metric(numbers, "misses") == (4, 4, 4, 2, 4)


def test_views_by_turns_are_kept(simulate):
    viewer = load(2, (11, READ_ONLY), 12)
    _, numbers, _ = simulate([A, access(1, 7), viewer, access(1, 7)] * 2)
    assert metric(numbers, "misses") == (4, 2, 2, 1, 2)


def test_a_shootdown_that_forgets_other_tags_keeps_its_own(simulate):
    """Five pages are more than others are searched for."""
    records = [A, access(1, 7), B, access(1, 7), access(100, 8), shootdown(11, 1, 5), load(3, 31), B]
    _, numbers, _ = simulate([*records, access(100, 8), A, access(100, 8)])
    assert metric(numbers, "misses") == (5, 4, 2, 2, 4)
    assert numbers["context", "flushed_loads"] == 4  # A twice


def test_dead_entries_are_told_from_good_ones(simulate):
    """The quarter of two of A's three entries is shot down while others run."""
    pages = [access(1, 7), access(2, 8), access(1 << 18, 9)]
    _, numbers, _ = simulate([A, *pages, load(3, 31), shootdown(11), *[load(4, 41), load(3, 31)] * 3])
    assert metric(numbers, "samples") == (1,) * 5
    assert metric(numbers, "good") == (0, 0, 1, 1, 1)
    assert metric(numbers, "bad") == (0, 3, 0, 2, 2)


def test_many_pages_are_a_whole_quarter(simulate):
    """33 pages are more than RANGE_LIMIT; page 100 is not among them."""
    records = [A, access(1, 7), access(100, 8), access(1 << 18, 9)]
    again = [access(1, 17), access(100, 8), access(1 << 18, 9)]
    _, numbers, _ = simulate([*records, shootdown(11, 0, 33), *again])
    # no tag and context: the other quarter as well; a region purges just the range
    assert metric(numbers, "misses") == (6, 6, 4, 5, 5)
    _, numbers, _ = simulate([*records, shootdown(11, 0, 32), *again])
    assert metric(numbers, "misses") == (4, 4, 4, 4, 4)


def test_a_fault_forgets_its_address_and_lets_others_find_out(simulate):
    """A faults to make page 1 writable; B's entry from before takes a fault when B writes."""
    read, write = access(1, 7, writable=False), access(1, 7, store=True)
    status, numbers, _ = simulate([A, read, B, read, A, record(FAULT, 11, 1 << 12), write, B, write, write])
    assert status == 0
    assert metric(numbers, "upgrades") == (0, 1, 0, 0, 1)
    assert metric(numbers, "misses") == (4, 3, 2, 2, 3)
    assert numbers["context", "hits"] == 1


# ---- Tags run out --------------------------------------------------------------------------------------


def rounds(spaces, times):
    """SPACES by turns, each with a page of its own in slot 0; slot 1 is shared."""
    turn = []
    for number in range(1, spaces + 1):
        turn += [load(number, 100 + number, 50), access(number, number), access(1 << 18, 99)]
    return turn * times


def test_eight_quarters_are_too_many_for_seven_digits(simulate):
    _, numbers, _ = simulate(rounds(7, 3))
    assert numbers["context", "flushed_loads"] == 7 and numbers["context", "misses"] == 14
    _, numbers, _ = simulate(rounds(8, 3))
    assert numbers["context", "flushed_loads"] == 24 and numbers["context", "misses"] == 48
    assert numbers["region", "misses"] == 9
    _, numbers, _ = simulate(rounds(3, 3), "digits=2")
    assert numbers["context", "flushed_loads"] == 9


def test_a_space_with_the_same_digits_is_another_space(simulate):
    """An end, and a new space of the same quarters: the root's tables are others."""
    page = access(1, 1)
    _, numbers, _ = simulate(
        [space(SPACE, 1, 11), load(1, 11), page, load(3, 31), space(SPACE_END, 1, 11), load(4, 11), page]
    )
    assert numbers["context", "misses"] == 2
    assert numbers["region", "misses"] == 1


def test_region_ids_are_used_again_after_a_purge(simulate):
    """Four IDs and five quarters: the fifth takes that of the first, whose entry has the same address."""
    records = [record for number in range(1, 6) for record in (load(number, number), access(9, number))]
    status, numbers, complaint = simulate(records, "regions=4")
    assert status == 0, complaint
    assert numbers["region", "flushed_loads"] == 1 and numbers["region", "misses"] == 5
    # A quarter that has gone leaves its ID to the next.
    ended = [*records[:8], record(QUARTER_END, 3, 0, 0), *records[8:], load(1, 1), access(9, 1)]
    status, numbers, complaint = simulate(ended, "regions=4")
    assert status == 0, complaint
    assert numbers["region", "misses"] == 5 and numbers["region", "hits"] == 1


# ---- The hashed page table -----------------------------------------------------------------------------


def test_a_miss_is_filled_by_software_once(simulate):
    """One group of eight: nine pages evict one; what is in the table fills the TLB without software."""
    pages = [access(page, page + 1) for page in range(0, 16 * 8, 16)]  # one set: all but one miss again
    _, numbers, _ = simulate([A, *pages, *pages], "entries=16", "ways=1", "hash=64")
    assert metric(numbers, "misses")[3:] == (16, 16)
    assert metric(numbers, "hash_fills")[3:] == (8, 8)
    assert metric(numbers, "hash_evictions")[3:] == (0, 0)
    assert metric(numbers, "hash_peak")[3:] == (8, 8)
    _, numbers, _ = simulate([A, *pages, access(128, 500)], "entries=16", "ways=1", "hash=64")
    assert metric(numbers, "hash_evictions")[3:] == (1, 1)
    assert metric(numbers, "hash_peak")[3:] == (8, 8)


def test_sharers_have_one_entry_in_the_hashed_table(simulate):
    page = access(1, 7)
    _, numbers, _ = simulate([A, page, B, page])
    assert metric(numbers, "hash_fills")[3:] == (1, 2)
    assert metric(numbers, "hash_peak")[3:] == (1, 2)


def test_the_dead_make_room_in_the_hashed_table(simulate):
    """Eight entries of a quarter that has gone, and eight of a space that has."""
    pages = [access(page, page + 1) for page in range(8)]
    for end in (record(QUARTER_END, 11, 0, 0), space(SPACE_END, 1, 11)):
        begin = [space(SPACE, 1, 11), load(1, 11), *pages, load(3, 31)]
        _, numbers, _ = simulate([*begin, end, *pages], "hash=64")
        which = "hashed" if end[0] & 0xFF == QUARTER_END else "hashed_private"
        other = "hashed_private" if which == "hashed" else "hashed"
        assert numbers[which, "hash_evictions"] == 0 and numbers[other, "hash_evictions"] == 8


# ---- COPY, and tables ----------------------------------------------------------------------------------


def test_what_a_copy_gives_up(simulate):
    """Two pages of the copied quarter, one of another; the other space's tag has one as well."""
    records = [B, access(1, 7), A, access(1, 7), access(2, 8), access(1 << 18, 9)]
    copy = [record(COPY, 11, 12, 3), shootdown(11, cause=CAUSE_COPY), record(CLONE, 0x55)]
    status, numbers, _ = simulate([*records, *copy])
    assert status == 0
    assert metric(numbers, "copy_dropped") == (3, 4, 2, 2, 3)
    assert metric(numbers, "copy_hashed") == (0, 0, 0, 2, 3)
    assert numbers["trace", "copies"] == 1 and numbers["trace", "copied_entries"] == 3
    assert numbers["trace", "clones"] == 1 and numbers["trace", "shootdowns"] == 1
    _, numbers, _ = simulate([*records, shootdown(11)])
    assert metric(numbers, "copy_dropped") == metric(numbers, "copy_hashed") == (0,) * 5


def test_table_bytes_by_who_has_tables(simulate):
    """Quarter 11 (2 tables) is in two spaces, 22 (1 table) in one, 33 (2, both shared with 11) in none."""
    spaces = [space(SPACE, 1, 11), space(SPACE, 2, 11, 22)]
    owned = [record(OWNED, 11, 2, 600), record(OWNED, 22, 1, 10), record(OWNED, 33, 2, 600)]
    snapshot = [record(TABLES, 3, 5, 3, 1210), *owned]
    smaller = [record(TABLES, 1, 1, 1, 10), record(OWNED, 22, 1, 10)]
    _, numbers, _ = simulate([*spaces, *snapshot, *smaller], "root=32")
    assert numbers["trace", "spaces_peak"] == 2
    assert numbers["trace", "table_bytes"] == 64 + 4096 * (3 + 3)
    assert numbers["trace", "table_bytes_unshared_copies"] == 64 + 4096 * (3 + 5)
    assert numbers["trace", "table_bytes_private"] == 64 + 4096 * (3 + 3 + 2 + 3)
    assert numbers["trace", "leaves"] == 1210
    assert numbers["trace", "leaves_private"] == 600 + 600 + 10 + 600


def test_counting_begins_at_the_mark_and_tlbs_are_warm(simulate):
    page = access(1, 7)
    marked = [A, page, B, page, record(BEGIN, 0, 0), page, A, page, record(END, 9, 9)]
    _, numbers, _ = simulate(marked, marks=False)
    assert metric(numbers, "misses") == (1, 0, 0, 0, 0)
    assert metric(numbers, "cold") == (0,) * 5
    assert metric(numbers, "hash_peak") == (0, 0, 0, 1, 2)


def test_broken_traces_and_options_are_refused(simulate):
    for records, what in (
        ([A, access(3 << 18, 1)], "where no quarter is"),
        ([[99]], "unknown kind"),
        ([space(SPACE_END, 5, 1)], "never began"),
    ):
        status, _, complaint = simulate(records)
        assert status == 1 and what in complaint
    status, _, complaint = simulate([A, [LOAD | 13 << 8, 1]], marks=False)
    assert status == 1 and "ends within" in complaint
    for option in ("entries=24", "ways=0", "digits=8", "colour=3", "entries"):
        assert simulate([A], option)[0] == 1


# ---- A guest -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tool():
    path = os.path.join(ROOT, "tools/tlbsim/run")
    loader = importlib.machinery.SourceFileLoader("tlbsim_run", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tlbsim_run", loader))
    loader.exec_module(module)
    make("tlbsim-image", "ARCH=long")
    return module


def but_for_hits(numbers):
    return {key: value for key, value in numbers.items() if key[1] not in ("hits", "records")}


def test_a_short_trace_of_the_real_kernel(tool, tmp_path):
    """Three clients and a server. That no hit is stale says that the trace has every invalidation."""
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    tool.trace("long", "serve 3 5", first)
    numbers = tool.simulate(first)
    assert numbers["trace", "clones"] == 3
    assert numbers["trace", "copies"] == 6  # slots 1 and 3 of each
    assert 4 <= numbers["trace", "spaces_peak"] <= 4 + 8  # init, its servers, the shell; none of those gone
    assert numbers["trace", "faults"] > 0 and numbers["untagged", "upgrades"] == 0
    assert metric(numbers, "stale") == (0,) * 5
    assert metric(numbers, "duplicates")[2:4] == (0, 0)
    misses = dict(zip(MACHINES, metric(numbers, "misses")))
    assert misses["untagged"] > misses["context"] > misses["region"] == misses["hashed"]
    assert misses["hashed_private"] > misses["hashed"] >= numbers["hashed", "cold"] > 0
    assert numbers["trace", "table_bytes"] < numbers["trace", "table_bytes_private"]
    tool.trace("long", "serve 3 5", second)
    assert but_for_hits(tool.simulate(second)) == but_for_hits(numbers)


def test_what_the_filter_leaves_out_changes_no_miss(tool, tmp_path):
    """Every access, one by one, gives the same numbers but for hits."""
    few, all_of_them = str(tmp_path / "few"), str(tmp_path / "all")
    tool.trace("long", "plugins 2 3", few)
    tool.trace("long", "plugins 2 3", all_of_them, filter="off")
    assert os.path.getsize(all_of_them) > 2 * os.path.getsize(few)
    for entries, ways in tool.GEOMETRIES.values():
        one = tool.simulate(few, entries=entries, ways=ways)
        other = tool.simulate(all_of_them, entries=entries, ways=ways)
        assert but_for_hits(one) == but_for_hits(other)


def test_a_commons_is_refused(tool, tmp_path):
    """Its entries are found under every tag, which no machine here knows."""
    with pytest.raises(SystemExit, match="status"):
        tool.trace("long", "commons", str(tmp_path / "trace"))


def test_the_usual_kernel_has_nothing_of_it(tool):
    kernel = os.path.join(ROOT, BUILD, "long/kernel.elf")
    text = subprocess.run(["nm", kernel], check=True, capture_output=True, text=True).stdout
    assert "quarter_shootdown" in text and "tlbtrace" not in text
