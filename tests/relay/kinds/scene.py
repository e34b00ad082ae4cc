"""Hours made by hand, and what one kind of alert says of them.

Animals are 0, 1, ... in one group; the first hour is FIRST, midnight UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relay.model import LifeEvent
from relay.scoring import baseline, herd, hours
from relay.scoring.herd import Facts
from relay.scoring.lives import Lives

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from relay.scoring.findings import Found, Over
    from relay.scoring.hours import Hours
    from relay.scoring.view import View

FIRST = 20_000 * 24
DAY_H = 24
_UPRIGHT = 0, 0, 62
_PLAIN = {
    "covered_min": 15,
    "motion_8th_mg": 60 * hours.MOTION_STEPS,
    "rest_min": 24,
    "ruminate_min": 20,
    "eat_min": 12,
    "walk_min": 3,
    "other_min": 1,
    "changes": 8,
    "temperature_c": 15,
    "days_left": 300,
}


def hour(n: int = 1, **fields: Any) -> Hours:
    """Return a plain hour of `n` animals, but for `fields` (one value each, or one by animal)."""
    made = hours.nothing(n)
    made["gravity_16mg"] = _UPRIGHT
    for name, value in (_PLAIN | fields).items():
        wanted = np.asarray(value)
        missing = [1] * (made[name].ndim - wanted.ndim)
        made[name] = wanted.reshape(*wanted.shape[:1], *missing, *wanted.shape[1:]) if wanted.ndim else wanted
    return made


def some(count: int, n: int = 1, **fields: Any) -> list[Hours]:
    """Return `count` hours that are alike."""
    return [hour(n, **fields) for _ in range(count)]


def days(count: int, n: int = 1, **fields: Any) -> list[Hours]:
    """Return the hours of `count` days that are alike."""
    return some(count * DAY_H, n, **fields)


def life(animal: int, kind: str, day: float, noted: float | None = None) -> LifeEvent:
    """Return what was recorded of an animal `day` days after FIRST; known then, or from day `noted` on."""
    at_ms = hours.start_ms(FIRST) + round(day * hours.HOUR_MS * DAY_H)
    noted_ms = at_ms if noted is None else hours.start_ms(FIRST) + round(noted * hours.HOUR_MS * DAY_H)
    return LifeEvent(animal, kind, at_ms, noted_ms)


def facts(
    n: int = 1,
    events: Iterable[LifeEvent] = (),
    *,
    group: Sequence[int] | None = None,
    thi: Mapping[int, float] | None = None,
    offsets: Mapping[str, Any] | None = None,
) -> Facts:
    """Return what a farm of `n` animals says; `thi` by hours after FIRST."""
    animals = tuple(range(n))
    return Facts(
        animals,
        np.zeros(n, np.intp) if group is None else np.array(group, np.intp),
        Lives(animals, events),
        thi={FIRST + at: value for at, value in (thi or {}).items()},
        offsets=offsets or {},
    )


def through(kind: Any, told: Sequence[Hours], said: Facts | None = None) -> list[Found | Over]:
    """Return what a kind (its module) says of the hours from FIRST on, in order."""
    state, out = kind.start(len(told[0])), []
    for shown in views(told, said or facts(len(told[0]))):
        state, found = kind.step(state, shown)
        out += found
    return out


def peeked(kind: Any, told: Sequence[Hours], said: Facts | None = None) -> list[Found | Over]:
    """Return what a kind says of the last hour while it is open."""
    state = kind.start(len(told[0]))
    *whole, last = views(told, said or facts(len(told[0])))
    for shown in whole:
        state, _ = kind.step(state, shown)
    found: list[Found | Over] = kind.peek(state, last)
    return found


def views(told: Sequence[Hours], said: Facts) -> Iterator[View]:
    """Yield what scorers are shown of the hours from FIRST on."""
    usual = baseline.start(len(said.animals))
    for number, rows in enumerate(told, FIRST):
        shown, usual = herd.look(usual, number, rows, said)
        yield shown


def hours_after(at_ms: int) -> float:
    """Return how many hours after FIRST a time is."""
    return at_ms / hours.HOUR_MS - FIRST
