"""The comparison of a virtual herd's three resolutions: what it compares, and what it calls a loss."""

from __future__ import annotations

import numpy as np
import pytest

from herdcore.vocabulary import BEHAVIOURS
from simulator.neck.look_model import CELL_MS
from simulator.virtual_herd import VirtualHerd
from tests.bench import herd_levels as levels
from tests.bench.herd import BENCH


@pytest.fixture(scope="module")
def herd() -> VirtualHerd:
    return VirtualHerd(seed=3, cows=2, days=1, eventful=False)


def test_samples_of_a_cow_become_windows_like_her_own(herd: VirtualHerd) -> None:
    found = levels.samples_to_windows(herd, 1, 1.0)
    assert set(found["classes"]) == set(levels.CLASSES)
    counts = np.array([each["count"] for each in found["classes"].values()])
    assert (counts.sum(axis=0) > 600).all()
    assert np.abs(counts[:, 0] - counts[:, 1]).max() <= 8
    common = max(found["classes"].values(), key=lambda each: each["count"][0])
    assert 0.85 < common["ratios"]["deviation"] < 1.15
    assert set(found["budgets"]["told"]) == set(BEHAVIOURS)
    assert found["worst_budget_difference"] < 0.2


def test_windows_drawn_are_those_of_the_hours_asked_for(herd: VirtualHerd) -> None:
    sent = levels.drawn(herd, 0, levels.HOUR_MS + 100, levels.HOUR_MS)
    assert sent.start_ms[0] >= levels.HOUR_MS + 100 > sent.start_ms[0] - CELL_MS
    assert sent.start_ms[-1] + CELL_MS <= 2 * levels.HOUR_MS + 100
    np.testing.assert_array_equal(sent.records, herd.windows(0, 0)[sent.start_ms // CELL_MS])


def test_minutes_of_windows_are_set_beside_the_drawn_ones(herd: VirtualHerd) -> None:
    found = levels.windows_to_minutes(herd, 1, 1)
    assert sum(one for one, _ in found["budgets"]["told"].values()) == pytest.approx(1.0)
    for one, other in found["budgets"]["state"].values():
        assert one == pytest.approx(other, abs=0.03)
    assert all(set(each["ratios"]) <= {"motion", "motion_max"} for each in found["classes"].values())
    assert f"worst median loss {found['worst_median_loss']:.3f}" in levels.lines(found)


@pytest.mark.parametrize(
    ("number", "one", "other", "loss"),
    [
        ("deviation", 105.0, 100.0, 0.05),
        ("deviation", 95.0, 100.0, 0.05),
        ("band_low", 0.101, 0.1, 0.0),
        ("band_low", 0.1 + 5 / 255, 0.1, 4 / 25.5),
    ],
)
def test_a_loss_is_a_part_of_the_direct_median_and_shares_have_steps(
    number: str, one: float, other: float, loss: float
) -> None:
    medians = {"medians": {number: [one, other]}, "ratios": {number: one / other}, "count": [10, 10]}
    few = {"medians": {number: [9.0, 1.0]}, "ratios": {number: 9.0}, "count": [9, 10]}
    found = levels.summed("windows", 10, {"eating": medians, "walking": few}, {"told": {"rest": [0.5, 0.52]}})
    assert found["worst_median_loss"] == pytest.approx(loss)
    assert found["worst_budget_difference"] == pytest.approx(0.02)
    assert "too few to count" in levels.lines(found)


def test_where_no_class_has_enough_rows_nothing_is_said_to_agree() -> None:
    few = {"medians": {"motion": [1.0, 1.0]}, "ratios": {"motion": 1.0}, "count": [9, 10]}
    found = levels.summed("windows", 10, {"eating": few}, {"told": {"rest": [0.5, 0.5]}})
    said = BENCH.missed({"samples_to_windows": found["worst_median_loss"]}, whole=False)
    assert said[0].startswith("samples_to_windows=nan")
