"""The outbox and the webhook inbox: the statements on them. States and their ranks: ports.py, RANK."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.model import Message, QueuedMessage
from relay.storage.ports import CONFIRMS_OPT_OUT, OPTED_OUT, QUEUED, RANK, SENDING, UNKNOWN, NotKnown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

_OPEN = (QUEUED, SENDING, UNKNOWN)  # the dispatcher may still decide what becomes of it
_SET_BACK_MS = 60_000  # what was queued further ahead than that was queued before the clock was set back
_MESSAGE = """
    SELECT message.id, farm_id, person_id, event_id, step, body, created_ms, expires_ms, critical,
        held_until_ms
    FROM message
"""
_HELD = """
    SELECT message.id, farm_id, person_id, event_id, step, body, created_ms, expires_ms, critical,
        held_until_ms, state, attempts, repeat, phone
    FROM message JOIN person ON person.id = person_id
"""


def _message(row: Sequence[Any]) -> Message:
    message_id, farm_id, person_id, event_id, step, body, created_ms, expires_ms, critical, held_until_ms = (
        row
    )
    return Message(
        message_id,
        farm_id,
        person_id,
        event_id,
        step,
        json.loads(body),
        created_ms,
        expires_ms,
        bool(critical),
        held_until_ms,
    )


def _held(vault: Vault, row: Sequence[Any]) -> QueuedMessage:
    *fields, state, attempts, repeat, sealed = row
    message = _message(fields)
    phone = vault.open(sealed, f"person:{message.person_id}:phone").decode()
    return QueuedMessage(message, state, attempts, phone, bool(repeat))


def queue(connection: Connection, messages: Sequence[Message]) -> None:
    """Add messages; known ids are left as they are."""
    connection.executemany(
        "INSERT INTO message (id, farm_id, person_id, event_id, step, body, created_ms, expires_ms, critical,"
        " held_until_ms, state, state_ms, not_before_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'queued', ?7, max(?7, ?10))"
        " ON CONFLICT (id) DO NOTHING",
        [
            (
                m.id,
                m.farm_id,
                m.person_id,
                m.event_id,
                m.step,
                json.dumps(m.body, ensure_ascii=False, allow_nan=False),
                m.created_ms,
                m.expires_ms,
                int(m.critical),
                m.not_before_ms,
            )
            for m in messages
        ],
    )


def claim(connection: Connection, vault: Vault, now_ms: int, limit: int) -> list[QueuedMessage]:
    """Take due messages for sending, the critical ones first; none for who asked for silence."""
    connection.execute(
        "UPDATE message SET state = 'expired', state_ms = ?1 WHERE state = 'queued' AND expires_ms <= ?1",
        (now_ms,),
    )
    connection.execute(
        "UPDATE message SET state = 'failed', state_ms = ?, error = ? WHERE state = 'queued' AND step <> ?"
        " AND person_id IN (SELECT id FROM person WHERE opted_out_ms IS NOT NULL)",
        (now_ms, OPTED_OUT, CONFIRMS_OPT_OUT),
    )
    due = connection.execute(
        "SELECT id FROM message WHERE state = 'queued' AND (not_before_ms <= ?1 OR state_ms > ?2)"
        " AND held_until_ms <= ?1"
        " ORDER BY critical DESC, created_ms, id LIMIT ?3",
        (now_ms, now_ms + _SET_BACK_MS, limit),
    ).fetchall()
    connection.executemany(
        "UPDATE message SET state = 'sending', state_ms = ?, attempts = attempts + 1 WHERE id = ?",
        [(now_ms, message_id) for (message_id,) in due],
    )
    return [_held(vault, connection.execute(f"{_HELD} WHERE message.id = ?", row).fetchone()) for row in due]


def settle(
    connection: Connection,
    message_id: str,
    state: str,
    now_ms: int,
    wamid: str | None,
    error: str | None,
    retry_ms: int | None,
) -> None:
    """Record the outcome of one send."""
    row = connection.execute("SELECT state FROM message WHERE id = ?", (message_id,)).fetchone()
    if row is None:
        raise NotKnown(f"message {message_id} is not known")
    if state == QUEUED or retry_ms is not None:
        if row[0] in _OPEN:
            _requeue(connection, message_id, now_ms, now_ms if retry_ms is None else retry_ms)
    elif row[0] in _OPEN or _rank(state) > _rank(row[0]):
        _enter(connection, message_id, state, now_ms)
    connection.execute(
        "UPDATE message SET wamid = coalesce(?, wamid), error = coalesce(?, error) WHERE id = ?",
        (wamid, error, message_id),
    )


def _rank(state: str) -> int:
    if state not in RANK:
        raise ValueError(f"state={state!r}, want one of {', '.join(RANK)}")
    return RANK[state]


def _enter(connection: Connection, message_id: str, state: str, at_ms: int) -> None:
    _rank(state)
    connection.execute("UPDATE message SET state = ?, state_ms = ? WHERE id = ?", (state, at_ms, message_id))


def _requeue(connection: Connection, message_id: str, now_ms: int, not_before_ms: int) -> None:
    connection.execute(
        "UPDATE message SET repeat = max(repeat, state = 'unknown'), state = 'queued', state_ms = ?,"
        " not_before_ms = ? WHERE id = ?",
        (now_ms, not_before_ms, message_id),
    )


def apply_status(
    connection: Connection, message_id: str | None, wamid: str | None, state: str, at_ms: int
) -> bool:
    """Raise a message by a delivery status; False if it is none of ours."""
    rank = _rank(state)
    row = connection.execute(
        "SELECT id, state FROM message WHERE id = ?1"
        " UNION ALL SELECT id, state FROM message WHERE wamid = ?2",
        (message_id, wamid),
    ).fetchone()
    if row is None:
        return False
    connection.execute(
        "INSERT INTO status (message_id, state, at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (row[0], state, at_ms),
    )
    if rank > RANK[row[1]]:
        _enter(connection, row[0], state, at_ms)
    connection.execute("UPDATE message SET wamid = coalesce(wamid, ?) WHERE id = ?", (wamid, row[0]))
    return True


def recover(connection: Connection) -> int:
    """After a crash: what was being sent may have gone out. It stays as old as its send."""
    return connection.execute("UPDATE message SET state = 'unknown' WHERE state = 'sending'").rowcount


def unknown_since(connection: Connection, vault: Vault, before_ms: int, limit: int) -> list[QueuedMessage]:
    """Return messages in UNKNOWN whose send is older, oldest first."""
    rows = connection.execute(
        f"{_HELD} WHERE state = 'unknown' AND state_ms < ? ORDER BY state_ms, message.id LIMIT ?",
        (before_ms, limit),
    )
    return [_held(vault, row) for row in rows]


def next_due_ms(connection: Connection) -> int | None:
    """Return when the earliest queued message may go."""
    due: int | None = connection.execute(
        "SELECT min(not_before_ms) FROM message WHERE state = 'queued'"
    ).fetchone()[0]
    return due


def counts(connection: Connection) -> dict[str, int]:
    """Return how many messages are in each state that has any."""
    return dict(connection.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall())


def message(connection: Connection, message_id: str) -> Message | None:
    """Return one message."""
    row = connection.execute(f"{_MESSAGE} WHERE id = ?", (message_id,)).fetchone()
    return _message(row) if row else None


def messages(connection: Connection, farm_id: int, since_ms: int) -> list[Message]:
    """Return a farm's messages created since then."""
    rows = connection.execute(
        f"{_MESSAGE} WHERE farm_id = ? AND created_ms >= ? ORDER BY created_ms, id", (farm_id, since_ms)
    )
    return [_message(row) for row in rows]


def message_state(connection: Connection, message_id: str) -> str | None:
    """Return the state of one message."""
    row = connection.execute("SELECT state FROM message WHERE id = ?", (message_id,)).fetchone()
    return row[0] if row else None


def inbox_put(connection: Connection, items: Sequence[tuple[str, str]], at_ms: int) -> None:
    """Store webhook items; known keys are left as they are."""
    connection.executemany(
        "INSERT INTO inbox (key, item, put_ms) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
        [(key, item, at_ms) for key, item in items],
    )


def inbox_pending(connection: Connection, limit: int) -> list[tuple[str, str]]:
    """Return items not done yet, in the order they came."""
    rows = connection.execute(
        "SELECT key, item FROM inbox WHERE done_ms IS NULL ORDER BY id LIMIT ?", (limit,)
    )
    return rows.fetchall()


def inbox_done(connection: Connection, key: str, at_ms: int, error: str | None) -> None:
    """Mark an item done, with what went wrong if something did."""
    connection.execute("UPDATE inbox SET done_ms = ?, error = ? WHERE key = ?", (at_ms, error, key))
