"""bench-demo: the demo's chain without a browser. How many collar-days fit a minute of wall time?

Simulated: cows, chip, board, radio, Meta's cloud. Real: the firmware's files, the interpreter, HTTP, the
relay, SQLite on this disk. Witness of the speed: ours only.
"""

from __future__ import annotations

import argparse
import asyncio

from simulator.bench.report import report
from simulator.demo import Demo, Options


async def run(options: Options) -> dict[str, object]:
    """Run one day and return its figures."""
    async with Demo(options, print) as demo:
        result = await demo.run_day()
    return {
        "collars": result.collars,
        "virtual_days": result.virtual_days,
        "wall_s": result.wall_s,
        "virtual_days_per_minute": result.collars * result.virtual_days / result.wall_s * 60,
        "frames_sent": result.frames_sent,
        "frames_acknowledged": result.frames_acked,
        "frames_stored": result.frames_stored,
        "messages": len(result.messages),
        "first_message_s": result.first_message_s,
        "trace_hash": result.trace_hash,
    }


def main() -> None:
    """Parse the command line, run, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--collars", type=int, default=12)
    parser.add_argument("--days", type=float, default=1.0)
    chosen = parser.parse_args()
    options = Options(seed=chosen.seed, collars=chosen.collars, days=chosen.days, relay_port=0, phone_port=0)
    print(f"bench-demo: {chosen.collars} collars, {chosen.days} virtual days, seed {chosen.seed}")  # noqa: T201 - a benchmark talks
    report("bench-demo", chosen.seed, asyncio.run(run(options)))


if __name__ == "__main__":
    main()
