"""What a person may ask for, and what is forgotten by itself. Each function runs inside one transaction."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from relay.storage import inbox
from relay.storage.chatbook import addresses, need_person
from relay.storage.messages import opened
from relay.storage.outbox import OPEN_STATES, fail
from relay.storage.ports_chat import ERASED
from relay.storage.sealing import open_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

BATCH = 2_000  # so many rows are forgotten in one transaction: others write in between


def export(connection: Connection, vault: Vault, person_id: int) -> dict[str, Any]:
    """Return all that is known of a person."""
    need_person(connection, person_id)
    (row,) = _dicts(
        connection,
        ("name", "language", "zone", "phone", "user_id", "opted_out_ms", "last_inbound_ms", "doubt", "fewer"),
        "FROM person WHERE id = ?",
        (person_id,),
    )
    row["phone"] = opened(vault, row["phone"], person_id, "phone")
    row["user_id"] = opened(vault, row["user_id"], person_id, "user")
    return {
        "id": person_id,
        **row,
        "fewer": bool(row["fewer"]),
        "addresses": addresses(connection, vault, person_id),
        **_lists(connection, person_id),
        "messages": _said(connection, vault, person_id),
        "audit": _audited(connection, person_id),
    }


def _lists(connection: Connection, person_id: int) -> dict[str, Any]:
    return {
        "roles": _dicts(
            connection,
            ("farm_id", "role", "rung", "consent_ms", "consent_text"),
            "FROM role WHERE person_id = ? ORDER BY id",
            (person_id,),
        ),
        "mutes": _dicts(
            connection,
            ("farm_id", "animal_id", "kind", "until_ms"),
            "FROM mute WHERE person_id = ? ORDER BY until_ms",
            (person_id,),
        ),
        "judgements": _dicts(
            connection,
            ("event_id", "verdict", "reason", "at_ms"),
            "FROM judgement WHERE person_id = ? ORDER BY at_ms",
            (person_id,),
        ),
    }


def _said(connection: Connection, vault: Vault, person_id: int) -> list[dict[str, Any]]:
    """Return the messages to a person, oldest first."""
    found = _dicts(
        connection,
        ("id", "farm_id", "event_id", "step", "channel", "body", "created_ms", "state", "state_ms"),
        "FROM message WHERE person_id = ? ORDER BY created_ms, id",
        (person_id,),
    )
    for one in found:
        one["body"] = open_body(vault, one["id"], one["body"])
    return found


def _audited(connection: Connection, person_id: int) -> list[dict[str, Any]]:
    found = _dicts(
        connection,
        ("at_ms", "action", "detail"),
        "FROM audit WHERE actor = ? ORDER BY id",
        (f"person:{person_id}",),
    )
    for one in found:
        one["detail"] = json.loads(one["detail"])
    return found


def _dicts(
    connection: Connection, columns: Sequence[str], source: str, values: Sequence[Any]
) -> list[dict[str, Any]]:
    rows = connection.execute(f"SELECT {', '.join(columns)} {source}", values)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def erase(connection: Connection, vault: Vault, person_id: int, at_ms: int) -> None:
    """Forget a person; only the bare id stays where something points at it."""
    need_person(connection, person_id)
    name, *sealed = connection.execute(
        "SELECT name, phone, user_id FROM person WHERE id = ?", (person_id,)
    ).fetchone()
    for value, what in zip(sealed, ("phone", "user"), strict=True):
        if number := opened(vault, value, person_id, what):
            inbox.forget(connection, vault, number, ERASED, at_ms)
    fail(connection, _unfinished(connection, person_id), ERASED, at_ms)
    _forget_bodies(connection, person_id, name)
    connection.execute("DELETE FROM address WHERE person_id = ?", (person_id,))
    connection.execute("DELETE FROM mute WHERE person_id = ?", (person_id,))
    connection.execute("DELETE FROM role WHERE person_id = ?", (person_id,))
    connection.execute(
        "UPDATE person SET name = '', language = '', zone = '', phone = x'', phone_index = randomblob(32),"
        " user_id = NULL, user_index = NULL, opted_out_ms = ?, last_inbound_ms = NULL, doubt = '', fewer = 0"
        " WHERE id = ?",
        (at_ms, person_id),
    )


def _unfinished(connection: Connection, person_id: int) -> list[str]:
    rows = connection.execute("SELECT id, state FROM message WHERE person_id = ?", (person_id,))
    return [message_id for message_id, state in rows if state in OPEN_STATES]


def _forget_bodies(connection: Connection, person_id: int, name: str) -> None:
    """Forget what was said to a person and, where that is over, what was said of them on their farms."""
    named = re.compile(rf"(?<!\w){re.escape(json.dumps(name, ensure_ascii=False)[1:-1])}(?!\w)")
    others = connection.execute(
        "SELECT message.id, body FROM role JOIN message ON message.farm_id = role.farm_id"
        " WHERE role.person_id = ? AND body <> '{}' AND state NOT IN ('queued', 'sending', 'unknown')",
        (person_id,),
    )
    of_them = [message_id for message_id, body in others if name and named.search(body)]
    connection.executemany("UPDATE message SET body = '{}' WHERE id = ?", [(each,) for each in of_them])
    connection.execute("UPDATE message SET body = '{}', wamid_index = NULL WHERE person_id = ?", (person_id,))


def prune_messages(connection: Connection, before_ms: int) -> int:
    """Forget the bodies of old messages of which nothing becomes any more; return how many."""
    return connection.execute(
        "UPDATE message SET body = '{}' WHERE rowid IN"
        " (SELECT rowid FROM message INDEXED BY message_with_body WHERE body <> '{}' AND created_ms < ?"
        " AND state NOT IN ('queued', 'sending', 'unknown') LIMIT ?)",
        (before_ms, BATCH),
    ).rowcount


def prune_statuses(connection: Connection, before_ms: int) -> int:
    """Forget old statuses; return how many."""
    return connection.execute(
        "DELETE FROM status WHERE (message_id, state, at_ms) IN"
        " (SELECT message_id, state, at_ms FROM status INDEXED BY status_at WHERE at_ms < ? LIMIT ?)",
        (before_ms, BATCH),
    ).rowcount


def prune_inbox(connection: Connection, before_ms: int) -> int:
    """Forget old items that are done; return how many."""
    return connection.execute(
        "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox INDEXED BY inbox_done"
        " WHERE done_ms IS NOT NULL AND put_ms < ? LIMIT ?)",
        (before_ms, BATCH),
    ).rowcount
