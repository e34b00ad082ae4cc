"""The judgement of activity scorers in words for a terminal: ASCII, at most 100 columns."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from relay.evaluation.activity import OURS
from relay.evaluation.injection import SIZES
from relay.evaluation.report import WIDTH
from relay.evaluation.rules import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.evaluation.activity import Figure
    from relay.evaluation.judged_activity import Judgement

_TITLE = "Activity: oestrus scorers on real series"
_HEADS = {
    "alerts_per_cow_21d": "alerts/cow 21 d",
    "share_18_24d": "return 18-24 d",
    "intervals": "intervals",
    "calving_auc": "calving AUC",
}
_GAINS = {
    "share_18_24d": "return 18-24 d, share of intervals",
    "calving_auc": "calving AUC",
    "found": "episodes found, all sizes",
}


def in_words(judgement: Judgement) -> str:
    """Return lines of at most WIDTH columns, without a newline at the end."""
    parts = [
        [_TITLE, "-" * len(_TITLE), *_listed(judgement.data)],
        _figures(judgement),
        _differences(judgement),
        _gains(judgement),
        _injected(judgement),
        _published(judgement),
        _not_measured(judgement),
        _thresholds(judgement),
        _listed(judgement.notes),
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts if part)


def _figures(judgement: Judgement) -> list[str]:
    rows = [["on its own rows", *_HEADS.values()]]
    rows += [
        [each.name, *(_cell(each.figures[key], 0 if key == "intervals" else 2) for key in _HEADS)]
        for each in judgement.blocks
    ]
    per_row = _cell(judgement.load_per_row, 2)
    under = f"vendor_35 with every row of 20-200 days in milk below, index or not: {per_row}"
    return [*_table(rows), "", *_wrapped(under)]


def _differences(judgement: Judgement) -> list[str]:
    rows = [["minus vendor_35, same rows", *(head for key, head in _HEADS.items() if key != "intervals")]]
    rows += [
        [each.name, *(_cell(each.difference[key], 2, signed=True) for key in _HEADS if key != "intervals")]
        for each in judgement.blocks[1:]
    ]
    return _table(rows)


def _gains(judgement: Judgement) -> list[str]:
    """Return what ours gains on the maker's threshold at its own load, where larger is better."""
    rows = [["gain of ours on vendor_35, paired by cow", "ours", "vendor_35", "gain, 95 %"]]
    own = judgement.block(OURS)
    for key, head in _GAINS.items():
        both = [_number(each[key].value, 2) for each in (own.figures, own.vendor)]
        rows.append([head, *both, _cell(own.difference[key], 3, signed=True)])
    return _table(rows)


def _injected(judgement: Judgement) -> list[str]:
    rows = [["episodes found, by size", *(f"{size:g}x" for size in SIZES), "episodes", "alerts/21 d"]]
    for each in judgement.blocks:
        load = each.figures["alerts_per_cow_21d"].value
        shares = [_number(told.value, 2) for told in each.found]
        rows.append([each.name, *shares, f"{each.episodes[0]:,}", _number(load, 2)])
    own = judgement.block(OURS)
    if own.episodes[0]:
        rows.append(["  ours, 95 % from", *(_number(told.low, 2) for told in own.found), "", ""])
        rows.append(["  ours, 95 % to", *(_number(told.high, 2) for told in own.found), "", ""])
    return _table(rows)


def _published(judgement: Judgement) -> list[str]:
    head = ["published, by day", "Se", "Sp", "1 - Sp", "days told here", "false/cow-year", "compare"]
    here = {each.name: _cell(each.figures["told_day_share"], 3) for each in judgement.blocks}
    here["collar_ar"] = here.get("bovheat_35", "-")
    rows = [head]
    for each in PUBLISHED:
        may = [
            name
            for name, yes in (("Se", each.compare_sensitivity), ("Sp", each.compare_specificity))
            if yes
        ]  # fmt: skip
        false = None if each.specificity is None else 1.0 - each.specificity
        figures = [_number(value, 3) for value in (each.sensitivity, each.specificity, false)]
        rest = [_number(each.false_per_cow_year, 1), " ".join(may) or "no"]
        rows.append([each.rule, *figures, here.get(each.rule, "-"), *rest])
    return _table(rows)


def _not_measured(judgement: Judgement) -> list[str]:
    """Return each reason once, with the scorers that it holds for."""
    reasons: dict[str, list[str]] = {}
    for each in judgement.blocks:
        for what, why in each.why_not.items():
            reasons.setdefault(f"not measured: {what}: {why}", []).append(each.name)
    for name, why in judgement.left_out.items():
        reasons.setdefault(f"left out: {why}", []).append(name)
    everyone = len(judgement.blocks)
    return _listed(
        reason if len(names) == everyone else f"{reason} ({', '.join(names)})"
        for reason, names in reasons.items()
    )


def _thresholds(judgement: Judgement) -> list[str]:
    return _wrapped(
        "ours, thresholds: "
        + "; ".join(
            f"herd {herd} {', '.join(f'{limit:g}' for limit in limits)}"
            for herd, limits in judgement.thresholds.items()
        )
    )


def _cell(figure: Figure, places: int, *, signed: bool = False) -> str:
    if figure.value is None:
        return "-"
    sign = "+" if signed else ""
    value = f"{figure.value:{sign}.{places}f}"
    if figure.low is None or figure.high is None:
        return value
    return f"{value} ({figure.low:{sign}.{places}f}..{figure.high:{sign}.{places}f})"


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        lines.append("  " + "  ".join((first.ljust(widths[0]), *cells)))
    return lines


def _listed(notes: Iterable[str]) -> list[str]:
    return [
        line
        for note in notes
        for line in wrap(_ascii(note), WIDTH, initial_indent="  * ", subsequent_indent="    ")
    ]


def _wrapped(text: str) -> list[str]:
    return wrap(_ascii(text), WIDTH, initial_indent="  ", subsequent_indent="  ")


def _ascii(text: str) -> str:
    """Return names of herds and cows with what is not ASCII escaped."""
    return text.encode("ascii", "backslashreplace").decode()
