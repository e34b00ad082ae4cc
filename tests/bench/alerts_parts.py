"""What bench-alerts measures, part by part: each returns its figures and prints the table behind them."""

from __future__ import annotations

import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from relay.scoring import kinds
from relay.scoring.coverage import served
from simulator.coverage import COVERAGES
from tests.bench import (
    alerts_judge,
    alerts_learning,
    alerts_messages,
    alerts_real,
    alerts_rules,
    alerts_speed,
)
from tests.bench.alerts_drawn import herd_file
from tests.bench.alerts_farm import live
from tests.bench.alerts_judge import LEARNT_MS, Tally, summary
from tests.bench.alerts_words import farm_lines, kind_lines, learning_lines, message_lines, rule_lines, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.bench.alerts_learning import Told
    from tests.bench.alerts_messages import Day
    from tests.bench.alerts_rules import Ruled

HERDS = Path(__file__).with_name("herds")
OTHER_HERDS = ("noise", "pasture", "groups_of_8", "missing_20", "turned")
URGENT_HERD = "urgent"
FEW_SEEDS = 3
PARLOUR_LATE_H = 2.0  # a parlour's heats may be told 14 h after the onset, not 12
# Told when they go on so far; what is not so bad never comes to it, so no sensitivity is asked of it.
NO_SENSITIVITY = ("off_feed_acute",)


@dataclass(frozen=True)
class Asked:
    """Which farm to judge: a seed of a herd file, and what is to be measured beside its kinds."""

    herd: Path | None
    seed: int
    cows: int
    days: int
    is_whole: bool = False


@dataclass
class Judged:
    """A farm, judged; of one that is not judged as a whole `kinds` alone."""

    kinds: dict[str, Tally]
    coverage: dict[str, Tally]
    rules: dict[str, Ruled]
    swept: dict[float, Tally]
    days: list[Day]
    learnt: tuple[list[Told], list[Told]]
    collar_days_per_s: float


def judged(asked: Asked) -> Judged:
    """Live through a farm and judge it; runs in a process of its own."""
    whole = asked.is_whole
    lived = live(
        asked.herd, asked.seed, asked.cows, asked.days,
        profiles=COVERAGES if whole else (), sweep=alerts_rules.OFFSETS if whole else (),
        counts=whole, learns=whole,
    )  # fmt: skip
    return Judged(
        alerts_judge.tallies(lived),
        {
            name: alerts_judge.tally(
                lived, alarms, "heat", late_h=PARLOUR_LATE_H if name == "parlour" else 0.0
            )
            for name, alarms in lived.alarms.items()
            if name
        },
        alerts_rules.of_farm(lived) if whole else {},
        alerts_rules.swept(lived) if whole else {},
        alerts_messages.days(lived),
        lived.learnt or ([], []),
        asked.cows * asked.days / lived.cpu_s,
    )


def all_judged(work: Sequence[Asked], jobs: int) -> list[Judged]:
    """Return the farms, in the order asked for."""
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(judged, work))


def farms(herd: Path | None, seeds: Sequence[int], jobs: int, cows: int, days: int) -> dict[str, Any]:
    """Judge the herd over its seeds: kinds, published rules, coverage, messages, learning, speed."""
    found = all_judged([Asked(herd, seed, cows, days, is_whole=True) for seed in seeds], jobs)
    by_kind = {name: summary([farm.kinds[name] for farm in found]) for name in found[0].kinds}
    rules = alerts_rules.compared([farm.rules for farm in found], [farm.swept for farm in found])
    coverage = _coverage(found)
    messages = alerts_messages.figures([farm.days for farm in found])
    learning = _learning(found)
    say(kind_lines(by_kind))
    say(rule_lines(rules))
    say(farm_lines(coverage))
    say(message_lines(messages))
    say(learning_lines(learning))
    urgent = [name for name in urgent_names() if name in by_kind]
    return {
        "cows": cows,
        "days": days,
        "seeds": list(seeds),
        "herd": str(herd.name) if herd else "herd.toml",
        "kinds": by_kind,
        **rules,
        "coverage": coverage,
        **messages,
        "learning": learning,
        **_heat_rows(by_kind["heat"]),
        **_off_feed_rows(by_kind),
        "urgent_worst_false": max((by_kind[name]["false_per_cow_year"] for name in urgent), default=None),
        "collar_days_per_s": statistics.median(farm.collar_days_per_s for farm in found),
        "delays_h": {
            name: alerts_judge.total(farm.kinds[name] for farm in found).delays_h for name in by_kind
        },
    }


def urgent_names() -> list[str]:
    """Return the lines of the table that are urgent, without the experimental ones."""
    known = kinds.all_kinds()
    return [
        name
        for name, (kind, stage) in alerts_judge.kinds_and_stages().items()
        if not known[kind].is_experimental and (stage or known[kind].tier == "urgent")
    ]


def _heat_rows(heat: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "heat_sensitivity": heat["sensitivity"],
        "heat_false_per_cow_year": heat["false_per_cow_year"],
        "heat_delay_p90_h": heat["delay_p90_h"],
    }


def _off_feed_rows(by_kind: Mapping[str, Any]) -> dict[str, Any]:
    found = by_kind.get("off_feed")
    if found is None:
        return {}
    return {
        "off_feed_lead_p50_h": found["lead_p50_h"],
        "off_feed_false_per_cow_year": found["false_per_cow_year"],
    }


def _coverage(found: Sequence[Judged]) -> dict[str, Any]:
    """Return heat under each coverage; a kind that a coverage cannot serve is switched off there."""
    heat = kinds.all_kinds()["heat"]
    return {
        name: {
            "is_served": bool(served([heat], name)[0]),
            **summary([farm.coverage[name] for farm in found]),
        }
        for name in found[0].coverage
    }


