"""How a collar sits: it keeps its place, slips, is turned, comes loose; its sensor adds its own."""

import numpy as np
import pytest

from simulator.herdfile import load_herd
from simulator.lives.happening import Happening
from simulator.neck.look_model import Cells
from simulator.wear import Wear

DAY_MS = 86_400_000
DOWN = np.array([0.0, 0.0, -1.0])


def wear(cow=0, happenings=(), days=200, **numbers):
    ours = load_herd()
    return Wear(ours | {"wear": ours["wear"] | numbers}, 1, cow, days, happenings)


def angle_deg(one, two):
    return np.degrees(np.arccos(np.clip((np.trace(one.T @ two) - 1) / 2, -1, 1)))


def test_collars_differ_in_how_they_sit_and_in_what_their_sensors_add():
    first = [wear(cow).rotations(np.array([0]))[0] for cow in range(30)]
    assert 8 < np.median([angle_deg(np.eye(3), each) for each in first]) < 30
    scales = np.array([wear(cow).scale for cow in range(50)])
    assert 0.88 <= scales.min() < 0.98
    assert 1.02 < scales.max() <= 1.12


def test_a_rotation_is_one():
    for each in wear(3).rotations(np.arange(0, 200, 7) * DAY_MS):
        assert np.allclose(each @ each.T, np.eye(3))
        assert np.linalg.det(each) == pytest.approx(1.0)


def test_a_collar_that_fits_moves_now_and_then():
    moves = [len(wear(cow).changes_ms(0, 200 * DAY_MS)) for cow in range(20)]
    assert 0.15 < np.mean(moves) / (200 / 7) < 0.5


def test_a_collar_that_is_turned_stays_turned():
    turned = wear(slips_per_week=0.001, happenings=[
        Happening("collar_turned", 5 * DAY_MS, 200 * DAY_MS, detail={"axis": "z", "angle_deg": 180.0})
    ])  # fmt: skip
    before, after, late = turned.rotations(np.array([5 * DAY_MS - 1, 5 * DAY_MS, 190 * DAY_MS]))
    assert angle_deg(before, after) == pytest.approx(180, abs=0.01)
    assert angle_deg(after, late) == pytest.approx(0, abs=0.01)


def test_a_loose_collar_turns_more_than_once_a_day():
    loose = wear(slips_per_week=0.001, happenings=[Happening("collar_loose", 10 * DAY_MS, 17 * DAY_MS)])
    assert len(loose.changes_ms(0, 10 * DAY_MS)) == 0
    assert 6 < len(loose.changes_ms(10 * DAY_MS - 1, 17 * DAY_MS)) < 25


def test_a_loose_collar_swings_when_she_moves_and_only_then():
    start_ms = np.arange(0, 4 * DAY_MS, DAY_MS)
    quiet_or_walking = np.array([[8.0] * 3, [80.0] * 3] * 2, np.float32)
    flat = np.full((4, 3), 50.0, np.float32)
    cells = Cells(flat, quiet_or_walking, quiet_or_walking, flat, np.full((4, 2), 0.2, np.float32),
                  np.zeros(4, np.uint8))  # fmt: skip
    loose = wear(happenings=[Happening("collar_loose", 2 * DAY_MS, 9 * DAY_MS)]).swung(cells, start_ms)
    assert (loose.deviation_mg[:3] == cells.deviation_mg[:3]).all()
    assert loose.deviation_mg[3, 0] > 85
    assert loose.deviation_mg[3, 1] == 80
    assert loose.bands[3, 1] > 0.25
    assert cells.deviation_mg[3, 0] == 80


def test_minutes_of_a_loose_collar_swing_as_its_windows_do():
    loose = wear(happenings=[Happening("collar_loose", 2 * DAY_MS, 9 * DAY_MS)])
    motion_mg = np.array([240.0, 24.0, 240.0], np.float32)
    loose.swung_motion_mg(motion_mg, np.array([0, 3 * DAY_MS, 3 * DAY_MS]))
    assert motion_mg[:2].tolist() == [240.0, 24.0]
    assert motion_mg[2] > 250


def test_a_collar_that_is_put_right_sits_as_it_did():
    for kind, detail in (("collar_turned", {"axis": "y", "angle_deg": -70.0}), ("collar_loose", {})):
        collar = wear(
            slips_per_week=0.001, happenings=[Happening(kind, 5 * DAY_MS, 9 * DAY_MS, detail=detail)]
        )
        before, wrong, after = collar.rotations(np.array([5 * DAY_MS - 1, 9 * DAY_MS - 1, 9 * DAY_MS]))
        assert angle_deg(before, wrong) > 10
        assert np.allclose(before, after)


def test_a_loose_collar_turns_alike_in_a_longer_simulation():
    loose = Happening("collar_loose", 10 * DAY_MS, 17 * DAY_MS)
    short, long = (wear(days=days, happenings=[loose]).changes_ms(0, 17 * DAY_MS) for days in (60, 200))
    assert short.tolist() == long.tolist()
