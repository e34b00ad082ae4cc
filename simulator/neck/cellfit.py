"""How loud every voice is in every cell, so that windows of the mixture have the features of the cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from herdcore.vocabulary import WINDOW_MS, WINDOW_SAMPLES
from simulator.neck.cellfeatures import Features, features_of
from simulator.neck.voices import CELLS, CHEW, CHEW_LINE, HIGH, MID, NOISES, SLOW, STEP_LINE, STEP_US, VOICES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class CellsLike(Protocol):
    """What a window of 5.12 s should tell, cell by cell, in the frame of the cow."""

    @property
    def gravity_mg(self) -> Floats:
        """(m, 3): mean."""

    @property
    def deviation_mg(self) -> Floats:
        """(m, 3): mean absolute deviation."""

    @property
    def difference_mg(self) -> Floats:
        """(m, 3): mean |difference| of neighbouring samples at 12.5 Hz."""

    @property
    def bands(self) -> Floats:
        """(m, 2): shares 0..1 of 1.0-1.6 Hz and 2.0-3.2 Hz in the power of all axes."""


FADE_S = 0.32  # from the voices of one cell to those of the next
_CELL_S = WINDOW_MS / 1000
_SAMPLE_S = _CELL_S / WINDOW_SAMPLES
STRIDE = round(_SAMPLE_S * 1e6) // STEP_US
_TREND = 0.7  # part of a cell's deviation that a change of posture may make
_MOST_FADE_S = 2.56
_CHANGE = 1.0  # of posture between two cells, as a part of the greater deviation
_CALM_ROUNDS = 24
_FLAT = 0.8  # mean |deviation| / sd of such noise in 64 samples
# Correlation of the noises with themselves one sample later.
_LAG = np.array((0.985, 0.78, 0.60, 0.25, -0.48), dtype=np.float32)
_GROUP = np.array((2, 0, 2, 1, 2))  # which of the three shares a noise belongs to
# How far a noise may grow or shrink for the correlation's sake: little where that would spoil a share.
_TILTED = np.array((1.0, 0.15, 1.0, 0.15, 1.0), dtype=np.float32)
_MODEL_ROUNDS, _MEASURED_ROUNDS = 6, 5


class Turn(NamedTuple):
    """A change of posture: `part` (m, 3) of it is in the cell, in its first or last `fade_s` (m, 3)."""

    part: Floats
    fade_s: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """`base_mg`: (m, 3). `weights_mg`: (m, 3, VOICES). `turns`: to the cell before and to the one after."""

    base_mg: Floats
    weights_mg: Floats
    turns: tuple[Turn, Turn]


def mixed(cells: CellsLike, places: NDArray[np.int64], loops: Floats, tonal: Floats, noise_mg: float) -> Mix:
    """Return the mix for `cells`.

    places: (m, 3): the cell of the loops that sounds on each axis in each cell. tonal: (m, 2): the parts of
    CHEW and of MID that are lines, 0..1. loops: (CELLS * WINDOW_SAMPLES, VOICES), at 12.5 Hz. noise_mg: rms
    of the sensor's own noise, which the cells contain and the mix does not.
    """
    wanted = Features(
        _calm(cells), cells.deviation_mg, correlation(cells), _three(np.asarray(cells.bands, np.float32))
    )
    power = _first(wanted)
    for _ in range(_MODEL_ROUNDS):
        power = _nearer(power, wanted, _modelled(power))
    mix = Mix(wanted.mean.astype(np.float32), _weights(power, tonal), (_turn(wanted, -1), _turn(wanted, 1)))
    patches = loops.reshape(CELLS, WINDOW_SAMPLES, VOICES)
    hiss = _hiss(noise_mg)
    for left in reversed(range(_MEASURED_ROUNDS)):
        told = features_of(sampled(mix, places, patches) + hiss[places])
        louder: Floats = power * _louder(wanted, told)[:, :, None]
        power = _nearer(power, wanted, told) if left else louder
        base = mix.base_mg + (wanted.mean - told.mean)
        mix = Mix(base, _weights(power, tonal), mix.turns)
    return mix


def _hiss(noise_mg: float) -> Floats:
    """Return (CELLS, WINDOW_SAMPLES) white noise, mean 0 in every cell."""
    noise = np.random.default_rng(0).standard_normal((CELLS, WINDOW_SAMPLES), np.float32)
    out: Floats = (noise - noise.mean(axis=1, keepdims=True)) * np.float32(noise_mg)
    return out


def neighbours(values: Floats, step: int) -> Floats:
    """Return `values` one cell earlier (step -1) or later (1); beyond the ends there is more of the same."""
    places = np.clip(np.arange(len(values)) + step, 0, len(values) - 1)
    return values[places]


def sampled(mix: Mix, places: NDArray[np.int64], patches: Floats) -> Floats:
    """Return (m, 3, WINDOW_SAMPLES) mg at 12.5 Hz from the start of every cell.

    patches: (CELLS, WINDOW_SAMPLES, VOICES): the loops, cell by cell.
    """
    rows = np.empty((*mix.base_mg.shape, WINDOW_SAMPLES), dtype=np.float32)
    for axis in range(3):
        voices = patches[places[:, axis]]
        weights = mix.weights_mg[:, axis]
        rows[:, axis] = (voices @ weights[:, :, None])[:, :, 0]
        for step in (-1, 1):
            change = neighbours(weights, step) - weights
            for at in _FADING[step]:
                rows[:, axis, at] += _fade(at, step) * (voices[:, at] * change).sum(axis=1)
        rows[:, axis] += _posture(mix, axis)
    return rows


def _fade(at: int, step: int) -> float:
    since_s = at * _SAMPLE_S
    return max(0.0, 0.5 - (since_s if step < 0 else _CELL_S - since_s) / FADE_S)


_FADING = {step: [i for i in range(WINDOW_SAMPLES) if _fade(i, step) > 0] for step in (-1, 1)}


def _posture(mix: Mix, axis: int) -> Floats:
    base = mix.base_mg[:, axis]
    since_s = np.arange(WINDOW_SAMPLES, dtype=np.float32) * np.float32(_SAMPLE_S)
    out = np.repeat(base[:, None], WINDOW_SAMPLES, axis=1)
    for step, away_s, turn in zip((-1, 1), (since_s, _CELL_S - since_s), mix.turns, strict=True):
        left = np.maximum(1 - away_s[None, :] / turn.fade_s[:, axis, None], 0.0)
        out += left * (turn.part[:, axis] * (neighbours(base, step) - base))[:, None]
    return out


def _calm(cells: CellsLike) -> Floats:
    """Return (m, 3) gravity, changing no more than such movement allows: else windows would tell of it."""
    gravity = np.array(cells.gravity_mg, dtype=np.float32)
    deviation = np.asarray(cells.deviation_mg, np.float32) + np.float32(0.1)
    most = _CHANGE * np.maximum(deviation[1:], deviation[:-1])
    part = deviation[1:] / (deviation[1:] + deviation[:-1])
    for at in (0, 1) * _CALM_ROUNDS:
        left, right = gravity[at:-1:2], gravity[at + 1 :: 2]
        limit = most[at::2]
        change = right - left
        excess = change - np.clip(change, -limit, limit)
        right -= excess * part[at::2]
        left += excess * (1 - part[at::2])
    return gravity


def _turn(wanted: Features, step: int) -> Turn:
    """Return how posture changes towards a neighbour: most where she moves more, as slowly as that allows."""
    gravity, deviation = wanted.mean, wanted.deviation + np.float32(0.1)
    part = deviation / (deviation + neighbours(deviation, step))
    change = np.maximum(part * np.abs(neighbours(gravity, step) - gravity), 1e-3)
    return Turn(part, np.clip(_TREND * _CELL_S * deviation / change, FADE_S / 2, _MOST_FADE_S))


def correlation(cells: CellsLike) -> Floats:
    """Return (m, 3): how neighbouring samples correlate, by what the cells say of their differences."""
    ratio = cells.difference_mg / np.maximum(cells.deviation_mg, 0.1)
    return np.clip(1 - ratio * ratio / 2, _LAG[HIGH] + 0.05, _LAG[SLOW] - 0.01).astype(np.float32)


def _three(bands: Floats) -> Floats:
    clipped = np.clip(bands, 0.004, 0.95)
    rest = np.maximum(1 - clipped.sum(axis=1, keepdims=True), 0.02)
    shares = np.concatenate((clipped, rest), axis=1)
    out: Floats = shares / shares.sum(axis=1, keepdims=True)
    return out


def _first(wanted: Features) -> Floats:
    low, chew, rest = (wanted.shares[:, i, None] for i in range(3))
    middle = 3 * np.sqrt(low / 3 * chew / 6)
    parts = np.concatenate((0.35 * rest, low, middle, chew, 0.65 * rest), axis=1)
    sd = wanted.deviation / _FLAT
    out: Floats = parts[:, None, :] * (sd * sd)[:, :, None]
    return out.astype(np.float32)


def _weights(power: Floats, tonal: Floats) -> Floats:
    weights = np.empty((*power.shape[:2], VOICES), dtype=np.float32)
    weights[:, :, :NOISES] = np.sqrt(power)
    for line, noise, part in ((CHEW_LINE, CHEW, tonal[:, 0]), (STEP_LINE, MID, tonal[:, 1])):
        weights[:, :, line] = weights[:, :, noise] * np.sqrt(part)[:, None]
        weights[:, :, noise] *= np.sqrt(1 - part)[:, None]
    return weights


def _nearer(power: Floats, wanted: Features, told: Features) -> Floats:
    """Return the powers corrected by what windows tell of them: shares first, deviation last."""
    total = power.sum(axis=2)
    gain = np.clip(wanted.shares / np.maximum(told.shares, 1e-4), 0.25, 4.0)
    parts = _parts(power * gain.astype(np.float32)[:, None, _GROUP])
    pull = parts * _TILTED
    mean = (pull @ _LAG) / np.maximum(pull.sum(axis=2), 1e-9)
    away = (_LAG - mean[:, :, None]) * _TILTED
    spread = np.maximum((parts * away) @ _LAG, 0.02)
    tilt = np.clip((wanted.correlation - told.correlation) / spread, -1.5, 1.5)
    parts = _parts(parts * np.exp(tilt[:, :, None] * away))
    out: Floats = parts * (total * _louder(wanted, told))[:, :, None]
    return out


def _louder(wanted: Features, told: Features) -> Floats:
    gain = np.clip(wanted.deviation / np.maximum(told.deviation, 1e-3), 0.33, 3.0)
    return np.asarray(gain * gain, np.float32)


def _parts(power: Floats) -> Floats:
    out: Floats = power / np.maximum(power.sum(axis=2, keepdims=True), 1e-9)
    return out


def _modelled(power: Floats) -> Features:
    total = power.sum(axis=2)
    of_all = power.sum(axis=1) / np.maximum(power.sum(axis=(1, 2)), 1e-9)[:, None]
    shares = np.stack([of_all[:, i == _GROUP].sum(axis=1) for i in range(3)], axis=1)
    correlation = power @ _LAG / np.maximum(total, 1e-9)
    return Features(np.zeros_like(total), _FLAT * np.sqrt(total), correlation, shares)
