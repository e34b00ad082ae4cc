"""What a scorer says: something began, went further, or is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class StateError(ValueError):
    """Stored state that this code cannot read: another version, or damaged. Replay the frames instead."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a farm may set; one value for the whole relay so far."""

    no_movement_min: int = 90


@dataclass(frozen=True, slots=True)
class Found:
    """An episode that became an alert: since `onset_ms`, sure at `at_ms`, for the reasons in `evidence`.

    `animal`: its id, None for the farm. `is_update`: the episode was told, and has gone further.
    """

    kind: str
    onset_ms: int
    at_ms: int
    evidence: dict[str, Any]
    animal: int | None = None
    is_update: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """The episode of an earlier `Found` has ended."""

    kind: str
    onset_ms: int
    at_ms: int
    animal: int | None = None


def must_be_version(scorer: str, found: int, known: int) -> None:
    """Raise StateError unless `found` is the version this code writes."""
    if found != known:
        raise StateError(f"{scorer}: state of version {found}, this code reads {known}")
