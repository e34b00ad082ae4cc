"""Fit the measured looks of herd.toml to windows of real cows: python -m simulator.neck.look_fit EXTRACT

EXTRACT is what `herdbell-sim extract` writes. Prints the tables; --write FILE puts them in place of those
between the two marks of FILE. The same input gives the same text. Only figures over many windows come out.

Long, because a fit is one story that is read from frames to tables, and nothing else uses its parts.
"""

from __future__ import annotations

import csv
import gzip
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.neck.look_model import FEATURES, LEVELS, LOOKS, SHARES
from simulator.neck.windows import decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

LABELS = ("grazing", "walking", "standing", "resting")
_COLUMNS = ("pack", "animal", "copy", "run", "label", "share", "record")
_ENOUGH = 12.0  # windows of a label that count half as much for a cow's frame as any number of them
_CHEWS = 0.40  # share in 2.0-3.2 Hz, median of 5 windows, from which a quiet cow is taken to chew
_FAR = 40  # windows of a run this far apart are taken to share the cow only
_FORM = {"norm_mg": ".4g"}
BEGIN, END = "# look_fit: begin", "# look_fit: end"
_TILT_SQUARE = 0.065  # mean squared sine of the tilts of collars, 15 degrees
_TURNED_TIMES = 2  # virtual windows: onto the collar, and back into her frame by whoever learns it
# A label, and the looks of it: at rest, chewing, with more movement than _LOUD_MG.
_SPLITS = (
    ("resting", "rest", "ruminate", "fidget"),
    ("standing", "stand", "stand_ruminate", "stir"),
    ("walking", "amble", "", "walk"),
)
_LOUD_MG = {"resting": 40.0, "standing": 60.0, "walking": 75.0}
_WITHIN = {
    "pitch": (-180, 180),
    "roll": (-89, 89),
    "norm": (0, 8000),
    "deviation": (0, 8000),
    "ratio": (0.01, 100),
    "crossings": (0, 63),
    "band": (0, 1),
}
# Kinds of features: those of a kind share their levels.
_KINDS = ((0, 1), (2,), (3, 4, 5), (6, 7, 8), (9, 10, 11), (12,), (13,))


@dataclass(frozen=True, slots=True)
class Real:
    """n windows of recordings, in order of animal and time."""

    records: NDArray[np.uint8]  # (n, 14)
    label: NDArray[np.str_]
    animal: NDArray[np.str_]
    run: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.bool_]) -> Real:
        return Real(self.records[rows], self.label[rows], self.animal[rows], self.run[rows])


def read_extract(path: Path) -> Real:
    """Return the windows of an extract that bear one label throughout, as the collars were worn.

    Raises ValueError naming what is missing; OSError, EOFError.
    """
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        found = csv.DictReader(file)
        if missing := [name for name in _COLUMNS if name not in (found.fieldnames or ())]:
            raise ValueError(f"{path} has no column {missing[0]}: want {', '.join(_COLUMNS)}")
        rows = [row for row in found if row["share"] == "100" and row["copy"] == "0"]
    if not rows:
        raise ValueError(f"{path} has no window with share=100 and copy=0")
    records = np.frombuffer(bytes.fromhex("".join(row["record"] for row in rows)), np.uint8)
    names = [f"{row['pack']}/{row['animal']}" for row in rows]
    return Real(
        records.reshape(-1, 14),
        np.array([row["label"] for row in rows]),
        np.array(names),
        np.array([int(row["run"]) for row in rows]),
    )


def _means(real: Real, animal: str) -> tuple[Doubles, Doubles]:
    """Return (4, 3) mean directions of gravity by label, and (4,) weights."""
    gravity = decoded(real.records).gravity_mg.astype(np.float64)
    unit = gravity / np.maximum(np.linalg.norm(gravity, axis=1, keepdims=True), 1.0)
    hers = real.animal == animal
    found = [unit[hers & (real.label == label)] for label in LABELS]
    count = np.array([len(each) for each in found], np.float64)
    means = np.array([each.mean(axis=0) if len(each) else np.zeros(3) for each in found])
    return means, count / (count + _ENOUGH)


def nearest_rotation(moment: Doubles) -> Doubles:
    """Return the rotation nearest to a (3, 3) matrix (Kabsch 1976, Acta Cryst. A32:922)."""
    left, _, right = np.linalg.svd(moment)
    out: Doubles = left @ np.diag((1.0, 1.0, np.sign(np.linalg.det(left @ right)))) @ right
    return out


