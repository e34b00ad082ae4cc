"""Fits the model of `relay.behaviour.model` to labelled windows. Needs scikit-learn; the relay does not.

What can be chosen (`Settings`, and the smoothing) is chosen inside: each animal of the training data in turn
is judged by a fit to the others, and what gives the best macro F1 as one stream is taken. So an animal left
out by the caller has no say.
Inside, its own cow's frame does come from all training animals (`Prepared`, learned once): inner figures are
to choose by, and a little too good to quote.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np

from relay.behaviour import frame, smoother
from relay.behaviour.model import Layers, Model, motion_features, own_features
from relay.behaviour.smoother import Smoothing
from relay.evaluation.metrics import score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from relay.behaviour.described import Floats
    from relay.training.examples import Examples

_DECIMALS = 4  # of every stored number: far below what changes a class, far above what machines differ in
_HIDDEN_SEED = 20_240_513


class TooLittleError(ValueError):
    """Too few animals or classes to learn from."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What inner folds choose between.

    `hidden`: rectified mixtures beside the features. `c`: inverse strength of the ridge. `doubt`: a training
    window whose label the fit to the other animals gives less probability than this is left out as
    mislabelled. `rarity`: a class n times rarer weighs n ** rarity times more; `crowd`: an animal's class
    with n times the windows weighs n ** crowd times less a window.
    """

    hidden: int = 128
    c: float = 0.3
    doubt: float = 0.1
    rarity: float = 0.3
    crowd: float = 0.5


CHOICES = tuple(
    Settings(doubt=doubt, rarity=rarity, crowd=crowd)
    for doubt, (rarity, crowd) in product((0.0, 0.1), ((0.0, 0.0), (0.3, 0.5)))
)
_PLAIN = Settings(hidden=0, c=1.0, doubt=0.0, rarity=0.0, crowd=0.0)
_SMOOTHINGS = tuple(product((0.5, 0.7, 0.8, 0.9, 0.95), (0.5, 0.75, 1.0), (0.0, 0.3, 0.6)))


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything of a training set that does not depend on Settings, features in each cow's own frame."""

    examples: Examples
    motion: Layers
    herd: frame.Herd
    features: Floats
    usable: NDArray[np.bool_]  # windows that a fit may see: judged, and of one label throughout
    belief: Floats  # (n,) probability of the label by a plain fit to the other animals, 1 where not usable


def prepare(examples: Examples) -> Prepared:
    """Fit what knows nothing of posture, learn the herd, and turn every window into its cow's frame."""
    usable = (examples.truth >= 0) & examples.pure
    worn = usable & (examples.copy == 0)
    flat = motion_features(examples.described)
    classes = len(examples.classes.labels)
    motion = fit_layers(flat[worn], examples.truth[worn], examples.animal[worn], _PLAIN, classes)
    herd = _herd_of(examples, worn)
    features = np.concatenate([_own(part, motion, herd) for part in _collars(examples)])
    return Prepared(examples, motion, herd, features, usable, _belief(examples, features, usable))


def _own(hers: Examples, motion: Layers, herd: frame.Herd) -> Floats:
    """Return the features of one collar's windows in the frame that all of them give."""
    flat = motion_features(hers.described)
    sums = frame.sums_of(motion.posterior(flat), hers.described)
    return own_features(hers.described, flat, sums, herd)


def _collars(examples: Examples) -> Iterator[Examples]:
    """Yield the windows of each animal and copy, which must stand together."""
    change = (examples.animal[1:] != examples.animal[:-1]) | (examples.copy[1:] != examples.copy[:-1])
    edges = [0, *(np.flatnonzero(change) + 1).tolist(), len(examples)]
    for first, end in pairwise(edges):
        rows = np.zeros(len(examples), dtype=np.bool_)
        rows[first:end] = True
        yield examples.only(rows)


def _herd_of(examples: Examples, rows: NDArray[np.bool_]) -> frame.Herd:
    each = []
    for name in np.unique(examples.animal[rows]):
        hers = examples.only(rows & (examples.animal == name))
        each.append(frame.sums_of(np.eye(len(examples.classes.labels))[hers.truth], hers.described))
    herd = frame.learn_herd(each, examples.classes.anchors)
    return frame.Herd(_rounded(herd.templates), _rounded(herd.levels), herd.anchors)


def _rounded(values: Floats) -> Floats:
    out: Floats = np.round(values, _DECIMALS) + 0.0
    return out


def fit_layers(
    features: Floats, truth: NDArray[np.int64], animal: NDArray[np.str_], settings: Settings, classes: int
) -> Layers:
    """Return fitted layers for `classes` classes, of which `truth` (n,) may lack some.

    Raises TooLittleError with fewer than two of them.
    """
    from sklearn.linear_model import (  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415 - only to train
        LogisticRegression,
    )

    if len(np.unique(truth)) < 2:
        names = np.unique(animal).tolist()
        raise TooLittleError(f"animals={names!r}: want windows of two classes or more to learn from")
    mean, scale = _rounded(features.mean(axis=0)), _rounded(np.maximum(features.std(axis=0), 1e-2))
    count = features.shape[1]
    random = np.random.default_rng(_HIDDEN_SEED)
    hidden = np.round(random.normal(size=(count, settings.hidden)) / np.sqrt(count), 2)
    offset = np.round(random.normal(size=settings.hidden), 2)
    blank = Layers(mean, scale, hidden, offset, np.empty(0), np.empty(0))
    weights = _weights(truth, animal, settings)
    fitted = LogisticRegression(C=settings.c, max_iter=3000, tol=1e-5).fit(
        blank.inputs(features), truth, sample_weight=weights
    )
    coefficients, bias = _spread(fitted.coef_, fitted.intercept_, fitted.classes_, classes)
    return Layers(mean, scale, hidden, offset, _rounded(coefficients.T), _rounded(bias))


