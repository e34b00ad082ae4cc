"""The rule for active mounts: these necks are sines, made into windows by the collar's own kernel."""

from __future__ import annotations

from array import array
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herdcore.features import window_into
from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.described import describe
from relay.behaviour.mounts import (
    FEWEST_STILL,
    SHIPPED,
    SUPPORTING_ONLY,
    Labelled,
    MountsError,
    calibrate,
    flags,
)

RATE_HZ = 12.5
START_MS = 1_700_000_000_000
TURNS = {
    "as worn": np.eye(3),
    "turned by 180 degrees about x": np.diag((1, -1, -1)),
    "turned by 180 degrees about y": np.diag((-1, 1, -1)),
    "turned by 180 degrees about z": np.diag((-1, -1, 1)),
    "tilted by 30 degrees about y": np.array([[0.866, 0, 0.5], [0, 1, 0], [-0.5, 0, 0.866]]),
    "tilted by 30 degrees about x": np.array([[1, 0, 0], [0, 0.866, -0.5], [0, 0.5, 0.866]]),
}


def windows(samples):
    """Windows of samples, shape (n, 3) in mg, as the collar makes them."""
    flat = array("h", np.rint(samples).astype(np.int16).ravel().tolist())
    out = bytearray(14 * (len(samples) // 64))
    for i in range(len(samples) // 64):
        window_into(flat, 64 * i, out, 14 * i)
    return np.frombuffer(bytes(out), dtype=np.uint8).reshape(-1, 14)


def tone(hz, count=1):
    return np.sin(2 * np.pi * hz * np.arange(64 * count) / RATE_HZ)


def neck(angle_deg, along_mg=0.0):
    """Samples of gravity seen by a neck at these angles, with a motion along it."""
    angle = np.radians(angle_deg)
    zero = np.zeros_like(angle)
    return (1000 + along_mg)[..., None] * np.stack((np.sin(angle), zero, -np.cos(angle)), axis=-1)


def swinging(degrees, hz, count=1):
    return neck(degrees * tone(hz, count), np.zeros(64 * count))


def moving(mg, hz, angle_deg=0.0, count=1):
    return neck(np.full(64 * count, float(angle_deg)), mg * tone(hz, count))


def times(n):
    return START_MS + WINDOW_MS * np.arange(n, dtype=np.int64)


def told(samples, rule=SHIPPED):
    records = windows(samples)
    return flags(records, times(len(records)), rule).tolist()


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
def test_a_neck_that_swings_slowly_by_40_degrees_is_flagged_however_the_collar_sits(turn):
    assert told(swinging(40, 1.2) @ turn.T) == [True]


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
def test_a_shake_at_4_hz_is_not_flagged_however_wild_it_is(turn):
    assert told(moving(1500, 4.0) @ turn.T) == [False]
    assert told(swinging(40, 4.0) @ turn.T) == [False]


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
def test_walking_and_rest_are_not_flagged(turn):
    assert told(moving(250, 1.6, count=3) @ turn.T) == [False] * 3
    assert told(moving(10, 0.5, count=3) @ turn.T) == [False] * 3


def test_a_head_that_sinks_slowly_is_not_lively():
    assert told(swinging(40, 0.2)) == [False]


@pytest.mark.parametrize(("hz", "flagged"), [(1.5, True), (1.8, True), (2.1, False), (2.6, False)])
def test_slower_than_2_hz_is_slow(hz, flagged):
    assert told(moving(1000, hz)) == [flagged]


def test_a_swing_scores_more_than_a_motion_as_strong_that_does_not_turn_the_neck():
    straight, swing = moving(690, 1.2), swinging(40, 1.2)
    m_straight, m_swing = (np.linalg.norm(describe(windows(each)).deviation_mg) for each in (straight, swing))
    assert m_straight == pytest.approx(m_swing, rel=0.05)
    assert told(straight) == [False]
    assert told(swing) == [True]


def reared():
    """A neck 35 degrees up in one window and 35 degrees down in the next, livelier than a walk in both."""
    return np.concatenate((moving(500, 1.5, 35), moving(500, 1.5, -35)))


def test_a_swing_upon_the_border_of_two_windows_is_seen_in_both_together():
    assert told(reared()) == [True, True]
    assert told(reared()[:64]) == [False]
    assert told(reared()[64:]) == [False]


@pytest.mark.parametrize("gap_ms", [-1, 1, WINDOW_MS])
def test_a_gap_between_windows_breaks_the_pair(gap_ms):
    start_ms = times(2) + np.array((0, gap_ms))
    assert not flags(windows(reared()), start_ms, SHIPPED).any()


def test_the_still_one_of_a_pair_is_not_flagged_for_the_other():
    samples = np.concatenate((moving(500, 1.5, 60), moving(10, 1.5, -60)))
    assert told(samples) == [True, False]


def test_only_the_next_windows_on_either_side_count():
    up, down = reared()[:64], reared()[64:]
    assert told(np.concatenate((up, moving(10, 1.0), down))) == [False] * 3


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=14 * 30, max_size=14 * 30), st.integers(1, 28), st.integers(1, 28))
def test_no_bytes_break_it_and_one_window_on_either_side_is_all_it_looks_at(data, one, other):
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, 14)
    before, (begin, end) = records.copy(), sorted((one, other))
    whole = flags(records, times(30), SHIPPED)
    part = flags(records[begin - 1 : end + 2], times(30)[begin - 1 : end + 2], SHIPPED)
    np.testing.assert_array_equal(part[1:-1], whole[begin : end + 1])
    np.testing.assert_array_equal(records, before)


