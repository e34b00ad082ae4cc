"""The daily digest: everything that may wait, one line each, and what became of what was told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from relay.alerts import said
from relay.alerts.budget import allowed
from relay.alerts.learning import monthly
from relay.alerts.plan import Channel
from relay.alerts.said import closed, is_again
from relay.alerts.threads import DIGEST, OVER, URGENT, WITHDRAWN, known_ms, useful_ms
from relay.alerts.times import HOUR_MS, clock_ms, farm_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.alerts.evidence import Account
    from relay.alerts.plan import Planned
    from relay.alerts.said import Memory, Said
    from relay.alerts.setting import Setting
    from relay.alerts.threads import Thread
    from relay.alerts.words import Words
    from relay.model import Event

LATE_MS = 2 * HOUR_MS  # what is not out by then waits for the next one
OLD_MS = 72 * HOUR_MS
ROOM = 600  # characters for the lines; the notes and the template take the rest of 1,024


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and the event and step that it tells; None if it is about the messages themselves."""

    text: str
    event: Event | None = None
    step: str = ""


def due_day(setting: Setting, now_ms: int) -> date | None:
    """Return the day whose digest is due at `now_ms`, None at other times of the day."""
    day = farm_day(now_ms, setting.farm)
    due_ms = clock_ms(day, setting.farm.digest_min, setting.farm.zone)
    return day if due_ms <= now_ms < due_ms + LATE_MS else None


class Digest:
    """Finds the lines of one person's digest. `due_ms`: nothing that came after it is in it."""

    def __init__(
        self, setting: Setting, memory: Memory, planned: Sequence[Planned], catalogue: Words, now_ms: int
    ) -> None:
        self._setting, self._memory, self._planned = setting, memory, planned
        self._catalogue, self._now_ms = catalogue, now_ms
        self._day = farm_day(now_ms, setting.farm)
        self._due_ms = clock_ms(self._day, setting.farm.digest_min, setting.farm.zone)

    def lines(self) -> list[Line]:
        """Return the lines that fit, the alerts first; what does not fit waits a day. None without news."""
        diverted, kept, room = 0, [], ROOM
        notes = [Line(text) for text in self._monthly()]
        for line, why in self._news():
            room -= len(line.text) + 2
            if room < 0:
                break
            kept.append(line)
            diverted += why == "budget"
        return [*kept, *notes, *self._notes(diverted)] if kept or notes else []

    def _news(self) -> Iterator[tuple[Line, str]]:
        for one in self._planned:
            if self._is_new(one):
                yield self._alert(one.event), one.why
        for thread in {id(one.thread): one.thread for one in self._planned}.values():
            yield from ((line, "") for line in self._outcome(thread))

    def _is_new(self, one: Planned) -> bool:
        """Whether nobody told of it, and nobody will but this digest."""
        if one.channel in {Channel.MUTED, Channel.SAME} or one.event.state == WITHDRAWN:
            return False
        if self._memory.of(one.thread.events) or not self._due_ms - OLD_MS < one.at_ms <= self._due_ms:
            return False
        return one.channel is Channel.DIGEST or is_missed(one.event, self._setting, self._now_ms)

    def _alert(self, event: Event, step: str = said.ALERT) -> Line:
        account = self._account(event)
        facts = account.window or account.evidence
        values = {"animal": account.who, "sign": account.sign, "since": account.since}
        text = (
            self._catalogue.say("digest", "alert_with", **values, evidence=facts)
            if facts
            else self._catalogue.say("digest", "alert", **values)
        )
        return Line(text, event, step)

    def _outcome(self, thread: Thread) -> Iterator[Line]:
        told = self._memory.of(thread.events)
        newest, steps = thread.newest, {one.step for one in told}
        if not told:
            return
        if newest is None:
            if said.WITHDRAWN not in steps:
                yield self._withdrawn(thread.root, told[0].at_ms)
        elif is_again(newest, told):
            if newest.tier != URGENT:
                yield self._alert(newest)
        elif self._is_over(newest, told) and not any(one.tier == URGENT for one in told):
            yield from self._over(newest)
        elif (
            newest.tier == DIGEST and newest.state != OVER and all(one.stage != newest.stage for one in told)
        ):
            yield self._alert(newest, f"{said.STAGE}:{newest.stage}")

    def _is_over(self, event: Event, told: Sequence[Said]) -> bool:
        return event.state == OVER and not closed(told) and (event.over_ms or 0) <= self._due_ms

    def _over(self, event: Event) -> Iterator[Line]:
        if "over" in self._catalogue.kind(event.kind, event.stage):
            account = self._account(event)
            text = self._catalogue.say(
                "digest", "over", animal=account.who, over=account.over, sign=account.sign
            )
            yield Line(text, event, said.OVER)

    def _withdrawn(self, event: Event, told_ms: int) -> Line:
        account = self._account(event)
        text = self._catalogue.say("digest", "withdrawn", animal=account.who, time=account.moment(told_ms))
        return Line(text, event, said.WITHDRAWN)

    def _notes(self, diverted: int) -> Iterator[Line]:
        if diverted:
            limit = f"{allowed(len(self._setting.animals)):g}"
            yield Line(self._catalogue.count("digest", "budget", diverted, limit=limit))
            if self._setting.tightened > 0:
                yield Line(self._catalogue.say("digest", "tightened"))

    def _monthly(self) -> Iterator[str]:
        """Say in the first digest of a month how often the last month's alerts were right."""
        if any(step.startswith(f"{said.DIGEST}:{self._day:%Y-%m}") for step in self._memory.steps):
            return
        last = self._day.replace(day=1) - timedelta(days=1)
        farm = self._setting.farm
        first_ms = clock_ms(last.replace(day=1), 0, farm.zone)
        right, judged = monthly(
            self._setting.judged, first_ms, clock_ms(self._day.replace(day=1), 0, farm.zone)
        )
        if judged:
            month = self._catalogue.month(last)
            yield self._catalogue.say("digest", "right", month=month, right=right, judged=judged)

    def _account(self, event: Event) -> Account:
        return self._setting.account(event, self._catalogue, self._now_ms)


def is_missed(event: Event, setting: Setting, now_ms: int) -> bool:
    """Whether a message about an event would serve nobody: too late, or an emergency that is over."""
    if event.tier == URGENT and event.state == OVER:
        return True
    return now_ms >= known_ms(event) + useful_ms(event, setting.kinds)
