"""When a cow's data reach the relay: coverage, outages, where she is, whether her collar runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.coverage import arrival_ms, farm_coverage, upload_offset_ms, without
from simulator.plan.routine import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from simulator.coverage import Interval
    from simulator.lives.happening import History
    from simulator.virtual_herd import VirtualHerd


def near(herd: VirtualHerd, cow: int) -> list[Interval]:
    """Return the (from_us, to_us) in which a cow's collar has the network."""
    outages = [(each.onset_ms * 1000, each.end_ms * 1000) for each in herd.herd_wide if each.kind == "outage"]
    farm = farm_coverage(herd.model, herd.seed, herd.cows, herd.days, cow, outages)
    return without(farm, list(_away(herd.histories[cow], herd.days)))


def is_flat(history: History, at_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return at which times her collar's battery is flat: then it measures nothing."""
    flat = np.zeros(at_ms.shape, np.bool_)
    for each in history.happenings:
        if each.kind == "battery":
            flat |= (each.onset_ms <= at_ms) & (at_ms < each.end_ms)
    return flat


def arrivals_ms(herd: VirtualHerd, cow: int, made_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return when what her collar measured at `made_ms` reaches the relay, ms since the start.

    -1: never within the days of the herd, or nothing was measured. A collar keeps what it could not send.
    """
    upload_s = herd.model["coverage"]["upload_s"]
    when = arrival_ms(made_ms, near(herd, cow), upload_s, upload_offset_ms(herd.model, cow))
    return np.where(is_flat(herd.histories[cow], made_ms), -1, when)


def _away(history: History, days: int) -> Iterator[Interval]:
    """Yield when the network is no use to her: out of its reach for good, or without power."""
    end_us = days * DAY_MS * 1000
    for each in history.happenings:
        if "out_of_cover_ms" in each.detail:
            yield each.detail["out_of_cover_ms"] * 1000, end_us
        elif each.kind == "battery":
            yield each.onset_ms * 1000, each.end_ms * 1000
