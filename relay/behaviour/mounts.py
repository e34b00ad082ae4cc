"""Active mounts: windows in which a cow may have reared up on another. Supporting evidence, never an alert.

A mount lifts the neck and lets it down again within a window or two. Of the 14 bytes of a window, M is the
length of the mean absolute deviation, D that of the mean |difference|, g the mean, and a window is flagged if

- it is slow: D / M is below `slow_ratio`. A sine of f Hz has 2 sin(pi f / 12.5), so .974 is 2.0 Hz: grazing
  and shaking are faster
- it is lively: D is above `lively_mg`. Walking is calmer
- and its score M + 2 (G0 - |g|) is above `score_mg`. A neck that swings by an angle makes the mean shorter
  than the gravity of a still cow, G0, by G0 / 2 times the angle's variance (in radians), so twice what is
  missing is G0 times the variance. That weight is physics, not fitted.

The swing may fall upon the border of two windows, each of which then sees one posture: so the score is also
taken of both together, the mean of their M and the length of their mean g. For that a window waits for the
one behind it, 5,120 ms later, and for no more. Both gates ask the window itself.

Only lengths of vectors count, so it does not matter how the collar sits, but for rounding.

What is fitted are the levels alone, and on cows that do not mount: `calibrate`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.described import RECORD_BYTES, describe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from relay.behaviour.described import Floats

SUPPORTING_ONLY: Final = (
    "A flagged window may support other evidence, such as a rise in activity. It is never an alert alone."
)
MOUNT: Final = "active_mount"

STILL_MG: Final = 60  # M of a window in which |g| is gravity and nothing else
FEWEST_STILL: Final = 20  # windows, before a collar's own |g| at rest is believed
SLOW_PERCENTILE: Final = 5  # of D / M, windows of grazing
LIVELY_PERCENTILE: Final = 90  # of D, windows of walking
FALSE_PER_HOUR: Final = 0.5

_SHORTENED = 2.0  # see above
_LEAST_M_MG = 1.0
_HOUR_MS = 3_600_000


class MountsError(ValueError):
    """Windows that are not as said, or too few of a kind to set a level by."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The levels; the module says what each is compared with. mg but for the ratio."""

    slow_ratio: float
    lively_mg: float
    score_mg: float
    still_gravity_mg: float

    def at_rest(self, records: NDArray[np.uint8]) -> Rule:
        """Return the rule with the collar's own gravity, if 20 of its windows, (n, 14) uint8, are still."""
        motion = _motion(records)
        still = motion.length_mg[motion.deviation_mg < STILL_MG]
        return self if len(still) < FEWEST_STILL else replace(self, still_gravity_mg=float(np.median(still)))


# As `calibrate` does on the eight ordinary cows of wasp-cow-collar, with their windows cut at several phases:
# the gates at four of a recording, the score at eight of a stream, and rounded.
SHIPPED: Final = Rule(slow_ratio=0.974, lively_mg=207.0, score_mg=440.0, still_gravity_mg=958.0)


class Labelled(NamedTuple):
    """One training animal: (n, 14) uint8 records, (n,) start_ms in order of time, (n,) labels."""

    records: NDArray[np.uint8]
    start_ms: NDArray[np.int64]
    labels: NDArray[np.str_]


class _Motion(NamedTuple):
    gravity_mg: Floats  # (n, 3)
    length_mg: Floats  # (n,) of gravity_mg
    deviation_mg: Floats  # (n,) M
    difference_mg: Floats  # (n,) D

    @property
    def ratio(self) -> Floats:
        return self.difference_mg / np.maximum(self.deviation_mg, _LEAST_M_MG)


def flags(records: NDArray[np.uint8], start_ms: NDArray[np.int64], rule: Rule) -> NDArray[np.bool_]:
    """Return (n,) whether each window of one animal may be part of an active mount.

    `records`: (n, 14) uint8; `start_ms`: (n,), increasing; neither is changed. A window's flag may depend on
    the one before and the one behind it, if they are 5,120 ms apart, and on no other.
    Raises MountsError for other shapes and times that do not increase.
    """
    _check(records, start_ms)
    motion = _motion(records)
    scores = _scores(motion, start_ms, rule.still_gravity_mg)
    return np.asarray(_gates(motion, rule.slow_ratio, rule.lively_mg) & (scores > rule.score_mg))


