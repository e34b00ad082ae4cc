"""What alarms are worth: joined with the truth of a virtual farm, counted by kind, with intervals.

An alarm is of use if, when it was told or in event time, it lies in a window (matching.toml) of something
that truly was so, whether or not that is judged; else it is false. Judged are events that began once the
scorers had LEARNING_DAYS to learn, and whose window was over before the days were. Sensitivity is of events
that could be found (`eligible`): of heats the expressed ones of cows later than 30 days in milk, of calvings
those whose due date was noted; and she wore a collar that told half of the time or more. Shares have
Wilson's interval; rates and delays that of 2,000 draws of whole herds, with replacement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from relay.scoring import kinds
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.truth import matching
from tests.bench.herd_rules import LEARNING_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from simulator.lives.happening import History
    from simulator.truth import TruthRow
    from tests.bench.alerts_alarm import Alarm
    from tests.bench.alerts_farm import Lived

LEARNT_MS = LEARNING_DAYS * DAY_MS
OF_COLLARS = ("collar_off", "collar_loose", "collar_turned", "battery")
LEAST_IN_MILK_MS = 30 * DAY_MS
LEAST_COVERED = 0.5
DRAWS = 2_000
_Z = 1.96
# What an alarm of a kind may truthfully be about although the table knows it by another name.
ALSO = {
    "off_feed": ("mastitis", "down", "dystocia", "heat_stress"),
    "no_movement": ("collar_off", "down"),
    "down": ("dystocia", "dead", "collar_off"),
    "dystocia": ("calving", "down"),
    "calving": ("dystocia",),
}
ALSO_MS = 24 * HOUR_MS


@dataclass
class Tally:
    """What one farm came to in one kind. `leads_h`: before the worst moment or the birth, where that is it.

    `also`: false alarms while something of ALSO was going on.
    """

    events: int = 0
    eligible: int = 0
    found: int = 0
    of_use: int = 0
    false: int = 0
    also: int = 0
    years: float = 0.0
    delays_h: list[float] = field(default_factory=list)
    leads_h: list[float] = field(default_factory=list)

    def plus(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def tally(
    lived: Lived,
    alarms: Iterable[Alarm],
    kind: str,
    *,
    of: Callable[[TruthRow], bool] = lambda _: True,
    stage: str | None = None,
    late_h: float = 0.0,
) -> Tally:
    """Judge the alarms of a kind, or of a stage of it. `late_h`: how much later than its window one may come.

    `of`: which rows of truth sensitivity is asked of.
    """
    told = [each for each in alarms if each.kind == kind and _counts(each, stage)]
    rows = [row for row in lived.truth if matching()[row.kind].alert == kind]
    by_animal: dict[str, list[Alarm]] = {}
    for each in sorted(told, key=lambda one: one.known_ms):
        by_animal.setdefault(_animal(lived, each), []).append(each)
    out = Tally(years=years_of(lived))
    used: set[int] = set()
    for row in rows:
        low, high = matching()[row.kind].span_ms(row)
        hits = [a for a in by_animal.get(row.animal, ()) if low <= a.known_ms <= high + late_h * HOUR_MS]
        used |= {id(a) for a in hits}
        used |= {id(a) for a in by_animal.get(row.animal, ()) if low <= a.at_ms <= high}
        if not _is_judged(lived, row, high) or not of(row):
            continue
        out.events += 1
        if not is_eligible(lived, row, high):
            continue
        out.eligible += 1
        if hits:
            out.found += 1
            out.delays_h.append((hits[0].known_ms - row.onset_ms) / HOUR_MS)
            out.leads_h += _lead(row, hits[0].known_ms)
    judged = [each for each in told if each.at_ms >= LEARNT_MS]
    false = [each for each in judged if id(each) not in used]
    out.of_use, out.false = len(judged) - len(false), len(false)
    out.also = sum(_is_of(lived, each, ALSO.get(kind, ())) for each in false)
    return out


def _counts(alarm: Alarm, stage: str | None) -> bool:
    return not alarm.is_update if stage is None else alarm.stage == stage


def _lead(row: TruthRow, known_ms: int) -> list[float]:
    worst = {"peak": row.peak_ms, "end": row.end_ms}.get(matching()[row.kind].anchor)
    return [] if worst is None else [(worst - known_ms) / HOUR_MS]


def _animal(lived: Lived, alarm: Alarm) -> str:
    return "" if alarm.cow is None else lived.numbers[alarm.cow]


def _is_of(lived: Lived, alarm: Alarm, named: Sequence[str]) -> bool:
    animal = _animal(lived, alarm)
    return any(
        row.onset_ms - ALSO_MS <= alarm.at_ms <= (row.end_ms or alarm.at_ms) + ALSO_MS
        for row in lived.truth
        if row.kind in named and row.animal in (animal, "")
    )


def is_true(lived: Lived, alarm: Alarm) -> bool:
    """Say whether an alarm is about something that was so, by event time or when it was told."""
    animal = _animal(lived, alarm)
    for row in lived.truth:
        if matching()[row.kind].alert == alarm.kind and row.animal == animal:
            low, high = matching()[row.kind].span_ms(row)
            if low <= alarm.at_ms <= high or low <= alarm.known_ms <= high:
                return True
    return False


def years_of(lived: Lived) -> float:
    """Return the cow-years that are judged."""
    return sum(max(0, end - LEARNT_MS) for end in lived.ends_ms) / DAY_MS / 365


def _is_judged(lived: Lived, row: TruthRow, high_ms: int) -> bool:
    return row.onset_ms >= LEARNT_MS and high_ms <= lived.days * DAY_MS


def is_eligible(lived: Lived, row: TruthRow, high_ms: int) -> bool:
    """Say whether an event can be found."""
    if row.animal == "":
        return True
    cow = lived.numbers.index(row.animal)
    history = lived.histories[cow]
    if row.kind == "heat":
        can = row.expressed and in_milk_ms(history, row.onset_ms) > LEAST_IN_MILK_MS
    elif row.kind in ("calving", "dystocia"):
        can = _is_due(history, row)
    else:
        can = True
    return can and (row.kind in OF_COLLARS or _is_worn(lived, cow, row, high_ms))


def in_milk_ms(history: History, at_ms: int) -> int:
    """Return the time since her last calving."""
    return at_ms - max(
        each.at_ms for each in history.life_events if each.kind == "calved" and each.at_ms <= at_ms
    )


def _is_due(history: History, row: TruthRow) -> bool:
    near_ms = 25 * DAY_MS
    return any(
        each.kind == "due" and abs(each.at_ms - row.onset_ms) < near_ms for each in history.life_events
    )


def _is_worn(lived: Lived, cow: int, row: TruthRow, high_ms: int) -> bool:
    low_ms = min(row.onset_ms, high_ms)
    end_ms = min(high_ms, lived.ends_ms[cow]) if row.kind != "dead" else high_ms
    for each in lived.histories[cow].happenings:
        if each.kind == "collar_off" and each.onset_ms < end_ms and each.end_ms > low_ms:
            return False
    span = lived.rows["covered_min"][cow, low_ms // HOUR_MS : -(-end_ms // HOUR_MS)]
    return span.size == 0 or span.sum() >= LEAST_COVERED * 15 * span.size


def wilson(part: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); 0 and 1 of none."""
    if of == 0:
        return 0.0, 1.0
    share, spread = part / of, _Z * _Z / of
    middle, half = share + spread / 2, _Z * sqrt(share * (1 - share) / of + spread / of / 4)
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def over_herds(herds: Sequence[Any], value: Callable[[Sequence[Any]], float]) -> tuple[float, float] | None:
    """Return the 95 % interval of `value` over herds drawn with replacement; None of fewer than 3."""
    if len(herds) < 3:
        return None
    draw = np.random.default_rng(0)
    drawn = draw.integers(len(herds), size=(DRAWS, len(herds)))
    values = [value([herds[at] for at in row]) for row in drawn.tolist()]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def total(tallies: Iterable[Tally]) -> Tally:
    """Return all together."""
    out = Tally()
    for each in tallies:
        out = out.plus(each)
    return out


