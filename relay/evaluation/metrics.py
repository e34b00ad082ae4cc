"""How good a telling of behaviour is, over whole animals; the worst animal stands beside every mean.

Codes are places in `labels`; what is told may also be `len(labels)`: unknown, which is never right.
Classes that truth does not show have no recall and no F1: they are left out of balanced accuracy and macro
F1, for all windows, for one animal and for every bootstrap draw alike. What cannot be said (0 / 0: one class
only) is 0, for MCC and kappa too, so that no figure is ever NaN.

Formulas: Gorodkin, Comput. Biol. Chem. 28 (2004) 367-374 for R_K, the MCC of several classes; Cohen, Educ.
Psychol. Meas. 20 (1960) 37-46 for kappa; Efron and Tibshirani (1993), chapter 13, for percentile intervals.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]

UNKNOWN = "unknown"  # name of the confusion's extra column
HEADLINE = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "kappa")
# Fewer windows or a single class say little of an animal: such a one is listed, but not called the worst.
WORST_MIN_WINDOWS, WORST_MIN_CLASSES = 30, 2
DRAWS = 1000
_SEED = 20  # any; fixed, so that a figure and its interval are the same bytes twice


@dataclass(frozen=True, slots=True)
class AnimalScores:
    """One animal: its windows `n`, how many classes truth shows, macro F1 over those classes."""

    accuracy: float
    macro_f1: float
    n: int
    classes: int

    @property
    def may_be_worst(self) -> bool:
        """Say whether there is enough of it to be called the worst."""
        return self.n >= WORST_MIN_WINDOWS and self.classes >= WORST_MIN_CLASSES


@dataclass(frozen=True, slots=True)
class WorstAnimal:
    """Lowest accuracy among animals with >= 30 windows and >= 2 classes; ties: lower macro F1, then name."""

    name: str
    accuracy: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures over all windows; `confusion` rows are truth, columns told, an extra last column is unknown.

    `intervals_95`: headline figure -> (low, high), percentile bootstrap over whole animals. With 6 to 10
    animals such an interval is rough: it is as a rule too narrow, and cannot hold what no animal here did.
    Empty with fewer than two animals. `worst_animal` is None if no animal has >= 30 windows and >= 2 classes.
    """

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    mcc: float
    kappa: float
    confusion: list[list[int]]
    labels: tuple[str, ...]
    animals: dict[str, AnimalScores]
    worst_animal: WorstAnimal | None
    intervals_95: dict[str, tuple[float, float]]

    @property
    def told_labels(self) -> tuple[str, ...]:
        """Names of the confusion's columns."""
        return self.labels + (UNKNOWN,) * (len(self.confusion[0]) - len(self.labels))

    def as_json(self) -> dict[str, Any]:
        """Return what the evaluation's JSON holds, plain numbers, strings, lists and dicts."""
        kept = ("accuracy", "macro_f1", "n")
        return {
            **{name: getattr(self, name) for name in HEADLINE},
            "confusion": [list(row) for row in self.confusion],
            "labels": list(self.labels),
            "animals": {name: {key: getattr(one, key) for key in kept} for name, one in self.animals.items()},
            "worst_animal": asdict(self.worst_animal) if self.worst_animal else None,
            "intervals_95": {name: list(ends) for name, ends in self.intervals_95.items()},
        }


