"""All scorers on one set of herds, and what is said of each: the JSON of `herdbell evaluate activity`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from relay.evaluation import activity, rules
from relay.evaluation.activity import OURS, VENDOR, Figure
from relay.evaluation.activity_thresholds import chosen, trained_cows
from relay.evaluation.heat_activity import DEFAULT_THRESHOLDS
from relay.evaluation.injection import SIZES
from relay.evaluation.resampled import FIGURES, LEAST_COWS, draws, figure, found_shares, share, values
from relay.evaluation.series import PER_DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from relay.evaluation.activity import CowSums, Scored
    from relay.evaluation.injection import Place
    from relay.evaluation.series import Series

    Floats: TypeAlias = NDArray[np.float64]

_PAIRED = tuple(name for name in FIGURES if name != "intervals")
_NO_RAW = "no herd here has raw activity, which this rule needs"
_ALWAYS = (
    "No heat is confirmed here: load, return after 18-24 days and injected episodes can be measured.",
    "Every scorer stands on the days that it and the maker's index have figures of; differences are paired.",
    "Alerts within 24 h are one, for every scorer.",
    "An episode is found by an alert 4 h before to 12 h after its onset that is not there without it.",
    "Rules that speak once a day have until the midnight after.",
)
_INDEX_ONLY = (
    "Herd {}, {} cows of {}: no raw activity; ours is scored on the maker's index, and episodes are put on "
    "its scale by what was measured on herd B of bovheat-scr: ours sees no more of them than the maker does."
)
_NO_INDEX = "Herd {}: no index of the maker; one computed from raw activity stands for it."
_SOME_RAW = (
    "The published rules need raw activity and stand on herd {} only: compare them with vendor_35 by the "
    "differences, not by the rows of all herds."
)
_LEFT = "are judged here too or have no whole day to tell by, and were left out."
_NOT_CHOSEN = (
    "Herd {}: other cows have no alert of the maker to choose by; our threshold is what it was before."
)
_BOTH = "Episodes go into raw activity where there is some; the maker's index is then computed from it."


@dataclass(frozen=True, slots=True)
class Block:
    """One scorer: its figures, the maker's on the same blocks, the difference; intervals are over cows.

    `found`: for each of injection.SIZES; `episodes`: how many of each size there were; `gaps_days`: the
    intervals themselves; `why_not`: what cannot be measured, and why.
    """

    name: str
    herds: tuple[str, ...]
    cows: int
    cow_days: float
    figures: dict[str, Figure]
    vendor: dict[str, Figure]
    difference: dict[str, Figure]
    found: tuple[Figure, ...]
    found_difference: tuple[Figure, ...]
    episodes: tuple[int, ...]
    gaps_days: tuple[float, ...]
    why_not: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the keys of the issue, then what stands beside."""
        load = self.figures["alerts_per_cow_21d"].as_json()
        return {
            **_figures(self.figures),
            "injected": [
                {
                    "size": size,
                    "found": told.as_json()["value"],
                    "low": told.as_json()["low"],
                    "high": told.as_json()["high"],
                    "found_minus_vendor": less.as_json(),
                    "episodes": of,
                }
                for size, told, less, of in zip(
                    SIZES, self.found, self.found_difference, self.episodes, strict=True
                )
            ],
            "load_without_injection": load,
            "vendor_35_same_rows": _figures(self.vendor),
            "difference_from_vendor": _figures(self.difference),
            "herds": list(self.herds),
            "cows": self.cows,
            "cow_days": round(self.cow_days, 2),
            "not_measured": self.why_not,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything of one run. `blocks`: the maker's threshold and ours first."""

    blocks: tuple[Block, ...]
    left_out: dict[str, str]
    thresholds: dict[str, tuple[float, ...]]
    load_per_row: Figure
    data: tuple[str, ...]
    notes: tuple[str, ...]
    seed: int

    def block(self, name: str) -> Block:
        """Return a scorer's block; KeyError if it was left out."""
        return {each.name: each for each in self.blocks}[name]

    def as_json(self) -> dict[str, Any]:
        """Return ours on top, then every scorer by its name."""
        return {
            **self.block(OURS).as_json(),
            "scorers": {each.name: each.as_json() for each in self.blocks},
            "left_out": self.left_out,
            "thresholds": {name: list(each) for name, each in self.thresholds.items()},
            "vendor_35_alerts_per_cow_21d_of_rows": self.load_per_row.as_json(),
            "data": list(self.data),
            "notes": list(self.notes),
            "seed": self.seed,
        }


def judge(judged: Sequence[Series], train: Sequence[Series] | None, seed: int) -> Judgement:
    """Judge the maker's threshold, ours and the published rules on these herds."""
    theirs = [activity.vendor(each) for each in judged]
    placed = [activity.placed_in(each, one, seed) for each, one in zip(judged, theirs, strict=True)]
    limits = chosen(judged, train, seed)
    own = [activity.ours(each, limit) for each, limit in zip(judged, limits, strict=True)]
    blocks = [_block(VENDOR, theirs, theirs, placed, seed), _block(OURS, own, theirs, placed, seed)]
    left_out: dict[str, str] = {}
    for rule in rules.RULES:
        if rule.name == "collar_ar":
            continue  # the same scorer as bovheat_35: only what was published of it differs
        told = [activity.ruled(each, rule) for each in judged]
        here = [place for place, one in enumerate(told) if one is not None]
        if not here:
            left_out[rule.name] = _NO_RAW
            continue
        one_kind = [one for one in told if one is not None]
        blocks.append(_block(rule.name, one_kind, [theirs[i] for i in here], [placed[i] for i in here], seed))
    used = {
        f"{each.herd} ({activity.kind_of(each)})": tuple(sorted(set(limit[activity.kind_of(each)])))
        for each, limit in zip(judged, limits, strict=True)
    }
    notes = (*_notes(judged, train), *_not_chosen(used))
    return Judgement(
        tuple(blocks), left_out, used, _load_per_row(judged, theirs, seed), _described(judged), notes, seed
    )


def _block(
    name: str,
    scored: Sequence[Scored],
    beside: Sequence[Scored],
    placed: Sequence[list[list[Place]]],
    seed: int,
) -> Block:
    ours = activity.sums(scored, beside, placed)
    theirs = ours if scored is beside else activity.sums(beside, scored, placed)
    cows = len(ours.days)
    drawn = draws(cows, seed)
    own, other = values(ours, drawn), values(theirs, drawn)
    told, episodes = found_shares(ours, drawn)
    told_other, _ = found_shares(theirs, drawn)
    figures = {key: figure(own[key]) for key in FIGURES}
    return Block(
        name,
        tuple(each.series.herd for each in scored),
        cows,
        float(sum(ours.days)),
        figures,
        {key: figure(other[key]) for key in FIGURES},
        {key: figure(own[key] - other[key]) for key in _PAIRED},
        tuple(map(figure, told)),
        tuple(figure(one - two) for one, two in zip(told, told_other, strict=True)),
        tuple(episodes),
        tuple(gap for each in ours.gaps for gap in each),
        _why_not(ours, scored, figures),
    )


def _why_not(sums: CowSums, scored: Sequence[Scored], figures: dict[str, Figure]) -> dict[str, str]:
    """Say what cannot be measured on these rows."""
    why: dict[str, str] = {}
    if not sum(sums.days):
        why["alerts_per_cow_21d"] = "no block of 20 to 200 days in milk has a figure of both scorers"
    if not any(sums.gaps):
        why["share_18_24d"] = (
            "no cow has two alerts from 10 days in milk on, with figures on every day between"
        )
    if not any(sums.calved):
        known = any(each.series.calvings for each in scored)
        why["calving_auc"] = "no calving day has figures of both scorers" if known else "no calving is known"
    elif not any(sums.quiet):
        why["calving_auc"] = "no day 10 to 2 before a calving has figures of both scorers"
    if not any(sums.found):
        why["injected"] = "no cow has ten days with most of their blocks before a quiet day"
    if len(sums.days) < LEAST_COWS:
        why["intervals_95"] = f"fewer than {LEAST_COWS} cows: no interval over cows"
    else:
        few = [key for key in FIGURES if figures[key].value is not None and figures[key].low is None]
        why.update({f"{key}, its interval": f"fewer than {LEAST_COWS} cows have this figure" for key in few})
    return why


def _load_per_row(judged: Sequence[Series], theirs: Sequence[Scored], seed: int) -> Figure:
    """Return the maker's load with every row of 20-200 days in milk below, a figure in it or not."""
    rows = [each.rows & activity.within(each, activity.LOAD_DIM) for each in judged]
    told = np.concatenate([activity.in_rows(one.alerts, row) for one, row in zip(theirs, rows, strict=True)])
    days = np.concatenate([row.sum(1) / PER_DAY for row in rows])
    drawn = draws(len(days), seed)
    return figure(activity.PER_DAYS * share(drawn, told, days))


def _described(judged: Sequence[Series]) -> tuple[str, ...]:
    return tuple(
        f"herd {each.herd}: {len(each.cows)} cows, {each.raw.shape[1] // PER_DAY} days from {each.first_day}"
        f", {'' if each.has_raw else 'no '}raw activity, {'' if each.has_index else 'no '}index of the maker"
        f", {len(each.calvings)} calvings"
        for each in judged
    )


def _notes(judged: Sequence[Series], train: Sequence[Series] | None) -> tuple[str, ...]:
    without_raw = [each for each in judged if not each.has_raw]
    index_only = ", ".join(each.herd for each in without_raw)
    cows, of = (sum(len(each.cows) for each in herds) for herds in (without_raw, judged))
    no_index = ", ".join(each.herd for each in judged if not each.has_index)
    with_raw = ", ".join(each.herd for each in judged if each.has_raw)
    both = any(each.has_raw and each.has_index for each in judged)
    return (
        *_ALWAYS,
        _who_chose(judged, train),
        *([_SOME_RAW.format(with_raw)] if with_raw and index_only else ()),
        *([_INDEX_ONLY.format(index_only, cows, of)] if index_only else ()),
        *([_NO_INDEX.format(no_index)] if no_index else ()),
        *([_BOTH] if both else ()),
    )


def _not_chosen(used: dict[str, tuple[float, ...]]) -> list[str]:
    """Say which thresholds nobody's cows have chosen: the grid to choose from does not hold them."""
    given = DEFAULT_THRESHOLDS.values()
    return [_NOT_CHOSEN.format(herd) for herd, limits in used.items() if set(limits) & set(given)]


def _who_chose(judged: Sequence[Series], train: Sequence[Series] | None) -> str:
    if train is None:
        return "Our thresholds: on four fifths of the cows, at the maker's load there, for the other fifth."
    used, left = trained_cows(train, judged)
    if not used:
        return f"Our thresholds: all {left} cows of --train {_LEFT}"
    too = f"; {left} more {_LEFT}" if left else "."
    return f"Our thresholds: on {used} cows of --train, at the maker's load there{too}"


def _figures(figures: dict[str, Figure]) -> dict[str, dict[str, float | None]]:
    return {name: each.as_json() for name, each in figures.items()}
