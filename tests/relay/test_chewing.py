"""Rumination apart from rest. These cows are tones and noise: this does not say how well it works on one."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herdcore.features import log_code, window_into
from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.chewing import (
    JOINED_GAP_MS,
    MIN_BOUT_MS,
    NOT_VALIDATED,
    VERSION,
    ChewingError,
    State,
    bouts,
    decode,
    encode,
    step,
    vedba_mg,
)

RATE_HZ = 12.5
MINUTE = 12  # windows, near enough
START_MS = 1_700_000_000_000


def windows(samples):
    """Windows of samples, shape (n, 3) in mg, as the collar makes them."""
    flat = array("h", np.rint(samples).astype(np.int16).ravel().tolist())
    out = bytearray(14 * (len(samples) // 64))
    for i in range(len(samples) // 64):
        window_into(flat, 64 * i, out, 14 * i)
    return np.frombuffer(bytes(out), dtype=np.uint8).reshape(-1, 14)


def noise(minutes, mg, seed=1):
    """Noise on all axes around gravity."""
    n = MINUTE * minutes * 64
    return np.random.default_rng(seed).normal((300, -200, -900), mg, (n, 3))


def chewing(minutes, line_hz=2.6, mg=60, bolus_s=45, pause_s=4, seed=1):
    """A line on the y axis that pauses `pause_s` every `bolus_s` seconds, in the noise of a resting cow."""
    samples = noise(minutes, 8, seed)
    seconds = np.arange(len(samples)) / RATE_HZ
    jaw = mg * np.sin(2 * np.pi * line_hz * seconds)
    if bolus_s:
        jaw[seconds % bolus_s > bolus_s - pause_s] = 0
    samples[:, 1] += jaw
    return windows(samples)


def still(minutes, mg=8, seed=1):
    return windows(noise(minutes, mg, seed))


def times(n, start_ms=START_MS):
    return start_ms + WINDOW_MS * np.arange(n, dtype=np.int64)


def tell(records, start_ms=None, is_rest=None, state=None):
    start_ms = times(len(records)) if start_ms is None else start_ms
    is_rest = np.ones(len(records), dtype=bool) if is_rest is None else is_rest
    return step(state or State(), records, start_ms, is_rest)[1]


def minutes_from_start(found):
    return [((b.start_ms - START_MS) / 60_000, (b.end_ms - START_MS) / 60_000) for b in found]


@pytest.mark.parametrize("line_hz", [2.2, 2.5, 2.9, 3.1, 1.3, 1.45])
def test_a_line_that_pauses_is_told_whatever_the_frequency_of_the_jaw(line_hz):
    told = tell(chewing(10, line_hz))
    assert told.ruminating[3 * MINUTE :].all()


def test_a_bout_is_not_told_before_two_minutes_were_seen():
    told = tell(chewing(5))
    first = int(told.ruminating.argmax())
    assert MIN_BOUT_MS - 3 * WINDOW_MS <= first * WINDOW_MS <= MIN_BOUT_MS


def test_rest_without_a_line_is_never_told():
    assert not tell(still(30)).ruminating.any()
    assert not tell(still(30, mg=40)).ruminating.any()  # as strong as chewing, and as restless as noise


@pytest.mark.parametrize("line_hz", [0.6, 0.8, 1.8, 3.8, 4.5])
def test_a_line_where_no_jaw_works_is_not_told(line_hz):
    assert not tell(chewing(10, line_hz)).ruminating.any()


@pytest.mark.parametrize("mg", [12, 400])
def test_a_line_too_weak_or_too_strong_for_a_jaw_is_not_told(mg):
    assert not tell(chewing(10, mg=mg)).ruminating.any()


def test_a_line_that_never_pauses_is_a_machine_and_no_jaw():
    told = tell(chewing(15, bolus_s=None))
    assert not told.ruminating[4 * MINUTE :].any()
    assert not told.pauses.any()


def test_where_nothing_speaks_for_chewing_rest_has_the_score_of_none_and_the_other_no_score():
    is_rest = np.arange(5 * MINUTE) % 3 > 0
    told = tell(still(5), is_rest=is_rest)
    assert not (told.ruminating | told.chews | told.pauses).any()
    assert told.score == pytest.approx(np.where(is_rest, 1 / (1 + np.exp(8 * 0.45)), 0.0))


def test_what_was_not_told_as_rest_is_never_rumination():
    records = chewing(10)
    assert not tell(records, is_rest=np.zeros(len(records), dtype=bool)).ruminating.any()
    is_rest = np.ones(len(records), dtype=bool)
    is_rest[70] = False
    told = tell(records, is_rest=is_rest)
    assert told.ruminating[69]
    assert not told.ruminating[70]
    assert told.score[70] == 0
    assert told.ruminating[71]


@pytest.mark.parametrize("bolus_s", [35, 50, 70])
def test_pauses_are_found_as_often_as_a_bolus_comes(bolus_s):
    records = chewing(20, bolus_s=bolus_s)
    every_s = np.diff(times(len(records))[tell(records).pauses]) / 1000
    assert np.median(every_s) == pytest.approx(bolus_s, abs=WINDOW_MS / 1000)


@pytest.mark.parametrize(("bolus_s", "weight"), [(45, 1), (110, 0), (None, -6)])
def test_the_score_weighs_pauses_as_documented(bolus_s, weight):
    records = chewing(10, bolus_s=bolus_s)
    told = tell(records)
    rate = told.chews[-23:].mean()  # the windows of the last two minutes
    odds = np.log(told.score[-1] / (1 - told.score[-1]))
    assert odds - 8 * (rate - 0.45) == pytest.approx(weight, abs=0.3)


def test_a_bout_looked_back_upon_begins_and_ends_with_its_chewing():
    records = np.concatenate((still(5), chewing(10), still(5, seed=2)))
    [(begin, end)] = minutes_from_start(bouts(times(len(records)), tell(records)))
    minute_s = MINUTE * WINDOW_MS / 1000
    assert begin * 60 == pytest.approx(5 * minute_s, abs=3 * WINDOW_MS / 1000)
    assert end * 60 == pytest.approx(15 * minute_s, abs=3 * WINDOW_MS / 1000)


@pytest.mark.parametrize("count", [12, 20])
def test_less_than_two_minutes_of_chewing_are_no_bout(count):
    records = np.concatenate((still(5), chewing(2)[:count], still(5)))
    told = tell(records)
    assert bouts(times(len(records)), told) == []


@pytest.mark.parametrize(("gap_min", "count"), [(2, 1), (4, 2)])
def test_bouts_up_to_two_and_a_half_minutes_apart_are_one(gap_min, count):
    records = np.concatenate((chewing(6), still(gap_min), chewing(6)))
    assert len(bouts(times(len(records)), tell(records))) == count


def test_after_a_hole_of_more_than_the_joined_gap_it_begins_anew():
    records = chewing(10)
    start_ms = times(len(records))
    start_ms[60:] += JOINED_GAP_MS
    told = tell(records, start_ms)
    assert told.ruminating[59]
    assert not told.ruminating[60:80].any()
    assert told.ruminating[90:].all()


def test_a_lost_upload_of_half_a_minute_ends_nothing():
    records = chewing(10)
    start_ms = times(len(records))
    start_ms[60:] += 30_000
    assert tell(records, start_ms).ruminating[3 * MINUTE :].all()


@pytest.mark.parametrize("sent", [(0,), (0, 1)])
def test_missing_windows_do_not_count_as_chewing(sent):
    records, start_ms = chewing(10), times(MINUTE * 10)
    few = np.isin(np.arange(len(records)) % 8, sent)
    assert not tell(records[few], start_ms[few]).ruminating.any()


def test_what_was_not_told_as_rest_is_no_evidence_afterwards():
    is_rest = np.arange(MINUTE * 10) >= 60
    first = int(tell(chewing(10), is_rest=is_rest).ruminating.argmax())
    assert first > 60 + 8


@pytest.mark.parametrize("crossings", [5, 19, 45])
def test_a_band_full_of_power_without_the_crossings_of_its_line_is_not_told(crossings):
    records = chewing(10)
    records = np.where(np.arange(14) // 3 == 3, np.uint8(crossings), records)
    assert not tell(records).ruminating.any()


def test_a_turn_of_the_head_is_no_pause():
    records = chewing(10, bolus_s=None).copy()
    records[20::9, 13] = 70  # less of the power is in the line
    records[20::9, 3:6] += 4  # because there is more of the rest
    assert not tell(records).pauses.any()


def test_a_turned_collar_tells_the_same():
    samples = noise(6, 8)
    samples[:, 1] += 60 * np.sin(2 * np.pi * 2.6 / RATE_HZ * np.arange(len(samples)))
    flipped = samples * (1, -1, -1)
    assert (tell(windows(samples)).ruminating == tell(windows(flipped)).ruminating).all()


MIXED = np.concatenate((still(3), chewing(9), still(2, mg=60), chewing(3, line_hz=1.4, seed=3)))


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(0, len(MIXED)), max_size=12),
    holes=st.lists(st.tuples(st.integers(1, len(MIXED) - 1), st.integers(1, 400_000)), max_size=3),
    moving=st.sets(st.integers(0, len(MIXED) - 1), max_size=20),
)
def test_any_batching_of_a_stream_tells_the_same(cuts, holes, moving):
    start_ms, is_rest = times(len(MIXED)), np.ones(len(MIXED), dtype=bool)
    is_rest[list(moving)] = False
    for at, ms in holes:
        start_ms[at:] += ms
    whole_state, whole = step(State(), MIXED, start_ms, is_rest)
    state, parts = State(), []
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(MIXED)], strict=True):
        part = slice(begin, end)
        state, told = step(decode(encode(state), VERSION), MIXED[part], start_ms[part], is_rest[part])
        parts.append(told)
    for one, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(one, np.concatenate(pieces))
    assert state == whole_state


def test_window_by_window_is_the_same_as_at_once():
    whole_state, whole = step(State(), MIXED, times(len(MIXED)), np.ones(len(MIXED), dtype=bool))
    state, flags = State(), []
    for i, at in enumerate(times(len(MIXED))):
        state, told = step(state, MIXED[i : i + 1], np.array([at]), np.ones(1, dtype=bool))
        flags += told.ruminating.tolist()
    assert flags == whole.ruminating.tolist()
    assert state == whole_state


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=14 * 50, max_size=14 * 50))
def test_no_bytes_of_a_collar_break_it(data):
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, 14)
    before = records.copy()
    told = tell(records)
    assert ((told.score >= 0) & (told.score <= 1)).all()
    np.testing.assert_array_equal(records, before)


def test_the_state_stays_small_however_long_or_crowded_the_stream():
    state, _ = step(State(), chewing(20), times(MINUTE * 20), np.ones(MINUTE * 20, dtype=bool))
    assert len(encode(state)) <= 505
    crowded = START_MS + np.arange(MINUTE * 20)
    state, _ = step(State(), chewing(20), crowded, np.ones(MINUTE * 20, dtype=bool))
    assert len(encode(state)) <= 897


def test_nothing_in_nothing_out():
    state, _ = step(State(), chewing(3), times(3 * MINUTE), np.ones(3 * MINUTE, dtype=bool))
    same, told = step(state, chewing(1)[:0], times(0), np.ones(0, dtype=bool))
    assert same == state
    assert [len(column) for column in told] == [0, 0, 0, 0]
    assert bouts(times(0), told) == []


def test_windows_that_do_not_follow_are_refused():
    state, _ = step(State(), chewing(1), times(MINUTE), np.ones(MINUTE, dtype=bool))
    with pytest.raises(ChewingError, match=f"start_ms {START_MS} after"):
        step(state, chewing(1), times(MINUTE), np.ones(MINUTE, dtype=bool))
    with pytest.raises(ChewingError, match=r"records \(12, 14\), start_ms \(11,\)"):
        step(State(), chewing(1), times(11), np.ones(11, dtype=bool))


@pytest.mark.parametrize(("data", "version"), [(b"\x00", VERSION + 1), (b"", VERSION), (b"\x02", VERSION)])
def test_a_state_of_another_version_or_shape_is_refused(data, version):
    with pytest.raises(ChewingError, match="chewing state of version"):
        decode(data, version)


def test_motion_is_the_vedba_of_the_samples_within_a_tenth():
    for samples in (noise(1, 40), noise(1, 2) + 60 * np.sin(np.arange(MINUTE * 64))[:, None] * (0, 1, 0.5)):
        cut = samples.reshape(-1, 64, 3)
        truth = np.linalg.norm(cut - cut.mean(axis=1, keepdims=True), axis=2).mean(axis=1)
        assert vedba_mg(windows(samples)) == pytest.approx(truth, rel=0.12)
    assert vedba_mg(np.full((1, 14), log_code(0), dtype=np.uint8)).tolist() == [0.0]


def test_it_says_that_it_is_not_validated():
    assert "not validated on cattle" in NOT_VALIDATED
