"""What a happening does to a cow over time, read from herd.toml: multipliers on straight lines.

Moments are written "onset", "peak" or "end" with hours added ("end-6"). Between two moments the logarithm
of a multiplier goes straight; before the first and after the last nothing is changed, so both must be 1.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.herdfile import HerdError, Section
from simulator.plan.routine import HOUR_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.lives.happening import Happening

INFLUENCES = ("lie", "ruminate", "eat", "walk", "transitions", "strength")
_MOMENT = re.compile(r"(onset|peak|end)([+-]\d+(?:\.\d+)?)?")


class Profile(NamedTuple):
    """`anchors`: (onset, peak or end; ms added); `log`: (anchors, INFLUENCES), 0 where nothing is changed."""

    anchors: tuple[tuple[str, int], ...]
    log: NDArray[np.float64]

    def moments_ms(self, happening: Happening) -> tuple[int, ...]:
        """Return when every anchor of it is, ms; in order, however short the happening."""
        known = {"onset": happening.onset_ms, "peak": happening.peak_ms, "end": happening.end_ms}
        moments: list[int] = []
        for name, added_ms in self.anchors:
            at_ms = known[name] + added_ms
            moments.append(max(at_ms, moments[-1]) if moments else at_ms)
        return tuple(moments)

    def log_at(self, moments_ms: tuple[int, ...], at_ms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logarithms of the multipliers at severity 1, (times, INFLUENCES)."""
        found = np.zeros((len(at_ms), len(INFLUENCES)))
        for column in range(len(INFLUENCES)):
            if self.log[:, column].any():
                found[:, column] = np.interp(at_ms, moments_ms, self.log[:, column])
        return found


def load_profiles(model: Section) -> dict[str, Profile]:
    """Return the profile of every kind that has one. Raises HerdError naming kind, field and value."""
    return {kind: _profile(kind, table) for kind, table in model["event"].items() if "at" in table}


def _profile(kind: str, table: Section) -> Profile:
    anchors = tuple(_anchor(kind, text) for text in table["at"])
    log = np.zeros((len(anchors), len(INFLUENCES)))
    for column, name in enumerate(INFLUENCES):
        if name in table:
            log[:, column] = [
                math.log(each) for each in _checked(f"event.{kind}.{name}", table[name], anchors)
            ]
    return Profile(anchors, log)


def _anchor(kind: str, text: str) -> tuple[str, int]:
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise HerdError(f"event.{kind}.at: {text!r}: want onset, peak or end, with hours added like end-6")
    return match[1], round(float(match[2] or 0) * HOUR_MS)


def _checked(
    field: str, values: tuple[float, ...], anchors: tuple[tuple[str, int], ...]
) -> tuple[float, ...]:
    if len(values) != len(anchors):
        raise HerdError(f"{field} has {len(values)} entries: want {len(anchors)}, one for each moment")
    if values[0] != 1 or values[-1] != 1:
        raise HerdError(f"{field}={list(values)}: want it to begin and end with 1")
    if min(values) <= 0:
        raise HerdError(f"{field}={list(values)}: want multipliers above 0")
    return values
