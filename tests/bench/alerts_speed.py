"""Collar-days a second of one core: from windows on, with their classification, and by single minutes.

CPU time; making the herd is not in it. From minutes on, all scorers: the farms' own figure (alerts_parts.py),
where a day's records of hours are made at once; here they are made, and minutes folded, as the relay does it,
upload by upload.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from relay.behaviour.labels import LabelledMinute
from relay.model import LoggedFrame
from relay.scoring import hourbuild, kinds, partition
from relay.scoring.findings import Limits
from simulator.plan.routine import DAY_MS
from simulator.virtual_herd import VirtualHerd
from tests.bench.alerts_minutes import minutes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from relay.behaviour.minutes import Minute
    from simulator.minutes import Minutes

COWS = 8
MINUTE_COWS = 20
WINDOW_MS, WINDOWS_A_FRAME, WINDOWS_FRAME = 5_120, 88, 0x11
UPLOAD_MIN, UPLOAD_MS = 15, 900_000


def figures(seed: int) -> dict[str, Any]:
    """Return both, by key."""
    herd = VirtualHerd(seed=seed, cows=MINUTE_COWS, days=1)
    day = herd.minutes(0)
    told = [_told(day, cow) for cow in range(MINUTE_COWS)]
    scorers = kinds.minutely()  # found, and read, before the clock runs
    began_s = time.process_time()
    for minutes, labelled in told:
        _upload_by_upload(minutes, labelled, scorers)
    by_minute_s = time.process_time() - began_s
    frames = [frame for cow in range(COWS) for frame in frames_of(herd.windows(cow, 0), cow, 0)]
    began_s = time.process_time()
    partition.fold(frames, {}, Limits())
    windows_s = time.process_time() - began_s
    return {
        "collar_days_per_s_windows": COWS / windows_s,
        "collar_days_per_s_by_uploads_alone": MINUTE_COWS / by_minute_s,
    }


def _told(day: Minutes, cow: int) -> tuple[list[Minute], list[LabelledMinute]]:
    minutes = list(minutes_of(day, cow))
    told = day.told[cow].tolist()
    return minutes, [
        LabelledMinute(each.minute, told[each.minute % 1440], 100, each.windows, 0, -1) for each in minutes
    ]


def _upload_by_upload(
    minutes: Sequence[Minute], labelled: Sequence[LabelledMinute], scorers: Sequence[Any]
) -> None:
    states, hours = {each: each.State() for each in scorers}, hourbuild.State()
    for at in range(0, len(minutes), UPLOAD_MIN):
        part = minutes[at : at + UPLOAD_MIN]
        for each in scorers:
            states[each], _ = each.step_minutes(states[each], part, Limits())
        hours, _ = hourbuild.step(hours, part, labelled[at : at + UPLOAD_MIN], part[-1].minute + 1)


def frames_of(records: NDArray[Any], cow: int, day: int) -> Iterator[LoggedFrame]:
    """Yield (windows, 14) of a cow's day as the log holds them, uploaded every quarter of an hour."""
    for end_ms in range(UPLOAD_MS, DAY_MS + 1, UPLOAD_MS):
        first, end = (end_ms - UPLOAD_MS) // WINDOW_MS, end_ms // WINDOW_MS
        for at in range(first, end, WINDOWS_A_FRAME):
            part = records[at : min(end, at + WINDOWS_A_FRAME)].tobytes()
            first_ms, received_ms = day * DAY_MS + at * WINDOW_MS, day * DAY_MS + end_ms
            yield LoggedFrame(
                at + 1, cow + 1, 1, cow + 1, WINDOWS_FRAME, 1, at, first_ms // 1000, first_ms, received_ms,
                part,
            )  # fmt: skip
