"""What a message says, and what commands there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.whatsapp.conversation.dates import Day

LIVES = frozenset({"calved", "inseminated", "pregnant", "dry", "due"})
JUDGES = frozenset({"ok", "snooze", "right", "wrong"})
RECORDS = LIVES | {"mute", "unmute", "undo", "fewer", "more"}  # for those who work on the farm
CHANGES = RECORDS | JUDGES | {"vet", "yes", "no"}
LASTING = LIVES | {"mute", "snooze"}
OF_NO_ANIMAL = frozenset({"undo", "fewer", "more", "yes", "no"})


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says; `command` "" if it is not understood.

    subjects: names and numbers of animals, folded, also numbers of animals that are not there. strange: words
    that are nothing we know. clock_min: minutes after midnight. span_ms: how long, or how long ago.
    """

    command: str = ""
    subjects: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    is_all: bool = False
    day: Day | None = None
    clock_min: int | None = None
    span_ms: int | None = None
