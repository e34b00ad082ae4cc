"""Frames to sums on the UTC minute grid; windows are vectorised over a batch, the rest is in `coarse`.

Window i of a frame starts at the frame's `first_ms` + i x 5,120 ms and belongs to the minute it starts in. A
minute that is split over two frames comes out as two parts; parts are exact integer sums, so adding them in
any order, in any batching, gives the same minute. The windows themselves ride along, by time, for the
classifier: it sees them when their minute has found its place, and so the same live as in a replay.

A minute may come in several forms: a collar that runs short of space goes over to minute records in the
middle of a minute. The best form wins, whatever came first: windows, then minute records, then codes. Two of
the same coarse form (two boots, or a second of dating between two frames) are one minute, and not twice as
much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from herdcore.features import log_mg
from herdcore.fields import FrameError
from herdcore.records import check_records
from herdcore.vocabulary import SCHEMA_CODES, SCHEMA_MINUTES, SCHEMA_WINDOWS, WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from relay.model import LoggedFrame

MINUTE_MS = 60_000
RECORD_BYTES = 14  # wire.md, "windows"
ROW_BYTES = 2 + RECORD_BYTES  # where in the minute the window starts, ms, little-endian; then its record
GRAVITY_STEP_MG = 16  # one step of a window's mean
# At most 12 windows start in a minute of one collar, so this has room for two. Beyond it a collar's uptime
# stands still, and neither a sum nor what is stored may outgrow its bound.
MAX_WINDOWS = 24
_SCHEMA_BITS = 0x0F
CODES, RECORDS, WINDOWS = 0, 1, 2  # forms of a minute, the better the higher
_MG = np.array([log_mg(code) for code in range(256)], dtype=np.int64)


class Minute(NamedTuple):
    """What is known of one animal's UTC minute; a named tuple because a herd makes millions.

    `minute` counts from 1970; `first_ms` and `last_ms` are where in the minute its first and last window
    start. Motion of a window is the sum over the axes of its mean absolute deviation, in mg. `x`, `y`, `z`
    are sums of window means, in steps of 16 mg. `form`: what it was made from, CODES, RECORDS or WINDOWS.
    `rows`: its windows by time, ROW_BYTES each; empty for coarse forms. `told`: of these what the collar told
    of it, class << 5 | confidence in 32nds; 0 for windows.
    """

    minute: int
    windows: int
    first_ms: int
    last_ms: int
    motion_sum_mg: int
    motion_max_mg: int
    change_sum_mg: int
    x: int
    y: int
    z: int
    form: int = WINDOWS
    rows: bytes = b""
    told: int = 0

    @property
    def motion_mg(self) -> int:
        """Mean motion of its windows, mg."""
        return self.motion_sum_mg // self.windows

    @property
    def gravity_mg(self) -> tuple[int, int, int]:
        """Mean acceleration x, y, z in mg, in the collar's frame."""
        n = self.windows
        return self.x * GRAVITY_STEP_MG // n, self.y * GRAVITY_STEP_MG // n, self.z * GRAVITY_STEP_MG // n


def add(one: Minute, other: Minute) -> Minute:
    """Return two parts of the same minute as one: windows add up, of coarse forms the greater one stays."""
    if one.form != other.form or one.form != WINDOWS:
        return max(one, other, key=_by_form)
    windows = one.windows + other.windows
    if windows > MAX_WINDOWS:
        return one
    return Minute(
        one.minute,
        windows,
        min(one.first_ms, other.first_ms),
        max(one.last_ms, other.last_ms),
        one.motion_sum_mg + other.motion_sum_mg,
        max(one.motion_max_mg, other.motion_max_mg),
        one.change_sum_mg + other.change_sum_mg,
        one.x + other.x,
        one.y + other.y,
        one.z + other.z,
        WINDOWS,
        _by_time(one, other),
    )


def _by_time(one: Minute, other: Minute) -> bytes:
    """Return the rows of both; of the same time by content, so that no order of parts shows."""
    if one.last_ms < other.first_ms:
        return one.rows + other.rows
    if other.last_ms < one.first_ms:
        return other.rows + one.rows
    rows = one.rows + other.rows
    each = [rows[at : at + ROW_BYTES] for at in range(0, len(rows), ROW_BYTES)]
    each.sort(key=lambda row: (row[1], row[0], row))
    return b"".join(each)


