"""What a person has been told already, read back from the messages themselves.

Each message says in body["about"] which events it tells, each as [event id, step, stage, tier]: a bundle or a
digest tells several. No table beside the outbox has to be kept in step with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.storage import ports_chat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.model import Event, Message

ALERT, STAGE, OVER, WITHDRAWN, DIGEST, BUNDLE = "alert", "stage", "over", "withdrawn", "digest", "bundle"
# To others; after an answer; after a snooze.
ESCALATION, AGAIN, SNOOZED = ports_chat.ESCALATION, ports_chat.AGAIN, "snoozed"


@dataclass(frozen=True, slots=True)
class Said:
    """A person was told of an event at `at_ms`; `stage` and `tier` are what it was then."""

    event_id: str
    person_id: int
    step: str
    stage: str
    tier: str
    at_ms: int
    in_digest: bool = False


class Memory:
    """All that one person was told about a farm."""

    def __init__(self, messages: Iterable[Message], person_id: int) -> None:
        mine = [message for message in messages if message.person_id == person_id]
        self.steps = frozenset(message.step for message in mine)
        self.spent_ms = [message.created_ms for message in mine if _counts(message)]
        self._said = by_event(mine)

    def first_ms(self) -> dict[str, int]:
        """Return when each event was first told, by its id."""
        return {event_id: said[0].at_ms for event_id, said in self._said.items()}

    def of(self, events: Iterable[Event]) -> list[Said]:
        """Return what was said of these events, oldest first."""
        return sorted(
            (one for event in events for one in self._said.get(event.id, ())), key=lambda one: one.at_ms
        )


def by_event(messages: Iterable[Message]) -> dict[str, list[Said]]:
    """Return what these messages say of each event, by its id, oldest first."""
    found: dict[str, list[Said]] = {}
    for message in sorted(messages, key=lambda one: (one.created_ms, one.id)):
        in_digest = kind_of(message.step) == DIGEST
        for event_id, step, stage, tier in message.body.get("about", ()):
            told = Said(event_id, message.person_id, step, stage, tier, message.created_ms, in_digest)
            found.setdefault(event_id, []).append(told)
    return found


def events_of(message: Message) -> list[str]:
    """Return the ids of all events that a message tells: what is answered to it is answered to each.

    The first is the one that its buttons carry. None: it tells of no event.
    """
    told = [str(entry[0]) for entry in message.body.get("about", ())]
    return list(dict.fromkeys(told))


def kind_of(step: str) -> str:
    """Return what sort of step this is: "escalation" of "escalation:0"."""
    return step.partition(":")[0]


def closed(told: Sequence[Said]) -> bool:
    """Whether the last that was said of a story is that all is well."""
    return bool(told) and told[-1].step == OVER


def rang(told: Iterable[Said]) -> bool:
    """Whether a story was told as an urgent one by a message of its own: its end is then one, too."""
    return any(one.tier == "urgent" and not one.in_digest for one in told)


def is_again(event: Event, told: Sequence[Said]) -> bool:
    """Whether it began again after all was said to be well. Data come late: nobody knew of it then."""
    return event.state == "open" and closed(told) and all(one.event_id != event.id for one in told)


def about(event: Event, step: str) -> list[str]:
    """Return how a message says that it tells this."""
    return [event.id, step, event.stage, event.tier]


def _counts(message: Message) -> bool:
    """Whether a message counts in the budget: outside the digest and not urgent."""
    return not message.critical and kind_of(message.step) in {ALERT, STAGE, BUNDLE}
