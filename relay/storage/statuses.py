"""Delivery statuses: the statements on them. Each function runs inside one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.model import Priced
from relay.storage.outbox import rank
from relay.storage.ports import ACCEPTED, DELIVERED, FAILED, QUEUED, READ, SENDING, SENT
from relay.storage.sealing import wamid_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import DeliveryStatus
    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

_AT_A_TIME = 500  # SQLite takes at least 999 parameters
_STANDING = "SELECT id, state, state_ms, wamid_index, repeat FROM message"
_KNOWN = "SELECT message_id, state, at_ms, wamid_index FROM status WHERE message_id IN"


@dataclass(slots=True)
class _Standing:
    """A message as statuses change it; the fields after `repeat` are None until a status says so."""

    state: str
    state_ms: int
    wamid: bytes | None
    repeat: int
    error: str | None = None
    market: str | None = None
    pricing_category: str | None = None
    pricing_type: str | None = None


def apply(connection: Connection, vault: Vault, statuses: Sequence[DeliveryStatus]) -> list[bool]:
    """Raise messages by delivery statuses; False for each that is none of ours."""
    for status in statuses:
        rank(status.state)
    ours: list[bool] = []
    for at in range(0, len(statuses), _AT_A_TIME):
        ours += _apply_some(connection, vault, statuses[at : at + _AT_A_TIME])
    return ours


def _apply_some(connection: Connection, vault: Vault, statuses: Sequence[DeliveryStatus]) -> list[bool]:
    wamids = [wamid_index(vault, status.wamid) if status.wamid else None for status in statuses]
    found, by_wamid = _standings(connection, statuses, [wamid for wamid in wamids if wamid])
    ids = [
        status.message_id if status.message_id in found else by_wamid.get(wamid)
        for status, wamid in zip(statuses, wamids, strict=True)
    ]
    known = _known(connection, found)
    new = []
    for message_id, status, wamid in zip(ids, statuses, wamids, strict=True):
        if message_id is None:
            continue
        line = (message_id, status.state, status.at_ms, wamid or b"")
        if line not in known:
            known.add(line)
            new.append(line)
            _raise(found[message_id], status, wamid)
    connection.executemany(
        "INSERT INTO status (message_id, state, at_ms, wamid_index) VALUES (?, ?, ?, ?)", new
    )
    _keep(connection, {message_id: found[message_id] for message_id, *_ in new})
    return [message_id is not None for message_id in ids]


def _standings(
    connection: Connection, statuses: Sequence[DeliveryStatus], wamids: Sequence[bytes]
) -> tuple[dict[str, _Standing], dict[bytes | None, str]]:
    """Return the messages that these statuses may be of, by id, and their ids by wamid."""
    ids = {status.message_id for status in statuses if status.message_id is not None}
    rows = [
        *_select(connection, _STANDING + " WHERE id IN", tuple(ids)),
        *_select(connection, _STANDING + " WHERE wamid_index IN", wamids),
    ]
    found = {message_id: _Standing(*standing) for message_id, *standing in rows}
    return found, {one.wamid: message_id for message_id, one in found.items() if one.wamid is not None}


def _select(connection: Connection, question: str, values: Sequence[object]) -> list[Sequence[Any]]:
    return connection.execute(f"{question} ({', '.join('?' * len(values))})", values).fetchall()


def _known(connection: Connection, found: dict[str, _Standing]) -> set[tuple[str, str, int, bytes]]:
    rows = _select(connection, _KNOWN, tuple(found))
    return {(message_id, state, at_ms, wamid) for message_id, state, at_ms, wamid in rows}


def _raise(standing: _Standing, status: DeliveryStatus, wamid: bytes | None) -> None:
    if _is_of_another_attempt(standing, status, wamid):
        return
    if rank(status.state) > rank(standing.state):
        standing.state, standing.state_ms = status.state, status.at_ms
        standing.error = status.error
    standing.wamid = standing.wamid or wamid
    if status.pricing_category is not None:
        standing.market, standing.pricing_category = status.market, status.pricing_category
        standing.pricing_type = status.pricing_type


def _is_of_another_attempt(standing: _Standing, status: DeliveryStatus, wamid: bytes | None) -> bool:
    """Whether this is the failure of an attempt that another one has followed or is about to follow."""
    if status.state != FAILED:
        return False
    if standing.wamid is not None and wamid is not None and standing.wamid != wamid:
        return True
    return standing.state == QUEUED or (standing.state == SENDING and bool(standing.repeat))


def _keep(connection: Connection, changed: dict[str, _Standing]) -> None:
    connection.executemany(
        "UPDATE message SET state = ?, state_ms = ?, wamid_index = ?, error = coalesce(?, error),"
        " market = coalesce(?, market), pricing_category = coalesce(?, pricing_category),"
        " pricing_type = coalesce(?, pricing_type) WHERE id = ?",
        [(*_row(standing), message_id) for message_id, standing in changed.items()],
    )


def _row(one: _Standing) -> tuple[object, ...]:
    return (
        one.state,
        one.state_ms,
        one.wamid,
        one.error,
        one.market,
        one.pricing_category,
        one.pricing_type,
    )


def priced(connection: Connection, farm_id: int | None, from_ms: int, until_ms: int) -> list[Priced]:
    """Return how many messages of a span were priced alike, by the month of the first attempt.

    Meta says the price when it has sent a message, and bills nothing for what fails then.
    """
    rows = connection.execute(
        "SELECT strftime('%Y-%m', first_ms / 1000, 'unixepoch') AS month, farm_id, coalesce(market, ''),"
        " pricing_category, coalesce(pricing_type, ''), count(*)"
        " FROM message WHERE pricing_category IS NOT NULL AND first_ms >= ?1 AND first_ms < ?2"
        " AND state IN (?4, ?5, ?6, ?7)"
        " AND (?3 IS NULL OR farm_id = ?3) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5",
        (from_ms, until_ms, farm_id, ACCEPTED, SENT, DELIVERED, READ),
    )
    return [Priced(*row) for row in rows]
