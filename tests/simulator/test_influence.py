"""What happens to cows as multipliers: anchors of profiles, severity, overlaps, heat, no choice at all."""

import math

import numpy as np
import pytest

from simulator.herdfile import HerdError, load_herd
from simulator.lives.happening import EVENTS, Happening, History
from simulator.lives.influence import INFLUENCES, STEP_MS, Influences
from simulator.lives.profiles import load_profiles
from simulator.lives.weather import Weather
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.plan.states import STATES

LIE, RUMINATE, EAT, WALK, TRANSITIONS, STRENGTH = range(6)
NOON = 3 * DAY_MS + 12 * HOUR_MS


def at(bent, t_ms):
    """Return (cows, INFLUENCES) of the ten minutes that `t_ms` lies in."""
    return bent.day(t_ms // DAY_MS)[t_ms % DAY_MS // STEP_MS].astype(np.float64)


@pytest.fixture(scope="module")
def cool():
    """A week of March: no heat."""
    return Weather(load_herd(), seed=1, days=7)


def cow(number, *happenings):
    return History(number, 2, 0, 100, (), happenings)


def influences(weather, *happenings):
    """One cow to whom these things happen, and a herd-mate to whom nothing does."""
    return Influences(load_herd(), (cow(0, *happenings), cow(1)), weather)


def hers(weather, at_ms, *happenings):
    return at(influences(weather, *happenings), at_ms)[0]


def heat(severity=1.0, hours=8):
    return Happening("heat", NOON, NOON + hours * HOUR_MS, severity)


# the grid


def test_a_day_has_144_rows_of_every_cow_and_influence(cool):
    day = influences(cool).day(0)
    assert day.shape == (144, 2, len(INFLUENCES))
    assert day.dtype == np.float32


def test_where_nothing_happens_everything_is_as_usual(cool):
    assert np.array_equal(influences(cool).day(2), np.ones((144, 2, 6)))


def test_a_herd_mate_is_not_touched(cool):
    found = influences(cool, heat()).day(3)
    assert (found[:, 1] == 1).all()
    assert (found[:, 0] != 1).any()


def test_a_happening_goes_on_over_midnight(cool):
    bent = influences(cool, Happening("heat", 4 * DAY_MS - 4 * HOUR_MS, 4 * DAY_MS + 6 * HOUR_MS))
    assert bent.day(3)[-1, 0, WALK] == pytest.approx(bent.day(4)[0, 0, WALK])
    assert bent.day(4)[0, 0, WALK] > 1.5


def test_days_may_be_asked_for_in_any_order(cool):
    bent = influences(cool, heat())
    first = bent.day(3).copy()
    bent.day(0)
    assert np.array_equal(bent.day(3), first)


# profiles


@pytest.mark.parametrize("kind", sorted(load_profiles(load_herd())))
def test_at_every_anchor_she_does_what_the_file_says(kind):
    table, profile = load_herd()["event"][kind], load_profiles(load_herd())[kind]
    happening = Happening(kind, 0, 240 * HOUR_MS, detail={"peak_ms": 100 * HOUR_MS})
    moments = profile.moments_ms(happening)
    assert list(moments) == sorted(moments)
    log = profile.log_at(moments, np.array(moments, dtype=np.float64))
    for column, name in enumerate(INFLUENCES):
        wanted = table.get(name, (1.0,) * len(moments))
        assert np.exp(log[:, column]) == pytest.approx(wanted)


def test_before_and_after_its_profile_a_happening_does_nothing(cool):
    bent = influences(cool, heat())
    assert (at(bent, NOON - STEP_MS) == 1).all()
    assert (at(bent, NOON + 11 * HOUR_MS + STEP_MS) == 1).all()


def test_a_cow_in_heat_walks_more_lies_less_and_chews_half_as_much(cool):
    found = hers(cool, NOON + 4 * HOUR_MS, heat())
    assert found[WALK] > 3
    assert found[LIE] < 0.6
    assert 0.3 < found[RUMINATE] < 0.7
    assert found[TRANSITIONS] > 1.4
    assert found[STRENGTH] > 1


def test_heat_rises_in_two_hours_and_falls_in_six(cool):
    bent = influences(cool, heat(hours=10))
    walk = np.log(np.concatenate([bent.day(3), bent.day(4)])[:, 0, WALK])
    high = np.flatnonzero(walk > 0.999 * walk.max())
    changed = np.flatnonzero(walk > 1e-6)
    assert (high[0] - changed[0]) / 6 == pytest.approx(2, abs=0.2)
    assert (changed[-1] - high[-1]) / 6 == pytest.approx(6, abs=0.2)


def test_a_short_heat_keeps_the_order_of_its_moments(cool):
    walk = influences(cool, heat(hours=3)).day(3)[:, 0, WALK]
    assert walk.max() > 1.5
    assert (np.diff(np.sign(np.diff(walk[walk != 1]))) <= 0).all()  # up, then down


def test_severity_is_an_exponent(cool):
    once, twice = (hers(cool, NOON + 4 * HOUR_MS, heat(severity)) for severity in (0.5, 1.0))
    assert twice == pytest.approx(once**2, rel=1e-5)


def test_severity_zero_changes_nothing_and_below_zero_turns_it_round(cool):
    assert (hers(cool, NOON + 4 * HOUR_MS, heat(0.0)) == 1).all()
    odd = [Happening("odd_day", NOON, NOON + DAY_MS, severity) for severity in (1.0, -1.0)]
    more, less = (hers(cool, NOON + 8 * HOUR_MS, each) for each in odd)
    assert more * less == pytest.approx(np.ones(6), rel=1e-5)
    assert more[WALK] > 1 > less[WALK]


def test_two_things_at_once_are_multiplied(cool):
    at_ms = NOON + 4 * HOUR_MS
    rain = Happening("rain", NOON, NOON + 8 * HOUR_MS)
    both = hers(cool, at_ms, heat(), rain)
    assert both == pytest.approx(hers(cool, at_ms, heat()) * hers(cool, at_ms, rain), rel=1e-5)


def test_however_much_happens_at_once_it_stays_within_twentyfold(cool):
    found = hers(cool, NOON + 4 * HOUR_MS, *(heat(2.0) for _ in range(8)))
    assert found.max() == pytest.approx(math.exp(3), rel=1e-4)
    assert found.min() == pytest.approx(math.exp(-3), rel=1e-4)


def test_before_a_birth_she_eats_and_chews_less_and_gets_up_more(cool):
    birth = Happening("calving", NOON - 8 * HOUR_MS, NOON)
    bent = influences(cool, birth)
    assert at(bent, NOON - 48 * HOUR_MS)[0, RUMINATE] == pytest.approx(0.92, abs=0.02)
    last = np.stack([at(bent, NOON - k * HOUR_MS)[0] for k in range(1, 7)]).mean(axis=0)
    assert 0.25 < last[EAT] < 1 - 0.57
    assert 2 < last[TRANSITIONS] < 3
    assert at(bent, NOON + 20 * HOUR_MS)[0, WALK] > 1.3


def test_rumination_of_a_cow_off_her_feed_falls_to_its_worst_at_the_peak(cool):
    sick = Happening("off_feed", DAY_MS, 6 * DAY_MS, detail={"peak_ms": NOON})
    bent = influences(cool, sick)
    course = np.concatenate([bent.day(day)[:, 0, RUMINATE] for day in range(7)])
    assert abs(int(course.argmin()) * STEP_MS - NOON) <= STEP_MS
    assert 0.40 <= course.min() <= 0.55
    assert at(bent, DAY_MS + 6 * HOUR_MS)[0, RUMINATE] == pytest.approx(0.87, abs=0.02)


def test_a_mild_mastitis_hardly_shows(cool):
    for severity, low, high in ((1.0, 0.55, 0.65), (0.1, 0.93, 1.0)):
        case = Happening(
            "mastitis", NOON, NOON + 3 * DAY_MS, severity, detail={"peak_ms": NOON + 9 * HOUR_MS}
        )
        assert low < hers(cool, NOON + 15 * HOUR_MS, case)[RUMINATE] < high


# heat of the day


def test_heat_takes_rumination_and_lying_by_the_unit_and_not_below_a_floor():
    weather = Weather(load_herd(), seed=1, days=200)
    bent, quiet = Influences(load_herd(), (cow(0),), weather), 0
    for day in range(200):
        index = weather.thi((day * 144 + np.arange(144) + 0.5) * STEP_MS)
        found = bent.day(day)[:, 0]
        above = np.maximum(index - 68, 0)
        assert found[:, RUMINATE] == pytest.approx(np.maximum(1 - above * 2.5 / 470, 0.6), abs=1e-5)
        assert found[:, LIE] == pytest.approx(np.maximum(1 - above * 0.15 / 10.5, 0.75), abs=1e-5)
        assert (found[:, EAT:] == 1).all()
        quiet += bool((found == 1).all())
    assert 20 < quiet < 195


# no choice


def forced(*happenings, day=3):
    weather = Weather(load_herd(), seed=1, days=7)
    return [(each.from_ms, each.to_ms, each.state) for each in influences(weather, *happenings).forced(day)]


@pytest.mark.parametrize(
    ("happening", "to_ms", "state"),
    [
        (
            Happening("herd_event", NOON, NOON + HOUR_MS, detail={"run_end_ms": NOON + 300_000}),
            NOON + 300_000,
            "run",
        ),
        (
            Happening("cast", NOON, NOON + HOUR_MS, detail={"spells": ((NOON, NOON + HOUR_MS),)}),
            NOON + HOUR_MS,
            "side",
        ),
        (Happening("down", NOON, NOON + 7 * HOUR_MS), NOON + 7 * HOUR_MS, "lie"),
        (Happening("dead", NOON, 7 * DAY_MS), 4 * DAY_MS, "gone"),
        (Happening("collar_off", NOON, NOON + HOUR_MS), NOON + HOUR_MS, "gone"),
        (
            Happening("theft", NOON, 7 * DAY_MS, detail={"walk_end_ms": NOON + 900_000}),
            NOON + 900_000,
            "walk",
        ),
    ],
    ids=lambda each: each.kind if isinstance(each, Happening) else "",
)
def test_what_she_cannot_choose_is_imposed(happening, to_ms, state):
    assert forced(happening) == [(NOON, to_ms, state)]
    assert state in STATES


@pytest.mark.parametrize(
    "kind", sorted({*EVENTS} - {"herd_event", "cast", "down", "dead", "collar_off", "theft"})
)
def test_everything_else_leaves_her_the_choice(kind):
    assert forced(Happening(kind, NOON, NOON + HOUR_MS)) == []


def test_a_stretch_over_midnight_belongs_to_both_days():
    down = Happening("down", 3 * DAY_MS + 20 * HOUR_MS, 4 * DAY_MS + 5 * HOUR_MS)
    assert forced(down) == [(down.onset_ms, 4 * DAY_MS, "lie")]
    assert forced(down, day=4) == [(4 * DAY_MS, down.end_ms, "lie")]
    assert forced(down, day=5) == []


def test_a_dead_cow_does_not_rise_again():
    dead = Happening("dead", NOON, 7 * DAY_MS)
    for day in (4, 5, 6):
        assert forced(dead, day=day) == [(day * DAY_MS, (day + 1) * DAY_MS, "gone")]


def test_of_two_at_once_the_stronger_holds_and_the_other_goes_round_it():
    spell = (NOON + HOUR_MS, NOON + 2 * HOUR_MS)
    down = Happening("down", NOON, NOON + 8 * HOUR_MS)
    cast = Happening("cast", *spell, detail={"spells": (spell,)})
    assert forced(down, cast) == [
        (NOON, spell[0], "lie"),
        (*spell, "side"),
        (spell[1], NOON + 8 * HOUR_MS, "lie"),
    ]


def test_stretches_come_by_cow_and_time():
    weather = Weather(load_herd(), seed=1, days=7)
    late, early = Happening("down", NOON, NOON + HOUR_MS), Happening("down", NOON - DAY_MS // 4, NOON)
    found = Influences(load_herd(), (cow(0, late), cow(1, early, late)), weather).forced(3)
    assert [(each.cow, each.from_ms) for each in found] == [(0, NOON), (1, NOON - DAY_MS // 4), (1, NOON)]


# a file that cannot be


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("lie", (1.0, 0.5, 1.0), "event.heat.lie has 3 entries: want 4"),
        ("lie", (1.0, 0.5, 0.5, 0.9), "want it to begin and end with 1"),
        ("lie", (1.0, 0.0, 0.5, 1.0), "want multipliers above 0"),
        ("at", ("onset", "onset+2", "end-3", "birth"), "event.heat.at: 'birth': want onset, peak or end"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_by_name(field, value, complaint):
    model = load_herd()
    event = {**model["event"], "heat": {**model["event"]["heat"], field: value}}
    with pytest.raises(HerdError, match=complaint.replace(".", r"\.")):
        load_profiles({**model, "event": event})
