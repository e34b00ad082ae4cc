"""Published oestrus rules on a virtual herd: what they find and tell for nothing, beside what was published.

The herd is right if its rules do no better than published. Heats that nobody could see (not expressed) are
left out of sensitivity, as in papers whose truth is what was seen and then confirmed. A day is false if a
rule tells it and no heat of hers, expressed or not, began on it or on the day before.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.evaluation.rules import PUBLISHED, RULES
from simulator.lives.happening import ENDS
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.truth import matching
from simulator.vendor import Vendor
from simulator.virtual_herd import VirtualHerd

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from relay.evaluation.rules import Rule
    from simulator.lives.happening import Happening, History

BLOCK_H = 2
LEARNING_DAYS = 20
COWS, DAYS = 50, 150
POINTS = 0.05  # better than published by more than this is too easy
LEAST_FALSE = 2 / 3  # of the published false alerts


class Counts(NamedTuple):
    """What one rule came to: expressed heats, those found, false alert days, days without heat."""

    heats: int
    found: int
    false_days: int
    days: int

    def plus(self, other: Counts) -> Counts:
        """Return both together."""
        return Counts(*(one + more for one, more in zip(self, other, strict=True)))


@dataclass
class Farm:
    """Counts of activity (cows, blocks), NaN once a cow is gone, and her heats."""

    activity: NDArray[np.float64]
    heats: list[list[Happening]] = field(default_factory=list)
    last_day: list[int] = field(default_factory=list)


def farm(path: Path | None, seed: int, cows: int = COWS, days: int = DAYS) -> Farm:
    """Live through a herd and count its activity as a vendor would."""
    herd = VirtualHerd(path, seed=seed, cows=cows, days=days)
    vendor = Vendor(herd.model, seed, cows, BLOCK_H)
    activity = np.concatenate([vendor.day(herd.day(day)) for day in range(days)], axis=1)
    return of_lives(activity, herd.histories, days)


def of_lives(activity: NDArray[np.float64], histories: Iterable[History], days: int) -> Farm:
    """Return a farm of counts (cows, blocks), which are written to, and of what happened to the cows."""
    out = Farm(activity)
    for history in histories:
        last = _last_day(history, days)
        activity[history.cow, last * 24 // BLOCK_H :] = np.nan
        out.last_day.append(last)
        out.heats.append([each for each in history.happenings if each.kind == "heat"])
    return out


def _last_day(history: History, days: int) -> int:
    return min([days, *(each.onset_ms // DAY_MS for each in history.happenings if each.kind in ENDS)])


def counted(rule: Rule, one: Farm) -> Counts:
    """Return how a rule did on a farm, once it has had LEARNING_DAYS to learn."""
    flags = rule.flags(one.activity, BLOCK_H)
    total = Counts(0, 0, 0, 0)
    for cow, (heats, last) in enumerate(zip(one.heats, one.last_day, strict=True)):
        judged = [
            each for each in heats if LEARNING_DAYS <= each.onset_ms // DAY_MS < last - 2 and each.expressed
        ]
        told_ms = (np.flatnonzero(flags[cow]) + 1) * BLOCK_H * HOUR_MS
        found = sum(_is_found(told_ms, each, rule) for each in judged)
        quiet = np.zeros(one.activity.shape[1] * BLOCK_H // 24, np.bool_)
        quiet[LEARNING_DAYS:last] = True
        for each in heats:
            quiet[each.onset_ms // DAY_MS : each.onset_ms // DAY_MS + 2] = False
        told_days = flags[cow].reshape(len(quiet), -1).any(axis=1)
        total = total.plus(Counts(len(judged), found, int((told_days & quiet).sum()), int(quiet.sum())))
    return total


def _is_found(told_ms: NDArray[np.int64], heat: Happening, rule: Rule) -> bool:
    """Say whether it was told in time; a rule that looks once a day may take a day more."""
    window = matching()["heat"]
    low = heat.onset_ms + window.from_h * HOUR_MS
    high = heat.onset_ms + (window.to_h + (24 if rule.daily else 0)) * HOUR_MS
    return bool(((low <= told_ms) & (told_ms <= high)).any())


def _of_seed(job: tuple[Path | None, int, int, int]) -> dict[str, Counts]:
    one = farm(*job)
    return {rule.name: counted(rule, one) for rule in RULES}


def figures(
    path: Path | None, seeds: Iterable[int], jobs: int, cows: int = COWS, days: int = DAYS
) -> dict[str, Any]:
    """Return for each rule sensitivity and false alert days a cow-year, and what was published."""
    work = [(path, seed, cows, days) for seed in seeds]
    with ProcessPoolExecutor(jobs) as pool:
        farms = list(pool.map(_of_seed, work))
    published = {each.rule: each for each in PUBLISHED}
    out = {}
    for rule in RULES:
        total = Counts(0, 0, 0, 0)
        for each in farms:
            total = total.plus(each[rule.name])
        known = published.get(rule.name)
        out[rule.name] = {
            "sensitivity": total.found / max(1, total.heats),
            "false_per_cow_year": 365 * total.false_days / max(1, total.days),
            "published_sensitivity": known and known.sensitivity,
            "published_false_per_cow_year": known and known.false_per_cow_year,
            "compare_sensitivity": bool(known and known.compare_sensitivity),
            "compare_false": bool(known and known.compare_specificity),
            "why_not": known.why_not if known else "",
            "heats": total.heats,
        }
    return out


def too_easy(rules: dict[str, Any]) -> list[str]:
    """Return a line for each rule that does better here than it did on real farms."""
    lines = []
    for name, rule in rules.items():
        if rule["compare_sensitivity"] and rule["sensitivity"] > rule["published_sensitivity"] + POINTS:
            lines.append(
                f"{name} finds {rule['sensitivity']:.3f}, published {rule['published_sensitivity']:.3f}"
            )
        if (
            rule["compare_false"]
            and rule["false_per_cow_year"] < LEAST_FALSE * rule["published_false_per_cow_year"]
        ):
            lines.append(
                f"{name} tells {rule['false_per_cow_year']:.1f} days for nothing, "
                f"published {rule['published_false_per_cow_year']:.1f}"
            )
    return lines


def lines(rules: dict[str, Any]) -> Iterable[str]:
    """Yield the table for a terminal."""
    yield f"  {'rule':<20} {'finds':>7} {'published':>10}   {'false days/cow-year':>20} {'published':>10}"
    for name, rule in rules.items():
        yield (
            f"  {name:<20} {rule['sensitivity']:7.3f} {_said(rule['published_sensitivity'], 3):>10}   "
            f"{rule['false_per_cow_year']:20.1f} {_said(rule['published_false_per_cow_year'], 1):>10}"
            f"{'' if rule['compare_sensitivity'] else '   sensitivity not compared'}"
        )


def _said(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
