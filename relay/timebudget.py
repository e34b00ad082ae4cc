"""A cow's day as the command line shows it: hours and minutes of each behaviour, and a bar for every hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import click

from herdcore.vocabulary import BEHAVIOURS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from relay.model import Animal, BehaviourHour, Farm

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
_HOUR_COLUMNS = 30  # of an hour's bar: two minutes each
_SHARE_COLUMNS = 24
_UNKNOWN = BEHAVIOURS.index("unknown")


class _Look(NamedTuple):
    word: str
    mark: str
    colour: str | None
    remark: str = ""


# In the order they are shown. Marks differ too: not every terminal and no file has colours.
_LOOKS = {
    "graze": _Look("grazing", "█", "green"),
    "ruminate": _Look("ruminating", "▒", "magenta", "ruminating: not validated on cattle"),
    "rest": _Look("resting", "░", "blue"),
    "walk": _Look("walking", "▲", "yellow"),
    "other": _Look("other", "+", "cyan"),
    "unknown": _Look("unknown", "?", None),
}
_NO_DATA = "·"
NOT_VALIDATED = ("ruminate",)
BETA = ("lying",)


@dataclass(frozen=True, slots=True)
class Day:
    """An animal's local day, as far as it has gone: whole UTC hours that begin in it.

    `until_ms` is where the day ends or, while it lasts, now. `hours` may have holes.
    `turned_ms`: when the collar was found turned of late, if it keeps turning.
    """

    farm: Farm
    animal: Animal
    date: date
    from_ms: int
    until_ms: int
    hours: tuple[BehaviourHour, ...]
    turned_ms: tuple[int, ...] = ()

    @property
    def minutes(self) -> tuple[int, ...]:
        """Minutes of each behaviour, in the order of BEHAVIOURS."""
        columns = zip(*(hour.by_behaviour for hour in self.hours), strict=True)
        return tuple(map(sum, columns)) or (0,) * len(BEHAVIOURS)

    @property
    def known_min(self) -> int:
        """Minutes whose behaviour is known."""
        return sum(self.minutes) - self.minutes[_UNKNOWN]

    @property
    def elapsed_min(self) -> int:
        """Minutes of the day that are over; a clock that was ahead may have labelled more."""
        return max((self.until_ms - self.from_ms) // MINUTE_MS, sum(self.minutes))

    @property
    def confidence_percent(self) -> int | None:
        """Mean confidence of the minutes that are known."""
        total = sum(hour.confidence_sum for hour in self.hours)
        return round(total / self.known_min) if self.known_min else None


def span_ms(day: date, zone: str) -> tuple[int, int]:
    """Return the UTC hours that begin in a local day, as milliseconds from and until: 23 to 25 of them."""
    midnights = (datetime.combine(each, time(), ZoneInfo(zone)) for each in (day, day + timedelta(days=1)))
    begin, end = (-(-int(midnight.timestamp()) * 1000 // HOUR_MS) * HOUR_MS for midnight in midnights)
    return begin, end


def local(at_ms: int, zone: str) -> datetime:
    """Return a time as the farm's clock shows it."""
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))


def facts(day: Day) -> dict[str, object]:
    """Return the day for a program; times are UTC ms, the rest minutes and percent."""
    return {
        "farm": day.farm.id,
        "animal": day.animal.number,
        "name": day.animal.name,
        "date": day.date.isoformat(),
        "zone": day.farm.zone,
        "from_ms": day.from_ms,
        "until_ms": day.until_ms,
        "elapsed_min": day.elapsed_min,
        "known_min": day.known_min,
        "coverage_percent": _percent(day.known_min, day.elapsed_min),
        "confidence_percent": day.confidence_percent,
        "minutes": dict(zip(BEHAVIOURS, day.minutes, strict=True)),
        "lying_min": sum(hour.lying_min for hour in day.hours),
        "posture_min": sum(hour.posture_min for hour in day.hours),
        "hours": [
            {"from_ms": hour.start_ms, **dict(zip(BEHAVIOURS, hour.by_behaviour, strict=True))}
            for hour in day.hours
        ],
        "collar_turned_ms": list(day.turned_ms),
        "not_validated": list(NOT_VALIDATED),
        "beta": list(BETA),
    }


