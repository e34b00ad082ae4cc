"""The numbers of the virtual herd, read from herd.toml: each with the tag of its source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

SOURCES = ("measured", "published", "assumed")
BEHAVIOURS = ("rest", "ruminate", "graze", "walk")
DEFAULT_PATH = Path(__file__).with_name("herd.toml")

Vector = tuple[float, ...]


class HerdError(ValueError):
    """A herd file that misses a number, or a number that does not say where it comes from."""


@dataclass(frozen=True, slots=True)
class Bouts:
    """How long a behaviour lasts (log-normal) and what follows it (weights)."""

    median_min: float
    log_sd: float
    range_min: Vector
    next: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Waveform:
    """How a behaviour looks at the neck; per axis where a tuple."""

    mad_mg: Vector
    jerk_mg: Vector
    posture_mg: Vector
    line_share: float
    restlessness: float
    spectrum: Vector


@dataclass(frozen=True, slots=True)
class Line:
    """A rhythm: rate (mean, sd between cows), its bounds, and the share of its power at twice the rate."""

    rate_hz: Vector
    range_hz: Vector
    second_harmonic: float


@dataclass(frozen=True, slots=True)
class CowModel:
    """Everything a Cow draws from."""

    bouts: dict[str, Bouts]
    waveforms: dict[str, Waveform]
    lines: dict[str, Line]
    day: dict[str, Any]
    rhythm: dict[str, Any]
    cow: dict[str, float]
    sick: dict[str, Any]
    herd: dict[str, Any]


@lru_cache(maxsize=8)
def load_model(path: Path | None = None) -> CowModel:
    """Read a herd file (None: the one in the package).

    Raises HerdError with file and field if a number or its source is missing.
    """
    path = path or DEFAULT_PATH
    values = _untagged(tomllib.loads(path.read_text(encoding="utf-8")), path, "")
    try:
        return _model(values)
    except (KeyError, TypeError) as exc:
        raise HerdError(f"{path}: {exc} is missing or unknown") from exc


def _untagged(node: dict[str, Any], path: Path, where: str) -> dict[str, Any]:
    """Return the tree with every {value, source, from} replaced by its value."""
    out = {}
    for key, item in node.items():
        field = f"{where}{key}"
        if not isinstance(item, dict):
            raise HerdError(f"{path}: {field} has no source; want {{ value, source, from }}")
        out[key] = _value(item, path, field) if "value" in item else _untagged(item, path, f"{field}.")
    return out


def _value(item: dict[str, Any], path: Path, field: str) -> Any:
    if item.get("source") not in SOURCES:
        raise HerdError(f"{path}: {field}: source={item.get('source')!r}, want one of {', '.join(SOURCES)}")
    if not item.get("from"):
        raise HerdError(f"{path}: {field}: 'from' does not say where it comes from")
    value = item["value"]
    return tuple(value) if isinstance(value, list) else value


def _model(values: dict[str, Any]) -> CowModel:
    return CowModel(
        bouts={name: _bouts(values["behaviour"][name]) for name in BEHAVIOURS},
        waveforms={name: Waveform(**values["waveform"][name]) for name in BEHAVIOURS},
        lines={name: _line(values["line"], name) for name in ("chew", "bite", "stride")},
        day=values["day"],
        rhythm={name: values["line"][name] for name in ("bout_sd_hz", "bolus_s", "pause_s")},
        cow=values["cow"],
        sick=values["sick"],
        herd=values["herd"],
    )


def _bouts(table: dict[str, Any]) -> Bouts:
    return Bouts(
        table["bout_median_min"], table["bout_log_sd"], table["bout_range_min"], tuple(table["next"].items())
    )


def _line(table: dict[str, Any], name: str) -> Line:
    return Line(table[f"{name}_hz"], table[f"{name}_range_hz"], table[f"{name}_second_harmonic"])
