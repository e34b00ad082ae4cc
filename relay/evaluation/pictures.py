"""Pictures of an evaluation as PNG files: a confusion, and a day as truth has it and as it was told.

Needs matplotlib (the extra `train`), loaded only when something is drawn. Colours are Okabe and Ito's
(jfly.uni-koeln.de/color, 2008), which differ for colour-blind eyes too; the same scores give the same bytes.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from relay.evaluation.metrics import UNKNOWN
from relay.evaluation.timeline import lay_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from relay.evaluation.metrics import Scores
    from relay.evaluation.timeline import Timeline

_DPI = 150
_EDGE = 0.012  # of the width, left of the words
_TITLE_CHARS_PER_IN = 8.5
_INK, _SOFT, _MIDDLE, _FAINT = "#222222", "#6b6b6b", "#9b9b9b", "#ebebeb"
_OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
_COLOURS = {
    "grazing": "#009E73",
    "still": "#0072B2",
    "resting": "#0072B2",
    "ruminating_resting": "#0072B2",
    "standing": "#56B4E9",
    "ruminating": "#56B4E9",
    "walking": "#E69F00",
    "drinking": "#CC79A7",
    "active_mount": "#D55E00",
    "other": "#999999",
}
_TOUCHING_MS = 250  # a longer step between spans is a gap, and stays white
_BAR, _STRIP, _SPACE = 0.56, 0.24, 0.16  # heights: a lane's bar, the confidence beneath it, between lanes


class DrawingError(RuntimeError):
    """Pictures cannot be drawn here; says what to install."""


class Span(NamedTuple):
    """What was going on, or was told, from `start_ms` up to `end_ms` (local time taken as UTC).

    `confidence`: 0..1, None where there is none, as in truth.
    """

    start_ms: int
    end_ms: int
    label: str
    confidence: float | None = None


def draw_confusion(scores: Scores, path: Path, title: str) -> None:
    """Write a PNG: truth by rows, told by columns, counts and shares of the row. Raises DrawingError."""
    rows, columns = scores.labels, scores.told_labels
    figure = new_figure(max(7.0, 2.6 + 1.15 * len(columns)), 1.8 + 0.8 * len(rows))
    axes = figure.add_subplot()
    windows = [sum(row) for row in scores.confusion]
    shares = [[n / (of or 1) for n in row] for row, of in zip(scores.confusion, windows, strict=True)]
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for y, row in enumerate(scores.confusion):
        for x, count in enumerate(row):
            _cell(axes, x, y, count, shares[y][x])
    _grid(axes, len(columns), len(rows))
    axes.set_xticks(range(len(columns)), [_spoken(label) for label in columns])
    named = [f"{_spoken(label)}\n{n:,} windows" for label, n in zip(rows, windows, strict=True)]
    axes.set_yticks(range(len(rows)), named)
    axes.set_xlabel("told", color=_SOFT)
    axes.set_ylabel("truth", color=_SOFT)
    worst = scores.worst_animal
    under = f"macro F1 {scores.macro_f1:.3f}   MCC {scores.mcc:.3f}   accuracy {scores.accuracy:.3f}"
    _head(figure, title, under + (f"   worst animal {worst.name}: {worst.accuracy:.3f}" if worst else ""))
    _save(figure, path)


def draw_ethogram(lanes: Mapping[str, Sequence[Span]], path: Path, title: str) -> None:
    """Write a PNG of one day: a lane for each name, truth first, confidence beneath what was told.

    Where no lane has anything it stays white; if that is most of the day, long gaps are cut out and marked.
    Raises DrawingError, and ValueError if there is nothing to draw or a span has no length.
    """
    timeline = lay_out((span.start_ms, span.end_ms) for spans in lanes.values() for span in spans)
    colours = _colours({span.label for spans in lanes.values() for span in spans})
    tops, bottom = _tops(lanes)
    figure = new_figure(11.0, 1.6 - 0.95 * bottom)
    axes = figure.add_subplot()
    for top, spans in zip(tops, lanes.values(), strict=True):
        _bars(axes, timeline, spans, top, colours)
        _confidence(axes, timeline, spans, top - _BAR - 0.03)
    axes.set_yticks([top - _BAR / 2 for top in tops], list(lanes))
    _time_axis(axes, timeline, bottom)
    _legend(figure, colours)
    _head(figure, title, _covered(timeline))
    _save(figure, path)


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure. Raises DrawingError where there is nothing to draw with."""
    try:  # an extra: a relay that draws nothing has not got it
        from matplotlib.figure import Figure  # noqa: PLC0415 - see above
        from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415 - see above
    except ImportError as error:
        raise DrawingError(
            "pictures need matplotlib, and it is not installed: pip install herdbell[train]"
        ) from error
    layout = ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.09)  # inches
    return Figure(figsize=(width_in, height_in), dpi=_DPI, layout=layout)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="png", metadata={"Software": None})  # the version would change the bytes


