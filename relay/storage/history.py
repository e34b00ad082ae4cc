"""What scoring goes back to: hours of animals, daily states of animals, states of farms.

Each is written with the step that made it, and the newest of that step says what is kept: what lies ahead of
it was made before late data came, or by a clock that was ahead, and what is old enough is not gone back to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.model import AnimalSnapshot, FarmState, HourRecord
from relay.storage.ports import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.storage.connection import Connection

HOURS_KEPT = 35 * 24  # four weeks of baseline and a week of slack
DAYS_KEPT = 3
EACH_KEPT_H = 6  # so far back every state of a farm is kept, further back those of UTC midnight


def store_hours(connection: Connection, hours: Sequence[HourRecord]) -> None:
    """Store hours in the place of the same ones. An hour ahead stays: it is as good as its clock was."""
    connection.executemany(
        'INSERT INTO hour_row (animal_id, hour, "row") VALUES (?, ?, ?)'
        ' ON CONFLICT (animal_id, hour) DO UPDATE SET "row" = excluded."row"',
        hours,
    )
    connection.executemany(
        "DELETE FROM hour_row WHERE animal_id = ? AND hour <= ?",
        [(one, newest - HOURS_KEPT) for one, newest in _newest((h.animal_id, h.hour) for h in hours)],
    )


def store_snapshots(connection: Connection, snapshots: Sequence[AnimalSnapshot]) -> None:
    """Store daily states of animals; forget those ahead of the newest and those too old."""
    connection.executemany(
        "INSERT OR REPLACE INTO animal_snapshot (animal_id, day, scorer, version, state)"
        " VALUES (?, ?, ?, ?, ?)",
        [(each.animal_id, each.day, each.scorer, each.version, each.state) for each in snapshots],
    )
    connection.executemany(
        "DELETE FROM animal_snapshot WHERE animal_id = ?1 AND (day > ?2 OR day < ?2 - ?3)",
        [(one, newest, DAYS_KEPT) for one, newest in _newest((s.animal_id, s.day) for s in snapshots)],
    )


def store_farm_states(connection: Connection, states: Sequence[FarmState]) -> None:
    """Store states of farms; forget those ahead of the newest and those not kept."""
    connection.executemany(
        'INSERT OR REPLACE INTO farm_state (farm_id, hour, "partition", version, state)'
        " VALUES (?, ?, ?, ?, ?)",
        [(each.farm_id, each.hour, partition_of(each.farm_id), each.version, each.state) for each in states],
    )
    connection.executemany(
        "DELETE FROM farm_state WHERE farm_id = ?1"
        " AND (hour > ?2 OR hour < ?2 - ?3 OR hour < ?2 - ?4 AND hour % 24 <> 0)",
        [
            (one, newest, DAYS_KEPT * 24, EACH_KEPT_H)
            for one, newest in _newest((s.farm_id, s.hour) for s in states)
        ],
    )


def _newest(pairs: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    newest: dict[int, int] = {}
    for one, at in pairs:
        newest[one] = max(at, newest.get(one, at))
    return newest.items()


def hours(connection: Connection, farm_id: int, from_hour: int, until_hour: int) -> list[HourRecord]:
    """Return the hours of a farm's animals in that span."""
    rows = connection.execute(
        'SELECT animal_id, hour, "row" FROM animal JOIN hour_row ON animal_id = animal.id'
        " WHERE farm_id = ? AND hour >= ? AND hour < ? ORDER BY hour, animal_id",
        (farm_id, from_hour, until_hour),
    )
    return [HourRecord(*row) for row in rows]


def hours_of(
    connection: Connection, farm_id: int, animal_id: int, from_hour: int, until_hour: int
) -> list[HourRecord]:
    """Return the hours of one animal of that farm in that span."""
    rows = connection.execute(
        'SELECT animal_id, hour, "row" FROM animal JOIN hour_row ON animal_id = animal.id'
        " WHERE farm_id = ? AND animal_id = ? AND hour >= ? AND hour < ? ORDER BY hour",
        (farm_id, animal_id, from_hour, until_hour),
    )
    return [HourRecord(*row) for row in rows]


def snapshots(connection: Connection, animal_id: int) -> list[AnimalSnapshot]:
    """Return the daily states of an animal."""
    rows = connection.execute(
        "SELECT animal_id, day, scorer, version, state FROM animal_snapshot"
        " WHERE animal_id = ? ORDER BY day, scorer",
        (animal_id,),
    )
    return [AnimalSnapshot(*row) for row in rows]


def farm_states(connection: Connection, partition: int) -> list[FarmState]:
    """Return the kept states of the farms of a partition."""
    rows = connection.execute(
        'SELECT farm_id, hour, version, state FROM farm_state WHERE "partition" = ? ORDER BY farm_id, hour',
        (partition,),
    )
    return [FarmState(*row) for row in rows]
