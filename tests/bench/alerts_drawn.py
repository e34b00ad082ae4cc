"""A herd that nobody has seen: numbers of herd.toml drawn from a seed, near what they are.

Each number of NUMBERS is taken times a factor between 0.75 and 1.33, all ratios alike, and held to its own
bounds; of a list the first, as the middle of what is drawn from it. One herd in four is at pasture, and
groups are of 12, 25 or 50.
"""

from __future__ import annotations

import math
import tomllib
from typing import Any

import numpy as np

from simulator.herdfile import DEFAULT_PATH

LEAST, MOST = 0.75, 4 / 3
GROUPS = (12, 25, 50)
PASTURE_SHARE = 0.25
NUMBERS = (
    "drive.restless_sd",
    "drive.day_restless_sd",
    "drive.day_walk_sd",
    "drive.day_ruminate_sd",
    "drive.herd_day_sd",
    "data.missing_share",
    "data.gap_min",
    "wear.mount_roll_sd_deg",
    "wear.slips_per_week",
    "breeding.conception_share",
    "event.heat.silent_share",
    "event.heat.duration_log_sd",
    "event.off_feed.per_cow_year",
    "event.mastitis.per_cow_year",
    "event.lameness.per_cow_year",
    "event.collar_turned.per_cow_year",
    "event.collar_off.per_cow_year",
    "event.group_move.per_cow_year",
    "event.odd_day.per_cow_year",
    "event.herd_shock.per_farm_year",
    "event.vet_day.per_farm_year",
    "event.feed_change.per_farm_year",
    "weather.mean_c",
    "weather.day_sd_c",
)
_TAG = 0xD2A


def herd_file(seed: int) -> str:
    """Return the herd file of a seed."""
    draw = np.random.default_rng((seed, _TAG))
    leaves = tomllib.loads(DEFAULT_PATH.read_text(encoding="utf-8"))
    housing = "pasture" if draw.random() < PASTURE_SHARE else "freestall"
    out = [f"# Drawn from seed {seed}.", "", "[herd]", f'housing = "{housing}"']
    out.append(f"group_cows = {draw.choice(GROUPS)}")
    for name in NUMBERS:
        *table, field = name.split(".")
        leaf = _leaf(leaves, name)
        factor = math.exp(draw.uniform(math.log(LEAST), math.log(MOST)))
        low, high = leaf["within"]
        value = min(max(leaf["value"] * factor, low), high)
        out += ["", f"[{'.'.join(table)}]"] if f"[{'.'.join(table)}]" not in out else []
        out.append(f"{field} = {value:.6g}")
    return "\n".join(out) + "\n"


def _leaf(leaves: dict[str, Any], name: str) -> dict[str, Any]:
    for key in name.split("."):
        leaves = leaves[key]
    return leaves
