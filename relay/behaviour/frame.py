"""A cow's own frame: how her collar sits and how lively she is, learned without a label.

A rough classifier that knows nothing of posture says what each window probably was. The mean direction of
gravity in each class, turned so that it lies best on the same classes of the cows that the model learned
from, gives the rotation from the collar's axes to hers (Wahba 1965, SIAM Review 7:409; solved by singular
values: Kabsch 1976, Acta Cryst. A32:922). So a collar that sits turned by any angle gives the same numbers as
one that does not, as soon as it has seen her graze and rest.

A rest posture alone leaves the turn about it open; then gravity in her frame says how far she is from rest,
and nothing of the direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.behaviour.described import Described, Floats

COLUMNS = 6  # of the sums: unit gravity x, y, z; windows; log deviation; log difference
_COUNT, _LIVELY = 3, 4
_SUMMED = [0, 1, 2, 4, 5]
ENOUGH = 12.0  # windows of a class that count half as much as any number of them
SHRINK = 20.0  # windows that a level of other cows counts for
_AT_ONCE = 256  # rows of a product of matrices
_STEPS = 1 << 16  # what is summed is rounded to so many parts of 1


@dataclass(frozen=True, slots=True)
class Herd:
    """What the frame of a new cow is fitted to: the cows that a model learned from.

    `templates` (k, 3): mean direction of gravity by class, in their frames. `levels` (k, 2): mean log2
    deviation and difference by class. `anchors`: the classes whose levels are a cow's own scale.
    """

    templates: Floats
    levels: Floats
    anchors: tuple[int, ...]


def directions(gravity_mg: Floats) -> Floats:
    """Return (n, 3) unit vectors; of no acceleration at all, zeros."""
    x, y, z = gravity_mg.T
    out: Floats = gravity_mg / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-9)[:, None]
    return out


def loudness(spread_mg: Floats) -> Floats:
    """Return (n,) log2 of 1 mg plus the length of (n, 3) spreads."""
    x, y, z = spread_mg.T
    out: Floats = 0.5 * np.log2(1.0 + (x * x + y * y + z * z))
    return out


def times(rows: Floats, matrix: Floats) -> Floats:
    """Return rows @ matrix, each row the same to the last bit whatever rows stand beside it."""
    # numpy has other routines, that add up in another order, for a single row and for thousands.
    if len(rows) == 1:
        return times(np.repeat(rows, 2, axis=0), matrix)[:1]
    if len(rows) > _AT_ONCE:
        parts = (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE))
        return np.concatenate([times(part, matrix) for part in parts])
    out: Floats = rows @ matrix
    return out


def sums_of(posterior: Floats, described: Described) -> Floats:
    """Return (k, COLUMNS) sums over windows, each counted in every class as far as it belongs there.

    The sums of parts add up to those of the whole to the last bit, for up to 100,000 windows: factors are
    rounded to whole parts of 1, so that no sum is.
    """
    return sums_by(posterior, described, (0, len(described)))[0]


def sums_by(posterior: Floats, described: Described, edges: Sequence[int]) -> list[Floats]:
    """Return `sums_of` each stretch of windows, from one edge up to the next."""
    columns = np.empty((COLUMNS, len(described)))
    columns[:3] = directions(described.gravity_mg).T
    columns[_COUNT] = 1.0
    columns[_LIVELY] = loudness(described.deviation_mg)
    columns[_LIVELY + 1] = 0.0 if described.difference_mg is None else loudness(described.difference_mg)
    shares, parts = np.rint(posterior.T * _STEPS), np.rint(columns * _STEPS).T
    stretches = (slice(*each) for each in pairwise(edges))
    return [shares[:, each] @ parts[each] / _STEPS**2 for each in stretches]


def means_of(sums: Floats) -> tuple[Floats, Floats]:
    """Return (k, 5) means by class and (k,) the windows of each."""
    count = sums[:, _COUNT]
    means = sums[:, _SUMMED] / np.maximum(count, 1e-9)[:, None]
    return means, count


def rotation(sums: Floats, templates: Floats) -> Floats:
    """Return the (..., 3, 3) rotation that turns the collar's readings into the cow's frame."""
    # The mean of each class times the class's weight, which is count / (count + ENOUGH).
    moment = templates.T @ (sums[..., :3] / (sums[..., _COUNT, None] + ENOUGH))
    left, _, right = np.linalg.svd(moment)
    out: Floats = left @ right
    mirror = np.linalg.det(out) < 0.0
    if mirror.any():  # the nearest rotation turns the least certain axis back
        left[..., 2] *= np.where(mirror, -1.0, 1.0)[..., None]
        out = left @ right
    return out


def levels(sums: Floats, herd: Herd) -> Floats:
    """Return (..., anchors, 2): how lively she is at these; drawn to the herd's while little is known."""
    anchors = list(herd.anchors)
    hers = sums[..., anchors, :]
    out: Floats = (hers[..., _LIVELY:] + SHRINK * herd.levels[anchors]) / (hers[..., _COUNT, None] + SHRINK)
    return out


def learn_herd(each: list[Floats], anchors: tuple[int, ...], rounds: int = 10) -> Herd:
    """Return what a new cow is fitted to, from the sums of labelled cows.

    The frames of the cows are turned onto their common mean until nothing moves (generalised Procrustes:
    Gower 1975, Psychometrika 40:33), starting from the collar of the first, so that it does not matter how
    each collar sat. What comes out lies in the axes of the average collar.
    """
    split = [means_of(sums) for sums in each]
    few = [np.where(count > ENOUGH / 4, 1.0, 0.0)[:, None] for _, count in split]
    templates = directions(split[0][0][:, :3] * few[0])
    for _ in range(rounds):
        turned = [m[:, :3] @ rotation(sums, templates).T for (m, _), sums in zip(split, each, strict=True)]
        templates = directions(sum((m * w for m, w in zip(turned, few, strict=True)), np.zeros(3)))
    templates = templates @ rotation(np.sum(each, axis=0), templates)
    seen = np.maximum(sum(few, np.zeros(1)), 1e-9)
    loud = sum((m[:, 3:] * w for (m, _), w in zip(split, few, strict=True)), np.zeros(2)) / seen
    return Herd(templates, loud, anchors)
