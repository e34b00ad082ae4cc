"""A herd's month as a picture: how active every cow is by day, what truly happens, and the weather."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.herd_words import WORDS, local, name_of
from simulator.herdfile import HerdError
from simulator.lives.happening import DISTURBANCES
from simulator.pictures.show_style import DISTURBANCE, EVENT, INK, SOFT, figure, plain, save, titled
from simulator.plan.routine import DAY_MS
from simulator.plan.states import GONE

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from simulator.minutes import Minutes
    from simulator.truth import TruthRow
    from simulator.virtual_herd import VirtualHerd

_MOSTLY = 0.5
MOST_COWS = 120  # more are no longer told apart
_HOT_THI = (68, 72)
_SIGNS = {
    "heat": "H",
    "calving": "C",
    "dystocia": "D",
    "off_feed": "F",
    "mastitis": "M",
    "lameness": "L",
    "cast": "S",
    "down": "N",
    "dead": "X",
    "theft": "T",
    "collar_off": "o",
    "collar_loose": "l",
    "collar_turned": "t",
    "battery": "b",
}
_LASTING = (
    "lameness",
    "off_feed",
    "mastitis",
    "collar_off",
    "collar_loose",
    "collar_turned",
    "battery",
    "down",
)


@dataclass(frozen=True, slots=True)
class Month:
    """What the picture of a month shows. `relative` (cows, days): daily motion, 1 her median, nan no cow."""

    first_day: int
    relative: NDArray[np.float64]
    highest_thi: NDArray[np.float64]
    rows: tuple[TruthRow, ...]


def draw_month(herd: VirtualHerd, first_day: int, days: int, path: Path) -> Month:
    """Write a PNG of `days` days; return what it shows. Raises HerdError, DrawingError, OSError."""
    if herd.cows > MOST_COWS:
        raise HerdError(f"cows={herd.cows}: a month has room for {MOST_COWS}")
    if not 0 <= first_day <= herd.days - days:
        raise HerdError(f"day={first_day}: want 0..{herd.days - days}")
    page = figure(13.0, 3.4 + 0.17 * herd.cows)
    month = gather(herd, first_day, days)
    weather, map_ = page.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [1.3, 0.17 * herd.cows + 0.4]}
    )
    _weather(weather, herd, month)
    _map(page, map_, herd, month)
    begin, end = local(herd.model, first_day * DAY_MS), local(herd.model, (first_day + days - 1) * DAY_MS)
    page.suptitle(
        f"{herd.cows} cows, {begin:%d %B %Y} to {end:%d %B %Y}, {herd.routine.housing}: what truly happens "
        f"(seed {herd.seed})",
        x=0.012, ha="left", fontsize=13, fontweight="bold", color=INK,
    )  # fmt: skip
    save(page, path)
    return month


def gather(herd: VirtualHerd, first_day: int, days: int) -> Month:
    """Return what the picture of a month shows."""
    span = range(first_day, first_day + days)
    motion = np.stack([_motion(herd.minutes(day)) for day in span], axis=1)
    highest = np.array([herd.weather.thi_by_hour(day).max() for day in span])
    begin_ms, end_ms = first_day * DAY_MS, (first_day + days) * DAY_MS
    rows = tuple(
        row for row in herd.truth if row.onset_ms < end_ms and (row.end_ms is None or row.end_ms > begin_ms)
    )
    usual = np.array([np.nan if np.isnan(hers).all() else np.nanmedian(hers) for hers in motion])
    return Month(first_day, motion / usual[:, None], highest, rows)


def _motion(minutes: Minutes) -> NDArray[np.float64]:
    """Return (cows,) mean motion of a day, nan for a collar that no cow has moved most of it."""
    gone = (minutes.state == GONE).mean(axis=1) > _MOSTLY
    return np.where(gone, np.nan, minutes.motion_mg.mean(axis=1))


def _weather(axes: Axes, herd: VirtualHerd, month: Month) -> None:
    days = len(month.highest_thi)
    axes.plot(np.arange(days), month.highest_thi, color=INK, linewidth=1.4, marker="o", markersize=3)
    for line in _HOT_THI:
        axes.axhline(line, color=EVENT, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.text(days - 0.55, line, f"{line}", color=EVENT, fontsize=8, va="center")
    low, high = min(float(month.highest_thi.min()), 50.0), max(float(month.highest_thi.max()), 74.0)
    lanes = _farm_words(axes, herd, month)
    axes.set_ylim(low - 0.25 * (high - low), high + (0.12 + 0.18 * lanes) * (high - low))
    spells = [(from_ms, to_ms) for from_ms, to_ms in herd.weather.rain.tolist() if from_ms >= 0]
    _strip(axes, month, spells, 0.02, "#0072B2")
    hot = [(row.onset_ms, row.end_ms) for row in month.rows if row.kind == "heat_stress"]
    _strip(axes, month, [(from_ms, to_ms) for from_ms, to_ms in hot if to_ms is not None], 0.10, EVENT)
    axes.set_ylabel("THI", color=SOFT, fontsize=9)
    titled(
        axes,
        "Highest THI of the day; blue: rain; red: heat stress; words: what else comes over the whole farm",
    )
    plain(axes)


def _strip(axes: Axes, month: Month, spells: list[tuple[int, int]], at: float, colour: str) -> None:
    """Draw spells as bars at a height of the axes."""
    bars = [
        (from_ms / DAY_MS - month.first_day - 0.5, (to_ms - from_ms) / DAY_MS) for from_ms, to_ms in spells
    ]
    axes.broken_barh(bars, (at, 0.06), facecolors=colour, transform=axes.get_xaxis_transform())


def _farm_words(axes: Axes, herd: VirtualHerd, month: Month) -> int:
    """Write above the weather what befalls all, in lanes that do not overlap; return how many there are."""
    days = len(month.highest_thi)
    found = [(each.onset_ms, each.kind, DISTURBANCE) for each in herd.herd_wide if each.kind in DISTURBANCES]
    found += [(row.onset_ms, row.kind, EVENT) for row in month.rows if not row.animal]
    free = [-1.0] * 4
    used = 0
    for onset_ms, kind, colour in sorted(found):
        at = onset_ms / DAY_MS - month.first_day
        if kind in ("rain", "heat_stress") or not 0 <= at < days:
            continue
        lane = next((place for place, until in enumerate(free) if until <= at), len(free) - 1)
        free[lane] = at + 0.17 * len(WORDS[kind]) + 0.4
        used = max(used, lane + 1)
        axes.annotate(
            WORDS[kind], (at - 0.5, 1.0), (1, -9 - 10 * lane), xycoords=axes.get_xaxis_transform(),
            textcoords="offset points", fontsize=7.5, color=colour, va="bottom",
        )  # fmt: skip
    return used


def _map(page: Figure, axes: Axes, herd: VirtualHerd, month: Month) -> None:
    cows, days = month.relative.shape
    axes.set_facecolor("#b5b5b5")  # where there is no cow
    image = axes.imshow(
        np.log2(month.relative), cmap="PuOr_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest"
    )
    bar = page.colorbar(image, ax=axes, ticks=[-1, -0.5, 0, 0.5, 1], pad=0.01, aspect=40)
    bar.ax.set_yticklabels(["half", "-30 %", "as usual", "+40 %", "twice"], fontsize=8, color=SOFT)
    bar.outline.set_visible(False)
    first = herd.model["herd"]["first_number"]
    cells: Counter[tuple[int, int]] = Counter()
    for row in month.rows:
        if row.animal:
            _mark(axes, row, int(row.animal) - first, month, cells)
    axes.set_yticks(range(cows), [f"{herd.number(cow)} {name_of(herd.model, cow)}" for cow in range(cows)])
    shown = range(0, days, max(1, days // 30))
    axes.set_xticks(shown, [f"{local(herd.model, (month.first_day + day) * DAY_MS):%d}" for day in shown])
    axes.set_xlim(-0.5, days - 0.5)
    signs = {row.kind for row in month.rows if row.animal and row.kind in _SIGNS}
    named = ", ".join(f"{_SIGNS[kind]} {WORDS[kind]}" for kind in _SIGNS if kind in signs)
    titled(
        axes,
        f"Motion by day, against her own month.  {named or 'Nothing'}; in brackets: silent; grey: no cow",
    )
    plain(axes, left=False)
    axes.tick_params(axis="y", labelsize=7, length=0)
    axes.set_xlabel("day of the month", color=SOFT, fontsize=8.5)


def _mark(axes: Axes, row: TruthRow, cow: int, month: Month, cells: Counter[tuple[int, int]]) -> None:
    days = month.relative.shape[1]
    begin = max(row.onset_ms / DAY_MS - month.first_day - 0.5, -0.5)
    end = days - 0.5 if row.end_ms is None else min(row.end_ms / DAY_MS - month.first_day - 0.5, days - 0.5)
    if row.kind in _LASTING:
        axes.plot((begin, end), (cow + 0.34, cow + 0.34), color=INK, linewidth=1.1, solid_capstyle="butt")
    sign = _SIGNS.get(row.kind)
    if sign is not None:
        text = sign if row.expressed else f"({sign})"
        cell = min(max(int(begin + 0.5), 0), days - 1)
        at = cell + 0.3 * cells[cow, cell]  # two signs of one day stand side by side
        cells[cow, cell] += 1
        axes.text(at, cow, text, ha="center", va="center", fontsize=7.5, fontweight="bold", color=INK)
