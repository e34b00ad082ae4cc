"""A note by WhatsApp: a message for every owner and worker of the farm, in the outbox like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.alerts.ids import message_id
from relay.alerts.words import words
from relay.model import Message
from relay.storage.ports import DEAD, DELIVERED, EXPIRED, FAILED, READ
from relay.watch.parts import MINUTE_MS
from relay.watch.words import params

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.model import Person
    from relay.storage.ports import Store
    from relay.watch.parts import Note
    from relay.watch.words import Place

HEARERS = ("owner", "worker")
LIVES_MS = 15 * MINUTE_MS  # then another way is taken, and this one must not come late as well
_ARRIVED = frozenset({DELIVERED, READ})
_LOST = frozenset({DEAD, EXPIRED, FAILED})


class WhatsAppPath:
    """Queues messages and reads back what became of them. `is_open`: False while Meta is known to be gone."""

    def __init__(
        self,
        storage: Store,
        place_of: Callable[[Note], Awaitable[Place]],
        wake: Callable[[], None],
        is_open: Callable[[], bool],
    ) -> None:
        self._storage, self._place_of, self._wake, self._is_open = storage, place_of, wake, is_open

    async def tell(self, note: Note, text: str) -> bool:  # noqa: ARG002 - the port's; the template has its own
        """Return whether there is anybody to write to."""
        if not self._is_open() or note.farm_id is None:
            return False
        place = await self._place_of(note)
        hearers = await self._hearers(note.farm_id)
        await self._storage.queue([message_of(note, note.farm_id, place, person) for person in hearers])
        self._wake()
        return bool(hearers)

    async def arrived(self, note: Note) -> bool | None:
        """Return whether one of them has it; False once all are lost."""
        hearers = await self._hearers(note.farm_id or 0)
        states = {await self._storage.message_state(_id(note, person)) for person in hearers}
        if states & _ARRIVED:
            return True
        return False if states <= _LOST else None

    async def _hearers(self, farm_id: int) -> list[Person]:
        people = await self._storage.people(farm_id)
        return [person for person in people if person.role in HEARERS and person.opted_out_ms is None]


def _id(note: Note, person: Person) -> str:
    return message_id(note.name, person.id, "over" if note.is_over else "blind")


def message_of(note: Note, farm_id: int, place: Place, person: Person) -> Message:
    """Return what a person is told; its name is that of the note, so it is queued once."""
    body = {
        "template": "blind_over" if note.is_over else "blind",
        "version": 1,
        "language": words(person.language).language,
        "params": params(note, place, person.language),
    }
    step = "over" if note.is_over else "blind"
    return Message(
        _id(note, person), farm_id, person.id, None, step, body, note.at_ms, note.at_ms + LIVES_MS,
        critical=not note.is_over,
    )  # fmt: skip
