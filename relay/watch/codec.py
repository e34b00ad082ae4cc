"""The watch's state as JSON, so that a restart neither repeats a note nor forgets one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.watch.parts import Line, Note, Part, State
from relay.watch.telling import Pending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = 1


class CodecError(ValueError):
    """A text that is no state of this version."""


def encode(state: State, pending: Sequence[Pending]) -> str:
    """Return both as one line of JSON."""
    return json.dumps(
        {
            "version": VERSION,
            "at": [state.at_ms, state.deaf_until_ms],
            "collars": _parts(state.collars),
            "services": _parts(state.services),
            "quiet": [list(each) for each in state.quiet.items()],
            "lines": [
                [each.farm_id, each.since_ms, sorted(each.members), each.back_ms] for each in state.lines
            ],
            "pending": [[_fields(each.note), each.place, each.handed_ms, each.tried_ms] for each in pending],
        },
        separators=(",", ":"),
    )


def decode(text: str) -> tuple[State, list[Pending]]:
    """Return what `encode` was given. Raises CodecError."""
    try:
        found: dict[str, Any] = json.loads(text)
        if found["version"] != VERSION:
            raise CodecError(f"version={found['version']!r}, want {VERSION}")
        at_ms, deaf_until_ms = found["at"]
        state = State(
            at_ms,
            deaf_until_ms,
            collars={device: Part(*rest) for device, *rest in found["collars"]},
            lines=tuple(Line(farm, since, frozenset(who), back) for farm, since, who, back in found["lines"]),
            services={name: Part(*rest) for name, *rest in found["services"]},
            quiet=dict(found["quiet"]),
        )
        pending = [Pending(Note(*note), *rest) for note, *rest in found["pending"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CodecError(f"not a state of the watch: {error}") from error
    return state, pending


def _parts(parts: Mapping[Any, Part]) -> list[list[Any]]:
    return [[name, each.last_ms, each.told_ms, each.back_ms] for name, each in parts.items()]


def _fields(note: Note) -> list[Any]:
    return [
        note.part, note.since_ms, note.at_ms, note.back_ms, note.farm_id, note.device, note.collars,
    ]  # fmt: skip
