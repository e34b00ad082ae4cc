"""Packs of labelled recordings, as the evaluation reads them.

Two kinds count here. `waveform`: segments.csv and samples.csv.gz; its samples go through chip and firmware in
the simulator (`herdbell-sim extract`), and what is read here is the file that makes. `window_features`:
collar.csv.gz, where somebody else's collar has made features of every window. Other folders are not packs.
Other people's rows: read where they lie, never copied here.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from relay.evaluation.tables import PackError, Table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NO_SEGMENT = -1
WAVEFORM: Literal["waveform"] = "waveform"
WINDOW_FEATURES: Literal["window_features"] = "window_features"

_WAVEFORM_FILES = ("segments.csv", "samples.csv.gz")
_FEATURE_FILE = "collar.csv.gz"
_WHAT_A_PACK_IS = (
    f"a pack is a folder with {' and '.join(_WAVEFORM_FILES)} (waveform) "
    f"or with {_FEATURE_FILE} (window features)"
)
_EXTRACT = ("pack", "animal", "copy", "run", "start_ms", "label", "share", "segment", "record")
_MEANS, _SPREADS = ("mx", "my", "mz"), ("sx", "sy", "sz")
_MAX_G = 16.0  # the widest range of any collar's chip; beyond it a cell is in another unit
_MG_PER_G = 1000.0


class ExtractError(RuntimeError):
    """`herdbell-sim extract` did not do its work; says why in its own words."""


class PackFolder(NamedTuple):
    """Where a pack lies."""

    name: str
    kind: Literal["waveform", "window_features"]
    path: Path


@dataclass(frozen=True, slots=True)
class Extract:
    """Windows of waveform packs as the collar makes them; n rows ordered by pack, animal, copy, start_ms.

    Text (n,): pack, animal, label. int64 (n,): copy (0 as worn), run, start_ms (local time taken as UTC),
    share (1..100 %, of the label in the window), segment (-1 = the window lies in more than one).
    `records`: (n, 14) uint8, wire.md "windows".
    """

    pack: NDArray[np.str_]
    animal: NDArray[np.str_]
    copy: NDArray[np.int64]
    run: NDArray[np.int64]
    start_ms: NDArray[np.int64]
    label: NDArray[np.str_]
    share: NDArray[np.int64]
    segment: NDArray[np.int64]
    records: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class WindowFeatures:
    """Windows of 5.12 s as another collar describes them, in the pack's row order: each animal's time.

    (n,): datapoint int64, animal and label text. (n, 3) float64: mean_mg, spread_mg (of the high-passed
    acceleration).
    """

    datapoint: NDArray[np.int64]
    animal: NDArray[np.str_]
    label: NDArray[np.str_]
    mean_mg: NDArray[np.float64]
    spread_mg: NDArray[np.float64]


def find_packs(folder: Path) -> list[PackFolder]:
    """Return the pack that the folder is, or those directly in it by name. Raises PackError if none is."""
    if not folder.is_dir():
        raise PackError(f"{folder} is not a folder; {_WHAT_A_PACK_IS}")
    itself = _as_packs(folder)
    packs = itself or [pack for each in sorted(folder.iterdir()) for pack in _as_packs(each)]
    if not packs:
        raise PackError(f"{folder} is no pack and holds none; {_WHAT_A_PACK_IS}")
    return packs


def _as_packs(folder: Path) -> list[PackFolder]:
    name, packs = folder.resolve().name, []
    if all((folder / each).is_file() for each in _WAVEFORM_FILES):
        packs.append(PackFolder(name, WAVEFORM, folder))
    if (folder / _FEATURE_FILE).is_file():
        packs.append(PackFolder(name, WINDOW_FEATURES, folder))
    return packs


def run_extract(
    folder: Path, out: Path, *, turn_deg: float = 0, tilt_deg: float = 0, copies: int = 0, seed: int = 1
) -> None:
    """Have the simulator write the windows of the folder's waveform packs to `out`, for `read_extract`.

    `turn_deg`, `tilt_deg`: how the test collar is mounted; `copies`: turned and tilted training copies more;
    `seed` decides them and the chips' noise. Raises ExtractError with the simulator's own words, or if it
    is not installed.
    """
    sits = ("--turn", f"{turn_deg:g}", "--tilt", f"{tilt_deg:g}")
    options = (*sits, "--copies", copies, "--seed", seed, "--out", out)
    command = [sys.executable, "-m", "simulator", "extract", str(folder), *map(str, options)]
    out.unlink(missing_ok=True)  # an older file must not pass for this one
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own module, no shell
    said = done.stderr.decode(errors="replace").strip() or "it said nothing"
    if "No module named simulator" in said:
        raise ExtractError("waveform packs need the simulator, and it is not installed: pip install herdbell")
    if done.returncode:
        raise ExtractError(f"herdbell-sim extract {folder} ended with code {done.returncode}: {said}")
    if not out.is_file():
        raise ExtractError(f"herdbell-sim extract {folder} ended well and wrote no {out}")


def read_extract(path: Path) -> Extract:
    """Return the windows of an extract file. Raises PackError."""
    table = Table.read(path, _EXTRACT)
    texts = {column: table.texts(column) for column in ("pack", "animal", "label")}
    extract = Extract(
        **texts,
        copy=table.integers("copy", 0, 9999),
        run=table.integers("run", 0, 1 << 31),
        start_ms=table.integers("start_ms", 0, 1 << 53),
        share=table.integers("share", 1, 100),
        segment=table.integers("segment", 0, 1 << 31, empty=NO_SEGMENT),
        records=table.records("record"),
    )
    _check_order(path, extract)
    return extract


def read_window_features(folder: Path) -> WindowFeatures:
    """Return the windows of a csiro-like pack; its cells are in g. Raises PackError."""
    table = Table.read(folder / _FEATURE_FILE, ("datapoint", "label", "animal", *_MEANS, *_SPREADS))
    return WindowFeatures(
        datapoint=table.integers("datapoint", 0, 1 << 53),
        animal=table.texts("animal"),
        label=table.texts("label"),
        mean_mg=_MG_PER_G * np.column_stack([table.floats(each, -_MAX_G, _MAX_G) for each in _MEANS]),
        spread_mg=_MG_PER_G * np.column_stack([table.floats(each, 0.0, _MAX_G) for each in _SPREADS]),
    )


def _check_order(path: Path, extract: Extract) -> None:
    """Hold each animal's copy together and its windows in order: a smoother would not notice."""
    keys = list(zip(extract.pack.tolist(), extract.animal.tolist(), extract.copy.tolist(), strict=True))
    starts, seen = extract.start_ms.tolist(), {keys[0]}
    for i in range(1, len(keys)):
        if keys[i] != keys[i - 1]:
            if keys[i] in seen:
                raise PackError(f"{path}, line {i + 2}: rows of {keys[i]} (pack, animal, copy) in two places")
            seen.add(keys[i])
        elif starts[i] <= starts[i - 1]:
            raise PackError(
                f"{path}, line {i + 2}, column start_ms: {starts[i]} is not after {starts[i - 1]} before it"
            )
