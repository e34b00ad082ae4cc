"""The cow as a signal.

The comparison with real cows is a smoke check of the simulator's medians against the wasp-cow-collar figures
it was fitted to. It shows that the waveforms are what herd.toml says, not that a classifier works on cows.
"""

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from herdcore.vocabulary import BEHAVIOURS
from simulator.chips.sampling import Sampling
from simulator.cow import STILL, Cow
from simulator.cow_model import load_model

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
HZ = 10
COWS = 8


@pytest.fixture(scope="module")
def cows():
    return [Cow(11, index) for index in range(COWS)]


def bouts_of(cow, start_us=0, end_us=DAY_US):
    at_us = start_us
    while at_us < end_us:
        bout = cow.bout_at(at_us)
        yield bout
        at_us = bout.end_us


def window_at(cow, start_us, seconds=5):
    return cow.at(start_us + np.arange(seconds * HZ) * (1_000_000 // HZ))


def features(window):
    """Return mean, MAD, mean |difference| and crossings of the mean per axis."""
    mean = window.mean(axis=0)
    swing = window - mean
    jerk = np.abs(np.diff(window, axis=0)).mean(axis=0)
    return mean, np.abs(swing).mean(axis=0), jerk, (np.diff(np.sign(swing), axis=0) != 0).sum(axis=0)


@cache
def medians(behaviour):
    """Return the medians over all cows' 5 s windows of one behaviour on one day, thinned to one a minute."""
    rows = []
    for index in range(COWS):
        cow = Cow(11, index)
        for bout in bouts_of(cow):
            if bout.behaviour == behaviour:
                starts = range(bout.start_us, bout.end_us - 5_000_000, 60_000_000)
                rows += [features(window_at(cow, start_us)) for start_us in starts]
    assert len(rows) > 50
    return [np.median([row[k] for row in rows], axis=0) for k in range(4)]


# a function of time


def test_the_same_seed_and_index_give_the_same_cow():
    times_us = np.arange(0, HOUR_US, 700_001)
    assert (Cow(1, 2).at(times_us) == Cow(1, 2).at(times_us)).all()


@pytest.mark.parametrize("other", [Cow(1, 3), Cow(2, 2)])
def test_another_seed_or_index_is_another_cow(other):
    times_us = np.arange(0, 60_000_000, 80_000)
    assert np.abs(Cow(1, 2).at(times_us) - other.at(times_us)).max() > 5


def test_the_signal_does_not_depend_on_how_it_is_asked_for():
    cow, again = Cow(1, 2), Cow(1, 2)
    times_us = np.arange(5 * HOUR_US, 7 * HOUR_US, 80_000)
    backwards = [again.at(part) for part in np.array_split(times_us, 7)[::-1]]
    assert np.allclose(np.concatenate(backwards[::-1]), cow.at(times_us), atol=1e-9, rtol=0)


def test_a_later_day_can_be_asked_for_first():
    cow, again = Cow(1, 2), Cow(1, 2)
    for day in range(5):
        again.behaviour_at(day * DAY_US)
    times_us = 9 * DAY_US + np.arange(100) * 80_000
    assert (cow.at(times_us) == again.at(times_us)).all()


def test_nothing_asked_for_gives_nothing():
    assert Cow(1, 2).at(np.array([], dtype=np.int64)).shape == (0, 3)


def test_the_signal_changes_with_the_behaviour_at_a_bout_end():
    cow = Cow(1, 2)
    for bout in bouts_of(cow):
        assert cow.behaviour_at(bout.start_us) == cow.behaviour_at(bout.end_us - 1) == bout.behaviour
        whole = cow.at(np.array([bout.end_us - 1, bout.end_us]))
        assert (whole[0] == cow.at(np.array([bout.end_us - 1]))[0]).all()
        assert (whole[1] == cow.at(np.array([bout.end_us]))[0]).all()


# a day


def test_bouts_follow_each_other_without_gap_and_change_behaviour(cows):
    for cow in cows:
        bouts = list(bouts_of(cow))
        assert all(one.end_us == two.start_us for one, two in pairwise(bouts))
        assert all(one.behaviour != two.behaviour for one, two in pairwise(bouts))
        assert bouts[-1].end_us == DAY_US


def test_the_behaviours_are_those_the_house_has_names_for(cows):
    assert (
        {bout.behaviour for bout in bouts_of(cows[0])}
        == {"rest", "ruminate", "graze", "walk"}
        < set(BEHAVIOURS)
    )


@pytest.mark.parametrize(
    ("behaviour", "low_h", "high_h"),
    [("graze", 6.5, 10.5), ("ruminate", 5.2, 9.9), ("rest", 4.0, 9.5), ("walk", 0.4, 2.5)],
)
def test_a_day_is_spent_as_cows_at_pasture_spend_it(cows, behaviour, low_h, high_h):
    spent_h = [
        sum(bout.end_us - bout.start_us for bout in bouts_of(cow) if bout.behaviour == behaviour) / HOUR_US
        for cow in cows
    ]
    assert low_h <= np.mean(spent_h) <= high_h


def test_cows_graze_by_day_and_lie_by_night(cows):
    grazing = Counter()
    for cow in cows:
        grazing.update(
            hour for hour in np.arange(0, 24, 0.1) if cow.behaviour_at(int(hour * HOUR_US)) == "graze"
        )
    night = sum(n for hour, n in grazing.items() if hour < 4)
    morning = sum(n for hour, n in grazing.items() if 6 <= hour < 10)
    assert night < 0.25 * morning


def test_rumination_bouts_are_as_long_as_measured(cows):
    minutes = [
        (bout.end_us - bout.start_us) / 60e6
        for cow in cows
        for bout in bouts_of(cow)
        if bout.behaviour == "ruminate"
    ]
    assert 15 < np.median(minutes) < 35
    assert max(minutes) <= 90


# the waveforms, against the medians of real windows (smoke check)


@pytest.mark.parametrize(
    ("behaviour", "mad_mg", "jerk_mg", "crossings"),
    [
        ("graze", (127, 157, 134), (183, 253, 176), (25, 28, 22)),
        ("walk", (92, 83, 78), (113, 99, 100), (21, 20, 23)),
        ("ruminate", (31, 24, 16), (45, 32, 24), (26, 26, 27)),  # what "resting" cows of the pack mostly did
    ],
)
def test_windows_look_like_those_of_real_cows(behaviour, mad_mg, jerk_mg, crossings):
    _, mad, jerk, zero = medians(behaviour)
    assert mad == pytest.approx(mad_mg, rel=0.25)
    assert jerk == pytest.approx(jerk_mg, rel=0.25)
    assert zero == pytest.approx(crossings, abs=5)


def test_a_resting_cow_is_quieter_than_a_chewing_one_and_louder_than_the_sensor():
    _, mad, _, _ = medians("rest")
    assert (mad < 0.7 * medians("ruminate")[1]).all()
    assert (mad > 1.2 * 0.8 * 2.4).all()  # the mean absolute deviation of 2.4 mg of sensor noise


def test_grazing_is_head_down_when_collars_sit_straight():
    straight = {f"collar_{axis}_sd_deg": 0.0 for axis in ("roll", "pitch", "yaw")}
    model = replace(load_model(), cow=load_model().cow | straight)
    along = defaultdict(list)
    for index in range(COWS):
        cow = Cow(11, index, model=model)
        for bout in bouts_of(cow):
            along[bout.behaviour].append(window_at(cow, bout.start_us)[:, 1].mean())
    assert np.median(along["graze"]) == pytest.approx(-574, abs=50)
    for behaviour in ("rest", "ruminate", "walk"):
        assert -220 <= np.median(along[behaviour]) <= 233 + 20


@pytest.mark.parametrize(("behaviour", "low_hz", "high_hz"), [("ruminate", 2.2, 3.2), ("graze", 1.9, 2.7)])
def test_chewing_shows_as_a_line_at_twice_its_rate(cows, behaviour, low_hz, high_hz):
    for cow in cows[:4]:
        bout = max(
            (b for b in bouts_of(cow) if b.behaviour == behaviour), key=lambda b: b.end_us - b.start_us
        )
        signal = cow.at(bout.start_us + np.arange(3000) * 100_000)
        power = (np.abs(np.fft.rfft(signal - signal.mean(axis=0), axis=0)) ** 2).sum(axis=1)
        hz = np.fft.rfftfreq(3000, 0.1)
        line = hz[np.argmax(np.where(hz > 0.5, power, 0))]
        assert low_hz < line < high_hz
        assert line == pytest.approx(2 * bout.line_hz, abs=0.05)


def test_a_ruminating_cow_pauses_between_boli():
    cow = Cow(11, 0)
    bout = max((b for b in bouts_of(cow) if b.behaviour == "ruminate"), key=lambda b: b.end_us - b.start_us)
    pause_us = bout.start_us + int((bout.bolus_s + 0.1) * 1e6)
    chewing = [features(window_at(cow, bout.start_us + k * 2_000_000, 2))[1].sum() for k in range(14)]
    pauses = [
        features(cow.at(pause_us + int(k * bout.period_s * 1e6) + np.arange(18) * 100_000))[1].sum()
        for k in range(8)
    ]
    assert np.median(pauses) < 0.85 * np.median(chewing)


def test_collars_sit_a_little_differently_on_each_cow():
    rows = [cow.at(cow.bout_at(0).start_us + np.arange(0, 60_000_000, 80_000)).mean(axis=0)
            for cow in (Cow(11, index) for index in range(COWS))]  # fmt: skip
    spread = np.std(rows, axis=0)
    assert spread.max() > 50
    assert spread.max() < 400


def test_cows_differ_in_how_strongly_they_move():
    loud = defaultdict(list)
    for index in range(COWS):
        cow = Cow(11, index)
        loud[index] = [
            features(window_at(cow, bout.start_us))[1].sum()
            for bout in bouts_of(cow)
            if bout.behaviour == "graze"
        ]
    per_cow = [np.median(values) for values in loud.values()]
    assert 0.05 < np.std(per_cow) / np.mean(per_cow) < 0.4


# a cow that is down


def test_a_sick_cow_lies_still_from_her_hour_on():
    sick, healthy = Cow(1, 2, sick_from_us=3 * HOUR_US), Cow(1, 2)
    before = np.arange(2 * HOUR_US, 3 * HOUR_US, 80_000)
    assert (sick.at(before) == healthy.at(before)).all()
    after = sick.at(np.arange(3 * HOUR_US, 4 * HOUR_US, 80_000))
    assert (after.max(axis=0) - after.min(axis=0)).max() <= 2 * 3.0
    assert after.std() > 0
    assert np.linalg.norm(after.mean(axis=0)) == pytest.approx(1000, abs=10)


def test_the_boundary_inside_one_block_is_exact():
    sick = Cow(1, 2, sick_from_us=HOUR_US)
    times_us = HOUR_US + np.arange(-50, 50) * 80_000
    assert np.allclose(sick.at(times_us)[:50], Cow(1, 2).at(times_us)[:50], atol=1e-9, rtol=0)
    assert features(sick.at(times_us)[50:])[1].max() < 3


def test_her_behaviour_is_still_and_stays_so():
    sick = Cow(1, 2, sick_from_us=HOUR_US)
    assert sick.behaviour_at(HOUR_US - 1) != STILL
    assert sick.behaviour_at(HOUR_US) == sick.behaviour_at(3 * DAY_US) == STILL


def test_sensor_noise_on_a_sick_cow_stays_below_any_living_one():
    def quietest(cow):
        sampling = Sampling(cow, 1, 0, 80_000_000, 0.244, 2.4, 0)
        mg = sampling.raw(1, 64 * 700).astype(float).reshape(-1, 64, 3) * 0.244
        return np.abs(mg - mg.mean(axis=1, keepdims=True)).mean(axis=(1, 2))

    assert np.quantile(quietest(Cow(1, 2, sick_from_us=0)), 0.99) < np.quantile(quietest(Cow(1, 2)), 0.02)
