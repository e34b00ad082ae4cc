"""Ruminating apart from resting: the chewing line, how steady it is, and the pause between two boli.

Not validated on cattle: no labelled waveform of rumination was to be had. Whatever shows a result of this
module shows `NOT_VALIDATED` beside it. Everything here is a rule, its figures from domain.md or our choice.

A window speaks for chewing (`Told.chews`) if it was told as rest and

- its motion (VeDBA) is 30 to 120 mg                                          domain.md 3
- one band holds 25 % of the power: 2.15-3.13 Hz, or 1.17-1.56 Hz. Noise without a line puts 19 % and
  9 % there (6 and 3 of 32 bins), so it passes neither                        domain.md 3
- its strongest axis crosses zero as often as that line does: 2.1-3.2 Hz make 21 to 33 crossings, 1.05-1.6
  Hz 10 to 17                                                                 domain.md 3
- and as often, within 3, as in one of the two windows before: +-0.15 Hz is +-1.5 crossings, and one of
  three windows may hold a pause                                              domain.md 3

A pause of 2 to 8 s takes the line of a window down, seldom to nothing: 2 s at 0.4 of the envelope (domain.md
3) leave 0.77 of the mean deviation of 5.12 s. So a pause begins where the line's amplitude (motion times the
root of its share) falls under 0.77 of what the chewing windows of the last two minutes have, and motion is
under theirs too, for she may also have turned her head. Two in 30 to 75 s (domain.md 3; half a window either
way) are a bolus. A steady line that has not paused once in three minutes is a fan or a swinging box, not a
jaw. (Amplitude of the line rather than all motion was chosen on the recordings of wasp-cow-collar, against
the envelope of their waveforms: a pause on the border of two windows is seen better.)

The score is `1 / (1 + exp(-8 (rate - 0.45) - bolus))`: rate is the share of the last two minutes' windows
that speak for chewing, bolus +1 for regular pauses, -6 for a line without any. Slope, middle and weights
are our choice. Rumination is told from 0.6 on, once two minutes of the animal were seen, and until 0.4. So
its beginning and its end are both told a minute or so late, and the sum of minutes is about right; `bouts`
looks back and gives each from its first chewing window to its last, of 2 minutes at least, with gaps of up
to 2.5 minutes joined (domain.md 3). Not used of that rule: tilt from the animal's own rest; `is_rest` must
stand for it.

No window waits for a later one, so any batching of a stream gives the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from herdcore.features import log_mg
from herdcore.vocabulary import WINDOW_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_VALIDATED: Final = "Rumination is not validated on cattle: no labelled recordings of it were available."
VERSION: Final = 1

VEDBA_MG: Final = (30, 120)
LINE_SHARE: Final = 64  # 255ths: 25 %
HIGH_CROSSINGS: Final = (21, 33)
LOW_CROSSINGS: Final = (10, 17)
STEADY_CROSSINGS: Final = 3
PAUSE_SHARE: Final = 0.77
PAUSE_EVERY_MS: Final = (30_000 - WINDOW_MS // 2, 75_000 + WINDOW_MS // 2)
MIN_BOUT_MS: Final = 120_000
JOINED_GAP_MS: Final = 150_000
MEMORY_MS: Final = 180_000
# VeDBA over the root of the summed squares of the axes' deviations: 1.0 for one axis or a pure tone, 1.155
# for noise alike on three axes.
VEDBA_OF_DEVIATIONS: Final = 1.1

_MIDDLE, _SLOPE = 0.45, 8.0
_REGULAR, _NEVER_PAUSED = 1.0, -6.0
_SCORE_OF_NONE = 1.0 / (1.0 + np.exp(_SLOPE * _MIDDLE))
_TOLD, _NO_LONGER = 0.6, 0.4
_FEWEST_WINDOWS = 12  # half of two minutes: what is missing beyond that, or in a gap, counts as not chewing
_SURE_REFERENCE = 8  # chewing windows that say what motion is usual: 40 s
_STEADY_LINE = 24  # chewing windows in three minutes: of some 35, four or five pauses cost two each
_MOST_ROWS = 64  # three minutes are 36 windows; a stream of overlapping windows must not outgrow the state

_CHEWS, _PAUSE, _PAUSE_BEGINS, _REGULAR_PAUSE = 1, 2, 4, 8
_OF_PAUSES = np.array([[_PAUSE_BEGINS], [_REGULAR_PAUSE]])
# How a state is stored; in memory all columns are int64.
_ROW = np.dtype(
    [("start_ms", "<i8"), ("vedba_mg", "<u2"), ("line_mg", "<u2"), ("crossings", "u1"), ("bits", "u1")]
)
_COLUMNS = 5
_MOTION = slice(1, 3)  # of them vedba_mg and line_mg
_SPANS_MS = np.array([[MIN_BOUT_MS], [MEMORY_MS]])
_ROOTS = np.sqrt(np.arange(256) / 255)
_MG2 = np.array([log_mg(code) for code in range(256)], dtype=np.float64) ** 2


class ChewingError(ValueError):
    """Windows that cannot follow what was seen, or a state of another version."""


@dataclass(frozen=True, slots=True)
class State:
    """What one animal's next window needs: three minutes of windows (columns of int64), and the last word."""

    columns: bytes = b""
    told: bool = False


