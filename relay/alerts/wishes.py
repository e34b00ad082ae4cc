"""What one person asked not to hear, or not now: snoozed, muted, "fewer alerts". Nothing of it is lost.

What is muted is a line of that person's digest, and so is what is timely for who wants fewer alerts. What is
snoozed is told once more when the snooze ends, if it still stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.alerts.escalation import first_rung
from relay.alerts.threads import TIMELY, URGENT
from relay.alerts.times import HOUR_MS
from relay.storage.ports import SNOOZED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.alerts.setting import Setting
    from relay.alerts.threads import Thread
    from relay.model import Event, Judgement, Mute, Person

SNOOZE_MS = 12 * HOUR_MS
MUTE, FEWER, BACKUP = "mute", "fewer", "backup"


class Wishes:
    """The wishes of one person on one farm, as they stand at `now_ms`.

    is_backup: only the ladder of an escalation rings their phone.
    """

    def __init__(self, setting: Setting, person: Person, now_ms: int, *, is_backup: bool = False) -> None:
        self._person, self._now_ms = person, now_ms
        self.is_backup = is_backup
        self._setting = setting
        self._mutes = [one for one in setting.mutes if one.person_id == person.id and self._lasts(one)]
        self._answers = [one for one in setting.judgements if one.person_id == person.id]

    def _lasts(self, mute: Mute) -> bool:
        return mute.until_ms > self._now_ms

    def instead(self, event: Event) -> str:
        """Return why an event is for the digest rather than for a message; "" if it is not.

        A mute that names neither animal nor kind is for peace, not for emergencies: what is urgent comes.
        """
        if any(_is_about(mute, event) for mute in self._mutes):
            return MUTE
        return FEWER if self._person.fewer and event.tier == TIMELY else ""

    def at_first(self, event: Event) -> str:
        """Return why this person is not told of a new event by a message; "" if they are."""
        wish = self.instead(event)
        return BACKUP if not wish and self.is_backup and not self._stands_in(event) else wish

    def _stands_in(self, event: Event) -> bool:
        """Whether an emergency is for this person at once, because everybody before them muted it."""
        if event.tier != URGENT:
            return False
        muters = {one.person_id for one in self._setting.mutes if self._lasts(one) and _is_about(one, event)}
        hearing = [one for one in self._setting.people if one.id not in muters]
        return bool(muters) and self._person.id in first_rung(hearing)

    def snooze(self, thread: Thread) -> Judgement | None:
        """Return the snooze of a story, if that is the last that this person answered to it."""
        ids = {event.id for event in thread.events}
        mine = [one for one in self._answers if one.event_id in ids]
        newest = max(mine, key=lambda one: one.at_ms, default=None)
        return newest if newest and newest.verdict == SNOOZED else None

    def is_asleep(self, thread: Thread) -> bool:
        """Whether a story is snoozed now."""
        snooze = self.snooze(thread)
        return snooze is not None and self._now_ms < snooze.at_ms + SNOOZE_MS


def next_ms(setting: Setting, now_ms: int) -> Iterable[int]:
    """Return when snoozes and mutes end, those that lie ahead."""
    ends = [one.at_ms + SNOOZE_MS for one in setting.judgements if one.verdict == SNOOZED]
    return [at_ms for at_ms in (*ends, *(one.until_ms for one in setting.mutes)) if at_ms > now_ms]


def _is_about(mute: Mute, event: Event) -> bool:
    if mute.animal_id is None and not mute.kind and event.tier == URGENT:
        return False
    return mute.animal_id in (None, event.animal_id) and mute.kind in ("", event.kind)
