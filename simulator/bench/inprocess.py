"""bench-firmware, speed: a day of a herd cow on one collar in this process, chip, bus, sleep and uploads too.

Simulated: cow, chip, board, radio, flash, relay. Real: the firmware's files, on CPython. The figure is
virtual time over process time; what starting and importing take is counted too.
"""

from __future__ import annotations

import argparse
import time

from simulator.bench.report import report
from simulator.collarhost.board import SimBoard
from simulator.collarhost.inprocess import InProcess, MemoryRelay
from simulator.collarhost.provision import provision
from simulator.herd import Herd

_KEY = bytes(range(32))
_DAY_US = 86_400_000_000


def figures(seed: int, days: float = 1.0) -> dict[str, float]:
    """Return how many times faster than real a collar lives."""
    animal = Herd.from_toml(seed=seed, cows=1).animals[0]
    collar = {"device": animal.device, "epoch": 1, "key": _KEY.hex()}
    began_s = time.process_time()
    board = SimBoard(0, animal.motion, flash=provision(collar, host="127.0.0.1", port=1), seed=seed)
    relay = MemoryRelay({animal.device: _KEY})
    host = InProcess(board, relay.answer, on_radio_time=relay.tell)
    host.run(int(days * _DAY_US))
    if not relay.received or host.boots > 1:
        raise RuntimeError(f"no figure: {len(relay.received)} frames arrived, {host.boots} boots")
    return {"times_real_time": board.now_us / 1e6 / (time.process_time() - began_s)}


def main() -> None:
    """Parse the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=float, default=1.0)
    chosen = parser.parse_args()
    report("bench-inprocess", chosen.seed, figures(chosen.seed, chosen.days))


if __name__ == "__main__":
    main()
