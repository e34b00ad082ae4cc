"""What truly happened, and which messages have found it."""

import json

import pytest

from simulator.lives.happening import EVENTS
from simulator.truth import Alert, TruthRow, match, matching, write_truth

HOUR_MS = 3_600_000
HEAT = TruthRow("12", "heat", 100 * HOUR_MS, 108 * HOUR_MS, expressed=True)


def test_every_kind_of_event_has_its_window():
    assert set(matching()) == set(EVENTS)


def test_an_event_is_found_by_a_message_of_its_own_kind_or_of_one_that_a_collar_sends():
    others = {kind: window.alert for kind, window in matching().items() if window.alert != kind}
    assert others == {"dead": "no_movement"}


def test_a_death_is_found_by_the_message_that_she_does_not_move():
    row = TruthRow("7", "dead", 100 * HOUR_MS, None, expressed=True)
    told, other = Alert("7", "no_movement", 102 * HOUR_MS), Alert("7", "dead", 102 * HOUR_MS)
    assert match([row], [told, other]) == ((told,), (other,))


def test_she_does_not_move_though_nobody_died_is_a_false_message():
    told = Alert("12", "no_movement", 101 * HOUR_MS)
    assert match([HEAT], [told]) == ((None,), (told,))


@pytest.mark.parametrize(
    ("after_h", "found"), [(-4.1, False), (-3.9, True), (0, True), (12, True), (12.1, False)]
)
def test_a_heat_is_found_from_four_hours_before_its_onset_to_twelve_after(after_h, found):
    alert = Alert("12", "heat", round((100 + after_h) * HOUR_MS))
    joined = match([HEAT], [alert])
    assert joined.found == ((alert,) if found else (None,))
    assert joined.false == (() if found else (alert,))


def test_another_animal_or_another_kind_finds_nothing():
    alerts = [Alert("13", "heat", 100 * HOUR_MS), Alert("12", "calving", 100 * HOUR_MS)]
    joined = match([HEAT], alerts)
    assert joined.found == (None,)
    assert set(joined.false) == set(alerts)


def test_two_alerts_in_one_window_are_one_find_and_the_earlier_counts():
    early, late = Alert("12", "heat", 101 * HOUR_MS), Alert("12", "heat", 105 * HOUR_MS)
    joined = match([HEAT], [late, early])
    assert joined == ((early,), ())


def test_illness_is_found_before_its_worst_moment():
    row = TruthRow("7", "off_feed", 0, 200 * HOUR_MS, expressed=True, peak_ms=90 * HOUR_MS)
    before, behind = Alert("7", "off_feed", 60 * HOUR_MS), Alert("7", "off_feed", 91 * HOUR_MS)
    assert match([row], [before]).found == (before,)
    assert match([row], [behind]).found == (None,)


def test_a_calving_is_counted_from_the_birth():
    row = TruthRow("7", "calving", 0, 10 * HOUR_MS, expressed=True)
    assert match([row], [Alert("7", "calving", 9 * HOUR_MS)]).found[0]
    assert match([row], [Alert("7", "calving", 11 * HOUR_MS)]).found == (None,)


def test_the_truth_is_a_file_of_one_json_object_a_line(tmp_path):
    path = tmp_path / "truth.jsonl"
    write_truth(path, [HEAT, TruthRow("3", "dead", 5, None, expressed=True)], start_utc_ms=1000)
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == {
        "animal": "12",
        "kind": "heat",
        "onset_ms": 100 * HOUR_MS + 1000,
        "end_ms": 108 * HOUR_MS + 1000,
        "peak_ms": None,
        "expressed": True,
    }
    assert second["end_ms"] is None
