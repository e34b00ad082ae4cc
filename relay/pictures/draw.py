"""A picture -> PNG bytes for a phone in sunlight. Pure: the same picture gives the same bytes.

Black, white, one blue-grey and vermillion (Okabe and Ito, jfly.uni-koeln.de/color, 2008), which differ for
every kind of colour-blind eye; what is unusual is thicker and hatched as well. Not for several threads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from relay.pictures.data import ACTIVITY, PANELS, SHOWN_H, line
from relay.pictures.fonts import FAMILIES, drawable
from relay.pictures.palette import packed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.text import Text

    from relay.pictures.data import Panel
    from relay.pictures.labels import Picture

WIDTH_PX, HEIGHT_PX = 720, 900
_DPI = 100
_INK, _SOFT, _RED = "#000000", "#4d4d4d", "#D55E00"
_USUAL, _MIDDLE, _NIGHT = "#b4c3d2", "#6b7f92", "#ececec"
_EDGE_PX, _LEFT_PX, _RIGHT_PX = 22, 58, 16
_PANEL_PX, _FIRST_PX, _STEP_PX = 140, 252, 196  # height, top of the first, from one to the next
_NUMBER_PX, _NAME_PX, _TITLE_PX, _SINCE_PX, _LABEL_PX, _NOTE_PX, _LEAST_PX = 104, 46, 44, 31, 26, 21, 13
_TIMES_MOST = 10.4  # her usual activity
_ARABIC, _ARABIC_LARGER = re.compile("[\u0600-\u06ff]"), 1.15  # its letters are small for their size


def png(picture: Picture) -> bytes:
    """Return the PNG: WIDTH_PX x HEIGHT_PX, at most 60 kB."""
    with rc_context({"hatch.color": _RED, "hatch.linewidth": 2.2, "text.parse_math": False}):
        figure = Figure(figsize=(WIDTH_PX / _DPI, HEIGHT_PX / _DPI), dpi=_DPI, facecolor="white")
        canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
        page = _Page(figure, canvas.get_renderer(), is_right_to_left=picture.is_right_to_left)
        _head(page, picture)
        for at, name in enumerate(PANELS):
            _panel(page, picture, name, _FIRST_PX + at * _STEP_PX)
        _days(page, picture)
        _notes(page, picture.notes)
        canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
    return packed(image)


class _Page:
    """Writes at pixels from the edge where reading begins, y downwards."""

    def __init__(self, figure: Figure, renderer: Any, *, is_right_to_left: bool) -> None:
        self.figure, self._renderer, self._mirrored = figure, renderer, is_right_to_left

    def write(
        self, x_px: float, baseline_px: float, text: str, size_px: float, room_px: float,
        colour: str = _INK, *, at_end: bool = False,
    ) -> float:  # fmt: skip
        """Write a line, smaller if it does not fit; return how wide it came out."""
        x_px = WIDTH_PX - x_px if self._mirrored else x_px
        text = drawable(text)
        if not text:
            return 0.0
        if _ARABIC.search(text):
            size_px *= _ARABIC_LARGER
        written = self.figure.text(
            x_px / WIDTH_PX, 1 - baseline_px / HEIGHT_PX, text, fontsize=_points(size_px), color=colour,
            family=FAMILIES, weight="bold", ha="right" if self._mirrored != at_end else "left", va="baseline",
        )  # fmt: skip
        while (width_px := self._width_px(written)) > room_px and size_px > _LEAST_PX:
            size_px = max(_LEAST_PX, 0.98 * size_px * room_px / width_px)  # letters are fitted to pixels
            written.set_fontsize(_points(size_px))
        return width_px

    def _width_px(self, text: Text) -> float:
        return float(text.get_window_extent(self._renderer).width)


def _points(size_px: float) -> float:
    return size_px * 72 / _DPI


def _head(page: _Page, picture: Picture) -> None:
    room_px = WIDTH_PX - 2 * _EDGE_PX
    share = 0.66 if picture.name else 1.0
    used_px = page.write(_EDGE_PX, 104, picture.number, _NUMBER_PX, share * room_px) + 24
    page.write(_EDGE_PX + used_px, 104, picture.name, _NAME_PX, room_px - used_px)
    page.write(_EDGE_PX, 157, picture.title, _TITLE_PX, room_px, _RED)
    page.write(_EDGE_PX, 206, picture.since, _SINCE_PX, room_px)


def _panel(page: _Page, picture: Picture, name: str, top_px: float) -> None:
    page.write(_EDGE_PX, top_px - 10, picture.panels[name], _LABEL_PX, WIDTH_PX - 2 * _EDGE_PX)
    axes = page.figure.add_axes((
        _LEFT_PX / WIDTH_PX, 1 - (top_px + _PANEL_PX) / HEIGHT_PX,
        (WIDTH_PX - _LEFT_PX - _RIGHT_PX) / WIDTH_PX, _PANEL_PX / HEIGHT_PX,
    ))  # fmt: skip
    panel = picture.traces.panels[name]
    _ground(axes, picture)
    _usual(axes, panel)
    _curve(axes, panel)
    if picture.onset_x is not None:
        axes.axvline(picture.onset_x, color=_RED, linewidth=2.2, linestyle=(0, (4, 2)), zorder=5)
    _scale(axes, panel, name)


def _ground(axes: Axes, picture: Picture) -> None:
    for begin, end in picture.axis.nights:
        axes.axvspan(begin, end, color=_NIGHT, linewidth=0, zorder=0)
    for x in picture.axis.midnights:
        axes.axvline(x, color=_SOFT, linewidth=1.4, zorder=1)


def _usual(axes: Axes, panel: Panel) -> None:
    x, low = line(panel.low)
    axes.fill_between(x, low, line(panel.high)[1], color=_USUAL, linewidth=0, zorder=2)
    axes.plot(x, line(panel.middle)[1], color=_MIDDLE, linewidth=1.6, zorder=3)


def _curve(axes: Axes, panel: Panel) -> None:
    x, y = line(panel.value)
    axes.plot(x, y, color=_INK, linewidth=2.6, solid_capstyle="butt", zorder=6)
    odd = np.repeat(panel.odd, 3)
    red = np.where(odd, y, np.nan)
    low, high = line(panel.low)[1], line(panel.high)[1]
    axes.fill_between(
        x, red, np.where(y < low, low, high), facecolor="#f7d9c4", edgecolor=_RED, hatch="///", linewidth=0,
        zorder=4,
    )  # fmt: skip
    axes.plot(x, red, color=_RED, linewidth=6, solid_capstyle="round", zorder=7)
    unheard = np.where(np.isfinite(y), np.nan, 0.0)
    axes.plot(x, unheard, color=_INK, linewidth=4, linestyle=(0, (1, 1)), zorder=6, clip_on=False)


def _scale(axes: Axes, panel: Panel, name: str) -> None:
    axes.set_xlim(0, SHOWN_H)
    most = np.nanmax(np.concatenate([panel.value, panel.high]))
    if name != ACTIVITY:
        axes.set_ylim(0, min(62.0, max(22.0, 1.08 * float(most))))
        _ticks(axes, [at for at in (0, 20, 40, 60) if at <= axes.get_ylim()[1]], "{:.0f}")
    else:
        top = min(_TIMES_MOST, max(2.05, 1.05 * float(most)))
        axes.set_ylim(0, top)
        step = max(1, round(top / 3))
        is_known = bool(np.isfinite(panel.middle).any())
        _ticks(axes, range(0, int(top) + 1, step), "{:.0f}" if is_known else "")
    axes.set_xticks([])
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=_INK, linewidth=1.6)


def _ticks(axes: Axes, values: Sequence[float], form: str) -> None:
    axes.set_yticks(values, [form.format(value) for value in values], family=FAMILIES, weight="bold")
    axes.tick_params(axis="y", labelsize=_points(_NOTE_PX), width=1.6, length=4, color=_INK, labelcolor=_INK)


def _days(page: _Page, picture: Picture) -> None:
    """Write hours and days under the last panel; time runs from left to right in every language."""
    bottom_px = _FIRST_PX + 2 * _STEP_PX + _PANEL_PX
    scale = (WIDTH_PX - _LEFT_PX - _RIGHT_PX) / SHOWN_H

    def middle(x: float, baseline_px: float, text: str, size_px: float, colour: str) -> None:
        page.figure.text(
            (_LEFT_PX + x * scale) / WIDTH_PX, 1 - baseline_px / HEIGHT_PX, text, ha="center", va="baseline",
            fontsize=_points(size_px), family=FAMILIES, weight="bold", color=colour,
        )  # fmt: skip

    for x, hour in picture.axis.hours:
        middle(x, bottom_px + 23, str(hour), _NOTE_PX, _SOFT)
    for (x, _), day in zip(picture.axis.days, picture.days, strict=True):
        middle(x, bottom_px + 53, day, _LABEL_PX, _INK)


def _notes(page: _Page, notes: Sequence[str]) -> None:
    page.write(_EDGE_PX, HEIGHT_PX - 18, "  \N{MIDDLE DOT}  ".join(notes), _NOTE_PX, WIDTH_PX - 2 * _EDGE_PX)
