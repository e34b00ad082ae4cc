"""Windows to the probability of each class: two small models, one that does not know how the collar sits.

The first sees only how lively a window is and in what rhythm. What it says teaches the cow's own frame
(`frame`); the second sees gravity and liveliness by axis in that frame. Each is a multinomial logistic
regression on standardised features and on fixed rectified mixtures of them: a convex fit, so that the same
data give the same numbers on any machine, and one product of matrices to run.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from relay.behaviour import frame
from relay.behaviour.smoother import Smoothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.behaviour.described import Described, Floats
    from relay.behaviour.frame import Herd

FORMAT = 1
_BENDS = np.arange(3.0, 9.0)  # of log2 mg: from a still cow's to a galloping one's
_FAR = 5.0  # standard deviations beyond which a feature says no more
_TOTAL, _CHANGE = 0, 3  # among the features of motion


@dataclass(frozen=True, slots=True)
class Layers:
    """Features (n, f) to probabilities (n, k). `hidden` (f, h) may have no columns."""

    mean: Floats
    scale: Floats
    hidden: Floats
    offset: Floats
    weights: Floats  # (f + h, k)
    bias: Floats

    def inputs(self, features: Floats) -> Floats:
        """Return what the regression sees, (n, f + h)."""
        z = self._standard(features)
        return np.concatenate((z, self._mixed(z)), axis=1)

    def posterior(self, features: Floats) -> Floats:
        """Return (n, k) probabilities."""
        z = self._standard(features)
        score = frame.times(z, self.weights[: z.shape[1]])
        if len(self.offset):
            score += frame.times(self._mixed(z), self.weights[z.shape[1] :])
        by_class = score.T + self.bias[:, None]
        power = np.exp(by_class - by_class.max(axis=0))
        out: Floats = (power / power.sum(axis=0)).T
        return out

    def _standard(self, features: Floats) -> Floats:
        # Rows stand together whatever came: a product of matrices has another routine for each order.
        z = np.subtract(features, self.mean, order="C")
        z /= self.scale
        np.maximum(z, -_FAR, out=z)
        return np.minimum(z, _FAR, out=z)

    def _mixed(self, z: Floats) -> Floats:
        mixed = frame.times(z, self.hidden)
        mixed += self.offset
        return np.maximum(mixed, 0.0, out=mixed)


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned from a pack: classes by name, the two models, the herd, the smoothing."""

    labels: tuple[str, ...]
    motion: Layers
    herd: Herd
    posture: Layers
    smoothing: Smoothing

    def at_sight(self, described: Described) -> Floats:
        """Return (n, k) probabilities without knowing how the collar sits."""
        return self.motion.posterior(motion_features(described))

    def posterior(
        self,
        described: Described,
        sums: Floats,
        motion: Floats | None = None,
        of: NDArray[np.int64] | None = None,
    ) -> Floats:
        """Return (n, k) probabilities in the frame that the sums of `frame.sums_of` give.

        `motion`: `motion_features` of the same windows, where they are known already. `sums` and `of`: as of
        `own_features`.
        """
        known = motion_features(described) if motion is None else motion
        return self.posture.posterior(own_features(described, known, sums, self.herd, of))


def motion_features(described: Described) -> Floats:
    """Return (n, 8) features that do not depend on how the collar sits, (n, 3) where only spread is known."""
    spread = described.deviation_mg
    total = frame.loudness(spread)
    low, middle, high = np.log2(1.0 + _in_order(*spread.T))
    if described.difference_mg is None:
        return np.stack((total, high - low, middle - low)).T
    change = frame.loudness(described.difference_mg)
    rhythm = (_crossings(described), *_bands(described).T)
    return np.stack((total, high - low, middle - low, change, change - total, *rhythm)).T


