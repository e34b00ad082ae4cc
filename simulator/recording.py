"""Recorded cows: a pack in the documented form of wasp-cow-collar as segments, or as one Motion per animal.

A pack is a folder with segments.csv (seg, animal, label, start, n, ...) and samples.csv.gz (seg, b_ax, b_ay,
b_az, ...: mg at 10 Hz, in time order inside a segment). The BNO055 columns are used: one cow's other
accelerometer is mis-scaled. The rows are other people's and never enter this repository.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

STEP_US = 100_000  # every step of the recordings is 100 ms
STEP_MS = STEP_US // 1000
SEGMENTS, SAMPLES = "segments.csv", "samples.csv.gz"
_AXES = ("b_ax", "b_ay", "b_az")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_UNREADABLE = (EOFError, OSError, UnicodeError, csv.Error, zlib.error)


class PackError(ValueError):
    """A pack that is not there or not as documented; says file, line and column."""


@dataclass(frozen=True)
class Segment:
    """n consecutive samples of one animal under one label, as recorded; `line` is that in segments.csv."""

    number: int
    animal: str
    label: str  # empty where nobody said
    start_ms: int  # local time of the first sample, since 1970 as if it were UTC
    samples_mg: NDArray[np.int64]  # (n, 3)
    line: int

    @property
    def last_ms(self) -> int:
        """Local time of the last sample."""
        return self.start_ms + (len(self.samples_mg) - 1) * STEP_MS


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
    segments = list(_segments(folder / SEGMENTS))
    samples = _samples(folder / SAMPLES)
    rows: dict[str, list[NDArray[np.float64]]] = {}
    for animal, _, segment in sorted(segments, key=lambda item: item[:2]):
        if segment in samples:
            rows.setdefault(animal, []).append(np.array(samples[segment], dtype=np.float64).reshape(-1, 3))
    if not rows:
        raise PackError(f"{folder}: no segment has samples")
    return [(animal, Recording(np.concatenate(parts))) for animal, parts in sorted(rows.items())]


def read_segments(folder: Path) -> list[Segment]:
    """Return every segment of a pack, ordered by animal and start.

    Raises PackError for files that do not belong together: a segment without its n samples, samples without
    a segment, a number given twice, an animal in two segments at once.
    """
    path, samples = folder / SEGMENTS, _samples(folder / SAMPLES)
    found: dict[int, Segment] = {}
    with _opened(path) as lines:
        for line, row in _rows(path, lines, ("seg", "animal", "start", "n"), optional=("label",)):
            segment = _segment(path, line, row, samples)
            if segment.number in found:
                raise PackError(f"{path}, line {line}, column seg: {segment.number} is there twice")
            found[segment.number] = segment
    strange = samples.keys() - found.keys()
    if strange:
        raise PackError(f"{folder / SAMPLES}, column seg: {min(strange)} is not in {SEGMENTS}")
    if not found:
        raise PackError(f"{path}: no segment")
    segments = sorted(found.values(), key=lambda one: (one.animal, one.start_ms))
    for before, after in pairwise(segments):
        if before.animal == after.animal and after.start_ms <= before.last_ms:
            raise PackError(
                f"{path}, line {after.line}, column start: segment {after.number} begins before segment "
                f"{before.number} of the same animal, line {before.line}, ends"
            )
    return segments


def _segment(path: Path, line: int, row: tuple[str, ...], samples: dict[int, array[int]]) -> Segment:
    """Return the segment of a line. Raises PackError."""
    number, n = _number(path, line, "seg", row[0]), _number(path, line, "n", row[3])
    rows = np.array(samples.get(number, ()), dtype=np.int64).reshape(-1, 3)
    if n < 1 or n != len(rows):
        raise PackError(f"{path}, line {line}, column n: {n}, but {SAMPLES} holds {len(rows)} of {number}")
    return Segment(number, row[1], row[4], _time_ms(path, line, row[2]), rows, line)


def _time_ms(path: Path, line: int, text: str) -> int:
    """Return a local time in ms since 1970 as if it were UTC, rounded down."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise PackError(
            f"{path}, line {line}, column start: {text!r} is not a time like 2024-05-13T14:44:00.000"
        ) from None
    return (local.replace(tzinfo=UTC) - _EPOCH) // _MS


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
                out.setdefault(segment, array("i")).extend((x, y, z))
            except (ValueError, OverflowError):
                for column, text in zip(("seg", *_AXES), row, strict=True):
                    _number(path, line, column, text)
                raise
    return out


def _opened(path: Path) -> IO[str]:
    if not path.is_file():
        raise PackError(f"{path} is not there; a pack is a folder with {SEGMENTS} and {SAMPLES}")
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _rows(
    path: Path, lines: Iterable[str], columns: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (line number, the cells of `columns` and `optional`); empty where an optional one is missing."""
    reader = csv.reader(lines)
    try:
        header = next(reader, [])
        missing = [column for column in columns if column not in header]
        if missing:
            raise PackError(f"{path}, line 1: no column {', '.join(missing)}; there are {', '.join(header)}")
        known = {column: header.index(column) for column in (*columns, *optional) if column in header}
        for row in reader:
            if len(row) < len(header):
                raise PackError(f"{path}, line {reader.line_num}: {len(row)} cells, want {len(header)}")
            cells = (row[known[column]] if column in known else "" for column in (*columns, *optional))
            yield reader.line_num, tuple(cells)
    except _UNREADABLE as error:
        raise PackError(f"{path}, after line {reader.line_num}: cannot be read ({error})") from error


def _number(path: Path, line: int, column: str, text: str) -> int:
    try:
        (number,) = array("i", (int(text),))
    except (ValueError, OverflowError):
        raise PackError(
            f"{path}, line {line}, column {column}: {text!r} is not a whole number of 32 bits"
        ) from None
    return number
