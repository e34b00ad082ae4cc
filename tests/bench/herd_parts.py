"""What bench-herd measures, part by part: each returns its figures and prints the table behind them."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.bench import inprocess
from simulator.extract import Sitting, read_animals, rows_of, write_windows
from simulator.herd_trace import trace_hash
from simulator.herdfile import load_herd
from simulator.neck.look_fit import read_extract
from simulator.plan.states import STATES
from simulator.vendor import Vendor
from simulator.virtual_herd import VirtualHerd
from tests.bench import herd_days, herd_levels, herd_rules, herd_series, herd_told, herd_windows

if TYPE_CHECKING:
    from collections.abc import Iterable

_DAY_S = 86_400


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201 - the table of a benchmark


def windows(pack: Path, seed: int) -> dict[str, Any]:
    """Judge windows against those of real cows."""
    with TemporaryDirectory(prefix="bench-herd-") as work:
        file = Path(work) / "windows.csv.gz"
        rows = (row for animal in read_animals(pack) for row in rows_of(animal, 0, Sitting(seed=seed)))
        write_windows(file, rows)
        recordings = read_extract(file)
    real = herd_windows.of_real(recordings)
    herd = herd_windows.simulated(load_herd(), real, seed)
    medians = herd_windows.medians(real, herd)
    f1 = herd_windows.f1_lost(real, herd)
    auc = herd_windows.auc(real, herd)
    few = herd_windows.recorded(load_herd(), real, seed)
    null = herd_windows.auc(few, herd)["worst"]["random"]
    _say(_medians_in_words(medians))
    across = f"simulated told by real {f1['real_to_sim']:.3f}, real told by simulated {f1['sim_to_real']:.3f}"
    _say([f"  macro F1: real cows left out {f1['real_left_out']:.3f}, {across}"])
    return {
        "medians_ok": not medians["out"],
        "medians_outside": len(medians["out"]),
        "f1_real_left_out": f1["real_left_out"],
        "f1_lost_real_to_sim": f1["lost_real_to_sim"],
        "f1_gained_real_to_sim": -f1["lost_real_to_sim"],
        "f1_lost_sim_to_real": f1["lost_sim_to_real"],
        "f1_lost_sim_to_real_unseen": f1["real_left_out"]
        - herd_windows.f1_unseen(load_herd(), recordings, seed),
        "auc_real_vs_sim": auc["worst"]["grouped"],
        "auc_windows_left_out": auc["worst"]["random"],
        "auc_windows_left_out_of_virtual_cows": null,
        "auc": auc,
    }


def _medians_in_words(medians: dict[str, Any]) -> Iterable[str]:
    yield f"  {'median of the herd (least and greatest of the real cows)':<30}"
    for label, rows in medians["labels"].items():
        for name, (herd, low, high) in rows.items():
            said = "   OUTSIDE" if f"{label} {name}" in medians["out"] else ""
            yield f"    {label:<9} {name:<13} {herd:7.1f}  ({low:.1f} to {high:.1f}){said}"


def days(seed: int) -> dict[str, Any]:
    """Judge the usual day against published ones, indoors and at pasture."""
    with TemporaryDirectory(prefix="bench-herd-") as work:
        pasture = Path(work) / "pasture.toml"
        pasture.write_text('[herd]\nhousing = "pasture"\n', encoding="utf-8")
        rows = list(herd_days.judged({"freestall": None, "pasture": pasture}, seed))
    _say(herd_days.lines(rows))
    outside = [f"{stated.housing}: {stated.what}" for stated, _, holds in rows if not holds]
    return {
        "budgets_ok": not outside,
        "budgets_outside": len(outside),
        "budgets": [
            {**stated._asdict(), "measured": measured, "holds": holds} for stated, measured, holds in rows
        ],
    }


def levels(seed: int) -> dict[str, Any]:
    """Compare the three resolutions of one herd."""
    herd = VirtualHerd(seed=seed, cows=50, days=3, eventful=False)
    samples = herd_levels.samples_to_windows(herd, cows=6, hours=6)
    minutes = herd_levels.windows_to_minutes(herd, cows=40, days=2)
    for each in (samples, minutes):
        _say([herd_levels.lines(each)])
    return {
        "samples_to_windows": samples["worst_median_loss"],
        "windows_to_minutes": minutes["worst_median_loss"],
        "samples_to_windows_motion": samples["worst_motion_loss"],
        "windows_to_minutes_motion": minutes["worst_motion_loss"],
        "budgets_between": max(samples["worst_budget_difference"], minutes["worst_budget_difference"]),
        "levels": {"samples": samples, "minutes": minutes},
    }


def told(seed: int) -> dict[str, Any]:
    """Compare what the relay tells of windows with what minutes are told to be."""
    herd = VirtualHerd(seed=seed, cows=50, days=3, eventful=False)
    shares = herd_told.confusion(herd, cows=48, days=2)
    expected = np.array([herd.model["told"][name] for name in STATES])
    worst = 0.0
    for state, name in enumerate(STATES):
        if np.isfinite(shares[state]).all():
            row = " ".join(f"{share:6.3f}" for share in shares[state])
            wanted = " ".join(f"{share:6.3f}" for share in expected[state])
            _say([f"    {name:<15} told {row}   minutes {wanted}"])
            if name != "drink":  # minutes of it are too few
                worst = max(worst, float(np.abs(shares[state] - expected[state]).max()))
    return {"told_worst_difference": worst}


def rules(seeds: Iterable[int], jobs: int) -> dict[str, Any]:
    """Run the published rules on herds with all their events."""
    found = herd_rules.figures(None, seeds, jobs)
    easy = herd_rules.too_easy(found)
    _say(herd_rules.lines(found))
    _say(f"  TOO EASY {line}" for line in easy)
    return {"rules": found, "rules_too_easy": len(easy)}


def series(pack: Path, seed: int) -> dict[str, Any]:
    """Put the statistics of a vendor's counts on this herd beside those of the real series."""
    cows, days_ = 50, 29  # as long as the real one
    herd = VirtualHerd(seed=seed, cows=cows, days=days_ + 10)
    vendor = Vendor(herd.model, seed, cows)
    counts = np.stack([vendor.day(herd.day(day)) for day in range(10, days_ + 10)], axis=1)
    ours = herd_series.series_statistics(counts)
    real = herd_series.real_statistics(pack)
    for name, each in (("this herd", ours), *real.items()):
        flat = ", ".join(f"{key} {value:.3g}" for key, value in each.items() if isinstance(value, float))
        _say([f"    {name}: {flat}"])
    return {"series": {"herd": ours, "real": real}}


