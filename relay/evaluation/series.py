"""Activity of real herds by 2-hour blocks, as other makers' collars give it: a folder with two tables.

activity_2h.csv.gz (or .csv): herd, cow, dt (local, 2-h steps), raw (counts, may be empty), chg (the maker's
index of change, may be empty), dim (days in milk, may be empty or not be there); one of raw and chg must be a
column, more columns are not read. calvings.csv: herd, cow, calving_date; it may be empty or not be there.
Days in milk choose rows and are no input to any score.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime
from io import TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

BLOCK_H = 2
PER_DAY = 24 // BLOCK_H
_FILES = ("activity_2h.csv.gz", "activity_2h.csv")
_CALVINGS = "calvings.csv"
_KEYS = ("herd", "cow", "dt")
_FIGURES = ("raw", "chg")  # one of them must be a column
_LIMITS = {"raw": (0.0, 65_535.0), "chg": (-1_000.0, 1_000.0), "dim": (-400.0, 4_000.0)}
_LONGEST_DAYS = 3_660
_NAME_MAX = 64


class SeriesError(ValueError):
    """A table cannot be read; says file, line, column, value and bound."""


@dataclass(frozen=True, slots=True)
class Series:
    """One herd from midnight of `first_day` on.

    raw, chg, dim: (cows, blocks) float64, NaN where empty; `rows`: (cows, blocks), the file has a row.
    `calvings`: cow's place and day's place (0 = `first_day`; may lie outside).
    """

    herd: str
    cows: tuple[str, ...]
    first_day: date
    raw: Floats
    chg: Floats
    dim: Floats
    rows: NDArray[np.bool_]
    calvings: tuple[tuple[int, int], ...] = ()

    @property
    def has_raw(self) -> bool:
        """Say whether there is raw activity at all."""
        return bool(np.isfinite(self.raw).any())

    @property
    def has_index(self) -> bool:
        """Say whether there is the maker's index at all."""
        return bool(np.isfinite(self.chg).any())


class _Row(NamedTuple):
    line: int
    at: datetime
    values: tuple[float, float, float]


@dataclass(slots=True)
class _Herd:
    rows: dict[str, dict[datetime, _Row]] = field(default_factory=dict)


def read(folder: Path) -> list[Series]:
    """Return the herds of a pack, by name. Raises SeriesError, OSError."""
    path = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if path is None:
        raise SeriesError(f"{folder}: a pack of activity is a folder with {' or '.join(_FILES)}")
    herds: dict[str, _Herd] = {}
    for line, cells in _lines(path, _KEYS, _FIGURES):
        row = _row(path, line, cells)
        of_cow = herds.setdefault(cells["herd"], _Herd()).rows.setdefault(cells["cow"], {})
        before = of_cow.setdefault(_block_start(row.at), row)
        if before is not row and (before.at != row.at or _differ(before, row)):
            raise SeriesError(
                f"{path} line {line}: dt={cells['dt']}: cow {cells['cow']} has two values in this block of "
                f"{BLOCK_H} h, the other in line {before.line}"
            )
    if not herds:
        raise SeriesError(f"{path}: no rows")
    calved = _calvings(folder / _CALVINGS)
    return [_series(path, name, herds[name], calved) for name in sorted(herds)]


def _lines(
    path: Path, needed: tuple[str, ...], any_of: tuple[str, ...] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as packed:
            table = csv.DictReader(TextIOWrapper(packed, encoding="utf-8-sig", newline=""))
            found = tuple(table.fieldnames or ())
            missing = [name for name in needed if name not in found]
            if any_of and not set(any_of) & set(found):
                missing.append(" or ".join(any_of))
            if missing:
                raise SeriesError(
                    f"{path} line 1: no column {missing[0]}; found {', '.join(found) or 'none'}"
                )
            for cells in table:
                short = [name for name in needed if cells[name] is None]
                if short:
                    raise SeriesError(f"{path} line {table.line_num}: the row ends before column {short[0]}")
                yield table.line_num, cells
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error, csv.Error) as error:
        raise SeriesError(f"{path}: cannot be read as a table: {error}") from error


def _row(path: Path, line: int, cells: dict[str, str]) -> _Row:
    for name in ("herd", "cow"):
        if not (0 < len(cells[name]) <= _NAME_MAX and cells[name].isprintable()):  # a terminal shows it
            raise SeriesError(
                f"{path} line {line}: {name}={cells[name][:_NAME_MAX]!r}: "
                f"1 to {_NAME_MAX} printable characters"
            )
    try:
        at = datetime.fromisoformat(cells["dt"]).replace(tzinfo=None)
    except ValueError as error:
        raise SeriesError(
            f"{path} line {line}: dt={cells['dt']!r}: not a time as 2019-01-28T22:00"
        ) from error
    raw, chg, dim = (_number(path, line, name, cells.get(name) or "") for name in ("raw", "chg", "dim"))
    return _Row(line, at, (raw, chg, dim))


def _number(path: Path, line: int, name: str, cell: str) -> float:
    low, high = _LIMITS[name]
    if not cell.strip():
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = math.inf
    if not low <= value <= high:
        raise SeriesError(f"{path} line {line}: {name}={cell!r}: a number from {low:g} to {high:g}, or empty")
    return value


def _block_start(at: datetime) -> datetime:
    return at.replace(hour=at.hour - at.hour % BLOCK_H, minute=0, second=0, microsecond=0)


def _differ(one: _Row, other: _Row) -> bool:
    return not np.array_equal(one.values, other.values, equal_nan=True)


def _calvings(path: Path) -> dict[tuple[str, str], list[date]]:
    if not path.is_file() or not path.stat().st_size:
        return {}
    found: dict[tuple[str, str], list[date]] = {}
    for line, cells in _lines(path, ("herd", "cow", "calving_date")):
        try:
            day = datetime.fromisoformat(cells["calving_date"]).date()
        except ValueError as error:
            raise SeriesError(
                f"{path} line {line}: calving_date={cells['calving_date']!r}: not a day as 2019-01-28"
            ) from error
        found.setdefault((cells["herd"], cells["cow"]), []).append(day)
    return found


def _series(path: Path, name: str, herd: _Herd, calved: dict[tuple[str, str], list[date]]) -> Series:
    cows = tuple(sorted(herd.rows))
    first = min(min(rows) for rows in herd.rows.values()).date()
    last = max(max(rows) for rows in herd.rows.values()).date()
    days = (last - first).days + 1
    if days > _LONGEST_DAYS:
        raise SeriesError(f"{path}: herd {name}: dt from {first} to {last}: at most {_LONGEST_DAYS} days")
    values = np.full((3, len(cows), days * PER_DAY), np.nan)
    there = np.zeros((len(cows), days * PER_DAY), dtype=bool)
    midnight = datetime.combine(first, datetime.min.time())
    for cow, each in enumerate(cows):
        for start, row in herd.rows[each].items():
            block = int((start - midnight).total_seconds()) // (3600 * BLOCK_H)
            values[:, cow, block] = row.values
            there[cow, block] = True
    known = tuple(
        (cow, (day - first).days)
        for cow, each in enumerate(cows)
        for day in sorted(set(calved.get((name, each), ())))
    )
    return Series(name, cows, first, values[0], values[1], values[2], there, known)
