"""A cow of numbers: windows by class in any collar's axes, and a small model made by hand."""

from __future__ import annotations

import functools

import numpy as np

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour import frame
from relay.behaviour.described import describe
from relay.behaviour.minutes import MINUTE_MS, WINDOWS, Minute
from relay.behaviour.model import Layers, Model, motion_features, own_features
from relay.behaviour.smoother import Smoothing

START_MS = 1_794_787_200_000  # 2026-11-16 00:00 UTC
LABELS = ("grazing", "still", "walking", "other")
GRAZING, STILL, WALKING, OTHER = range(4)
SEATED = np.eye(3)
AROUND_Y = np.diag((-1.0, 1.0, -1.0))  # turned by half round

# By class, in the cow's axes: direction of gravity, deviation and difference in mg, crossings, bands.
_GRAVITY = np.array([(0.75, 0.1, -0.65), (0.1, 0.1, -1.0), (0.4, -0.1, -0.9), (0.3, 0.6, -0.7)])
_DEVIATION = np.array([(130, 160, 130), (30, 22, 16), (110, 60, 170), (320, 260, 400)])
_DIFFERENCE = np.array([(120, 150, 110), (14, 10, 8), (70, 50, 120), (330, 260, 390)])
_CROSSINGS = np.array([(26, 24, 25), (18, 20, 22), (16, 16, 16), (30, 30, 30)])
_BANDS = np.array([(30, 60), (20, 40), (110, 50), (40, 40)])


def records(kinds, seed=0, turn=SEATED):
    """Windows records (n, 14) of a cow that does these, whose collar sits turned by `turn` (3, 3)."""
    kinds, random = np.asarray(kinds, dtype=np.int64), np.random.default_rng(seed)
    n = len(kinds)
    gravity = _GRAVITY[kinds] + random.normal(0.0, 0.08, (n, 3))
    gravity *= 1000 / np.linalg.norm(gravity, axis=1, keepdims=True)
    louder = np.exp(random.normal(0.0, 0.2, (n, 1)))
    spreads = (
        np.sqrt(np.square(each[kinds] * louder) @ np.square(turn).T) for each in (_DEVIATION, _DIFFERENCE)
    )
    out = np.empty((n, 14), dtype=np.uint8)
    out[:, :3] = np.rint(gravity @ turn.T / 16).astype(np.int8).view(np.uint8)
    out[:, 3:9] = np.floor(16 * np.log2(1 + np.concatenate(list(spreads), axis=1)))
    out[:, 9:12] = np.rint(_CROSSINGS[kinds] @ np.square(turn).T) + random.integers(0, 3, (n, 3))
    out[:, 12:] = _BANDS[kinds] + random.integers(0, 20, (n, 2))
    return out


def day(windows, seed=0, bout=60):
    """What she does (n,): bouts of about so many windows, half of them still, a third grazing."""
    random = np.random.default_rng(seed)
    bouts = random.choice(4, p=(0.35, 0.5, 0.1, 0.05), size=2 * windows // bout + 2)
    return np.repeat(bouts, random.integers(bout // 2, bout, len(bouts)))[:windows]


def starts(windows, first_ms=START_MS):
    """When so many consecutive windows start, UTC ms."""
    return first_ms + WINDOW_MS * np.arange(windows, dtype=np.int64)


def minutes(start_ms, rows):
    """The complete minutes of windows that start then, as they pass the ordering."""
    out = []
    of = start_ms // MINUTE_MS
    for number in np.unique(of).tolist():
        some = np.flatnonzero(of == number)
        offsets = (start_ms[some] - number * MINUTE_MS).astype("<u2")
        held = b"".join(
            offset.tobytes() + row.tobytes() for offset, row in zip(offsets, rows[some], strict=True)
        )
        first, last = int(offsets[0]), int(offsets[-1])
        out.append(Minute(number, len(some), first, last, 0, 0, 0, 0, 0, 0, WINDOWS, held))
    return out


@functools.cache
def model(hidden=8):
    """A model that tells these cows' classes apart: least squares instead of a fit."""
    kinds = day(1500, seed=7)
    described = describe(records(kinds, seed=8))
    truth = np.eye(len(LABELS))[kinds]
    sums = frame.sums_of(truth, described)
    herd = frame.learn_herd([sums], (GRAZING, STILL))
    flat = motion_features(described)
    motion = _layers(flat, truth, hidden)
    own = own_features(described, flat, sums, herd)
    smoothing = Smoothing((0.35, 0.5, 0.1, 0.05), 0.8, 0.75, 0.3)
    return Model(LABELS, motion, herd, _layers(own, truth, hidden), smoothing)


def _layers(features, truth, hidden):
    random = np.random.default_rng(3)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 0.01
    mixtures = random.normal(size=(features.shape[1], hidden)) / np.sqrt(features.shape[1])
    blank = Layers(mean, scale, mixtures, random.normal(size=hidden), np.empty(0), np.empty(0))
    seen = np.column_stack((blank.inputs(features), np.ones(len(features))))
    solved = np.linalg.solve(seen.T @ seen + 1.0 * np.eye(seen.shape[1]), seen.T @ truth) * 8.0
    return Layers(mean, scale, mixtures, blank.offset, solved[:-1], solved[-1])
