"""bench-alerts: what a farmer is told, how much of it is true and how soon, beside the published rules.

    python -m tests.bench.alerts [--seed 1] [--seeds 20] [--herd FILE] [--cows 50] [--days 150] [--jobs 2]
                                 [--data DIR] [--only PART ...]

Event figures come from simulation: the herd, all of it, with its default numbers or those of a herd file in
the documented form (simulator/README.md). Packs of recordings in DIR (../shared/data) say what real
animals can exclude, and how the activity part does on real series; without them those rows are not measured,
and that is said. Exits with 1 if a figure misses what it is held to; one in NOT_REACHED is held to a lower
one, and said aloud. With --herd the parts that are about that herd run, and it is held to nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.judged import Bench, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    Part = Callable[[dict[str, Any]], dict[str, Any]]

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("HERDBELL_DATA", ROOT.parent / "shared" / "data"))
WAVEFORMS, SERIES = "wasp-cow-collar", "bovheat-scr"
SEEDS, COWS, DAYS = 20, 50, 150
OF_A_HERD = ("farms", "speed", "blind", "picture")
PICTURE = Path("build/bench/alerts.png")

_MAKE = "make bench-alerts"
_HERDS = "simulated: tests/bench/herds and one drawn"
_URGENT = "simulated: tests/bench/herds/urgent.toml"
_COWS = "real cows: bovheat-scr"
_FAULTS = "200 injected faults"
_CPU = "CPU time of one core"


def _row(
    key: str, what: str, bounds: tuple[float, float], witness: str = "simulated", *, most: bool = False
) -> Row:
    return Row(key, what, *bounds, witness, _MAKE, most)


ROWS = (
    _row(
        "false_ratio_to_best_rule",
        "heat: false alarms against a published rule's at its sensitivity, the worst ratio",
        (0.5, 0.25),
        "simulated; every rule as it is, same seeds and heats",
        most=True,
    ),
    Row(
        "false_ratio_same_cows",
        "the same, were the rules told which cows are pregnant or have just calved",
        None,
        None,
        "simulated; their counts are a vendor's, ours our collar's",
        _MAKE,
        most=True,
    ),
    _row("rules_find_more", "published rules that find more than ours at any threshold", (0, 0), most=True),
    _row("heat_sensitivity", "heat: sensitivity, expressed heats", (0.88, 0.95)),
    _row("heat_false_per_cow_year", "heat: false alarms a cow-year", (0.7, 0.35), most=True),
    _row("heat_delay_p90_h", "heat: p90 of hours from onset", (9, 6), most=True),
    _row(
        "rows_worst_sensitivity", "heat on other herds and coverage: least sensitivity", (0.80, 0.95), _HERDS
    ),
    _row("rows_worst_false", "the same: most false alarms a cow-year", (1.5, 0.35), _HERDS, most=True),
    _row("parlour_delay_p90_h", "heat, parlour: p90 of hours from onset", (14, 14), most=True),
    _row("off_feed_lead_p50_h", "off feed: hours before the worst moment, median", (24, 36)),
    _row("off_feed_false_per_cow_year", "off feed: false alarms a cow-year", (0.5, 0.25), most=True),
    _row("urgent_worst_sensitivity", "urgent kinds: least sensitivity", (0.90, 0.97), _URGENT),
    _row(
        "urgent_worst_false",
        "urgent kinds: most false alarms a cow-year",
        (0.05, 0.02),
        "simulated; what recordings exclude stands beside",
        most=True,
    ),
    _row(
        "messages_useless_per_100_cows_day",
        "useless messages outside the digest, 100 cows a day",
        (0.3, 0.15),
        most=True,
    ),
    _row(
        "messages_most_a_day",
        "most messages of a day outside the digest, urgent ones apart",
        (2, 2),
        "simulated; the budget of 50 cows",
        most=True,
    ),
    _row("blind_told_share", "blind spans told once, within a quarter hour", (1, 1), _FAULTS),
    _row(
        "blind_told_wrongly", "notes about nothing, or of less than half an hour", (0, 0), _FAULTS, most=True
    ),
    _row("blind_messages_per_fault", "notes that a part is gone, for each", (1, 1), _FAULTS, most=True),
    _row("collar_days_per_s", "collar-days a second, all scorers from minutes on", (200, 1000), _CPU),
    _row(
        "collar_days_per_s_by_uploads", "the same, upload by upload as the relay does it", (200, 1000), _CPU
    ),
    _row("collar_days_per_s_windows", "the same from windows on, with classification", (5, 20), _CPU),
    _row(
        "series_gain_share_18_24d", "activity part over the vendor, 95 % from: 18-24 d share", (0, 0), _COWS
    ),
    _row("series_gain_calving_auc", "the same: calving AUC", (0, 0), _COWS),
    _row("series_gain_found", "the same: episodes found, all sizes", (0, 0), f"{_COWS}, put in"),
    _row("relay_agrees", "real relay, signed windows: events in common with minutes", (0.9, 1), "ours only"),
)

# What is not reached: what is held instead, and what limits it.
_SHORT = (
    "a quarter of the virtual heats last under six hours, and half of these drown in six hours of noise; "
    "posture, which a vendor's counts hold, is not in our minutes. Tried on other seeds: 2 to 14 h, "
    "boosted trees on 70 features, own and herd's baselines, two hours in a row, a stronger cycle"
)
_ARRIVES = (
    "judged by when it could be read: under outages three days of seven nobody hears, and in barn and "
    "parlour half of the heats become known after 12 h; at pasture walking tells little. What the collar "
    "says is found alike once its data are in"
)
_ON_THE_GROUND = (
    "a collar on the ground is as still as a dead cow, and in this herd a dead one lies any way up: most of "
    "it is lost collars, which the farmer finds by it. Pose and temperature are used where they tell"
)
_LABOUR = (
    "over half of the births show no labour to a collar (published: 54 % an hour before); what is told is "
    "'watch tonight', and the labour is its second stage. dead, down, hard births and herd events are above"
)
_FEW_INTERVALS = "36 intervals of the vendor's own alarms judge it: only a gain near .14 would show"
_EITHER_SIDE = (
    "29 and 30 events in 20 cows x 30 days: what is near a threshold falls on either side, for minutes drawn "
    "and windows classified are two draws of one herd"
)
_MORE = "two rules find more, with 6 and 18 times our false alarms of the same cows"
NOT_REACHED: dict[str, tuple[float, str]] = {
    "heat_sensitivity": (0.66, _SHORT),
    "rules_find_more": (3, _MORE),
    "rows_worst_sensitivity": (0.35, _ARRIVES),
    "urgent_worst_false": (0.35, _ON_THE_GROUND),
    "urgent_worst_sensitivity": (0.45, _LABOUR),
    "series_gain_share_18_24d": (-0.25, _FEW_INTERVALS),
    "relay_agrees": (0.6, _EITHER_SIDE),
}
BENCH = Bench("alerts", ROWS, NOT_REACHED, flat=True)


def _parts(chosen: argparse.Namespace) -> dict[str, Part]:
    """Return what makes the figures, by name; imported late for --help's sake."""
    from tests.bench import alerts_parts as parts

    seeds = range(chosen.seed, chosen.seed + chosen.seeds)
    size = chosen.jobs, chosen.cows, chosen.days
    return {
        "farms": lambda _: parts.farms(chosen.herd, seeds, *size),
        "herds": lambda _: parts.herds(chosen.seed, *size),
        "worst": parts.worst_rows,
        "urgent": lambda _: parts.urgent(chosen.seed, *size),
        "real": lambda _: parts.real(chosen.data, chosen.seed),
        "series": lambda _: parts.series(chosen.data / SERIES, chosen.seed),
        "speed": lambda figures: parts.speed(chosen.seed, figures.get("collar_days_per_s")),
        "blind": lambda _: parts.blind(chosen.seed),
        "relay": lambda _: parts.relay(chosen.seed),
        "picture": partial(_picture, PICTURE),
    }


