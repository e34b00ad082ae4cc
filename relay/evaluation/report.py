"""Scores in words for a terminal: figures and intervals, the confusion, every animal, the worst by name.

Only ASCII beside the names themselves, and at most WIDTH columns: it is read in terminals, logs and mails.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from relay.evaluation.events import total
from relay.evaluation.metrics import HEADLINE, WORST_MIN_CLASSES, WORST_MIN_WINDOWS, Scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.evaluation.events import EventScores

WIDTH = 100
_MARGIN, _GAP = "  ", "  "
_NAMES = {"balanced_accuracy": "balanced", "macro_f1": "macro F1", "mcc": "MCC"}
_NAME_MAX = 20
_HEADING_MAX = 10  # longer names stand on several lines above their column
_CELL_MIN = 7
_ROUGH_BELOW = 30  # animals


def scores_in_words(title: str, scores: Scores, notes: Iterable[str] = ()) -> str:
    """Return lines of at most WIDTH columns, without a newline at the end."""
    windows = sum(one.n for one in scores.animals.values())
    counted = (
        _many(windows, "window"),
        _many(len(scores.animals), "animal"),
        f"{len(scores.labels)} classes",
    )
    parts = (_headline(scores), _confusion(scores), _animals(scores), _listed(notes))
    return _joined(_titled(title, ", ".join(counted)), *parts)


def events_in_words(title: str, animals: Mapping[str, EventScores], notes: Iterable[str] = ()) -> str:
    """Return lines like those of `scores_in_words`: events found, false windows per labelled hour."""
    whole = total(animals.values())
    counted = f"{_many(whole.events, 'event')}, {whole.labelled_hours:.1f} hours labelled otherwise"
    head = ["animal", "events", "found", "share", "hours", "false windows", "per hour"]
    rows = [_event_row(name, one) for name, one in sorted(animals.items())]
    return _joined(_titled(title, counted), _table([head, *rows, _event_row("all", whole)]), _listed(notes))


def _event_row(name: str, one: EventScores) -> list[str]:
    found = [f"{one.events:,}", f"{one.found:,}", f"{one.found_share:.3f}" if one.events else "-"]
    per_hour = f"{one.false_per_hour:.1f}" if one.labelled_hours else "-"
    return [_short(name), *found, f"{one.labelled_hours:.1f}", f"{one.false_windows:,}", per_hour]


def _headline(scores: Scores) -> list[str]:
    intervals = [scores.intervals_95.get(name) for name in HEADLINE]
    rows = [
        ["", *(_NAMES.get(name, name) for name in HEADLINE)],
        ["all windows", *(f"{getattr(scores, name):.3f}" for name in HEADLINE)],
        ["95 % interval", *(f"{ends[0]:.3f}-{ends[1]:.3f}" if ends else "-" for ends in intervals)],
    ]
    return [*_table(rows), *_wrapped(_how_sure(len(scores.animals)))]


def _how_sure(animals: int) -> str:
    if animals < 2:
        return "One animal: no interval over animals can be given."
    rough = f"; rough, because they are only {animals}" if animals < _ROUGH_BELOW else ""
    return f"Intervals are over animals, whole animals drawn again{rough}."


def _confusion(scores: Scores) -> list[str]:
    """Return truth by rows, told by columns."""
    truth = [sum(row) for row in scores.confusion]
    told = [sum(column) for column in zip(*scores.confusion, strict=True)]
    right = [row[i] for i, row in enumerate(scores.confusion)]
    columns = [["truth \\ told", *map(_short, scores.labels), "told", "precision"]]
    for i, label in enumerate(scores.told_labels):
        precision = _share(right[i], told[i]) if i < len(right) else ""
        columns.append([label, *(f"{row[i]:,}" for row in scores.confusion), f"{told[i]:,}", precision])
    columns.append(["windows", *(f"{n:,}" for n in truth), f"{sum(truth):,}", ""])
    columns.append(["recall", *(_share(n, of) for n, of in zip(right, truth, strict=True)), "", ""])
    return _in_blocks(columns)


def _in_blocks(columns: list[list[str]]) -> list[str]:
    """Return a table, continued below where the width ends; every part begins with the first column."""
    headings = [wrap(column[0].replace("_", " "), _HEADING_MAX) or [""] for column in columns[1:]]
    height = max(map(len, headings))
    laid = [[""] * (height - 1) + columns[0]]
    for heading, column in zip(headings, columns[1:], strict=True):
        cells = [""] * (height - len(heading)) + heading + column[1:]
        laid.append([cell.rjust(_CELL_MIN) for cell in cells])
    blocks = [[laid[0]]]
    for column in laid[1:]:
        if _width([*blocks[-1], column]) > WIDTH:
            blocks.append([laid[0]])
        blocks[-1].append(column)
    tables = [_table(list(zip(*block, strict=True))) for block in blocks]
    return _joined(*([line for line in table if line.strip()] for table in tables)).split("\n")


def _animals(scores: Scores) -> list[str]:
    """Return a row for each animal, the lowest accuracy first."""
    sorted_up = sorted(scores.animals.items(), key=lambda item: (item[1].accuracy, item[1].macro_f1, item[0]))
    rows = [["animal", "windows", "classes", "accuracy", "macro F1"]]
    for name, one in sorted_up:
        counts = [f"{one.n:,}", str(one.classes)]
        rows.append([_short(name), *counts, f"{one.accuracy:.3f}", f"{one.macro_f1:.3f}"])
    head, *lines = _table(rows)
    marks = [_mark(scores, name) for name, _ in sorted_up]
    return [head, *map(str.__add__, lines, marks), *_wrapped(_worst(scores))]


def _mark(scores: Scores, name: str) -> str:
    if scores.worst_animal and scores.worst_animal.name == name:
        return f"{_GAP}<- worst"
    return "" if scores.animals[name].may_be_worst else f"{_GAP}too little to judge"


def _worst(scores: Scores) -> str:
    rule = f"at least {WORST_MIN_WINDOWS} windows and {WORST_MIN_CLASSES} classes"
    if scores.worst_animal is None:
        return f"Worst animal: none has {rule}."
    worst = scores.worst_animal
    return f"Worst animal: {_short(worst.name)}, accuracy {worst.accuracy:.3f} (of those with {rule})."


def _titled(title: str, counted: str) -> list[str]:
    lines = wrap(title, WIDTH) or [""]
    return [*lines, "-" * max(map(len, lines)), *_wrapped(counted)]


def _listed(notes: Iterable[str]) -> list[str]:
    return [
        line for note in notes for line in wrap(note, WIDTH, initial_indent="  * ", subsequent_indent="    ")
    ]


def _wrapped(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=_MARGIN, subsequent_indent=_MARGIN)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        lines.append(_MARGIN + _GAP.join((first.ljust(widths[0]), *cells)))
    return lines


def _width(columns: list[list[str]]) -> int:
    return len(_MARGIN) + sum(max(map(len, column)) + len(_GAP) for column in columns) - len(_GAP)


def _joined(*parts: list[str]) -> str:
    """Return the parts that are not empty, a blank line between them."""
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts if part)


def _share(count: int, of: int) -> str:
    return f"{count / of:.3f}" if of else "-"


def _short(name: str) -> str:
    return name if len(name) <= _NAME_MAX else name[: _NAME_MAX - 2] + ".."


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
