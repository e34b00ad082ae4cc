"""Animals with collars for a run of the firmware, virtual or recorded, and what truly happens to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.clock import START_UTC_MS
from simulator.cow import Cow
from simulator.herd_words import name_of
from simulator.herdfile import HerdError, load_herd
from simulator.lives.happening import Happening
from simulator.motion import Stopping
from simulator.plan.routine import HOUR_MS
from simulator.truth import TruthRow, write_truth
from simulator.virtual_herd import VirtualHerd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from simulator.motion import Motion

SICK_AFTER_MS = 3 * HOUR_MS  # long enough for a relay to know her awake
_DAYS = 400


@dataclass(frozen=True, slots=True)
class Animal:
    """One animal and the collar on her; `index` orders the herd, `device` is the collar's id on the wire."""

    index: int
    name: str
    number: str
    device: int
    motion: Motion


@dataclass(frozen=True, slots=True)
class Herd:
    """Animals in the order of their index, and the truth about them."""

    animals: tuple[Animal, ...]
    truth: tuple[TruthRow, ...]

    @classmethod
    def from_toml(
        cls,
        path: Path | None = None,
        *,
        seed: int,
        cows: int,
        sick: int | None = None,
        sick_from_us: int | None = None,
    ) -> Herd:
        """Make `cows` cows from a herd file (None: the one in the package) to whom nothing happens.

        But for cow number `sick` (0 the first): she dies at `sick_from_us`, or after SICK_AFTER_MS. Raises
        HerdError naming field or argument and bounds.
        """
        if cows < 1:
            raise HerdError(f"cows={cows}: want at least 1")
        _require_sick(sick, cows)
        scripted = {} if sick is None else {sick: (_dies(sick_from_us),)}
        virtual = VirtualHerd(path, seed=seed, cows=cows, days=_DAYS, eventful=False, scripted=scripted)
        animals = (_animal(virtual.model, index, Cow(virtual, index)) for index in range(cows))
        return cls(tuple(animals), tuple(virtual.truth))

    @classmethod
    def of_motions(
        cls, motions: Sequence[tuple[str, Motion]], *, sick: int | None = None, sick_from_us: int = 0
    ) -> Herd:
        """Put collars on recorded animals, (name, motion) as from open_pack.

        Animal number `sick` (0 the first) holds still from `sick_from_us` on: that part is simulated, and all
        that is known of the truth. Raises HerdError.
        """
        _require_sick(sick, len(motions))
        model = load_herd()
        animals = tuple(
            _animal(model, index, Stopping(motion, sick_from_us) if index == sick else motion, name)
            for index, (name, motion) in enumerate(motions)
        )
        if sick is None:
            return cls(animals, ())
        row = TruthRow(animals[sick].number, "dead", sick_from_us // 1000, None, expressed=True)
        return cls(animals, (row,))

    def write_truth(self, path: Path, start_utc_ms: int = START_UTC_MS) -> None:
        """Write truth.jsonl (simulator/truth.py).

        `start_utc_ms`: where the clock of the simulation began, if not where VirtualClock begins by itself.
        """
        write_truth(path, self.truth, start_utc_ms)


def _require_sick(sick: int | None, cows: int) -> None:
    if sick is not None and not 0 <= sick < cows:
        raise HerdError(f"sick={sick}: want 0..{cows - 1}")


def _dies(from_us: int | None) -> Happening:
    onset_ms = SICK_AFTER_MS if from_us is None else from_us // 1000
    return Happening("dead", onset_ms, _DAYS * 24 * HOUR_MS)


def _animal(model: dict[str, Any], index: int, motion: Motion, name: str | None = None) -> Animal:
    herd = model["herd"]
    return Animal(
        index=index,
        name=name or name_of(model, index),
        number=str(herd["first_number"] + index),
        device=herd["first_device"] + index,
        motion=motion,
    )
