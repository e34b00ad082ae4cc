"""A hard birth: flat on her side again and again, near her date; a collar that turned is none."""

import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kind import Tier
from relay.scoring.kinds import dystocia

from . import scene

UP, SIDE, FAR = (0, 0, 62), (59, 0, 20), (0, 0, -62)  # gravity in 16 mg
BEFORE_H = 30
DUE = scene.facts(events=[scene.life(0, "due", 2, noted=0)])


def quarters(*ways):
    """Return hours of quarters in which gravity points those ways; None: no data."""
    made = []
    for at in range(0, len(ways), 4):
        hour = scene.hour()
        for quarter, way in enumerate(ways[at : at + 4]):
            if way is None:
                hour["covered_min"][0, quarter] = 0
            else:
                hour["gravity_16mg"][0, quarter] = way
        made.append(hour)
    return made


def told(after, said=DUE):
    return scene.through(dystocia, quarters(*[UP] * 4 * BEFORE_H) + after, said)


def found(findings):
    return [each for each in findings if isinstance(each, Found)]


HARD = quarters(*[UP, SIDE, SIDE, UP] * 4)


def test_a_cow_on_her_side_again_and_again_is_told_of_within_three_hours():
    (alert,) = found(told(HARD))
    assert scene.hours_after(alert.at_ms) - BEFORE_H == 3
    assert scene.hours_after(alert.onset_ms) == BEFORE_H
    assert dystocia.KIND.tier is Tier.URGENT


def test_the_farmer_reads_how_long_and_how_often():
    evidence = found(told(HARD))[0].evidence
    assert (evidence["side_min"], evidence["spells"], evidence["window_h"]) == (90, 3, 4)
    assert evidence["due_days"] == 1
    assert evidence["trace"] == [["quarters of an hour on her side", 6, 4], ["spells", 3, 3]]


def test_the_few_short_spells_of_an_easy_birth_are_not_told():
    assert not told(quarters(*[UP, SIDE, UP, UP, SIDE, UP, SIDE, UP], *[UP] * 12))


@pytest.mark.parametrize(
    "said",
    [
        scene.facts(),
        scene.facts(events=[scene.life(0, "due", 30, noted=0)]),
        scene.facts(events=[scene.life(0, "due", 2, noted=0), scene.life(0, "calved", 1)]),
        scene.facts(events=[scene.life(0, "due", 2, noted=0), scene.life(0, "sold", 1)]),
    ],
)
def test_a_cow_that_is_not_about_to_calve_is_not_watched(said):
    assert not told(HARD, said)


@pytest.mark.parametrize("way", [SIDE, FAR, (-59, 0, 20)])
def test_a_collar_that_turned_is_no_cow_on_her_side(way):
    assert not told(quarters(*[way] * 40))


def test_a_collar_that_turned_and_was_put_right_is_none_either():
    assert not told(quarters(*[FAR] * 6, *[UP] * 8, *[FAR] * 6, *[UP] * 8))


def test_after_a_turn_her_new_place_is_her_own():
    lies = [FAR, (59, 0, -20), (59, 0, -20), FAR] * 4
    assert len(found(told(quarters(*[FAR] * 40) + quarters(*lies)))) == 1


def test_a_head_that_swings_half_way_is_not_her_side():
    half = (45, 0, 44)
    assert not told(quarters(*[UP, half, half, UP] * 6))


def test_quarters_without_data_say_nothing():
    assert not told(quarters(*[UP, None, SIDE, None] * 2, *[None] * 16))


def test_a_gap_within_a_spell_does_not_make_two_of_it():
    assert not told(quarters(*[UP, SIDE, None, SIDE, None, SIDE, None, SIDE], *[UP] * 8))


def test_it_is_told_once_and_is_over_when_she_stays_up():
    findings = told(HARD + HARD + quarters(*[UP] * 40))
    alert, over = findings
    assert isinstance(over, Over)
    assert over.onset_ms == alert.onset_ms


def test_the_hour_that_is_still_open_tells_already_and_tells_the_same():
    before = quarters(*[UP] * 4 * BEFORE_H) + HARD[:2]
    open_hour = HARD[2].copy()
    open_hour["covered_min"][0, 2:] = 0
    (early,) = scene.peeked(dystocia, [*before, open_hour], DUE)
    (late,) = scene.through(dystocia, [*before, HARD[2]], DUE)
    assert early.onset_ms == late.onset_ms
