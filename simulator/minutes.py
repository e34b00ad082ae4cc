"""Minutes of a herd drawn directly: what a relay would know of every minute, without a window being made.

How a cow moves in a state is learnt from windows of her own: when she is made, some hours in which every
state takes its turn go through `looks` and `windows`, and their minutes give her ways. So the minutes follow
the windows, whatever the herd file says of either.

The plan gives what she does; all else is drawn, a day at a time: for every bout where it stands among the
minutes learnt of that state, for every minute one of those near that place, for every four minutes what the
relay tells them to be ([told] of the herd file), for every minute how sure it is ([told] confidence_*), and
for every cow the gaps in her data ([data]). How the collar sits comes from her
`Wear`. A minute with two bouts moves as both by their shares and is of the longer one. Not drawn: how gravity
differs between bouts, and rising or lying down.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from herdcore.vocabulary import BEHAVIOURS
from simulator.neck.look_model import CELL_MS, CELLS_A_DAY
from simulator.neck.looks import CowLooks
from simulator.neck.windows import decoded, records
from simulator.plan.routine import DAY_MS, MINUTE_MS, TICKS
from simulator.plan.states import BEHAVIOUR_OF_STATE, EAT, GONE, LIE, STAND, STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.plan.living import Day
    from simulator.wear import Wear

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Places = NDArray[np.intp]

MINUTES = 1440
_TAG_LEARN, _TAG_DAY = 0x31A, 0x31D
_LEARNT_ON = 1 << 16  # a day that no herd lives to see
_LEARNT_CELLS = 3 * (CELLS_A_DAY // 5)  # of whole chunks
_PIECE_MIN = 3  # of a state, when a cow's ways are learnt
# What differs most comes most often.
_TURNS = np.array([*[LIE, STAND, LIE] * 3, *range(EAT + 1), LIE, *range(len(STATES))], np.uint8)
_WINDOWS = 11  # whole ones in a minute
_LEVELS = 128  # minutes of a cow in a state that are kept
_NEAR = 10  # so far from a bout's place among them its minutes may lie
_QUANTILES = (np.arange(_LEVELS) + 0.5) / _LEVELS
_CHUNK_MIN = 4  # a doubtful stretch is told alike for so long
_TELLS = 4096  # steps of what is told
_SURES = 256  # steps of how sure the relay is
_NORMAL = np.array([NormalDist().inv_cdf((step + 0.5) / _SURES) for step in range(_SURES)])
_STRONG = np.array([name in ("stand", "walk", "eat", "run") for name in STATES], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Minutes:
    """A day of n cows, arrays (n, 1440) by minute; `windows` 0 where nothing is known of a minute.

    `told`: place in BEHAVIOURS, as a relay would tell it, `confidence` percent. `motion_mg`: mean over the
    windows of the sum of the axes' mean absolute deviation, `motion_max_mg` its greatest. `gravity_mg`
    (n, 1440, 3), in the collar's frame. `state`: the truth, place in STATES; no relay sees it.
    """

    day: int
    told: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    windows: NDArray[np.uint8]
    motion_mg: NDArray[np.float32]
    motion_max_mg: NDArray[np.float32]
    gravity_mg: NDArray[np.float32]
    state: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """How one cow moves, by state: minutes of hers in the order of how much she moved around them.

    `motion_mg`, `motion_max_mg` (states, _LEVELS); `gravity_mg` (states, 3) in her own frame.
    """

    motion_mg: Singles
    motion_max_mg: Singles
    gravity_mg: Singles


def learn(model: dict[str, Any], seed: int, cow: int, wear: Wear) -> Ways:
    """Return the ways of a cow, from hours of hers in which every state takes its turn."""
    looks = CowLooks(model, seed, cow)
    pieces = _LEARNT_CELLS * CELL_MS // (_PIECE_MIN * MINUTE_MS)
    after_ms = np.arange(pieces) * _PIECE_MIN * MINUTE_MS
    state = _TURNS[np.arange(pieces) % len(_TURNS)]
    cells = looks.cells(_LEARNT_ON, _LEARNT_ON * DAY_MS + after_ms, state, count=_LEARNT_CELLS)
    noise = np.random.default_rng((seed, _TAG_LEARN, cow))
    sits = wear.rotations(np.zeros(1, np.int64))[0]  # between its axes and hers deviations add up to more
    told = decoded(records(cells, sits, wear.scale, wear.offset_mg, noise))
    # A piece begins within a cell, and that one may still be of getting up: it is left out.
    place = -(-after_ms // CELL_MS)[:, None] + 1 + np.arange(_PIECE_MIN * _WINDOWS)
    place = np.minimum(place, _LEARNT_CELLS - 1).reshape(pieces, _PIECE_MIN, _WINDOWS)
    motion = told.deviation_mg.sum(axis=1, dtype=float)[place]
    return _ways(motion, cells.gravity_mg[place], state)


def _ways(motion: Floats, gravity: Singles, state: NDArray[np.uint8]) -> Ways:
    """Return the ways from (pieces, minutes, windows) motion and (pieces, minutes, windows, 3) gravity."""
    minute, most = motion.mean(axis=2), motion.max(axis=2)
    down = gravity.mean(axis=(1, 2))
    minutes, greatest, downs = [], [], []
    for each in range(len(STATES)):
        hers = np.flatnonzero(state == each)
        pieces = hers[np.argsort(minute[hers].mean(axis=1))]
        levels = (_QUANTILES * minute[pieces].size).astype(np.intp)
        minutes.append(minute[pieces].ravel()[levels])
        greatest.append(most[pieces].ravel()[levels])
        # Collars that no cow wears lie any way up: one of those, not their mean.
        downs.append(down[hers[0]] if each == GONE else down[hers].mean(axis=0))
    return Ways(*(np.array(each, np.float32) for each in (minutes, greatest, downs)))


class MinuteMaker:
    """Makes the minutes of the cows that wear `wears`, day by day; each day by itself."""

    def __init__(self, model: dict[str, Any], seed: int, wears: Sequence[Wear]) -> None:
        self._seed, self._wears = seed, wears
        ways = [learn(model, seed, cow, wear) for cow, wear in enumerate(wears)]
        # By "row", cow x states + state, as all that follows.
        self._motion = np.concatenate([each.motion_mg.ravel() for each in ways])
        self._most = np.concatenate([each.motion_max_mg.ravel() for each in ways])
        self._gravity = np.stack([each.gravity_mg for each in ways])
        self._told, self._sure = _tables(model["told"])
        self._data = model["data"]

    def day(self, plan: Day) -> Minutes:
        """Return the minutes of a day of the plan."""
        n = len(plan.first) - 1
        draw = np.random.default_rng((self._seed, _TAG_DAY, plan.number))
        row_of_bout = np.repeat(np.arange(n) * len(STATES), np.diff(plan.first)) + plan.state
        first, last, share = _by_minute(plan, n)
        two = np.flatnonzero(first != last)
        longer = last.copy()
        longer[two] = np.where(share > 0.5, first[two], last[two])
        # A bout stands somewhere among what she has been seen to do, and its minutes near it.
        bout_at = draw.integers(_LEVELS, size=row_of_bout.size, dtype=np.int16)
        aside = draw.integers(-_NEAR, _NEAR + 1, size=longer.size, dtype=np.int16)
        row = row_of_bout.take(longer)
        level = row * _LEVELS + np.clip(bout_at.take(longer) + aside, 0, _LEVELS - 1)
        motion, most = self._motion.take(level), self._most.take(level)
        whole = [
            self._motion[
                row_of_bout[of[two]] * _LEVELS + np.clip(bout_at[of[two]] + aside[two], 0, _LEVELS - 1)
            ]
            for of in (first, last)
        ]
        motion[two] = share * whole[0] + (1 - share) * whole[1]
        most[two] = np.maximum(most[two], motion[two])
        state = plan.state.take(longer)
        for each in (motion, most):
            by_tick = each.reshape(n, TICKS, -1)
            by_tick *= 1 + _STRONG.take(state).reshape(by_tick.shape) * (plan.strength.T[:, :, None] - 1)
        told, confidence = self._tell(draw, state.astype(np.intp))
        shape = n, MINUTES
        return Minutes(
            plan.number, told.reshape(shape), confidence.reshape(shape), self._windows(draw, n),
            motion.reshape(shape), most.reshape(shape),
            self._down(plan.number, row).reshape(*shape, 3), state.reshape(shape),
        )  # fmt: skip

    def _tell(self, draw: np.random.Generator, state: Places) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return what the relay takes (minutes,) for, and how sure it is, percent."""
        chance = np.repeat(draw.integers(_TELLS, size=len(state) // _CHUNK_MIN, dtype=np.uint16), _CHUNK_MIN)
        told = self._told.take(state * _TELLS + chance)
        sure = draw.integers(_SURES, size=len(state), dtype=np.uint16)
        return told, self._sure.take((state * len(BEHAVIOURS) + told) * _SURES + sure)

    def _windows(self, draw: np.random.Generator, n: int) -> NDArray[np.uint8]:
        """Return how many windows begin in each minute; gaps of some length have none."""
        edges = -(-np.arange(MINUTES + 1) * MINUTE_MS // CELL_MS)
        windows = np.tile(np.diff(edges).astype(np.uint8), (n, 1))
        mean_min = self._data["gap_min"]
        gaps = draw.poisson(self._data["missing_share"] * MINUTES / mean_min, n)
        begins = draw.integers(MINUTES, size=gaps.sum())
        ends = begins + 1 + draw.exponential(mean_min, len(begins)).astype(np.int64)
        for cow, begin, end in zip(np.repeat(np.arange(n), gaps), begins, ends, strict=True):
            windows[cow, begin:end] = 0
        return windows

    def _down(self, day: int, row: Places) -> Singles:
        """Return (minutes, 3) gravity as the collar has it, which turns between minutes."""
        start_ms = day * DAY_MS
        turn = np.concatenate([wear.rotations(np.array([start_ms])) for wear in self._wears])
        turned = np.matmul(self._gravity, turn.transpose(0, 2, 1)).astype(np.float32)
        out = turned.reshape(-1, 3).take(row, axis=0)
        for cow, wear in enumerate(self._wears):
            changes_ms = wear.changes_ms(start_ms, start_ms + DAY_MS - MINUTE_MS)
            if not len(changes_ms):
                continue
            edges = [*((changes_ms - start_ms) // MINUTE_MS + 1), MINUTES]
            for begin, end in pairwise(edges):
                hers = slice(cow * MINUTES + begin, cow * MINUTES + end)
                turn = wear.rotations(np.array([start_ms + begin * MINUTE_MS]))[0]
                out[hers] = (self._gravity[cow] @ turn.T)[row[hers] - cow * len(STATES)]
        return np.asarray(out)


def _tables(told: dict[str, Any]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return what is told, by state and step of chance, and percent, by state, what is told and step."""
    chance = (np.arange(_TELLS) + 0.5) / _TELLS
    shares = [np.cumsum(told[name])[:-1] for name in STATES]
    tells = np.concatenate([np.searchsorted(each, chance) for each in shares])
    right = np.arange(len(BEHAVIOURS)) == np.array(BEHAVIOUR_OF_STATE)[:, None]
    sure, unsure = (
        np.clip(mean + sd * _NORMAL, 34, 100)
        for mean, sd in (told["confidence_right"], told["confidence_wrong"])
    )
    percent = np.where(right[:, :, None], sure, unsure)
    return tells.astype(np.uint8), percent.astype(np.uint8).ravel()


def _by_minute(plan: Day, n: int) -> tuple[Places, Places, Singles]:
    """Return (n x 1440,) the first and last bout of every minute; the first one's share where they differ.

    What lies between the two is too short to show.
    """
    key = np.repeat(np.arange(n) * DAY_MS, np.diff(plan.first)) + plan.start_ms - plan.number * DAY_MS
    begun_in, count = key // MINUTE_MS, n * MINUTES
    last = np.cumsum(np.bincount(begun_in, minlength=count)) - 1
    begun_by = np.bincount(begun_in + (key % MINUTE_MS > 0), minlength=count)
    first = np.cumsum(begun_by[:count]) - 1
    two = np.flatnonzero(first != last)
    return first, last, (key[last[two]] / MINUTE_MS - two).astype(np.float32)