def _learning(found: Sequence[Judged]) -> dict[str, Any]:
    with_, without = ([farm.learnt[at] for farm in found] for at in (0, 1))
    return {
        "precision_by_month": alerts_learning.precision_by_month(with_, LEARNT_MS),
        "precision_by_month_without": alerts_learning.precision_by_month(without, LEARNT_MS),
        "alerts": sum(map(len, with_)),
        "alerts_without": sum(map(len, without)),
    }


def herds(seed: int, jobs: int, cows: int, days: int, seeds: int = FEW_SEEDS) -> dict[str, Any]:
    """Judge heat on other herds, and on one drawn from the seed."""
    with TemporaryDirectory(prefix="bench-alerts-") as folder:
        drawn = Path(folder) / "drawn.toml"
        drawn.write_text(herd_file(seed), encoding="utf-8")
        files = {name: HERDS / f"{name}.toml" for name in OTHER_HERDS} | {"drawn": drawn}
        work = [Asked(file, seed + at, cows, days) for file in files.values() for at in range(seeds)]
        found = all_judged(work, jobs)
    out = {}
    for at, name in enumerate(files):
        here = found[at * seeds : (at + 1) * seeds]
        out[name] = {
            **summary([farm.kinds["heat"] for farm in here]),
            "kinds": {kind: _brief(summary([farm.kinds[kind] for farm in here])) for kind in here[0].kinds},
            "messages_useless_per_100_cows_day": alerts_messages.per_100(
                [day for farm in here for day in farm.days], "useless"
            ),
        }
    say(farm_lines(out))
    return {"herds": out, "drawn_herd": herd_file(seed)}


def _brief(of_kind: Mapping[str, Any]) -> dict[str, Any]:
    return {key: of_kind[key] for key in ("eligible", "found", "sensitivity", "false_per_cow_year")}


def worst_rows(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the worst figures of all herds and of every coverage that serves heat, and parlour's delay."""
    rows = [each for each in figures["coverage"].values() if each["is_served"]]
    rows += figures["herds"].values()
    return {
        "rows_worst_sensitivity": min((each["sensitivity"] or 0.0 for each in rows), default=0.0),
        "rows_worst_false": max((each["false_per_cow_year"] for each in rows), default=0.0),
        "parlour_delay_p90_h": figures["coverage"].get("parlour", {}).get("delay_p90_h"),
    }


def urgent(seed: int, jobs: int, cows: int, days: int, seeds: int = FEW_SEEDS) -> dict[str, Any]:
    """Judge what is rare on a herd where it is not."""
    file = HERDS / f"{URGENT_HERD}.toml"
    found = all_judged([Asked(file, seed + at, cows, days) for at in range(seeds)], jobs)
    by_kind = {name: summary([farm.kinds[name] for farm in found]) for name in found[0].kinds}
    say(kind_lines(by_kind))
    asked = [
        by_kind[name]["sensitivity"]
        for name in urgent_names()
        if name not in NO_SENSITIVITY and by_kind[name]["sensitivity"] is not None
    ]
    return {"urgent": by_kind, "urgent_worst_sensitivity": min(asked, default=None)}


def real(data: Path, seed: int) -> dict[str, Any]:
    """Say what recordings of real cattle exclude of urgent kinds."""
    found = alerts_real.figures(data, seed)
    excluded = ", ".join(
        f"{name} above {most:,.0f}" if most else f"{name}: nothing"
        for name, most in found["excluded_above_per_cow_year"].items()
    )
    days, cows = found["cow_days"], found["cows"]
    say([f"    {found['alarms']} in {days:.2f} cow-days of {cows} cows: excludes a cow-year {excluded}"])
    return {"recordings": found}


def series(pack: Path, seed: int) -> dict[str, Any]:
    """Judge the activity part on real series, beside the vendor's threshold on the same cows."""
    from relay.evaluation.judged_activity import judge
    from relay.evaluation.series import read

    ours = judge(read(pack), None, seed).as_json()
    gains = {
        **ours["difference_from_vendor"],
        **{f"found_{each['size']}": each["found_minus_vendor"] for each in ours["injected"]},
    }
    for name, gain in gains.items():
        say([f"    {name:<22} {_signed(gain['value'])}  ({_signed(gain['low'])} to {_signed(gain['high'])})"])
    asked = ("share_18_24d", "calving_auc", "found")
    return {"series": gains, **{f"series_gain_{name}": gains[name]["low"] for name in asked}}


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"


def speed(seed: int, from_minutes_per_s: float | None = None) -> dict[str, Any]:
    """Return collar-days a second from windows on, and from minutes on as uploads bring them."""
    found = alerts_speed.figures(seed)
    if from_minutes_per_s:
        alone = found["collar_days_per_s_by_uploads_alone"]
        found["collar_days_per_s_by_uploads"] = 1 / (1 / from_minutes_per_s + 1 / alone)
    say([f"    {key}: {value:.1f}" for key, value in found.items()])
    return found


def blind(seed: int) -> dict[str, Any]:
    """Count blind spans that were told, and notes about nothing."""
    from tests.bench import alerts_blind

    found = alerts_blind.blind(seed)
    say([f"    {key}: {value}" for key, value in found.items()])
    return {
        **found,
        "blind_told_share": found["blind_told"] / max(1, found["blind_injected"]),
        "blind_told_wrongly": found["blind_short_told"] + found["blind_strays"],
    }


def relay(seed: int) -> dict[str, Any]:
    """Send a farm's windows through the real relay, and compare with the same farm at minutes."""
    from tests.bench import alerts_relay

    return alerts_relay.figures(seed)
