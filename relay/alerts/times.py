"""Local clock times: when somebody sleeps, when the digest goes out, which farm-day a moment belongs to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from relay.alerts.words import zone

if TYPE_CHECKING:
    from relay.model import Farm

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
_DAY_MIN = 1_440


def local(at_ms: int, zone_name: str) -> datetime:
    """Return a moment as the clock on the wall shows it."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone(zone_name))


def clock_ms(day: date, minute: int, zone_name: str, fold: int = 0) -> int:
    """Return when the wall shows `minute` of that day: UTC ms.

    A time that the clocks skip comes as much later; of one that they show twice `fold` 1 is the second. Of
    other times there is no second: `fold` 1 gives the same or, of a skipped one, an earlier moment.
    """
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone(zone_name))
    return int(wall.replace(fold=fold).timestamp()) * 1000


def next_clock_ms(at_ms: int, minute: int, zone_name: str) -> int:
    """Return the first moment after `at_ms` at which the wall shows `minute` of a day."""
    today = local(at_ms, zone_name).date()
    for day in (today, today + timedelta(days=1)):
        first_ms, second_ms = (clock_ms(day, minute % _DAY_MIN, zone_name, fold) for fold in (0, 1))
        if first_ms > at_ms:
            return first_ms
        if second_ms > at_ms:
            return second_ms
    raise AssertionError(f"minute={minute} of tomorrow is not after {at_ms}")


def awake_ms(at_ms: int, farm: Farm, zone_name: str) -> int:
    """Return `at_ms`, or the end of the quiet hours that it lies in, by the clock of that zone."""
    begin, end = farm.quiet_from_min, farm.quiet_to_min
    if begin is None or end is None or begin == end:
        return at_ms
    wall = local(at_ms, zone_name)
    minute = wall.hour * 60 + wall.minute
    asleep = begin <= minute < end if begin < end else minute >= begin or minute < end
    return next_clock_ms(at_ms, end, zone_name) if asleep else at_ms


def digest_ms(at_ms: int, farm: Farm) -> int:
    """Return when the first digest goes out that can hold what was known at `at_ms`."""
    return next_clock_ms(at_ms - 1, farm.digest_min, farm.zone)


def farm_day(at_ms: int, farm: Farm) -> date:
    """Return the day of a moment on the farm."""
    return local(at_ms, farm.zone).date()
