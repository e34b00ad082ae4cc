"""Who is told what, now. Pure but for the catalogues it reads once; `now_ms` is handed in.

Nothing is queued ahead: what quiet hours, a snooze, the ladder or the digest hold back is told by the call
that comes at `next_ms`. By then it may be over, withdrawn, answered, or one of several that go out as one
message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.alerts import said, wishes
from relay.alerts.budget import allowed
from relay.alerts.digest import Digest, due_day, is_missed
from relay.alerts.escalation import HEARERS, Ladder, backups, first_rung, ladders
from relay.alerts.making import OVER_LIVES_MS, Maker
from relay.alerts.plan import due_from_ms, plan, strength
from relay.alerts.said import Memory, closed, is_again, rang
from relay.alerts.threads import CALM_MS, DIGEST, OPEN, OVER, URGENT
from relay.alerts.times import HOUR_MS, awake_ms, farm_day, local, next_clock_ms
from relay.alerts.wishes import MUTE, SNOOZE_MS, Wishes
from relay.storage.ports import ACKNOWLEDGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.alerts.plan import Planned
    from relay.alerts.said import Said
    from relay.alerts.setting import Setting
    from relay.alerts.threads import Thread
    from relay.model import Event, Message, Person

STORM = 3  # so many urgent alerts of one kind at once are one message: rather the farm than its cows
UP_MS = 3 * HOUR_MS  # who was woken is told within that time that all is well, even at night


def messages(
    events: Sequence[Event], setting: Setting, sent: Sequence[Message], now_ms: int
) -> list[Message]:
    """Return what everybody has to be told now; the same again gives the same ids.

    events: those of the farm of the last week and those still open, also the withdrawn ones. sent: its
    messages of the last 32 days, whatever became of them. An event of a kind or animal that is not there any
    more is told by nobody. Raises KeyError for a kind without words.
    """
    known = [event for event in events if _is_known(event, setting)]
    climbed = ladders(known, setting, sent)
    first, others = first_rung(setting.people), backups(setting.people)
    return [
        message
        for person in setting.people
        if person.id in first | others
        for message in _Telling(
            known, setting, sent, climbed, person, now_ms, is_backup=person.id in others
        ).all()
    ]


def next_ms(events: Iterable[Event], setting: Setting, now_ms: int, sent: Iterable[Message] = ()) -> int:
    """Return when to call `messages` again if nothing happens before.

    A digest, an awakening, a recovery, the next rung of a ladder, the end of a snooze or of a mute. sent: as
    for `messages`, with what that has just returned.
    """
    farm = setting.farm
    known = [event for event in events if _is_known(event, setting)]
    wakes = [
        next_clock_ms(now_ms, farm.quiet_to_min, person.zone)
        for person in setting.people
        if person.role in HEARERS and farm.quiet_to_min is not None
    ]
    calm = [one.over_ms + CALM_MS for one in known if one.over_ms is not None]
    later = [at_ms for at_ms in calm if at_ms > now_ms]
    rungs = [at_ms for ladder in ladders(known, setting, sent) for at_ms in ladder.next_ms(now_ms)]
    digest_ms = next_clock_ms(now_ms, farm.digest_min, farm.zone)
    return min([digest_ms, *wakes, *later, *rungs, *wishes.next_ms(setting, now_ms)])


def wants_digest(setting: Setting, sent: Iterable[Message], now_ms: int) -> bool:
    """Whether a digest is due that somebody does not have yet: then the setting needs the herd's day."""
    day = due_day(setting, now_ms)
    have = {message.person_id for message in sent if message.step == f"{said.DIGEST}:{day}"}
    return day is not None and any(one.role in HEARERS and one.id not in have for one in setting.people)


def _is_known(event: Event, setting: Setting) -> bool:
    return event.kind in setting.kinds and (event.animal_id is None or event.animal_id in setting.animals)


