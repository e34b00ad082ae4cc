"""A real day, told by watchers of an animal: samples.csv.gz of the pack heifer-24h, to set beside ours.

Columns: t (ISO, local), posture (lying, lying_down, standing, standing_up, walking), ruminating, feeding,
drinking (0 or 1); the others are not read. One reading every ten seconds or so is no waveform.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.plan.states import DRINK, EAT, LIE, LIE_RUMINATE, STAND, STAND_RUMINATE, WALK
from simulator.recording import PackError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_GAP_MS = 60_000  # a longer step is a gap
_FLAGS = ("ruminating", "feeding", "drinking")
_POSTURES = ("lying", "lying_down", "standing", "standing_up", "walking")
_NEEDED = ("t", "posture", *_FLAGS)


class Spans(NamedTuple):
    """What an animal does when: `start_ms`, `end_ms` (m,) since midnight, `state` (m,) places in STATES."""

    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    state: NDArray[np.uint8]

    def hours(self, states: int) -> NDArray[np.float64]:
        """Return (states,) hours spent in each state."""
        length_h = (self.end_ms - self.start_ms) / 3_600_000
        return np.bincount(self.state, weights=length_h, minlength=states).astype(np.float64)


def read_day(folder: Path) -> Spans:
    """Return the day in a pack like heifer-24h. Raises PackError naming file, line and value; OSError."""
    path = folder / "samples.csv.gz"
    at_ms, state = [], []
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
            if missing:
                raise PackError(f"{path} has no column {missing[0]}: want {', '.join(_NEEDED)}")
            for line, row in enumerate(rows, 2):
                at_ms.append(_ms(row["t"], f"{path}, line {line}"))
                state.append(_state(row, f"{path}, line {line}"))
    except (gzip.BadGzipFile, zlib.error, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise PackError(f"{path}: {error}") from error
    if len(at_ms) < 2 or any(step <= 0 for step in np.diff(at_ms)):
        raise PackError(f"{path}: want two rows or more, in order of t")
    return _spans(np.array(at_ms), np.array(state, np.uint8))


def _ms(text: str, where: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise PackError(f"{where}: t={text!r} is no time") from error
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return round((at - midnight).total_seconds() * 1000)


def _state(row: dict[str, str], where: str) -> int:
    posture = row["posture"]
    if posture not in _POSTURES:
        raise PackError(f"{where}: posture={posture!r}, want one of {', '.join(_POSTURES)}")
    for name in _FLAGS:
        if row[name] not in ("0", "1"):
            raise PackError(f"{where}: {name}={row[name]!r}, want 0 or 1")
    chews, feeds, drinks = (row[name] == "1" for name in _FLAGS)
    if posture.startswith("lying"):
        return LIE_RUMINATE if chews else LIE
    if feeds:
        return EAT
    if drinks:
        return DRINK
    if chews:
        return STAND_RUMINATE
    return WALK if posture == "walking" else STAND


def _spans(at_ms: NDArray[np.int64], state: NDArray[np.uint8]) -> Spans:
    """Return readings alike as one span, each held until the next unless that is long in coming."""
    step_ms = np.append(np.diff(at_ms), 10_000)
    fresh = np.concatenate(([True], (state[1:] != state[:-1]) | (step_ms[:-1] > _GAP_MS)))
    last = np.append(np.flatnonzero(fresh)[1:] - 1, len(state) - 1)
    end_ms = at_ms[last] + np.where(step_ms[last] > _GAP_MS, 10_000, step_ms[last])
    return Spans(at_ms[fresh], end_ms, state[fresh])
