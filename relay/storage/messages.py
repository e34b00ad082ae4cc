"""Messages as they are stored and read: the shapes of their rows, and what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.model import Message, QueuedMessage
from relay.storage.ports import OPEN
from relay.storage.ports_chat import AGAIN, ESCALATION
from relay.storage.sealing import close_body, open_body, wamid_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

_COLUMNS = """message.id, farm_id, person_id, event_id, step, body, created_ms, expires_ms, critical,
    held_until_ms, channel"""
MESSAGE = f"SELECT {_COLUMNS} FROM message"  # noqa: S608 - built from constants
LETTER = f"SELECT {_COLUMNS}, state, error, attempts, state_ms FROM message"  # noqa: S608 - likewise
HELD = f"""
    SELECT {_COLUMNS}, state, attempts, repeat, phone, user_id, last_inbound_ms, opted_out_ms
    FROM message JOIN person ON person.id = person_id
"""  # noqa: S608 - likewise
COLUMNS_OF_MESSAGE = 11
# Whether a message is news, or asks for an answer that is still to come. An answer may be late: dated before
# a message that was made without it. No call is made within the first step of the farm after the alert, none
# again within hours of an answer: so far back an answer is one to this.
IS_NEEDED = f"""
    (substr(message.step || ':', 1, instr(message.step || ':', ':') - 1) NOT IN ('{ESCALATION}', '{AGAIN}')
    OR EXISTS (
        SELECT 1 FROM json_each(message.body, '$.about') AS told
        JOIN event ON event.id = json_extract(told.value, '$[0]')
        JOIN farm ON farm.id = event.farm_id
        WHERE event.state = '{OPEN}' AND NOT EXISTS (
            SELECT 1 FROM judgement
            WHERE judgement.event_id = event.id AND judgement.at_ms > message.created_ms
                - 60000 * max(1, min(60, CAST(farm.escalate_min AS INTEGER))))))
"""  # noqa: S608 - likewise


def from_row(vault: Vault, row: Sequence[Any]) -> Message:
    """Return the message of a row of MESSAGE."""
    message_id, farm_id, person_id, event_id, step, stored, created_ms, expires_ms, critical, *held = row
    body = open_body(vault, message_id, stored)
    held_until_ms, channel = held
    return Message(
        message_id,
        farm_id,
        person_id,
        event_id,
        step,
        body,
        created_ms,
        expires_ms,
        bool(critical),
        held_until_ms,
        channel,
    )


def held(vault: Vault, row: Sequence[Any], state: str, attempts: int) -> QueuedMessage:
    """Return the message of a row of HELD, the address of its person opened."""
    message = from_row(vault, row[:COLUMNS_OF_MESSAGE])
    _, _, repeat, phone, user_id, last_inbound_ms, _ = row[COLUMNS_OF_MESSAGE:]
    return QueuedMessage(
        message,
        state,
        attempts,
        opened(vault, phone, message.person_id, "phone"),
        bool(repeat),
        opened(vault, user_id, message.person_id, "user"),
        last_inbound_ms,
    )


def opened(vault: Vault, sealed: bytes | None, person_id: int, what: str) -> str:
    """Return the "phone" or "user" id of a person, "" without one."""
    return vault.open(sealed, f"person:{person_id}:{what}").decode() if sealed else ""


def to_row(vault: Vault, message: Message) -> tuple[Any, ...]:
    """Return what `outbox.queue` stores of a message."""
    return (
        message.id,
        message.farm_id,
        message.person_id,
        message.event_id,
        message.step,
        close_body(vault, message.id, message.body),
        message.created_ms,
        message.expires_ms,
        int(message.critical),
        message.not_before_ms,
        message.channel,
    )


def message(connection: Connection, vault: Vault, message_id: str) -> Message | None:
    """Return one message."""
    row = connection.execute(f"{MESSAGE} WHERE id = ?", (message_id,)).fetchone()
    return from_row(vault, row) if row else None


def by_wamid(connection: Connection, vault: Vault, wamid: str) -> Message | None:
    """Find a message by the id that Meta gave it."""
    row = connection.execute(f"{MESSAGE} WHERE wamid_index = ?", (wamid_index(vault, wamid),)).fetchone()
    return from_row(vault, row) if row else None


def messages(connection: Connection, vault: Vault, farm_id: int, since_ms: int) -> list[Message]:
    """Return a farm's messages created since then."""
    rows = connection.execute(
        f"{MESSAGE} WHERE farm_id = ? AND created_ms >= ? ORDER BY created_ms, id", (farm_id, since_ms)
    )
    return [from_row(vault, row) for row in rows]


def state(connection: Connection, message_id: str) -> str | None:
    """Return the state of one message."""
    row = connection.execute("SELECT state FROM message WHERE id = ?", (message_id,)).fetchone()
    return row[0] if row else None
