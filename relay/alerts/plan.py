"""Which way each event goes: a message now, held, in a bundle, a line of the digest, or not at all, and why.

Pure, by event time alone, so that a benchmark can ask for a year at once and a replay decides the same. What
the relay sends (intents.py) follows it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from relay.alerts.budget import allowed
from relay.alerts.inhibition import Muting
from relay.alerts.said import Memory
from relay.alerts.threads import DIGEST, URGENT, threads, useful_ms
from relay.alerts.times import awake_ms, digest_ms, farm_day

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import date

    from relay.alerts.threads import Thread
    from relay.model import Event, Farm
    from relay.scoring.kind import Kind

BUNDLE_MOST = 6
MIDDLING = 0.5  # the strength of an event whose scorer gives none


class Channel(StrEnum):
    """How an event is told."""

    NOW = "now"
    HELD = "held"  # a message of its own at the end of the quiet hours
    BUNDLE = "bundle"  # in one message with others that are due at the same time
    DIGEST = "digest"
    MUTED = "muted"
    SAME = "same"  # it goes on from one that is told


MESSAGES = frozenset({Channel.NOW, Channel.HELD, Channel.BUNDLE})


@dataclass(frozen=True, slots=True)
class Planned:
    """What is planned for one event. `at_ms`: when it is due. `why`: one word, for logs and tests.

    `thread`: the story that it belongs to.
    """

    event: Event
    channel: Channel
    at_ms: int
    why: str
    thread: Thread

    @property
    def is_message(self) -> bool:
        """Whether a phone rings for it."""
        return self.channel in MESSAGES


def plan(
    events: Iterable[Event],
    farm: Farm,
    cows: int,
    kinds: Mapping[str, Kind],
    *,
    groups: Mapping[int, str] | None = None,
    zone: str | None = None,
    memory: Memory | None = None,
    instead: Callable[[Event], str] = lambda _: "",
) -> list[Planned]:
    """Return the way of every event but those that were withdrawn untold, ordered by time.

    groups: with whom animals are kept, by id. zone: of the person who hears it, else the farm's. memory: what
    they were told already, which is not planned anew, and when messages went out that count: those outside
    the digest that are not urgent, as many a farm-day as the budget allows; a bundle counts once. instead:
    why they want an event in the digest instead, "" if not.
    """
    known, memory = list(events), memory or Memory((), 0)
    muting = Muting(known, kinds, groups or {})
    made = _Plan(farm, kinds, zone or farm.zone, memory.first_ms(), muting, instead)
    for thread in threads(known, kinds, made.told):
        made.take(thread)
    made.spend(allowed(cows), memory.spent_ms)
    return sorted(made.planned, key=lambda one: (one.at_ms, one.event.detected_ms, one.event.id))


def strength(event: Event) -> float:
    """Return how sure the scorer is, 0..1."""
    given = event.evidence.get("strength")
    return float(given) if isinstance(given, int | float) else MIDDLING


def due_ms(event: Event, farm: Farm, zone: str, kinds: Mapping[str, Kind]) -> int:
    """Return when a message about an event is due: at once, or at the end of quiet hours if that serves."""
    return due_from_ms(event.detected_ms, event, farm, zone, kinds)


def due_from_ms(at_ms: int, event: Event, farm: Farm, zone: str, kinds: Mapping[str, Kind]) -> int:
    """Return the same for an event that comes to be known at `at_ms`."""
    if event.tier == URGENT:
        return at_ms
    awake = awake_ms(at_ms, farm, zone)
    return awake if awake < event.detected_ms + useful_ms(event, kinds) else at_ms


class _Plan:
    def __init__(
        self,
        farm: Farm,
        kinds: Mapping[str, Kind],
        zone: str,
        told: Mapping[str, int],
        muting: Muting,
        instead: Callable[[Event], str],
    ) -> None:
        self._farm, self._kinds, self._zone = farm, kinds, zone
        self._muting, self._instead = muting, instead
        self.told = told
        self.planned: list[Planned] = []
        self._due: dict[int, list[tuple[Event, Thread]]] = {}

    def take(self, thread: Thread) -> None:
        """Plan one story: its root, if that stands, else the oldest that does."""
        standing = thread.standing
        first = thread.root if thread.root in standing else next(iter(standing), None)
        for event in thread.events:
            if event.id in self.told:
                self._add(event, Channel.NOW, self.told[event.id], "told", thread)
            elif event is not first or thread.root.id in self.told:
                self._add(event, Channel.SAME, event.detected_ms, "thread", thread)
            else:
                self._first(event, thread)

    def _first(self, event: Event, thread: Thread) -> None:
        at_ms = due_ms(event, self._farm, self._zone, self._kinds)
        muter, wish = self._muting.by(event, at_ms), self._instead(event)
        if muter is not None:
            self._add(event, Channel.MUTED, event.detected_ms, muter, thread)
        elif wish:
            self._to_digest(event, event.detected_ms, wish, thread)
        elif event.tier == URGENT:
            self._add(event, Channel.NOW, at_ms, "urgent", thread)
        elif event.tier == DIGEST:
            self._to_digest(event, event.detected_ms, "digest", thread)
        else:
            self._due.setdefault(at_ms, []).append((event, thread))

    def spend(self, limit: float, spent_ms: Collection[int]) -> None:
        """Give out the budget in the order of time; the day's last message is kept for what is not weak."""
        spent: Counter[date] = Counter(farm_day(at_ms, self._farm) for at_ms in spent_ms)
        for at_ms, due in sorted(self._due.items()):
            due.sort(key=lambda one: (-strength(one[0]), one[0].detected_ms, one[0].id))
            left = limit - spent[farm_day(at_ms, self._farm)]
            is_weak = strength(due[0][0]) < MIDDLING
            if left < (2 if is_weak else 1):
                self._over_budget(at_ms, due)
            else:
                spent[farm_day(at_ms, self._farm)] += 1
                self._message(at_ms, due)

    def _over_budget(self, at_ms: int, due: list[tuple[Event, Thread]]) -> None:
        for event, thread in due:
            self._to_digest(event, at_ms, "budget", thread)

    def _message(self, at_ms: int, due: list[tuple[Event, Thread]]) -> None:
        for event, thread in due[:BUNDLE_MOST]:
            alone = Channel.HELD if at_ms > event.detected_ms else Channel.NOW
            channel = Channel.BUNDLE if len(due) > 1 else alone
            self._add(event, channel, at_ms, "quiet hours" if at_ms > event.detected_ms else "timely", thread)
        self._over_budget(at_ms, due[BUNDLE_MOST:])

    def _to_digest(self, event: Event, at_ms: int, why: str, thread: Thread) -> None:
        self._add(event, Channel.DIGEST, digest_ms(at_ms, self._farm), why, thread)

    def _add(self, event: Event, channel: Channel, at_ms: int, why: str, thread: Thread) -> None:
        self.planned.append(Planned(event, channel, at_ms, why, thread))
