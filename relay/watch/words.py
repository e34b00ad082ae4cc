"""What a note says, in words of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from relay.alerts.words import words, zone
from relay.watch.parts import LINE, MINUTE_MS

if TYPE_CHECKING:
    from relay.model import Farm
    from relay.watch.parts import Note


@dataclass(frozen=True, slots=True)
class Place:
    """What a note concerns, by name: `farm` None if all of them; `collars`: how many the farm has."""

    farm: Farm | None = None
    animal: str = ""
    collars: int = 0


def params(note: Note, place: Place, language: str) -> dict[str, str]:
    """Return what fills the template blind or, if it is over, blind_over."""
    catalogue, farm = words(language), place.farm
    name = "some" if note.part == LINE and note.collars < place.collars else note.part
    said = {"animal": place.animal, "collars": note.collars, "all": place.collars}
    then, now = (_local(farm, at_ms) for at_ms in (note.back_ms or note.since_ms, note.at_ms))
    filled = {
        "farm": farm.name if farm else "Herdbell",
        "what": catalogue.say("blind", name, **said),
        "since": catalogue.moment(then, now) + ("" if farm else " UTC"),
    }
    if note.back_ms is None:
        return filled
    hours, minutes = divmod((note.back_ms - note.since_ms) // MINUTE_MS, 60)
    return filled | {"gap": catalogue.say("blind", "gap", hours=hours, minutes=minutes)}


def text(note: Note, place: Place, language: str) -> str:
    """Return the note as one line."""
    return words(language).say("blind", "back" if note.is_over else "lost", **params(note, place, language))


def record(note: Note) -> dict[str, object]:
    """Return the note for a program: no names, no addresses."""
    return {
        "part": note.part, "is_over": note.is_over, "farm": note.farm_id, "device": note.device,
        "collars": note.collars, "since_ms": note.since_ms, "at_ms": note.at_ms, "back_ms": note.back_ms,
    }  # fmt: skip


def _local(farm: Farm | None, at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone(farm.zone if farm else "UTC"))
