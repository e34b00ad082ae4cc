"""The frame log as a table: every statement on it stands here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from herdcore.records import SCHEMAS
from herdcore.vocabulary import SCHEMA_MINUTES
from relay.model import LoggedFrame
from relay.storage import downlink
from relay.storage.ports import CONFLICT, DUPLICATE, STORED, partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import NewFrame
    from relay.storage.connection import Connection

_HALF = 1 << 31  # a device id is unsigned, an SQLite integer is not
_DEVICE = f"((ident >> 32) + {_HALF})"
_INSERT = (
    'INSERT INTO frame (ident, "partition", farm_id, kind, epoch, up_s, first_ms, received_ms, records)'
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ident) DO NOTHING"
)
_LOGGED = f"""
    SELECT cursor, {_DEVICE} AS device, farm_id, animal_id, kind, ident >> 16 & 65535, ident & 65535, up_s,
        first_ms, received_ms, records
"""
_READ = f"""
    {_LOGGED} FROM frame LEFT JOIN assignment
        ON assignment.device = {_DEVICE} AND from_ms <= first_ms AND (to_ms IS NULL OR first_ms < to_ms)
    WHERE "partition" = ? AND cursor > ? ORDER BY cursor LIMIT ?
"""
# By the collars that the animal wore, then by identity: no index that every append would have to keep up.
_OF_ANIMAL = f"""
    {_LOGGED} FROM assignment CROSS JOIN frame
        ON ident BETWEEN (assignment.device - {_HALF}) << 32
            AND (assignment.device - {_HALF}) << 32 | {0xFFFF_FFFF}
        AND first_ms >= from_ms AND (to_ms IS NULL OR first_ms < to_ms)
    WHERE animal_id = ? AND first_ms > ? AND first_ms < ? ORDER BY cursor
