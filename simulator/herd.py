"""A herd: named animals with collars, one seed, and what truly happens to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.clock import START_UTC_MS
from simulator.cow import Cow
from simulator.cow_model import CowModel, HerdError, load_model
from simulator.motion import Stopping

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from simulator.motion import Motion

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Animal:
    """One animal and the collar on her; `index` orders the herd, `device` is the collar's id on the wire."""

    index: int
    name: str
    number: str
    device: int
    motion: Motion


@dataclass(frozen=True, slots=True)
class TruthRow:
    """Something that happens to an animal; times since the start, `end_us` None: to the very end.

    `expressed`: somebody who watches her could see it.
    """

    animal: str
    kind: str
    onset_us: int
    end_us: int | None
    expressed: bool

    def as_json(self, start_utc_ms: int) -> str:
        """Return one line of truth.jsonl for a simulation that began at `start_utc_ms`."""
        end_ms = None if self.end_us is None else start_utc_ms + self.end_us // 1000
        row = {"animal": self.animal, "kind": self.kind, "onset_ms": start_utc_ms + self.onset_us // 1000}
        return json.dumps(row | {"end_ms": end_ms, "expressed": self.expressed})


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
        """Make `cows` cows from a herd file (None: the one in the package).

        Cow number `sick` (0 the first) stops moving at `sick_from_us`, or after the hours the file says.
        Raises HerdError naming field or argument and bounds.
        """
        if cows < 1:
            raise HerdError(f"cows={cows}: want at least 1")
        if sick is not None and not 0 <= sick < cows:
            raise HerdError(f"sick={sick}: want 0..{cows - 1}")
        model = load_model(path)
        if sick is not None and sick_from_us is None:
            sick_from_us = int(model.sick["after_h"] * _HOUR_US)
        animals = tuple(
            _animal(model, seed, index, sick_from_us if index == sick else None) for index in range(cows)
        )
        if sick is None or sick_from_us is None:
            return cls(animals, ())
        return cls(animals, (_stops(animals[sick].number, sick_from_us),))

    @classmethod
    def of_motions(
        cls, motions: Sequence[tuple[str, Motion]], *, sick: int | None = None, sick_from_us: int = 0
    ) -> Herd:
        """Put collars on recorded animals, (name, motion) as from open_pack.

        Animal number `sick` (0 the first) holds still from `sick_from_us` on: that part is simulated, and all
        that is known of the truth. Raises HerdError.
        """
        if sick is not None and not 0 <= sick < len(motions):
            raise HerdError(f"sick={sick}: want 0..{len(motions) - 1}")
        model = load_model(None)
        first_number, first_device = model.herd["first_number"], model.herd["first_device"]
        animals = (
            Animal(
                index,
                name,
                str(first_number + index),
                first_device + index,
                Stopping(motion, sick_from_us) if index == sick else motion,
            )
            for index, (name, motion) in enumerate(motions)
        )
        return cls(tuple(animals), () if sick is None else (_stops(str(first_number + sick), sick_from_us),))

    def write_truth(self, path: Path, start_utc_ms: int = START_UTC_MS) -> None:
        """Write one JSON object a line: animal (number), kind, onset_ms, end_ms, expressed.

        `start_utc_ms`: where the clock of the simulation began, if not where VirtualClock begins by itself.
        """
        path.write_text("".join(f"{row.as_json(start_utc_ms)}\n" for row in self.truth), encoding="utf-8")


def _stops(number: str, from_us: int) -> TruthRow:
    return TruthRow(number, "no_movement", from_us, None, expressed=True)


def _animal(model: CowModel, seed: int, index: int, sick_from_us: int | None) -> Animal:
    names, first = model.herd["names"], model.herd["first_number"]
    round_, place = divmod(index, len(names))
    return Animal(
        index=index,
        name=names[place] + (f" {round_ + 1}" if round_ else ""),
        number=str(first + index),
        device=model.herd["first_device"] + index,
        motion=Cow(seed, index, model=model, sick_from_us=sick_from_us),
    )
