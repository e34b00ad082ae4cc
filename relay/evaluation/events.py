"""Rare events such as active mounts: how many are found, and how often a window cries wolf."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from herdcore.vocabulary import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

HOUR_MS = 3_600_000


class Stretch(NamedTuple):
    """Part of one animal's time, from `start_ms` up to and without `end_ms`."""

    animal: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class EventScores:
    """Events of all animals or of one; an event is found if any flagged window overlaps it.

    `false_windows`: flagged windows that overlap a stretch labelled otherwise and no event.
    """

    events: int
    found: int
    false_windows: int
    labelled_hours: float

    @property
    def found_share(self) -> float:
        """Share of the events that were found; 0 without events."""
        return self.found / self.events if self.events else 0.0

    @property
    def false_per_hour(self) -> float:
        """False windows per hour labelled otherwise; 0 without such hours."""
        return self.false_windows / self.labelled_hours if self.labelled_hours else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return counts and both shares."""
        return {**asdict(self), "found_share": self.found_share, "false_per_hour": self.false_per_hour}


def score_events(
    animals: ArrayLike,
    start_ms: ArrayLike,
    flagged: ArrayLike,
    events: Sequence[Stretch],
    otherwise: Sequence[Stretch],
) -> dict[str, EventScores]:
    """Return each animal's scores, by name; `total` adds them up.

    (n,) windows of 5,120 ms with their animal, first millisecond and flag (told by a model that did not see
    the animal: the caller's business). `otherwise`: what is labelled as something else; an hour of it that
    two stretches share counts once. Raises ValueError for stretches without length and unequal shapes.
    """
    names, starts, flags = (
        np.asarray(animals).astype(str),
        np.asarray(start_ms),
        np.asarray(flagged, dtype=bool),
    )
    if not names.shape == starts.shape == flags.shape:
        raise ValueError(
            f"animals, start_ms, flagged have shapes {names.shape}, {starts.shape}, {flags.shape}"
        )
    true, other = _by_animal("events", events), _by_animal("otherwise", otherwise)
    everyone = sorted({*names.tolist(), *true, *other})
    return {
        name: _one_animal(starts[flags & (names == name)], true.get(name, []), other.get(name, []))
        for name in everyone
    }


def total(scores: Iterable[EventScores]) -> EventScores:
    """Return animals' scores as one."""
    each = list(scores)
    return EventScores(
        sum(one.events for one in each),
        sum(one.found for one in each),
        sum(one.false_windows for one in each),
        sum(one.labelled_hours for one in each),
    )


def _by_animal(name: str, stretches: Iterable[Stretch]) -> dict[str, list[tuple[int, int]]]:
    out: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for each in stretches:
        if each.end_ms <= each.start_ms:
            raise ValueError(f"{name}: {each} ends before it has begun")
        out[str(each.animal)].append((each.start_ms, each.end_ms))
    return dict(out)


def _one_animal(
    flagged_ms: NDArray[np.int64], events: list[tuple[int, int]], otherwise: list[tuple[int, int]]
) -> EventScores:
    windows = [(start, start + WINDOW_MS) for start in flagged_ms.tolist()]
    found = np.count_nonzero(_touched(events, windows))
    false = np.count_nonzero(_touched(windows, otherwise) & ~_touched(windows, events))
    return EventScores(len(events), int(found), int(false), _covered_ms(otherwise) / HOUR_MS)


def _touched(these: list[tuple[int, int]], others: list[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return for each of `these` whether it overlaps any of the others: more have begun than have ended."""
    start, end = np.array(these, dtype=np.int64).reshape(-1, 2).T
    starts, ends = np.sort(np.array(others, dtype=np.int64).reshape(-1, 2), axis=0).T
    begun = np.searchsorted(starts, end, side="left")
    ended = np.searchsorted(ends, start, side="right")
    return np.asarray(begun > ended)


def _covered_ms(stretches: list[tuple[int, int]]) -> int:
    covered, reached = 0, -(1 << 63)
    for start, end in sorted(stretches):
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return covered
