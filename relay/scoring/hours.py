"""Hours of an animal: what all scorers but those of single minutes fold, one fixed-size record an hour.

A record is a pure sum of minutes, so it is the same in whatever order and batches they came; the sums of its
quarters keep what changes within an hour. An hour without data has no record (or `covered_min` 0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from herdcore.vocabulary import BEHAVIOURS
from relay.behaviour.minutes import MINUTE_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hours = NDArray[np.void]  # of dtype HOUR, (n,)

HOUR_MS = 3_600_000
HOUR_MIN = 60
QUARTERS, QUARTER_MIN = 4, 15
MIN_WINDOWS = 6  # of 12: half a minute; with less a minute is not covered
# Largest motion (sum over the axes of the mean absolute deviation) of a window that is still. 8 mg RMS shared
# evenly by three axes is 3 x 0.80 x 8 / sqrt(3) = 11 mg for noise. Below it: a collar on nothing alive, at
# most 6 mg with the noisiest chip (MPU6050, 1.8 mg RMS an axis, domain.md 6.6). Above it: the quietest
# resting windows measured, 24 mg RMS at the 10th percentile, which is 19 mg even if all of it is on one axis;
# the median resting window has 71 (datasets.md 4.7). Through the collar's own features 12 of the 1,206
# windows of resting and standing cows in wasp-cow-collar are still, but no minute: the quietest of 78 has a
# window of 31 mg (tested).
STILL_MG = 11
STARTLED_MG = 400  # mean motion of a minute: most of running, a quarter of grazing (kinds/herd_event.py)
GRAVITY_STEP_MG = 16
MOTION_STEPS = 8  # of a mg
NO_DAYS_LEFT = 0xFFFF
NO_TEMPERATURE = -128

# What a minute may be told to be, and the field that counts it.
TOLD_FIELDS = {
    "rest": "rest_min",
    "ruminate": "ruminate_min",
    "graze": "eat_min",
    "walk": "walk_min",
    "other": "other_min",
}

# covered_min, motion_8th_mg (mean of its windows), gravity_16mg: by quarter, of minutes that are covered.
# *_min: minutes told to be that. changes: how often what is told changed between minutes that follow each
# other. still_min: minutes without any window above STILL_MG. startled: bit k is minute k above STARTLED_MG.
# days_left, temperature_c: of the newest health frame of the hour. sensor_faults: the most kinds of fault
# that one of them found since the one before.
HOUR = np.dtype(
    [
        ("covered_min", "u1", QUARTERS),
        ("motion_8th_mg", "<u2", QUARTERS),
        ("gravity_16mg", "i1", (QUARTERS, 3)),
        *((name, "u1") for name in TOLD_FIELDS.values()),
        ("changes", "u1"),
        ("still_min", "u1"),
        ("startled", "<u8"),
        ("days_left", "<u2"),
        ("temperature_c", "i1"),
        ("sensor_faults", "u1"),
    ]
)


def nothing(count: int) -> Hours:
    """Return the records of `count` animals of which nothing is known."""
    hours = np.zeros(count, HOUR)
    hours["days_left"] = NO_DAYS_LEFT
    hours["temperature_c"] = NO_TEMPERATURE
    return hours


def of_minutes(
    told: NDArray[np.uint8],
    windows: NDArray[np.uint8],
    motion_mg: NDArray[np.floating],
    motion_max_mg: NDArray[np.floating],
    gravity_mg: NDArray[np.floating],
) -> Hours:
    """Return (n, hours) records of whole hours of minutes: arrays (n, hours x 60), gravity (n, .., 3).

    `told`: index into BEHAVIOURS. Minutes with fewer than MIN_WINDOWS windows count as missing, but for what
    they are told to be.
    """
    n, minutes = told.shape
    shape = n, minutes // HOUR_MIN, QUARTERS, QUARTER_MIN
    covered = windows >= MIN_WINDOWS
    by_quarter = covered.reshape(shape)
    count = by_quarter.sum(axis=3)
    some = np.maximum(count, 1)
    hours = nothing(n * shape[1]).reshape(n, shape[1])
    hours["covered_min"] = count
    motion = np.where(covered, motion_mg, 0).reshape(shape).sum(axis=3) / some
    hours["motion_8th_mg"] = np.minimum(np.rint(motion * MOTION_STEPS), 0xFFFF)
    gravity = np.where(covered[:, :, None], gravity_mg, 0).reshape(*shape, 3).sum(axis=3) / some[..., None]
    hours["gravity_16mg"] = np.clip(np.rint(gravity / GRAVITY_STEP_MG), -128, 127)
    known = np.where(windows > 0, told, 0)
    by_hour = known.reshape(n, shape[1], HOUR_MIN)
    for name, field in TOLD_FIELDS.items():
        hours[field] = (by_hour == BEHAVIOURS.index(name)).sum(axis=2)
    changed = np.zeros(told.shape, np.bool_)
    changed[:, 1:] = (known[:, 1:] != known[:, :-1]) & (known[:, 1:] > 0) & (known[:, :-1] > 0)
    hours["changes"] = changed.reshape(by_hour.shape).sum(axis=2)
    still = covered & (motion_max_mg <= STILL_MG)
    hours["still_min"] = still.reshape(by_hour.shape).sum(axis=2)
    hours["startled"] = packed((covered & (motion_mg >= STARTLED_MG)).reshape(by_hour.shape))
    return hours


def packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return (...,) words of (..., 60) flags, flag k in bit k."""
    return np.asarray(
        (bits.astype(np.uint64) << np.arange(HOUR_MIN, dtype=np.uint64)).sum(axis=-1, dtype=np.uint64)
    )


def start_ms(number: int) -> int:
    """Return when hour `number` (since 1970) begins, UTC ms."""
    return number * HOUR_MS


def number_of(minute: int) -> int:
    """Return the hour that a minute (since 1970) belongs to."""
    return minute * MINUTE_MS // HOUR_MS
