"""What another version of a scorer would have told: both see the same hours, and their alerts are joined.

Both begin with nothing known at the first hour, so the first days, in which no cow has a usual day yet, say
little of either.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring import baseline, herd, hours, kinds, versions
from relay.scoring.findings import Found
from relay.scoring.kind import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import ModuleType

    from relay.model import HourRecord
    from relay.scoring.herd import Facts
    from relay.scoring.hours import Hours

SAME_H = 12  # alerts of one animal that begin no further apart tell of the same
DAYS_A_YEAR = 365.0
_NEEDED = ("KIND", "VERSION", "State", "start", "step")


class ScorerError(ValueError):
    """What was named is no scorer that can be replayed; the message says what is missing."""


class Pair(NamedTuple):
    """A scorer as it runs now, and the one that would take its place: modules of scoring/kinds."""

    live: Any
    new: Any

    @property
    def name(self) -> str:
        return str(self.live.KIND.name)


@dataclass(frozen=True, slots=True)
class Difference:
    """An alert that one of them tells, or both; None where it does not."""

    live: Found | None
    new: Found | None

    @property
    def either(self) -> Found:
        found = self.live or self.new
        assert found is not None
        return found

    @property
    def side(self) -> str:
        """Return both, only_live or only_new."""
        if self.live and self.new:
            return "both"
        return "only_live" if self.live else "only_new"


class Replayed(NamedTuple):
    """Differences by kind, in order of onset; and how much was looked at, in cow-years."""

    by_kind: dict[str, list[Difference]]
    cow_years: float


def load(name: str, source: Path | int) -> Pair:
    """Return the live scorer `name` and another one: a file in the form of scoring/kinds, or a kept version.

    Runs the file. Raises ScorerError if either is not a scorer of hours.
    """
    live = {each.KIND.name: each for each in kinds.hourly()}
    if name not in live:
        why = "is scored from minutes, which are not kept" if name in kinds.all_kinds() else "is not known"
        raise ScorerError(f"{name}: {why}; want one of {', '.join(live)}")
    path = _kept_file(name, source) if isinstance(source, int) else source
    module = _run(name, path)
    missing = [each for each in _NEEDED if not hasattr(module, each)]
    if missing:
        raise ScorerError(f"{name}: {path} declares no {', '.join(missing)}")
    if not isinstance(module.KIND, Kind) or module.KIND.name != name:
        raise ScorerError(f"{name}: {path} declares {module.KIND!r}")
    return Pair(live[name], module)


def _kept_file(name: str, version: int) -> Path:
    """Return the file of a version that is kept, in scoring/versions."""
    folder = Path(versions.__file__).parent
    kept = sorted(int(each.stem.rpartition("_")[2]) for each in folder.glob(f"{name}_*.py"))
    if version not in kept:
        raise ScorerError(f"{name}@{version}: kept are {', '.join(map(str, kept)) or 'none'}")
    return folder / f"{name}_{version}.py"


def _run(name: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(f"replayed_{name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ScorerError(f"{name}: {path} is no Python file")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ScorerError(f"{name}: {path}: {type(error).__name__}: {error}") from error
    return module


def in_order(records: Iterable[HourRecord], animals: Sequence[int]) -> Iterator[tuple[int, Hours]]:
    """Yield every hour from the first recorded to the last, with the rows of `animals` in their order."""
    by_hour: dict[int, dict[int, bytes]] = {}
    place = {animal: at for at, animal in enumerate(animals)}
    for each in records:
        by_hour.setdefault(each.hour, {})[place[each.animal_id]] = each.row
    for number in range(min(by_hour, default=0), max(by_hour, default=-1) + 1):
        rows = hours.nothing(len(animals))
        for at, row in by_hour.get(number, {}).items():
            rows[at] = np.frombuffer(row, hours.HOUR)[0]
        yield number, rows


def replay(
    pairs: Sequence[Pair],
    told: Iterable[tuple[int, Hours]],
    facts: Facts,
    since_ms: int = 0,
    seen: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Return how the alerts differ that begin at `since_ms` or later; `seen` is called with every hour."""
    count = len(facts.animals)
    modules = [module for pair in pairs for module in pair]
    states = [module.start(count) for module in modules]
    found: list[list[Found]] = [[] for _ in modules]
    usual, cow_hours = baseline.start(count), 0
    for number, rows in told:
        view, usual = herd.look(usual, number, rows, facts)
        for at, module in enumerate(modules):
            states[at], findings = module.step(states[at], view)
            found[at] += [each for each in findings if _is_alert(each, since_ms)]
        if hours.start_ms(number) >= since_ms:
            cow_hours += int((rows["covered_min"].sum(axis=1) > 0).sum())
        seen(number)
    sides = zip(found[::2], found[1::2], strict=True)
    by_kind = {pair.name: joined(*side) for pair, side in zip(pairs, sides, strict=True)}
    return Replayed(by_kind, cow_hours / (24 * DAYS_A_YEAR))


def _is_alert(finding: object, since_ms: int) -> bool:
    return isinstance(finding, Found) and not finding.is_update and finding.onset_ms >= since_ms


def joined(live: Sequence[Found], new: Sequence[Found]) -> list[Difference]:
    """Return the alerts of two scorers side by side, the nearest ones of an animal together."""
    near = [
        (one, other)
        for one in range(len(live))
        for other in range(len(new))
        if _is_same(live[one], new[other])
    ]
    near.sort(key=lambda each: abs(live[each[0]].onset_ms - new[each[1]].onset_ms))
    pairs: dict[int, int] = {}
    for one, other in near:
        if one not in pairs and other not in pairs.values():
            pairs[one] = other
    out = [Difference(each, new[pairs[at]] if at in pairs else None) for at, each in enumerate(live)]
    out += [Difference(None, each) for at, each in enumerate(new) if at not in pairs.values()]
    return sorted(out, key=lambda each: (each.either.onset_ms, each.either.animal or 0))


def _is_same(one: Found, other: Found) -> bool:
    return one.animal == other.animal and abs(one.onset_ms - other.onset_ms) <= SAME_H * hours.HOUR_MS
