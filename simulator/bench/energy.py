"""bench-firmware, energy: months by the ledger, and the share kept where the radio is seldom near.

Modelled: currents and computing times from energy.toml. Simulated: cow, chip, board, radio, flash. Real: the
firmware's files, on CPython in this process.
"""

from __future__ import annotations

from simulator import energy_runs
from simulator.energy_runs import BUILDS

_FARMS = ("always", "parlour", "barn", "outages")


def figures(seed: int, days: float | None = None) -> dict[str, float]:
    """Return the modelled figures; the shares are those of stock-light. `days` None: see energy_runs.DAYS."""
    light = {
        where: energy_runs.run(BUILDS["stock-light"], where, days=days, seed=seed)["months"]
        for where in _FARMS
    }
    deep = energy_runs.run(BUILDS["frozen-deep"], "always", days=days, seed=seed)["months"]
    return {
        "months_stock_light_c3": light["always"],
        "months_frozen_deep": deep,
        "months_share_parlour": light["parlour"] / light["always"],
        "months_share_barn": light["barn"] / light["always"],
        "months_share_outages": light["outages"] / light["always"],
    }
