"""Heat: who is told of, when, and who is not."""

import numpy as np
import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import heat

from . import scene

COWS = 8
HER = 3
USUAL_D = 12


def hers(value, usual):
    return np.where(np.arange(COWS) == HER, value, usual)


RESTLESS = {
    "motion_8th_mg": hers(150 * 8, 60 * 8),
    "walk_min": hers(16, 3),
    "ruminate_min": hers(6, 20),
    "rest_min": hers(25, 24),
}


def wavering_days(count, motion_mg=(45, 80)):
    """Days that differ from hour to hour and from cow to cow, as days do; else every deviation is nothing."""
    draw = np.random.default_rng(1)
    return [
        scene.hour(
            COWS,
            motion_8th_mg=(8 * draw.uniform(*motion_mg, COWS)).astype(int),
            ruminate_min=draw.integers(15, 26, COWS),
            walk_min=draw.integers(1, 6, COWS),
        )
        for _ in range(count * scene.DAY_H)
    ]


def told(after, events=(), **fields):
    said = scene.facts(COWS, events, **fields)
    return scene.through(heat, [*wavering_days(USUAL_D), *after], said)


def heats(findings):
    return [each for each in findings if isinstance(each, Found)]


def test_cows_as_they_always_are_are_not_told_of():
    assert not told(wavering_days(3))


def test_a_restless_cow_that_chews_less_is_told_of_within_hours_and_she_alone():
    (found,) = heats(told(scene.some(10, COWS, **RESTLESS)))
    assert found.animal == HER
    assert 1 <= scene.hours_after(found.at_ms) - USUAL_D * 24 <= 8
    assert scene.hours_after(found.onset_ms) >= USUAL_D * 24
    assert found.onset_ms < found.at_ms


def test_the_farmer_reads_how_much_more_she_moves_and_how_much_less_she_chews():
    evidence = heats(told(scene.some(10, COWS, **RESTLESS)))[0].evidence
    assert evidence["activity_ratio"] > 1.2
    assert evidence["chew_less_percent"] > 10
    assert (evidence["days_compared"], evidence["mates"]) == (10, COWS - 1)
    assert evidence["since_heat_days"] is evidence["since_insemination_days"] is None
    assert 0.5 <= evidence["strength"] <= 1
    name, score, bound = evidence["trace"][0]
    assert (name, bound) == ("score", pytest.approx(heat.THRESHOLD))
    assert score >= bound


def test_one_heat_is_told_once_and_is_over_when_she_is_calm():
    findings = told(scene.some(10, COWS, **RESTLESS) + wavering_days(2))
    assert [type(each) for each in findings] == [Found, Over]
    assert findings[0].onset_ms == findings[1].onset_ms


def test_when_the_whole_herd_is_restless_nobody_is_in_heat():
    alarm = {name: value[HER] for name, value in RESTLESS.items()}
    assert not told(scene.some(10, COWS, **alarm))


def test_more_motion_because_she_eats_more_is_no_heat():
    usual = wavering_days(USUAL_D, motion_mg=(120, 160))
    feast = {"motion_8th_mg": hers(265 * 8, 140 * 8), "eat_min": hers(40, 12), "rest_min": hers(5, 24)}
    assert not scene.through(heat, [*usual, *scene.some(6, COWS, **feast)], scene.facts(COWS))


@pytest.mark.parametrize(
    "event",
    [
        scene.life(HER, "calved", USUAL_D - 10),
        scene.life(HER, "pregnant", USUAL_D - 1),
        scene.life(HER, "due", USUAL_D + 200, noted=USUAL_D - 1),
        scene.life(HER, "sold", USUAL_D - 1),
    ],
    ids=lambda event: event.kind,
)
def test_a_cow_that_cannot_be_in_heat_is_not_told_of(event):
    assert not told(scene.some(10, COWS, **RESTLESS), [event])


def test_three_weeks_after_an_insemination_less_is_enough_than_a_week_after():
    def score(days):
        inseminated = scene.life(HER, "inseminated", USUAL_D - days)
        (found,) = heats(told(scene.some(12, COWS, **RESTLESS), [inseminated]))
        assert found.evidence["since_insemination_days"] == days
        return found.at_ms

    assert score(21) < score(8)


def test_hours_that_nobody_saw_are_no_heat():
    assert not told(scene.some(10, COWS, covered_min=0, **RESTLESS))


def test_a_farmer_who_wants_fewer_is_told_of_fewer():
    more = {"heat": np.full(COWS, 30.0)}
    assert not told(scene.some(10, COWS, **RESTLESS), offsets=more)