def frames(real: Real) -> dict[str, Doubles]:
    """Return for each animal the rotation from her collar's axes to the common frame.

    Directions of gravity by label are laid onto those of the herd (Gower 1975, Psychometrika 40:33). The
    herd's axes are those of the average collar; one that hangs the other way round is turned about z first.
    """
    each = {animal: _means(real, animal) for animal in sorted(set(real.animal.tolist()))}
    each = {animal: found for animal, found in each.items() if found[1].any()}
    herd = next(iter(each.values()))[0]
    turns: dict[str, Doubles] = {}
    for _ in range(30):
        turns = {
            animal: nearest_rotation(herd.T @ (means * weight[:, None]))
            for animal, (means, weight) in each.items()
        }
        total = sum(
            (weight[:, None] * (means @ turns[animal].T) for animal, (means, weight) in each.items()),
            np.zeros((4, 3)),
        )
        herd = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    return _in_average_axes(turns)


def _in_average_axes(turns: dict[str, Doubles]) -> dict[str, Doubles]:
    other = np.diag((-1.0, -1.0, 1.0))
    back = np.eye(3)
    for _ in range(20):
        straight = [
            turn if np.trace(back @ turn) >= np.trace(back @ turn @ other) else turn @ other
            for turn in turns.values()
        ]
        back = nearest_rotation(sum(straight, np.zeros((3, 3)))).T
    return {animal: back @ turn for animal, turn in turns.items()}


def features(real: Real, turns: dict[str, Doubles]) -> Doubles:
    """Return (n, 14) look_model.FEATURES of windows in their cows' frames, each cow's scale set to 1 g.

    The deviation along a turned axis is taken as if the axes moved independently. That makes the axes more
    alike each time that something is turned. Virtual windows are turned more often: undone here beforehand.
    """
    cells = decoded(real.records)
    turn = np.array([turns[animal] for animal in real.animal.tolist()])
    gravity = np.einsum("nij,nj->ni", turn, cells.gravity_mg)
    norm = np.linalg.norm(gravity, axis=1)
    for animal in turns:
        hers = real.animal == animal
        norm[hers] *= 1000.0 / np.median(norm[hers])
    square = turn**2
    power = np.einsum("nij,nj->ni", square, cells.deviation_mg.astype(np.float64) ** 2 + 1e-3)
    steps = np.einsum("nij,nj->ni", square, cells.difference_mg.astype(np.float64) ** 2)
    deviation, difference = np.sqrt(_sharpened(power)), np.sqrt(_sharpened(steps))
    weighted = np.einsum("nij,nj->ni", square, cells.crossings * (cells.deviation_mg**2 + 1e-3))
    pitch = np.degrees(np.arctan2(gravity[:, 1], -gravity[:, 2]))
    roll = np.degrees(np.arcsin(np.clip(gravity[:, 0] / np.linalg.norm(gravity, axis=1), -1, 1)))
    columns = (
        pitch,
        roll,
        norm,
        deviation,
        (1 + difference) / (1 + deviation),
        weighted / power,
        cells.bands,
    )
    return np.column_stack(columns)


def _sharpened(power: Doubles) -> Doubles:
    """Return powers by axis as they are before collars that sit tilted mix them; none negative."""
    lost = _TILT_SQUARE / 2
    mixed = np.array(((1 - lost, 0.0, lost), (0.0, 1 - lost, lost), (lost, lost, 1 - 2 * lost)))
    out: Doubles = np.maximum(
        power @ np.linalg.matrix_power(np.linalg.inv(mixed), _TURNED_TIMES).T, power / 4
    )
    return out


def chews(real: Real) -> NDArray[np.bool_]:
    """Return whether the chewing band stands out in a window and its neighbours of the same run."""
    share = real.records[:, 13] / 255.0
    out = np.zeros(len(share), np.bool_)
    for at in range(len(share)):
        near = slice(max(at - 2, 0), at + 3)
        same = (real.run[near] == real.run[at]) & (real.animal[near] == real.animal[at])
        same &= real.label[near] == real.label[at]
        out[at] = np.median(share[near][same]) >= _CHEWS
    return out


@dataclass(frozen=True, slots=True)
class Fitted:
    """One look: quantiles (14, shares), levels (4, 14) as standard deviations, correlation (14, 14)."""

    quantiles: Doubles
    levels: Doubles
    correlation: Doubles
    windows: int
    cows: int


def scores(values: Doubles) -> Doubles:
    """Return the standard normal deviate of each value's rank in its column; ties share theirs."""
    out = np.empty_like(values)
    for at, column in enumerate(values.T):
        ordered = np.sort(column)
        ranks = (np.searchsorted(ordered, column, "left") + np.searchsorted(ordered, column, "right")) / 2
        out[:, at] = _deviate(ranks / len(column), len(column))
    return out


