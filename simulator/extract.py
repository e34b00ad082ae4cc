"""Packs of recorded cows -> the windows that their collars would have sent, as a file (README.md, "Windows").

Every stretch of recording without a gap goes through the chip model, the firmware's driver and its window
kernel. Windows are cut from the first sample of a stretch on, blind to labels and segments.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from herdcore.vocabulary import WINDOW_MS
from simulator.recorded_windows import aligned_windows, windows_in
from simulator.recording import SAMPLES, SEGMENTS, STEP_MS, PackError, read_segments
from simulator.turning import drawn, seed_of, turned_and_tilted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import TextIO

    from numpy.typing import NDArray

    from simulator.recording import Segment

MOST_GAP_MS = 250  # between the samples of one stretch of recording
_A_PACK = f"a pack with waveforms is a folder with {SEGMENTS} and {SAMPLES}"


class WindowRow(NamedTuple):
    """One row of the file; the fields are its columns, README.md says what they hold."""

    pack: str
    animal: str
    copy: int
    run: int
    start_ms: int
    label: str
    share: int
    segment: str
    record: str


@dataclass(frozen=True)
class Run:
    """Segments of one animal with no gap between them; n samples."""

    segments: tuple[Segment, ...]

    @property
    def start_ms(self) -> int:
        """Local time of the first sample."""
        return self.segments[0].start_ms

    def times_ms(self) -> NDArray[np.int64]:
        """Return (n,) times since the first sample."""
        return np.concatenate(
            [one.start_ms - self.start_ms + STEP_MS * np.arange(len(one.samples_mg)) for one in self.segments]
        )

    def samples_mg(self) -> NDArray[np.float64]:
        """Return (n, 3) in mg."""
        return np.concatenate([one.samples_mg for one in self.segments]).astype(np.float64)

    def segment_of_sample(self) -> NDArray[np.int64]:
        """Return (n,) places in `segments`."""
        return np.repeat(np.arange(len(self.segments)), [len(one.samples_mg) for one in self.segments])


@dataclass(frozen=True)
class Animal:
    """What a pack holds of one animal, in the order of time."""

    pack: str
    name: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Sitting:
    """How the collars sit: copy 0 turned and tilted by so much, copies 1 to `copies` drawn from `seed`."""

    turn_deg: float = 0.0
    tilt_deg: float = 0.0
    copies: int = 0
    seed: int = 1

    def rotation(self, animal: Animal, copy: int) -> NDArray[np.float64]:
        """Return the (3, 3) of simulator/turning.py for a copy; those for training do not see the turn."""
        if copy == 0:
            return turned_and_tilted(self.turn_deg, self.tilt_deg)
        return drawn(self.seed, animal.pack, animal.name, copy)


def find_packs(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the packs with waveforms, `folder` itself or those in it, and the other folders in it; by name.

    Raises PackError if there is no pack with waveforms.
    """
    if not folder.is_dir():
        raise PackError(f"{folder} is no folder; {_A_PACK}")
    if (folder / SEGMENTS).is_file():
        return [folder], []
    below = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    packs = [one for one in below if (one / SEGMENTS).is_file()]
    if not packs:
        raise PackError(f"{folder}: no pack with waveforms, here or in a folder below; {_A_PACK}")
    return packs, [one for one in below if one not in packs]


def read_animals(pack: Path) -> list[Animal]:
    """Return the animals of a pack by name. Raises PackError."""
    name = pack.resolve().name if pack.name in {"", ".."} else pack.name
    by_animal = groupby(read_segments(pack), key=lambda one: one.animal)
    return [Animal(name, animal, tuple(runs_of(tuple(hers)))) for animal, hers in by_animal]


def runs_of(segments: tuple[Segment, ...]) -> Iterator[Run]:
    """Yield the runs of one animal's segments, which are in the order of time."""
    cuts = [
        at
        for at, (before, after) in enumerate(pairwise(segments), 1)
        if after.start_ms - before.last_ms > MOST_GAP_MS
    ]
    for first, end in pairwise((0, *cuts, len(segments))):
        yield Run(segments[first:end])


def rows_of(animal: Animal, copy: int, sitting: Sitting) -> Iterator[WindowRow]:
    """Yield the windows of an animal whose collar sits as copy number `copy` does."""
    rotation = sitting.rotation(animal, copy)
    for number, run in enumerate(animal.runs):
        seed = seed_of("noise", sitting.seed, animal.pack, animal.name, copy, number)
        windows = aligned_windows(run.times_ms(), run.samples_mg() @ rotation.T, seed)
        for record, (start_ms, label, share, segment) in zip(windows, labelled(run), strict=True):
            yield WindowRow(
                animal.pack, animal.name, copy, number, start_ms, label, share, segment, record.hex()
            )


def labelled(run: Run) -> Iterator[tuple[int, str, int, str]]:
    """Yield (start_ms, label, share, segment) of each window of a run.

    A window holds the recorded samples from its start to the start of the next. Its label is the one most of
    them bear, of two alike the earlier; its share is in percent, rounded down.
    """
    times_ms, owners = run.times_ms(), run.segment_of_sample()
    starts_ms = WINDOW_MS * np.arange(windows_in(int(times_ms[-1])))
    firsts, ends = np.searchsorted(times_ms, (starts_ms, starts_ms + WINDOW_MS))
    for start_ms, first, end in zip(starts_ms.tolist(), firsts, ends, strict=True):
        inside = [run.segments[owner] for owner in owners[first:end]]
        (label, n), *_ = Counter(one.label for one in inside).most_common(1)
        segment = str(inside[0].number) if inside[0] is inside[-1] else ""
        yield run.start_ms + start_ms, label, 100 * n // len(inside), segment


def write_windows(out: Path, rows: Iterable[WindowRow]) -> Counter[int]:
    """Write the file, whole or not at all, and return how many windows each copy has.

    The same rows give the same bytes. Raises OSError.
    """
    counts: Counter[int] = Counter()
    with _replaced(out) as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(WindowRow._fields)
        for row in rows:
            writer.writerow(row)
            counts[row.copy] += 1
    return counts


@contextmanager
def _replaced(out: Path) -> Iterator[TextIO]:
    """Give a gzip'd text file that takes the place of `out` when all went well."""
    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder, want a file")
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        with (
            part.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="") as lines,
        ):
            yield lines
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
