"""Who learns from whom before a cow is judged; the cows are of numbers, and easy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relay.behaviour import smoother
from relay.behaviour.smoother import Smoothing
from relay.evaluation import protocol
from relay.evaluation.packs import NO_SEGMENT
from relay.evaluation.protocol import (
    NotApartError,
    Told,
    Windows,
    inside_segments,
    judged,
    leave_one_animal_out,
    on_another,
    scores_of,
    told_codes,
)
from relay.training.examples import WASP_3, Examples
from relay.training.fit import Settings
from tests.relay import cow_windows

QUICK = (Settings(hidden=0, doubt=0.0), Settings(hidden=0, c=0.01, doubt=0.0))
EVERY_SMOOTHING = protocol.fit._SMOOTHINGS
HERD = ("a", "b", "c", "d")
EACH = 90


@pytest.fixture(scope="module", autouse=True)
def _few_smoothings():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol.fit, "_SMOOTHINGS", ((0.7, 1.0, 0.0), (0.9, 1.0, 0.3)))
        yield


def cow(number, turn=cow_windows.SEATED):
    """What a cow does, and her windows: 30 of each class in bouts of 10."""
    kinds = np.tile(np.repeat((0, 1, 2), 10), EACH // 30)
    return kinds, cow_windows.records(kinds, number, turn)


def windows(names=HERD, pack="farm", turn=cow_windows.SEATED):
    """A pack of cows, each bout a labelled segment; what a cow's windows are depends on her name alone."""
    kinds, records = zip(*(cow(ord(name), turn) for name in names), strict=True)
    n = len(names) * EACH
    bouts = np.arange(n) // 10
    examples = Examples(
        WASP_3,
        cow_windows.describe(np.concatenate(records)),
        np.repeat(np.array(names), EACH),
        np.zeros(n, dtype=np.int64),
        np.tile(cow_windows.starts(EACH), len(names)),
        np.concatenate(kinds),
        np.ones(n, dtype=np.bool_),
        bouts,
    )
    return Windows(pack, examples, np.zeros(n, dtype=np.bool_))


@pytest.fixture(scope="module")
def herd():
    return windows()


@pytest.fixture(scope="module")
def outcome(herd):
    """Every animal left out, judged as worn and with its collar turned by half round."""
    tests = {"worn": herd, "turned": windows(turn=cow_windows.AROUND_Y)}
    return leave_one_animal_out(herd, tests, QUICK)


def test_no_fit_sees_the_animal_that_it_judges(herd, monkeypatch):
    seen, fit_it = [], protocol.fit.fit

    def watched(examples, choices):
        seen.append(set(examples.animal.tolist()))
        return fit_it(examples, choices)

    monkeypatch.setattr(protocol.fit, "fit", watched)
    leave_one_animal_out(herd, {"worn": herd}, QUICK[:1])
    assert seen == [set(HERD) - {name} for name in HERD]


def test_easy_cows_are_told_rightly_in_every_reading(herd, outcome):
    told = outcome.told["worn"]
    assert scores_of(herd, told.windows).macro_f1 > 0.95
    assert scores_of(herd, told.stream).macro_f1 > 0.95
    assert scores_of(herd, told.segments).macro_f1 > 0.98


def test_a_collar_turned_by_half_round_loses_nothing(herd, outcome):
    worn, turned = (scores_of(herd, outcome.told[name].stream).macro_f1 for name in ("worn", "turned"))
    assert turned == pytest.approx(worn, abs=0.01)


def test_what_every_fold_chose_is_kept_with_what_it_chose_from(outcome):
    assert [one.left_out for one in outcome.chosen] == list(HERD)
    for one in outcome.chosen:
        assert set(one.inner_f1) == set(QUICK)
        assert one.inner_f1[one.settings] == max(one.inner_f1.values())
        said = one.as_json()
        assert said["inner_macro_f1"] == one.inner_f1[one.settings]
        assert [each["c"] for each in said["inner"]] == [0.3, 0.01]
        assert set(said["smoothing"]) == {"common", "stay", "trust", "fairness"}


def test_two_processes_tell_the_same_as_one(herd, monkeypatch):
    monkeypatch.setattr(protocol.fit, "_SMOOTHINGS", EVERY_SMOOTHING)  # as in the processes
    alone, shared = (leave_one_animal_out(herd, {"worn": herd}, QUICK[:1], jobs) for jobs in (1, 2))
    for reading in ("windows", "stream", "segments"):
        one, other = (getattr(each.told["worn"], reading) for each in (alone, shared))
        np.testing.assert_array_equal(one, other)
    assert alone.chosen == shared.chosen


def test_every_fold_is_said(herd):
    said = []
    leave_one_animal_out(herd, {"worn": herd}, QUICK[:1], said=said.append)
    assert [line.split("(")[0] for line in said] == [
        f"farm: animal {name} left out, {number} of 4 " for number, name in enumerate(HERD, 1)
    ]


def test_three_animals_are_too_few_to_leave_one_out():
    small = windows(("a", "b", "c"))
    with pytest.raises(NotApartError, match=r"farm: labelled animals=\['a', 'b', 'c'\], want four or more"):
        leave_one_animal_out(small, {"worn": small}, QUICK)


