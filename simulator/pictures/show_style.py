"""How pictures of a herd look; the one place that loads matplotlib (the extra `train`), when one is drawn.

Colours are Okabe and Ito's (jfly.uni-koeln.de/color, 2008), which differ for colour-blind eyes too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.plan.states import TABLE

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 130
INK, SOFT, FAINT = "#222222", "#666666", "#e6e6e6"
COLOURS = {
    "lie": "#0072B2",
    "lie_ruminate": "#56B4E9",
    "stand": "#9a9a9a",
    "stand_ruminate": "#CC79A7",
    "eat": "#009E73",
    "walk": "#E69F00",
    "drink": "#F0E442",
    "milk": "#d9d2c5",
    "run": "#D55E00",
    "side": "#000000",
    "gone": "#ffffff",
}
WORDS = {
    "lie": "lies",
    "lie_ruminate": "lies, ruminates",
    "stand": "stands",
    "stand_ruminate": "stands, ruminates",
    "eat": "eats",
    "walk": "walks",
    "drink": "drinks",
    "milk": "milking",
    "run": "runs",
    "side": "flat on her side",
    "gone": "no cow",
}
assert list(COLOURS) == list(WORDS) == [state.name for state in TABLE]
EVENT, DISTURBANCE = "#D55E00", "#8a7a55"


class DrawingError(RuntimeError):
    """Pictures cannot be drawn here; says what to install."""


def figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure. Raises DrawingError."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra: who draws nothing has not got it
        from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415 - as above
    except ImportError as error:
        raise DrawingError(
            "pictures need matplotlib, and it is not installed: pip install herdbell[train]"
        ) from error
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.05, hspace=0.02)  # inches, but for the last
    return Figure(figsize=(width_in, height_in), dpi=DPI, layout=layout)


def save(made: Figure, path: Path) -> None:
    """Write a PNG; the same picture gives the same bytes. Raises OSError."""
    made.savefig(path, format="png", metadata={"Software": None})


def plain(axes: Axes, *, left: bool = True) -> None:
    """Take the frame off, but for what carries numbers."""
    for side in ("top", "right") if left else ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color("#bbbbbb")
    axes.tick_params(colors=SOFT, labelsize=8.5)


def titled(axes: Axes, text: str) -> None:
    """Write what an axes shows above it, at its left."""
    axes.set_title(text, loc="left", fontsize=9.5, color=INK)