def _deviate(share: Doubles, count: int) -> Doubles:
    """Return the standard normal quantile (Abramowitz and Stegun 1964, 26.2.23; error below .0005)."""
    share = np.clip(share, 0.5 / count, 1 - 0.5 / count)
    root = np.sqrt(-2.0 * np.log(np.minimum(share, 1.0 - share)))
    above = 2.515517 + root * (0.802853 + root * 0.010328)
    below = 1.0 + root * (1.432788 + root * (0.189269 + root * 0.001308))
    return np.sign(share - 0.5) * (root - above / below)


def fit(values: Doubles, animal: NDArray[np.str_], run: NDArray[np.int64]) -> Fitted:
    """Return a look fitted to its windows' (n, 14) features, in order of animal and time."""
    quantiles = _quantiles(values, animal)
    deviates = scores(values)
    deviates /= np.sqrt(np.maximum((deviates**2).mean(axis=0), 1e-9))
    correlation = deviates.T @ deviates / len(deviates)
    levels = _levels(deviates, values, animal, run)[:, :, 0]
    return Fitted(quantiles, levels, correlation, len(values), len(set(animal.tolist())))


def _quantiles(values: Doubles, animal: NDArray[np.str_]) -> Doubles:
    """Return (14, shares) quantiles, in which a cow counts by the root of the number of her windows."""
    _, who, count = np.unique(animal, return_inverse=True, return_counts=True)
    weight = (1.0 / np.sqrt(count))[who]
    out = np.empty((values.shape[1], len(SHARES)))
    for at, column in enumerate(values.T):
        order = np.argsort(column, kind="stable")
        reached = np.cumsum(weight[order]) - weight[order] / 2
        out[at] = np.interp(SHARES, reached / weight.sum(), column[order])
    return out


def _levels(deviates: Doubles, values: Doubles, animal: NDArray[np.str_], run: NDArray[np.int64]) -> Doubles:
    """Return (4, 14) standard deviations between cows, between bouts, of the slow drift and of the cell.

    From the mean products of pairs: of a cow, far apart; of a run, some two minutes apart; neighbours. But
    another cow differs more from these cows than they from their own mean: see `_strangers`.
    """
    _, who = np.unique(animal, return_inverse=True)
    rows = np.arange(len(who))
    same_cow = who[:, None] == who[None, :]
    gap = rows[None, :] - rows[:, None]
    same_run = same_cow & (run[:, None] == run[None, :])
    far = same_cow & (gap > 0) & (~same_run | (gap > _FAR))
    middling, near = same_run & (gap > 12) & (gap <= _FAR), same_run & (gap > 0) & (gap <= 3)
    cow, bout, slow = (_of_kinds(_products(deviates, pairs)) for pairs in (far, middling, near))
    shares = np.clip(
        (cow, bout - cow, slow - np.maximum(bout, cow)), 0.0, np.array((0.6, 0.4, 0.6))[:, None, None]
    )
    shares *= np.minimum(1.0, 0.9 / np.maximum(shares.sum(axis=0), 1e-9))
    rest = 1.0 - shares.sum(axis=0)
    stranger = np.maximum(_of_kinds(_strangers(values, who)), shares[0])
    out: Doubles = np.sqrt(np.array((stranger, shares[1], shares[2], rest)))
    return out


def _of_kinds(columns: Doubles) -> Doubles:
    """Return (14, 1) means over the features of a kind."""
    out = np.empty((len(columns), 1))
    for kind in _KINDS:
        out[list(kind)] = columns[list(kind)].mean()
    return out


def _strangers(values: Doubles, who: NDArray[np.int64]) -> Doubles:
    """Return (14,) mean squares of cows' mean deviates, each by the ranks among the others' windows."""
    found = []
    for cow in range(who.max() + 1):
        hers, others = values[who == cow], np.sort(values[who != cow], axis=0)
        if len(hers) < _ENOUGH or len(others) < _ENOUGH:
            continue
        ranks = [
            np.searchsorted(known, new, "left") + np.searchsorted(known, new, "right")
            for known, new in zip(others.T, hers.T, strict=True)
        ]
        deviates = _deviate(np.array(ranks) / 2 / len(others), len(others))
        found.append(deviates.mean(axis=1) ** 2 - deviates.var(axis=1) / len(hers))
    return np.mean(found, axis=0) if found else np.zeros(values.shape[1])


def _products(deviates: Doubles, pairs: NDArray[np.bool_]) -> Doubles:
    total = np.einsum("if,if->f", deviates, pairs @ deviates)
    out: Doubles = total / max(int(pairs.sum()), 1)
    return out


