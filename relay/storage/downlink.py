"""What collars are to be told and what they said last: the statements on it.

A settings block counts as told once the collar's newest health frame carries its number, modulo 16; a burst
once a raw frame with its id is in the log. So what waits follows from the rows, whoever wrote them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from herdcore.downlink import SETTINGS_MAX
from herdcore.records import unpack_health, unpack_raw
from herdcore.vocabulary import SCHEMA_HEALTH, SCHEMA_RAW
from herdcore.wire import frame_kind
from relay.model import CollarReport, CollarSettings, Downlink, RawFrame
from relay.storage.ports import NotKnown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import NewFrame
    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

_LOG = logging.getLogger(__name__)
NUMBER_MAX = 0xFFFF
BURST_MAX_S = 60
_HALF = 1 << 31
_BOOT_SEQ = 0xFFFF_FFFF
HEALTH, RAW = frame_kind(SCHEMA_HEALTH), frame_kind(SCHEMA_RAW)
SAYING = frozenset((HEALTH, RAW))  # kinds of frame that settle what a collar is to be told
_WAITS = "number > 0 AND (told IS NULL OR told <> number & 15)"
_OF_SETTINGS = "collar_settings LEFT JOIN collar_health USING (device)"


def _context(device: int) -> str:
    return f"collar:{device}:settings"


def next_number(number: int, told: int) -> int:
    """Return the number of the block after `number`, 1..65535.

    A collar tells its number modulo 16. 0 is what one without a block tells, and `told` what this one told
    last: a number that reads like either would look as if the collar had the block already.
    """
    following = number
    while True:
        following = following % NUMBER_MAX + 1
        if following & 15 not in (0, told):
            return following


def _need_collar(connection: Connection, device: int) -> None:
    if connection.execute("SELECT 1 FROM collar WHERE device = ?", (device,)).fetchone() is None:
        raise NotKnown(f"collar {device} is not known")


def settings(connection: Connection, vault: Vault, device: int) -> CollarSettings:
    """Return the newest block of a collar and the number that the next one gets."""
    _need_collar(connection, device)
    row = connection.execute(
        f"SELECT number, settings, coalesce(told, 0), {_WAITS} FROM {_OF_SETTINGS} WHERE device = ?",  # noqa: S608 - built from constants of this module
        (device,),
    ).fetchone()
    if row is None:
        told = connection.execute("SELECT told FROM collar_health WHERE device = ?", (device,)).fetchone()
        return CollarSettings(0, b"", next_number(0, told[0] if told else 0), False)
    number, sealed, told, waits = row
    raw = vault.open(sealed, _context(device)) if number else b""
    return CollarSettings(number, raw, next_number(number, told), bool(waits))


def set_settings(
    connection: Connection, vault: Vault, device: int, before: int, number: int, raw: bytes
) -> None:
    """Put a block in the place of number `before`. ValueError if somebody else did so meanwhile."""
    _need_collar(connection, device)
    if not 1 <= number <= NUMBER_MAX:
        raise ValueError(f"number={number} outside 1..{NUMBER_MAX}")
    if not 1 <= len(raw) <= SETTINGS_MAX:
        raise ValueError(f"settings of {len(raw)} bytes, want 1..{SETTINGS_MAX}")
    found = connection.execute("SELECT number FROM collar_settings WHERE device = ?", (device,)).fetchone()
    if (found[0] if found else 0) != before:
        raise ValueError(f"collar {device}: settings {found[0]} came meanwhile, want {before}; try again")
    connection.execute(
        "INSERT INTO collar_settings (device, number, settings) VALUES (?, ?, ?)"
        " ON CONFLICT (device) DO UPDATE SET number = excluded.number, settings = excluded.settings",
        (device, number, vault.seal(raw, _context(device))),
    )


def ask_burst(connection: Connection, device: int, seconds: int) -> int:
    """Ask for a raw burst in the place of one that waits; return its id, 1..65535."""
    _need_collar(connection, device)
    if not 1 <= seconds <= BURST_MAX_S:
        raise ValueError(f"seconds={seconds} outside 1..{BURST_MAX_S}")
    burst_id: int = connection.execute(
        "INSERT INTO collar_settings (device, number, settings, burst_id, burst_s) VALUES (?1, 0, x'', 1, ?2)"
        " ON CONFLICT (device) DO UPDATE SET burst_id = burst_id % 65535 + 1, burst_s = excluded.burst_s"
        " RETURNING burst_id",
        (device, seconds),
    ).fetchall()[0][0]
    return burst_id


def waiting(connection: Connection, vault: Vault) -> list[Downlink]:
    """Return what collars have yet to be told. A block that does not open is left out, and logged."""
    rows = connection.execute(
        f"SELECT device, {_WAITS}, number, settings, burst_id, burst_s, ident FROM {_OF_SETTINGS}"  # noqa: S608 - built from constants of this module
        f" WHERE ({_WAITS}) OR burst_s > 0"
    )
    found = [_downlink(vault, *row) for row in rows]
    return [each for each in found if each.number or each.burst_id]


def _downlink(
    vault: Vault,
    device: int,
    waits: int,
    number: int,
    sealed: bytes,
    burst_id: int,
    burst_s: int,
    ident: int | None,
) -> Downlink:
    raw = b""
    if waits:
        try:
            raw = vault.open(sealed, _context(device))
        except ValueError as error:  # the others' must still be told
            _LOG.error("collar %d is not told its settings: %s", device, error)
    heard = -1 if ident is None else ident & _BOOT_SEQ
    return Downlink(device, number if raw else 0, raw, burst_id if burst_s else 0, burst_s, heard)


def note(connection: Connection, frames: Sequence[NewFrame]) -> None:
    """Take in what stored health and raw frames say; part of the transaction that stores them."""
    for frame in frames:
        if frame.kind == HEALTH:
            _note_health(connection, frame)
        elif frame.kind == RAW:
            connection.execute(
                "UPDATE collar_settings SET burst_s = 0 WHERE device = ? AND burst_id = ?",
                (frame.device, unpack_raw(frame.records).burst_id),
            )


def _note_health(connection: Connection, frame: NewFrame) -> None:
    ident = ((frame.device - _HALF) << 32) | (frame.boot << 16) | frame.seq
    told = unpack_health(frame.records).flags >> 4
    connection.execute(
        "INSERT INTO collar_health (device, ident, first_ms, received_ms, told, records)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET ident = excluded.ident,"
        " first_ms = excluded.first_ms, received_ms = excluded.received_ms, told = excluded.told,"
        " records = excluded.records WHERE excluded.ident > ident",
        (frame.device, ident, frame.first_ms, frame.received_ms, told, frame.records),
    )


def reports(connection: Connection, farm_id: int) -> dict[int, CollarReport]:
    """Return by device what is known of every collar of a farm."""
    rows = connection.execute(
        f"SELECT collar.device, coalesce(number, 0), coalesce({_WAITS}, 0), coalesce(burst_s, 0), told,"  # noqa: S608 - built from constants of this module
        " first_ms, received_ms, records FROM collar LEFT JOIN collar_settings USING (device)"
        " LEFT JOIN collar_health USING (device) WHERE farm_id = ?",
        (farm_id,),
    )
    return {
        device: CollarReport(number, bool(waits), burst_s > 0, *said)
        for device, number, waits, burst_s, *said in rows
    }


def raw_frames(connection: Connection, device: int) -> list[RawFrame]:
    """Return the raw frames of a collar that the log still holds, in the order they were made."""
    _need_collar(connection, device)
    low = (device - _HALF) << 32
    rows = connection.execute(
        "SELECT ident >> 16 & 65535, ident & 65535, up_s, first_ms, records FROM frame"
        " WHERE ident BETWEEN ? AND ? AND kind = ? ORDER BY ident",
        (low, low | _BOOT_SEQ, RAW),
    )
    return [RawFrame(*row) for row in rows]
