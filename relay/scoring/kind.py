"""What an alert kind is: declared once, in the scorer's own file, and read by everybody else from there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    """When a person is told: at any hour; in waking hours unless that is too late; in the daily digest."""

    URGENT = "urgent"
    TIMELY = "timely"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of alert.

    `is_herd`: of the farm, not of an animal. `useful_h`: so long after detection a message is of use.
    `within_h`: data that come later than this after they were measured cannot serve; a coverage whose usual
    gaps are longer switches the kind off. `learns`: judgements move its threshold; never of an urgent kind.
    """

    name: str
    tier: Tier
    is_experimental: bool = False
    is_herd: bool = False
    useful_h: float = 12.0
    within_h: float = 24.0
    learns: bool = False

    def __post_init__(self) -> None:
        if self.learns and self.tier is Tier.URGENT:
            raise ValueError(f"{self.name}: an urgent kind does not learn")
