"""What the watch stores, and what it asks of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.storage.connection import Connection


def state(connection: Connection) -> str | None:
    """Return what `keep` stored last, None before the first time."""
    row = connection.execute("SELECT state FROM watch").fetchone()
    return row[0] if row else None


def keep(connection: Connection, text: str) -> None:
    """Store the watch's state in the place of the one before."""
    connection.execute(
        "INSERT INTO watch (id, state) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
        (text,),
    )


def unconfirmed_since_ms(connection: Connection) -> int | None:
    """Return since when Meta owes a status: the oldest message it took after its last webhook."""
    since_ms: int | None = connection.execute(
        "SELECT min(state_ms) FROM message WHERE state = 'accepted' AND state_ms >"
        " coalesce((SELECT put_ms FROM inbox ORDER BY id DESC LIMIT 1), -1)"
    ).fetchone()[0]
    return since_ms
