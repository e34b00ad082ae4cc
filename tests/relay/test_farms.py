"""Whole farm out: the farms are made up, of necks that hang, stand and swing in collars of any turn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.described import Described
from relay.behaviour.smoother import batch
from relay.training import farms, farmstart
from relay.training.examples import CSIRO_5, FARM_3, SHIPPED, Examples
from relay.training.farmstart import GRAZING, OTHER, STILL

BOUT, BOUTS, SAMPLES = 8, 15, 32
ANGLE_DEG = {GRAZING: 55.0, STILL: 0.0, OTHER: 15.0}
SPREAD_MG = {GRAZING: 160.0, STILL: 12.0, OTHER: 130.0}


def any_turn(seed):
    """A rotation drawn at random."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return turn * np.sign(np.linalg.det(turn))


def cow(name, seed, *, turn=None, gain=1.0):
    """One cow's day of bouts: standard deviations and means of samples in a collar that sits turned."""
    random = np.random.default_rng(seed)
    truth = np.repeat(random.permutation(np.arange(BOUTS) % 3), BOUT)
    n = len(truth)
    degrees = np.array([ANGLE_DEG[code] for code in truth]) + random.normal(scale=4.0, size=n)
    angle = np.radians(degrees)
    gravity = 1000.0 * np.column_stack((np.sin(angle), random.normal(scale=0.05, size=n), np.cos(angle)))
    spread = gain * np.array([SPREAD_MG[code] for code in truth]) * random.lognormal(sigma=0.2, size=n)
    motion = random.normal(size=(n, SAMPLES, 3)) * spread[:, None, None] * [1.0, 0.5, 0.8]
    samples = (gravity[:, None] + motion) @ (np.eye(3) if turn is None else turn).T
    start_ms = WINDOW_MS * (np.arange(n) + 20 * (np.arange(n) >= n // 2))
    described = Described(samples.mean(axis=1), samples.std(axis=1))
    zeros = np.zeros(n, dtype=np.int64)
    return Examples(
        FARM_3, described, np.full(n, name), zeros, start_ms, truth, np.ones(n, dtype=np.bool_), zeros - 1
    )


def together(*cows):
    """Several cows' windows as one set."""
    gravity, spread = (
        np.concatenate([getattr(each.described, name) for each in cows])
        for name in ("gravity_mg", "deviation_mg")
    )
    rest = ("animal", "copy", "start_ms", "truth", "pure", "stretch")
    columns = [np.concatenate([getattr(each, name) for each in cows]) for name in rest]
    return Examples(FARM_3, Described(gravity, spread), *columns)


@pytest.fixture(scope="module")
def farm():
    return together(*(cow(f"cow {i}", i, turn=any_turn(i)) for i in range(4)))


@pytest.fixture(scope="module")
def model(farm):
    return farms.fit(farm)


def right(posterior, hers):
    return (posterior.argmax(axis=1) == hers.truth).mean()


def test_a_cow_of_another_farm_with_a_louder_collar_that_sits_another_way_is_told_well(model):
    hers = cow("stranger", 77, turn=any_turn(77), gain=1.3)
    windows, smoothed = farms.tell(model, hers)
    assert right(windows, hers) > 0.9
    assert right(smoothed, hers) > 0.9
    assert windows.shape == smoothed.shape == (len(hers), 3)
    np.testing.assert_allclose(windows.sum(axis=1), 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_collar_turned_at_random_tells_the_same(model, seed):
    # Sums are rounded to parts of 1 by axis, so a turn moves what is told by a little, and no class.
    plain, turned = (farms.tell(model, cow("c", 9, turn=turn)) for turn in (None, any_turn(seed)))
    for one, other in zip(plain, turned, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)
        assert np.array_equal(one.argmax(axis=1), other.argmax(axis=1))


def test_a_farm_learned_from_turned_collars_is_the_farm_learned_from_straight_ones():
    straight, turned = (
        farmstart.learn(together(*(cow(f"c{i}", i, turn=turn) for i in range(3))))
        for turn in (None, any_turn(5))
    )
    for name in ("templates", "angles_deg", "levels"):
        np.testing.assert_allclose(getattr(straight, name), getattr(turned, name), atol=1e-2)


def test_what_she_truly_did_is_never_read(model):
    hers = cow("stranger", 5)
    erased = replace(hers, truth=np.full(len(hers), -1), pure=np.zeros(len(hers), dtype=np.bool_))
    for one, other in zip(farms.tell(model, hers), farms.tell(model, erased), strict=True):
        assert np.array_equal(one, other)


def test_nothing_but_mean_and_spread_is_read(model):
    hers = cow("stranger", 5)
    n = len(hers)
    more = replace(hers.described, difference_mg=np.full((n, 3), 9.0), crossings=np.full((n, 3), 7.0))
    whole = replace(hers, described=replace(more, bands=np.full((n, 2), 0.3)))
    for one, other in zip(farms.tell(model, hers), farms.tell(model, whole), strict=True):
        assert np.array_equal(one, other)


def test_two_fits_are_the_same_to_the_last_bit(farm, model):
    again = farms.fit(farm)
    assert again.smoothing == model.smoothing
    for name in ("templates", "angles_deg", "levels"):
        assert np.array_equal(getattr(again.farm, name), getattr(model.farm, name))
    assert np.array_equal(again.layers.weights, model.layers.weights)


def test_turned_copies_and_windows_that_are_not_judged_teach_nothing_but_the_frame(farm, model):
    copies = replace(farm, copy=np.ones(len(farm), dtype=np.int64), truth=(farm.truth + 1) % 3)
    again = farms.fit(together(farm, copies))
    assert np.array_equal(again.layers.weights, model.layers.weights)
    hidden = replace(farm, truth=np.where(np.arange(len(farm)) % 2, farm.truth, -1))
    half = farms.fit(hidden)
    assert right(farms.tell(half, cow("stranger", 5))[0], cow("stranger", 5)) > 0.9


def test_the_smoothed_are_the_relays_smoother_over_the_windows(model):
    hers = cow("stranger", 5)
    windows, smoothed = farms.tell(model, hers)
    assert np.array_equal(smoothed, batch(model.smoothing, hers.start_ms, windows))


def test_the_smoothing_is_chosen_where_each_animal_was_left_out(farm):
    told = farms.out_of_fold(farm)
    name = farm.judged_animals[1]
    hers = farm.animal == name
    scrambled = replace(farm, truth=np.where(hers, (farm.truth + 1) % 3, farm.truth))
    assert np.array_equal(farms.out_of_fold(scrambled)[hers], told[hers])


def test_a_gap_keeps_neighbours_apart():
    values = np.arange(5.0)[:, None]
    start_ms = WINDOW_MS * np.array([0, 1, 2, 9, 10])
    near = farms._nearby(values, start_ms)
    assert near[:, 0].tolist() == [1.0, 1.0, 1.0, 3.5, 3.5]


def test_a_class_that_no_animal_shows_is_no_obstacle():
    both = together(*(cow(f"c{i}", i) for i in range(3)))
    fitted = farms.fit(both.only(both.truth != OTHER))
    windows, _ = farms.tell(fitted, cow("stranger", 5))
    assert np.isfinite(windows).all()
    assert not (windows.argmax(axis=1) == OTHER).any()


@pytest.mark.parametrize("which", [GRAZING, STILL, OTHER])
def test_a_cow_that_does_one_thing_only_is_told_without_a_fault(model, which):
    hers = cow("stranger", 5)
    windows, smoothed = farms.tell(model, hers.only(hers.truth == which))
    assert np.isfinite(windows).all()
    assert np.isfinite(smoothed).all()


def test_one_window_is_told_too(model):
    hers = cow("stranger", 5)
    windows, smoothed = farms.tell(model, hers.only(np.arange(len(hers)) == 3))
    assert windows.shape == smoothed.shape == (1, 3)
    assert np.isfinite(smoothed).all()


def test_two_collars_or_none_or_windows_out_of_order_are_refused(farm, model):
    with pytest.raises(ValueError, match=r"cow 0.*cow 1.*want the windows of one"):
        farms.tell(model, farm)
    with pytest.raises(ValueError, match="want the windows of one"):
        farms.tell(model, farm.only(farm.animal == "nobody"))
    hers = cow("stranger", 5)
    with pytest.raises(ValueError, match="stranger: start_ms does not rise"):
        farms.tell(model, replace(hers, start_ms=hers.start_ms[::-1]))


def test_a_farm_of_two_animals_or_of_other_classes_is_refused(farm):
    with pytest.raises(ValueError, match="three animals or more"):
        farms.fit(farm.only(farm.animal < "cow 2"))
    with pytest.raises(ValueError, match="want grazing, still and walking or other"):
        farms.fit(replace(farm, classes=CSIRO_5))


def test_a_farm_where_no_animal_both_grazes_and_rests_is_refused(farm):
    with pytest.raises(ValueError, match="none has over 5 grazing and still windows"):
        farms.fit(farm.only(farm.truth != STILL))


def test_every_label_of_either_pack_is_judged_and_the_rare_ones_are_walking_or_other():
    labels = np.array(
        ["grazing", "resting", "standing", "ruminating_resting", "walking", "other", "drinking"]
    )
    assert FARM_3.codes(labels).tolist() == [GRAZING, STILL, STILL, STILL, OTHER, OTHER, OTHER]
    assert (FARM_3.codes(np.array([*SHIPPED.of, *CSIRO_5.of])) >= 0).all()
