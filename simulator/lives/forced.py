"""Stretches in which a cow does what happens to her: chased, cast, down, dead, led away.

A collar that lies on the ground is `gone` too: whatever she does, it does not move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.plan.routine import DAY_MS, Forced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from simulator.lives.happening import Happening, History


_Stretch = tuple[int, int, str]
_FIRST = ("gone", "side", "run", "walk", "lie")  # where two overlap, the earlier of these holds


def forced_by_day(histories: Iterable[History]) -> dict[int, list[Forced]]:
    """Return the stretches of every day that has any, cut at midnight, by cow and time, without overlaps."""
    found: dict[int, list[Forced]] = {}
    for history in histories:
        for begin_ms, end_ms, state in _layered(_stretches(history.happenings)):
            for day in range(begin_ms // DAY_MS, (end_ms - 1) // DAY_MS + 1):
                from_ms, to_ms = max(begin_ms, day * DAY_MS), min(end_ms, (day + 1) * DAY_MS)
                found.setdefault(day, []).append(Forced(history.cow, from_ms, to_ms, state))
    for each in found.values():
        each.sort()
    return found


def _stretches(happenings: Iterable[Happening]) -> Iterator[_Stretch]:
    for each in happenings:
        for begin_ms, end_ms in each.detail.get("spells", ()):
            yield begin_ms, end_ms, "side"
        if each.kind in ("dead", "collar_off"):
            yield each.onset_ms, each.end_ms, "gone"
        elif each.kind == "herd_event":
            yield each.onset_ms, each.detail["run_end_ms"], "run"
        elif each.kind == "theft":
            yield each.onset_ms, each.detail["walk_end_ms"], "walk"
        elif each.kind == "down":
            yield each.onset_ms, each.end_ms, "lie"


def _layered(stretches: Iterable[_Stretch]) -> list[_Stretch]:
    """Return the stretches by time, each cut where one of a stronger state, or an earlier one, covers it."""
    placed: list[_Stretch] = []
    for begin_ms, end_ms, state in sorted(stretches, key=lambda each: (_FIRST.index(each[2]), each)):
        pieces = list(_uncovered(begin_ms, end_ms, placed))
        placed = sorted([*placed, *((begin, end, state) for begin, end in pieces)])
    return placed


def _uncovered(begin_ms: int, end_ms: int, placed: list[_Stretch]) -> Iterator[tuple[int, int]]:
    for from_ms, to_ms, _ in placed:
        if begin_ms < from_ms < end_ms:
            yield begin_ms, from_ms
        if from_ms < end_ms:
            begin_ms = max(begin_ms, to_ms)
    if begin_ms < end_ms:
        yield begin_ms, end_ms