def _by_form(minute: Minute) -> tuple[int | bytes, ...]:
    return minute.form, *minute


def schema_of(frame: LoggedFrame) -> int:
    """Return which kind of records a frame carries."""
    return frame.kind & _SCHEMA_BITS


def holds_motion(frame: LoggedFrame) -> bool:
    """Say whether a frame tells how an animal moved: windows, minutes or codes."""
    return schema_of(frame) in (SCHEMA_WINDOWS, SCHEMA_MINUTES, SCHEMA_CODES)


def is_whole(frame: LoggedFrame) -> bool:
    """Say whether a frame's records are one or more whole records of its kind."""
    if schema_of(frame) == SCHEMA_WINDOWS:  # the hot path; `wire.check_records` has let it in before
        return bool(frame.records) and len(frame.records) % RECORD_BYTES == 0
    try:
        check_records(schema_of(frame), frame.records)
    except FrameError:
        return False
    return True


def minute_parts(frames: Sequence[LoggedFrame]) -> list[list[Minute]]:
    """Return the minutes of each windows frame, in order. Every frame must be `is_whole`."""
    if not frames:
        return []
    counts = np.array([len(frame.records) // RECORD_BYTES for frame in frames])
    ends = np.cumsum(counts)
    frame_of = np.repeat(np.arange(len(frames)), counts)
    within = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
    start_ms = np.array([frame.first_ms for frame in frames])[frame_of] + within * WINDOW_MS
    minute_of = start_ms // MINUTE_MS
    changes = (np.diff(minute_of) != 0) | (np.diff(frame_of) != 0)
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    windows = np.frombuffer(b"".join(frame.records for frame in frames), dtype=np.uint8)
    windows = windows.reshape(-1, RECORD_BYTES)
    sums = _sums(windows, start_ms, minute_of, starts)
    rows = _rows(windows, start_ms - minute_of * MINUTE_MS)
    cuts = [*(starts * ROW_BYTES).tolist(), len(rows)]
    parts: list[list[Minute]] = [[] for _ in frames]
    for owner, row, begin, end in zip(
        frame_of[starts].tolist(), sums.tolist(), cuts[:-1], cuts[1:], strict=True
    ):
        parts[owner].append(Minute._make((*row, rows[begin:end], 0)))
    return parts


def _rows(windows: NDArray[np.uint8], offset_ms: NDArray[np.int64]) -> bytes:
    """Return ROW_BYTES a window: `offset_ms` into its minute, then its record."""
    rows = np.empty((len(windows), ROW_BYTES), dtype=np.uint8)
    rows[:, :2] = offset_ms.astype("<u2").view(np.uint8).reshape(-1, 2)
    rows[:, 2:] = windows
    return rows.tobytes()


def _sums(
    windows: NDArray[np.uint8],
    start_ms: NDArray[np.int64],
    minute_of: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return one row per minute part, its columns in the order of Minute's fields up to `form`."""
    motion = _MG[windows[:, 3:6]].sum(axis=1)
    sums = np.empty((len(windows), 5), dtype=np.int64)
    sums[:, 0] = motion
    sums[:, 1] = _MG[windows[:, 6:9]].sum(axis=1)
    sums[:, 2:] = windows[:, :3].view(np.int8)
    last = np.append(starts[1:], len(windows)) - 1
    minute = minute_of[starts]
    rows = np.empty((len(starts), len(Minute._fields) - 2), dtype=np.int64)
    rows[:, 0], rows[:, 1] = minute, last - starts + 1
    rows[:, 2], rows[:, 3] = start_ms[starts] - minute * MINUTE_MS, start_ms[last] - minute * MINUTE_MS
    total = np.add.reduceat(sums, starts, axis=0)
    rows[:, 4], rows[:, 5] = total[:, 0], np.maximum.reduceat(motion, starts)
    rows[:, 6:10] = total[:, 1:]
    rows[:, 10] = WINDOWS
    return rows
