"""One block of an evaluation: who was judged how, in words, as JSON and as pictures."""

from __future__ import annotations

from collections import Counter
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from herdcore.vocabulary import WINDOW_MS
from relay.evaluation.metrics import HEADLINE, UNKNOWN
from relay.evaluation.pictures import Span, draw_confusion, draw_ethogram
from relay.evaluation.protocol import WORN_FOR_A_WHILE, scores_of, told_codes
from relay.evaluation.report import WIDTH, scores_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from relay.evaluation.metrics import Scores
    from relay.evaluation.protocol import Chosen, Told, Windows

STREAM = "one stream per animal, in order of time, with its gaps"
_FORMS = {"windows": "each window alone", "inside_segments": "smoothed inside labelled segments"}
_INSIDE = (
    "Inside labelled segments: smoothing begins anew where such a segment does, which no collar can know. "
    "It stands here for comparison with what others publish."
)
_DAY_MS = 86_400_000


class Block(NamedTuple):
    """`pack` and `class_set`: its keys in the JSON. `protocol`: who learned from whom, for the title."""

    pack: str
    class_set: str
    protocol: str
    test: Windows
    told: Told
    chosen: Sequence[Chosen] = ()
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return which pack, which classes, by which protocol."""
        labels = " / ".join(each.replace("_", " ") for each in self.test.examples.classes.labels)
        return f"{self.pack}: {labels}. {self.protocol}"

    @property
    def file_name(self) -> str:
        """Return what the pictures' names begin with."""
        return f"{self.pack.replace('->', '-to-')}-{self.class_set.replace('_', '-')}"

    def scores(self) -> Scores:
        """Return the headline: one stream."""
        return scores_of(self.test, self.told.stream)

    def forms(self) -> dict[str, Scores]:
        """Return the other readings."""
        readings = {"windows": self.told.windows, "inside_segments": self.told.segments}
        return {name: scores_of(self.test, each) for name, each in readings.items() if each is not None}

    def as_json(self) -> dict[str, Any]:
        """Return the headline's keys, the other readings, what was chosen and how it was done."""
        return {
            **self.scores().as_json(),
            "forms": {name: scores.as_json() for name, scores in self.forms().items()},
            "chosen": [each.as_json() for each in self.chosen],
            "protocol": f"{self.protocol}; {STREAM}",
            "notes": [WORN_FOR_A_WHILE, *self.notes],
        }

    def in_words(self) -> str:
        """Return lines of at most WIDTH columns, without a newline at the end."""
        scores, forms = self.scores(), self.forms()
        notes = [WORN_FOR_A_WHILE, *([_INSIDE] if "inside_segments" in forms else []), *self.notes]
        head = scores_in_words(f"{self.title}; {STREAM}", scores, notes)
        beside = _beside({"one stream": scores, **{_FORMS[name]: one for name, one in forms.items()}})
        return "\n\n".join(part for part in (head, beside, _choices(self.chosen)) if part)

    def draw(self, folder: Path) -> list[Path]:
        """Write the confusion and, where there is a clock, a day; return the files. Raises DrawingError."""
        confusion = folder / f"{self.file_name}-confusion.png"
        draw_confusion(self.scores(), confusion, self.title)
        if self.test.has_clock and (day := _fullest_day(self.test)):
            path = folder / f"{self.file_name}-day.png"
            self._draw_day(*day, path)
            return [confusion, path]
        return [confusion]

    def _draw_day(self, animal: str, day: int, path: Path) -> None:
        examples = self.test.examples
        labels = (*examples.classes.labels, UNKNOWN)
        is_day = (examples.animal == animal) & (examples.start_ms // _DAY_MS == day) & (examples.copy == 0)
        rows = np.flatnonzero(is_day)
        sure = self.told.stream[rows].max(axis=1)
        told = told_codes(self.told.stream[rows], len(examples.classes.labels))
        lanes: dict[str, list[Span]] = {"truth": [], "told": []}
        for row, code, confidence in zip(rows.tolist(), told.tolist(), sure.tolist(), strict=True):
            start_ms, truth = int(examples.start_ms[row]), int(examples.truth[row])
            if truth >= 0:
                lanes["truth"].append(Span(start_ms, start_ms + WINDOW_MS, labels[truth]))
            known = 0.0 if np.isnan(confidence) else confidence
            lanes["told"].append(Span(start_ms, start_ms + WINDOW_MS, labels[code], known))
        date = np.datetime64(day, "D")
        draw_ethogram(lanes, path, f"{self.pack}, animal {animal}, {date}. {self.protocol}")


def _fullest_day(test: Windows) -> tuple[str, int] | None:
    """Return the animal and the day since 1970 with most windows that are judged."""
    examples = test.examples
    rows = np.flatnonzero((examples.truth >= 0) & (examples.copy == 0))
    days = (examples.start_ms[rows] // _DAY_MS).tolist()
    counts = Counter(zip(examples.animal[rows].tolist(), days, strict=True))
    return max(sorted(counts), key=counts.__getitem__) if counts else None


def _beside(readings: dict[str, Scores]) -> str:
    rows = [["the same windows read as", "accuracy", "balanced", "macro F1", "MCC", "kappa", "worst animal"]]
    for name, scores in readings.items():
        worst = scores.worst_animal
        cells = [f"{getattr(scores, figure):.3f}" for figure in HEADLINE]
        rows.append([name, *cells, f"{worst.name} {worst.accuracy:.3f}" if worst else "-"])
    return _table(rows)


def _choices(chosen: Sequence[Chosen]) -> str:
    """Return what each fold chose, and how far apart its choices were."""
    if not chosen:
        return ""
    head = ["left out", "doubt", "rarity", "crowd", "c", "inner F1", "others", "stay", "trust", "fairness"]
    rows = [head]
    for one in chosen:
        settings, smoothing = one.settings, one.smoothing
        low, high = min(one.inner_f1.values()), max(one.inner_f1.values())
        picked = [f"{each:g}" for each in (settings.doubt, settings.rarity, settings.crowd, settings.c)]
        smooth = [f"{each:g}" for each in (smoothing.stay, smoothing.trust, smoothing.fairness)]
        rows.append([one.left_out or "nobody", *picked, f"{high:.3f}", f"from {low:.3f}", *smooth])
    words = (
        "Chosen by inner folds, leaving each remaining animal out in turn, while the animal that is judged "
        "was not there: settings and smoothing by the macro F1 of the stream."
    )
    return "\n".join([*wrap(words, WIDTH, initial_indent="  ", subsequent_indent="  "), _table(rows)])


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))) for row in rows)
    return "\n".join(f"  {line}".rstrip() for line in lines)