def _head(figure: Figure, title: str, under: str) -> None:
    """Write both at the figure's left edge, when everything else is in its place."""
    lines = wrap(title, int(figure.get_figwidth() * _TITLE_CHARS_PER_IN))
    figure.suptitle("\n".join(lines), x=_EDGE, ha="left", fontsize=13, fontweight="bold", color=_INK)
    axes = figure.axes[0]
    below = axes.set_title(under, loc="left", fontsize=9.5, color=_SOFT, pad=10)
    figure.draw_without_rendering()
    box = axes.get_position()
    below.set_x((_EDGE - box.x0) / box.width)
    figure.set_layout_engine("none")  # all is in its place: not once more on saving


def _spoken(label: str) -> str:
    return label.replace("_", "\n")


def _cell(axes: Axes, x: int, y: int, count: int, share: float) -> None:
    colour = "white" if share > 0.55 else _INK if count else _SOFT
    lines = [(f"{count:,}", 11.5, 6), (f"{100 * share:.1f} %", 9, -10)] if count else [("0", 10, 0)]
    for text, size, above_pt in lines:
        axes.annotate(
            text,
            (x, y),
            (0, above_pt),
            textcoords="offset points",
            ha="center",
            va="center",
            color=colour,
            fontsize=size,
        )


def _grid(axes: Axes, columns: int, rows: int) -> None:
    """Draw white lines between the cells, and the cells that are right in a frame."""
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - see new_figure

    axes.set_xticks([x + 0.5 for x in range(columns - 1)], minor=True)
    axes.set_yticks([y + 0.5 for y in range(rows - 1)], minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0, labelcolor=_INK)
    axes.spines[:].set_visible(False)
    for i in range(rows):
        axes.add_patch(Rectangle((i - 0.47, i - 0.47), 0.94, 0.94, fill=False, edgecolor=_INK, linewidth=1.1))


def _tops(lanes: Mapping[str, Sequence[Span]]) -> tuple[list[float], float]:
    """Return where each lane begins, downwards from 0, and where the axis lies."""
    tops, next_top = [], 0.0
    for spans in lanes.values():
        tops.append(next_top)
        strip = any(span.confidence is not None for span in spans)
        next_top -= _BAR + _STRIP * strip + _SPACE
    return tops, next_top


def _colours(labels: set[str]) -> dict[str, str]:
    """Return a colour for each label: its own, or one that no other label here has while there are any."""
    colours = {label: colour for label, colour in _COLOURS.items() if label in labels}
    free = [colour for colour in _OKABE_ITO if colour not in colours.values()] or list(_OKABE_ITO)
    strangers = sorted(labels - {*colours, UNKNOWN})
    colours |= {label: free[i % len(free)] for i, label in enumerate(strangers)}
    return colours | ({UNKNOWN: "#FFFFFF"} if UNKNOWN in labels else {})


def _runs(spans: Sequence[Span], *, by_label: bool) -> list[list[Span]]:
    """Return spans in order of time, those together that touch (and say the same)."""
    runs: list[list[Span]] = []
    for span in sorted(spans, key=lambda each: each.start_ms):
        last = runs[-1][-1] if runs else None
        if (
            last
            and span.start_ms - last.end_ms <= _TOUCHING_MS
            and (not by_label or span.label == last.label)
        ):
            runs[-1].append(span)
        else:
            runs.append([span])
    return runs


