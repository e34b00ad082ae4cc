"""Which alert kinds a farm's coverage can serve."""

from __future__ import annotations

import pytest

from relay.alerts.words import words
from relay.scoring.coverage import GAP_H, gap_h, params, served
from relay.scoring.kind import Kind, Tier
from relay.storage.ports import COVERAGES

DOWN = Kind("down", Tier.URGENT, within_h=2.0)
HEAT = Kind("heat", Tier.TIMELY, within_h=14.0)
BATTERY = Kind("battery", Tier.DIGEST, within_h=96.0)


def test_every_coverage_of_a_farm_has_its_gap():
    assert set(GAP_H) == set(COVERAGES)


@pytest.mark.parametrize(
    ("coverage", "off"),
    [
        ("always", []),
        ("stations", ["down"]),
        ("parlour", ["down"]),
        ("barn", ["down"]),
        ("outages", ["down", "heat"]),
    ],
)
def test_a_kind_whose_data_come_too_late_is_off(coverage, off):
    on, unserved = served([DOWN, HEAT, BATTERY], coverage)
    assert [each.kind for each in unserved] == off
    assert [kind.name for kind in on] == [k.name for k in (DOWN, HEAT, BATTERY) if k.name not in off]


def test_what_is_off_says_why():
    (unserved,) = served([DOWN], "parlour")[1]
    assert (unserved.within_h, unserved.gap_h) == (2.0, 13.0)


def test_an_unknown_coverage_is_refused():
    with pytest.raises(ValueError, match="want one of always"):
        gap_h("moon")


def test_the_farmer_reads_which_alerts_are_off_and_how_long_collars_may_be_away():
    sentence = words("en").say("blind", "coverage_off", **params(served([DOWN], "parlour")[1], "parlour"))
    assert "13 h" in sentence
    assert sentence.endswith("off: down.")
