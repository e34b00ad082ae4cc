"""A gzip'd CSV file by columns; an error names file, line, column and value."""

from __future__ import annotations

import csv
import gzip
import zlib
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    T = TypeVar("T")
    N = TypeVar("N", int, float)

RECORD_BYTES = 14  # wire.md, "windows"


class PackError(ValueError):
    """A pack or extract file that is not there or not as documented; says file, line, column and value."""


class Table(NamedTuple):
    """Columns of text; cells are checked when a column is taken. Every method raises PackError."""

    path: Path
    columns: dict[str, Sequence[str]]

    @classmethod
    def read(cls, path: Path, names: tuple[str, ...]) -> Table:
        """Return the columns of these names; others are ignored."""
        try:
            with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
                header, *rows = csv.reader(lines)
        except FileNotFoundError:
            raise PackError(f"{path} is not there") from None
        except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
            raise PackError(f"{path} is not a whole gzip'd CSV file in UTF-8: {error}") from error
        except ValueError:
            raise PackError(f"{path} is empty, want a header line and rows") from None
        missing = [name for name in names if name not in header]
        if missing:
            raise PackError(f"{path}, line 1: no column {', '.join(missing)}; there are {', '.join(header)}")
        return cls(path, _columns(path, header, rows, names))

    def texts(self, column: str) -> NDArray[np.str_]:
        """Return cells that may not be empty."""
        return np.array(self._each(column, _text), dtype=np.str_)

    def integers(self, column: str, low: int, high: int, *, empty: int | None = None) -> NDArray[np.int64]:
        """Return whole numbers within the bounds; an empty cell is `empty`, if that is given."""

        def number(cell: str) -> int:
            return empty if empty is not None and not cell else _within(int(cell), low, high)

        return np.array(self._each(column, number, f"a whole number {low}..{high}"), dtype=np.int64)

    def floats(self, column: str, low: float, high: float) -> NDArray[np.float64]:
        """Return numbers within the bounds; NaN is within none."""

        def number(cell: str) -> float:
            return _within(float(cell), low, high)

        return np.array(self._each(column, number, f"a number {low:g}..{high:g}"), dtype=np.float64)

    def records(self, column: str) -> NDArray[np.uint8]:
        """Return (n, 14) bytes."""
        cells = self._each(column, _record, f"{2 * RECORD_BYTES} hex digits")
        return np.frombuffer(b"".join(cells), dtype=np.uint8).reshape(-1, RECORD_BYTES)

    def _each(self, column: str, read: Callable[[str], T], wanted: str = "some text") -> list[T]:
        out: list[T] = []
        for line, cell in enumerate(self.columns[column], start=2):
            try:
                out.append(read(cell))
            except ValueError:
                where = f"{self.path}, line {line}, column {column}"
                raise PackError(f"{where}: {cell!r} is not {wanted}") from None
        return out


def _columns(
    path: Path, header: list[str], rows: list[list[str]], names: tuple[str, ...]
) -> dict[str, Sequence[str]]:
    if not rows:
        raise PackError(f"{path} has a header line and no row")
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise PackError(f"{path}, line {line}: {len(row)} cells, want {len(header)}")
    by_place = list(zip(*rows, strict=True))
    return {name: by_place[header.index(name)] for name in names}


def _text(cell: str) -> str:
    if not cell.strip():
        raise ValueError
    return cell


def _record(cell: str) -> bytes:
    record = bytes.fromhex(cell)
    if len(cell) != 2 * RECORD_BYTES or len(record) != RECORD_BYTES:  # fromhex lets blanks pass
        raise ValueError
    return record


def _within(number: N, low: N, high: N) -> N:
    if not low <= number <= high:
        raise ValueError
    return number