def fit_all(real: Real) -> dict[str, Fitted]:
    """Return the looks fitted to recordings: each label cut in two where it holds two things.

    Resting and standing part by the chewing line, and what does not chew by how much the head moves; walking
    by whether it is louder than a standing cow. Raises ValueError naming a look that no window has.
    """
    real = real[np.isin(real.label, LABELS)]
    if not len(real.label):
        raise ValueError(f"no window bears one of the labels {', '.join(LABELS)}")
    values = features(real, frames(real))
    chewing = chews(real)
    loud = np.linalg.norm(values[:, 3:6], axis=1)
    rows = {"graze": real.label == "grazing"}
    for label, quiet, chew, moving in _SPLITS:
        own = real.label == label
        still = own & ~chewing if chew else own
        rows[quiet] = still & (loud < _LOUD_MG[label])
        rows[moving] = still & (loud >= _LOUD_MG[label])
        if chew:
            rows[chew] = own & chewing
    for look, own in rows.items():
        if not own.any():
            raise ValueError(f"no window of the look {look}: want recordings of {', '.join(LABELS)}")
    fitted = {look: fit(values[own], real.animal[own], real.run[own]) for look, own in rows.items()}
    fitted["amble"].levels[0] = fitted["walk"].levels[0]  # most of it is of one cow
    return {look: fitted[look] for look in LOOKS if look in fitted}


def values_of(fitted: dict[str, Fitted]) -> dict[str, dict[str, Any]]:
    """Return the same tables as they are read from herd.toml, not rounded."""
    return {
        look: {
            **{name: tuple(row.tolist()) for name, row in zip(FEATURES, found.quantiles, strict=True)},
            "correlation": tuple(
                tuple(found.correlation[at, :at].tolist()) for at in range(1, len(FEATURES))
            ),
            "levels": {name: tuple(row.tolist()) for name, row in zip(LEVELS, found.levels, strict=True)},
        }
        for look, found in fitted.items()
    }


def text_of(fitted: dict[str, Fitted], pack: str) -> str:
    """Return the tables of herd.toml of fitted looks."""
    parts = []
    for look, found in fitted.items():
        said = f'source = "measured", from = "{pack}, {found.windows} windows of {found.cows} cows"'
        lines = [f"[look.{look}]"]
        for name, row in zip(FEATURES, found.quantiles, strict=True):
            values = _list(row, _FORM.get(name, ".3g"))
            lines.append(f"{name} = {{ value = {values}, within = {_bounds(name)}, {said} }}")
        rows = [f"    {_list(found.correlation[at, :at], '.2f')}," for at in range(1, len(FEATURES))]
        lines += ["correlation = { value = [", *rows, f"], within = [-1, 1], {said} }}"]
        levels = (
            f"{name} = {{ value = {_list(row, '.2f')}, within = [0, 5], {said} }}"
            for name, row in zip(LEVELS, found.levels, strict=True)
        )
        parts.append("\n".join((*lines, f"[look.{look}.levels]", *levels)))
    return "\n\n".join(parts) + "\n"


def _bounds(name: str) -> str:
    kind = name.partition("_")[0]
    low, high = _WITHIN[kind]
    return f"[{low}, {high}]"


def _list(row: Doubles, form: str = ".3g") -> str:
    return "[" + ", ".join(f"{float(f'{value:{form}}') + 0.0:g}" for value in row.tolist()) + "]"


def _replaced(text: str, tables: str, path: Path) -> str:
    head, begin, rest = text.partition(BEGIN)
    first, _, rest = rest.partition("\n")
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path}: want the lines {BEGIN!r} and {END!r}")
    return f"{head}{begin}{first}\n\n{tables}\n{end}{tail}"


def main(arguments: Sequence[str]) -> int:
    """Print the tables, or with --write FILE put them there. Return the exit code."""
    if len(arguments) not in (1, 3) or (len(arguments) == 3 and arguments[1] != "--write"):
        sys.stderr.write("usage: python -m simulator.neck.look_fit EXTRACT.csv.gz [--write HERD.toml]\n")
        return 2
    try:
        _fit(Path(arguments[0]), Path(arguments[2]) if len(arguments) == 3 else None)
    except (OSError, EOFError, zlib.error, csv.Error, ValueError) as error:
        sys.stderr.write(f"look_fit: {error}\n")
        return 2
    return 0


def _fit(extract: Path, target: Path | None) -> None:
    real = read_extract(extract)
    packs = sorted({name.partition("/")[0] for name in real.animal.tolist()})
    tables = text_of(fit_all(real), " and ".join(packs))
    if target is None:
        sys.stdout.write(tables)
    else:
        target.write_text(_replaced(target.read_text(encoding="utf-8"), tables, target), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
