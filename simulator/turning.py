"""Collars that sit turned and tilted: what the same motion reads on them.

A rotation here is a proper orthogonal matrix R, (3, 3), determinant +1, that takes a reading of the collar as
it was worn to the reading of the collar as it sits now: column vector v becomes R v. A collar that turns by
an angle sees the world turn by the opposite one. Angles follow the right-hand rule: a collar turned by 90
degrees about its z axis reads (0, -1000, 0) where it read (1000, 0, 0).
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_TILT_DEG = 30


def seed_of(*parts: str | int) -> int:
    """Return a number of 64 bits that depends on every part, the same on every machine."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def about(axis: tuple[float, float, float], deg: float) -> NDArray[np.float64]:
    """Return the readings of a collar turned by `deg` about a unit axis of its own (Rodrigues' formula)."""
    x, y, z = axis
    cross = np.array(((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0)))
    angle = math.radians(-deg)
    turned: NDArray[np.float64] = (
        np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)
    )
    return turned


def turned_and_tilted(turn_deg: float, tilt_deg: float) -> NDArray[np.float64]:
    """Return a collar turned about its z axis, then tilted about the x axis it has after that turn."""
    return about((1.0, 0.0, 0.0), tilt_deg) @ about((0.0, 0.0, 1.0), turn_deg)


def drawn(seed: int, pack: str, animal: str, copy: int) -> NDArray[np.float64]:
    """Return the rotation of training copy 1, 2, ... of an animal, a function of the four arguments.

    Odd copies are turned about z by any angle and tilted by up to MOST_TILT_DEG about a random axis across z;
    even ones sit any way at all. More copies leave the earlier ones as they are.
    """
    first, second, third = np.random.default_rng(seed_of("sits", seed, pack, animal, copy)).random(3).tolist()
    return _leaning(first, second, third) if copy % 2 else _anyhow(first, second, third)


def _leaning(first: float, second: float, third: float) -> NDArray[np.float64]:
    across = (math.cos(math.tau * second), math.sin(math.tau * second), 0.0)
    return about(across, MOST_TILT_DEG * third) @ about((0.0, 0.0, 1.0), 360 * first)


def _anyhow(first: float, second: float, third: float) -> NDArray[np.float64]:
    """Return a rotation, uniform over all, from three uniform numbers of [0, 1).

    Shoemake 1992, Uniform random rotations, Graphics Gems III: a unit quaternion.
    """
    low, high = math.sqrt(1 - first), math.sqrt(first)
    x, y = low * math.sin(math.tau * second), low * math.cos(math.tau * second)
    z, w = high * math.sin(math.tau * third), high * math.cos(math.tau * third)
    half = np.array(((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0)))
    rotation: NDArray[np.float64] = np.eye(3) + 2 * w * half + 2 * (half @ half)
    return rotation
