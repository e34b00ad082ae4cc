"""Hours of a cow -> the curves of her picture: three days of her, and what is usual for her. Pure.

Curves are means over three hours, of her and of what is usual alike. Usual is what she did at the same hour
of the farm's clock on up to 14 days before the three that are shown: median, 10th and 90th percentile, each
smoothed over three hours of the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.alerts.times import local
from relay.scoring.hours import HOUR, HOUR_MIN, HOUR_MS, MOTION_STEPS, TOLD_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from relay.model import HourRecord
    from relay.scoring.hours import Hours

    Curve = NDArray[np.float64]

ACTIVITY, CHEWING, EATING = PANELS = ("activity", "chewing", "eating")
SHOWN_H, DAY_H = 72, 24
USUAL_DAYS, LEAST_DAYS = 14, 4
READ_H = SHOWN_H + USUAL_DAYS * DAY_H
_LEAST_MIN = 15  # of an hour; with less it was not heard
_LATE_H = 2  # an hour is told when it is over and its late data are in: that is no silence
_LEAST_MG = 20.0  # what multiples of her usual activity are of at least; cows at rest have 42 mg and more
_LOW, _MIDDLE, _HIGH = 10, 50, 90  # percentiles


class Panel(NamedTuple):
    """One curve at SHOWN_H hours, NaN where nothing is known.

    Activity in multiples of her usual (of what is shown, if nothing is usual yet), the others in minutes an
    hour. `odd`: hours to be shown as unusual.
    """

    value: Curve
    low: Curve
    middle: Curve
    high: Curve
    odd: NDArray[np.bool_]


class Traces(NamedTuple):
    """The curves by name in PANELS, from UTC hour `first_hour` (since 1970) on.

    `days`: on how many before them she was heard for half a day or more.
    """

    first_hour: int
    days: int
    panels: dict[str, Panel]

    @property
    def is_usual_known(self) -> bool:
        """Whether there are days enough to say what is usual."""
        return self.days >= LEAST_DAYS


def traces(
    records: Sequence[HourRecord], until_ms: int, zone: str, event_ms: tuple[int, int] | None = None
) -> Traces | None:
    """Return the curves up to `until_ms`, None if nothing was heard in all that time.

    records: of one animal, READ_H hours and more. event_ms: from when to when something is unusual. Without
    it nothing is: every fifth hour of a healthy cow lies outside what is usual.
    """
    last = _last_hour(records, until_ms)
    first = last - SHOWN_H + 1
    table = _table(records, last - READ_H + 1)
    series = {name: _smoothed(values) for name, values in _values(table).items()}
    if not np.isfinite(series[ACTIVITY][-SHOWN_H:]).any():
        return None
    heard = np.isfinite(series[ACTIVITY][:-SHOWN_H]).reshape(USUAL_DAYS, DAY_H)
    days = int((heard.sum(axis=1) >= DAY_H // 2).sum())
    clock = np.array([local((last - READ_H + 1 + h) * HOUR_MS, zone).hour for h in range(READ_H)])
    asked = _asked(first, event_ms or (0, 0))
    panels = {
        name: _panel(values, clock, asked, is_scaled=name == ACTIVITY, is_usual_known=days >= LEAST_DAYS)
        for name, values in series.items()
    }
    return Traces(first, days, panels)


def line(values: Curve) -> tuple[Curve, Curve]:
    """Return x, y of an unbroken line: the middle of each hour, and the borders between them.

    NaN parts it where an hour is not known; an hour alone still has a length. values: (n,); x, y: (3 n,).
    """
    before, after = np.roll(values, 1), np.roll(values, -1)
    before[0] = after[-1] = np.nan
    hour = np.arange(values.size, dtype=np.float64)
    x = np.stack([hour, hour + 0.5, hour + 1], axis=1)
    y = np.stack([_between(values, before), values, _between(values, after)], axis=1)
    return x.ravel(), y.ravel()


def _between(values: Curve, neighbours: Curve) -> Curve:
    return np.where(np.isfinite(neighbours), (values + neighbours) / 2, values)


def _last_hour(records: Sequence[HourRecord], until_ms: int) -> int:
    """Return the hour that ends the picture: the newest that is known if that is not long ago."""
    wanted = (until_ms - 1) // HOUR_MS
    newest = max((record.hour for record in records if record.hour <= wanted), default=0)
    return newest if wanted - newest <= _LATE_H else wanted


def _table(records: Sequence[HourRecord], first: int) -> Hours:
    """Return READ_H records from hour `first` on, zeros where there is none."""
    table = np.zeros(READ_H, HOUR)
    for record in records:
        if 0 <= record.hour - first < READ_H and len(record.row) == HOUR.itemsize:
            table[record.hour - first] = np.frombuffer(record.row, HOUR)[0]
    return table


def _values(table: Hours) -> dict[str, Curve]:
    covered = table["covered_min"].astype(np.float64)
    motion = (table["motion_8th_mg"] * covered).sum(axis=1) / MOTION_STEPS
    told = np.sum([table[name].astype(np.float64) for name in TOLD_FIELDS.values()], axis=0)
    return {
        ACTIVITY: _per(motion, covered.sum(axis=1)),
        CHEWING: HOUR_MIN * _per(table["ruminate_min"], told),
        EATING: HOUR_MIN * _per(table["eat_min"], told),
    }


def _per(amount: NDArray[np.generic], minutes: Curve) -> Curve:
    """Return amount a minute; NaN where there are too few minutes."""
    return np.where(minutes >= _LEAST_MIN, amount / np.maximum(minutes, 1), np.nan)


def _smoothed(values: Curve) -> Curve:
    """Return the mean of each known hour and those beside it that are known."""
    padded = np.pad(values, 1, constant_values=np.nan)
    three = np.stack([padded[:-2], values, padded[2:]])
    count = np.maximum(np.isfinite(three).sum(axis=0), 1)
    return np.where(np.isfinite(values), np.nansum(three, axis=0) / count, np.nan)


def _asked(first: int, event_ms: tuple[int, int]) -> NDArray[np.bool_]:
    begins_ms = (first + np.arange(SHOWN_H)) * HOUR_MS
    return np.asarray((begins_ms + HOUR_MS > event_ms[0]) & (begins_ms < event_ms[1]))


def _panel(
    values: Curve, clock: NDArray[np.int64], asked: NDArray[np.bool_], *, is_scaled: bool,
    is_usual_known: bool,
) -> Panel:  # fmt: skip
    past, shown = values[:-SHOWN_H], values[-SHOWN_H:]
    scale = max(_LEAST_MG, float(np.nanmedian(past if is_usual_known else shown))) if is_scaled else 1.0
    shown = shown / scale
    unknown = np.full(SHOWN_H, np.nan)
    if not is_usual_known:
        return Panel(shown, unknown, unknown, unknown, np.zeros(SHOWN_H, np.bool_))
    band = _band(past / scale, clock[:-SHOWN_H])[:, clock[-SHOWN_H:]]
    with np.errstate(invalid="ignore"):
        odd = (shown < band[0]) | (shown > band[2])
    return Panel(shown, band[0], band[1], band[2], odd & asked)


def _band(past: Curve, clock: NDArray[np.int64]) -> Curve:
    """Return (3, DAY_H): low, middle and high of every hour of the clock, NaN with too few days."""
    band = np.full((3, DAY_H), np.nan)
    for hour in range(DAY_H):
        known = past[(clock == hour) & np.isfinite(past)]
        if known.size >= LEAST_DAYS:
            band[:, hour] = np.percentile(known, (_LOW, _MIDDLE, _HIGH))
    return np.stack([_smoothed(np.tile(each, 3))[DAY_H : 2 * DAY_H] for each in band])
