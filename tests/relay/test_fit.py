"""A model fitted to cows of numbers: the same twice, hard to mislead, judged by other cows."""

from __future__ import annotations

import functools
import json
from dataclasses import replace

import numpy as np
import pytest

from relay.behaviour import frame, model
from relay.behaviour.described import describe
from relay.training import fit
from relay.training.examples import SHIPPED, Classes, Examples
from tests.relay import cow_windows as cow

pytest.importorskip("sklearn")
threadpoolctl = pytest.importorskip("threadpoolctl")


@pytest.fixture(autouse=True)
def one_thread():
    """Matrices this small are slower on several."""
    with threadpoolctl.threadpool_limits(1):
        yield


PLAIN = fit.Settings(hidden=4, doubt=0.0)
DOUBTING = fit.Settings(hidden=4, doubt=0.1)
WINDOWS = 144


def of_cow(name, seed, kinds=None, turn=cow.SEATED):
    done = cow.day(WINDOWS, seed, 12) if kinds is None else np.asarray(kinds)
    n = len(done)
    return Examples(
        SHIPPED,
        describe(cow.records(done, seed, turn)),
        np.array([name] * n),
        np.zeros(n, dtype=np.int64),
        cow.starts(n),
        done.copy(),
        np.ones(n, dtype=np.bool_),
        np.full(n, -1, dtype=np.int64),
    )


def together(*each):
    """The windows of several cows, one after the other."""
    columns = ("gravity_mg", "deviation_mg", "difference_mg", "crossings", "bands")
    parts = (np.concatenate([getattr(one.described, name) for one in each]) for name in columns)
    rest = ("animal", "copy", "start_ms", "truth", "pure", "stretch")
    joined = (np.concatenate([getattr(one, name) for one in each]) for name in rest)
    return Examples(each[0].classes, type(each[0].described)(*parts), *joined)


@pytest.fixture(autouse=True)
def few_smoothings(monkeypatch):
    """Nothing here is about which of the 45 is best, and trying them all is most of a fit's time."""
    monkeypatch.setattr(fit, "_SMOOTHINGS", fit._SMOOTHINGS[::15])


@functools.cache
def herd():
    return together(*(of_cow(f"cow {n}", seed=n) for n in range(3)))


@functools.cache
def fitted():
    return fit.fit(herd(), (PLAIN,))


def told(using, examples):
    sums = frame.sums_of(using.at_sight(examples.described), examples.described)
    return using.posterior(examples.described, sums).argmax(axis=1)


def text(using):
    return json.dumps(model.to_json(using))


def test_a_cow_that_was_never_seen_is_told_rightly_however_her_collar_sits():
    for turn in (cow.SEATED, cow.AROUND_Y):
        stranger = of_cow("stranger", seed=50, turn=turn)
        assert (told(fitted().model, stranger) == stranger.truth).mean() > 0.95


def test_the_same_windows_give_the_same_bytes():
    assert text(fit.fit(herd(), (PLAIN,)).model) == text(fitted().model)


def test_stored_numbers_have_few_decimals():
    for values in (fitted().model.posture.weights, fitted().model.herd.templates):
        assert np.array_equal(np.round(values, 4), values)


def mislabelled():
    """The herd, and where one cow's grazing is called still."""
    examples = herd()
    wrong = np.zeros(len(examples), dtype=np.bool_)
    grazing = np.flatnonzero((examples.animal == "cow 1") & (examples.truth == cow.GRAZING))
    wrong[grazing[:12]] = True
    return replace(examples, truth=np.where(wrong, cow.STILL, examples.truth)), wrong


def test_a_label_that_the_other_cows_deny_is_doubted():
    examples, wrong = mislabelled()
    belief = fit.prepare(examples).belief
    assert (belief[wrong] < DOUBTING.doubt).all()
    assert (belief[~wrong] < DOUBTING.doubt).mean() < 0.05


def test_a_mislabelled_stretch_changes_little():
    examples, wrong = mislabelled()
    misled = fit.fit(examples, (DOUBTING,)).model
    right = told(misled, herd()) == herd().truth
    assert right.mean() > 0.95
    assert right[wrong].mean() > 0.9


