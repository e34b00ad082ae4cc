"""What a look is: its names, its features, and the tables of herd.toml as arrays (look, looks, state).

A look has quantiles of 14 features in the cow's own frame, and says how these hang together and how much of
each differs between cows, bouts, slowly, and from cell to cell. `look_fit` makes those that are measured.

Own frame: x sideways, y along the cow (nose negative), z through the box under the neck, as the pack's
collars hang on average; nose down is a negative pitch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.plan.routine import DAY_MS
from simulator.plan.states import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

CELL_MS = 5120
CELLS_A_DAY = DAY_MS // CELL_MS
CHUNK_CELLS = 3  # a passing look lasts so many cells, and begins on a multiple of it

LOOKS = (
    "rest",
    "ruminate",
    "stand",
    "stand_ruminate",
    "graze",
    "walk",
    "fidget",  # lies, and moves her head
    "stir",  # stands, and moves her head
    "amble",  # so slowly that it looks like standing
    "drink",
    "lick",
    "shake",
    "trot",
    "lie_down",
    "rise",
    "nod",
    "mount",
    "side",
    "struggle",
    "still",
)
REST, RUMINATE, STAND, STAND_RUMINATE, GRAZE, WALK, FIDGET, STIR, AMBLE = range(9)
LIE_DOWN, RISE = LOOKS.index("lie_down"), LOOKS.index("rise")
CHEWING = (RUMINATE, STAND_RUMINATE)

FEATURES = (
    *("pitch_deg", "roll_deg", "norm_mg"),
    *("deviation_x_mg", "deviation_y_mg", "deviation_z_mg"),
    *("ratio_x", "ratio_y", "ratio_z"),  # (1 + difference) / (1 + deviation), in mg
    *("crossings_x", "crossings_y", "crossings_z"),
    *("band_low", "band_high"),
)
FEATURE_COUNT = len(FEATURES)
LEVELS = ("cow", "bout", "slow", "cell")
POSTURE = 3  # features that say which way gravity points, the first
# A head that moves on shows in much and slow movement, mostly along the cow.
RESTLESS = np.zeros(FEATURE_COUNT, np.float32)
RESTLESS[[FEATURES.index(name) for name in ("deviation_x_mg", "deviation_y_mg", "ratio_x", "ratio_y")]] = (
    *(0.5, 1.0),
    *(-0.5, -1.0),
)
# Standard normal deviates of the shares .01, .05, .15, .3, .5, .7, .85, .95, .99.
KNOTS = np.array((-2.326, -1.645, -1.036, -0.524, 0.0, 0.524, 1.036, 1.645, 2.326))
SHARES = (0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99)
_BEYOND = 1.5  # deviates past the outer knots to which the outer pieces go on straight


@dataclass(frozen=True, slots=True)
class Cells:
    """m cells of 5.12 s, in the cow's own frame; what a window of a collar that sits so would say."""

    gravity_mg: Floats  # (m, 3) mean acceleration
    deviation_mg: Floats  # (m, 3) mean absolute deviation
    difference_mg: Floats  # (m, 3) mean |difference| of neighbouring samples at 12.5 Hz
    crossings: Floats  # (m, 3) sign changes about the mean in 64 samples
    bands: Floats  # (m, 2) share of the power in 1.0-1.6 Hz and 2.0-3.2 Hz, 0..1
    look: NDArray[np.uint8]  # (m,) place in LOOKS

    def __len__(self) -> int:
        return len(self.look)


def folded(values: NDArray[np.floating[Any]]) -> Doubles:
    """Return (..., 14) features with mg and ratios as logarithms, as they are drawn."""
    out = np.array(values, np.float64)
    out[..., 3:6] = np.log2(1.0 + out[..., 3:6])
    out[..., 6:9] = np.log2(out[..., 6:9])
    return out


@dataclass(frozen=True, slots=True)
class Look:
    """Of one look: `pieces` (14, knots) folded values at AT; `root` (14, 14); `levels` (4, 14).

    `posture` (3, 3): a root of what changes within a bout of the way she holds her head. `moves_from`: how
    restless a cell must be for that to change.
    """

    pieces: Doubles
    root: Floats
    levels: Floats
    posture: Floats
    moves_from: float


AT = np.concatenate(((KNOTS[0] - _BEYOND,), KNOTS, (KNOTS[-1] + _BEYOND,)))


def _gone_on(pieces: Doubles) -> Doubles:
    """Return the pieces with a straight one on each side."""
    first = pieces[:, :1] - (pieces[:, 1:2] - pieces[:, :1]) * (_BEYOND / (KNOTS[1] - KNOTS[0]))
    last = pieces[:, -1:] + (pieces[:, -1:] - pieces[:, -2:-1]) * (_BEYOND / (KNOTS[-1] - KNOTS[-2]))
    return np.concatenate((first, pieces, last), axis=1)


def root_of(rows: tuple[tuple[float, ...], ...]) -> Floats:
    """Return a root of the correlation matrix whose part below the diagonal is `rows` (13 rows of 1 to 13).

    Rounded numbers may be no correlation matrix any more: the nearest small change makes them one.
    """
    matrix = np.eye(FEATURE_COUNT)
    for at, row in enumerate(rows, 1):
        matrix[at, :at] = matrix[:at, at] = row
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(np.maximum(values, 1e-6))
    out: Floats = (root / np.linalg.norm(root, axis=1, keepdims=True)).astype(np.float32)
    return out


