"""How a bench of judgements ends: a table of what was asked and measured, the same as JSON, and an exit code.

A figure that misses what was asked fails the bench, unless `not_reached` says what is held instead and why:
then that is said aloud.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Row(NamedTuple):
    """One line of the table. `asked` and `reach`: None for a figure that only stands beside.

    `command` shows this figure by itself. `most`: asked and reach are the most it may be, not the least.
    """

    key: str
    what: str
    asked: float | None
    reach: float | None
    witness: str
    command: str
    most: bool = False

    def holds(self, measured: float, bound: float | None) -> bool:
        """Say whether a figure is on the right side of a bound."""
        return bound is None or (measured <= bound if self.most else measured >= bound)


@dataclass(frozen=True)
class Bench:
    """Rows by name of the bench; `not_reached`: key -> (what is held instead, what limits it).

    `flat`: what was measured stands at the root of the JSON, too, for those who read it by its keys.
    """

    name: str
    rows: tuple[Row, ...]
    not_reached: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    flat: bool = False

    def rows_of(self, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the rows that were measured, as the JSON holds them."""
        return [
            {
                "key": row.key,
                "what": row.what,
                "asked": row.asked,
                "reach": row.reach,
                "measured": round(figures[row.key], 4),
                "reached": row.holds(figures[row.key], row.asked),
                "reached_for": row.holds(figures[row.key], row.reach),
                "witness": row.witness,
                "command": row.command,
            }
            for row in self.rows
            if figures.get(row.key) is not None
        ]

    def missed(self, figures: Mapping[str, Any], *, whole: bool = True) -> list[str]:
        """Return a line for each figure beyond what holds it; say what was not reached.

        `whole`: a figure that is not there is missed too.
        """
        lines = []
        for row in self.rows:
            value = figures.get(row.key)
            held, why = self.not_reached.get(row.key, (row.asked, ""))
            if value is None:
                lines += [f"{row.key}: not measured"] * whole
            elif row.holds(value, row.asked):
                continue
            elif row.holds(value, held):
                print(f"NOT REACHED {row.key}={value:.3f}, asked {row.asked}: {why}")  # noqa: T201 - a result
            else:
                lines.append(f"{row.key}={value:.3f}, held to {held} (asked {row.asked})")
        return lines

    def measure(
        self,
        parts: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]],
        only: Iterable[str] | None,
    ) -> dict[str, Any]:
        """Return the figures of the chosen parts, each given those before; a part that is not there exits."""
        if unknown := set(only or ()) - set(parts):
            sys.exit(f"--only {' '.join(sorted(unknown))}: the parts are {' '.join(parts)}")
        figures: dict[str, Any] = {}
        for name in only or parts:
            print(f"bench-{self.name}: {name} ...", flush=True)  # noqa: T201 - a benchmark talks
            began_s = time.monotonic()
            figures |= parts[name](figures)
            print(f"  {time.monotonic() - began_s:.0f} s", flush=True)  # noqa: T201 - as above
        return figures

    def end(self, seed: int, figures: Mapping[str, Any], *, whole: bool) -> int:
        """Print the table, say what misses its limit, return the exit code; of a whole run write the JSON.

        In a run that is not whole, what was not measured is not missed.
        """
        print(table(self.rows_of(figures)))  # noqa: T201 - a result
        if whole:
            print(f"  -> {self.write(seed, figures)}")  # noqa: T201 - as above
        lines = self.missed(figures, whole=whole)
        for line in lines:
            print(f"MISSED {line}")  # noqa: T201 - as above
        return 1 if lines else 0

    def write(self, seed: int, figures: Mapping[str, Any], folder: Path = Path("build/bench")) -> Path:
        """Write rows and what was measured beside them; return the path."""
        from simulator.bench.report import commit, machine

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        known = {row.key for row in self.rows}
        record = {
            "name": self.name,
            "commit": commit(),
            "seed": seed,
            "machine": machine(),
            "rows": self.rows_of(figures),
            "beside": {key: value for key, value in figures.items() if key not in known},
        }
        if self.flat:
            record = {**figures, **record}
            del record["beside"]
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return path


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows for a terminal."""
    head = ("", "measured", "asked", "reach for", "", "beside it")
    cells = [head]
    for row in rows:
        said = "" if row["asked"] is None else "reached" if row["reached"] else "NOT REACHED"
        bounds = ("-" if row[key] is None else f"{row[key]:g}" for key in ("asked", "reach"))
        cells.append((row["what"], f"{row['measured']:.3f}", *bounds, said, row["witness"]))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for what, measured, asked, reach, said, witness in cells:
        numbers = (
            text.rjust(width) for text, width in zip((measured, asked, reach), widths[1:4], strict=True)
        )
        lines.append("  ".join((what.ljust(widths[0]), *numbers, said.ljust(widths[4]), witness)).rstrip())
    return "\n".join(f"  {line}" for line in lines)