def speed(seed: int) -> dict[str, Any]:
    """Return collar-days a second of CPU at each resolution."""
    began_s = time.process_time()
    herd = VirtualHerd(seed=seed, cows=50, days=150)
    for day in range(herd.days):
        herd.minutes(day)
    minutes = 50 * 150 / (time.process_time() - began_s)
    began_s = time.process_time()
    for cow in range(40):
        herd.windows(cow, 149)
    windows_ = 40 / (time.process_time() - began_s)
    samples = inprocess.figures(seed)["times_real_time"] / _DAY_S
    per_s = {"minutes": minutes, "windows": windows_, "samples": samples}
    return {"collar_days_per_s": per_s, **{f"{name}_per_s": value for name, value in per_s.items()}}


def trace(seed: int) -> dict[str, Any]:
    """Return the hash of a herd's days, and how many more runs are not as they must be.

    Each resolution again, in one process and in two, must give the same; another seed another.
    """
    cows, days_ = 12, 3
    first = {at: trace_hash(None, seed, cows, days_, at) for at in ("minutes", "windows")}
    again = [trace_hash(None, seed, cows, days_, at, jobs) != first[at] for at in first for jobs in (1, 2)]
    seed_is_nothing = trace_hash(None, seed + 1, cows, days_, "windows") == first["windows"]
    return {"trace_hash": first["windows"], "trace_differs": sum(again) + seed_is_nothing}
