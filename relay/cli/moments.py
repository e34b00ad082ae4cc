"""Times as a farmer types them, in the farm's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import click

_NOON = 12
_DAY = len("2026-11-20")

if TYPE_CHECKING:
    from typing import Any


class Moment(NamedTuple):
    """A time, in the farm's zone unless it says another. `is_day`: a day alone was said; this is its noon."""

    at: datetime
    is_day: bool

    def utc_ms(self, zone: str) -> int:
        """Return it in UTC milliseconds."""
        return round(
            (self.at if self.at.tzinfo else self.at.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1000
        )

    def past_ms(self, zone: str, now_ms: int) -> int:
        """Return it likewise, of today alone no later than now; ValueError if it lies ahead."""
        at_ms = self.utc_ms(zone)
        if at_ms <= now_ms:
            return at_ms
        if self.is_day and self.at.date() == local(now_ms, zone).date():
            return now_ms
        raise ValueError(f"{shown(at_ms, zone)} lies ahead: it is recorded when it has happened")


def local(at_ms: int, zone: str) -> datetime:
    """Return UTC milliseconds as a time of the farm."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone))


def shown(at_ms: int, zone: str) -> str:
    """Return UTC milliseconds as a farmer reads them."""
    return f"{local(at_ms, zone):%Y-%m-%d %H:%M}"


def says(at: Moment, at_ms: int, zone: str) -> bool:
    """Whether a farmer who says `at` means that time: the day, or the minute."""
    return shown(at_ms, zone).startswith(shown(at.utc_ms(zone), zone)[: _DAY if at.is_day else None])


def read(text: str) -> Moment:
    """Read a day or a time in the form of ISO 8601. Raises ValueError."""
    at = datetime.fromisoformat(text)
    is_day = len(text) == _DAY
    return Moment(at.replace(hour=_NOON) if is_day else at, is_day)


class When(click.ParamType[Moment]):
    """An option that takes a `Moment`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Moment:
        try:
            return read(value)
        except ValueError:
            self.fail(f"{value!r} is no time; want one like 2026-11-20 or '2026-11-20 06:30'", param, ctx)
