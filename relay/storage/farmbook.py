"""What the farmer records: the statements on it. Each function runs inside one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.model import LifeEvent
from relay.storage.ports import COVERAGES, LIFE_KINDS, NotKnown
from relay.storage.registry import need_farm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.storage.connection import Connection

_COLDEST_C, _HOTTEST_C = -60, 60


def _must_be(field: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{field}={value!r}, want one of {', '.join(known)}")


def _must_lie(field: str, value: float, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{field}={value} outside {low}..{high}")


def _need_animal(connection: Connection, farm_id: int, animal_id: int) -> None:
    known = connection.execute("SELECT 1 FROM animal WHERE id = ? AND farm_id = ?", (animal_id, farm_id))
    if known.fetchone() is None:
        raise NotKnown(f"animal {animal_id} is not known on farm {farm_id}")


def note_life(
    connection: Connection, farm_id: int, animal_id: int, kind: str, at_ms: int, noted_ms: int
) -> None:
    """Record something in the life of an animal; the same again changes nothing."""
    _must_be("kind", kind, LIFE_KINDS)
    _need_animal(connection, farm_id, animal_id)
    connection.execute(
        "INSERT INTO life_event (animal_id, kind, at_ms, noted_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (animal_id, kind, at_ms, noted_ms),
    )


def strike_life(connection: Connection, farm_id: int, animal_id: int, kind: str, at_ms: int) -> bool:
    """Take back what was recorded by mistake; False if it is not there."""
    _need_animal(connection, farm_id, animal_id)
    struck = connection.execute(
        "DELETE FROM life_event WHERE animal_id = ? AND kind = ? AND at_ms = ?", (animal_id, kind, at_ms)
    )
    return struck.rowcount == 1


def life_events(connection: Connection, farm_id: int) -> list[LifeEvent]:
    """Return what is recorded of all animals of a farm."""
    rows = connection.execute(
        "SELECT animal_id, kind, at_ms, noted_ms FROM animal JOIN life_event ON animal_id = animal.id"
        " WHERE farm_id = ? ORDER BY at_ms, noted_ms, animal_id, kind",
        (farm_id,),
    )
    return [LifeEvent(*row) for row in rows]


def set_group(connection: Connection, farm_id: int, animal_id: int, group: str) -> None:
    """Say with whom an animal is kept."""
    _need_animal(connection, farm_id, animal_id)
    connection.execute("UPDATE animal SET group_name = ? WHERE id = ?", (group, animal_id))


def set_coverage(connection: Connection, farm_id: int, coverage: str) -> None:
    """Say where and when a farm's collars are heard."""
    _must_be("coverage", coverage, COVERAGES)
    need_farm(connection, farm_id)
    connection.execute("UPDATE farm SET coverage = ? WHERE id = ?", (coverage, farm_id))


def set_digest(connection: Connection, farm_id: int, digest_min: int) -> None:
    """Say when a farm's digest goes out."""
    _must_lie("digest_min", digest_min, 0, 1439)
    need_farm(connection, farm_id)
    connection.execute("UPDATE farm SET digest_min = ? WHERE id = ?", (digest_min, farm_id))


def set_quiet(connection: Connection, farm_id: int, quiet_min: tuple[int, int] | None) -> None:
    """Say from when until when only what is urgent is told."""
    for minute in quiet_min or ():
        _must_lie("quiet_min", minute, 0, 1439)
    need_farm(connection, farm_id)
    connection.execute(
        "UPDATE farm SET quiet_from_min = ?, quiet_to_min = ? WHERE id = ?",
        (*(quiet_min or (None, None)), farm_id),
    )


def switch_kind(connection: Connection, farm_id: int, kind: str, is_on: bool) -> None:
    """Switch an alert kind on or off."""
    need_farm(connection, farm_id)
    connection.execute(
        "INSERT INTO kind_switch (farm_id, kind, is_on) VALUES (?, ?, ?)"
        " ON CONFLICT (farm_id, kind) DO UPDATE SET is_on = excluded.is_on",
        (farm_id, kind, int(is_on)),
    )


def switches(connection: Connection, farm_id: int) -> dict[str, bool]:
    """Return the kinds that a farm has switched."""
    rows = connection.execute(
        "SELECT kind, is_on FROM kind_switch WHERE farm_id = ? ORDER BY kind", (farm_id,)
    )
    return {kind: bool(is_on) for kind, is_on in rows}


def note_weather(
    connection: Connection, farm_id: int, hour: int, temperature_c: float, humidity_percent: float
) -> None:
    """Record the air of an hour, in the place of what was known of it."""
    _must_lie("temperature_c", temperature_c, _COLDEST_C, _HOTTEST_C)
    _must_lie("humidity_percent", humidity_percent, 0, 100)
    need_farm(connection, farm_id)
    connection.execute(
        "INSERT INTO weather (farm_id, hour, temperature_c, humidity_percent) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (farm_id, hour) DO UPDATE SET"
        " temperature_c = excluded.temperature_c, humidity_percent = excluded.humidity_percent",
        (farm_id, hour, temperature_c, humidity_percent),
    )


def weather(
    connection: Connection, farm_id: int, from_hour: int, until_hour: int
) -> dict[int, tuple[float, float]]:
    """Return temperature and humidity by hour."""
    rows = connection.execute(
        "SELECT hour, temperature_c, humidity_percent FROM weather"
        " WHERE farm_id = ? AND hour >= ? AND hour < ? ORDER BY hour",
        (farm_id, from_hour, until_hour),
    )
    return {hour: (temperature_c, humidity_percent) for hour, temperature_c, humidity_percent in rows}