def score(truth: ArrayLike, told: ArrayLike, animals: ArrayLike, labels: Sequence[str]) -> Scores:
    """Return the figures of (n,) told codes against (n,) true codes of (n,) animals.

    Truth is 0..len(labels)-1, told 0..len(labels). Raises ValueError for other codes, other shapes, or n = 0.
    """
    true = _codes("truth", truth, len(labels) - 1)
    said = _codes("told", told, len(labels))
    names, animal_of = np.unique(np.asarray(animals).astype(str), return_inverse=True)
    if not len(true) == len(said) == len(animal_of):
        raise ValueError(
            f"truth, told and animals have {len(true)}, {len(said)} and {len(animal_of)} windows"
        )
    if not len(true):
        raise ValueError("there is no window to score")
    each = _confusions(true, said, animal_of, len(names), len(labels) + 1)
    whole = each.sum(axis=0)
    columns = len(labels) + bool(whole[:, -1].any())
    by_name = {str(name): _animal(one) for name, one in zip(names, each, strict=True)}
    return Scores(
        **{name: float(value) for name, value in figures(whole).items()},
        confusion=whole[:-1, :columns].tolist(),
        labels=tuple(labels),
        animals=by_name,
        worst_animal=_worst(by_name),
        intervals_95=_intervals(each),
    )


def figures(confusion: Ints) -> dict[str, Floats]:
    """Return the headline figures, each (...), of (..., k, k) square confusion matrices, rows truth."""
    counts = confusion.astype(np.float64)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    true, told = counts.sum(axis=-1), counts.sum(axis=-2)
    total, hits = true.sum(axis=-1), right.sum(axis=-1)
    shown = true > 0
    chance = (true * told).sum(axis=-1)
    covariance = hits * total - chance
    spreads = (total**2 - (true**2).sum(axis=-1)) * (total**2 - (told**2).sum(axis=-1))
    return {
        "accuracy": _ratio(hits, total),
        "balanced_accuracy": _mean_over(shown, _ratio(right, true)),
        "macro_f1": _mean_over(shown, _ratio(2 * right, true + told)),
        "mcc": _ratio(covariance, np.sqrt(spreads)),
        "kappa": _ratio(covariance, total**2 - chance),
    }


def _ratio(over: Floats, under: Floats) -> Floats:
    """Return over / under, 0 where that is 0 / 0."""
    out: Floats = np.divide(over, under, out=np.zeros_like(over), where=under > 0)
    return out


def _mean_over(shown: NDArray[np.bool_], values: Floats) -> Floats:
    return _ratio(np.where(shown, values, 0.0).sum(axis=-1), shown.sum(axis=-1).astype(np.float64))


def _codes(name: str, codes: ArrayLike, high: int) -> Ints:
    given = np.asarray(codes)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(f"{name} is {given.dtype} of shape {given.shape}, want whole numbers of shape (n,)")
    wrong = np.flatnonzero((given < 0) | (given > high))
    if wrong.size:
        raise ValueError(f"{name}[{wrong[0]}] = {given[wrong[0]]} outside 0..{high}")
    return given.astype(np.int64)


def _confusions(true: Ints, told: Ints, animal_of: NDArray[np.intp], animals: int, k: int) -> Ints:
    """Return (animals, k, k) counts."""
    cells = (animal_of * k + true) * k + told
    return np.bincount(cells, minlength=animals * k * k).reshape(animals, k, k)


def _animal(confusion: Ints) -> AnimalScores:
    values = figures(confusion)
    classes = np.count_nonzero(confusion.sum(axis=1))
    return AnimalScores(
        float(values["accuracy"]), float(values["macro_f1"]), int(confusion.sum()), int(classes)
    )


def _worst(animals: dict[str, AnimalScores]) -> WorstAnimal | None:
    able = [(one.accuracy, one.macro_f1, name) for name, one in animals.items() if one.may_be_worst]
    if not able:
        return None
    accuracy, _, name = min(able)
    return WorstAnimal(name, accuracy)


def _intervals(confusions: Ints) -> dict[str, tuple[float, float]]:
    """Return the 2.5th and 97.5th percentile of each figure over DRAWS draws of as many whole animals."""
    animals, k, _ = confusions.shape
    if animals < 2:
        return {}
    drawn = np.random.default_rng(_SEED).multinomial(animals, np.full(animals, 1 / animals), size=DRAWS)
    sums = (drawn @ confusions.reshape(animals, k * k)).reshape(DRAWS, k, k)
    ends = {name: np.percentile(values, (2.5, 97.5)) for name, values in figures(sums).items()}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}
