"""What animals did: minutes for two days, hours for good.

An hour is always summed from its minutes, so a minute that is stored twice counts once. Minutes of an animal
come in order; only a clock that was ahead leaves some behind that are later than what comes, and those go:
up to two days of them, for what is later still may as well be right and the clock be behind now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.model import BehaviourHour, MinuteLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import AnimalLabels
    from relay.storage.connection import Connection

HOUR_MS = 3_600_000
KEPT_MIN = 48 * 60  # behind the newest minute of the animal
# The numbers are places in herdcore's BEHAVIOURS; half a minute or more lying is a minute lying.
_HOURS = """
    INSERT INTO behaviour_hour
        (farm_id, animal_id, hour_ms, unknown, rest, ruminate, graze, walk, other,
         minutes, confidence_sum, lying, posture)
    SELECT animal.farm_id, animal_id, minute / 60 * 3600000,
        sum(behaviour = 0), sum(behaviour = 1), sum(behaviour = 2),
        sum(behaviour = 3), sum(behaviour = 4), sum(behaviour = 5),
        count(*), sum(confidence * (behaviour <> 0)), sum(lying >= 50), sum(lying >= 0)
    FROM behaviour_minute JOIN animal ON animal.id = animal_id
    WHERE animal_id = ? AND minute >= ? AND minute < ? GROUP BY minute / 60
"""


def store(connection: Connection, labels: Sequence[AnimalLabels]) -> None:
    """Store the minutes of one commit, each animal once; sum their hours, forget what is too old."""
    spans = [(each.animal_id, each.minutes[0].minute, each.minutes[-1].minute) for each in labels]
    # Both ends but the first minute are those of whole hours.
    hours = [(animal_id, first // 60, (last + KEPT_MIN) // 60 + 1) for animal_id, first, last in spans]
    connection.executemany(
        "DELETE FROM behaviour_minute WHERE animal_id = ? AND minute >= ? AND minute < ?",
        [(animal_id, first, hour[2] * 60) for (animal_id, first, _), hour in zip(spans, hours, strict=True)],
    )
    connection.executemany(
        "INSERT INTO behaviour_minute (animal_id, minute, behaviour, confidence, lying)"
        " VALUES (?, ?, ?, ?, ?)",
        [(each.animal_id, *minute) for each in labels for minute in each.minutes],
    )
    connection.executemany(
        "DELETE FROM behaviour_hour WHERE animal_id = ? AND hour_ms >= ? AND hour_ms < ?",
        [(animal_id, begin * HOUR_MS, end * HOUR_MS) for animal_id, begin, end in hours],
    )
    connection.executemany(_HOURS, [(animal_id, begin * 60, end * 60) for animal_id, begin, end in hours])
    connection.executemany(
        "DELETE FROM behaviour_minute WHERE animal_id = ? AND minute <= ?",
        [(animal_id, last - KEPT_MIN) for animal_id, _, last in spans],
    )


def minutes(connection: Connection, farm_id: int, animal_id: int, span: tuple[int, int]) -> list[MinuteLabel]:
    """Return the labelled minutes in `span` (from, until; since 1970), oldest first."""
    rows = connection.execute(
        "SELECT minute, behaviour, confidence, lying FROM behaviour_minute"
        " JOIN animal ON animal.id = animal_id AND farm_id = ?"
        " WHERE animal_id = ? AND minute >= ? AND minute < ? ORDER BY minute",
        (farm_id, animal_id, *span),
    )
    return [MinuteLabel(*row) for row in rows]


def newest(connection: Connection, farm_id: int, animal_id: int) -> int | None:
    """Return the newest labelled minute, None without one."""
    row = connection.execute(
        "SELECT max(minute) FROM behaviour_minute"
        " WHERE animal_id = (SELECT id FROM animal WHERE id = ? AND farm_id = ?)",
        (animal_id, farm_id),
    ).fetchone()
    found: int | None = row[0]
    return found


def hours(
    connection: Connection, farm_id: int, animal_id: int, span_ms: tuple[int, int]
) -> list[BehaviourHour]:
    """Return the hours that begin in `span_ms` (from, until) and have a labelled minute, oldest first."""
    rows = connection.execute(
        "SELECT hour_ms, minutes, confidence_sum, lying, posture, unknown, rest, ruminate, graze, walk, other"
        " FROM behaviour_hour"
        " WHERE farm_id = ? AND animal_id = ? AND hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms",
        (farm_id, animal_id, *span_ms),
    )
    return [_hour(*row) for row in rows]


def _hour(
    start_ms: int, minutes: int, confidence_sum: int, lying: int, posture: int, *each: int
) -> BehaviourHour:
    return BehaviourHour(start_ms, minutes, confidence_sum, lying, posture, each)
