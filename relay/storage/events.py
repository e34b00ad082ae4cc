"""Events and what people say of them: the statements on it. Each function runs inside one transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.model import Event, Judged
from relay.storage.audit import to_json
from relay.storage.ports import (
    ACKNOWLEDGED,
    FALSE_ALARM,
    REASONS,
    RIGHT,
    SNOOZED,
    VERDICTS,
    WITHDRAWN,
    WRONG,
    NotKnown,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.storage.connection import Connection

_EVENT = """
    SELECT id, farm_id, animal_id, kind, onset_ms, detected_ms, evidence, state, over_ms, thread, tier, stage
    FROM event
"""
_STORE = """
    INSERT INTO event
        (id, farm_id, animal_id, kind, onset_ms, detected_ms, evidence, state, over_ms, thread, tier, stage)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET evidence = excluded.evidence, state = excluded.state,
        over_ms = excluded.over_ms, thread = excluded.thread, tier = excluded.tier, stage = excluded.stage
"""
_SAYS_SO = f"IN ('{RIGHT}', '{WRONG}', '{FALSE_ALARM}')"  # verdicts that judge; the others only answer
# Said before, it counts again if it now says why, if the same person said the contrary in between, or if it
# is a snooze, which lasts from when it was asked for last.
_JUDGE = f"""
    INSERT INTO judgement (event_id, person_id, verdict, reason, at_ms) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (event_id, person_id, verdict) DO UPDATE SET at_ms = excluded.at_ms,
        reason = CASE excluded.reason WHEN '' THEN reason ELSE excluded.reason END
    WHERE excluded.reason NOT IN ('', reason) OR verdict {_SAYS_SO} AND EXISTS (
        SELECT 1 FROM judgement AS other WHERE other.event_id = excluded.event_id
            AND other.person_id = excluded.person_id AND other.verdict {_SAYS_SO}
            AND other.at_ms > judgement.at_ms)
        OR verdict = '{SNOOZED}' AND excluded.at_ms > judgement.at_ms
"""  # noqa: S608 - built from constants
# An answer to a worse stage is an answer to it, though the same was said before. What judges keeps its date
# otherwise: thresholds are learned from it in that order, also by a replay.
_SAID_AGAIN = f"""
    UPDATE judgement SET at_ms = ?1
    WHERE event_id = ?2 AND person_id = ?3 AND verdict = ?4 AND at_ms < ?1 AND (
        verdict = '{ACKNOWLEDGED}' OR EXISTS (
            SELECT 1 FROM event
            WHERE event.id = ?2 AND json_extract(evidence, '$.stage_ms') > judgement.at_ms))
"""  # noqa: S608 - likewise
# SQLite takes the bare columns from the row that has the greatest at_ms.
_JUDGED = f"""
    SELECT event_id, animal_id, kind, verdict = '{RIGHT}', reason, max(at_ms) AS newest_ms
    FROM event JOIN judgement ON event_id = event.id
    WHERE farm_id = ?1 AND (?2 IS NULL OR kind = ?2) AND verdict {_SAYS_SO}
    GROUP BY event_id HAVING newest_ms >= ?3 ORDER BY newest_ms, event_id
"""  # noqa: S608 - likewise


def store(connection: Connection, events: Iterable[Event]) -> None:
    """Store events; one that is known takes what may change of it."""
    connection.executemany(_STORE, [_row(each) for each in events])


def _row(event: Event) -> tuple[object, ...]:
    return (
        event.id,
        event.farm_id,
        event.animal_id,
        event.kind,
        event.onset_ms,
        event.detected_ms,
        to_json(event.evidence),
        event.state,
        event.over_ms,
        event.thread,
        event.tier,
        event.stage,
    )


def _event(row: Sequence[Any]) -> Event:
    event_id, farm_id, animal_id, kind, onset_ms, detected_ms, evidence, *standing = row
    found = json.loads(evidence)
    return Event(event_id, farm_id, animal_id, kind, onset_ms, detected_ms, found, *standing)


def event(connection: Connection, event_id: str) -> Event | None:
    """Return one event."""
    row = connection.execute(f"{_EVENT} WHERE id = ?", (event_id,)).fetchone()
    return _event(row) if row else None


def events(connection: Connection, farm_id: int, limit: int) -> list[Event]:
    """Return the newest events of a farm."""
    rows = connection.execute(
        f"{_EVENT} WHERE farm_id = ? ORDER BY onset_ms DESC, id LIMIT ?", (farm_id, limit)
    )
    return [_event(row) for row in rows]


def standing(connection: Connection, farm_id: int, since_ms: int) -> list[Event]:
    """Return the events of a farm detected since then that are not withdrawn."""
    rows = connection.execute(
        f"{_EVENT} WHERE farm_id = ? AND detected_ms >= ? AND state <> ? ORDER BY detected_ms, id",
        (farm_id, since_ms, WITHDRAWN),
    )
    return [_event(row) for row in rows]


def farm_events(connection: Connection, farm_id: int, since_ms: int) -> list[Event]:
    """Return the events of a farm detected since then."""
    rows = connection.execute(
        f"{_EVENT} WHERE farm_id = ? AND detected_ms >= ? ORDER BY detected_ms, id", (farm_id, since_ms)
    )
    return [_event(row) for row in rows]


def judge(
    connection: Connection, event_id: str, person_id: int, verdict: str, at_ms: int, reason: str
) -> bool:
    """Record what a person says about an event; False if they said the same already."""
    for field, value, known in (("verdict", verdict, VERDICTS), ("reason", reason, REASONS)):
        if value not in known:
            raise ValueError(f"{field}={value!r}, want one of {', '.join(filter(None, known))}")
    known_one = connection.execute(
        "SELECT 1 FROM event JOIN role ON role.farm_id = event.farm_id WHERE event.id = ? AND person_id = ?",
        (event_id, person_id),
    ).fetchone()
    if known_one is None:
        raise NotKnown(f"event {event_id} is not known on a farm of person {person_id}")
    if connection.execute(_JUDGE, (event_id, person_id, verdict, reason, at_ms)).rowcount == 1:
        return True
    connection.execute(_SAID_AGAIN, (at_ms, event_id, person_id, verdict))
    return False


def judged(connection: Connection, farm_id: int, kind: str | None, since_ms: int) -> list[Judged]:
    """Return what people said of a farm's events in the end."""
    rows = connection.execute(_JUDGED, (farm_id, kind, since_ms))
    return [
        Judged(event_id, animal_id, name, bool(is_right), reason, at_ms)
        for event_id, animal_id, name, is_right, reason, at_ms in rows
    ]
