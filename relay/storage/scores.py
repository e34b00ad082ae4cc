"""What scoring leaves behind: cursors, scorer states, labels, events, judgements, the audit chain."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from relay.model import Event, ScoredAnimal
from relay.storage import behaviour, outbox
from relay.storage.ports import VERDICTS, NotKnown, StaleLease

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import AnimalLabels, Message
    from relay.storage.connection import Connection

_EVENT = "SELECT id, farm_id, animal_id, kind, onset_ms, detected_ms, evidence FROM event"


def to_json(value: dict[str, Any]) -> str:
    """Return the one text that stands for this object."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def cursor(connection: Connection, partition: int) -> int:
    """Return how far a partition has been scored, 0 at first."""
    row = connection.execute('SELECT cursor FROM cursor WHERE "partition" = ?', (partition,)).fetchone()
    return row[0] if row else 0


def states(connection: Connection, partition: int) -> list[ScoredAnimal]:
    """Return the stored states of a partition."""
    rows = connection.execute(
        'SELECT animal_id, scorer, version, state FROM scorer_state WHERE "partition" = ?'
        " ORDER BY animal_id, scorer",
        (partition,),
    )
    return [ScoredAnimal(*row) for row in rows]


def commit(
    connection: Connection,
    lease: tuple[int, int],
    at: int,
    new_states: Sequence[ScoredAnimal],
    events: Sequence[Event],
    messages: Sequence[Message],
    labels: Sequence[AnimalLabels] = (),
) -> None:
    """Store what one step of scoring made. `lease`: partition and fencing token."""
    partition, token = lease
    _advance(connection, partition, token, at)
    connection.executemany(
        'INSERT INTO scorer_state (animal_id, scorer, "partition", version, state) VALUES (?, ?, ?, ?, ?)'
        ' ON CONFLICT (animal_id, scorer) DO UPDATE SET "partition" = excluded."partition",'
        " version = excluded.version, state = excluded.state",
        [(s.animal_id, s.scorer, partition, s.version, s.state) for s in new_states],
    )
    connection.executemany(
        "INSERT INTO event (id, farm_id, animal_id, kind, onset_ms, detected_ms, evidence)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        [
            (e.id, e.farm_id, e.animal_id, e.kind, e.onset_ms, e.detected_ms, to_json(e.evidence))
            for e in events
        ],
    )
    outbox.queue(connection, messages)
    behaviour.store(connection, labels)


def _advance(connection: Connection, partition: int, token: int, at: int) -> None:
    known = connection.execute(
        'SELECT token, cursor FROM cursor WHERE "partition" = ?', (partition,)
    ).fetchone() or (token, at)
    if token < known[0]:
        raise StaleLease(f"partition {partition}: token {token}, the store has seen {known[0]}")
    if at < known[1]:
        raise StaleLease(f"partition {partition}: cursor {at}, the store is at {known[1]}")
    connection.execute(
        'INSERT INTO cursor ("partition", token, cursor) VALUES (?, ?, ?)'
        ' ON CONFLICT ("partition") DO UPDATE SET token = excluded.token, cursor = excluded.cursor',
        (partition, token, at),
    )


def _event(row: Sequence[Any]) -> Event:
    event_id, farm_id, animal_id, kind, onset_ms, detected_ms, evidence = row
    return Event(event_id, farm_id, animal_id, kind, onset_ms, detected_ms, json.loads(evidence))


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


def judge(connection: Connection, event_id: str, person_id: int, verdict: str, at_ms: int) -> bool:
    """Record what a person says about an event; False if they said the same already."""
    if verdict not in VERDICTS:
        raise ValueError(f"verdict={verdict!r}, want one of {', '.join(VERDICTS)}")
    known = connection.execute(
        "SELECT 1 FROM event JOIN role ON role.farm_id = event.farm_id WHERE event.id = ? AND person_id = ?",
        (event_id, person_id),
    ).fetchone()
    if known is None:
        raise NotKnown(f"event {event_id} is not known on a farm of person {person_id}")
    added = connection.execute(
        "INSERT INTO judgement (event_id, person_id, verdict, at_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (event_id, person_id, verdict, at_ms),
    )
    return added.rowcount == 1


def _chain(before: bytes, line: Sequence[Any]) -> bytes:
    return hashlib.sha256(before + json.dumps(line, ensure_ascii=False).encode()).digest()


def audit(connection: Connection, actor: str, action: str, detail: dict[str, Any], at_ms: int) -> None:
    """Add a line to the audit chain."""
    last = connection.execute("SELECT chain FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    line = (at_ms, actor, action, to_json(detail))
    connection.execute(
        "INSERT INTO audit (at_ms, actor, action, detail, chain) VALUES (?, ?, ?, ?, ?)",
        (*line, _chain(last[0] if last else b"", line)),
    )


def audit_broken_at(connection: Connection) -> int | None:
    """Return the number of the first audit line whose hash is wrong."""
    before = b""
    for number, chain, *line in connection.execute(
        "SELECT id, chain, at_ms, actor, action, detail FROM audit ORDER BY id"
    ):
        if chain != _chain(before, line):
            return int(number)
        before = chain
    return None
