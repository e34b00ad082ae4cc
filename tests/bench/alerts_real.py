"""What recordings of real cattle say of urgent kinds: alarms in what was recorded, and what that excludes.

Recorded waveforms become the windows of a collar (simulator/extract.py) and go through the relay's minutes
and every kind that folds minutes. No alarm in so many cow-days excludes, at 95 %, more than three in as many
(rule of three: Hanley and Lippman-Hand 1983). Kinds that fold hours need weeks of a cow, which no pack with
waveforms has: of them recordings exclude nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from herdcore.records import WINDOW_BYTES
from herdcore.vocabulary import WINDOW_MS
from relay.behaviour import ordering
from relay.behaviour.coarse import parts_of
from relay.model import LoggedFrame
from relay.scoring import kinds
from relay.scoring.findings import Found, Limits
from simulator.extract import Sitting, find_packs, read_animals, rows_of
from simulator.plan.routine import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from relay.behaviour.minutes import Minute
    from simulator.extract import WindowRow

WINDOWS_A_FRAME = 88
WINDOWS_FRAME = 0x11
YEAR_D = 365
RULE_OF_THREE = 3.0


def figures(data: Path, seed: int) -> dict[str, Any]:
    """Return alarms by kind in the recordings below `data`, their cow-days, and what that excludes."""
    found: dict[str, int] = {each.KIND.name: 0 for each in kinds.minutely()}
    windows, cows = 0, 0
    packs, _ = find_packs(data)
    for pack in packs:
        for animal in read_animals(pack):
            rows = list(rows_of(animal, 0, Sitting(seed=seed)))
            windows, cows = windows + len(rows), cows + 1
            for name in alarms(minutes_of(rows)):
                found[name] += 1
    cow_days = windows * WINDOW_MS / DAY_MS
    return {
        "packs": [pack.name for pack in packs],
        "cows": cows,
        "cow_days": cow_days,
        "alarms": found,
        "excluded_above_per_cow_year": {name: excluded(count, cow_days) for name, count in found.items()},
    }


def excluded(count: int, cow_days: float) -> float | None:
    """Return the rate a cow-year above which none in so many days is unlikely; None if there were some."""
    return None if count or cow_days <= 0 else RULE_OF_THREE / cow_days * YEAR_D


def minutes_of(rows: Iterable[WindowRow]) -> list[Minute]:
    """Return the minutes of one animal's windows in order, as the relay makes them."""
    parts = [part for parts in parts_of(list(_frames(rows))) for part in parts]
    ordered = ordering.arrive(ordering.Waiting(), parts)
    return [*ordered.passed, *ordered.waiting.minutes]


def _frames(rows: Iterable[WindowRow]) -> Iterator[LoggedFrame]:
    """Yield frames of windows that follow each other."""
    start_ms, records = 0, b""
    for row in rows:
        follows = row.start_ms == start_ms + len(records) // WINDOW_BYTES * WINDOW_MS
        if records and (not follows or len(records) == WINDOWS_A_FRAME * WINDOW_BYTES):
            yield _frame(start_ms, records)
            records = b""
        if not records:
            start_ms = row.start_ms
        records += bytes.fromhex(row.record)
    if records:
        yield _frame(start_ms, records)


def _frame(first_ms: int, records: bytes) -> LoggedFrame:
    return LoggedFrame(0, 1, 1, 1, WINDOWS_FRAME, 1, 0, 0, first_ms, first_ms, records)


def alarms(minutes: Sequence[Minute]) -> list[str]:
    """Return the kinds told of one animal, as often as they are."""
    return [
        each.KIND.name
        for each in kinds.minutely()
        for finding in each.step_minutes(each.State(), minutes, Limits())[1]
        if isinstance(finding, Found)
    ]