def test_a_class_that_a_fold_has_not_seen_is_never_told():
    examples = together(
        *(of_cow(f"cow {n}", n, np.repeat((cow.GRAZING, cow.STILL, cow.WALKING), 40)) for n in range(3))
    )
    using = fit.fit(examples, (PLAIN,)).model
    strange = describe(np.random.default_rng(1).integers(0, 256, (400, 14)).astype(np.uint8))
    sight = using.at_sight(strange)
    for each in (sight, using.posterior(strange, frame.sums_of(sight, strange))):
        assert each[:, cow.OTHER].max() < 1e-9
    assert min(using.smoothing.common) > 0


def test_two_classes_are_told_apart_too():
    examples = together(*(of_cow(f"cow {n}", n, np.repeat((cow.GRAZING, cow.STILL), 50)) for n in range(3)))
    using = fit.fit(examples, (PLAIN,)).model
    assert (told(using, examples) == examples.truth).mean() > 0.98


@pytest.mark.parametrize("names", [["a", "b"], ["a"]])
def test_fewer_than_three_animals_are_refused(names):
    few = together(*(of_cow(name, seed) for seed, name in enumerate(names)))
    with pytest.raises(ValueError, match="want three or more"):
        fit.fit(few, (PLAIN,))


def test_an_animal_without_a_judged_window_does_not_count():
    silent = of_cow("silent", 9)
    silent = replace(silent, truth=np.full(WINDOWS, -1))
    with pytest.raises(ValueError, match="want three or more"):
        fit.fit(together(of_cow("a", 1), of_cow("b", 2), silent), (PLAIN,))
    assert text(fit.fit(together(herd(), silent), (PLAIN,)).model) == text(fitted().model)


def test_windows_of_two_labels_are_judged_and_not_learned_from():
    examples = herd()
    pure = examples.pure.copy()
    pure[::7] = False
    prepared = fit.prepare(replace(examples, pure=pure))
    assert not prepared.usable[::7].any()
    assert (prepared.belief[::7] == 1.0).all()
    out = fit.out_of_fold(prepared, PLAIN)
    assert np.isfinite(out).all()


def test_out_of_fold_a_cow_is_told_by_the_others_only():
    prepared = fit.prepare(herd())
    lied = replace(prepared.examples, truth=np.where(herd().animal == "cow 2", cow.OTHER, herd().truth))
    one, other = (fit.out_of_fold(each, PLAIN) for each in (prepared, replace(prepared, examples=lied)))
    hers = herd().animal == "cow 2"
    assert np.array_equal(one[hers], other[hers])
    assert not np.array_equal(one[~hers], other[~hers])


def test_the_setting_with_the_best_inner_mean_is_taken():
    useless = fit.Settings(hidden=0, c=1e-9)
    chosen = fit.fit(herd(), (useless, PLAIN))
    assert chosen.settings == PLAIN
    assert chosen.inner_f1[PLAIN] > chosen.inner_f1[useless]
    assert text(chosen.model) == text(fitted().model)


def test_copies_are_learned_from_and_never_judged():
    turned = [replace(of_cow(f"cow {n}", n, turn=cow.AROUND_Y), copy=np.ones(WINDOWS, int)) for n in range(3)]
    examples = together(*(each for n in range(3) for each in (of_cow(f"cow {n}", n), turned[n])))
    out = fit.out_of_fold(fit.prepare(examples), PLAIN)
    assert np.isnan(out[examples.copy == 1]).all()
    assert np.isfinite(out[examples.copy == 0]).all()


def test_a_class_that_is_too_rare_for_its_decimals_is_still_possible():
    examples = of_cow("cow", 1, np.repeat((cow.GRAZING, cow.STILL), 10))
    many = replace(examples, truth=np.zeros(20, dtype=np.int64))
    many = together(*[many] * 1500)
    posterior = np.full((len(many), 4), np.nan)
    posterior[:20] = 0.25
    chosen = fit.choose_smoothing(many, posterior)
    assert min(chosen.common) > 0


def test_labels_that_are_not_judged_have_no_code():
    classes = Classes(("b", "a"), {"one": "a", "two": "b"}, (0, 1))
    assert classes.codes(np.array(["one", "two", "three", "one"])).tolist() == [1, 0, -1, 1]
    assert classes.codes(np.array([], dtype=np.str_)).tolist() == []
