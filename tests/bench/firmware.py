"""bench-firmware: every figure of the collar in one run, with the floor it is held to.

    python tests/bench/firmware.py [--seed 1] [--only NAME ...]

Modelled: months (currents from energy.toml, durations from runs of the firmware). Simulated: cows, chip, bus,
board, radio, flash. Real: the firmware's files, the interpreter where heap is counted, the recordings of cows
in HERDBELL_DATA (../shared/data by default). Exits with 1 if a figure misses its floor, and
says which; a goal in NOT_REACHED is held to a lower floor, and said aloud.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "firmware" / "partitions-4MiB.csv"
DATA = Path(os.environ.get("HERDBELL_DATA", ROOT.parent / "shared" / "data"))

# key -> (least, most); None is unbounded
LIMITS: dict[str, tuple[float | None, float | None]] = {
    "months_stock_light_c3": (12, None),
    "months_frozen_deep": (24, None),
    "months_share_parlour": (0.80, None),
    "months_share_barn": (0.80, None),
    "months_share_outages": (0.80, None),
    "bytes_cow_day_windows": (None, None),
    "bytes_cow_day_minutes": (None, 12_000),
    "bytes_cow_day_codes": (None, 1_000),
    "bytes_codes_frame_longest": (None, 51),
    "garbage_bytes_per_window": (None, 16),
    "heap_growth_30d_bytes": (None, 0),
    "ram_peak_bytes": (None, 40_000),
    "mpy_bytes": (None, 60_000),
    "offline_days_4mib": (14, None),
    "offline_days_8mib": (30, None),
    "drain_14d_relay_s": (None, 900),
    "power_cuts": (1_000, None),
    "power_cut_failures": (None, 0),
    "erases_per_1000": (None, 25),
    "years_wear": (50, None),
    "sensor_faults_found": (8, None),
    "sensor_fault_false_alarms": (None, 0),
    "mutants": (6, None),
    "mutants_killed": (6, None),
    "times_real_time": (8_000, None),
}


def _parts(seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what makes the figures, by name; imported late, so that --help costs nothing."""
    from simulator.bench import energy, inprocess, payload
    from tests.bench import (
        firmware_faults,
        firmware_heap,
        firmware_kernels,
        firmware_log,
        firmware_mutants,
        firmware_radio,
    )

    return {
        "speed": lambda: inprocess.figures(seed),
        "energy": lambda: energy.figures(seed),
        "payload": lambda: payload.payload_of_pack(DATA / "wasp-cow-collar", TABLE),
        "kernels": firmware_kernels.figures,
        "heap": lambda: firmware_heap.figures(seed),
        "log": lambda: firmware_log.figures(seed),
        "radio": lambda: firmware_radio.figures(seed),
        "faults": firmware_faults.figures,
        "mutants": firmware_mutants.figures,
    }


_FROZEN_DEEP = (
    "with all computing free, 2,410 boots a day of 1.82 mC, 50 uA of leak, 24 joins and the cell's own "
    "discharge leave 21 months"
)
# Goals that are not reached: what is held instead, and what limits it.
NOT_REACHED = {"months_frozen_deep": (14.5, _FROZEN_DEEP)}


def missed(figures: dict[str, Any]) -> list[str]:
    """Return a line for each figure beyond its limit, or that is not there."""
    lines = []
    for key, (least, most) in LIMITS.items():
        value = figures.get(key)
        if value is None:
            lines.append(f"{key}: not measured")
        elif key in NOT_REACHED and NOT_REACHED[key][0] <= value < (least or 0):
            print(f"NOT REACHED {key}={value:.1f}, asked {least}: {NOT_REACHED[key][1]}")  # noqa: T201 - a result
        elif least is not None and value < least:
            lines.append(f"{key}={value} is below {least}")
        elif most is not None and value > most:
            lines.append(f"{key}={value} is above {most}")
    if figures.get("mutants") != figures.get("mutants_killed"):
        lines.append(f"mutants_killed={figures.get('mutants_killed')} of {figures.get('mutants')}")
    return lines


def main() -> int:
    """Measure, report, and say what misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="parts to run, in place of all")
    chosen = parser.parse_args()
    from simulator.bench.report import report

    parts = _parts(chosen.seed)
    if unknown := set(chosen.only or ()) - set(parts):
        parser.error(f"--only {' '.join(sorted(unknown))}: the parts are {' '.join(parts)}")
    figures: dict[str, Any] = {}
    for name in chosen.only or parts:
        print(f"bench-firmware: {name} ...", flush=True)  # noqa: T201 - a benchmark talks
        began_s = time.monotonic()
        figures |= parts[name]()
        print(f"  {time.monotonic() - began_s:.0f} s", flush=True)  # noqa: T201 - as above
    report("firmware", chosen.seed, figures)
    if chosen.only:
        return 0
    lines = missed(figures)
    for line in lines:
        print(f"MISSED {line}")  # noqa: T201 - as above
    return 1 if lines else 0


if __name__ == "__main__":
    # A script's own folder comes first on the path; the packages are found from the checkout's root.
    sys.path[0] = str(ROOT)
    sys.exit(main())
