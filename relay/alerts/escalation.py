"""The escalation of urgent alerts: who is told when nobody answers. Pure, by what was sent and answered.

An urgent story is told at once to those of the first rung. While nobody acknowledges, snoozes or judges it,
the next rung hears of it at each of the farm's times after that; the last of them takes in everybody who is
left. That a message was read is no answer. An acknowledgement by anyone ends it, but lasts 4 h: if the story
goes on then, the first rung is told once more. What is over or withdrawn goes no further, and each stage of
a story has a ladder of its own: who answered to the first signs of a calving has not answered to a labour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.alerts import said
from relay.alerts.threads import OPEN, URGENT, threads
from relay.alerts.times import HOUR_MS, MINUTE_MS
from relay.storage.ports import ACKNOWLEDGED, SNOOZED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.alerts.said import Said
    from relay.alerts.setting import Setting
    from relay.model import Event, Judgement, Message, Person

ANSWER_LASTS_MS = 4 * HOUR_MS
_CLOCKS_MS = 30_000  # an answer is dated by another clock than ours, and to the second
HEARERS = frozenset({"owner", "worker"})
VET = "vet"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The ladder of one open, urgent story at the stage that it has reached.

    event: how it stands. told: what was said of this stage to anybody, oldest first, at least once.
    answers: what anybody answered since then, oldest first.
    """

    event: Event
    told: Sequence[Said]
    answers: Sequence[Judgement]
    steps_min: Sequence[int]

    @property
    def subject_id(self) -> str:
        """The event that was told first; messages of this ladder are named after it."""
        return self.told[0].event_id

    def step(self, now_ms: int) -> int | None:
        """Return the step that the ladder has reached, from 0; None before the first and once answered."""
        if self.answers:
            return None
        due = [at for at, minutes in enumerate(self.steps_min) if self._at_ms(minutes) <= now_ms]
        return max(due, default=None)

    def reaches(self, person: Person, now_ms: int) -> bool:
        """Whether the ladder has come to somebody who is not of the first rung and was not told yet."""
        step = self.step(now_ms)
        if step is None or self._has_told(person):
            return False
        return person.rung <= step + 1 or step == len(self.steps_min) - 1

    def is_again(self, person: Person, now_ms: int) -> bool:
        """Whether somebody of the first rung is to be told once more, because an answer has run out.

        Not those who snoozed it: their snooze ends by itself.
        """
        again_ms = self._again_ms()
        mine = [one.step for one in self.told if one.person_id == person.id]
        if again_ms is None or now_ms < again_ms or not mine:
            return False
        answered = [one.verdict for one in self.answers if one.person_id == person.id]
        return answered[-1:] != [SNOOZED] and said.AGAIN not in map(said.kind_of, mine)

    def next_ms(self, now_ms: int) -> Iterable[int]:
        """Return when this ladder may go on, those times that lie ahead."""
        steps = [] if self.answers else [self._at_ms(minutes) for minutes in self.steps_min]
        again_ms = self._again_ms()
        return [at_ms for at_ms in (*steps, again_ms) if at_ms is not None and at_ms > now_ms]

    def _at_ms(self, minutes: int) -> int:
        return self.told[0].at_ms + minutes * MINUTE_MS

    def _has_told(self, person: Person) -> bool:
        return any(one.person_id == person.id for one in self.told)

    def _again_ms(self) -> int | None:
        """Return when the last acknowledgement runs out; None without one, or if the story was judged."""
        if any(one.verdict not in {ACKNOWLEDGED, SNOOZED} for one in self.answers):
            return None
        taken = [one.at_ms for one in self.answers if one.verdict == ACKNOWLEDGED]
        return max(taken) + ANSWER_LASTS_MS if taken else None


def ladders(events: Iterable[Event], setting: Setting, sent: Iterable[Message]) -> list[Ladder]:
    """Return the ladders of all stories that stand, are urgent, and were told to somebody as that."""
    heard = said.by_event(sent)
    found = []
    for thread in threads(events, setting.kinds, heard):
        event = thread.newest
        if event is None or event.state != OPEN or event.tier != URGENT:
            continue
        told = _of_stage(event, [one for each in thread.events for one in heard.get(each.id, ())])
        if told:
            ids = {each.id for each in thread.events}
            since_ms = told[0].at_ms - _CLOCKS_MS
            answers = [one for one in setting.judgements if one.event_id in ids and one.at_ms >= since_ms]
            found.append(Ladder(event, told, answers, setting.farm.escalate_min))
    return found


def first_rung(people: Iterable[Person]) -> frozenset[int]:
    """Return the ids of those who are told at once: rung 0, or the lowest that there is.

    So that a farm whose first rung has left, or asked for silence, does not sleep through an emergency.
    """
    hearers = [one for one in people if one.role in HEARERS]
    reachable = [one for one in hearers if one.opted_out_ms is None]
    lowest = min((one.rung for one in reachable), default=0)
    return frozenset(one.id for one in hearers if one.rung <= lowest)


def backups(people: Iterable[Person]) -> frozenset[int]:
    """Return the ids of those whom only the ladder tells: the other hearers, and vets with a rung."""
    first = first_rung(people)
    return frozenset(
        one.id
        for one in people
        if one.id not in first
        and one.opted_out_ms is None
        and (one.role in HEARERS or (one.role == VET and one.rung > 0))
    )


def _of_stage(event: Event, told: Iterable[Said]) -> list[Said]:
    """Return what messages said of an event's stage since all was last said to be well, oldest first."""
    ordered = sorted((one for one in told if not one.in_digest), key=lambda one: one.at_ms)
    well = max((at for at, one in enumerate(ordered) if one.step == said.OVER), default=-1)
    return [one for one in ordered[well + 1 :] if (one.tier, one.stage) == (URGENT, event.stage)]