def _spread(
    coefficients: Floats, bias: Floats, present: NDArray[np.int64], classes: int
) -> tuple[Floats, Floats]:
    """Return rows for all classes: one that was never seen is never told."""
    if len(present) == 2 and len(bias) == 1:  # scikit-learn gives one row for two classes
        coefficients, bias = (
            np.concatenate((-coefficients, coefficients)) / 2,
            np.concatenate((-bias, bias)) / 2,
        )
    every, offsets = np.zeros((classes, coefficients.shape[1])), np.full(classes, -50.0)
    every[present], offsets[present] = coefficients, bias
    return every, offsets


def _weights(truth: NDArray[np.int64], animal: NDArray[np.str_], settings: Settings) -> Floats:
    """Return (n,) weights of mean 1."""
    counts = np.bincount(truth).astype(np.float64)
    weights = (counts.max() / np.maximum(counts, 1.0))[truth] ** settings.rarity
    _, cell, size = np.unique(
        np.char.add(animal, truth.astype(np.str_)), return_inverse=True, return_counts=True
    )
    weights = weights / size[cell].astype(np.float64) ** settings.crowd
    out: Floats = weights * len(weights) / weights.sum()
    return out


def fit_posture(prepared: Prepared, rows: NDArray[np.bool_], settings: Settings) -> Layers:
    """Fit the second model to some windows, without those whose label the other animals deny."""
    examples = prepared.examples
    keep = rows & prepared.usable & (prepared.belief >= settings.doubt)
    return fit_layers(
        prepared.features[keep],
        examples.truth[keep],
        examples.animal[keep],
        settings,
        len(examples.classes.labels),
    )


def _belief(examples: Examples, features: Floats, usable: NDArray[np.bool_]) -> Floats:
    belief = np.ones(len(examples))
    classes = len(examples.classes.labels)
    for name in np.unique(examples.animal[usable]):
        hers = usable & (examples.animal == name)
        others = usable & ~hers
        truth = examples.truth[others]
        if len(np.unique(truth)) > 1:
            plain = fit_layers(features[others], truth, examples.animal[others], _PLAIN, classes)
            belief[hers] = plain.posterior(features[hers])[np.arange(hers.sum()), examples.truth[hers]]
    return belief


def out_of_fold(prepared: Prepared, settings: Settings) -> Floats:
    """Return (n, k) probabilities of the windows as worn, each by a fit that saw none of its animal."""
    examples = prepared.examples
    out = np.full((len(examples), len(examples.classes.labels)), np.nan)
    for name in np.unique(examples.animal):
        hers = (examples.animal == name) & (examples.copy == 0)
        others = examples.animal != name
        out[hers] = fit_posture(prepared, others, settings).posterior(prepared.features[hers])
    return out


def macro_f1(examples: Examples, posterior: Floats) -> float:
    """Return macro F1 over the judged windows that `posterior` (n, k) has; NaN rows are left out."""
    rows = (examples.truth >= 0) & ~np.isnan(posterior[:, 0])
    told = posterior[rows].argmax(axis=1)
    return score(examples.truth[rows], told, examples.animal[rows], examples.classes.labels).macro_f1


def smoothed(examples: Examples, posterior: Floats, smoothing: Smoothing) -> Floats:
    """Return (n, k): every animal's windows as one stream; rows of NaN stay so."""
    out = np.full_like(posterior, np.nan)
    for name in np.unique(examples.animal):
        rows = np.flatnonzero((examples.animal == name) & ~np.isnan(posterior[:, 0]))
        if len(rows):
            out[rows] = smoother.batch(smoothing, examples.start_ms[rows], posterior[rows])
    return out


def choose_smoothing(examples: Examples, posterior: Floats) -> Smoothing:
    """Return the smoothing under which out-of-fold probabilities have the best macro F1."""
    counts = np.bincount(examples.truth[examples.truth >= 0], minlength=len(examples.classes.labels)) + 1.0
    shares = np.round(counts / counts.sum(), _DECIMALS)
    common = tuple(np.maximum(shares, 0.1**_DECIMALS).tolist())  # a class of share 0 could never be told
    return max(
        (Smoothing(common, *each) for each in _SMOOTHINGS),
        key=lambda each: macro_f1(examples, smoothed(examples, posterior, each)),
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep libraries of linear algebra from sharing a sum among threads: it would end in other digits."""
    from threadpoolctl import (  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415 - comes with scikit-learn, only to train
        threadpool_limits,
    )

    with threadpool_limits(1):
        yield


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, and what the inner folds chose."""

    model: Model
    settings: Settings
    inner_f1: dict[Settings, float]


@one_thread()
def fit(examples: Examples, choices: tuple[Settings, ...] = CHOICES) -> Fitted:
    """Return a model fitted to all of `examples`. Raises TooLittleError for fewer than three animals."""
    if len(examples.judged_animals) < 3:
        raise TooLittleError(f"animals={examples.judged_animals!r}: want three or more to choose and to fit")
    prepared = prepare(examples)
    judged = {each: out_of_fold(prepared, each) for each in choices}
    streams = {each: choose_smoothing(examples, posterior) for each, posterior in judged.items()}
    inner = {
        each: macro_f1(examples, smoothed(examples, posterior, streams[each]))
        for each, posterior in judged.items()
    }
    settings = max(inner, key=inner.__getitem__)
    smoothing = streams[settings]
    everything = np.ones(len(examples), dtype=np.bool_)
    posture = fit_posture(prepared, everything, settings)
    model = Model(examples.classes.labels, prepared.motion, prepared.herd, posture, smoothing)
    return Fitted(model, settings, inner)