"""
_LONGEST_MS = SCHEMAS[SCHEMA_MINUTES][2] * 60_000  # no frame reaches further than one full of minutes
_TRIM_ROWS = 2_000  # rows per transaction: appends wait no longer than that takes


def ident_of(frame: NewFrame) -> int:
    """Return (device, boot, seq) as one signed 64-bit integer, in the same order."""
    return ((frame.device - _HALF) << 32) | (frame.boot << 16) | frame.seq


class FrameTable:
    """Appends and trims, in the writer's thread and inside its transactions."""

    def __init__(self, connection: Connection) -> None:
        # device -> highest identity trimmed away: only frames at or below it cost a look into `trimmed`.
        self._floors: dict[int, int] = dict(
            connection.execute(f"SELECT (low >> 32) + {_HALF}, max(high) FROM trimmed GROUP BY 1")  # noqa: S608 - built from a constant of this module
        )

    def append(self, connection: Connection, frames: Sequence[NewFrame]) -> list[str]:
        """Insert what is new; return STORED, DUPLICATE or CONFLICT per frame."""
        if self._floors:
            gone = [self._is_trimmed(connection, frame) for frame in frames]
            if any(gone):
                kept = iter(
                    self.append_new(connection, [f for f, g in zip(frames, gone, strict=True) if not g])
                )
                return [DUPLICATE if away else next(kept) for away in gone]
        return self.append_new(connection, frames)

    def append_new(self, connection: Connection, frames: Sequence[NewFrame]) -> list[str]:
        """Insert frames of which none was trimmed away."""
        newest = _newest(connection)
        said = [frame for frame in frames if frame.kind in downlink.SAYING]
        inserted = connection.executemany(_INSERT, [_row(frame) for frame in frames]).rowcount
        verdicts = (
            [STORED] * inserted if inserted == len(frames) else self._verdicts(connection, frames, newest)
        )
        if said:
            pairs = zip(frames, verdicts, strict=True)
            downlink.note(connection, [frame for frame, verdict in pairs if verdict == STORED])
        return verdicts

    def _verdicts(self, connection: Connection, frames: Sequence[NewFrame], newest: int) -> list[str]:
        first_seen: set[int] = set()
        verdicts = []
        for frame in frames:
            ident = ident_of(frame)
            cursor, *content = connection.execute(
                "SELECT cursor, kind, up_s, records FROM frame WHERE ident = ?", (ident,)
            ).fetchone()
            if content != [frame.kind, frame.up_s, frame.records]:
                verdicts.append(CONFLICT)
            elif cursor > newest and ident not in first_seen:
                verdicts.append(STORED)
            else:
                verdicts.append(DUPLICATE)
            first_seen.add(ident)
        return verdicts

    def _is_trimmed(self, connection: Connection, frame: NewFrame) -> bool:
        ident = ident_of(frame)
        if ident > self._floors.get(frame.device, ident - 1):
            return False
        row = connection.execute(
            "SELECT high FROM trimmed WHERE low <= ? ORDER BY low DESC LIMIT 1", (ident,)
        ).fetchone()
        return row is not None and ident <= row[0]

    def trim(self, connection: Connection, before_ms: int) -> int:
        """Delete the oldest rows, as many as one transaction may hold; return how many.

        Frames leave in the order they came, up to the first that is not old enough. The newest row of the
        log stays, so that its cursor is not given out again.
        """
        oldest = connection.execute(
            "SELECT cursor, ident, received_ms FROM frame WHERE cursor < ? ORDER BY cursor LIMIT ?",
            (_newest(connection), _TRIM_ROWS),
        ).fetchall()
        idents, last = [], 0
        for cursor, ident, received_ms in oldest:
            if received_ms >= before_ms:
                break
            idents.append(ident)
            last = cursor
        for low, high in _ranges(sorted(idents)):
            self._remember(connection, low, high)
        connection.execute("DELETE FROM frame WHERE cursor <= ?", (last,))
        return len(idents)

    def _remember(self, connection: Connection, low: int, high: int) -> None:
        device = (low >> 32) + _HALF
        self._floors[device] = max(high, self._floors.get(device, high))
        before = connection.execute(
            "SELECT low, high FROM trimmed WHERE low < ? ORDER BY low DESC LIMIT 1", (low,)
        ).fetchone()
        after = connection.execute("SELECT high FROM trimmed WHERE low = ?", (high + 1,)).fetchone()
        low = before[0] if before and before[1] + 1 == low else low
        connection.execute("DELETE FROM trimmed WHERE low IN (?, ?)", (low, high + 1))
        connection.execute(
            "INSERT INTO trimmed (low, high) VALUES (?, ?)", (low, after[0] if after else high)
        )


def _ranges(idents: Sequence[int]) -> list[tuple[int, int]]:
    """Return the runs of consecutive identities; a run stays within one device."""
    ranges: list[tuple[int, int]] = []
    for ident in idents:
        if ranges and ranges[-1][1] + 1 == ident and ranges[-1][0] >> 32 == ident >> 32:
            ranges[-1] = (ranges[-1][0], ident)
        else:
            ranges.append((ident, ident))
    return ranges


def _row(frame: NewFrame) -> tuple[object, ...]:
    return (
        ident_of(frame),
        partition_of(frame.farm_id),
        frame.farm_id,
        frame.kind,
        frame.epoch,
        frame.up_s,
        frame.first_ms,
        frame.received_ms,
        frame.records,
    )


def _newest(connection: Connection) -> int:
    row = connection.execute("SELECT max(cursor) FROM frame").fetchone()
    return row[0] or 0


def read(connection: Connection, partition: int, after: int, limit: int) -> list[LoggedFrame]:
    """Return frames of a partition behind a cursor, with the animal that wore the collar at that time."""
    return [LoggedFrame(*row) for row in connection.execute(_READ, (partition, after, limit))]


def of_animal(connection: Connection, animal_id: int, from_ms: int, until_ms: int) -> list[LoggedFrame]:
    """Return the frames that an animal wore the collar for and whose records may overlap that span."""
    rows = connection.execute(_OF_ANIMAL, (animal_id, from_ms - _LONGEST_MS, until_ms))
    return [LoggedFrame(*row) for row in rows]


def heads(connection: Connection) -> dict[int, int]:
    """Return the last cursor of every partition that holds frames."""
    return dict(
        connection.execute('SELECT "partition", max(cursor) FROM frame GROUP BY "partition"').fetchall()
    )