def _bars(axes: Axes, timeline: Timeline, spans: Sequence[Span], top: float, colours: dict[str, str]) -> None:
    for run in _runs(spans, by_label=True):
        left, right = timeline.place(run[0].start_ms), _right(timeline, run[-1])
        unknown = run[0].label == UNKNOWN
        axes.broken_barh(
            [(left, right - left)],
            (top - _BAR, _BAR),
            facecolor=colours[run[0].label],
            edgecolor=_SOFT if unknown else "none",
            hatch="////" if unknown else None,
            linewidth=0,
        )


def _right(timeline: Timeline, span: Span) -> float:
    """Return where a span ends; the end of a stretch is asked for from within."""
    return timeline.place(span.end_ms - 1) + timeline.scale


def _confidence(axes: Axes, timeline: Timeline, spans: Sequence[Span], top: float) -> None:
    """Shade a strip as high as the confidence, on a line that is there wherever something was told."""
    told = [span for span in spans if span.confidence is not None]
    for run in _runs(told, by_label=False):
        places = [x for span in run for x in (timeline.place(span.start_ms), _right(timeline, span))]
        heights = [top - _STRIP * (1 - (span.confidence or 0.0)) for span in run for _ in range(2)]
        low = top - _STRIP
        axes.fill_between(places, low, top, color=_FAINT, linewidth=0)
        axes.fill_between(places, low, heights, color=_MIDDLE, linewidth=0)
    if told:
        axes.text(-0.008, top - _STRIP / 2, "confidence", ha="right", va="center", fontsize=7.5, color=_SOFT)


def _time_axis(axes: Axes, timeline: Timeline, bottom: float) -> None:
    places, times = zip(*timeline.ticks(), strict=True)
    axes.set_xticks(places, times, fontsize=9)
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom, 0.08)
    axes.tick_params(axis="x", color=_SOFT, labelcolor=_INK)
    axes.tick_params(axis="y", length=0, labelcolor=_INK)
    axes.spines[:].set_visible(False)
    for stretch in timeline.stretches:
        axes.plot([stretch.left, stretch.left + stretch.room], [bottom] * 2, color=_SOFT, linewidth=1.6)
    for middle, length_ms in timeline.cuts():
        _cut(axes, middle, bottom, length_ms)


def _cut(axes: Axes, middle: float, bottom: float, length_ms: int) -> None:
    for shift in (-0.003, 0.003):
        ends = [middle + shift - 0.003, middle + shift + 0.003]
        axes.plot(ends, [bottom - 0.07, bottom + 0.07], color=_SOFT, linewidth=1, clip_on=False)
    axes.text(
        middle,
        bottom / 2,
        _lasting(length_ms),
        rotation=90,
        ha="center",
        va="center",
        fontsize=7.5,
        color=_SOFT,
    )


def _lasting(length_ms: int) -> str:
    hours, minutes = divmod(round(length_ms / 60_000), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _covered(timeline: Timeline) -> str:
    shown = sum(stretch.end_ms - stretch.start_ms for stretch in timeline.stretches)
    if len(timeline.stretches) == 1:
        return f"{_lasting(shown)}, local time; white: nothing known"
    whole = timeline.stretches[-1].end_ms - timeline.stretches[0].start_ms
    return (
        f"{_lasting(shown)} shown of {_lasting(whole)}, local time; // marks a gap cut out, with its length"
    )


def _legend(figure: Figure, colours: dict[str, str]) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415 - see new_figure

    patches = [Patch(facecolor=colour, label=label.replace("_", " ")) for label, colour in colours.items()]
    if UNKNOWN in colours:
        patches[-1].set(hatch="////", edgecolor=_SOFT, linewidth=0.5)
    figure.legend(
        handles=patches, loc="outside lower center", ncols=min(len(patches), 8), frameon=False, fontsize=9
    )
