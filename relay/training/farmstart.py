"""Whole farm out, first half: how a collar sits and what its windows probably are, without a label.

All that is known of a cow is mean and spread by axis, so that collars of different makes can be compared.
Classes are grazing, still, and walking or other, in this order. From the labels of the training farm come
where gravity points in each class, how far the head hangs and how lively she is (`Farm`). For a new cow two
parts of her liveliness give her still windows, these the upright, and what is active and far from upright
gives the direction in which her head goes down; from there expectation and maximisation take turns: classes
from the angles of the head, the rotation of her collar from the classes.

The form of this recipe was designed with both packs in view: a third farm would be a clean test. "Design"
beside a constant means: chosen by hand, after figures of both packs, those of one farm told by the other
among them. No such constant is fitted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relay.behaviour import frame

if TYPE_CHECKING:
    from relay.behaviour.described import Described, Floats
    from relay.training.examples import Examples

GRAZING, STILL, OTHER = range(3)
DRAWN = 60.0  # design: windows that the training farm's level of liveliness counts for, 5 minutes' worth
TRUST = np.array([[1.0], [0.4], [0.1]])  # design: of each class in the rotation; "other" points anywhere
_FIRST_DEG = (55.0, 0.0, 16.5)  # design: where the templates' search begins; labels move them
_TEMPLATE_ROUNDS = 6  # design: until nothing moves
_FEWEST = 5  # design: windows of a class, for a median and a width to be taken of them
_HALF_WIDTH = 68  # percentile of |x - median|: one standard deviation of a normal distribution
_LEVEL_ROUNDS = 30  # design: until nothing moves
_STILL_WIDTH = (0.7, 1.0)  # design: log2 units; bounds of what the training farm's labels give
_ACTIVE_WIDTH = 0.4  # design: log2 units; the least
_SHARE_DRAWN = 10.0  # design: windows of each part, before its share is believed
_ROUNDS = 25  # design: until nothing moves
_STRETCH_DEG = (0.0, 40.0)  # design: by how much the first guess of the head's angle is raised at most
_LEAST_WIDTH_DEG = (
    6.0,
    15.0,
)  # design: of grazing, of still: another farm's cows spread wider than one's own
_OTHER_WIDTH_DEG = 15.0  # design: the width of "other" is not believed; a third class differs by farm
_OTHER_SHARE = 0.25  # design: of active windows; grazing has the rest
_LAID_SHARE, _LAID_DEG = 0.2, 60.0  # design: still windows with the head laid anywhere within so many degrees
_FLOOR = 1e-6  # keeps logarithms finite
_UNSURE = (0.02, 0.98)  # design: liveliness is never surer than this
_HALF = 0.5  # design: liveliness counts half, because its log odds lean on two guessed widths
_PERP_POWER = 3  # design: windows with the head far down say most of the direction in which it goes


@dataclass(frozen=True, slots=True)
class Farm:
    """What a farm's labels say. `templates` (3, 3): mean unit gravity by class in a cow's frame, z upright, x
    forward and down. `angles_deg`, `levels` (3, 2): median and half width of the head's angle and of
    log2 liveliness, by class, means over animals."""

    templates: Floats
    angles_deg: Floats
    levels: Floats


@dataclass(frozen=True, slots=True)
class Start:
    """One collar's n windows. `classes` (n, 3): soft classes, `logs` (n, 3): their log densities.

    `turn` (3, 3): rotation into the cow's frame. `loud` (n,): log2 liveliness, `still`: its level when still.
    """

    classes: Floats
    logs: Floats
    turn: Floats
    loud: Floats
    still: float


def head(described: Described, turn: Floats) -> tuple[Floats, Floats]:
    """Return (n,) the angle of the head in degrees, 0 upright, and (n, 3) unit gravity in the cow's frame."""
    own = frame.directions(described.gravity_mg) @ turn.T
    return np.degrees(np.arctan2(own[:, 0], own[:, 2])), own


def learn(examples: Examples) -> Farm:
    """Return what the labels say. Raises ValueError if no animal shows grazing and still."""
    cows = [cow for cow in _cows(examples) if _shows_both(cow)]
    if not cows:
        raise ValueError(
            f"animals={examples.judged_animals!r}: none has over {_FEWEST} grazing and still windows"
        )
    templates = _on_arc(np.radians(_FIRST_DEG))
    angles, levels = [], []
    for _ in range(_TEMPLATE_ROUNDS):
        each = [_one(cow, templates) for cow in cows]
        angles, levels = ([one[i] for one in each] for i in (1, 2))
        templates = _upright(sum((one[0] for one in each), np.zeros((3, 3))), templates)
    return Farm(templates, _mean_of(angles), _mean_of(levels))


def _on_arc(angles: Floats) -> Floats:
    return np.column_stack((np.sin(angles), np.zeros_like(angles), np.cos(angles)))


def _cows(examples: Examples) -> list[Examples]:
    return [
        examples.only((examples.animal == name) & (examples.truth >= 0)) for name in examples.judged_animals
    ]


def _shows_both(cow: Examples) -> bool:
    return bool(np.bincount(cow.truth, minlength=3)[[GRAZING, STILL]].min() > _FEWEST)


def _one(cow: Examples, templates: Floats) -> tuple[Floats, Floats, Floats]:
    """Return (3, 3) mean directions, (3, 2) angles and levels; 0 and NaN of a class she hardly shows."""
    sums = frame.sums_of(np.eye(3)[cow.truth], cow.described)
    angle, own = head(cow.described, frame.rotation(sums, templates))
    loud = frame.loudness(cow.described.deviation_mg)
    means, angles, levels = np.zeros((3, 3)), np.full((3, 2), np.nan), np.full((3, 2), np.nan)
    for code in range(3):
        rows = cow.truth == code
        if rows.sum() > _FEWEST:
            means[code] = frame.directions(own[rows].mean(axis=0, keepdims=True))[0]
            angles[code], levels[code] = _middle(angle[rows]), _middle(loud[rows])
    return means, angles, levels


