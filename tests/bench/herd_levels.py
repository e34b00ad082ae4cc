"""Whether the three resolutions of a virtual herd agree: samples into windows, windows into minutes.

Samples go through chip model, bus, driver and window kernel and are compared with the windows that the herd
draws directly over the same hours; minutes made of such windows with the minutes that it draws directly.
A ratio is that of the finer resolution over the direct generator; `worst_median_loss` is how far the worst is
from 1, but that shares less than a step of their byte apart count as the same. `worst_budget_difference` is
the greatest difference of shares of the time. Functions of a herd; nothing is printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from herdcore.vocabulary import BEHAVIOURS, WINDOW_MS
from simulator.cow import Cow
from simulator.minutes import MINUTES
from simulator.neck.look_model import CELL_MS
from simulator.neck.windows import decoded
from simulator.plan.routine import DAY_MS, MINUTE_MS
from simulator.plan.states import (
    BEHAVIOUR_OF_STATE,
    EAT,
    LIE,
    LIE_RUMINATE,
    MILK,
    STAND,
    STAND_RUMINATE,
    WALK,
)
from simulator.recorded_windows import windows_of
from tests.bench.herd_told import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from simulator.virtual_herd import VirtualHerd

    Doubles = NDArray[np.float64]
    Parts = Mapping[str, Doubles]

HOUR_MS = 60 * MINUTE_MS
FROM_HOUR = 5  # samples begin here: cows eat and walk soon after
ENOUGH_WINDOWS, ENOUGH_MINUTES = 300, 200
# What a class of truth is made of.
CLASSES = {
    "lying idle": (LIE,),
    "ruminating": (LIE_RUMINATE, STAND_RUMINATE),
    "standing": (STAND, MILK),
    "eating": (EAT,),
    "walking": (WALK,),
}
_SHARE_STEP = 1 / 255


MOTION = ("deviation", "difference", "crossings", "motion")  # what scorers and classifiers lean on


class Sent(NamedTuple):
    """Windows of one cow: `start_ms` (n,) since the start of the simulation, `records` (n, 14)."""

    start_ms: NDArray[np.int64]
    records: NDArray[np.uint8]


class _Later:
    """A motion whose clock begins at `from_us` of another; implements Motion."""

    def __init__(self, cow: Cow, from_us: int) -> None:
        self._cow, self._from_us = cow, from_us

    def at(self, times_us: NDArray[np.int64]) -> Doubles:
        return self._cow.at(times_us + self._from_us)


def sampled(herd: VirtualHerd, cow: int, from_ms: int, length_ms: int) -> Sent:
    """Return what a collar makes of the samples of a stretch of time."""
    motion = _Later(Cow(herd, cow), from_ms * 1000)
    pairs = list(windows_of(motion, length_ms * 1000, seed=herd.seed + cow))
    start_ms = np.array([start_ms for start_ms, _ in pairs], np.int64)
    records = np.frombuffer(b"".join(record for _, record in pairs), np.uint8)
    return Sent(start_ms + from_ms, records.reshape(-1, 14))


def drawn(herd: VirtualHerd, cow: int, from_ms: int, length_ms: int) -> Sent:
    """Return the herd's own windows of a stretch of time, all of it."""
    days = range(from_ms // DAY_MS, (from_ms + length_ms - 1) // DAY_MS + 1)
    records = np.concatenate([herd.windows(cow, day) for day in days])
    start_ms = days[0] * DAY_MS + np.arange(len(records)) * CELL_MS
    within = (start_ms >= from_ms) & (start_ms + CELL_MS <= from_ms + length_ms)
    return Sent(start_ms[within], records[within])


def told(sent: Sent) -> NDArray[np.uint8]:
    """Return what a relay tells the minutes of a cow's windows to be: places in BEHAVIOURS."""
    known = labelled(sent.start_ms, sent.records).values()
    return np.array([each.behaviour for each in known], np.uint8)


def _states(herd: VirtualHerd, cow: int, start_ms: NDArray[np.int64], length_ms: int) -> NDArray[np.int64]:
    """Return the true state of stretches of time, -1 where it changes within."""
    out = np.full(len(start_ms), -1)
    for day in np.unique(start_ms // DAY_MS).tolist():
        begin_ms, state = herd.day(day).of(cow)
        rows = np.flatnonzero(start_ms // DAY_MS == day)
        first, last = (
            np.searchsorted(begin_ms, start_ms[rows] + ms, "right") - 1 for ms in (0, length_ms - 1)
        )
        out[rows] = np.where(first == last, state[first].astype(np.int64), -1)
    return out


def _numbers(records: NDArray[np.uint8]) -> dict[str, Doubles]:
    """Return by name (n,) what windows say that does not hang on how a collar sits."""
    cells = decoded(records)
    return {
        "deviation": cells.deviation_mg.sum(axis=1, dtype=float),
        "difference": cells.difference_mg.sum(axis=1, dtype=float),
        "crossings": cells.crossings.sum(axis=1, dtype=float),
        "band_low": cells.bands[:, 0].astype(float),
        "band_high": cells.bands[:, 1].astype(float),
    }


def samples_to_windows(herd: VirtualHerd, cows: int, hours: float) -> dict[str, Any]:
    """Compare windows made of samples with windows drawn, of the first cows, from FROM_HOUR of day 0 on.

    Each cow's collar begins elsewhere in a cell: nothing tells it where the herd's cells begin.
    """
    from_ms, length_ms = FROM_HOUR * HOUR_MS, round(hours * HOUR_MS)
    found = []
    for make in (sampled, drawn):
        sent = [make(herd, cow, from_ms + cow * CELL_MS // cows, length_ms) for cow in range(cows)]
        state = np.concatenate([_states(herd, cow, s.start_ms, WINDOW_MS) for cow, s in enumerate(sent)])
        numbers = _numbers(np.concatenate([each.records for each in sent]))
        found.append((state, numbers, np.concatenate([told(each) for each in sent])))
    (one, fine, fine_told), (other, direct, direct_told) = found
    classes = _classes((one, fine), (other, direct))
    budgets = {"told": _budget(fine_told, direct_told, BEHAVIOURS)}
    return summed("windows", ENOUGH_WINDOWS, classes, budgets)


def _classes(
    fine: tuple[NDArray[np.int64], Parts], direct: tuple[NDArray[np.int64], Parts]
) -> dict[str, dict[str, Any]]:
    """Return for each class the rows of both, and for each number both medians and their ratio."""
    out: dict[str, dict[str, Any]] = {}
    for name, states in CLASSES.items():
        rows, other = (np.isin(state, states) for state, _ in (fine, direct))
        out[name] = {"count": [int(rows.sum()), int(other.sum())], "ratios": {}, "medians": {}}
        if not rows.any() or not other.any():
            continue
        for number in fine[1]:
            pair = [float(np.median(side[number][own])) for (_, side), own in ((fine, rows), (direct, other))]
            out[name]["medians"][number] = pair
            out[name]["ratios"][number] = pair[0] / max(pair[1], 1e-9)
    return out


def _budget(
    fine: NDArray[np.integer[Any]], direct: NDArray[np.integer[Any]], names: tuple[str, ...]
) -> dict[str, list[float]]:
    """Return for each name its share of both."""
    pairs = zip(
        *(np.bincount(each, minlength=len(names)) / len(each) for each in (fine, direct)), strict=True
    )
    return {name: [float(one), float(other)] for name, (one, other) in zip(names, pairs, strict=True)}


def summed(
    of: str, enough: int, classes: dict[str, dict[str, Any]], budgets: dict[str, dict[str, list[float]]]
) -> dict[str, Any]:
    """Return all that was found, and the two numbers that sum it up; classes with fewer rows do not count.

    Where none counts nothing was compared, and the losses are nan, which no limit holds.
    """
    counted = [each for each in classes.values() if min(each["count"]) >= enough]
    losses = [(_loss(number, *pair), number) for each in counted for number, pair in each["medians"].items()]
    differences = [abs(one - other) for each in budgets.values() for one, other in each.values()]
    return {
        "of": of,
        "enough": enough,
        "classes": classes,
        "budgets": budgets,
        "worst_median_loss": max(losses, default=(np.nan, ""))[0],
        "worst_motion_loss": max((loss for loss, number in losses if number in MOTION), default=np.nan),
        "worst_budget_difference": max(differences),
    }


def _loss(number: str, one: float, other: float) -> float:
    """Return how far two medians lie apart, as a part of the second; shares beyond a step of their byte."""
    gap = abs(one - other) - (_SHARE_STEP if number.startswith("band") else 0.0)
    return max(gap, 0.0) / max(other, 1e-9)


def windows_to_minutes(herd: VirtualHerd, cows: int, days: int) -> dict[str, Any]:
    """Compare minutes made of the herd's windows with minutes drawn, of the first cows and days."""
    sides: list[list[Any]] = [[], []]
    off_mg = []
    for day in range(days):
        minutes = herd.minutes(day)
        begin_ms = day * DAY_MS + np.arange(MINUTES) * MINUTE_MS
        for cow in range(cows):
            state = _states(herd, cow, begin_ms, MINUTE_MS)
            made = _minutes_of(herd, cow, day)
            known = minutes.windows[cow] > 0
            sides[0].append((state, made))
            drawn_state = minutes.state[cow].astype(np.int64)
            steady = known & (state >= 0)
            direct = {"motion": minutes.motion_mg[cow], "motion_max": minutes.motion_max_mg[cow]}
            sides[1].append((np.where(steady, drawn_state, -1), direct))
            off_mg += _gravity_off(state, made["gravity"], minutes.gravity_mg[cow])
    fine, direct = (
        (
            np.concatenate([state for state, _ in side]),
            {n: np.concatenate([numbers[n] for _, numbers in side]) for n in ("motion", "motion_max")},
        )
        for side in sides
    )
    budgets = {"state": _state_budget(fine[0], direct[0]), "told": _told_budget(herd, cows, days)}
    found = summed("minutes", ENOUGH_MINUTES, _classes(fine, direct), budgets)
    return {**found, "gravity_off_mg": float(np.median(off_mg))}


def _minutes_of(herd: VirtualHerd, cow: int, day: int) -> dict[str, Doubles]:
    """Return (1440,) motion, its maximum and (1440, 3) gravity of the windows that begin in each minute."""
    cells = decoded(herd.windows(cow, day))
    first = -(-np.arange(MINUTES) * MINUTE_MS // CELL_MS)
    motion = cells.deviation_mg.sum(axis=1, dtype=float)
    count = np.diff(np.append(first, len(motion)))
    return {
        "motion": np.add.reduceat(motion, first) / count,
        "motion_max": np.maximum.reduceat(motion, first),
        "gravity": np.add.reduceat(cells.gravity_mg.astype(float), first) / count[:, None],
    }


def _gravity_off(state: NDArray[np.int64], one: Doubles, other: NDArray[np.float32]) -> list[float]:
    """Return for each class of a cow's day how far the middle directions lie apart, mg."""
    rows = [np.isin(state, states) for states in CLASSES.values()]
    gaps = [np.median(one[own], axis=0) - np.median(other[own], axis=0) for own in rows if own.sum() >= 10]
    return [float(np.linalg.norm(gap)) for gap in gaps]


def _state_budget(fine: NDArray[np.int64], direct: NDArray[np.int64]) -> dict[str, list[float]]:
    places = np.array(BEHAVIOUR_OF_STATE)
    return _budget(places[fine[fine >= 0]], places[direct[direct >= 0]], BEHAVIOURS)


def _told_budget(herd: VirtualHerd, cows: int, days: int) -> dict[str, list[float]]:
    """Compare what a relay tells of the windows with what the drawn minutes say that it would."""
    by_relay = [told(drawn(herd, cow, 0, days * DAY_MS)) for cow in range(cows)]
    by_draw = []
    for day in range(days):
        minutes = herd.minutes(day)
        by_draw += [minutes.told[cow][minutes.windows[cow] > 0] for cow in range(cows)]
    return _budget(np.concatenate(by_relay), np.concatenate(by_draw), BEHAVIOURS)


def lines(found: dict[str, Any]) -> str:
    """Return a table for a terminal of what either comparison found."""
    numbers = list(dict.fromkeys(name for each in found["classes"].values() for name in each["ratios"]))
    rows = [f"{'class':<12}{found['of']:>9}" + "".join(f"{name:>12}" for name in numbers)]
    for name, each in found["classes"].items():
        told_of = "".join(f"{each['ratios'][number]:12.3f}" for number in numbers if number in each["ratios"])
        few = "" if min(each["count"]) >= found["enough"] else "  (too few to count)"
        rows.append(f"{name:<12}{min(each['count']):>9}{told_of}{few}")
    for kind, budget in found["budgets"].items():
        shares = [f"{name} {100 * one:.1f}/{100 * other:.1f}" for name, (one, other) in budget.items()]
        rows.append(f"budget by {kind}, made/drawn %: " + ", ".join(shares))
    rows.append(
        f"worst median loss {found['worst_median_loss']:.3f}, "
        f"worst budget difference {found['worst_budget_difference']:.3f}"
    )
    return "\n".join(rows)
