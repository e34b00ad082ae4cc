"""The operators' page against the scorers: kinds, tiers, and what a coverage switches off."""

import re
from pathlib import Path

import pytest

from relay.scoring.coverage import GAP_H, served
from relay.scoring.kinds import all_kinds

PAGE = (Path(__file__).resolve().parents[2] / "relay" / "README.md").read_text(encoding="utf-8")
ROWS = {
    name: [cell.strip() for cell in cells.split("|")]
    for name, cells in re.findall(r"^\| `(\w+)` \| ((?:urgent|timely|digest).*) \|$", PAGE, re.MULTILINE)
}
COVERAGES = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+ h \| .+) \|$", PAGE, re.MULTILINE))


def _off(words):
    """Return the kinds that a cell means; "those" and "the same" point to the row above that they name."""
    named = set(re.findall(r"`(\w+)`", words))
    if words.startswith("all but"):
        return set(all_kinds()) - named
    if words.startswith("those"):
        return named | _off(COVERAGES["stations"].split(" | ")[1])
    if words.startswith("the same as"):
        (other,) = named
        return _off(COVERAGES[other].split(" | ")[1])
    return named


def test_the_page_lists_every_kind():
    assert set(ROWS) == set(all_kinds())


@pytest.mark.parametrize("kind", all_kinds().values(), ids=lambda kind: kind.name)
def test_a_kind_is_told_as_the_page_says(kind):
    tier, rank, learns, too_old, _ = ROWS[kind.name]
    assert tier.split(",")[0] == kind.tier
    assert rank == ("experimental" if kind.is_experimental else "full")
    assert learns == ("yes" if kind.learns else "")
    assert too_old == f"{kind.within_h:g} h"


@pytest.mark.parametrize("coverage", GAP_H)
def test_a_coverage_switches_off_what_the_page_says(coverage):
    gap, off = COVERAGES[coverage].split(" | ")
    assert gap == f"{GAP_H[coverage]:g} h"
    assert _off(off) == {each.kind for each in served(all_kinds().values(), coverage)[1]}
