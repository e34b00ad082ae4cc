"""bench-whatsapp: what a farmer's phone gets when much is told, much goes wrong and the relay is killed.

    python -m tests.bench.whatsapp [--seed 1] [--alerts 10000] [--people 5000] [--only PART ...]

Everything between an intent and the phone is real: relay, SQLite, HTTP on loopback. The Cloud API is the
simulator's; clients we did not write judge it (part `judges`). Meta's own cloud has seen none of this. Exits
with 1 if a figure misses what it is held to; one in NOT_REACHED is held to a lower one, and said aloud.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from tests.bench.judged import Bench, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    Part = Callable[[dict[str, Any]], dict[str, Any]]

ALERTS, PEOPLE = 10_000, 5_000

_MAKE = "make bench-whatsapp"
_FAKE = "simulated: the fake Cloud API, faults and all"
_PACE = "the fake Cloud API's own limits"
_DISK = "real SQLite and HTTP on loopback; wall time, median of 5"


def _row(
    key: str, what: str, bounds: tuple[float, float], witness: str = _FAKE, *, most: bool = False
) -> Row:
    return Row(key, what, *bounds, witness, _MAKE, most)


ROWS = (
    _row("batch_items", "items handled of a webhook of 1,000 statuses and messages", (1000, 1000)),
    _row("batch_s", "the same: seconds until the last is handled", (1, 0.25), _DISK, most=True),
    _row("lost", "alerts that reached no phone", (0, 0), most=True),
    _row("double_normal", "alerts that are not critical and came twice", (0, 0), most=True),
    _row("double_critical_unmarked", "critical alerts twice without a mark, or thrice", (0, 0), most=True),
    _row("over_mps", "sends refused because the number was too fast", (0, 0), _PACE, most=True),
    _row("over_pair", "sends refused because one person got too many", (0, 0), _PACE, most=True),
    _row(
        "intent_to_post_p95_s",
        "seconds from a stored intent to its POST, p95",
        (1, 0.1),
        "real SQLite and HTTP on loopback; wall time",
        most=True,
    ),
    _row("sends_per_s", "sends a second through the durable outbox", (500, 1000), "CPU time of one core"),
    _row("error_codes", "error codes with an action, each caused", (55, 55), "Meta, Error codes"),
    _row("texts_missing", "template x language, command x language: not said or not read", (0, 0), most=True),
    _row("picture_bytes_max", "evidence picture: most bytes", (60_000, 40_000), "seeded cows", most=True),
    _row("picture_ms_p95", "the same: ms to make, p95", (400, 200), "CPU time of one core", most=True),
    _row("judges_failed", "clients we did not write: judgements failed", (0, 0), "pywa; npm SDKs", most=True),
)

NOT_REACHED: dict[str, tuple[float, str]] = {}
BENCH = Bench("whatsapp", ROWS, NOT_REACHED, flat=True)


def _parts(chosen: argparse.Namespace) -> dict[str, Part]:
    """Return what makes the figures, by name; imported late for --help's sake."""
    from tests.bench import (
        whatsapp_codes,
        whatsapp_judges,
        whatsapp_picture,
        whatsapp_speed,
        whatsapp_storm,
        whatsapp_texts,
    )

    return {
        "batch": lambda _: whatsapp_speed.batch(),
        "storm": lambda _: whatsapp_storm.storm(chosen.seed, chosen.alerts, chosen.people),
        "speed": lambda _: whatsapp_speed.speed(chosen.seed),
        "codes": lambda _: whatsapp_codes.codes(),
        "texts": lambda _: whatsapp_texts.texts(),
        "picture": lambda _: whatsapp_picture.measure(chosen.seed),
        "judges": lambda _: whatsapp_judges.judges(),
    }


def main() -> int:
    """Measure, report, and say what misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alerts", type=int, default=ALERTS, help="of the storm")
    parser.add_argument("--people", type=int, default=PEOPLE, help="who get them")
    parser.add_argument("--only", nargs="+", metavar="PART", help="parts to run, in place of all")
    chosen = parser.parse_args()
    figures = BENCH.measure(_parts(chosen), chosen.only)
    return BENCH.end(chosen.seed, figures, whole=not chosen.only)


if __name__ == "__main__":
    sys.exit(main())