def words(day: Day) -> str:
    """Return the day for a person, with colours; `click.echo` takes them out where there is no terminal."""
    return "\n".join([_title(day), "", *_budget(day), "", *_coverage(day), "", *_bars(day), "", *_legend()])


def _title(day: Day) -> str:
    begin, end = local(day.from_ms, day.farm.zone), local(day.until_ms, day.farm.zone)
    title = click.style(day.animal.label, bold=True) + f"  {day.farm.name}, {day.date:%A %d %B %Y}"
    if begin.time() != time() or end.time() != time():
        title += f", {begin:%H:%M} to {end:%H:%M}"
    return f"{title} ({day.farm.zone})"


def _budget(day: Day) -> list[str]:
    missing = day.elapsed_min - sum(day.minutes)
    rows = [(look, day.minutes[BEHAVIOURS.index(name)]) for name, look in _LOOKS.items()]
    return [_share(look, minutes, day.elapsed_min) for look, minutes in rows] + [
        _share(_Look("no data", _NO_DATA, None), missing, day.elapsed_min)
    ]


def _share(look: _Look, minutes: int, of: int) -> str:
    marks = round(minutes * _SHARE_COLUMNS / of) if of else 0
    remark = " " * (_SHARE_COLUMNS - marks) + f"  {look.remark}" if look.remark else ""
    bar = click.style(look.mark * marks, fg=look.colour) if marks else ""
    return f"  {look.word:11}{_duration(minutes):>12}{_percent(minutes, of):5} %  {bar}{remark}".rstrip()


def _coverage(day: Day) -> list[str]:
    known, elapsed = day.known_min, day.elapsed_min
    line = f"  coverage   {_percent(known, elapsed)} %: {known} of {elapsed} minutes known"
    if day.confidence_percent is not None:
        line += f", mean confidence {day.confidence_percent} %"
    posture = sum(hour.posture_min for hour in day.hours)
    lying = sum(hour.lying_min for hour in day.hours)
    told = f"{_duration(lying)} lying of {_duration(posture)} known" if posture else "not known"
    return [line, f"  posture    {told}  (lying/standing: beta)", *_collar(day)]


def _collar(day: Day) -> list[str]:
    """Say what is wrong with how the collar sits; a single turn is nobody's trouble."""
    if not day.turned_ms:
        return []
    last = local(day.turned_ms[-1], day.farm.zone)
    often = f"turned {len(day.turned_ms)} times in a week, last {last:%d %B %H:%M}"
    return [f"  collar     {often}: look at its strap"]


def _bars(day: Day) -> list[str]:
    known = {hour.start_ms: hour for hour in day.hours}
    lines = []
    for start_ms in range(day.from_ms, day.until_ms, HOUR_MS):
        elapsed = min(60, (day.until_ms - start_ms) // MINUTE_MS)
        lines.append(f"  {local(start_ms, day.farm.zone):%H:%M}  {_bar(known.get(start_ms), elapsed)}")
    return lines


def _bar(hour: BehaviourHour | None, elapsed_min: int) -> str:
    by_behaviour: Sequence[int] = hour.by_behaviour if hour else (0,) * len(BEHAVIOURS)
    bar, at_min, at = "", 0, 0
    for name, look in _LOOKS.items():
        at_min += by_behaviour[BEHAVIOURS.index(name)]
        end = round(at_min * _HOUR_COLUMNS / 60)
        bar += click.style(look.mark * (end - at), fg=look.colour) if end > at else ""
        at = end
    return bar + _NO_DATA * (round(elapsed_min * _HOUR_COLUMNS / 60) - at)


def _legend() -> list[str]:
    marks = "   ".join(f"{click.style(each.mark, fg=each.colour)} {each.word}" for each in _LOOKS.values())
    return [f"  {marks}   {_NO_DATA} no data", "  within an hour sorted by behaviour, two minutes a mark"]


def _duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
