"""How a virtual cow looks to her collar: features of every 5.12 s, drawn as real cows' windows are spread.

A day is cut into cells of 5.12 s. Each has a look (look_model.py), and of it 14 features. A feature is a
standard normal number taken through the look's quantiles. The 14 numbers of a cell are correlated, each the
sum of four: of the cow for life, the bout, a slow drift of about a minute, the cell itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.neck.look_model import (
    AMBLE,
    AT,
    CELL_MS,
    CELLS_A_DAY,
    CHEWING,
    CHUNK_CELLS,
    FEATURE_COUNT,
    FEATURES,
    FIDGET,
    GRAZE,
    LIE_DOWN,
    LOOKS,
    POSTURE,
    REST,
    RESTLESS,
    RISE,
    RUMINATE,
    STAND,
    STAND_RUMINATE,
    STIR,
    WALK,
    Cells,
    model_of,
)
from simulator.plan.routine import DAY_MS
from simulator.plan.states import GONE, LIE, LIES, MILK, STATES
from simulator.plan.states import STAND as STANDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

_QUIET = np.isin(np.arange(len(LOOKS)), (REST, RUMINATE, STAND, STAND_RUMINATE))
_CALM = np.isin(np.arange(len(LOOKS)), (REST, STAND, FIDGET, STIR))
_CHEWS = np.isin(np.arange(len(LOOKS)), CHEWING)
_STRONG = np.isin(np.arange(len(LOOKS)), (STAND, GRAZE, WALK, STIR, AMBLE))
_BAND_HIGH = FEATURES.index("band_high")
# 2 - 2 cos of 1.35 and 2.75 Hz at 12.5 Hz: the mean square of differences over that of deviations.
_STEP_OF_BAND = np.array((0.45, 1.6), np.float32)
_CROSSES_OF_NORMAL = np.float32(63 / np.pi)

_IDLE = ((LIE,), (STANDS, MILK))
_SPELL_CHUNKS = 8  # two minutes
_SLOW_CELLS = 12  # about a minute
_COW_TAG, _DAY_TAG = 0x100C, 0x100D


def _hashed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return words well mixed (splitmix64: Steele, Lea and Flood 2014, OOPSLA)."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    out: NDArray[np.uint64] = words ^ words >> np.uint64(31)
    return out


def _normals_of(key: int, start_ms: NDArray[np.int64], count: int) -> Floats:
    """Return (n, count) standard normals that depend on `key` and each bout's start only.

    A bout that goes on past midnight so looks the same on both days.
    """
    base = _hashed(start_ms.astype(np.uint64) ^ np.uint64(key))
    places = np.arange(2 * count, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
    uniform = (_hashed(base[:, None] + places) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    radius = np.sqrt(-2.0 * np.log1p(-uniform[:, :count]))
    return (radius * np.cos(2.0 * np.pi * uniform[:, count:])).astype(np.float32)


class CowLooks:
    """How one cow looks, day by day. `model`: what `load_herd` returns."""

    def __init__(self, model: Mapping[str, Any], seed: int, cow: int) -> None:
        """Draw what is hers for life from `seed` and `cow`."""
        self._model = model_of(model)
        self._seed, self._cow = seed, cow
        rng = np.random.default_rng((seed, _COW_TAG, cow))
        self._bout_key = int(rng.integers(1 << 63))
        low, high = self._model.pause_s
        self._pause_s = low + (high - low) * float(rng.random())
        common = rng.standard_normal(FEATURE_COUNT, np.float32)
        own = rng.standard_normal((len(LOOKS), FEATURE_COUNT), np.float32)
        alike = self._model.alike
        self._mix = self._shares_of_looks(rng)
        read = self._model
        of_look = (read.calm_spread, read.chewing_spread)
        spread = np.select((_CALM, _CHEWS), of_look, read.cow_spread)[:, None]
        self._own = (spread * (np.sqrt(alike) * common + np.sqrt(1.0 - alike) * own)).astype(np.float32)

    def _shares_of_looks(self, rng: np.random.Generator) -> Floats:
        """Return (states, looks) cumulative shares: hers of the passing looks, which differ between cows."""
        model, every = self._model, np.arange(len(STATES))
        passing = model.mix * np.exp(model.share_log_sd * rng.standard_normal(len(LOOKS)))
        passing[every, model.main] = 0.0
        main = model.mix[every, model.main]
        most = model.passing_most / (1.0 - model.passing_most) * main
        idle = np.isin(every, np.concatenate(_IDLE))
        passing *= np.where(idle, np.minimum(1.0, most / np.maximum(passing.sum(axis=1), 1e-9)), 1.0)[:, None]
        passing[every, model.main] = main
        out: Floats = np.cumsum(passing / passing.sum(axis=1, keepdims=True), axis=1).astype(np.float32)
        out[:, -1] = 1.0
        return out

    def cells(
        self,
        day: int,
        start_ms: NDArray[np.int64],
        state: NDArray[np.uint8],
        strength: float | NDArray[np.floating[Any]] = 1.0,
        count: int = CELLS_A_DAY,
    ) -> Cells:
        """Return the 16,875 cells of a day, the same for the same seed, cow, day and bouts.

        `count`, a multiple of 3: only so many, which are other ones than the day's first.
        `start_ms` (n,): starts of bouts, ascending, the first not after the day's; `state` (n,): places in
        STATES. A cell belongs to the bout that holds its middle. `strength`, one or (16875,), multiplies
        deviation and difference of standing, walking and grazing.
        Raises ValueError if no bout holds the day's start.
        """
        first = day * CELLS_A_DAY
        if not len(start_ms) or start_ms[0] > day * DAY_MS:
            raise ValueError(f"start_ms of day {day}: no bout at its start, {day * DAY_MS}")
        rng = np.random.default_rng((self._seed, _DAY_TAG, self._cow, day))
        middle = (first + np.arange(count)) * CELL_MS + CELL_MS // 2
        bout = np.searchsorted(start_ms, middle, "right") - 1
        look = self._looks(rng, state, bout)
        values = self._values(rng, look, bout, start_ms)
        cells = _cells_of(values, look, strength)
        gone = np.flatnonzero(state[bout] == GONE)
        if len(gone):
            cells.gravity_mg[gone] = self._any_way_up(start_ms)[bout[gone]]
        return cells

    def _looks(
        self, rng: np.random.Generator, state: NDArray[np.uint8], bout: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Return the look of every cell: mostly the first of her state, others for three cells or one."""
        model, now = self._model, state[bout]
        chance = np.repeat(self._chances(rng, now[1::CHUNK_CELLS]), CHUNK_CELLS)
        look = (chance[:, None] >= self._mix[now]).sum(axis=1).astype(np.uint8)
        off_middle = np.arange(len(bout)) % CHUNK_CELLS != 1
        look = np.where(model.short[look] & off_middle, model.main[now], look)
        down = np.array(LIES)[now]
        moved = np.flatnonzero((down[1:] != down[:-1]) & (now[1:] != GONE)) + 1
        look[moved] = np.where(down[moved], LIE_DOWN, RISE)
        return look

    def _chances(self, rng: np.random.Generator, now: NDArray[np.uint8]) -> Floats:
        """Return a number from 0 to 1 for every chunk; of an idle cow high ones come together."""
        chance = rng.random(len(now), np.float32)
        spell = np.repeat(rng.standard_normal(len(now) // _SPELL_CHUNKS + 1), _SPELL_CHUNKS)[: len(now)]
        share = self._model.spells
        for idle in _IDLE:
            rows = np.flatnonzero(np.isin(now, idle))
            if len(rows):
                wish = np.sqrt(share) * spell[rows] + np.sqrt(1.0 - share) * rng.standard_normal(len(rows))
                chance[rows[np.argsort(wish)]] = (np.arange(len(rows)) + 0.5) / len(rows)
        return chance

    def _values(
        self,
        rng: np.random.Generator,
        look: NDArray[np.uint8],
        bout: NDArray[np.int64],
        start_ms: NDArray[np.int64],
    ) -> Floats:
        """Return (m, 14) folded features."""
        chance = rng.standard_normal((len(look) + 1, FEATURE_COUNT), np.float32)
        slow = rng.standard_normal((len(look) // _SLOW_CELLS + 2, FEATURE_COUNT), np.float32)
        of_bout = _normals_of(self._bout_key, start_ms, FEATURE_COUNT)
        pauses = self._pauses(rng)
        moves = ~_QUIET[look]
        settled = np.cumsum(moves, dtype=np.int64)
        drawn = []
        for at in np.flatnonzero(np.bincount(look, minlength=len(LOOKS))):
            rows, spec = np.flatnonzero(look == at), self._model.looks[at]
            levels, root = spec.levels, spec.root.T
            now, before = self._model.of_two[at]
            deviates = (now * chance[rows + 1] + before * chance[rows]) @ root
            if at in CHEWING:
                deviates = _paused(deviates, pauses[rows])
            deviates *= levels[3]
            turn = rows.astype(np.float32) / _SLOW_CELLS
            knot = turn.astype(np.int64)
            angle = (turn - knot) * np.float32(np.pi / 2)
            drift = slow @ root * levels[2]
            deviates += np.cos(angle)[:, None] * drift[knot] + np.sin(angle)[:, None] * drift[knot + 1]
            if _QUIET[at]:
                moves[rows] = deviates @ RESTLESS > spec.moves_from
                deviates[:, :POSTURE] = 0.0
            deviates += (of_bout @ root * levels[1] + self._own[at] @ root * levels[0])[bout[rows]]
            drawn.append((at, rows, deviates))
        posture = self._posture(rng, settled, np.cumsum(moves, dtype=np.int64))
        out = np.empty((FEATURE_COUNT, len(look)), np.float32)
        for at, rows, deviates in drawn:
            spec = self._model.looks[at]
            if _QUIET[at]:
                deviates[:, :POSTURE] += posture[rows] @ spec.posture.T
            for feature, column in enumerate(deviates.T):
                out[feature, rows] = np.interp(column, AT, spec.pieces[feature])
        return out

    def _posture(
        self, rng: np.random.Generator, settled: NDArray[np.int64], moved: NDArray[np.int64]
    ) -> Floats:
        """Return (m, 3) standard normals that change with either count: how a quiet cow holds her head."""
        share = self._model.settled
        parts = ((settled, share), (moved, 1.0 - share))
        out: Floats = np.add(
            *(
                (np.float32(np.sqrt(of)) * rng.standard_normal((count[-1] + 1, POSTURE), np.float32))[count]
                for count, of in parts
            )
        )
        return out

    def _pauses(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return whether a chewing cow would swallow in a cell, and fetch the next bolus."""
        day_s = DAY_MS / 1000
        gaps = np.exp(self._model.pause_log_sd * rng.standard_normal(int(2 * day_s / self._pause_s)))
        ends_s = np.cumsum(self._pause_s * gaps)
        out = np.zeros(CELLS_A_DAY, np.bool_)
        out[(ends_s[ends_s < day_s] * 1000 / CELL_MS).astype(np.int64)] = True
        return out

    def _any_way_up(self, start_ms: NDArray[np.int64]) -> Floats:
        """Return (bouts, 3) gravity of a collar that fell, or hangs on a dead cow."""
        way = _normals_of(self._bout_key ^ 1, start_ms, 3)
        out: Floats = 1000.0 * way / np.linalg.norm(way, axis=1, keepdims=True)
        return out


def _paused(deviates: Floats, pause: NDArray[np.bool_]) -> Floats:
    """Return the rows in another order: those that chew least stand where she pauses."""
    count = int(pause.sum())
    if not 0 < count < len(pause):
        return deviates
    order = np.argpartition(deviates[:, _BAND_HIGH], count)
    out = np.empty_like(deviates)
    out[pause] = deviates[order[:count]]
    out[~pause] = deviates[np.sort(order[count:])]
    return out


def _cells_of(values: Floats, look: NDArray[np.uint8], strength: float | NDArray[np.floating[Any]]) -> Cells:
    """Return cells of (14, m) folded features."""
    pitch, roll = np.radians(values[0]), np.radians(np.clip(values[1], -89.0, 89.0))
    level = values[2] * np.cos(roll)
    gravity = np.stack((values[2] * np.sin(roll), level * np.sin(pitch), -level * np.cos(pitch)), axis=1)
    deviation = np.exp2(np.maximum(values[3:6], 0.0))
    difference = np.maximum(deviation * np.exp2(values[6:9]) - 1.0, 0.0)
    bands = _shares(values[12:])
    deviation -= 1.0
    _agree(deviation, difference, bands)
    gain = np.where(_STRONG[look], np.asarray(strength, np.float32), np.float32(1.0)).astype(np.float32)
    return Cells(
        gravity,
        np.ascontiguousarray((deviation * gain).T),
        np.ascontiguousarray((difference * gain).T),
        np.ascontiguousarray(_crossings(values[9:12], deviation, difference, look).T),
        np.ascontiguousarray(bands.T),
        look,
    )


def _agree(deviation: Floats, difference: Floats, bands: Floats) -> None:
    """Make cells tell one story: power in the two bands makes neighbouring samples differ that much.

    (3, m), (3, m) and (2, m), changed in place where they differ less: shares come half the way, squares of
    differences the other half. Real windows keep to it; of features drawn by their ranks some do not.
    """
    has = (difference * difference).sum(axis=0)
    needs = (_STEP_OF_BAND @ bands) * (deviation * deviation).sum(axis=0)
    short = np.flatnonzero(needs > has)
    by = np.sqrt(needs[short] / np.maximum(has[short], 1e-6))
    difference[:, short] *= np.sqrt(by)
    bands[:, short] /= by


def _crossings(drawn: Floats, deviation: Floats, difference: Floats, look: NDArray[np.uint8]) -> Floats:
    """Return (3, m) crossings: partly as drawn, mostly as normal noise of such differences (Rice 1945).

    Of real windows the logarithms of both differ by .1 mostly. So they do as drawn by their ranks when a cow
    grazes or walks; else by .3.
    """
    lag = 1.0 - (difference / np.maximum(deviation, 1e-3)) ** 2 / 2.0
    normal = _CROSSES_OF_NORMAL * np.arccos(np.clip(lag, -1.0, 1.0))
    drawn = np.clip(drawn, 0.0, 63.0)
    loose = (deviation > 1.0) & ~np.isin(look, (GRAZE, WALK))
    out: Floats = np.where(loose, np.sqrt(np.sqrt((drawn + 0.5) * (normal + 0.5) ** 3)) - 0.5, drawn)
    return np.clip(out, 0.0, 63.0)


def _shares(bands: Floats) -> Floats:
    """Return shares that lie in 0..1 and whose sum does."""
    bands = np.clip(bands, 0.0, 1.0)
    out: Floats = bands / np.maximum(bands.sum(axis=0), 1.0)
    return out