def false_rate(tallies: Sequence[Tally]) -> float:
    """Return false alarms a cow-year."""
    return sum(each.false for each in tallies) / max(sum(each.years for each in tallies), 1e-9)


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return a quantile of hours; None of nothing."""
    return float(np.percentile(values, 100 * share)) if values else None


def summary(tallies: Sequence[Tally]) -> dict[str, Any]:
    """Return the figures of one kind over herds; a share of nothing is None."""
    all_ = total(tallies)
    told = all_.of_use + all_.false
    out: dict[str, Any] = {
        "events": all_.events,
        "eligible": all_.eligible,
        "found": all_.found,
        "sensitivity": all_.found / all_.eligible if all_.eligible else None,
        "precision": all_.of_use / told if told else None,
        "false_per_cow_year": false_rate(tallies),
        "delay_p50_h": quantile(all_.delays_h, 0.5),
        "delay_p90_h": quantile(all_.delays_h, 0.9),
        "lead_p50_h": quantile(all_.leads_h, 0.5),
        "false": all_.false,
        "false_also_per_cow_year": all_.also / max(all_.years, 1e-9),
        "cow_years": all_.years,
    }
    intervals = {
        "sensitivity": wilson(all_.found, all_.eligible) if all_.eligible else None,
        "precision": wilson(all_.of_use, told) if told else None,
        "false_per_cow_year": over_herds(tallies, false_rate),
        "delay_p50_h": _of_delays(tallies, 0.5),
        "delay_p90_h": _of_delays(tallies, 0.9),
    }
    return out | {"intervals_95": intervals}


def _of_delays(tallies: Sequence[Tally], share: float) -> tuple[float, float] | None:
    arrays = [np.array(each.delays_h) for each in tallies]
    if sum(map(len, arrays)) < 3:
        return None

    def value(drawn: Sequence[Any]) -> float:
        whole = np.concatenate(drawn)
        return float(np.percentile(whole, 100 * share)) if whole.size else float("nan")

    return over_herds(arrays, value)


def kinds_and_stages() -> dict[str, tuple[str, str | None]]:
    """Return what the table has a line for: name -> kind and, for one that goes on, its urgent stage."""
    out: dict[str, tuple[str, str | None]] = {name: (name, None) for name in kinds.all_kinds()}
    for kind, stage in (("off_feed", "acute"), ("calving", "labour")):
        if kind in out:
            out[f"{kind}_{stage}"] = (kind, stage)
    return out


def tallies(lived: Lived, profile: str = "", late_h: float = 0.0) -> dict[str, Tally]:
    """Judge a farm in every kind and urgent stage; silent heats stand apart as `heat_silent`."""
    alarms = lived.alarms[profile]
    out = {
        name: tally(lived, alarms, kind, stage=stage, late_h=late_h)
        for name, (kind, stage) in kinds_and_stages().items()
    }
    out["heat_silent"] = silent(lived, alarms)
    return out


def silent(lived: Lived, alarms: Sequence[Alarm]) -> Tally:
    """Return how many heats that nobody could see were told all the same; false alarms are not asked."""
    out = Tally(years=years_of(lived))
    for row in lived.truth:
        if row.kind != "heat" or row.expressed or row.onset_ms < LEARNT_MS:
            continue
        low, high = matching()["heat"].span_ms(row)
        out.events += 1
        cow = lived.numbers.index(row.animal)
        if in_milk_ms(lived.histories[cow], row.onset_ms) > LEAST_IN_MILK_MS:
            out.eligible += 1
            out.found += any(a.kind == "heat" and a.cow == cow and low <= a.known_ms <= high for a in alarms)
    return out
