"""Who is told what, now. Pure but for the catalogues it reads once; `now_ms` is handed in.

Nothing is queued ahead: what quiet hours or the digest hold back is told by the call that comes at
`next_ms`. By then it may be over, withdrawn, or one of several that go out as one message.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from relay.alerts import said
from relay.alerts.budget import allowed
from relay.alerts.digest import Digest, due_day, is_missed
from relay.alerts.ids import message_id
from relay.alerts.plan import due_from_ms, plan, strength
from relay.alerts.said import Memory, about, closed, is_again
from relay.alerts.threads import CALM_MS, DIGEST, OVER, URGENT, known_ms, useful_ms
from relay.alerts.times import HOUR_MS, awake_ms, farm_day, next_clock_ms
from relay.alerts.words import words
from relay.model import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from relay.alerts.digest import Line
    from relay.alerts.evidence import Account
    from relay.alerts.plan import Planned
    from relay.alerts.said import Said
    from relay.alerts.setting import Setting
    from relay.alerts.threads import Thread
    from relay.model import Event, Person

HEARERS = frozenset({"owner", "worker"})
DIGEST_LIVES_MS = 12 * HOUR_MS
OVER_LIVES_MS = 24 * HOUR_MS
STORM = 3  # so many urgent alerts of one kind at once are one message: rather the farm than its cows
UP_MS = 3 * HOUR_MS  # who was woken is told within that time that all is well, even at night


def messages(
    events: Sequence[Event], setting: Setting, sent: Sequence[Message], now_ms: int
) -> list[Message]:
    """Return what every owner and worker has to be told now; the same again gives the same ids.

    events: those of the farm of the last week, also the withdrawn ones. sent: its messages of the last 32
    days, whatever became of them. An event of a kind or animal that is not there any more is told by nobody.
    Raises KeyError for a kind without words.
    """
    known = [event for event in events if _is_known(event, setting)]
    return [
        message
        for person in setting.people
        if person.role in HEARERS
        for message in _Telling(known, setting, sent, person, now_ms).all()
    ]


def next_ms(events: Iterable[Event], setting: Setting, now_ms: int) -> int:
    """Return when to call `messages` again if nothing happens before: a digest, an awakening, a recovery."""
    farm = setting.farm
    wakes = [
        next_clock_ms(now_ms, farm.quiet_to_min, person.zone)
        for person in setting.people
        if person.role in HEARERS and farm.quiet_to_min is not None
    ]
    calm = [one.over_ms + CALM_MS for one in events if one.over_ms is not None]
    later = [at_ms for at_ms in calm if at_ms > now_ms]
    return min([next_clock_ms(now_ms, farm.digest_min, farm.zone), *wakes, *later])


def _is_known(event: Event, setting: Setting) -> bool:
    return event.kind in setting.kinds and (event.animal_id is None or event.animal_id in setting.animals)


class _Telling:
    """What one person has to be told."""

    def __init__(
        self, events: Sequence[Event], setting: Setting, sent: Sequence[Message], person: Person, now_ms: int
    ) -> None:
        self._setting, self._person, self._now_ms = setting, person, now_ms
        self._catalogue = words(person.language)
        self._memory = Memory(sent, person.id)
        self._planned = plan(
            events,
            setting.farm,
            len(setting.animals),
            setting.kinds,
            groups=setting.groups,
            zone=person.zone,
            told=self._memory.first_ms(),
            spent_ms=self._memory.spent_ms,
        )

    def all(self) -> list[Message]:
        """Return the alerts, what became of earlier ones, and the digest if it is due."""
        return [*self._alerts(), *self._later(), *self._digest()]

    def _alerts(self) -> list[Message]:
        due = [one.event for one in self._planned if self._is_due(one)]
        timely = [event for event in due if event.tier != URGENT]
        urgent: dict[str, list[Event]] = {}
        for event in due:
            if event.tier == URGENT:
                urgent.setdefault(event.kind, []).append(event)
        storms = [self._together(events, STORM) for events in urgent.values()]
        return [message for told in (*storms, self._together(timely, 2)) for message in told]

    def _together(self, events: Sequence[Event], least: int) -> list[Message]:
        """Return a message for each event, or from `least` of them on one that lists all, strongest first."""
        if len(events) < least:
            return [self._alert(event) for event in events]
        return [self._bundle(sorted(events, key=lambda one: -strength(one)))]

    def _is_due(self, one: Planned) -> bool:
        if not one.is_message or one.at_ms > self._now_ms or self._memory.of(one.thread.events):
            return False
        if is_missed(one.event, self._setting, self._now_ms) or self._is_beyond_today(one):
            return False
        setting = self._setting
        due_ms = due_from_ms(self._now_ms, one.event, setting.farm, self._person.zone, setting.kinds)
        return due_ms <= self._now_ms

    def _is_beyond_today(self, one: Planned) -> bool:
        """Whether a message that was due on an earlier day, whose data came late, is too many for today."""
        setting = self._setting
        today = farm_day(self._now_ms, setting.farm)
        if one.event.tier == URGENT or farm_day(one.at_ms, setting.farm) == today:
            return False
        spent = sum(farm_day(at_ms, setting.farm) == today for at_ms in self._memory.spent_ms)
        return allowed(len(setting.animals)) - spent < 1

    def _alert(self, event: Event, step: str = said.ALERT, root: Event | None = None) -> Message:
        account = self._account(event)
        since_ms = known_ms(event) if step == said.ALERT else self._now_ms
        body = {**_template(account), "text": account.text(), "about": [about(event, step)]}
        expires_ms = since_ms + useful_ms(event, self._setting.kinds)
        return self._message((root or event).id, step, body, expires_ms, event)

    def _bundle(self, events: Sequence[Event]) -> Message:
        accounts = [self._account(event) for event in events]
        entries = [
            f"{account.who}: {account.sign}{f' ({account.window})' if account.window else ''}"
            for account in accounts
        ]
        params = {
            "farm": self._setting.farm.name,
            "count": str(len(events)),
            "list": "; ".join(entries),
        }
        body = {
            **self._body("several_alerts", params),
            "text": "\n\n".join(account.text() for account in accounts),
            "about": [about(event, said.ALERT) for event in events],
        }
        useful_until_ms = max(known_ms(event) + useful_ms(event, self._setting.kinds) for event in events)
        step = f"{said.BUNDLE}:{events[0].id}"
        message = self._message(events[0].id, step, body, useful_until_ms)
        return replace(message, critical=any(event.tier == URGENT for event in events))

    def _later(self) -> list[Message]:
        threads = {id(one.thread): one.thread for one in self._planned}.values()
        return [message for thread in threads for message in self._outcome(thread)]

    def _outcome(self, thread: Thread) -> list[Message]:
        """Return the update if the story went further, or that an urgent one has come to a good end."""
        told, newest = self._memory.of(thread.events), thread.newest
        if not told or newest is None:
            return []
        if is_again(newest, told):
            is_useful = newest.tier == URGENT and not is_missed(newest, self._setting, self._now_ms)
            return [self._alert(newest)] if is_useful else []
        if newest.state == OVER:
            was_urgent = any(one.tier == URGENT for one in told)
            is_calm = not closed(told) and self._is_calm(newest, told[-1].at_ms)
            was_over = any(one.step == said.OVER for one in told)
            subject = newest if was_over else thread.root
            return [self._over(newest, subject)] if was_urgent and is_calm else []
        step = f"{said.STAGE}:{newest.stage or newest.tier}"
        return [self._alert(newest, step, thread.root)] if self._has_risen(newest, told) else []

    def _has_risen(self, event: Event, told: Sequence[Said]) -> bool:
        """Whether the event is at a stage that was not told, and it is time to tell it."""
        if event.tier == DIGEST or any((one.tier, one.stage) == (event.tier, event.stage) for one in told):
            return False
        if any(one.tier == URGENT for one in told) and event.tier != URGENT:
            return False
        return event.tier == URGENT or self._is_awake()

    def _is_awake(self) -> bool:
        return awake_ms(self._now_ms, self._setting.farm, self._person.zone) == self._now_ms

    def _is_calm(self, event: Event, told_ms: int) -> bool:
        """Whether it is time to say that all is well: after an hour, and to nobody who sleeps."""
        calm_ms = (event.over_ms or 0) + CALM_MS
        if not calm_ms <= self._now_ms < calm_ms + OVER_LIVES_MS:
            return False
        if "over" not in self._catalogue.kind(event.kind, event.stage):
            return False
        return self._is_awake() or self._now_ms - told_ms <= UP_MS

    def _over(self, event: Event, subject: Event) -> Message:
        account = self._account(event)
        params = {
            "animal": account.who,
            "farm": self._setting.farm.name,
            "sign": account.sign,
            "since": account.moment(event.over_ms or self._now_ms),
        }
        text = self._catalogue.say("message", "back_to_normal", animal=account.who)
        body = {**self._body("back_to_normal", params), "text": text, "about": [about(event, said.OVER)]}
        return self._message(subject.id, said.OVER, body, self._now_ms + OVER_LIVES_MS)

    def _digest(self) -> list[Message]:
        day = due_day(self._setting, self._now_ms)
        if day is None or f"{said.DIGEST}:{day}" in self._memory.steps:
            return []
        lines = Digest(self._setting, self._memory, self._planned, self._catalogue, self._now_ms).lines()
        return [self._digest_of(day, lines)] if lines else []

    def _digest_of(self, day: date, lines: Sequence[Line]) -> Message:
        farm = self._setting.farm
        texts = [line.text for line in lines]
        params = {"farm": farm.name, "date": self._catalogue.day(day), "list": "; ".join(texts)}
        body = {
            **self._body("daily_digest", params),
            "text": "\n".join(texts),
            "about": [about(line.event, line.step) for line in lines if line.event],
        }
        expires_ms = self._now_ms + DIGEST_LIVES_MS
        return self._message(f"farm {farm.id}", f"{said.DIGEST}:{day}", body, expires_ms)

    def _message(
        self, subject: str, step: str, body: dict[str, Any], expires_ms: int, event: Event | None = None
    ) -> Message:
        """Return a message; `event`: the one that its buttons judge."""
        return Message(
            message_id(subject, self._person.id, step),
            self._setting.farm.id,
            self._person.id,
            event.id if event else None,
            step,
            body,
            self._now_ms,
            expires_ms,
            critical=event is not None and event.tier == URGENT,
        )

    def _account(self, event: Event) -> Account:
        return self._setting.account(event, self._catalogue, self._now_ms)

    def _body(self, template: str, params: dict[str, str]) -> dict[str, Any]:
        return body_of(template, params, self._catalogue.language)


def body_of(template: str, params: dict[str, str], language: str) -> dict[str, Any]:
    """Return the body of a message that goes out as a template."""
    return {"template": template, "version": 1, "language": language, "params": params}


def _template(account: Account) -> dict[str, Any]:
    """Return the template for one alert: of heat if there is a time to act in, of the herd, or of health."""
    params = {"farm": account.farm.name, "since": account.since}
    if account.window:
        signs = account.evidence or account.catalogue.say("message", "no_figures")
        params |= {"animal": account.who, "signs": signs, "window": account.window}
        return body_of("heat_alert", params, account.catalogue.language)
    params["sign"] = account.seen
    if account.animal is None:
        return body_of("herd_alert", params, account.catalogue.language)
    return body_of("health_alert", params | {"animal": account.who}, account.catalogue.language)
