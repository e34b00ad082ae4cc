"""Another version of a scorer beside the live one, on the same hours."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from relay.model import HourRecord
from relay.scoring import replayed
from relay.scoring.findings import Found, Over
from relay.scoring.hours import start_ms
from relay.scoring.kind import Kind, Tier
from relay.scoring.kinds import heat_stress
from tests.relay.kinds import scene

HERE = Path(heat_stress.__file__)


def _chews_below(bound_min, name="off_feed", delay=0):
    """A scorer that tells every hour in which a cow chews for less than so many minutes."""

    def step(state, view):
        low = np.flatnonzero(view.rows["ruminate_min"] < bound_min).tolist()
        onset_ms = start_ms(view.number + delay)
        found = [Found(name, onset_ms, view.at_ms, {}, view.animals[at]) for at in low]
        return state, [*found, Over(name, onset_ms, view.at_ms), Found(name, 0, 0, {}, 0, is_update=True)]

    return SimpleNamespace(KIND=Kind(name, Tier.DIGEST), start=lambda _: (), step=step)


def _hours(*minutes):
    return [(scene.FIRST + at, scene.hour(2, ruminate_min=np.array(each))) for at, each in enumerate(minutes)]


def _found(at_h, animal=0):
    return Found("heat", start_ms(scene.FIRST + at_h), start_ms(scene.FIRST + at_h + 1), {}, animal)


def _sides(differences):
    return [(each.side, each.either.animal, scene.hours_after(each.either.onset_ms)) for each in differences]


def test_alerts_are_told_apart_by_who_tells_them():
    told = _hours((20, 20), *[(20, 20)] * 20, (2, 20), (20, 6))
    found = replayed.replay([replayed.Pair(_chews_below(5), _chews_below(10))], told, scene.facts(2))
    assert _sides(found.by_kind["off_feed"]) == [("both", 0, 21), ("only_new", 1, 22)]


def test_a_new_version_that_tells_less_leaves_alerts_to_the_live_one_only():
    pair = replayed.Pair(_chews_below(10), _chews_below(5))
    found = replayed.replay([pair], _hours((20, 6)), scene.facts(2))
    assert _sides(found.by_kind["off_feed"]) == [("only_live", 1, 0)]


def test_several_kinds_are_replayed_at_once_and_kept_apart():
    pairs = [replayed.Pair(_chews_below(5, name), _chews_below(10, name)) for name in ("heat", "off_feed")]
    found = replayed.replay(pairs, _hours((2, 6)), scene.facts(2))
    assert {name: [each.side for each in rows] for name, rows in found.by_kind.items()} == {
        "heat": ["both", "only_new"],
        "off_feed": ["both", "only_new"],
    }


def test_only_what_begins_from_a_time_on_is_shown_and_only_that_time_is_counted():
    told = [*_hours(*[(2, 20)] * 48)]
    pair = replayed.Pair(_chews_below(5), _chews_below(5))
    whole = replayed.replay([pair], told, scene.facts(2))
    since = replayed.replay([pair], told, scene.facts(2), since_ms=start_ms(scene.FIRST + 36))
    assert (len(whole.by_kind["off_feed"]), len(since.by_kind["off_feed"])) == (48, 12)
    assert (whole.cow_years, since.cow_years) == (pytest.approx(4 / 365), pytest.approx(1 / 365))


def test_every_hour_is_reported_as_it_is_done():
    seen = []
    replayed.replay([], _hours((20, 20), (20, 20)), scene.facts(2), seen=seen.append)
    assert seen == [scene.FIRST, scene.FIRST + 1]


@pytest.mark.parametrize(
    ("live", "new", "sides"),
    [
        ([_found(0)], [_found(12)], [("both", 0, 0)]),
        ([_found(0)], [_found(13)], [("only_live", 0, 0), ("only_new", 0, 13)]),
        ([_found(0)], [_found(0, 1)], [("only_live", 0, 0), ("only_new", 1, 0)]),
        ([_found(0), _found(20)], [_found(11)], [("only_live", 0, 0), ("both", 0, 20)]),
        ([_found(5)], [_found(0), _found(6)], [("only_new", 0, 0), ("both", 0, 5)]),
        ([], [], []),
    ],
    ids=["near", "far", "another cow", "one for two", "the nearest", "nothing"],
)
def test_alerts_of_one_animal_that_begin_near_each_other_are_the_same(live, new, sides):
    assert _sides(replayed.joined(live, new)) == sides


def test_stored_hours_come_in_order_and_missing_ones_as_hours_of_nothing():
    first, later = scene.hour(1, eat_min=7), scene.hour(1, eat_min=9)
    records = [HourRecord(8, 103, later.tobytes()), HourRecord(5, 100, first.tobytes())]
    told = list(replayed.in_order(records, (5, 8)))
    assert [number for number, _ in told] == [100, 101, 102, 103]
    assert [rows["eat_min"].tolist() for _, rows in told] == [[7, 0], [0, 0], [0, 0], [0, 9]]
    assert not told[1][1]["covered_min"].any()


def test_no_stored_hours_are_no_hours():
    assert list(replayed.in_order([], (5,))) == []


def test_the_file_of_a_live_scorer_tells_what_the_live_scorer_tells():
    pair = replayed.load("heat_stress", HERE)
    assert pair.live is heat_stress
    assert pair.new is not heat_stress
    said = scene.facts(2, thi=dict(enumerate([60, 73, 75, 82])))
    found = replayed.replay([pair], _hours(*[(20, 20)] * 4), said)
    assert [each.side for each in found.by_kind["heat_stress"]] == ["both"]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("no_movement", "", "is scored from minutes"),
        ("yodelling", "", "is not known; want one of"),
        ("heat_stress", "VERSION = 2\n", "declares no KIND, State, start, step"),
        (
            "heat_stress",
            "from relay.scoring.kinds.lameness import KIND, VERSION, State, start, step\n",
            "lameness",
        ),
    ],
)
def test_what_is_no_scorer_is_refused_with_the_reason(tmp_path, name, text, why):
    file = tmp_path / "new.py"
    file.write_text(text)
    with pytest.raises(replayed.ScorerError, match=why):
        replayed.load(name, file)


def test_a_file_that_does_not_run_is_refused_with_what_it_raised(tmp_path):
    file = tmp_path / "new.py"
    file.write_text("import nowhere_at_all\n")
    with pytest.raises(replayed.ScorerError, match="ModuleNotFoundError: No module named 'nowhere_at_all'"):
        replayed.load("heat_stress", file)


def test_the_published_rule_of_heat_is_kept_and_tells_a_plain_heat():
    cow = np.arange(8)
    loud = scene.some(
        8, 8, motion_8th_mg=np.where(cow == 3, 1200, 480), ruminate_min=np.where(cow == 3, 5, 20)
    )
    told = list(enumerate(scene.days(12, 8) + loud, scene.FIRST))
    found = replayed.replay([replayed.load("heat", 0)], told, scene.facts(8)).by_kind["heat"]
    (heat,) = (each.new for each in found if each.new)
    assert heat.animal == 3
    assert heat.evidence["trace"][0][1] >= 4


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(replayed.ScorerError, match="is no Python file"):
        replayed.load("heat_stress", tmp_path / "none.py")