def _middle(values: Floats) -> tuple[float, float]:
    median = float(np.median(values))
    return median, float(np.percentile(np.abs(values - median), _HALF_WIDTH))


def _upright(means: Floats, before: Floats) -> Floats:
    """Return templates in the plane of the nod, still at 0 degrees; as before where unseen."""
    flat = np.where(np.any(means, axis=1, keepdims=True), means, before) * [1.0, 0.0, 1.0]
    angles = np.arctan2(flat[:, 0], flat[:, 2])
    return _on_arc(angles - angles[STILL])


def _mean_of(each: list[Floats]) -> Floats:
    """Return means over the animals that show a class; of one that none shows, the middle of the others."""
    stacked = np.array(each)
    seen = ~np.isnan(stacked)
    mean = np.where(seen, stacked, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    unseen = ~seen.any(axis=0)
    out: Floats = np.where(unseen, mean[[GRAZING, STILL]].mean(axis=0), mean)
    return out


def liveliness(loud: Floats, farm: Farm) -> tuple[Floats, float]:
    """Return (n,) how probably each window is active and the level of the still: two normal parts."""
    centre = farm.levels[[STILL, GRAZING], 0]
    low, high = _STILL_WIDTH
    width = np.array([np.clip(farm.levels[STILL, 1], low, high), max(_ACTIVE_WIDTH, farm.levels[GRAZING, 1])])
    means, widths, shares = centre, width, np.full(2, 0.5)
    parts = np.empty((len(loud), 2))
    for _ in range(_LEVEL_ROUNDS):
        parts = _normalised(np.log(_normal(loud[:, None], means, widths) + 1e-300) + np.log(shares))
        count = parts.sum(axis=0)
        means = (parts.T @ loud + DRAWN * centre) / (count + DRAWN)
        power = (parts * np.square(loud[:, None] - means)).sum(axis=0)
        widths = np.sqrt((power + DRAWN * np.square(width)) / (count + DRAWN))
        shares = (count + _SHARE_DRAWN) / (count.sum() + 2 * _SHARE_DRAWN)
    active: Floats = np.where(loud < means[0], 0.0, np.where(loud > means[1], 1.0, parts[:, 1]))
    return active, float(means[0])


def _normal(values: Floats, mean: Floats | float, width: Floats | float) -> Floats:
    """Return normal densities, but for the constant."""
    out: Floats = np.exp(-0.5 * np.square((values - mean) / width)) / width
    return out


def _normalised(logs: Floats) -> Floats:
    power = np.exp(logs - logs.max(axis=1, keepdims=True))
    out: Floats = power / power.sum(axis=1, keepdims=True)
    return out


def begin(described: Described, farm: Farm) -> Start:
    """Return what can be said of one collar's windows without a label of hers."""
    loud = frame.loudness(described.deviation_mg)
    active, still = liveliness(loud, farm)
    angle = _first_angles(described, active, farm.angles_deg[GRAZING, 0])
    templates = farm.templates * TRUST
    logs = _log_densities(angle, active, farm)
    for _ in range(_ROUNDS - 1):
        turn = frame.rotation(frame.sums_of(_normalised(logs), described), templates)
        angle, _ = head(described, turn)
        logs = _log_densities(angle, active, farm)
    classes = _normalised(logs)
    turn = frame.rotation(frame.sums_of(classes, described), templates)
    return Start(classes, logs, turn, loud, still)


def _first_angles(described: Described, active: Floats, grazing_deg: float) -> Floats:
    """Return (n,) degrees from the mean direction of the still towards where the active go."""
    unit = frame.directions(described.gravity_mg)
    up = _unit((1.0 + _FLOOR - active) @ unit)
    across = unit - (unit @ up)[:, None] * up
    weight = active * np.linalg.norm(across, axis=1) ** _PERP_POWER
    forward = _unit(weight @ across)
    angle = np.degrees(np.arctan2(unit @ forward, unit @ up))
    mean = (weight @ angle) / (weight.sum() + 1e-9)
    out: Floats = angle + np.clip(grazing_deg - mean, *_STRETCH_DEG)
    return out


def _unit(vector: Floats) -> Floats:
    out: Floats = frame.directions(vector[None])[0]
    return out


def _log_densities(angle: Floats, active: Floats, farm: Farm) -> Floats:
    """Return (n, 3): at the grass or lower, about upright, as when she walks or higher."""
    sure = np.clip(active, *_UNSURE)
    odds = _HALF * np.log(sure / (1.0 - sure))
    (grazing, still, other), (grazing_width, still_width, _) = farm.angles_deg.T
    grazing_width, still_width = np.maximum((grazing_width, still_width), _LEAST_WIDTH_DEG)
    down = (1.0 - _OTHER_SHARE) * _normal(np.minimum(angle, grazing), grazing, grazing_width)
    rest = (1.0 - _LAID_SHARE) * _normal(angle, still, still_width) + _LAID_SHARE / _LAID_DEG
    away = _OTHER_SHARE * _normal(np.maximum(angle, other), other, _OTHER_WIDTH_DEG)
    return np.column_stack((odds + np.log(down + _FLOOR), np.log(rest) - odds, odds + np.log(away + _FLOOR)))
