"""The note that a collar is loose: it turns again and again. Source: domain.md 2.2."""

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import collar_loose
from tests.relay.kinds.poses import gravity
from tests.relay.kinds.scene import facts, hours_after, life, some, through


def sits(*places, said=None):
    """Fold (hours, degrees) one after the other."""
    told = [each for count, degrees in places for each in some(count, gravity_16mg=gravity(degrees))]
    return through(collar_loose, told, said)


def test_two_turns_within_two_days_are_told():
    (found,) = sits((72, 0), (20, 50), (20, 100))
    assert isinstance(found, Found)
    assert hours_after(found.onset_ms) == 72
    assert hours_after(found.at_ms) == 93
    assert found.evidence["turns"] == 2
    assert found.evidence["hours"] == 20


def test_further_turns_are_the_same_event_until_a_week_is_quiet():
    found, over = sits((72, 0), (20, 50), (20, 100), (20, 160), (200, 90))
    assert isinstance(over, Over)
    assert over.onset_ms == found.onset_ms
    assert hours_after(over.at_ms) == 132 + collar_loose.QUIET_H + 1


def test_turns_days_apart_are_none():
    assert sits((72, 0), (72, 50), (72, 100), (72, 150)) == []


def test_a_turn_and_back_again_is_one_turn():
    assert sits((72, 0), (12, 60), (12, 0), (60, 0)) == []


def test_lying_and_standing_are_no_turns():
    assert sits((72, 0), *[(2, 24), (2, 0)] * 20) == []


def test_the_collar_of_a_cow_that_was_sold_is_not_told():
    assert sits((72, 0), (20, 50), (20, 100), said=facts(1, [life(0, "sold", 1)])) == []