def calibrate(animals: Iterable[Labelled]) -> Rule:
    """Return the rule whose levels these animals set; windows labelled as mounts are left out first.

    The score's level is the one that an equally long time of such animals passes 0.5 times an hour on average
    (the k-th highest score of n hours is passed k times in n hours to come; between two of them a straight
    line). Under two hours it is the highest score seen. Each animal is measured against her own gravity at
    rest, as `Rule.at_rest` does. Raises MountsError if no window is labelled grazing or walking, fewer than
    20 are still, or none passes both gates.
    """
    kept = [_without_mounts(one) for one in animals]
    each = [_motion(one.records) for one in kept]
    labels = np.concatenate([one.labels for one in kept]) if kept else np.empty(0, dtype=np.str_)
    slow_ratio = _level("grazing", labels, [one.ratio for one in each], SLOW_PERCENTILE)
    lively_mg = _level("walking", labels, [one.difference_mg for one in each], LIVELY_PERCENTILE)
    rule = Rule(slow_ratio, lively_mg, np.inf, _still_gravity_mg(each))
    passed = [_gated_scores(one, motion, rule) for one, motion in zip(kept, each, strict=True)]
    return replace(rule, score_mg=_passed_at(np.concatenate(passed), len(labels) * WINDOW_MS / _HOUR_MS))


def _check(records: NDArray[np.uint8], start_ms: NDArray[np.int64]) -> None:
    if records.dtype != np.uint8 or records.shape != (len(start_ms), RECORD_BYTES) or start_ms.ndim != 1:
        raise MountsError(
            f"records {records.shape} of {records.dtype}, start_ms {start_ms.shape}; "
            f"want (n, {RECORD_BYTES}) of uint8 and (n,)"
        )
    back = np.flatnonzero(np.diff(start_ms) <= 0)
    if len(back):
        before, after = start_ms[back[0] : back[0] + 2].tolist()
        raise MountsError(f"start_ms {after} after {before}; windows come in order of time")


def _motion(records: NDArray[np.uint8]) -> _Motion:
    told = describe(records)
    assert told.difference_mg is not None
    return _Motion(
        told.gravity_mg,
        np.linalg.norm(told.gravity_mg, axis=1),
        np.linalg.norm(told.deviation_mg, axis=1),
        np.linalg.norm(told.difference_mg, axis=1),
    )


def _gates(motion: _Motion, slow_ratio: float, lively_mg: float) -> NDArray[np.bool_]:
    return np.asarray((motion.ratio < slow_ratio) & (motion.difference_mg > lively_mg))


def _scores(motion: _Motion, start_ms: NDArray[np.int64], still_gravity_mg: float) -> Floats:
    """Return (n,) scores in mg: each window's own, or that of it and a neighbour if it is higher."""
    scores = motion.deviation_mg + _SHORTENED * (still_gravity_mg - motion.length_mg)
    deviation_mg = (motion.deviation_mg[1:] + motion.deviation_mg[:-1]) / 2
    length_mg = np.linalg.norm(motion.gravity_mg[1:] + motion.gravity_mg[:-1], axis=1) / 2
    together = deviation_mg + _SHORTENED * (still_gravity_mg - length_mg)
    together[np.diff(start_ms) != WINDOW_MS] = -np.inf
    scores[1:] = np.maximum(scores[1:], together)
    scores[:-1] = np.maximum(scores[:-1], together)
    return np.asarray(scores)


def _without_mounts(one: Labelled) -> Labelled:
    _check(one.records, one.start_ms)
    if one.labels.shape != one.start_ms.shape:
        raise MountsError(f"labels {one.labels.shape} for start_ms {one.start_ms.shape}")
    other = one.labels != MOUNT
    return Labelled(one.records[other], one.start_ms[other], one.labels[other])


def _level(label: str, labels: NDArray[np.str_], values: list[Floats], percentile: float) -> float:
    if not (labels == label).any():
        raise MountsError(f"no window is labelled {label}: mounts cannot be calibrated")
    return float(np.percentile(np.concatenate(values)[labels == label], percentile))


def _still_gravity_mg(each: list[_Motion]) -> float:
    still = np.concatenate([one.length_mg[one.deviation_mg < STILL_MG] for one in each])
    if len(still) < FEWEST_STILL:
        raise MountsError(f"{len(still)} still windows, want {FEWEST_STILL}: mounts cannot be calibrated")
    return float(np.median(still))


def _gated_scores(one: Labelled, motion: _Motion, rule: Rule) -> Floats:
    still_gravity_mg = rule.at_rest(one.records).still_gravity_mg
    gated = _gates(motion, rule.slow_ratio, rule.lively_mg)
    return _scores(motion, one.start_ms, still_gravity_mg)[gated]


def _passed_at(scores: Floats, hours: float) -> float:
    if not len(scores):
        raise MountsError("no window is both slow and lively: mounts cannot be calibrated")
    falling = np.sort(scores)[::-1]
    return float(np.interp(FALSE_PER_HOUR * hours, np.arange(1, len(falling) + 1), falling))
