"""What truly happened, and when a message counts as having found it. No relay ever sees either.

truth.jsonl holds one JSON object a line: animal (her number; "" for the whole farm), kind, onset_ms, end_ms
(null: to the very end), peak_ms, expressed (somebody who watches her could see it). It is written when the
relay's process has gone, so none can open it; `match` is where a benchmark joins both.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.plan.routine import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_TABLE = Path(__file__).with_name("matching.toml")


@dataclass(frozen=True, slots=True)
class TruthRow:
    """Something that happens to an animal; times in ms since the start, `end_ms` None: to the very end.

    `peak_ms`: its worst moment, None where it has none of its own.
    """

    animal: str
    kind: str
    onset_ms: int
    end_ms: int | None
    expressed: bool
    peak_ms: int | None = None

    def as_json(self, start_utc_ms: int) -> str:
        """Return one line of truth.jsonl for a simulation that began at `start_utc_ms`."""
        row: dict[str, Any] = {"animal": self.animal, "kind": self.kind}
        for name in ("onset_ms", "end_ms", "peak_ms"):
            value = getattr(self, name)
            row[name] = None if value is None else start_utc_ms + value
        return json.dumps(row | {"expressed": self.expressed})


class Window(NamedTuple):
    """Hours after the anchor (onset, end or peak) within which a message has found an event of a kind.

    `alert`: the kind of that message.
    """

    anchor: str
    from_h: float
    to_h: float
    alert: str

    def span_ms(self, row: TruthRow) -> tuple[int, int]:
        """Return the first and last ms, on the clock of the row; an anchor that is missing is the onset."""
        anchors = {"onset": row.onset_ms, "end": row.end_ms, "peak": row.peak_ms}
        at_ms = anchors[self.anchor]
        at_ms = row.onset_ms if at_ms is None else at_ms
        return at_ms + round(self.from_h * HOUR_MS), at_ms + round(self.to_h * HOUR_MS)


@lru_cache(maxsize=1)
def matching() -> Mapping[str, Window]:
    """Return the windows of every kind of event (matching.toml)."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return {
        kind: Window(row["anchor"], row["from_h"], row["to_h"], row.get("alert", kind))
        for kind, row in table["kind"].items()
    }


class Alert(NamedTuple):
    """A message about an animal: its own kind, and when it could be read, ms on the clock of the truth."""

    animal: str
    kind: str
    at_ms: int


class Matched(NamedTuple):
    """`found`: for each row of truth its first alert or None. `false`: alerts that found nothing."""

    found: tuple[Alert | None, ...]
    false: tuple[Alert, ...]


def match(truth: Sequence[TruthRow], alerts: Iterable[Alert]) -> Matched:
    """Join alerts with truth of the same animal that they can find. Every alert inside a window is of use.

    Two alerts in one window are one find; an alert in the windows of two events finds both.
    """
    by_animal: dict[tuple[str, str], list[Alert]] = {}
    for alert in sorted(alerts, key=lambda each: each.at_ms):
        by_animal.setdefault((alert.animal, alert.kind), []).append(alert)
    found: list[Alert | None] = []
    of_use: set[Alert] = set()
    for row in truth:
        window = matching()[row.kind]
        low, high = window.span_ms(row)
        hits = [each for each in by_animal.get((row.animal, window.alert), ()) if low <= each.at_ms <= high]
        found.append(hits[0] if hits else None)
        of_use.update(hits)
    false = [each for hers in by_animal.values() for each in hers if each not in of_use]
    return Matched(tuple(found), tuple(false))


def write_truth(path: Path, rows: Iterable[TruthRow], start_utc_ms: int) -> None:
    """Write truth.jsonl of a simulation that began at `start_utc_ms`."""
    path.write_text("".join(f"{row.as_json(start_utc_ms)}\n" for row in rows), encoding="utf-8")
