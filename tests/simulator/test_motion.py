"""What a collar may be bolted to besides a cow."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.herd import Herd
from simulator.herdfile import HerdError
from simulator.motion import Still, Stopping


class Ramp:
    """Moves on by 1 mg a second on x."""

    def at(self, times_us):
        zeros = np.zeros(len(times_us))
        return np.stack((times_us / 1e6, zeros, zeros + 1000.0), axis=1)


def test_a_motion_that_stops_is_the_motion_before_and_one_posture_after():
    stopping = Stopping(Ramp(), from_us=60_000_000)
    rows = stopping.at(np.array([0, 59_000_000, 60_000_000, 900_000_000], dtype=np.int64))
    assert rows[:2].tolist() == [[0.0, 0.0, 1000.0], [59.0, 0.0, 1000.0]]
    assert rows[2].tolist() == rows[3].tolist() == pytest.approx([57.45, 0.0, 1000.0])


def test_a_motion_that_stops_at_once_keeps_its_first_posture():
    assert Stopping(Still(1.0, 2.0, 3.0), from_us=0).at(np.array([5], dtype=np.int64)).tolist() == [[1, 2, 3]]


def test_a_recorded_cow_may_fall_sick_and_the_truth_says_so():
    herd = Herd.of_motions([("A", Ramp()), ("B", Ramp())], sick=1, sick_from_us=7_000_000)
    assert [(row.animal, row.kind, row.onset_ms, row.end_ms) for row in herd.truth] == [
        ("2", "dead", 7000, None)
    ]
    late = np.array([8_000_000, 9_000_000], dtype=np.int64)
    first, second = (np.ptp(animal.motion.at(late), axis=0)[0] for animal in herd.animals)
    assert (first, second) == (1.0, 0.0)


def test_a_sick_animal_beyond_the_recordings_is_refused():
    with pytest.raises(HerdError, match=r"sick=1: want 0\.\.0"):
        Herd.of_motions([("A", Ramp())], sick=1)