def _look_of(tree: Mapping[str, Any], like: Look | None) -> Look:
    """Return a look from its table. A rare one has `middle` and `spread`, and the rest from another look."""
    if like is not None:
        pieces = np.array(tree["middle"])[:, None] + np.array(tree["spread"])[:, None] * KNOTS
        return replace(like, pieces=_gone_on(_folded_middle(pieces)))
    values = np.array([tree[name] for name in FEATURES])
    levels = np.array([tree["levels"][name] for name in LEVELS], np.float32)
    root = root_of(tree["correlation"])
    return Look(_gone_on(folded(values.T).T), root, levels, *_posture(root, levels))


def _posture(root: Floats, levels: Floats) -> tuple[Floats, float]:
    """Return a root of the covariance of posture within a bout, and from which restlessness it changes.

    Changes are as rare as lets posture be forgotten as the levels say.
    """
    turns = root[:POSTURE] * np.sqrt(levels[2] ** 2 + levels[3] ** 2)[:POSTURE, None]
    slow, cell = float(levels[2, 0]), float(levels[3, 0])
    kept = np.sqrt(slow**2 / max(slow**2 + cell**2, 1e-9))
    from_sd = NormalDist().inv_cdf(min(max(float(kept), 0.01), 0.99))
    spread = np.sqrt(levels[2] ** 2 + levels[3] ** 2) * RESTLESS
    covariance = (turns @ turns.T).astype(np.float64) + 1e-9 * np.eye(POSTURE)
    return np.linalg.cholesky(covariance).astype(np.float32), from_sd * float(np.linalg.norm(root.T @ spread))


def _folded_middle(pieces: Doubles) -> Doubles:
    """Return pieces whose mg and ratios are already logarithms; shares and crossings kept in their bounds."""
    pieces[9:12] = np.clip(pieces[9:12], 0.0, 63.0)
    pieces[12:] = np.clip(pieces[12:], 0.0, 1.0)
    return pieces


@dataclass(frozen=True, slots=True)
class LookModel:
    """`mix` (states, looks) weights of the looks that a state is made of; `main`: its first look."""

    looks: tuple[Look, ...]
    mix: Floats
    main: NDArray[np.uint8]
    short: NDArray[np.bool_]  # (looks,) those that last one cell
    share_log_sd: float  # between cows, of how much of a passing look there is
    cow_spread: float
    calm_spread: float  # instead, in looks of an idle cow
    chewing_spread: float  # instead, in looks of one who ruminates
    of_two: Floats  # (looks, 2): of what is drawn for a cell, and for the one before
    spells: float  # how much the passing looks of an idle cow come together
    settled: float  # share of the posture that stays until a look comes in which the head moves
    passing_most: float  # share of lying idle or standing that all passing looks may have in a cow
    alike: float  # share of a cow's own level that is common to all her looks
    pause_s: tuple[float, float]  # from one chewing pause to the next: the range of cows
    pause_log_sd: float


_PLAIN = (
    "share_log_sd",
    "cow_spread",
    "calm_spread",
    "chewing_spread",
    "spells",
    "settled",
    "passing_most",
    "alike",
    "pause_log_sd",
)


_last: list[tuple[Mapping[str, Any], LookModel]] = []  # what was read last: a run has one


def model_of(model: Mapping[str, Any]) -> LookModel:
    """Return the tables of a loaded herd file as arrays, made once."""
    if not _last or _last[0][0] is not model:
        _last[:] = [(model, _read(model))]
    return _last[0][1]


def _read(model: Mapping[str, Any]) -> LookModel:
    tables, common = model["look"], model["looks"]
    looks: dict[str, Look] = {}
    for name in LOOKS:
        like = tables[name].get("like")
        looks[name] = _look_of(tables[name], looks[like] if like else None)
    mix = np.zeros((len(STATES), len(LOOKS)), np.float32)
    main = np.zeros(len(STATES), np.uint8)
    for at, state in enumerate(STATES):
        shares = dict(zip(model["state"][state]["looks"], model["state"][state]["shares"], strict=True))
        main[at] = LOOKS.index(next(iter(shares)))
        for name, share in shares.items():
            mix[at, LOOKS.index(name)] = share
    short = np.isin(np.array(LOOKS), common["short"])
    resting = np.arange(len(LOOKS)) == REST
    every = common["pause_every_s"]
    return LookModel(
        looks=tuple(looks.values()),
        mix=mix,
        main=main,
        short=short,
        of_two=np.where(
            resting[:, None], _of_two(common["neighbours_resting"]), _of_two(common["neighbours"])
        ),
        pause_s=(every[0], every[1]),
        **{name: common[name] for name in _PLAIN},
    )


def _of_two(alike: float) -> Floats:
    """Return u and v such that u n[k] + v n[k-1] has variance 1, and neighbours the correlation `alike`."""
    root = np.sqrt(1.0 - 4.0 * alike**2)
    return np.sqrt(np.array((1.0 + root, 1.0 - root)) / 2.0).astype(np.float32)
