"""Messages that did not arrive: for the second channel and for an operator. Each runs in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.model import DeadLetter
from relay.storage.messages import COLUMNS_OF_MESSAGE, IS_NEEDED, LETTER, MESSAGE, from_row
from relay.storage.ports import DEAD, EXPIRED, FAILED, OPTED_OUT
from relay.storage.ports_chat import SECOND

if TYPE_CHECKING:
    from relay.model import Message
    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

_UNDELIVERED = f"""
    {MESSAGE} INDEXED BY message_undelivered
    WHERE critical = 1 AND channel = 'whatsapp' AND state NOT IN ('delivered', 'read')
        AND expires_ms > ?1 AND error IS NOT '{OPTED_OUT}'
        AND (state IN ('failed', 'dead', 'expired')
            OR coalesce(first_ms, max(created_ms, held_until_ms)) <= ?2)
        AND NOT EXISTS (SELECT 1 FROM message AS other WHERE other.id = message.id || ':{SECOND}')
        AND (SELECT opted_out_ms FROM person WHERE person.id = person_id) IS NULL
        AND EXISTS (SELECT 1 FROM address WHERE address.person_id = message.person_id)
        AND {IS_NEEDED}
    ORDER BY created_ms, id LIMIT ?3
"""  # noqa: S608 - built from constants


def undelivered(
    connection: Connection, vault: Vault, now_ms: int, after_ms: int, limit: int
) -> list[Message]:
    """Return critical messages that the second channel has to take over."""
    rows = connection.execute(_UNDELIVERED, (now_ms, now_ms - after_ms, limit))
    return [from_row(vault, row) for row in rows]


def dead_letters(connection: Connection, vault: Vault, farm_id: int | None, limit: int) -> list[DeadLetter]:
    """Return what is failed, dead or expired, newest first."""
    rows = []
    for state in (FAILED, DEAD, EXPIRED):  # each by its index, so that only `limit` of them are read
        rows += connection.execute(
            f"{LETTER} WHERE state = ?1 AND (?2 IS NULL OR farm_id = ?2) ORDER BY state_ms DESC LIMIT ?3",
            (state, farm_id, limit),
        ).fetchall()
    rows.sort(key=lambda row: (-row[-1], row[0]))
    return [
        DeadLetter(from_row(vault, row[:COLUMNS_OF_MESSAGE]), *row[COLUMNS_OF_MESSAGE:])
        for row in rows[:limit]
    ]


def resend(connection: Connection, message_id: str, now_ms: int, expires_ms: int) -> bool:
    """Queue again what is failed, dead or expired. What expired after an attempt may have arrived."""
    changed = connection.execute(
        "UPDATE message SET repeat = max(repeat, state = 'expired' AND attempts > 0), state = 'queued',"
        " state_ms = ?1, not_before_ms = ?1, held_until_ms = 0, first_ms = ?1, expires_ms = ?2,"
        " wamid_index = NULL, error = NULL"
        " WHERE id = ?3 AND state IN ('failed', 'dead', 'expired') AND body <> '{}'",
        (now_ms, expires_ms, message_id),
    )
    return changed.rowcount == 1
