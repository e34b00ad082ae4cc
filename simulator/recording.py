"""Recorded cows: a pack in the documented form of wasp-cow-collar becomes one Motion per animal.

A pack is a folder with segments.csv (seg, animal, start, ...) and samples.csv.gz (seg, b_ax, b_ay, b_az, ...:
mg at 10 Hz, in time order inside a segment). The BNO055 columns are used: one cow's other accelerometer is
mis-scaled. The rows are other people's and never enter this repository.
"""

from __future__ import annotations

import csv
import gzip
from array import array
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

STEP_US = 100_000  # every step of the recordings is 100 ms
_AXES = ("b_ax", "b_ay", "b_az")


class PackError(ValueError):
    """A pack that is not there or not as documented; says file, line and column."""


class Recording:
    """One animal's segments joined end to end and repeated for ever; implements Motion."""

    def __init__(self, samples_mg: NDArray[np.float64]) -> None:
        """`samples_mg`: (n, 3) at 10 Hz, n >= 1."""
        self._loop = np.concatenate((samples_mg, samples_mg[:1]))

    @property
    def length_us(self) -> int:
        """How long it is before it repeats."""
        return (len(self._loop) - 1) * STEP_US

    def at(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, 3) mg at the (n,) times, straight lines between the recorded samples."""
        index, rest_us = np.divmod(times_us % self.length_us, STEP_US)
        before = self._loop[index]
        out: NDArray[np.float64] = before + (rest_us / STEP_US)[:, None] * (self._loop[index + 1] - before)
        return out


def open_pack(folder: Path) -> list[tuple[str, Recording]]:
    """Return (animal, motion) for every animal of the pack, by name.

    Segments are joined by start time, the gaps between them cut. Raises PackError.
    """
    segments = list(_segments(folder / "segments.csv"))
    samples = _samples(folder / "samples.csv.gz")
    rows: dict[str, list[NDArray[np.float64]]] = {}
    for animal, _, segment in sorted(segments, key=lambda item: item[:2]):
        if segment in samples:
            rows.setdefault(animal, []).append(np.array(samples[segment], dtype=np.float64).reshape(-1, 3))
    if not rows:
        raise PackError(f"{folder}: no segment has samples")
    return [(animal, Recording(np.concatenate(parts))) for animal, parts in sorted(rows.items())]


def _segments(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield (animal, start, segment number)."""
    with _opened(path) as lines:
        for line, row in _rows(path, lines, ("seg", "animal", "start")):
            yield row[1], row[2], _number(path, line, "seg", row[0])


def _samples(path: Path) -> dict[int, array[int]]:
    """Return segment number -> x, y, z, x, y, z, ... in mg."""
    out: dict[int, array[int]] = {}
    with _opened(path) as lines:
        for line, row in _rows(path, lines, ("seg", *_AXES)):
            try:
                segment, x, y, z = map(int, row)
            except ValueError:
                for column, text in zip(("seg", *_AXES), row, strict=True):
                    _number(path, line, column, text)
                raise
            out.setdefault(segment, array("i")).extend((x, y, z))
    return out


def _opened(path: Path) -> IO[str]:
    if not path.is_file():
        raise PackError(f"{path} is not there; a pack is a folder with segments.csv and samples.csv.gz")
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _rows(
    path: Path, lines: Iterable[str], columns: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (line number, the cells of `columns`)."""
    reader = csv.reader(lines)
    header = next(reader, [])
    missing = [column for column in columns if column not in header]
    if missing:
        raise PackError(f"{path}, line 1: no column {', '.join(missing)}; there are {', '.join(header)}")
    places = [header.index(column) for column in columns]
    for row in reader:
        if len(row) <= max(places):
            raise PackError(f"{path}, line {reader.line_num}: {len(row)} cells, want {len(header)}")
        yield reader.line_num, tuple(row[place] for place in places)


def _number(path: Path, line: int, column: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise PackError(f"{path}, line {line}, column {column}: {text!r} is not a whole number") from None
