"""How a collar sits, learned as it goes: sums of a cow's frame that fade, and the moment it was turned.

Two memories of the same sums (`frame.sums_of`): one of days, that the frame is taken from, and one of hours.
Where gravity of the hours lies far from that of the days, class by class, the collar was turned, and all
before the last quarter of an hour is forgotten: so it is learned anew within hours and nobody is told. A
collar that turns again and again has a loose strap; that is worth a word (`keeps_turning`).

Sums are taken up at quarters of an hour of event time, so that a window's frame does not depend on the
portions in which windows came.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from operator import mul
from typing import TYPE_CHECKING, Final

import numpy as np

from relay.behaviour import frame

if TYPE_CHECKING:
    from relay.behaviour.described import Floats

QUARTER_MS: Final = 900_000
DAYS_HALF: Final = 288.0  # quarters after which half is forgotten: 3 days
HOURS_HALF: Final = 4.0  # 1 hour
# A posture differs by 7 to 24 degrees between a cow's lying and standing (domain.md 0.4), her neck by more.
TURNED_DEG: Final = 40.0
SEEN_RECENT: Final = 150.0  # windows in the memory of hours that say enough: 13 minutes
SEEN_BOTH: Final = 60.0  # windows of grazing, and of rest, before the frame is believed
TURNS_TOLD: Final = 3
TURNS_WITHIN_MS: Final = 7 * 86_400_000
_LEAST = 1e-3
_EXACT = "<f8"  # of a quarter: sums of portions must add up to the last bit


@dataclass(frozen=True, slots=True)
class Sitting:
    """What is known of a collar: `days` and `hours`, (k, frame.COLUMNS) sums as bytes of float32; those of
    the quarter that is `open`, of float64; and when it was found turned, newest last."""

    quarter: int = 0
    days: bytes = b""
    hours: bytes = b""
    open: bytes = b""
    turned_ms: tuple[int, ...] = ()

    def sums(self) -> Floats | None:
        """Return (k, frame.COLUMNS) sums for `Model.posterior`, None while nothing is known."""
        return _array(self.days) if self.days else None

    def believed(self, classes: tuple[int, ...]) -> Floats | None:
        """Return the sums if the frame may be believed: she was seen long enough in each of these classes."""
        sums = self.sums()
        if sums is None or any(sums[each, 3] < SEEN_BOTH for each in classes):
            return None
        return sums


def _array(stored: bytes, kind: str = "<f4") -> Floats:
    return np.frombuffer(stored, dtype=kind).astype(np.float64).reshape(-1, frame.COLUMNS)


def _bytes(sums: Floats) -> bytes:
    return sums.astype("<f4").tobytes()


def keeps_turning(sitting: Sitting, now_ms: int) -> bool:
    """Say whether the collar was found turned TURNS_TOLD times within a week."""
    return sum(each > now_ms - TURNS_WITHIN_MS for each in sitting.turned_ms) >= TURNS_TOLD


def at(sitting: Sitting, quarter: int) -> Sitting:
    """Return the sitting as of the beginning of a quarter: what was summed before is taken up."""
    if quarter <= sitting.quarter:
        return sitting
    if not sitting.open:
        return replace(sitting, quarter=quarter)
    seen = _array(sitting.open, _EXACT)
    days, hours = _faded(sitting.days + sitting.hours, quarter - sitting.quarter, seen)
    turned = sitting.turned_ms
    if _is_turned(days, hours):
        # The hours still hold how it sat before; another class, seen only then, would be found turned again.
        days = hours = _faded(b"", quarter - sitting.quarter, seen)[1]
        turned = (*turned, quarter * QUARTER_MS)[-TURNS_TOLD:]
    return Sitting(quarter, _bytes(days), _bytes(hours), b"", turned)


def add(sitting: Sitting, sums: Floats) -> Sitting:
    """Return the sitting with more windows of its open quarter."""
    known = _array(sitting.open, _EXACT) if sitting.open else np.zeros_like(sums)
    opened = (known + sums).astype(_EXACT).tobytes()
    return Sitting(sitting.quarter, sitting.days, sitting.hours, opened, sitting.turned_ms)


def _faded(stored: bytes, quarters: int, seen: Floats) -> Floats:
    """Return (2, k, frame.COLUMNS): the sums of days and of hours with what was seen, so much later."""
    before = _array(stored).reshape(2, *seen.shape) if stored else np.zeros((2, *seen.shape))
    fade = np.array([[[0.5 ** (quarters / half)]] for half in (DAYS_HALF, HOURS_HALF)])
    out: Floats = (before + seen) * fade
    return np.where(np.abs(out) < _LEAST, 0.0, out)


def _is_turned(days: Floats, hours: Floats) -> bool:
    """Compare gravity class by class; what the hours hold is in the days too, and is taken out."""
    seen = turned = 0.0
    for old, new in zip((days - hours).tolist(), hours.tolist(), strict=True):
        if old[3] >= SEEN_BOTH:
            seen += new[3]
            turned += new[3] * _angle_deg(old[:3], new[:3])
    return seen >= SEEN_RECENT and turned / seen > TURNED_DEG


def _angle_deg(one: list[float], other: list[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    cosine = sum(map(mul, one, other)) / lengths if lengths else 0.0
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
