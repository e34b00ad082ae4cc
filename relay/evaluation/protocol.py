"""Who may learn from whom before a cow is judged: whole animals out, another pack, or a model as shipped.

Everywhere the frame of a judged animal's collar is learned from its own whole recording, without a label:
a collar that has been worn for a while. Nothing else of it is seen before. What a fit may choose is chosen
by inner folds over the animals that it learns from (relay.training.fit).

Three readings of the same windows. `windows`: each alone. `stream`, the headline: smoothed as one stream for
an animal, in order of time, with its real gaps, blind to where a labelled segment ends. `segments`: smoothing
begins anew at each labelled segment, which a collar cannot know.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.behaviour import frame, smoother
from relay.evaluation.metrics import score
from relay.evaluation.packs import NO_SEGMENT
from relay.training import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from relay.behaviour.described import Floats
    from relay.behaviour.model import Model
    from relay.behaviour.smoother import Smoothing
    from relay.evaluation.metrics import Scores
    from relay.training.examples import Examples
    from relay.training.fit import Fitted, Settings

    Said = Callable[[str], None]

WORN_FOR_A_WHILE = (
    "How a collar sits and how lively its cow is was learned from her own whole recording, without a label: "
    "a collar that has been worn for a while."
)


class NotApartError(ValueError):
    """What is to be judged was seen in training, or there is too little to keep it apart."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Labelled windows of one pack.

    `unknown` (n,): no cow can have made it; told as such, never right. `has_clock`: start_ms is time of day.
    """

    pack: str
    examples: Examples
    unknown: NDArray[np.bool_]
    has_clock: bool = True

    def of(self, animal: str) -> NDArray[np.intp]:
        """Return the rows of an animal as worn that a model is asked about."""
        examples = self.examples
        return np.flatnonzero((examples.animal == animal) & (examples.copy == 0) & ~self.unknown)


@dataclass(frozen=True, slots=True)
class Told:
    """Probabilities (n, k) of the module's three readings, NaN where nothing was told.

    k is the number of classes, or one more: the last column is then everything that is none of them.
    `segments` is None if the pack has none.
    """

    windows: Floats
    stream: Floats
    segments: Floats | None

    def put(self, rows: NDArray[np.intp], part: Told) -> None:
        """Fill in an animal's rows."""
        self.windows[rows], self.stream[rows] = part.windows, part.stream
        if self.segments is not None and part.segments is not None:
            self.segments[rows] = part.segments


class Chosen(NamedTuple):
    """What inner folds chose while `left_out` was not there; `inner_f1`: macro F1 of every choice."""

    left_out: str
    settings: Settings
    smoothing: Smoothing
    inner_f1: dict[Settings, float]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain objects."""
        tried = [{**_fields(each), "macro_f1": f1} for each, f1 in self.inner_f1.items()]
        return {
            "left_out": self.left_out,
            "settings": _fields(self.settings),
            "smoothing": self.smoothing.to_json(),
            "inner_macro_f1": self.inner_f1[self.settings],
            "inner": tried,
        }


class Outcome(NamedTuple):
    """What was told of each test, by its name, and what was chosen on the way."""

    told: dict[str, Told]
    chosen: list[Chosen]


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__slots__}


def leave_one_animal_out(
    train: Windows,
    tests: Mapping[str, Windows],
    choices: tuple[Settings, ...] = fit.CHOICES,
    jobs: int = 1,
    said: Said = lambda _: None,
) -> Outcome:
    """Judge each animal by a fit to the others; `tests`: the same animals, with collars that sit otherwise.

    A fold fits once and judges its animal in all tests. `jobs` processes, the same figures for any number;
    `said` is told of every fold. Raises NotApartError with fewer than four animals: three choose.
    """
    names = sorted({name for test in tests.values() for name in test.examples.judged_animals})
    if len(names) < 4:
        raise NotApartError(f"{train.pack}: labelled animals={names}, want four or more to leave one out")
    told = {name: _blank(test, len(test.examples.classes.labels)) for name, test in tests.items()}
    chosen = []
    for number, (animal, fold) in enumerate(_folds(_Work(train, tests, choices), names, jobs), 1):
        for name, part in fold.told.items():
            told[name].put(tests[name].of(animal), part)
        chosen.append(fold.chosen)
        said(f"{train.pack}: animal {animal} left out, {number} of {len(names)} ({fold.seconds:.0f} s)")
    return Outcome(told, chosen)


def on_another(
    train: Windows, test: Windows, choices: tuple[Settings, ...] = fit.CHOICES, said: Said = lambda _: None
) -> Outcome:
    """Fit to all of one pack and judge every animal of another of the same kind.

    Raises NotApartError if an animal, by name of pack and of animal, is in both.
    """
    check_apart(train, test)
    began_s = time.monotonic()
    with fit.one_thread():
        fitted = fit.fit(train.examples, choices)
    said(f"{train.pack}: fitted to all of it ({time.monotonic() - began_s:.0f} s)")
    return Outcome({test.pack: judged(fitted.model, test)}, [_chosen("", fitted)])


def check_apart(train: Windows, test: Windows) -> None:
    """Raise NotApartError if an animal, by name of pack and of animal, is in both."""
    both = {*train.examples.animal.tolist()} & {*test.examples.animal.tolist()}
    if train.pack == test.pack and both:
        raise NotApartError(
            f"{test.pack}: animals {', '.join(sorted(both))} are in training and test: nothing here is unseen"
        )


def judged(model: Model, test: Windows) -> Told:
    """Return what a model tells of every animal of a pack; its classes may be more than the pack's."""
    labels = test.examples.classes.labels
    told = _blank(test, len(labels) + bool({*model.labels} - {*labels}))
    for name in test.examples.judged_animals:
        rows = test.of(name)
        told.put(rows, _as_classes(_judge(model, test, rows), model.labels, labels))
    return told


