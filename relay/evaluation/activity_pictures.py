"""Pictures of activity scorers on real series: intervals between alerts, episodes found against size.

Needs matplotlib (the extra `train`), loaded only when something is drawn; the same figures give the same
bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relay.evaluation.activity import OURS, RETURN_DAYS, VENDOR
from relay.evaluation.injection import SIZES
from relay.evaluation.pictures import new_figure

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from relay.evaluation.judged_activity import Block, Judgement

_INK, _SOFT, _FAINT = "#222222", "#6b6b6b", "#ebebeb"
_COLOURS = {OURS: "#D55E00", VENDOR: "#0072B2"}
_OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#F0E442")
_LONGEST_DAYS = 45


def draw(judgement: Judgement, folder: Path) -> list[Path]:
    """Write the pictures there is something to draw for, return where. Raises DrawingError, OSError."""
    files = []
    if any(each.gaps_days for each in judgement.blocks[:2]):
        files.append(_intervals(judgement, folder / "activity-intervals.png"))
    if any(each.episodes[0] for each in judgement.blocks):
        files.append(_recovery(judgement, folder / "activity-injected.png"))
    return files


def _intervals(judgement: Judgement, path: Path) -> Path:
    """Draw how many days lie between successive alerts of a cow, the maker's and ours."""
    blocks = judgement.blocks[:2]
    figure = new_figure(9.0, 4.6)
    tops = []
    panels = figure.subplots(len(blocks), 1, sharex=True, sharey=True)
    for axes, each in zip(panels, blocks, strict=True):
        axes.axvspan(*RETURN_DAYS, color=_FAINT, zorder=0)
        counts, _, _ = axes.hist(
            np.minimum(each.gaps_days, _LONGEST_DAYS), bins=np.arange(0, _LONGEST_DAYS + 1.5),
            color=_COLOURS[each.name], edgecolor="white", linewidth=0.6,
        )  # fmt: skip
        tops.append(max(counts, default=0))
        share = each.figures["share_18_24d"].value
        said = (
            "none"
            if share is None
            else f"{len(each.gaps_days)}, {100 * share:.0f} % of them after 18-24 days"
        )
        axes.set_title(f"{each.name}: intervals {said}", loc="left", fontsize=9.5, color=_SOFT)
        _plain(axes)
    panels[-1].set_xlabel(f"days between successive alerts of a cow ({_LONGEST_DAYS}: or more)", color=_SOFT)
    panels[0].set_ylim(0, 1.1 * max(*tops, 1))
    return _saved(figure, "A heat returns after 18-24 days (grey)", path)


def _recovery(judgement: Judgement, path: Path) -> Path:
    """Draw the share of injected episodes that each scorer finds."""
    figure = new_figure(9.0, 5.0)
    axes = figure.add_subplot()
    others = iter(_OTHERS * 2)
    for each in judgement.blocks:
        if each.episodes[0]:
            _line(axes, each, _COLOURS.get(each.name) or next(others))
    axes.set_xscale("log")
    axes.set_xticks(SIZES, [f"{size:g}x" for size in SIZES])
    axes.set_xticks([], minor=True)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("activity in the episode", color=_SOFT)
    axes.set_ylabel("found within -4..+12 h of its onset", color=_SOFT)
    axes.legend(
        frameon=False, fontsize=8.5, title="alerts per cow and 21 d", title_fontsize=8.5, loc="upper left"
    )
    _plain(axes)
    return _saved(figure, "Episodes put into the real series, found", path)


def _line(axes: Axes, each: Block, colour: str) -> None:
    load = each.figures["alerts_per_cow_21d"].value
    label = f"{each.name}, {each.cows} cows: {'-' if load is None else f'{load:.2f}'}"
    shares = [np.nan if told.value is None else told.value for told in each.found]
    main = each.name in _COLOURS
    axes.plot(
        SIZES, shares, color=colour, label=label, linewidth=2.4 if main else 1.2, marker="o", markersize=4
    )
    if main and all(told.low is not None for told in each.found):
        lows, highs = ([float(getattr(told, end)) for told in each.found] for end in ("low", "high"))
        axes.fill_between(SIZES, lows, highs, color=colour, alpha=0.15, linewidth=0)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_SOFT)
    axes.tick_params(color=_SOFT, labelcolor=_INK)


def _saved(figure: Figure, title: str, path: Path) -> Path:
    figure.suptitle(title, x=0.012, ha="left", fontsize=13, fontweight="bold", color=_INK)
    figure.savefig(path, format="png", metadata={"Software": None})  # the version would change the bytes
    return path