def test_a_window_that_no_cow_can_have_made_is_unknown_and_wrong(herd, outcome):
    doubted = np.zeros(len(herd.examples), dtype=np.bool_)
    doubted[[3, 4, EACH]] = True
    test = replace(herd, unknown=doubted)
    told = leave_one_animal_out(herd, {"worn": test}, QUICK[:1]).told["worn"]
    assert np.isnan(told.stream[doubted]).all()
    assert not np.isnan(told.stream[~doubted]).any()
    scores = scores_of(test, told.stream)
    assert [row[-1] for row in scores.confusion] == [3, 0, 0]
    assert scores.accuracy <= 1 - 3 / len(herd.examples)


def test_another_pack_may_have_animals_of_the_same_names(herd):
    elsewhere = windows(("a", "e"), pack="hill")
    told, (chosen,) = on_another(herd, elsewhere, QUICK[:1])
    assert scores_of(elsewhere, told["hill"].stream).macro_f1 > 0.95
    assert chosen.left_out == ""


def test_an_animal_of_the_pack_that_was_learned_from_is_refused(herd):
    with pytest.raises(NotApartError, match="farm: animals b, d are in training and test"):
        on_another(herd, windows(("b", "d", "e")), QUICK)


def test_more_animals_of_the_same_farm_may_be_judged(herd):
    test = windows(("e", "f"))
    told, _ = on_another(herd, test, QUICK[:1])
    assert set(scores_of(test, told["farm"].stream).animals) == {"e", "f"}


def test_what_is_told_as_none_of_the_classes_is_wrong(herd):
    model = cow_windows.model(8)
    assert model.labels == ("grazing", "still", "walking", "other")
    truth = np.zeros(EACH, dtype=np.int64)
    odd = cow_windows.records(np.full(EACH, cow_windows.OTHER), 5)
    examples = replace(windows(("a",)).examples, described=cow_windows.describe(odd), truth=truth)
    test = Windows("farm", examples, np.zeros(EACH, dtype=np.bool_))
    told = judged(model, test)
    assert told.windows.shape == (EACH, 4)
    assert scores_of(test, told.windows).confusion[0][-1] > EACH / 2
    assert scores_of(test, told.windows).accuracy < 0.5


def test_the_classes_of_a_model_are_found_by_name_in_whatever_order(herd):
    fitted = protocol.fit.fit(herd.examples, QUICK[:1]).model
    turned_about = replace(WASP_3, labels=("walking", "grazing", "still"), anchors=(1,))
    truth = (herd.examples.truth + 1) % 3
    other = replace(herd, examples=replace(herd.examples, classes=turned_about, truth=truth))
    first, second = judged(fitted, herd).windows, judged(fitted, other).windows
    np.testing.assert_array_equal(second, first[:, [2, 0, 1]])


def test_smoothing_inside_segments_begins_anew_at_each_and_leaves_what_lies_across():
    smoothing = Smoothing((0.4, 0.4, 0.2), 0.9, 1.0, 0.0)
    one = windows(("a",)).examples
    stretch = np.repeat((7, NO_SEGMENT, 9), (40, 1, 49))
    one = replace(one, stretch=stretch)
    posterior = np.random.default_rng(3).dirichlet((1, 1, 1), EACH)
    out = inside_segments(one, posterior, smoothing)
    np.testing.assert_array_equal(out[:40], smoother.batch(smoothing, one.start_ms[:40], posterior[:40]))
    np.testing.assert_array_equal(out[40], posterior[40])
    np.testing.assert_array_equal(out[41:], smoother.batch(smoothing, one.start_ms[41:], posterior[41:]))
    assert not np.allclose(out, smoother.batch(smoothing, one.start_ms, posterior))


def test_a_copy_for_training_is_never_judged(herd):
    turned = windows(turn=cow_windows.AROUND_Y).examples
    copies = replace(turned, copy=np.ones(len(turned), dtype=np.int64), truth=(turned.truth + 1) % 3)
    both = Windows("farm", _interleaved(herd.examples, copies), np.zeros(2 * len(turned), dtype=np.bool_))
    rows = both.of("a")
    assert (both.examples.copy[rows] == 0).all()
    posterior = np.eye(3)[both.examples.truth]
    posterior[both.examples.copy == 1] = np.nan
    assert scores_of(both, posterior).accuracy == 1.0


def _interleaved(worn, copies):
    """Examples of each animal as worn, then of its copy."""
    order = np.argsort(np.concatenate((worn.animal, copies.animal)), kind="stable")
    parts = {
        name: np.concatenate((getattr(worn, name), getattr(copies, name)))[order]
        for name in ("animal", "copy", "start_ms", "truth", "pure", "stretch")
    }
    gravity, deviation = (
        np.concatenate((getattr(worn.described, name), getattr(copies.described, name)))[order]
        for name in ("gravity_mg", "deviation_mg")
    )
    return Examples(worn.classes, type(worn.described)(gravity, deviation), **parts)


def test_nothing_told_is_a_code_behind_the_classes():
    posterior = np.array([[0.1, 0.7, 0.2], [np.nan, np.nan, np.nan]])
    assert told_codes(posterior, 3).tolist() == [1, 3]


def test_readings_without_segments_stay_without(herd):
    examples = replace(herd.examples, stretch=np.full(len(herd.examples), NO_SEGMENT))
    plain = replace(herd, examples=examples)
    told = leave_one_animal_out(plain, {"worn": plain}, QUICK[:1]).told["worn"]
    assert isinstance(told, Told)
    assert told.segments is None
