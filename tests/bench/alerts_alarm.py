"""A finding of the scorers as a benchmark keeps it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from relay.scoring import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.scoring.findings import Found


class Alarm(NamedTuple):
    """A finding: of cow `cow` (None: the farm), in event time, and when it could be read, `known_ms`.

    `stage`: how far it has come, for kinds that go on. `hour`: the one it was stepped in, -1 from minutes.
    """

    kind: str
    cow: int | None
    onset_ms: int
    at_ms: int
    known_ms: int
    stage: str = ""
    tier: str = ""
    is_update: bool = False
    hour: int = -1
    over_ms: int | None = None
    evidence: Mapping[str, Any] = MappingProxyType({})


def alarm_of(found: Found, hour: int = -1, known_ms: int = 0) -> Alarm:
    """Return a finding as an alarm; a cow's id is her place + 1."""
    cow = None if found.animal is None else found.animal - 1
    return Alarm(
        found.kind, cow, found.onset_ms, found.at_ms, known_ms, stage_of(found), _tier(found),
        found.is_update, hour, None, found.evidence,
    )  # fmt: skip


def stage_of(found: Found) -> str:
    """Return how far it has come, "" for kinds that do not go on."""
    return str(found.evidence.get("stage", ""))


def _tier(found: Found) -> str:
    """Return the tier of a finding: its own if it has one, else its kind's."""
    return str(found.evidence.get("tier") or kinds.all_kinds()[found.kind].tier)
