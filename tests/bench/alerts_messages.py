"""How often a phone rings on a virtual farm, and for what: its alarms through relay/alerts/plan.py.

A message is useless if nothing of what it tells was so; a bundle is one message. Kinds that are off by
default are left out. Urgent ones are counted apart; so is the digest, which rings no phone. A day belongs to
the breeding season if it is of the third of all farm-days with most cows that may come in heat, to the quiet
one if of the third with fewest.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.alerts.plan import plan
from relay.model import Event, Farm
from relay.scoring import kinds
from simulator.plan.routine import DAY_MS
from tests.bench.alerts_judge import is_true, over_herds
from tests.bench.herd_rules import LEARNING_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.alerts_alarm import Alarm
    from tests.bench.alerts_farm import Lived

SLEEP_FROM_MIN, SLEEP_TO_MIN = 22 * 60, 6 * 60
FARM = Farm(1, "bench", "Europe/London", quiet_from_min=SLEEP_FROM_MIN, quiet_to_min=SLEEP_TO_MIN)


class Day(NamedTuple):
    """One farm-day. `cycling`: share of the cows that may come in heat."""

    cows: int
    cycling: float
    true: int = 0
    useless: int = 0
    urgent_true: int = 0
    urgent_useless: int = 0
    digest: int = 0


def days(lived: Lived, profile: str = "") -> list[Day]:
    """Return every judged day of a farm."""
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    events = {each.id: (each, alarm) for alarm in told(lived.alarms[profile]) for each in (event_of(alarm),)}
    ways = plan([event for event, _ in events.values()], FARM, lived.cows, kinds.all_kinds())
    rung: dict[tuple[int, bool], bool] = {}
    for way in ways:
        alarm = events[way.event.id][1]
        if way.is_message:
            is_urgent = alarm.tier == "urgent"
            key = way.at_ms, is_urgent
            rung[key] = rung.get(key, False) or is_true(lived, alarm)
        elif way.channel == "digest":
            counts[way.at_ms // DAY_MS]["digest"] += 1
    for (at_ms, is_urgent), was_so in rung.items():
        counts[at_ms // DAY_MS][("urgent_" if is_urgent else "") + ("true" if was_so else "useless")] += 1
    cycling = _cycling(lived)
    return [Day(lived.cows, cycling[day], **counts[day]) for day in range(LEARNING_DAYS, lived.days)]


def told(alarms: Sequence[Alarm]) -> list[Alarm]:
    """Return those of kinds that are on by default, without what only goes on from another."""
    known = kinds.all_kinds()
    return [each for each in alarms if not known[each.kind].is_experimental and not each.is_update]


def event_of(alarm: Alarm) -> Event:
    """Return an alarm as the plan takes it, found when it could be read."""
    cow = None if alarm.cow is None else alarm.cow + 1
    return Event(
        f"{alarm.kind}|{cow}|{alarm.onset_ms}|{alarm.stage}", FARM.id, cow, alarm.kind, alarm.onset_ms,
        alarm.known_ms, dict(alarm.evidence), over_ms=alarm.over_ms, tier=alarm.tier, stage=alarm.stage,
    )  # fmt: skip


def _cycling(lived: Lived) -> list[float]:
    if lived.may_heat is None:
        return [0.0] * lived.days
    by_day = lived.may_heat.reshape(lived.cows, lived.days, 24)
    return [float(each) for each in by_day.mean(axis=(0, 2))]


def figures(farms: Sequence[Sequence[Day]]) -> dict[str, Any]:
    """Return messages per 100 cows a day: of all days, of the breeding season, of a quiet one."""
    every = [day for farm in farms for day in farm]
    low, high = np.quantile([day.cycling for day in every], [1 / 3, 2 / 3])
    seasons = {
        "breeding": [day for day in every if day.cycling >= high],
        "quiet": [day for day in every if day.cycling <= low],
    }
    return {
        "messages_true_per_100_cows_day": per_100(every, "true"),
        "messages_useless_per_100_cows_day": per_100(every, "useless"),
        "messages_useless_95": over_herds(
            farms, lambda drawn: per_100([day for farm in drawn for day in farm], "useless")
        ),
        "messages": {
            name: {what: per_100(some, what) for what in Day._fields[2:]}
            | {"share_of_cows_that_may_come_in_heat": float(np.mean([day.cycling for day in some]))}
            for name, some in {"all": every, **seasons}.items()
        },
        "messages_most_a_day": max(day.true + day.useless for day in every),
    }


def per_100(some: Sequence[Day], what: str) -> float:
    """Return messages a day, for 100 cows."""
    return 100 * sum(getattr(day, what) for day in some) / max(1, sum(day.cows for day in some))
