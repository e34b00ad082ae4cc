"""How a collar sits and what its sensor adds: mounting, slips and turns over time, scale, offset.

Her own frame has x sideways, y along the cow, z through the box under the neck; a collar turns about the
neck, y. Nothing here is a behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.neck.look_model import Cells
from simulator.plan.routine import DAY_MS
from simulator.turning import about

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from simulator.lives.happening import Happening

_TAG = 0x3EA
_WEEK_MS = 7 * DAY_MS
_AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
_NECK = _AXES["y"]
_MOUNT = (("yaw", "z"), ("pitch", "x"), ("roll", "y"))

_FLAT = 0.8  # mean |deviation| of a swing, of its size

Axis = tuple[float, float, float]


class Wear:
    """The collar of cow number `cow` over `days` days."""

    def __init__(
        self, model: dict[str, Any], seed: int, cow: int, days: int, happenings: Iterable[Happening] = ()
    ) -> None:
        self._model = model["wear"]
        self._seed, self._cow = seed, cow
        self._end_ms = days * DAY_MS
        self._happenings = tuple(happenings)
        draw = np.random.default_rng((seed, _TAG, cow))
        wear = self._model
        angles = {axis: wear[f"mount_{name}_sd_deg"] * _bounded(draw) for name, axis in _MOUNT}
        mount = np.linalg.multi_dot([about(_AXES[axis], angle) for axis, angle in angles.items()])
        self.scale = np.clip(1 + wear["scale_sd"] * draw.normal(size=3), *wear["scale_range"])
        self.offset_mg = wear["offset_sd_mg"] * draw.normal(size=3)
        self._swing_mg = float(draw.uniform(*wear["swing_mg"]))
        self._from_ms, self._rotations = self._sits(draw, mount)

    def rotations(self, at_ms: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, 3, 3) from her own frame to the sensor's at (n,) ms since the start."""
        return np.asarray(self._rotations[np.searchsorted(self._from_ms, at_ms, side="right") - 1])

    def changes_ms(self, from_ms: int, to_ms: int) -> NDArray[np.int64]:
        """Return when it moves within a stretch of time."""
        inside = (self._from_ms > from_ms) & (self._from_ms < to_ms)
        return np.asarray(self._from_ms[inside])

    def swung(self, cells: Cells, start_ms: NDArray[np.int64]) -> Cells:
        """Return her cells as a collar feels them that hangs loose: it swings when she moves.

        `start_ms` (m,) of the cells. A pendulum of 1.5 to 3 Hz: half of it lies in the band of chewing.
        """
        loose = self._swings(cells.deviation_mg.sum(axis=1), start_ms)
        if not loose.any():
            return cells
        own = cells.deviation_mg[loose] ** 2
        swing = np.array([1.0, 0.0, 1.0], np.float32) * (_FLAT * self._swing_mg) ** 2
        power = own + swing
        part = (swing.sum() / power.sum(axis=1))[:, None].astype(np.float32)
        out = Cells(*(np.array(getattr(cells, name)) for name in Cells.__slots__))
        out.deviation_mg[loose] = np.sqrt(power)
        # One swing of f Hz differs by 2 sin(pi f / 12.5 Hz) of its size from sample to sample.
        out.difference_mg[loose] = np.sqrt(cells.difference_mg[loose] ** 2 + swing)
        out.bands[loose] = cells.bands[loose] * (1 - part) + part * np.array([0.05, 0.5], np.float32)
        return out

    def swung_motion_mg(self, motion_mg: NDArray[np.float32], at_ms: NDArray[np.int64]) -> None:
        """Add the swinging to minutes, sums of the axes' deviations, that begin at `at_ms`."""
        loose = self._swings(motion_mg, at_ms)
        axis = motion_mg[loose] / 3
        motion_mg[loose] += 2 * (np.sqrt(axis**2 + (_FLAT * self._swing_mg) ** 2) - axis)

    def _swings(self, motion_mg: NDArray[np.floating], at_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return when a box that is loose swings; `motion_mg`: sum of the axes' deviations."""
        loose = np.zeros(len(at_ms), np.bool_)
        for each in self._happenings:
            if each.kind == "collar_loose":
                loose |= (each.onset_ms <= at_ms) & (at_ms < each.end_ms)
        return np.asarray(loose & (motion_mg > self._model["swings_above_mg"]))

    def _sits(
        self, draw: np.random.Generator, mount: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        moves = sorted([*self._slips(draw), *self._turns()], key=lambda each: each[0])
        times, rotations = [np.iinfo(np.int64).min], [mount]
        for at_ms, axis, angle_deg in moves:
            times.append(at_ms)
            rotations.append(about(axis, angle_deg) @ rotations[-1])
        return np.array(times, dtype=np.int64), np.stack(rotations)

    def _slips(self, draw: np.random.Generator) -> Iterator[tuple[int, Axis, float]]:
        """Yield (ms, axis, degrees) of a collar that fits: now and then it jumps, half back to its place."""
        wear = self._model
        at_ms, angle_deg = 0, 0.0
        while (at_ms := at_ms + int(draw.exponential(_WEEK_MS / wear["slips_per_week"]))) < self._end_ms:
            step_deg = float(np.clip(wear["slip_sd_deg"] * draw.normal(), -90, 90)) - 0.5 * angle_deg
            angle_deg += step_deg
            yield at_ms, _NECK, step_deg

    def _turns(self) -> Iterator[tuple[int, Axis, float]]:
        """Yield what turns a collar, and how it is put right in the end."""
        for each in self._happenings:
            if each.kind == "collar_turned":
                axis, angle_deg = _AXES[each.detail["axis"]], float(each.detail["angle_deg"])
                yield each.onset_ms, axis, angle_deg
                yield each.end_ms, axis, -angle_deg
            elif each.kind == "collar_loose":
                yield from self._loose(each)

    def _loose(self, happening: Happening) -> Iterator[tuple[int, Axis, float]]:
        draw = np.random.default_rng((self._seed, _TAG, self._cow, happening.onset_ms))
        at_ms, angle_deg = happening.onset_ms, 0.0
        while at_ms < min(happening.end_ms, self._end_ms):
            step_deg = float(self._model["loose_sd_deg"] * draw.normal())
            angle_deg += step_deg
            yield at_ms, _NECK, step_deg
            at_ms += int(draw.exponential(_WEEK_MS / self._model["loose_per_week"]))
        yield happening.end_ms, _NECK, -angle_deg


def _bounded(draw: np.random.Generator) -> float:
    return float(np.clip(draw.normal(), -2, 2))
