"""What can happen to a cow: the words for it, and how its times are drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.plan.routine import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

YEAR_MS = 365 * DAY_MS

# Truth: what somebody could know about her, or about her collar.
EVENTS = (
    "heat",
    "calving",
    "dystocia",
    "off_feed",
    "mastitis",
    "lameness",
    "heat_stress",
    "herd_event",
    "cast",
    "down",
    "dead",
    "theft",
    "collar_off",
    "collar_loose",
    "collar_turned",
    "battery",
    "outage",
)
# Not in the truth: nothing is wrong, and yet the collar sees something. False alarms come from here.
DISTURBANCES = (
    "coactive",
    "feed_change",
    "group_move",
    "vet_day",
    "trimming",
    "rain",
    "herd_shock",
    "odd_day",
)
ENDS = ("dead", "theft")  # after one of these nothing happens to her
HERD_EVENTS = ("heat_stress", "herd_event", "outage")  # one row of truth for the farm, from herd_wide
STREAMS = (*EVENTS, *DISTURBANCES, "person")


class LifeEvent(NamedTuple):
    """What a farmer records: calved, inseminated, dry; `due` is the day she is expected to calve."""

    kind: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens to a cow, ms since the start; `severity` 1 is the profile of herd.toml.

    `expressed`: somebody who watches her could see it. `detail` by kind: peak_ms (worst moment), spells
    ((from_ms, to_ms), ...) on her side, run_end_ms, walk_end_ms, out_of_cover_ms, intensity, angle_deg, axis.
    """

    kind: str
    onset_ms: int
    end_ms: int
    severity: float = 1.0
    expressed: bool = True
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def peak_ms(self) -> int:
        """The worst moment; the onset where none is given."""
        return int(self.detail.get("peak_ms", self.onset_ms))


@dataclass(frozen=True, slots=True)
class History:
    """The life of one cow. `parity` 1 is the first lactation; life events before the start are negative."""

    cow: int
    parity: int
    group: int
    dim_at_start: int
    life_events: tuple[LifeEvent, ...]
    happenings: tuple[Happening, ...]


def stream(seed: int, tag: int, *where: int) -> np.random.Generator:
    """Return a generator of its own for one thing of one cow, so that no other draw can disturb it."""
    return np.random.default_rng((seed, tag, *where))


def lognormal(rng: np.random.Generator, median: float, log_sd: float, bounds: tuple[float, float]) -> float:
    """Draw a lognormal value held to `bounds`."""
    return min(max(median * math.exp(log_sd * rng.standard_normal()), bounds[0]), bounds[1])


def normal(rng: np.random.Generator, mean: float, sd: float, bounds: tuple[float, float]) -> float:
    """Draw a normal value held to `bounds`."""
    return min(max(mean + sd * rng.standard_normal(), bounds[0]), bounds[1])


def poisson_times_ms(rng: np.random.Generator, per_year: float, until_ms: int) -> Iterator[int]:
    """Yield the times of a Poisson process up to `until_ms`; a longer wait begins with the same times."""
    at_ms = 0.0
    while per_year > 0:
        at_ms += rng.exponential(YEAR_MS / per_year)
        if at_ms >= until_ms:
            return
        yield int(at_ms)
