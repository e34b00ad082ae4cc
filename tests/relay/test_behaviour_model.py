"""Windows to probabilities, by a small model made by hand; how the collar sits must not show."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from relay.behaviour import frame, model
from relay.behaviour.described import Described, describe
from tests.relay import cow_windows as cow

KINDS = cow.day(600, seed=1)
RECORDS = cow.records(KINDS, seed=2)


def axis_turns():
    """The 24 rotations that take axes to axes."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            turn = np.eye(3)[list(order)] * np.array(signs)[:, None]
            if np.linalg.det(turn) > 0:
                yield turn


def turned(described, turn):
    """The same windows as a collar turned by `turn` describes them."""
    by_axis = np.abs(turn).T
    return Described(
        described.gravity_mg @ turn.T,
        described.deviation_mg @ by_axis,
        described.difference_mg @ by_axis,
        described.crossings @ by_axis,
        described.bands,
    )


def told(described):
    using = cow.model()
    return using.posterior(described, frame.sums_of(using.at_sight(described), described))


def test_there_are_24_ways_to_turn_a_collar_by_right_angles():
    assert len(list(axis_turns())) == 24


@pytest.mark.parametrize("turn", list(axis_turns()))
def test_a_collar_turned_by_right_angles_tells_the_same(turn):
    straight = describe(RECORDS)
    assert told(turned(straight, turn)) == pytest.approx(told(straight), abs=1e-9)


def test_a_collar_turned_by_30_degrees_tells_most_windows_rightly():
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    about_x = np.array([(1, 0, 0), (0, c, -s), (0, s, c)])
    right = told(describe(cow.records(KINDS, 2, about_x))).argmax(axis=1) == KINDS
    assert right.mean() > 0.85


def test_probabilities_are_between_0_and_1_and_sum_to_1():
    for each in (told(describe(RECORDS)), cow.model().at_sight(describe(RECORDS))):
        assert each.sum(axis=1) == pytest.approx(np.ones(600))
        assert each.min() >= 0


def test_the_classes_are_told_apart():
    assert (told(describe(RECORDS)).argmax(axis=1) == KINDS).mean() > 0.97


def test_any_bytes_give_probabilities():
    bytes_of = np.random.default_rng(4).integers(0, 256, (300, 14)).astype(np.uint8)
    bytes_of[:3] = [[0] * 14, [255] * 14, [128] * 14]
    each = told(describe(bytes_of))
    assert np.isfinite(each).all()
    assert each.sum(axis=1) == pytest.approx(np.ones(300))


def test_a_window_is_told_the_same_to_the_last_bit_whatever_windows_stand_beside_it():
    using, described = cow.model(), describe(RECORDS[:100])
    sums = frame.sums_of(using.at_sight(described), described)
    whole = using.posterior(described, sums)
    for size in (1, 2, 7, 33):
        parts = [using.posterior(described[at : at + size], sums) for at in range(0, 100, size)]
        assert np.array_equal(np.concatenate(parts), whole)


def test_nor_does_it_show_that_thousands_stand_beside_it():
    using, described = cow.model(128), describe(np.tile(RECORDS, (8, 1)))
    sums = frame.sums_of(using.at_sight(described), described)
    whole = using.posterior(described, sums)
    for size in (1, 100, 600):
        assert np.array_equal(using.posterior(described[:size], sums), whole[:size])


def test_windows_of_several_frames_are_told_at_once_as_each_by_itself():
    using, described = cow.model(), describe(RECORDS)
    of = np.arange(600) // 70 % 3
    flat = using.at_sight(described)
    sums = np.array([frame.sums_of(flat[of == each], described[of == each]) for each in range(3)])
    told = using.posterior(described, sums, of=of)
    for each in range(3):
        alone = using.posterior(described[of == each], sums[each])
        assert np.array_equal(told[of == each], alone)


def test_no_windows_have_no_probabilities():
    none = describe(np.empty((0, 14), dtype=np.uint8))
    assert cow.model().at_sight(none).shape == (0, 4)
    assert cow.model().posterior(none, np.zeros((4, frame.COLUMNS))).shape == (0, 4)


def test_windows_of_mean_and_spread_alone_have_fewer_features():
    whole = describe(RECORDS[:5])
    some = Described(whole.gravity_mg, whole.deviation_mg)
    assert some.difference_mg is None
    assert model.motion_features(some).shape == (5, 3)
    assert model.motion_features(whole).shape == (5, 8)
    own = model.own_features(
        some, model.motion_features(some), np.zeros((4, frame.COLUMNS)), cow.model().herd
    )
    assert np.isfinite(own).all()


@pytest.mark.parametrize("hidden", [0, 8])
def test_a_model_comes_back_from_json_exactly(hidden):
    using = cow.model(hidden)
    text = json.dumps(model.to_json(using))
    back = model.from_json(json.loads(text))
    assert json.dumps(model.to_json(back)) == text
    assert back.labels == using.labels
    assert back.smoothing == using.smoothing
    described = describe(RECORDS)
    sums = frame.sums_of(using.at_sight(described), described)
    assert np.array_equal(back.posterior(described, sums), using.posterior(described, sums))


@pytest.mark.parametrize("found", [None, 0, model.FORMAT + 1, "1"])
def test_a_model_of_another_format_is_refused(found):
    stored = model.to_json(cow.model()) | {"format": found}
    with pytest.raises(ValueError, match=f"format {found!r}, want {model.FORMAT}"):
        model.from_json(stored)