class _Telling:
    """What one person has to be told."""

    def __init__(
        self,
        events: Sequence[Event],
        setting: Setting,
        sent: Sequence[Message],
        climbed: Sequence[Ladder],
        person: Person,
        now_ms: int,
        *,
        is_backup: bool,
    ) -> None:
        self._setting, self._person, self._now_ms = setting, person, now_ms
        self._is_backup = is_backup
        self._maker = Maker(setting, person, now_ms)
        self._memory = Memory(sent, person.id)
        self._wishes = Wishes(setting, person, now_ms, is_backup=is_backup)
        self._ladders = [one for one in climbed if self._wishes.instead(one.event) != MUTE]
        self._planned = plan(
            events,
            setting.farm,
            len(setting.animals),
            setting.kinds,
            groups=setting.groups,
            zone=person.zone,
            memory=self._memory,
            instead=self._wishes.at_first,
        )

    def all(self) -> list[Message]:
        """Return the alerts, what became of earlier ones, the rungs of ladders, and a digest that is due."""
        return [*self._alerts(), *self._later(), *self._after_snoozes(), *self._rungs(), *self._digest()]

    def _alerts(self) -> list[Message]:
        due = [one.event for one in self._planned if self._is_due(one)]
        timely = [event for event in due if event.tier != URGENT]
        urgent: dict[str, list[Event]] = {}
        for event in due:
            if event.tier == URGENT:
                urgent.setdefault(event.kind, []).append(event)
        storms = [self._bundled(events, STORM) for events in urgent.values()]
        return [message for told in (*storms, self._bundled(timely, 2)) for message in told]

    def _bundled(self, events: Sequence[Event], least: int) -> list[Message]:
        """Return a message for each event, or from `least` of them on one that lists all, strongest first."""
        if len(events) < least:
            return [self._maker.alert(event, said.ALERT, event.id) for event in events]
        return [self._maker.bundle(sorted(events, key=lambda one: -strength(one)))]

    def _is_due(self, one: Planned) -> bool:
        if not one.is_message or one.at_ms > self._now_ms or self._memory.of(one.thread.events):
            return False
        if self._wishes.is_asleep(one.thread):
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

    def _threads(self) -> Iterable[Thread]:
        return {id(one.thread): one.thread for one in self._planned}.values()

    def _later(self) -> list[Message]:
        return [message for thread in self._threads() for message in self._outcome(thread)]

    def _outcome(self, thread: Thread) -> list[Message]:
        """Return the update if the story went further, or that an urgent one has come to a good end."""
        told, newest = self._memory.of(thread.events), thread.newest
        if not told or newest is None or self._is_held(newest, thread, told):
            return []
        if is_again(newest, told):
            is_useful = newest.tier == URGENT and not is_missed(newest, self._setting, self._now_ms)
            is_ours = is_useful and not self._is_backup  # else it has a ladder of its own
            return [self._maker.alert(newest, said.ALERT, newest.id)] if is_ours else []
        if newest.state == OVER:
            is_calm = not closed(told) and self._is_calm(newest, told[-1].at_ms)
            was_over = any(one.step == said.OVER for one in told)
            subject = newest if was_over else thread.root
            return [self._maker.over(newest, subject.id)] if rang(told) and is_calm else []
        step = f"{said.STAGE}:{newest.stage or newest.tier}"
        return [self._maker.alert(newest, step, thread.root.id)] if self._has_risen(newest, told) else []

    def _is_held(self, newest: Event, thread: Thread, told: Sequence[Said]) -> bool:
        """Whether what becomes of a story is not for now, or not for a message at all."""
        if self._wishes.instead(newest) or (self._is_backup and not rang(told)):
            return True
        is_worse = newest.tier == URGENT and newest.state == OPEN and self._has_risen(newest, told)
        return self._wishes.is_asleep(thread) and not is_worse

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
        if "over" not in self._maker.catalogue.kind(event.kind, event.stage):
            return False
        return self._is_awake() or self._now_ms - told_ms <= UP_MS

    def _after_snoozes(self) -> list[Message]:
        """Return once more what was snoozed, if it still stands."""
        due = [one for thread in self._threads() for one in self._after_snooze(thread)]
        lead = self._maker.catalogue.say("message", "snoozed")
        if len(due) > 1:
            return [self._maker.together([(event, step) for event, step, _ in due], lead)]
        return [self._maker.alert(event, step, subject, lead) for event, step, subject in due]

    def _after_snooze(self, thread: Thread) -> list[tuple[Event, str, str]]:
        snooze, newest = self._wishes.snooze(thread), thread.newest
        told = self._memory.of(thread.events)
        if snooze is None or newest is None or not told or self._wishes.is_asleep(thread):
            return []
        step = f"{said.SNOOZED}:{snooze.at_ms}"
        is_told = told[-1].at_ms >= snooze.at_ms + SNOOZE_MS
        if is_told or self._wishes.instead(newest) or not self._stands(newest):
            return []
        is_time = newest.tier == URGENT or self._is_awake()
        return [(newest, step, thread.root.id)] if is_time else []

    def _stands(self, event: Event) -> bool:
        """Whether there is something to do about an event: it goes on, or its time to act has not passed."""
        return event.state == OPEN or bool(self._maker.account(event).window)

    def _rungs(self) -> list[Message]:
        """Return what ladders bring to this person: a step to who was not told, or the first rung again."""
        if not self._is_backup:
            return self._again([one for one in self._ladders if one.is_again(self._person, self._now_ms)])
        reached = [one for one in self._ladders if one.reaches(self._person, self._now_ms)]
        reached.sort(key=lambda one: -strength(one.event))
        if not reached:
            return []
        told = [(one.event, self._step(said.ESCALATION, one)) for one in reached]
        since = self._moment(min(one.told[0].at_ms for one in reached))
        lead = self._maker.catalogue.say("message", "unanswered", time=since)
        if len(told) > 1:
            return [self._maker.escalations(told, lead)]
        return [self._maker.escalation(*told[0], reached[0].subject_id, lead)]

    def _again(self, due: Sequence[Ladder]) -> list[Message]:
        told = [(one.event, self._step(said.AGAIN, one)) for one in due]
        if len(told) > 1:
            return [self._maker.together(told, self._maker.catalogue.say("message", "taken_all"))]
        ladders = zip(told, due, strict=True)
        return [self._maker.alert(*each, one.subject_id, self._taken(one)) for each, one in ladders]

    def _step(self, sort: str, ladder: Ladder) -> str:
        """Return the name of a step: each stage of a story has a ladder of its own."""
        number = f":{ladder.step(self._now_ms)}" if sort == said.ESCALATION else ""
        return f"{sort}{number}{f':{ladder.event.stage}' if ladder.event.stage else ''}"

    def _taken(self, ladder: Ladder) -> str:
        """Say who took it over, and when; "" of somebody who is not there any more."""
        taken = [one for one in ladder.answers if one.verdict == ACKNOWLEDGED][-1]
        name = next((one.name for one in self._setting.people if one.id == taken.person_id), "")
        time = self._moment(taken.at_ms)
        return self._maker.catalogue.say("message", "taken", name=name, time=time) if name else ""

    def _moment(self, at_ms: int) -> str:
        zone = self._setting.farm.zone
        return self._maker.catalogue.moment(local(at_ms, zone), local(self._now_ms, zone))

    def _digest(self) -> list[Message]:
        day = due_day(self._setting, self._now_ms)
        if day is None or self._person.role not in HEARERS or f"{said.DIGEST}:{day}" in self._memory.steps:
            return []
        catalogue, setting = self._maker.catalogue, self._setting
        digest = Digest(setting, self._memory, self._planned, self._wishes, catalogue, day, self._now_ms)
        page = digest.page()
        return [self._maker.digest(day, page)] if page else []
