"""What a farm's coverage can serve: how long its collars are usually out of reach, and which kinds bear that.

Gaps: always - one upload of two lost; stations - collars pass a gateway at water or salt several times a day;
parlour - two milkings, the longer pause between them; barn - a day at pasture, or a night; outages - a line
or power that fails for days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.scoring.kind import Kind

GAP_H: dict[str, float] = {"always": 0.5, "stations": 6.0, "barn": 14.0, "parlour": 13.0, "outages": 72.0}


@dataclass(frozen=True, slots=True)
class Unserved:
    """A kind that a coverage switches off: its data may be `gap_h` old, and serve for `within_h` only."""

    kind: str
    within_h: float
    gap_h: float


def gap_h(coverage: str) -> float:
    """Return the usual longest gap, h. Raises ValueError for an unknown coverage."""
    if coverage not in GAP_H:
        raise ValueError(f"coverage={coverage!r}, want one of {', '.join(GAP_H)}")
    return GAP_H[coverage]


def served(kinds: Iterable[Kind], coverage: str) -> tuple[list[Kind], list[Unserved]]:
    """Return the kinds that a coverage serves, and those it does not, with why. Raises ValueError."""
    longest_h = gap_h(coverage)
    each = list(kinds)
    off = [Unserved(kind.name, kind.within_h, longest_h) for kind in each if longest_h > kind.within_h]
    return [kind for kind in each if longest_h <= kind.within_h], off


def params(off: Iterable[Unserved], coverage: str) -> dict[str, str]:
    """Return what the sentence `coverage_off` of the catalogue is filled with; kinds by their names."""
    names = sorted(unserved.kind for unserved in off)
    return {"coverage": coverage, "gap_h": f"{gap_h(coverage):g}", "kinds": ", ".join(names)}
