"""The daily digest: everything that may wait, what became of what was told, and the day of the herd."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from relay.alerts import said
from relay.alerts.budget import allowed
from relay.alerts.learning import monthly
from relay.alerts.page import Line, Page, Section, page
from relay.alerts.plan import Channel
from relay.alerts.said import closed, is_again, rang
from relay.alerts.threads import DIGEST, OPEN, OVER, URGENT, WITHDRAWN, known_ms, useful_ms
from relay.alerts.times import HOUR_MS, clock_ms, farm_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from relay.alerts.evidence import Account
    from relay.alerts.plan import Planned
    from relay.alerts.said import Memory, Said
    from relay.alerts.setting import Setting
    from relay.alerts.threads import Thread
    from relay.alerts.wishes import Wishes
    from relay.alerts.words import Words
    from relay.model import Event

LATE_MS = 2 * HOUR_MS  # what is not out by then waits for the next one
OLD_MS = 72 * HOUR_MS
COLLAR_KINDS = frozenset({"collar_off", "collar_loose", "collar_turned", "battery", "sensor_fault"})
_SUNDAY = 6
_AS_USUAL_PERCENT = 5  # so much more or less chewing is no news
_NAMED = 5  # animals in a line of the herd


def due_day(setting: Setting, now_ms: int) -> date | None:
    """Return the day whose digest is due at `now_ms`, None at other times."""
    today = farm_day(now_ms, setting.farm)
    for day in (today, today - timedelta(days=1)):  # late in the evening, it may be due past midnight
        due_ms = clock_ms(day, setting.farm.digest_min, setting.farm.zone)
        if due_ms <= now_ms < due_ms + LATE_MS:
            return day
    return None


class Digest:
    """Makes the page of one person's digest of a day. Nothing that came after it was due is in it."""

    def __init__(
        self,
        setting: Setting,
        memory: Memory,
        planned: Sequence[Planned],
        wishes: Wishes,
        catalogue: Words,
        day: date,
        now_ms: int,
    ) -> None:
        self._setting, self._memory, self._planned = setting, memory, planned
        self._wishes, self._catalogue, self._now_ms = wishes, catalogue, now_ms
        self._day = day
        self._due_ms = clock_ms(day, setting.farm.digest_min, setting.farm.zone)

    def page(self) -> Page | None:
        """Return the page; None without news: a day like others is no reason for a message."""
        new = [one for one in self._planned if self._is_new(one)]
        news = [*map(self._new, new), *(line for one in self._threads() for line in self._outcome(one))]
        last_month = list(self._last_month())
        if not news and not last_month:
            return None
        diverted = sum(one.why == "budget" for one in new)
        notes = [*self._budget(diverted), *(last_month or self._this_month()), *self._cost()]
        told = {line.event.id for line in news}
        listed = [*news, *self._still(told)]
        return page(listed, list(self._herd()), notes, self._setting.farm.name, self._catalogue)

    def _threads(self) -> Iterable[Thread]:
        return {id(one.thread): one.thread for one in self._planned}.values()

    def _is_new(self, one: Planned) -> bool:
        """Whether nobody told of it, and nobody will but this digest."""
        if one.channel in {Channel.MUTED, Channel.SAME} or one.event.state == WITHDRAWN:
            return False
        if self._memory.of(one.thread.events) or not self._due_ms - OLD_MS < one.at_ms <= self._due_ms:
            return False
        return one.channel is Channel.DIGEST or is_missed(one.event, self._setting, self._now_ms)

    def _new(self, one: Planned) -> Line:
        event = one.event
        is_over = event.state == OVER and (event.over_ms or 0) <= self._due_ms
        return self._over(event) if is_over and self._has_end(event) else self._alert(event)

    def _alert(self, event: Event, step: str = said.ALERT) -> Line:
        account = self._account(event)
        facts = account.window or account.evidence
        values = {"animal": account.who, "sign": account.sign, "since": account.since}
        text = (
            self._catalogue.say("digest", "alert_with", **values, evidence=facts)
            if facts
            else self._catalogue.say("digest", "alert", **values)
        )
        is_done = event.state == OVER and not account.window
        return Line(text, Section.ENDED if is_done else _section(event), event, step)

    def _outcome(self, thread: Thread) -> Iterator[Line]:
        told = self._memory.of(thread.events)
        newest = thread.newest
        if not told:
            return
        if newest is None:
            if said.WITHDRAWN not in {one.step for one in told}:
                yield self._withdrawn(thread.root, told[0].at_ms)
        elif is_again(newest, told):
            if newest.tier != URGENT or self._is_ours(newest, told):
                yield self._alert(newest)
        elif newest.state == OVER:
            if self._is_over(newest, told) and self._has_end(newest):
                yield self._over(newest)
        elif self._is_ours(newest, told) and all(one.stage != newest.stage for one in told):
            yield self._alert(newest, f"{said.STAGE}:{newest.stage}")

    def _is_ours(self, event: Event, told: Sequence[Said]) -> bool:
        """Whether what becomes of a story is told by the digest alone."""
        if event.tier == DIGEST or self._wishes.instead(event):
            return True
        return self._wishes.is_backup and not rang(told)

    def _is_over(self, event: Event, told: Sequence[Said]) -> bool:
        if closed(told) or (event.over_ms or 0) > self._due_ms:
            return False
        return self._is_ours(event, told) or not rang(told)

    def _has_end(self, event: Event) -> bool:
        return "over" in self._catalogue.kind(event.kind, event.stage)

    def _over(self, event: Event) -> Line:
        account = self._account(event)
        text = self._catalogue.say("digest", "over", animal=account.who, over=account.over, sign=account.sign)
        return Line(text, Section.ENDED, event, said.OVER)

    def _withdrawn(self, event: Event, told_ms: int) -> Line:
        account = self._account(event)
        text = self._catalogue.say("digest", "withdrawn", animal=account.who, time=account.moment(told_ms))
        return Line(text, Section.ENDED, event, said.WITHDRAWN)

    def _still(self, told: set[str]) -> Iterator[Line]:
        """Say of what stands on, and is not among the news, that it does: of kinds whose end is told."""
        for thread in self._threads():
            event = thread.newest
            if event is None or event.state != OPEN or event.id in told or not self._has_end(event):
                continue
            if self._memory.of(thread.events) and not self._wishes.instead(event):
                account = self._account(event)
                values = {"animal": account.who, "sign": account.sign, "since": account.since}
                yield Line(self._catalogue.say("digest", "still", **values), _section(event), event)

    def _herd(self) -> Iterator[str]:
        """Say how the herd is, in as few words as possible."""
        herd = self._setting.herd
        if herd is None:
            return
        parts = [self._catalogue.say("digest", "heard", heard=herd.heard, cows=herd.cows)]
        if herd.chewing_percent is not None:
            parts.append(self._chewing(herd.chewing_percent - 100))
        yield self._catalogue.say("message", "comma").join(parts)
        in_heat = {one.event.animal_id for one in self._planned if self._is_in_heat(one.event)}
        for key, ids in (("in_heat", sorted(filter(None, in_heat))), ("due", herd.due)):
            names = [self._setting.animals[each].label for each in ids if each in self._setting.animals]
            if names:
                yield self._catalogue.say("digest", key, animals=self._named(names))

    def _is_in_heat(self, event: Event) -> bool:
        is_open = event.kind == "heat" and event.state == OPEN
        return is_open and not is_missed(event, self._setting, self._now_ms)

    def _chewing(self, more_percent: int) -> str:
        if abs(more_percent) <= _AS_USUAL_PERCENT:
            return self._catalogue.say("digest", "chews_as_usual")
        key = "chews_more" if more_percent > 0 else "chews_less"
        return self._catalogue.say("digest", key, percent=abs(more_percent))

    def _named(self, names: Sequence[str]) -> str:
        some = self._catalogue.say("message", "comma").join(names[:_NAMED])
        left = len(names) - _NAMED
        return self._catalogue.count("digest", "and_others", left, animals=some) if left > 0 else some

    def _budget(self, diverted: int) -> Iterator[str]:
        if diverted:
            limit = f"{allowed(len(self._setting.animals)):g}"
            yield self._catalogue.count("digest", "budget", diverted, limit=limit)
            if self._setting.tightened > 0:
                yield self._catalogue.say("digest", "tightened")

    def _last_month(self) -> Iterator[str]:
        """Say in the first digest of a month how often the last month's alerts were right."""
        if any(step.startswith(f"{said.DIGEST}:{self._day:%Y-%m}") for step in self._memory.steps):
            return
        first = self._day.replace(day=1)
        last = first - timedelta(days=1)
        yield from self._right(last.replace(day=1), first)

    def _this_month(self) -> Iterator[str]:
        """Say on Sundays how often this month's were right so far."""
        if self._day.weekday() == _SUNDAY:
            yield from self._right(self._day.replace(day=1), self._day)

    def _right(self, first: date, until: date) -> Iterator[str]:
        zone = self._setting.farm.zone
        right, judged = monthly(self._setting.judged, clock_ms(first, 0, zone), clock_ms(until, 0, zone))
        if judged:
            month = self._catalogue.month(first)
            yield self._catalogue.say("digest", "right", month=month, right=right, judged=judged)

    def _cost(self) -> Iterator[str]:
        if self._setting.cost and (text := self._setting.cost(self._catalogue)):
            yield text

    def _account(self, event: Event) -> Account:
        return self._setting.account(event, self._catalogue, self._now_ms)


def is_missed(event: Event, setting: Setting, now_ms: int) -> bool:
    """Whether a message about an event would serve nobody: too late, or an emergency that is over."""
    if event.tier == URGENT and event.state == OVER:
        return True
    return now_ms >= known_ms(event) + useful_ms(event, setting.kinds)


def _section(event: Event) -> Section:
    return Section.COLLARS if event.kind in COLLAR_KINDS else Section.OPEN