def _picture(path: Path, figures: dict[str, Any]) -> dict[str, Any]:
    from tests.bench import alerts_picture

    path.parent.mkdir(parents=True, exist_ok=True)
    alerts_picture.draw(figures, path)
    print(f"  -> {path}")  # noqa: T201 - a result
    del figures["delays_h"]
    return {}


def main() -> int:
    """Measure, report, and say what misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="herds from the seed on")
    parser.add_argument("--herd", type=Path, help="a herd file in place of the default herd")
    parser.add_argument("--cows", type=int, default=COWS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument("--only", nargs="+", metavar="PART", help="parts to run, in place of all")
    chosen = parser.parse_args()
    parts = _parts(chosen)
    for pack, part in ((WAVEFORMS, "real"), (SERIES, "series")):
        if not (chosen.data / pack).is_dir() and not (chosen.only and part not in chosen.only):
            print(f"BENCH-ALERTS LEAVES OUT {part}: {chosen.data} has no {pack}")  # noqa: T201 - a result
            del parts[part]
    if chosen.herd and not chosen.only:
        return _of_a_herd(chosen, parts)
    figures = BENCH.measure(parts, chosen.only)
    return BENCH.end(chosen.seed, figures, whole=not chosen.only and {"real", "series"} <= set(parts))


def _of_a_herd(chosen: argparse.Namespace, parts: dict[str, Part]) -> int:
    """Measure a herd of one's own; it is held to nothing."""
    figures = BENCH.measure(parts, OF_A_HERD)
    BENCH.end(chosen.seed, figures, whole=False)
    print(f"  -> {BENCH.write(chosen.seed, figures)}")  # noqa: T201 - a result
    return 0


if __name__ == "__main__":
    sys.exit(main())
