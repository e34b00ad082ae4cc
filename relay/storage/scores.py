"""What a step of scoring leaves behind: cursor and scorer states here, the rest where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from relay.model import ScoredAnimal
from relay.storage import behaviour, events, history, outbox
from relay.storage.ports import StaleLease

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import AnimalLabels, AnimalSnapshot, Event, FarmState, HourRecord, Message
    from relay.storage.connection import Connection
    from relay.storage.ports import Vault


class Step(NamedTuple):
    """What one step of scoring made, for one transaction."""

    states: Sequence[ScoredAnimal]
    events: Sequence[Event]
    messages: Sequence[Message]
    labels: Sequence[AnimalLabels]
    hours: Sequence[HourRecord]
    snapshots: Sequence[AnimalSnapshot]
    farm_states: Sequence[FarmState]


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


def commit(connection: Connection, vault: Vault, lease: tuple[int, int], at: int, step: Step) -> None:
    """Store what one step of scoring made. `lease`: partition and fencing token."""
    partition, token = lease
    _advance(connection, partition, token, at)
    connection.executemany(
        'INSERT INTO scorer_state (animal_id, scorer, "partition", version, state) VALUES (?, ?, ?, ?, ?)'
        ' ON CONFLICT (animal_id, scorer) DO UPDATE SET "partition" = excluded."partition",'
        " version = excluded.version, state = excluded.state",
        [(s.animal_id, s.scorer, partition, s.version, s.state) for s in step.states],
    )
    events.store(connection, step.events)
    outbox.queue(connection, vault, step.messages)
    behaviour.store(connection, step.labels)
    history.store_hours(connection, step.hours)
    history.store_snapshots(connection, step.snapshots)
    history.store_farm_states(connection, step.farm_states)


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
