"""What a run of a herd leaves in a folder: a file for every day, the farm's own records, weather, truth."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.clock import START_UTC_MS
from simulator.herd_words import name_of
from simulator.herdfile import HerdError
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.truth import write_truth

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from simulator.herd_trace import Part
    from simulator.lives.happening import History
    from simulator.virtual_herd import VirtualHerd

_PREGNANCY_TOLD_DAY = 35  # after insemination: from then on the farmer knows when she is due


class HerdFolder:
    """An empty or new folder. Raises HerdError if it holds anything."""

    def __init__(self, path: Path) -> None:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise HerdError(f"--out {path} is not an empty folder")
        path.mkdir(parents=True, exist_ok=True)
        self.path = path

    def save_day(self, at: str, day: int, made: Sequence[Part]) -> None:
        """Write a day's file; it appears whole or not at all."""
        arrays: dict[str, Any] = dict(made[0].arrays)
        if len(made) > 1:
            arrays["windows"] = np.concatenate([part.arrays["windows"] for part in made])
        path = self.path / f"{at}-{day:04d}.npz"
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, **arrays)
        partial.replace(path)

    def finish(self, herd: VirtualHerd, days: int) -> None:
        """Write farm.json, weather.csv and, last, truth.jsonl of the `days` days that were lived."""
        farm = json.dumps(farm_of(herd, days), indent=1, ensure_ascii=False)
        (self.path / "farm.json").write_text(f"{farm}\n", encoding="utf-8")
        _write_weather(self.path / "weather.csv", herd, days)
        rows = [row for row in herd.truth if row.onset_ms < days * DAY_MS]
        write_truth(self.path / "truth.jsonl", rows, START_UTC_MS)


def farm_of(herd: VirtualHerd, days: int) -> dict[str, Any]:
    """Return what a farmer would have recorded by the end of `days`; times are UTC ms."""
    said = herd.model["herd"]
    return {
        "zone": said["zone"],
        "housing": said["housing"],
        "start_ms": START_UTC_MS,
        "days": days,
        "animals": [_animal(herd, history, days) for history in herd.histories],
    }


def _animal(herd: VirtualHerd, history: History, days: int) -> dict[str, Any]:
    told_day = herd.model["breeding"]["gestation_day"][0] - _PREGNANCY_TOLD_DAY
    end_ms = days * DAY_MS
    known = [
        {"kind": each.kind, "at_ms": START_UTC_MS + each.at_ms}
        for each in history.life_events
        if each.at_ms - (told_day * DAY_MS if each.kind == "due" else 0) < end_ms
    ]
    return {
        "number": herd.number(history.cow),
        "name": name_of(herd.model, history.cow),
        "device": herd.model["herd"]["first_device"] + history.cow,
        "group": history.group,
        "parity": history.parity,
        "days_in_milk": history.dim_at_start,
        "life_events": known,
    }


def _write_weather(path: Path, herd: VirtualHerd, days: int) -> None:
    weather = herd.weather
    hour_ms = np.arange(days * 24, dtype=np.int64) * HOUR_MS
    wet = _wet(hour_ms, weather.rain)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("at_ms", "air_c", "humidity_percent", "thi", "rain"))
        for hour, at_ms in enumerate(hour_ms.tolist()):
            rows.writerow(
                (
                    START_UTC_MS + at_ms,
                    f"{weather.air_c[hour]:.1f}",
                    f"{weather.humidity_percent[hour]:.0f}",
                    f"{float(weather.thi(at_ms)):.1f}",
                    int(wet[hour]),
                )
            )


def _wet(hour_ms: NDArray[np.int64], spells: NDArray[np.int64]) -> NDArray[np.bool_]:
    begins, ends = spells[:, 0][:, None], spells[:, 1][:, None]
    return np.asarray(((begins < hour_ms + HOUR_MS) & (ends > hour_ms)).any(axis=0))
