"""A day of a virtual cow as a picture: what she does, how she moves, what happens to her, her hours.

`beside` puts the day of a real animal above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.herd_words import WORDS as HAPPENING_WORDS
from simulator.herd_words import local, name_of
from simulator.herdfile import HerdError
from simulator.lives.happening import DISTURBANCES, EVENTS, HERD_EVENTS
from simulator.pictures.real_day import Spans
from simulator.pictures.show_style import (
    COLOURS,
    DISTURBANCE,
    EVENT,
    FAINT,
    INK,
    SOFT,
    WORDS,
    figure,
    plain,
    save,
    titled,
)
from simulator.plan.routine import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.plan.states import LIES, MILK, STATES

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import NDArray

    from simulator.lives.happening import Happening
    from simulator.virtual_herd import VirtualHerd

BAND_DAYS = 14
_BIN_MIN = 10
_SHORTEST_H = 0.02  # of a bar that is still seen
_LANES = 4  # of words in the picture of motion, one below the other


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the picture of a day shows. `motion_mg` (1440,), `usual_mg` (3, 24): p10, p50 and p90 by hour."""

    spans: Spans
    motion_mg: NDArray[np.float64]
    usual_mg: NDArray[np.float64]
    usual_days: int
    happenings: tuple[Happening, ...]
    hours: NDArray[np.float64]
    herd_hours: NDArray[np.float64]
    sun_h: tuple[float, float]


def draw_day(herd: VirtualHerd, cow: int, day: int, path: Path, beside: Spans | None = None) -> Drawn:
    """Write a PNG of the day of cow `cow` (from 0); return what it shows.

    Raises HerdError for a cow or day that the herd has not got, DrawingError, OSError.
    """
    require(herd, cow, day)
    page = figure(12.5, 9.4 if beside else 8.0)
    drawn = gather(herd, cow, day)
    heights = [0.95] * (beside is not None) + [0.95, 2.6, 1.9]
    rows = iter(page.subplots(len(heights), 1, gridspec_kw={"height_ratios": heights}))
    if beside is not None:
        axes = next(rows)
        _ethogram(axes, _turned(beside, _clock_ms(herd, day)))
        titled(axes, "The real day, watched, by its own clock")
        _clock(axes, herd, day)
    axes = next(rows)
    _ethogram(axes, drawn.spans)
    titled(axes, "The virtual cow" if beside is not None else "What she does; below, when she lies")
    _clock(axes, herd, day)
    _motion(next(rows), herd, day, drawn)
    _hours(next(rows), drawn, beside)
    begin = local(herd.model, day * DAY_MS)
    page.suptitle(
        f"Cow {herd.number(cow)} {name_of(herd.model, cow)}, {begin:%A %d %B %Y}, {herd.routine.housing}: "
        f"day {day}, seed {herd.seed}, {herd.cows} cows",
        x=0.012, ha="left", fontsize=13, fontweight="bold", color=INK,
    )  # fmt: skip
    _legend(page, drawn, beside)
    save(page, path)
    return drawn


def require(herd: VirtualHerd, cow: int, day: int) -> None:
    """Raise HerdError unless a herd has such a cow and day."""
    if not 0 <= cow < herd.cows:
        first = herd.model["herd"]["first_number"]
        raise HerdError(f"cow={first + cow}: want {first}..{first + herd.cows - 1}, the numbers of the herd")
    if not 0 <= day < herd.days:
        raise HerdError(f"day={day}: want 0..{herd.days - 1}")


def gather(herd: VirtualHerd, cow: int, day: int) -> Drawn:
    """Return what the picture of a day shows."""
    usual_mg, usual_days = _usual(herd, cow, day)
    plan = herd.day(day)
    start_ms, state = plan.of(cow)
    begins_ms = start_ms - day * DAY_MS
    spans = Spans(begins_ms, np.append(begins_ms[1:], DAY_MS), state)
    length_h = plan.lengths_ms() / HOUR_MS
    whole = np.bincount(plan.state, weights=length_h, minlength=len(STATES)) / herd.cows
    motion_mg = np.asarray(herd.minutes(day).motion_mg[cow], dtype=float)
    return Drawn(
        spans, motion_mg, usual_mg, usual_days, _on(herd, cow, day), spans.hours(len(STATES)), whole,
        herd.weather.sun(day),
    )  # fmt: skip


def _usual(herd: VirtualHerd, cow: int, day: int) -> tuple[NDArray[np.float64], int]:
    """Return (3, 24) p10, p50, p90 of her ten-minute means by hour in the days before, or around, if few."""
    before = list(range(max(0, day - BAND_DAYS), day))
    after = list(range(day + 1, min(herd.days, day + 1 + BAND_DAYS - len(before))))
    days = before if len(before) * 2 >= BAND_DAYS else before + after
    if not days:
        return np.full((3, 24), np.nan), 0
    bins = [
        _binned(np.asarray(herd.minutes(each).motion_mg[cow], dtype=float)).reshape(24, -1) for each in days
    ]
    return np.quantile(np.concatenate(bins, axis=1), (0.1, 0.5, 0.9), axis=1), len(days)


