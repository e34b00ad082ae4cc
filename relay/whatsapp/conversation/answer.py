"""What is answered, and what a command has at hand to find it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relay.alerts.ids import message_id
from relay.alerts.times import local
from relay.alerts.words import is_right_to_left, isolate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.alerts.words import Words
    from relay.model import Animal, Event, Farm, Message, Person
    from relay.storage.ports import Store
    from relay.whatsapp.conversation.herd import Herd
    from relay.whatsapp.payload import Buttons

TITLE_MAX, DESCRIPTION_MAX, ROWS_MAX, TEXT_MAX = 24, 72, 10, 4_000
WORKERS = frozenset({"owner", "worker"})


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list: what a tap on it does (payload.py), to what, and what is written there."""

    verb: str
    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One message back. `outcome`: one word for the counters; `text` "": nothing is said.

    farm_id: 0 for the person's first. buttons: verbs. rows: of a list that opens by this `button` of [lists].
    note: kept in the body, for what comes later. audits: what was changed. others: messages to other people.
    id: "" for that of the inbound message (Talk.answer_id).
    """

    outcome: str
    text: str = ""
    farm_id: int = 0
    event_id: str | None = None
    step: str = "answer"
    buttons: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    button: str = "alerts"
    picture: dict[str, Any] | None = None
    note: Mapping[str, Any] = field(default_factory=dict)
    audits: tuple[tuple[str, dict[str, Any]], ...] = ()
    others: tuple[Message, ...] = ()
    id: str = ""


class Unclear(Exception):  # noqa: N818 - reads as the state it reports
    """A command cannot be done as it stands; `answer` says why or asks."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.outcome)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Talk:
    """One inbound message: who wrote it, when, and what it may be about.

    farms: those the person has a role on, the oldest first. replied: the message of ours that they answered.
    bound: which animals they chose when asked. answer_id: what the answer will be called.
    """

    store: Store
    buttons: Buttons
    catalogue: Words
    person: Person
    farms: Sequence[Farm]
    roles: Mapping[int, str]
    herd: Herd
    text: str
    said_ms: int
    now_ms: int
    answer_id: str
    wamid: str = field(repr=False)
    replied: Message | None = None
    bound: Mapping[str, int] = field(default_factory=dict)

    def say(self, key: str, **values: object) -> str:
        """Return an answer's text in the person's language."""
        return self.catalogue.say("answers", key, **values)

    def once(self, subject: str, step: str) -> str:
        """Return the id of an answer that is given once, however often the same is said about a subject."""
        return message_id(subject, self.person.id, step)

    def farm(self, farm_id: int) -> Farm:
        """Return one of the person's farms."""
        return next(farm for farm in self.farms if farm.id == farm_id)

    def moment(self, at_ms: int, farm: Farm) -> str:
        """Say a time by the farm's clock."""
        return self.catalogue.moment(local(at_ms, farm.zone), local(self.now_ms, farm.zone))

    def label(self, event: Event) -> str:
        """Return whom an event is about: an animal, or the farm itself."""
        animal = None if event.animal_id is None else self.herd.animals.get(event.animal_id)
        return animal.label if animal else self.farm(event.farm_id).name

    def joined(self, names: Iterable[str]) -> str:
        """Return names as a list in words, each once."""
        *first, last = dict.fromkeys(names)
        return self.say("and", first=self.listed(first), second=last) if first else last

    def listed(self, parts: Sequence[str]) -> str:
        """Return parts one after the other with the comma of the language."""
        if len(parts) > 1 and is_right_to_left(self.catalogue.language):
            parts = [isolate(part) for part in parts]
        return str(self.catalogue.table["answers"]["comma"]).join(parts)

    def labels(self, animals: Iterable[Animal]) -> str:
        """Return animals as a list in words."""
        return self.joined(animal.label for animal in animals)

    def need_worker(self, farm_ids: Iterable[int]) -> None:
        """Raise Unclear unless the person works on all these farms."""
        for farm_id in farm_ids:
            if self.roles[farm_id] not in WORKERS:
                role = self.catalogue.say("roles", self.roles[farm_id])
                text = self.say("refused", role=role, farm=self.farm(farm_id).name)
                raise Unclear(Answer("refused", text, farm_id))


def cut(text: str, most: int) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
