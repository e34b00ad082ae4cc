"""The outbox: what is queued, claimed and settled. States and their ranks: ports.py, RANK."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.storage.messages import COLUMNS_OF_MESSAGE, HELD, IS_NEEDED, held, to_row
from relay.storage.ports import CONFIRMS_OPT_OUT, OPTED_OUT, QUEUED, RANK, SENDING, UNKNOWN, NotKnown
from relay.storage.ports_chat import ANSWERED, WHATSAPP
from relay.storage.sealing import wamid_index

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from relay.model import Message, QueuedMessage
    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

OPEN_STATES = (QUEUED, SENDING, UNKNOWN)  # the dispatcher may still decide what becomes of it
_SET_BACK_MS = 60_000  # what was queued further ahead than that was queued before the clock was set back
# Likewise what is unknown: nobody waits an hour and two minutes for a status. More than a year ahead says
# that our clock is not set yet: then nothing is decided.
_FAR_AHEAD_MS = (3_720_000, 366 * 86_400_000)
# Each part is a search of an index that ends with the limit: a claim costs what it takes, not what waits.
_IN_TIME = """
    SELECT * FROM (
        SELECT id FROM message INDEXED BY message_due
        WHERE state = 'queued' AND channel = ?1 AND critical = {critical} AND not_before_ms <= ?2
            AND held_until_ms <= ?2
        ORDER BY not_before_ms, id LIMIT ?4)
"""
_SET_BACK = """
    SELECT * FROM (
        SELECT id FROM message INDEXED BY message_in_state
        WHERE state = 'queued' AND state_ms > ?3 AND channel = ?1 AND held_until_ms <= ?2 LIMIT ?4)
"""
_DUE = f"""
    {HELD} WHERE message.id IN
        ({_IN_TIME.format(critical=1)} UNION {_IN_TIME.format(critical=0)} UNION {_SET_BACK})
    ORDER BY critical DESC, not_before_ms, message.id LIMIT ?4