def test_nothing_in_nothing_out():
    assert told(np.empty((0, 3))) == []


def test_windows_out_of_order_or_shape_are_refused():
    records = windows(reared())
    with pytest.raises(MountsError, match=f"start_ms {START_MS} after {START_MS + WINDOW_MS}"):
        flags(records, times(2)[::-1], SHIPPED)
    with pytest.raises(MountsError, match=r"records \(2, 14\) of uint8, start_ms \(3,\)"):
        flags(records, times(3), SHIPPED)
    with pytest.raises(MountsError, match="of int64"):
        flags(records.astype(np.int64), times(2), SHIPPED)


@pytest.mark.parametrize(("count", "gravity_mg"), [(FEWEST_STILL, 1008.0), (FEWEST_STILL - 1, 958.0)])
def test_a_collars_own_gravity_counts_from_20_still_windows_on(count, gravity_mg):
    still, wild = moving(5, 1.0, count=count), swinging(60, 1.2, count=30)
    own = SHIPPED.at_rest(windows(np.concatenate((still, wild))))
    assert own == replace(SHIPPED, still_gravity_mg=pytest.approx(gravity_mg, abs=8 if count == 20 else 0))


def test_it_says_that_it_is_supporting_evidence_only():
    assert "never an alert alone" in SUPPORTING_ONLY


# Windows of one axis, in codes: the levels can be counted.
STILL = (60, 30, 30)


def coded(*rows):
    """Records of (gravity in 16 mg, code of the deviation, code of the |difference|) on one axis."""
    records = np.zeros((len(rows), 14), dtype=np.uint8)
    records[:, 0], records[:, 3], records[:, 6] = np.array(rows).T
    return records


def labelled(*parts):
    """One animal: (label, rows) one behind the other, a second apart from each other in time."""
    rows = [row for _, each in parts for row in each]
    labels = np.array([label for label, each in parts for _ in each])
    return Labelled(coded(*rows), START_MS + 6_000 * np.arange(len(rows)), labels)


GRAZING = [(60, 100, 90 + i) for i in range(20)]
WALKING = [(60, 150, 90 + i) for i in range(40)]
COW = labelled(("grazing", GRAZING), ("walking", WALKING), ("resting", [STILL] * 40))


def test_slow_is_the_slowest_twentieth_of_grazing_and_lively_beyond_nine_tenths_of_walking():
    rule = calibrate([COW])
    ratio = (2 ** (np.arange(90, 110) / 16) - 1) / (2 ** (100 / 16) - 1)
    assert rule.slow_ratio == pytest.approx(np.percentile(ratio, 5))
    assert rule.lively_mg == pytest.approx(np.percentile(2 ** (np.arange(90, 130) / 16) - 1, 90))
    assert rule.still_gravity_mg == 960


def test_the_score_is_the_level_that_half_a_window_an_hour_passes():
    lively = [(60, code, 127) for code in (160, 161, 162, 163)]
    hours_4 = 2813 - len(GRAZING + WALKING + lively)
    cow = labelled(
        ("grazing", GRAZING), ("walking", WALKING), ("resting", [STILL] * hours_4), ("pitching", lively)
    )
    rule = calibrate([cow])
    assert rule.score_mg == pytest.approx(2 ** (162 / 16) - 1, rel=0.001)  # the second highest of 4 hours


def test_in_less_than_two_hours_the_highest_score_seen_is_the_level():
    assert not flags(COW.records, COW.start_ms, calibrate([COW])).any()


def test_no_mount_ever_sets_a_level():
    mounts = ("active_mount", [(40, 150, 130)] * 30)
    parts = (("grazing", GRAZING), ("walking", WALKING), ("resting", [STILL] * 40))
    assert calibrate([labelled(*parts, mounts)]) == calibrate([COW])
    assert calibrate([COW, labelled(mounts)]) == calibrate([COW])


def test_each_training_animal_is_measured_against_her_own_gravity():
    heavy = Labelled(COW.records.copy(), COW.start_ms, COW.labels)
    heavy.records[:, 0] += 5  # another chip's gain: 80 mg more everywhere
    assert calibrate([COW, heavy]).score_mg == pytest.approx(calibrate([COW]).score_mg)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((("walking", WALKING), ("resting", [STILL] * 40)), "labelled grazing"),
        ((("grazing", GRAZING), ("resting", [STILL] * 40)), "labelled walking"),
        (
            (("grazing", GRAZING), ("walking", WALKING), ("resting", [STILL] * 19)),
            "19 still windows, want 20",
        ),
        (
            (("grazing", GRAZING), ("walking", [(60, 90, 120)] * 40), ("resting", [STILL] * 40)),
            "slow and lively",
        ),
    ],
)
def test_too_few_windows_of_a_kind_set_no_level(parts, words):
    with pytest.raises(MountsError, match=words):
        calibrate([labelled(*parts)])


def test_no_animals_and_labels_of_another_length_are_refused():
    with pytest.raises(MountsError, match="labelled grazing"):
        calibrate([])
    with pytest.raises(MountsError, match=r"labels \(3,\) for start_ms"):
        calibrate([COW._replace(labels=COW.labels[:3])])