def scores_of(test: Windows, posterior: Floats) -> Scores:
    """Return the figures of (n, k) probabilities; NaN, or the column behind the classes, is unknown."""
    examples = test.examples
    told = told_codes(posterior, len(examples.classes.labels))
    rows = (examples.truth >= 0) & (examples.copy == 0)
    return score(examples.truth[rows], told[rows], examples.animal[rows], examples.classes.labels)


def told_codes(posterior: Floats, classes: int) -> NDArray[np.int64]:
    """Return (n,) the likeliest class, `classes` where there is none."""
    silent = np.isnan(posterior[:, 0])
    return np.where(silent, classes, np.where(silent[:, None], 0.0, posterior).argmax(axis=1))


class _Work(NamedTuple):
    """What every fold needs."""

    train: Windows
    tests: Mapping[str, Windows]
    choices: tuple[Settings, ...]


class _Fold(NamedTuple):
    told: dict[str, Told]
    chosen: Chosen
    seconds: float


def _folds(work: _Work, names: Sequence[str], jobs: int) -> Iterator[tuple[str, _Fold]]:
    """Yield each animal's fold, in this order."""
    if jobs == 1:
        for name in names:
            yield name, _fold(work, name)
        return
    spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    with ProcessPoolExecutor(min(jobs, len(names)), spawn, _receive, (work,)) as pool:
        yield from zip(names, pool.map(_received_fold, names), strict=True)


_received: list[_Work] = []


def _receive(work: _Work) -> None:
    """Keep in a process of its own what all its folds need."""
    _received[:] = [work]


def _received_fold(animal: str) -> _Fold:
    return _fold(_received[0], animal)


def _fold(work: _Work, animal: str) -> _Fold:
    began_s = time.monotonic()
    others = work.train.examples.only(work.train.examples.animal != animal)
    with fit.one_thread():
        fitted = fit.fit(others, work.choices)
        told = {name: _judge(fitted.model, test, test.of(animal)) for name, test in work.tests.items()}
    return _Fold(told, _chosen(animal, fitted), time.monotonic() - began_s)


def _chosen(left_out: str, fitted: Fitted) -> Chosen:
    return Chosen(left_out, fitted.settings, fitted.model.smoothing, fitted.inner_f1)


def _blank(test: Windows, columns: int) -> Told:
    nothing = np.full((len(test.examples), columns), np.nan)
    has_segments = bool((test.examples.stretch != NO_SEGMENT).any())
    return Told(nothing, nothing.copy(), nothing.copy() if has_segments else None)


def _judge(model: Model, test: Windows, rows: NDArray[np.intp]) -> Told:
    """Return what a model tells of some rows, all of one animal."""
    is_hers = np.zeros(len(test.examples), dtype=np.bool_)
    is_hers[rows] = True
    hers = test.examples.only(is_hers)
    windows = model.posterior(hers.described, frame.sums_of(model.at_sight(hers.described), hers.described))
    stream = fit.smoothed(hers, windows, model.smoothing)
    return Told(windows, stream, inside_segments(hers, windows, model.smoothing))


def inside_segments(examples: Examples, posterior: Floats, smoothing: Smoothing) -> Floats:
    """Return (n, k) of one animal: every labelled segment as a stream of its own.

    A window across a border of segments is told by itself.
    """
    out = posterior.copy()
    edges = np.flatnonzero(np.diff(examples.stretch)) + 1
    for first, end in pairwise((0, *edges.tolist(), len(examples))):
        if end > first and examples.stretch[first] != NO_SEGMENT:
            part = slice(first, end)
            out[part] = smoother.batch(smoothing, examples.start_ms[part], posterior[part])
    return out


def _as_classes(told: Told, labels: Sequence[str], wanted: Sequence[str]) -> Told:
    """Return the columns of the classes that are wanted, and behind them the likeliest of all others."""
    if tuple(labels) == tuple(wanted):
        return told
    places = [labels.index(name) for name in wanted if name in labels]
    others = [i for i, name in enumerate(labels) if name not in wanted]

    def laid(posterior: Floats) -> Floats:
        out = np.zeros((len(posterior), len(wanted) + bool(others)))
        out[:, [i for i, name in enumerate(wanted) if name in labels]] = posterior[:, places]
        if others:
            out[:, -1] = posterior[:, others].max(axis=1)
        return out

    segments = None if told.segments is None else laid(told.segments)
    return replace(told, windows=laid(told.windows), stream=laid(told.stream), segments=segments)
