"""What the words about an event need to know besides the event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.alerts.evidence import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.alerts.herdday import HerdDay
    from relay.alerts.words import Words
    from relay.model import Animal, Event, Farm, Judged, Judgement, Mute, Person
    from relay.scoring.kind import Kind


@dataclass(frozen=True, slots=True)
class Setting:
    """A farm as alerts see it.

    animals: by id. people: whoever has to do with the farm. judged: what people said since the beginning of
    last month. tightened: what the budget adds to the thresholds now (budget.tightening). judgements: every
    answer of everybody to what the events are that are asked about, oldest first. mutes: those that last.
    For the digest, None if it is not due: `herd` and `cost`, how to say what the month has cost so far.
    """

    farm: Farm
    animals: Mapping[int, Animal]
    people: Sequence[Person]
    kinds: Mapping[str, Kind]
    judged: Sequence[Judged] = ()
    tightened: float = 0.0
    judgements: Sequence[Judgement] = ()
    mutes: Sequence[Mute] = ()
    herd: HerdDay | None = None
    cost: Callable[[Words], str] | None = None

    @property
    def groups(self) -> dict[int, str]:
        """With whom each animal is kept."""
        return {animal.id: animal.group for animal in self.animals.values()}

    def account(self, event: Event, catalogue: Words, now_ms: int) -> Account:
        """Return an event for telling. Raises KeyError for an unknown animal or kind."""
        animal = None if event.animal_id is None else self.animals[event.animal_id]
        is_experimental = self.kinds[event.kind].is_experimental
        names = {one.id: one.label for one in self.animals.values()}
        return Account(event, self.farm, animal, catalogue, now_ms, is_experimental, names)
