"""The page about the wire format says what the code does."""

from __future__ import annotations

import re

import pytest

from herdcore import auth, records, wire
from tests.core import wire_tables

PAGE = wire_tables.PAGE.read_text(encoding="utf-8")


def test_the_page_is_current():
    assert wire_tables.rendered(PAGE) == PAGE, wire_tables.main([])


def test_every_part_that_can_be_generated_is_on_the_page_once():
    assert sorted(re.findall(r"<!-- generated: ([\w ]+) -->", PAGE)) == sorted(wire_tables.PARTS)


@pytest.mark.parametrize("table", ["WINDOW_FIELDS", "HEALTH_FIELDS", "MINUTE_FIELDS"])
def test_every_field_of_a_record_has_a_meaning_beside_it(table):
    assert set(wire_tables.comments(table)) == {field[0] for field in getattr(records, table)}


def test_an_outdated_page_is_told_and_mended(tmp_path, monkeypatch):
    page = tmp_path / "WIRE.md"
    page.write_text(PAGE.replace("| collar id |", "| cow id |"))
    monkeypatch.setattr(wire_tables, "PAGE", page)
    assert "--write" in wire_tables.main([])
    assert wire_tables.main(["--write"]) is None
    assert page.read_text() == PAGE


def test_the_worked_example_can_be_followed_with_the_page_alone():
    example = re.search(r"^root .*?\n\n(.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)[1]
    raw = bytes.fromhex("".join(line[:50] for line in example.splitlines()))
    key_up = auth.label_key(auth.collar_key(bytes(range(32)), 42, 1), b"up")
    assert wire.tag_ok(raw, key_up)
    assert wire.decode_frame(raw)[:7] == (0x11, 42, 1, 130, 300, 70000, 12)


@pytest.mark.parametrize(
    ("sent", "size"), [("05", 1), ("cc80", 2), ("cd0100", 3), ("ce00010000", 5), ("c40161", 3)]
)
def test_the_example_is_cut_where_its_elements_end(sent, size):
    assert wire_tables.element_size(bytes.fromhex(sent) + b"rest") == size
