"""The fold of a farm: an hour of all its animals in, the state after it and what was found out. Pure.

The state is arrays by animal, so an hour costs the same few operations for ten cows and for a hundred. Every
hour is stepped once and none is left out: one without data is a row of nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]
import numpy as np

from relay.scoring import baseline, hours, kinds
from relay.scoring.findings import StateError
from relay.scoring.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping, Sequence

    from numpy.typing import NDArray

    from relay.scoring.findings import Found, Over
    from relay.scoring.hours import Hours
    from relay.scoring.lives import Lives

    Faults = MutableMapping[str, Exception]

VERSION = 1
_OF_THE_HERD = "herd_"  # fields of a state that are not by animal begin so


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What a farm says beside its collars. `animals`: ids, ascending; `group` (n,): who lives with whom.

    `off`: kinds that are switched off. `thi`: by hour. `offsets_at(hour)`: what is added to thresholds.
    """

    animals: tuple[int, ...]
    group: NDArray[np.intp]
    lives: Lives
    off: frozenset[str] = frozenset()
    thi: Mapping[int, float] = field(default_factory=dict)
    offsets: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class HerdState:
    """Everything the scorers of hours remember of a farm after hour `number`."""

    animals: tuple[int, ...]
    number: int
    usual: baseline.Usual
    scorers: Mapping[str, Any]


def start(animals: Sequence[int], before: int) -> HerdState:
    """Return the state of a farm before hour `before`."""
    count = len(animals)
    scorers = {each.KIND.name: each.start(count) for each in kinds.hourly()}
    return HerdState(tuple(animals), before - 1, baseline.start(count), scorers)


def step(
    state: HerdState, rows: Hours, facts: Facts, faults: Faults | None = None
) -> tuple[HerdState, list[Found | Over]]:
    """Take in the next hour: `rows` in the order of `facts.animals`, who may be more or fewer than before.

    A kind that fails is noted in `faults` and left as it was, and the others go on; without `faults` it
    raises.
    """
    if state.animals != facts.animals:
        state = with_animals(state, facts.animals)
    number = state.number + 1
    view, usual = look(state.usual, number, rows, facts)
    findings: list[Found | Over] = []
    scorers = dict(state.scorers)
    for each in kinds.hourly():
        name = each.KIND.name
        if name in facts.off:
            continue
        with _contained(name, faults):
            scorers[name], found = each.step(scorers[name], view)
            findings += found
    return HerdState(state.animals, number, usual, scorers), findings


def peek(state: HerdState, rows: Hours, facts: Facts, faults: Faults | None = None) -> list[Found | Over]:
    """Return what can be told of the hour that is still open; the state stays. `faults`: as above."""
    if state.animals != facts.animals:
        state = with_animals(state, facts.animals)
    view, _ = look(state.usual, state.number + 1, rows, facts)
    findings: list[Found | Over] = []
    for each in kinds.hourly():
        name = each.KIND.name
        if hasattr(each, "peek") and name not in facts.off:
            with _contained(name, faults):
                findings += each.peek(state.scorers[name], view)
    return findings


@contextmanager
def _contained(name: str, faults: Faults | None) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if faults is None:
            raise
        faults.setdefault(name, error)


def look(usual: baseline.Usual, number: int, rows: Hours, facts: Facts) -> tuple[View, baseline.Usual]:
    """Return hour `number` as scorers see it, and the baseline after it."""
    usual, told = baseline.step(usual, number, rows, facts.group)
    end_ms = hours.start_ms(number + 1)
    thi = facts.thi.get(number, float("nan"))
    cows = facts.lives.at(end_ms)
    return View(number, facts.animals, rows, usual, told, cows, facts.group, thi, facts.offsets), usual


def with_animals(state: HerdState, animals: Sequence[int]) -> HerdState:
    """Return the state for these animals: who is new starts anew, who has gone is forgotten."""
    fresh = start(animals, state.number + 1)
    known = {animal: at for at, animal in enumerate(state.animals)}
    pairs = [(at, known[animal]) for at, animal in enumerate(animals) if animal in known]
    to, of = (np.array([pair[side] for pair in pairs], np.intp) for side in (0, 1))
    usual = _moved(state.usual, fresh.usual, of, to)
    scorers = {
        name: _moved(state.scorers[name], blank, of, to) if name in state.scorers else blank
        for name, blank in fresh.scorers.items()
    }
    return replace(fresh, usual=usual, scorers=scorers)


def _moved(old: Any, fresh: Any, of: NDArray[np.intp], to: NDArray[np.intp]) -> Any:
    out = {}
    for name, blank in fresh._asdict().items():
        value = getattr(old, name)
        if name.startswith(_OF_THE_HERD):
            out[name] = value
        elif hasattr(blank, "_asdict"):
            out[name] = _moved(value, blank, of, to)
        else:
            out[name] = blank.copy()
            out[name][to] = value[of]
    return type(fresh)(**out)


def encode(state: HerdState) -> bytes:
    """Return what `decode` reads."""
    versions = {each.KIND.name: each.VERSION for each in kinds.hourly()}
    blobs = {name: [versions[name], _packed(each)] for name, each in state.scorers.items()}
    packed: bytes = msgpack.packb([VERSION, state.number, state.animals, _packed(state.usual), blobs])
    return packed


def decode(data: bytes) -> HerdState:
    """Return what `encode` was given; a kind that is new starts anew.

    Raises StateError for another version of the baseline or of a kind, or for other bytes: fold the hours
    anew.
    """
    try:
        version, number, animals, usual, blobs = msgpack.unpackb(data, use_list=False)
        if version != VERSION:
            raise StateError(f"herd: state of version {version}, this code reads {VERSION}")
        fresh = start(animals, number + 1)
        scorers = dict(fresh.scorers)
        for each in kinds.hourly():
            name = each.KIND.name
            if name not in blobs:
                continue
            known, blob = blobs[name]
            if known != each.VERSION:
                raise StateError(f"{name}: state of version {known}, this code reads {each.VERSION}")
            scorers[name] = _unpacked(blob, scorers[name])
        return replace(fresh, usual=_unpacked(usual, fresh.usual), scorers=scorers)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        if isinstance(error, StateError):
            raise
        raise StateError(f"herd: damaged state of {len(data)} bytes: {error}") from error


def _leaves(value: Any) -> Iterator[NDArray[Any]]:
    for each in value:
        if hasattr(each, "_asdict"):
            yield from _leaves(each)
        else:
            yield each


def _packed(value: Any) -> bytes:
    return b"".join(each.tobytes() for each in _leaves(value))


def _unpacked(data: bytes, like: Any) -> Any:
    want = sum(each.nbytes for each in _leaves(like))
    if len(data) != want:
        raise StateError(f"state of {len(data)} bytes, this code reads {want}")
    return _filled(like, data, 0)[0]


def _filled(like: Any, data: bytes, at: int) -> tuple[Any, int]:
    out = []
    for each in like:
        if hasattr(each, "_asdict"):
            value, at = _filled(each, data, at)
        else:
            value = np.frombuffer(data, each.dtype, each.size, at).reshape(each.shape).copy()
            at += each.nbytes
        out.append(value)
    return type(like)(*out), at