"""
# Who was not rung has not heard of it: what becomes of it is no news to them either.
_UNTOLD = "UPDATE message SET body = json_remove(body, '$.about') WHERE id = ? AND attempts = 0"
_NEEDED = f"SELECT 1 FROM message WHERE id = ? AND {IS_NEEDED}"  # noqa: S608 - built from constants


def queue(connection: Connection, vault: Vault, messages: Sequence[Message]) -> None:
    """Add messages; known ids are left as they are."""
    connection.executemany(
        "INSERT INTO message (id, farm_id, person_id, event_id, step, body, created_ms, expires_ms, critical,"
        " held_until_ms, channel, state, state_ms, not_before_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'queued', ?7, max(?7, ?10))"
        " ON CONFLICT (id) DO NOTHING",
        [to_row(vault, message) for message in messages],
    )


def claim(connection: Connection, vault: Vault, now_ms: int, limit: int, channel: str) -> list[QueuedMessage]:
    """Take due messages for sending, the critical ones first; none for who asked for silence.

    Nor any that asks for an answer which has come while it waited.
    """
    connection.execute(
        "UPDATE message INDEXED BY message_waiting SET state = 'expired', state_ms = ?1"
        " WHERE state = 'queued' AND expires_ms <= ?1",
        (now_ms,),
    )
    taken: list[Sequence[Any]] = []
    left = limit
    while left and len(taken) < limit:  # others take the places of those that are not sent
        rows = _due(connection, now_ms, limit - len(taken), channel)
        reasons = [_unwanted(connection, row) for row in rows]
        for row, reason in zip(rows, reasons, strict=True):
            if reason:
                fail(connection, [row[0]], reason, now_ms)
            if reason == ANSWERED:
                connection.execute(_UNTOLD, (row[0],))
        wanted = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
        _begin(connection, wanted, now_ms)
        taken += wanted
        left = len(rows) - len(wanted)
    return [held(vault, row, SENDING, row[COLUMNS_OF_MESSAGE + 1] + 1) for row in taken]


def _unwanted(connection: Connection, row: Sequence[Any]) -> str:
    """Return why a row of HELD is not to be sent; "" if it is."""
    message_id, step, is_critical, opted_out_ms = row[0], row[4], row[8], row[-1]
    if opted_out_ms is not None and step != CONFIRMS_OPT_OUT:
        return OPTED_OUT
    if is_critical and connection.execute(_NEEDED, (message_id,)).fetchone() is None:
        return ANSWERED
    return ""


def _due(connection: Connection, now_ms: int, limit: int, channel: str) -> list[Sequence[Any]]:
    return connection.execute(_DUE, (channel, now_ms, now_ms + _SET_BACK_MS, limit)).fetchall()


def _begin(connection: Connection, rows: Iterable[Sequence[Any]], now_ms: int) -> None:
    connection.executemany(
        "UPDATE message SET state = 'sending', state_ms = ?1, attempts = attempts + 1,"
        " first_ms = coalesce(first_ms, ?1) WHERE id = ?2",
        [(now_ms, row[0]) for row in rows],
    )


def fail(connection: Connection, message_ids: Iterable[str], error: str, at_ms: int) -> None:
    """Let messages be failed for a reason of our own."""
    connection.executemany(
        "UPDATE message SET state = 'failed', state_ms = ?, error = ? WHERE id = ?",
        [(at_ms, error, message_id) for message_id in message_ids],
    )


def silence(connection: Connection, person_id: int, at_ms: int) -> None:
    """Let what waits for a person be failed, but for the answer to their STOP."""
    waiting = connection.execute(
        "SELECT id FROM message WHERE person_id = ? AND state = 'queued' AND step <> ?",
        (person_id, CONFIRMS_OPT_OUT),
    ).fetchall()
    fail(connection, [message_id for (message_id,) in waiting], OPTED_OUT, at_ms)


def settle(
    connection: Connection,
    vault: Vault,
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
        if row[0] in OPEN_STATES:
            _requeue(connection, message_id, now_ms, now_ms if retry_ms is None else retry_ms)
    elif row[0] in OPEN_STATES or rank(state) > rank(row[0]):
        _enter(connection, message_id, state, now_ms)
    if wamid is not None or error is not None:
        connection.execute(
            "UPDATE message SET wamid_index = coalesce(?, wamid_index), error = coalesce(?, error)"
            " WHERE id = ?",
            (None if wamid is None else wamid_index(vault, wamid), error, message_id),
        )


def rank(state: str) -> int:
    """Return the rank of a state; ValueError if there is no such state."""
    if state not in RANK:
        raise ValueError(f"state={state!r}, want one of {', '.join(RANK)}")
    return RANK[state]


def _enter(connection: Connection, message_id: str, state: str, at_ms: int) -> None:
    rank(state)
    connection.execute("UPDATE message SET state = ?, state_ms = ? WHERE id = ?", (state, at_ms, message_id))


def _requeue(connection: Connection, message_id: str, now_ms: int, not_before_ms: int) -> None:
    connection.execute(
        "UPDATE message SET repeat = max(repeat, state = 'unknown'), state = 'queued', state_ms = ?,"
        " not_before_ms = ? WHERE id = ?",
        (now_ms, not_before_ms, message_id),
    )


def recover(connection: Connection, posted: Collection[str] | None) -> int:
    """After a crash: what was being sent may have gone out. It stays as old as its send."""
    if posted is not None:
        connection.execute(
            "UPDATE message SET state = 'queued', attempts = attempts - 1 WHERE state = 'sending'"
            " AND channel = ? AND id NOT IN (SELECT value FROM json_each(?))",
            (WHATSAPP, json.dumps(sorted(posted))),
        )
    return connection.execute("UPDATE message SET state = 'unknown' WHERE state = 'sending'").rowcount


def unknown_since(
    connection: Connection, vault: Vault, before_ms: int, limit: int, channel: str
) -> list[QueuedMessage]:
    """Return messages of a channel in UNKNOWN whose send is older, oldest first."""
    rows = connection.execute(
        f"{HELD} WHERE state = 'unknown' AND channel = ?2"
        " AND (state_ms < ?1 OR state_ms BETWEEN ?1 + ?4 AND ?1 + ?5)"
        " ORDER BY state_ms, message.id LIMIT ?3",
        (before_ms, channel, limit, *_FAR_AHEAD_MS),
    )
    return [held(vault, row, UNKNOWN, row[COLUMNS_OF_MESSAGE + 1]) for row in rows]


def next_due_ms(connection: Connection, channel: str) -> int | None:
    """Return when the earliest queued message of a channel may go."""
    due: int | None = connection.execute(
        "SELECT min(due_ms) FROM (SELECT min(not_before_ms) AS due_ms FROM message"
        " WHERE state = 'queued' AND channel = ?1 AND critical = 1 UNION ALL"
        " SELECT min(not_before_ms) FROM message WHERE state = 'queued' AND channel = ?1 AND critical = 0)",
        (channel,),
    ).fetchone()[0]
    return due


def counts(connection: Connection) -> dict[str, int]:
    """Return how many messages are in each state that has any."""
    return dict(connection.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall())