def _binned(minutes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(minutes.reshape(-1, _BIN_MIN).mean(axis=1))


def _on(herd: VirtualHerd, cow: int, day: int) -> tuple[Happening, ...]:
    begin_ms, end_ms = day * DAY_MS, (day + 1) * DAY_MS
    hers = herd.histories[cow].happenings
    of_farm = [each for each in herd.herd_wide if each.kind in HERD_EVENTS and each.kind != "herd_event"]
    return tuple(
        each
        for each in (*hers, *of_farm)
        if each.onset_ms < end_ms and each.end_ms > begin_ms and each.kind in (*EVENTS, *DISTURBANCES)
    )


# drawing


def _ethogram(axes: Axes, spans: Spans) -> None:
    """Draw states by colour, and beneath them lying and standing."""
    start_h, width_h = spans.start_ms / HOUR_MS, (spans.end_ms - spans.start_ms) / HOUR_MS
    for place, name in enumerate(STATES):
        here = spans.state == place
        if here.any():
            bars = list(zip(start_h[here], np.maximum(width_h[here], _SHORTEST_H), strict=True))
            edge: dict[str, Any] = (
                {"hatch": "///", "edgecolor": SOFT, "linewidth": 0.0} if name == "gone" else {}
            )
            axes.broken_barh(bars, (0.38, 0.62), facecolors=COLOURS[name], **edge)
    down = np.array(LIES)[spans.state]
    axes.broken_barh(list(zip(start_h[down], width_h[down], strict=True)), (0.0, 0.26), facecolors=INK)
    axes.axhline(0.0, color="#bbbbbb", linewidth=0.6)
    axes.set_yticks([0.13, 0.69], ["lying", "does"])
    axes.set_xlim(0, 24)
    axes.set_ylim(0, 1)
    plain(axes, left=False)
    axes.tick_params(axis="y", length=0)


def _clock_ms(herd: VirtualHerd, day: int) -> int:
    """Return what the farm's clocks show, ms since their midnight, when a day of UTC begins."""
    begin = local(herd.model, day * DAY_MS)
    return begin.hour * HOUR_MS + begin.minute * MINUTE_MS


def _turned(spans: Spans, shift_ms: int) -> Spans:
    """Return a day that begins `shift_ms` after its midnight and has what came before at its end."""
    start_ms, end_ms = spans.start_ms - shift_ms, spans.end_ms - shift_ms
    return Spans(
        np.append(start_ms, start_ms + DAY_MS), np.append(end_ms, end_ms + DAY_MS), np.tile(spans.state, 2)
    )


def _clock(axes: Axes, herd: VirtualHerd, day: int) -> None:
    """Write the farm's hours under an axis of hours since the day of UTC began."""
    hours = range(0, 25, 2)
    form = "%H:%M" if _clock_ms(herd, day) % HOUR_MS else "%H"  # some zones lie half an hour off
    axes.set_xticks(hours, [f"{local(herd.model, day * DAY_MS + hour * HOUR_MS):{form}}" for hour in hours])
    axes.set_xlim(0, 24)


def _motion(axes: Axes, herd: VirtualHerd, day: int, drawn: Drawn) -> None:
    hour = np.arange(1440) / 60
    axes.set_yscale("log")
    low, high = _limits(drawn)
    axes.set_ylim(low, high)
    edges = np.arange(25)
    if drawn.usual_days:
        band = np.concatenate((drawn.usual_mg, drawn.usual_mg[:, -1:]), axis=1)
        axes.fill_between(edges, band[0], band[2], step="post", color="#0072B2", alpha=0.16, linewidth=0)
        axes.step(edges, band[1], where="post", color="#0072B2", alpha=0.6, linewidth=1.0)
    axes.plot(hour, drawn.motion_mg, ".", color="#888888", markersize=1.6, alpha=0.55)
    middle = np.arange(0, 1440, _BIN_MIN) / 60 + _BIN_MIN / 120
    axes.plot(middle, _binned(drawn.motion_mg), color=INK, linewidth=1.3)
    _shade(axes, drawn, day)
    _sun(axes, drawn.sun_h)
    _clock(axes, herd, day)
    axes.set_yticks(ticks := [each for each in (5, 10, 20, 50, 100, 200, 500, 1000) if low < each < high])
    axes.set_yticklabels([str(each) for each in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylabel("motion, mg", color=SOFT, fontsize=9)
    usual = f"band: p10 to p90 and median of her same hours on {drawn.usual_days} other days"
    titled(axes, f"How she moves: points by minute, line by ten minutes; {usual}")
    axes.set_xlabel(f"hour, {herd.model['herd']['zone']}", color=SOFT, fontsize=8.5)
    plain(axes)


def _limits(drawn: Drawn) -> tuple[float, float]:
    """Return the ends of the axis of motion; the top has room for words."""
    low, high = np.quantile(drawn.motion_mg, (0.002, 0.999))
    return float(max(low * 0.8, 0.5)), float(high * 4.0)


class _Label(NamedTuple):
    from_h: float
    to_h: float
    words: str
    colour: str


def _shade(axes: Axes, drawn: Drawn, day: int) -> None:
    """Shade what happens, and milkings, and write their words in lanes that do not overlap."""
    milked = drawn.spans.state == MILK
    for start_ms, end_ms in zip(drawn.spans.start_ms[milked], drawn.spans.end_ms[milked], strict=True):
        axes.axvspan(start_ms / HOUR_MS, end_ms / HOUR_MS, color=COLOURS["milk"], alpha=0.6, linewidth=0)
    labels = [
        _Label(start_ms / HOUR_MS, end_ms / HOUR_MS, "milking", SOFT)
        for start_ms, end_ms in zip(drawn.spans.start_ms[milked], drawn.spans.end_ms[milked], strict=True)
    ]
    for each in drawn.happenings:
        begin_h = max(0.0, (each.onset_ms - day * DAY_MS) / HOUR_MS)
        end_h = min(24.0, (each.end_ms - day * DAY_MS) / HOUR_MS)
        colour = EVENT if each.kind in EVENTS else DISTURBANCE
        axes.axvspan(begin_h, end_h, color=colour, alpha=0.13, linewidth=0)
        silent = "" if each.expressed else " (silent)"
        labels.append(_Label(begin_h, end_h, HAPPENING_WORDS[each.kind] + silent, colour))
    taken_h = [-1.0] * _LANES
    for label in sorted(labels):
        lane = next((at for at, until_h in enumerate(taken_h) if until_h <= label.from_h), _LANES - 1)
        from_h = min(label.from_h, 24 - 0.17 * len(label.words))
        taken_h[lane] = from_h + 0.17 * len(label.words) + 0.3
        axes.text(
            from_h + 0.05, 0.97 - 0.075 * lane, label.words, transform=axes.get_xaxis_transform(), va="top",
            fontsize=8, color=label.colour, fontweight="bold" if label.colour == EVENT else "normal",
        )  # fmt: skip


def _sun(axes: Axes, sun_h: tuple[float, float]) -> None:
    for at_h, words, side in ((sun_h[0], "sunrise ", "right"), (sun_h[1], " sunset", "left")):
        axes.axvline(at_h, color="#E69F00", linewidth=1.0, linestyle=(0, (4, 3)))
        axes.text(
            at_h, 0.02, words, transform=axes.get_xaxis_transform(), ha=side, fontsize=8, color="#a87300"
        )


def _hours(axes: Axes, drawn: Drawn, beside: Spans | None) -> None:
    """Draw hours by state as bars: hers, the herd's, and a real animal's."""
    series = [("this cow", drawn.hours, 1.0), ("mean of her herd", drawn.herd_hours, 0.45)]
    if beside is not None:
        series.append(("the real day", beside.hours(len(STATES)), 0.0))
    shown = [place for place in range(len(STATES)) if any(hours[place] > 0.005 for _, hours, _ in series)]
    wide = 0.8 / len(series)
    for at, (_, hours, alpha) in enumerate(series):
        for x, place in enumerate(shown):
            left = x - 0.4 + wide * (at + 0.5)
            colour = COLOURS[STATES[place]]
            face = (colour, alpha) if alpha else "none"
            hatch = None if alpha else "////"
            edge = SOFT if STATES[place] == "gone" else colour
            axes.bar(left, hours[place], wide * 0.92, color=face, edgecolor=edge, hatch=hatch)
            axes.text(
                left, hours[place], f"{hours[place]:.1f}", ha="center", va="bottom", fontsize=7.5, color=SOFT
            )
    axes.set_xticks(range(len(shown)), [WORDS[STATES[place]] for place in shown])
    axes.set_xlim(-0.6, len(shown) - 0.4)
    axes.set_ylim(0, 1.15 * max(hours.max() for _, hours, _ in series))
    axes.set_ylabel("hours", color=SOFT, fontsize=9)
    axes.set_facecolor("none")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    titled(axes, "Hours of the day: from left " + ", ".join(name for name, _, _ in series))
    plain(axes)


def _legend(page: Figure | SubFigure, drawn: Drawn, beside: Spans | None) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415 - see show_style

    seen = set(drawn.spans.state.tolist()) | (set(beside.state.tolist()) if beside is not None else set())
    patches = [Patch(color=COLOURS[STATES[place]], label=WORDS[STATES[place]]) for place in sorted(seen)]
    page.legend(
        handles=patches, loc="outside lower center", ncols=len(patches), frameon=False, fontsize=8.5,
        handlelength=1.2, columnspacing=1.4, labelcolor=INK,
    )  # fmt: skip
