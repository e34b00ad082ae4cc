"""What of a message and a webhook item must not be read from the files: sealed, or found by a blind index.

A wamid holds the phone number it belongs to, in base64; an item of the inbox holds it as it is.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

_REPLY_TO, _SEALED_REPLY_TO = "reply_to", "reply_to_sealed"
_BATCH = 1_000


def wamid_index(vault: Vault, wamid: str) -> bytes:
    """Return by what a message is found that Meta calls so."""
    return vault.blind(wamid, "wamid")


def user_index(vault: Vault, user_id: str) -> bytes:
    """Return by what a person is found who has this business-scoped user id."""
    return vault.blind(user_id, "user")


def close_body(vault: Vault, message_id: str, body: dict[str, Any]) -> str:
    """Return a message's body as it is stored: the wamid it answers to is sealed."""
    if _REPLY_TO in body:
        sealed = vault.seal(str(body[_REPLY_TO]).encode(), _reply_context(message_id))
        body = {name: value for name, value in body.items() if name != _REPLY_TO}
        body[_SEALED_REPLY_TO] = base64.b64encode(sealed).decode()
    return json.dumps(body, ensure_ascii=False, allow_nan=False)


def open_body(vault: Vault, message_id: str, stored: str) -> dict[str, Any]:
    """Return a body as it was before `close_body`."""
    body: dict[str, Any] = json.loads(stored)
    sealed = body.pop(_SEALED_REPLY_TO, None)
    if sealed is not None:
        body[_REPLY_TO] = vault.open(base64.b64decode(sealed), _reply_context(message_id)).decode()
    return body


def _reply_context(message_id: str) -> str:
    return f"message:{message_id}:reply_to"


def item_index(vault: Vault, key: str) -> bytes:
    """Return by what an item of the inbox is found again when it comes a second time."""
    return vault.blind(key, "inbox")


def close_item(vault: Vault, index: bytes, key: str, item: str) -> bytes:
    """Return an item of the inbox as it is stored, together with its key."""
    return vault.seal(f"{key}\n{item}".encode(), f"inbox:{index.hex()}")


def open_item(vault: Vault, index: bytes, sealed: bytes) -> tuple[str, str]:
    """Return (key, item); a key holds no line feed."""
    key, _, item = vault.open(sealed, f"inbox:{index.hex()}").decode().partition("\n")
    return key, item


def convert_to_6(connection: Connection, vault: Vault) -> None:
    """Fill the tables that migration 6 made anew from those before, sealed; then drop these."""
    _convert_messages(connection, vault)
    _convert_inbox(connection, vault)
    connection.execute("DROP TABLE message_before")
    connection.execute("DROP TABLE inbox_before")


def _convert_messages(connection: Connection, vault: Vault) -> None:
    connection.execute(
        "INSERT INTO message (id, farm_id, person_id, event_id, step, body, created_ms, expires_ms, critical,"
        " state, state_ms, not_before_ms, held_until_ms, first_ms, attempts, repeat, channel, error)"
        " SELECT id, farm_id, person_id, event_id, step, '{}', created_ms, expires_ms, critical,"
        " state, state_ms, not_before_ms, held_until_ms, CASE WHEN attempts > 0 THEN created_ms END,"
        " attempts, repeat, 'whatsapp', error FROM message_before"
    )
    after = 0
    while rows := connection.execute(
        "SELECT rowid, id, body, wamid FROM message_before WHERE rowid > ? ORDER BY rowid LIMIT ?",
        (after, _BATCH),
    ).fetchall():
        connection.executemany(
            "UPDATE message SET body = ?, wamid_index = ? WHERE id = ?",
            [
                (close_body(vault, name, json.loads(body)), wamid and wamid_index(vault, wamid), name)
                for _, name, body, wamid in rows
            ],
        )
        after = rows[-1][0]


def _convert_inbox(connection: Connection, vault: Vault) -> None:
    after = 0
    while rows := connection.execute(
        "SELECT id, key, item, put_ms, done_ms, error FROM inbox_before WHERE id > ? ORDER BY id LIMIT ?",
        (after, _BATCH),
    ).fetchall():
        sealed = []
        for number, key, item, put_ms, done_ms, error in rows:
            index = item_index(vault, key)
            kept = close_item(vault, index, key, item) if done_ms is None else b""
            sealed.append((number, index, kept, put_ms, done_ms, error))
        connection.executemany(
            "INSERT INTO inbox (id, key, item, put_ms, done_ms, error) VALUES (?, ?, ?, ?, ?, ?)", sealed
        )
        after = rows[-1][0]