class Told(NamedTuple):
    """Per window of a batch. `score` 0..1 is not a calibrated probability. All arrays have shape (n,)."""

    ruminating: NDArray[np.bool_]
    score: NDArray[np.float64]
    chews: NDArray[np.bool_]
    pauses: NDArray[np.bool_]  # the window in which a pause between two boli begins


class Bout(NamedTuple):
    """A stretch of rumination, UTC ms, from its first chewing window's start to its last one's end."""

    start_ms: int
    end_ms: int


class _Rows(NamedTuple):
    """Remembered windows and new ones behind them; the fields are views of `columns`, int64 (5, rows)."""

    columns: NDArray[np.int64]
    seen: int  # so many are remembered
    start_ms: NDArray[np.int64]
    vedba_mg: NDArray[np.int64]
    line_mg: NDArray[np.int64]
    crossings: NDArray[np.int64]
    bits: NDArray[np.int64]


def vedba_mg(records: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the motion of windows, shape (n, 14), as mean vectorial acceleration without gravity, mg.

    From the three mean deviations, within 7 % for 8 of 10 resting windows.
    """
    x, y, z = _MG2.take(records.T[3:6])
    return np.asarray(VEDBA_OF_DEVIATIONS * np.sqrt(x + y + z))


def crossings_of(records: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the zero crossings (0..63) of the axis that changes most, for windows of shape (n, 14)."""
    x, y, z = records.T[6:9]
    crossings = records.T[9:12]
    first = np.where(y > x, crossings[1], crossings[0])
    return np.asarray(np.where(z > np.maximum(x, y), crossings[2], first))


def step(
    state: State,
    records: NDArray[np.uint8],
    start_ms: NDArray[np.int64],
    is_rest: NDArray[np.bool_],
    motion_mg: NDArray[np.float64] | None = None,
) -> tuple[State, Told]:
    """Tell which windows are rumination.

    records: (n, 14), wire.md "windows"; start_ms: (n,) UTC ms, each later than all before; is_rest: (n,),
    what the classifier called rest (still, ruminating or not); motion_mg: (n,), `vedba_mg` of the records
    where it is known already. Raises ChewingError if the shapes differ or
    time does not go forward.
    """
    rows = _rows(state, records, start_ms, is_rest, motion_mg)
    if not len(records):
        return state, _nothing(0)
    chews = _chews(rows, records) & is_rest
    rows.bits[rows.seen :] = chews
    if not rows.bits.any():
        return State(_tail(rows)), _nothing(len(records), is_rest * _SCORE_OF_NONE)
    begin, earlier = _since(rows)
    sums = _sums(rows.bits & _CHEWS, rows.columns[_MOTION])
    pauses = _mark_pauses(rows, begin, sums, is_rest)
    score = _score(rows, begin, earlier, sums[0])
    is_ready = start_ms - rows.start_ms[begin] >= MIN_BOUT_MS - 2 * WINDOW_MS
    told = _held(state.told, is_ready & (score >= _TOLD), score < _NO_LONGER)
    return State(_tail(rows), bool(told[-1])), Told(told & is_rest, score * is_rest, chews, pauses)


def _rows(
    state: State,
    records: NDArray[np.uint8],
    start_ms: NDArray[np.int64],
    is_rest: NDArray[np.bool_],
    motion_mg: NDArray[np.float64] | None,
) -> _Rows:
    if records.ndim != 2 or records.shape != (len(start_ms), 14) or is_rest.shape != start_ms.shape:
        raise ChewingError(f"records {records.shape}, start_ms {start_ms.shape}, is_rest {is_rest.shape}")
    old = np.frombuffer(state.columns, dtype=np.int64).reshape(_COLUMNS, -1)
    seen = old.shape[1]
    columns = np.empty((_COLUMNS, seen + len(start_ms)), dtype=np.int64)
    columns[:, :seen] = old
    rows = _Rows(columns, seen, *columns)
    rows.start_ms[seen:] = start_ms
    backward = rows.start_ms[1:] <= rows.start_ms[:-1]
    if backward.any():
        before, after = rows.start_ms[backward.argmax() :][:2].tolist()
        raise ChewingError(f"start_ms {after} after {before}: must be later")
    vedba = np.minimum(vedba_mg(records) if motion_mg is None else motion_mg, 0xFFFF)
    rows.vedba_mg[seen:] = vedba
    rows.line_mg[seen:] = vedba * _ROOTS[np.maximum(records[:, 12], records[:, 13])]
    rows.crossings[seen:] = crossings_of(records)
    return rows


def _nothing(windows: int, score: NDArray[np.float64] | None = None) -> Told:
    """Return what is told where no window speaks for chewing, nor did any that is remembered."""
    none = np.zeros(windows, dtype=bool)
    return Told(none, np.zeros(windows) if score is None else score, none, none)


def _tail(rows: _Rows) -> bytes:
    first = int(rows.start_ms.searchsorted(rows.start_ms[-1] - MEMORY_MS, side="right"))
    return rows.columns[:, max(first, len(rows.start_ms) - _MOST_ROWS) :].tobytes()


def _chews(rows: _Rows, records: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Say which new windows have a chewing line, whatever they were told as."""
    crossings = rows.crossings[rows.seen :]
    line = (records[:, 13] >= LINE_SHARE) & _within(crossings, HIGH_CROSSINGS)
    line |= (records[:, 12] >= LINE_SHARE) & _within(crossings, LOW_CROSSINGS)
    return line & _within(rows.vedba_mg[rows.seen :], VEDBA_MG) & _is_steady(rows.crossings)[rows.seen :]


def _within(values: NDArray[np.int64], bounds: tuple[int, int]) -> NDArray[np.bool_]:
    return (values >= bounds[0]) & (values <= bounds[1])


def _is_steady(crossings: NDArray[np.int64]) -> NDArray[np.bool_]:
    steady = np.zeros(len(crossings), dtype=bool)
    for back in (1, 2):
        steady[back:] |= np.abs(crossings[back:] - crossings[:-back]) <= STEADY_CROSSINGS
    return steady


def _since(rows: _Rows) -> NDArray[np.intp]:
    """Return for each new window, (2, n), the first row of the least bout and of the memory it ends."""
    first = rows.start_ms.searchsorted(rows.start_ms[rows.seen :] - _SPANS_MS, side="right")
    return np.asarray(np.maximum(first, np.arange(rows.seen, len(rows.start_ms)) - _MOST_ROWS + 1))


def _sums(flags: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return running sums of the flags, and of the values (v, rows) where they are 1; each begins with a 0.

    So sums[:, b] - sums[:, a] is of the rows from a up to and without b.
    """
    sums = np.zeros((1 + len(values), len(flags) + 1), dtype=np.int64)
    sums[0, 1:] = flags
    np.multiply(values, flags, out=sums[1:, 1:])
    return sums.cumsum(axis=1)


def _mark_pauses(
    rows: _Rows, begin: NDArray[np.intp], sums: NDArray[np.int64], is_rest: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Set the bits of pauses, by the chewing windows before each; return where one begins."""
    bits, seen = rows.bits, rows.seen
    n, vedba_mg, line_mg = sums[:, seen:-1] - sums[:, begin]
    is_pause = is_rest & (n >= _SURE_REFERENCE)
    is_pause &= rows.line_mg[seen:] * n < PAUSE_SHARE * line_mg
    is_pause &= rows.vedba_mg[seen:] * n < vedba_mg
    if not is_pause.any():
        return np.asarray(is_pause)
    begins = is_pause.copy()
    begins[1:] &= ~is_pause[:-1]
    begins[0] &= not (seen and bits[seen - 1] & _PAUSE)
    bits[seen:] |= is_pause * _PAUSE | begins * _PAUSE_BEGINS
    begun = np.flatnonzero(bits & _PAUSE_BEGINS)
    later = begun[1:]
    is_regular = _within(rows.start_ms[later] - rows.start_ms[begun[:-1]], PAUSE_EVERY_MS)
    bits[later[is_regular & (later - begun[:-1] < _MOST_ROWS)]] |= _REGULAR_PAUSE
    return np.asarray(begins)


def _score(
    rows: _Rows, begin: NDArray[np.intp], earlier: NDArray[np.intp], count: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the score of each new window, were it told as rest."""
    first = rows.seen + 1
    chewing, windows = count[first:], np.arange(first, len(count)) - begin
    rate = (chewing - count[begin]) / np.maximum(windows, _FEWEST_WINDOWS)
    pauses = np.zeros((2, len(count)), dtype=np.int64)
    ((rows.bits & _OF_PAUSES) != 0).cumsum(axis=1, out=pauses[:, 1:])
    paused, regular = pauses[:, first:] > pauses[:, earlier]
    is_steady = chewing - count[earlier] >= _STEADY_LINE
    bolus = np.where(is_steady & ~paused, _NEVER_PAUSED, _REGULAR * regular)
    return np.asarray(1.0 / (1.0 + np.exp(_SLOPE * (_MIDDLE - rate) - bolus)))


def _held(before: bool, on: NDArray[np.bool_], off: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what was last said at each window; where both are said, `off`."""
    if not (before or on.any()):
        return on
    said = np.flatnonzero(on | off)
    values = np.concatenate(([before], ~off[said]))
    return np.asarray(values[np.searchsorted(said, np.arange(len(on)), side="right")])


def bouts(start_ms: NDArray[np.int64], told: Told) -> list[Bout]:
    """Look back on windows that were told, in order, and return the bouts of rumination.

    Each begins at the first chewing window of the two minutes before it was told and ends with its last
    chewing window; bouts up to 2.5 minutes apart are one; what then lasts less than 2 minutes is none.
    """
    chewing_ms = start_ms[told.chews]
    found: list[Bout] = []
    for first, last in _runs(told.ruminating):
        inside = chewing_ms[
            (chewing_ms > start_ms[first] - MIN_BOUT_MS) & (chewing_ms <= start_ms[last])
        ].tolist()
        if inside and found and inside[0] - found[-1].end_ms <= JOINED_GAP_MS:
            found[-1] = found[-1]._replace(end_ms=inside[-1] + WINDOW_MS)
        elif inside:
            found.append(Bout(inside[0], inside[-1] + WINDOW_MS))
    return [bout for bout in found if bout.end_ms - bout.start_ms >= MIN_BOUT_MS]


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last place of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return [(int(first), int(last) - 1) for first, last in edges.reshape(-1, 2)]


def encode(state: State) -> bytes:
    """Return at most 897 bytes; 505 for a collar that sends every window."""
    columns = np.frombuffer(state.columns, dtype=np.int64).reshape(_COLUMNS, -1)
    rows = np.empty(columns.shape[1], dtype=_ROW)
    for name, column in zip(_ROW.names or (), columns, strict=True):
        rows[name] = column
    return bytes([state.told]) + rows.tobytes()


def decode(data: bytes, version: int) -> State:
    """Return what `encode` was given. Raises ChewingError for another version or other bytes."""
    if version != VERSION or len(data) % _ROW.itemsize != 1 or data[0] > 1:
        raise ChewingError(f"chewing state of version {version}, {len(data)} bytes: known is {VERSION}")
    rows = np.frombuffer(data, dtype=_ROW, offset=1)
    columns = np.array([rows[name] for name in _ROW.names or ()], dtype=np.int64)
    return State(columns.tobytes(), bool(data[0]))
