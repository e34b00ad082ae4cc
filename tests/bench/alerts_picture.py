"""The picture of bench-alerts: our heats against the published rules, false alarms, delays, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relay.evaluation.pictures import new_figure
from relay.scoring import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

_INK, _SOFT, _OURS, _THEIRS, _USELESS = "#222222", "#6b6b6b", "#0072B2", "#E69F00", "#D55E00"
_LABELS_PT = (-12, -24, 8, -14, 22, 8)  # above its mark, by rank: neighbours do not cover each other
_LEAST_RATE = 0.02
_TWIN = "collar_ar"  # the scorer of bovheat_35: only what was published of it differs


def draw(figures: Mapping[str, Any], path: Path) -> None:
    """Write the PNG. Raises DrawingError where there is nothing to draw with."""
    figure = new_figure(13.0, 9.0)
    (heats, false), (delays, messages) = figure.subplots(2, 2)
    _heats(heats, figures)
    _false(false, figures["kinds"])
    _delays(delays, figures["delays_h"]["heat"])
    _messages(messages, figures["messages"])
    for axes in (heats, false, delays, messages):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelcolor=_INK, color=_SOFT, labelsize=9)
    size = f"{figures['cows']} cows x {figures['days']} days"
    who = f"{len(figures['seeds'])} simulated farms of {size} ({figures['herd']})"
    figure.suptitle(f"Alerts: {who}", x=0.01, ha="left", fontsize=13, fontweight="bold", color=_INK)
    figure.savefig(path, format="png", metadata={"Software": None})


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10.5, color=_INK)


def _heats(axes: Axes, figures: Mapping[str, Any]) -> None:
    _title(axes, "Heats that could be seen: found, against false alarms")
    curve = sorted(figures["sweep"], key=lambda each: each["offset"])
    x = [max(each["false_per_cow_year"], _LEAST_RATE) for each in curve]
    y = [each["sensitivity"] for each in curve]
    axes.plot(x, y, "-o", color=_OURS, markersize=3.5, label="ours, at other thresholds")
    ours = figures["kinds"]["heat"]
    axes.plot(
        max(ours["false_per_cow_year"], _LEAST_RATE),
        ours["sensitivity"],
        "o",
        color=_OURS,
        markersize=9,
        label="ours",
    )
    apart = {name: rule for name, rule in figures["rules"].items() if name != _TWIN}
    for turn, (name, rule) in enumerate(
        sorted(apart.items(), key=lambda each: each[1]["false_per_cow_year"])
    ):
        at = max(rule["false_per_cow_year"], _LEAST_RATE), rule["sensitivity"] or 0.0
        axes.plot(*at, "s", color=_THEIRS, markersize=6)
        above_pt = _LABELS_PT[turn % len(_LABELS_PT)]
        axes.annotate(name, at, (-4, above_pt), textcoords="offset points", fontsize=7.5, color=_SOFT)
    axes.plot([], [], "s", color=_THEIRS, label="published rules")
    axes.set_xscale("log")
    axes.set_xlabel("false alarms a cow-year", color=_SOFT)
    axes.set_ylabel("sensitivity", color=_SOFT)
    axes.set_ylim(0, 1.05)
    axes.set_xlim(_LEAST_RATE * 0.8, 100)
    axes.legend(frameon=False, fontsize=8.5, loc="lower right")


def _false(axes: Axes, by_kind: Mapping[str, Any]) -> None:
    _title(axes, "False alarms a cow-year, by kind, with 95 % intervals")
    known = kinds.all_kinds()
    names = [name for name in by_kind if name in known and not known[name].is_experimental][::-1]
    values = [by_kind[name]["false_per_cow_year"] for name in names]
    spans = [
        by_kind[name]["intervals_95"]["false_per_cow_year"] or (v, v)
        for name, v in zip(names, values, strict=True)
    ]
    below = [max(0.0, v - low) for v, (low, _) in zip(values, spans, strict=True)]
    above = [max(0.0, high - v) for v, (_, high) in zip(values, spans, strict=True)]
    colours = [_USELESS if known[name].tier == "urgent" else _OURS for name in names]
    axes.barh(names, values, xerr=[below, above], color=colours, error_kw={"ecolor": _SOFT, "elinewidth": 1})
    axes.set_xlabel("urgent ones in red", color=_SOFT)


def _delays(axes: Axes, delays_h: list[float]) -> None:
    _title(axes, "Heats: hours from the onset to a message that can be read")
    if not delays_h:
        return
    counts, *_ = axes.hist(delays_h, bins=np.arange(-4, 13, 0.5).tolist(), color=_OURS)
    axes.set_ylim(0, 1.2 * max(counts))
    for share, name, side in ((50, "half", "right"), (90, "nine in ten", "left")):
        at = float(np.percentile(delays_h, share))
        axes.axvline(at, color=_INK, linewidth=1)
        where = {"xycoords": ("data", "axes fraction"), "ha": side, "fontsize": 8.5, "color": _INK}
        axes.annotate(f" {name}: {at:.1f} h ", (at, 0.93), **where)


def _messages(axes: Axes, messages: Mapping[str, Any]) -> None:
    _title(axes, "Messages a day for 100 cows")
    places = np.arange(len(messages))
    bottom = np.zeros(len(messages))
    parts = (
        ("true", "true", _OURS), ("useless", "useless", _THEIRS), ("urgent, true", "urgent_true", "#009E73"),
        ("urgent, useless", "urgent_useless", _USELESS),
    )  # fmt: skip
    for label, key, colour in parts:
        values = np.array([each[key] for each in messages.values()])
        axes.bar(places, values, 0.6, bottom=bottom, color=colour, label=label)
        bottom += values
    axes.set_xticks(
        places,
        [
            {"all": "all days", "breeding": "breeding season", "quiet": "quiet season"}[name]
            for name in messages
        ],
    )
    axes.set_ylim(0, 1.25 * max(bottom.max(), 0.1))
    axes.legend(frameon=False, fontsize=8.5, ncols=4, loc="upper left")
