"""The webhook inbox: the statements on it. Each function runs inside one transaction."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from relay.storage.sealing import close_item, item_index, open_item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

_LOG = logging.getLogger(__name__)


def put(connection: Connection, vault: Vault, items: Sequence[tuple[str, str]], at_ms: int) -> None:
    """Store webhook items sealed; known keys are left as they are."""
    rows = []
    for key, item in items:
        index = item_index(vault, key)
        rows.append((index, close_item(vault, index, key, item), at_ms))
    connection.executemany(
        "INSERT INTO inbox (key, item, put_ms) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING", rows
    )


def pending(connection: Connection, vault: Vault, limit: int) -> list[tuple[str, str]]:
    """Return (key, item) of what is not done yet, in the order it came."""
    rows = connection.execute(
        "SELECT id, key, item FROM inbox WHERE done_ms IS NULL ORDER BY id LIMIT ?", (limit,)
    )
    return [(key, item) for _, key, item in _opened(vault, rows)]


def _opened(vault: Vault, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[int, str, str]]:
    """Yield (number, key, item); one that does not open must not stop what came after it."""
    for number, index, sealed in rows:
        try:
            key, item = open_item(vault, index, sealed)
        except ValueError as error:
            _LOG.error("webhook item %d is left: %s", number, error)
        else:
            yield number, key, item


def done(connection: Connection, vault: Vault, items: Sequence[tuple[str, str | None]], at_ms: int) -> None:
    """Mark items done, with what went wrong if something did, and forget what they said."""
    connection.executemany(
        "UPDATE inbox SET done_ms = ?, error = ?, item = x'' WHERE key = ?",
        [(at_ms, error, item_index(vault, key)) for key, error in items],
    )


def forget(connection: Connection, vault: Vault, name: str, reason: str, at_ms: int) -> None:
    """Forget what is not done and holds this phone number or user id."""
    rows = connection.execute("SELECT id, key, item FROM inbox WHERE done_ms IS NULL").fetchall()
    theirs = [number for number, _, item in _opened(vault, rows) if name in item]
    connection.executemany(
        "UPDATE inbox SET done_ms = ?, error = ?, item = x'' WHERE id = ?",
        [(at_ms, reason, number) for number in theirs],
    )
