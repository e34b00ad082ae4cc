"""The partition tables: nothing overlaps, all that is ours fits, and the page for makers says the same."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
APPLICATION_BYTES = 1_835_008  # 1.75 MiB: MicroPython's largest build for these chips, and room


class Row(NamedTuple):
    """One line of a table."""

    name: str
    kind: str
    subtype: str
    offset: int
    size: int


def lines(megabytes):
    return (FIRMWARE / f"partitions-{megabytes}MiB.csv").read_text().splitlines()


def table(megabytes):
    cells = [[cell.strip() for cell in row] for row in csv.reader(lines(megabytes)) if row[0][0] != "#"]
    return [Row(name, kind, sub, int(offset, 0), int(size, 0)) for name, kind, sub, offset, size in cells]


both = pytest.mark.parametrize("megabytes", [4, 8])


@both
def test_partitions_follow_each_other_without_a_gap_to_the_end_of_the_flash(megabytes):
    rows = table(megabytes)
    assert rows[0].offset == 0x9000  # behind the boot loader and the table itself
    for earlier, later in pairwise(rows):
        assert earlier.offset + earlier.size == later.offset, (earlier, later)
    assert rows[-1].name == "log"
    assert rows[-1].offset + rows[-1].size == megabytes << 20


@both
def test_offsets_and_sizes_are_whole_sectors_and_applications_whole_pages(megabytes):
    for row in table(megabytes):
        assert (row.offset % 4096, row.size % 4096) == (0, 0), row
        if row.kind == "app":
            assert (row.offset % 0x10000, row.size % 0x10000) == (0, 0), row


@both
def test_an_application_fits_its_slot_and_two_slots_are_there_where_they_fit(megabytes):
    slots = [row for row in table(megabytes) if row.kind == "app"]
    assert [row.name for row in slots] == {4: ["factory"], 8: ["ota_0", "ota_1"]}[megabytes]
    assert all(row.size >= APPLICATION_BYTES for row in slots)


@both
def test_what_the_firmware_looks_for_is_there(megabytes):
    rows = {row.name: row for row in table(megabytes)}
    assert (rows["prov"].kind, rows["prov"].subtype, rows["prov"].size) == ("data", "0x40", 8192)
    assert (rows["log"].kind, rows["log"].subtype) == ("data", "0x41")
    assert (rows["vfs"].kind, rows["vfs"].subtype) == ("data", "fat")
    assert rows["bundle_a"].size == rows["bundle_b"].size >= 2 * 60_000
    assert all(len(name) < 16 for name in rows)


@both
def test_every_partition_has_its_reason_in_the_line_before(megabytes):
    text = lines(megabytes)
    for i, line in enumerate(text):
        if not line.startswith("#") and not line.startswith(("bundle_b", "ota_1")):
            assert re.match(r"# \S+( \S+){2,}", text[i - 1]), line


def test_the_page_for_makers_shows_the_tables():
    page = (FIRMWARE / "README.md").read_text()
    shown = {m[0]: m[1:] for m in re.findall(r"^ *\| (\w+) \| (.+) \| (.+) \|$", page, re.MULTILINE)}
    tables = [{row.name: row for row in table(megabytes)} for megabytes in (4, 8)]
    for name in {*tables[0], *tables[1]}:
        wanted = [
            f"0x{rows[name].offset:x}, {rows[name].size // 1024} KiB" if name in rows else "-"
            for rows in tables
        ]
        assert [cell.lower() for cell in shown[name]] == [cell.lower() for cell in wanted], name