def own_features(
    described: Described,
    motion: Floats,
    sums: Floats,
    herd: Herd,
    of: NDArray[np.int64] | None = None,
) -> Floats:
    """Return (n, f): gravity and liveliness in the cow's frame, beside what does not depend on it.

    `sums`: (k, frame.COLUMNS); or (g, k, frame.COLUMNS), and `of` (n,) says which of these is a window's.

    The spread along her axes is only near: a collar tells it along its own, and what they have in common is
    lost. So it is used where spread is all there is, with bends and products of what is known; otherwise
    the rhythm by axis, which bears it.
    """
    which = np.zeros(len(described), dtype=np.int64) if of is None else of
    sums = sums.reshape(-1, *herd.templates.shape[:1], frame.COLUMNS)
    turn = frame.rotation(sums, herd.templates).T.take(which, axis=-1)  # (3 collar's, 3 hers, n)
    level = frame.levels(sums, herd).T.take(which, axis=-1)  # (2, anchors, n)
    shares, power = np.square(turn), np.square(described.deviation_mg.T)
    gravity, spread = _turned(frame.directions(described.gravity_mg).T, turn), _turned(power, shares)
    total = motion.T[_TOTAL]
    columns = [gravity, np.abs(gravity[1:2]), motion.T, total - level[0]]
    if described.crossings is None:
        columns += [0.5 * np.log2(1.0 + spread) - total, _bent(gravity, total)]
    else:
        columns.append(motion.T[_CHANGE] - level[1])
        columns.append(_turned(described.crossings.T * power, shares) / (spread + 1e-6))
    return np.concatenate(columns).T


def _bent(gravity: Floats, total: Floats) -> Floats:
    """Return (10, n): where little else is known, liveliness and posture with their bends and products."""
    forward, _, upward = gravity
    products = np.stack((total**2, forward**2, total * forward, total * upward))
    return np.concatenate((products, np.maximum(0.0, total - _BENDS[:, None])))


def _turned(by_axis: Floats, turn: Floats) -> Floats:
    """Return (3, n) along the cow's axes; added up in the same order whatever windows stand beside one."""
    out: Floats = (by_axis[:, None] * turn).sum(axis=0)
    return out


def _in_order(a: Floats, b: Floats, c: Floats) -> Floats:
    """Return (3, n): the least, the middle and the greatest of each."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    return np.stack((np.minimum(low, c), np.maximum(low, np.minimum(high, c)), np.maximum(high, c)))


def _crossings(described: Described) -> Floats:
    assert described.crossings is not None
    power = np.square(described.deviation_mg.T)
    out: Floats = (described.crossings.T * power).sum(axis=0) / (power.sum(axis=0) + 1e-6)
    return out


def _bands(described: Described) -> Floats:
    assert described.bands is not None
    return described.bands


def to_json(model: Model) -> dict[str, Any]:
    """Return the model as numbers that JSON holds exactly."""
    layers = {"motion": model.motion, "posture": model.posture}
    return {
        "format": FORMAT,
        "labels": list(model.labels),
        "herd": {
            "templates": model.herd.templates.tolist(),
            "levels": model.herd.levels.tolist(),
            "anchors": list(model.herd.anchors),
        },
        "smoothing": model.smoothing.to_json(),
        **{
            name: {field: getattr(each, field).tolist() for field in Layers.__slots__}
            for name, each in layers.items()
        },
    }


def from_json(stored: dict[str, Any]) -> Model:
    """Return what `to_json` was given. Raises ValueError for another format."""
    if stored.get("format") != FORMAT:
        raise ValueError(f"behaviour model: format {stored.get('format')!r}, want {FORMAT}")
    herd = stored["herd"]
    labels = tuple(stored["labels"])
    return Model(
        labels,
        _layers(stored["motion"]),
        frame.Herd(np.array(herd["templates"]), np.array(herd["levels"]), tuple(herd["anchors"])),
        _layers(stored["posture"]),
        Smoothing.from_json(stored["smoothing"]),
    )


def _layers(stored: dict[str, Any]) -> Layers:
    mean = np.array(stored["mean"])
    hidden = np.array(stored["hidden"], dtype=np.float64).reshape(len(mean), -1)
    rest = (np.array(stored[name], dtype=np.float64) for name in ("offset", "weights", "bias"))
    return Layers(mean, np.array(stored["scale"]), hidden, *rest)


@functools.cache
def shipped() -> Model:
    """Return the model that this version of the relay was released with."""
    text = resources.files("relay.behaviour").joinpath("model.json").read_text(encoding="utf-8")
    return from_json(json.loads(text))
