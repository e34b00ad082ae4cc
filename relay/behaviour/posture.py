"""Lying and standing: beta. Transitions with a confidence, and the state they leave behind.

What one collar says about posture is weak. Gravity at the neck of one cow lying and standing differs by 7 to
24 degrees, as much as she turns her head by, and not the same way on two cows (domain.md 0.4). So nothing
here looks at gravity itself, only at how it changes on this animal, and any way round of the collar gives
the same. Two things are evidence:

- On foot: three windows in a row told as walking or grazing. She stands, whatever was believed.
- A turn: a burst of at most 20 s (lying down and rising take some 5 s at 0.28 g; half of that, because
  windows are blind to where it begins), and the mean gravity of the calm minutes before and behind it 7 to
  60 degrees apart, in both halves of the minute behind it. Beyond 60 the collar has turned (domain.md 2.2).

A standing cow that turns may have lain down: told after four minutes without a sign of the opposite, the
least bout of Tolkamp (domain.md 3). A lying cow has risen if she is on foot, or turns nearer to how she stood
than to how she lay. Before she was first on foot, and after four minutes without windows, nothing is known.

The confidence is ours, not measured: 0.3 at 7 degrees to 0.7 at 24 and beyond, 0.9 on foot. That of the state
begins half way from there to 1 and fades to 0.5, standing with the 45 minutes of a long standing bout, lying
with the 121 of the longest lying bout (domain.md 6.2).

Above 400 lines because rows, signs and state are one argument: who changes a sign has to see all three.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from operator import add
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.chewing import vedba_mg

if TYPE_CHECKING:
    from numpy.typing import NDArray

BETA: Final = "Lying and standing are beta: a neck collar hardly tells them apart, and ours is not validated."
VERSION: Final = 1

UNKNOWN: Final = "unknown"
STANDING: Final = "standing"
LYING: Final = "lying"
Posture = Literal["unknown", "standing", "lying"]

CALM_MG: Final = 120  # VeDBA of rest and rumination, domain.md 3
BURST_MG: Final = 140
BURST_WINDOWS: Final = 4
TURN_DEG: Final = (7.0, 60.0)
SURE_TURN_DEG: Final = 24.0
ASIDE_MS: Final = 60_000
MIN_LYING_MS: Final = 240_000
FADE_MS: Final[dict[str, int]] = {STANDING: 45 * 60_000, LYING: 121 * 60_000}

_CALM_WINDOWS = 8  # of the 11 or 12 of a minute: a cow at rest looks around now and then
_ON_FOOT_WINDOWS = 3
_ON_FOOT_CONFIDENCE = 0.9
_LIES_ON_FOOT = round(50 - 50 * _ON_FOOT_CONFIDENCE)  # percent
_LEAST, _MOST = 0.3, 0.7
_MEMORY_MS = 180_000  # a burst with a minute on either side, and some
_MOST_ROWS = 64

_POSTURES: tuple[Posture, ...] = (UNKNOWN, STANDING, LYING)
_CALM, _ON_FOOT = 1, 2
_ROW = np.dtype([("start_ms", "<i8"), ("gravity", "i1", 3), ("bits", "u1"), ("vedba_mg", "<u2")])
_HEAD = struct.Struct("<Bqd?qd6d")

Gravity = tuple[float, float, float]
_Sums = tuple[int, ...]  # windows; of their gravity x, y, z


class PostureError(ValueError):
    """Windows that cannot follow what was seen, or a state of another version."""


class Transition(NamedTuple):
    """She lay down or got up at `at_ms` (UTC, the window it began in); `confidence` 0..1, not measured."""

    at_ms: int
    to: Posture
    confidence: float


@dataclass(frozen=True, slots=True)
class State:
    """What is believed of one animal since `since_ms`, and what her next windows need.

    `confidence`: as of a transition. `pending`: a lying down that is not told yet. `stood`, `lay`: gravity
    before and after she last lay down, in the collar's axes and steps of 16 mg. `rows`: three minutes of
    windows.
    """

    posture: Posture = UNKNOWN
    since_ms: int = 0
    confidence: float = 0.0
    pending: Transition | None = None
    stood: Gravity = (0.0, 0.0, 0.0)
    lay: Gravity = (0.0, 0.0, 0.0)
    rows: bytes = b""

    def sure_at(self, now_ms: int) -> float:
        """Return how sure the posture is at `now_ms`, from 0.5 (a guess) to 1."""
        if self.posture == UNKNOWN:
            return 0.5
        fade = math.exp(-max(0, now_ms - self.since_ms) / FADE_MS[self.posture])
        return 0.5 + self.confidence / 2 * fade


class _Turn(NamedTuple):
    """A burst between two calm stretches, and gravity on its either side."""

    at_ms: int
    before: Gravity
    after: Gravity
    degrees: float


class _Sign(NamedTuple):
    """What windows tell when they are seen: a hole before, that she is on foot, a turn a minute ago.

    `until_ms`: the last of a run of windows that all tell that she is on foot; otherwise `ms`.
    """

    ms: int
    until_ms: int
    hole_from_ms: int | None = None
    on_foot_from_ms: int | None = None
    turn: _Turn | None = None


class _Rows(NamedTuple):
    """Remembered windows and new ones behind them, by column."""

    seen: int  # so many are remembered
    start_ms: NDArray[np.int64]
    gravity: NDArray[np.int64]  # (3, rows), steps of 16 mg
    bits: NDArray[np.int64]
    vedba_mg: NDArray[np.int64]

    @property
    def on_foot(self) -> NDArray[np.bool_]:
        """Windows that are the third in a row on foot, at least."""
        out = np.zeros(len(self.bits), dtype=bool)
        walks = (self.bits & _ON_FOOT) != 0
        out[2:] = walks[2:] & walks[1:-1] & walks[:-2]
        out[2:] &= self.start_ms[2:] - self.start_ms[:-2] <= _ON_FOOT_WINDOWS * WINDOW_MS
        return out


def step(
    state: State,
    records: NDArray[np.uint8],
    start_ms: NDArray[np.int64],
    is_rest: NDArray[np.bool_],
    is_on_foot: NDArray[np.bool_],
) -> tuple[State, list[Transition]]:
    """Tell the transitions that became sure with these windows, in order.

    records: (n, 14), wire.md "windows"; start_ms: (n,) UTC ms, each later than all before; is_rest and
    is_on_foot: (n,), what the classifier called rest, and walking or grazing. Any batching of a stream gives
    the same. Raises PostureError if the shapes differ or time does not go forward.
    """
    after, found, _ = follow(state, records, start_ms, is_rest, is_on_foot)
    return after, found


def follow(
    state: State,
    records: NDArray[np.uint8],
    start_ms: NDArray[np.int64],
    is_rest: NDArray[np.bool_],
    is_on_foot: NDArray[np.bool_],
    motion_mg: NDArray[np.float64] | None = None,
) -> tuple[State, list[Transition], NDArray[np.int64]]:
    """As `step`, and by window (n,) how likely she lies, percent, by what is known then; -1 if nothing is.

    motion_mg: (n,), `chewing.vedba_mg` of the records where it is known already.
    """
    rows = _rows(state, records, start_ms, is_rest, is_on_foot, motion_mg)
    if not len(start_ms):
        return state, [], np.empty(0, dtype=np.int64)
    found: list[Transition] = []
    known = [(-1, state)]
    on_foot = rows.on_foot
    for sign in _signs(rows, on_foot):
        known += _outlasted(state, known[-1][0], sign.ms)
        state, told = _heed(state, sign)
        found += told
        known.append((sign.until_ms, state))
    last_ms = int(start_ms[-1])
    known += _outlasted(state, known[-1][0], last_ms)
    state, told = _confirmed(state, last_ms)
    lying = _lying(known, start_ms)
    lying[on_foot[rows.seen :]] = _LIES_ON_FOOT
    return replace(state, rows=_tail(rows)), found + told, lying


def _outlasted(state: State, from_ms: int, until_ms: int) -> list[tuple[int, State]]:
    """Return from when on, up to `until_ms`, a lying down that is waited for is believed."""
    sure_ms = until_ms + 1 if state.pending is None else max(from_ms, state.pending.at_ms + MIN_LYING_MS)
    return [(sure_ms, _confirmed(state, sure_ms)[0])] if sure_ms <= until_ms else []


def _lying(known: list[tuple[int, State]], start_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (n,) percent. `known`: states and from when on each is believed; of the same time the later."""
    from_ms = np.array([ms for ms, _ in known])
    of = np.searchsorted(from_ms, start_ms, side="right") - 1
    since, confidence, fade_ms, lies = np.array([_as_numbers(state) for _, state in known])[of].T
    sure = 50 + 50 * confidence * np.exp(-np.maximum(start_ms - since, 0) / fade_ms)
    percent = np.rint(np.where(lies > 0, sure, 100 - sure)).astype(np.int64)
    return np.where(lies < 0, -1, percent)


def _as_numbers(state: State) -> tuple[float, float, float, float]:
    if state.posture == UNKNOWN:
        return 0.0, 0.0, 1.0, -1.0
    return state.since_ms, state.confidence, FADE_MS[state.posture], float(state.posture == LYING)


def turns_ms(
    records: NDArray[np.uint8], start_ms: NDArray[np.int64], is_rest: NDArray[np.bool_]
) -> list[int]:
    """Return when a cow turned, whatever was believed of her: what `step` has to choose from. For evaluation.

    Arguments and errors as of `step`; times are UTC ms.
    """
    rows = _rows(State(), records, start_ms, is_rest, np.zeros(len(start_ms), dtype=bool))
    return [turn.at_ms for _, turn in _turns(rows)]


def _rows(
    state: State,
    records: NDArray[np.uint8],
    start_ms: NDArray[np.int64],
    is_rest: NDArray[np.bool_],
    is_on_foot: NDArray[np.bool_],
    motion_mg: NDArray[np.float64] | None = None,
) -> _Rows:
    n = len(start_ms)
    if records.shape != (n, 14) or is_rest.shape != (n,) or is_on_foot.shape != (n,):
        raise PostureError(
            f"{n} windows: records {records.shape}, {is_rest.shape} and {is_on_foot.shape} told"
        )
    old = np.frombuffer(state.rows, dtype=_ROW)
    seen = len(old)
    columns = np.empty((6, seen + n), dtype=np.int64)
    rows = _Rows(seen, columns[0], columns[1:4], columns[4], columns[5])
    columns[0, :seen], columns[1:4, :seen] = old["start_ms"], old["gravity"].T
    columns[4, :seen], columns[5, :seen] = old["bits"], old["vedba_mg"]
    columns[0, seen:], columns[1:4, seen:] = start_ms, records.T[:3].view(np.int8)
    columns[5, seen:] = np.minimum(vedba_mg(records) if motion_mg is None else motion_mg, 0xFFFF)
    columns[4, seen:] = _CALM * (is_rest & (columns[5, seen:] <= CALM_MG)) + _ON_FOOT * is_on_foot
    backward = rows.start_ms[1:] <= rows.start_ms[:-1]
    if backward.any():
        before, after = rows.start_ms[backward.argmax() :][:2].tolist()
        raise PostureError(f"start_ms {after} after {before}: must be later")
    return rows


def _tail(rows: _Rows) -> bytes:
    """Return what is remembered of the windows."""
    first = int(rows.start_ms.searchsorted(rows.start_ms[-1] - _MEMORY_MS, side="right"))
    kept = slice(max(first, len(rows.start_ms) - _MOST_ROWS), None)
    out = np.empty(len(rows.start_ms[kept]), dtype=_ROW)
    out["start_ms"], out["gravity"] = rows.start_ms[kept], rows.gravity[:, kept].T
    out["bits"], out["vedba_mg"] = rows.bits[kept], rows.vedba_mg[kept]
    return out.tobytes()


def _signs(rows: _Rows, on_foot: NDArray[np.bool_]) -> list[_Sign]:
    """Return what the new windows tell, in the order it can be known."""
    turns = _turns(rows)
    at_ms = [int(rows.start_ms[row]) for row, _ in turns]
    turned = [_Sign(ms, ms, turn=turn) for ms, (_, turn) in zip(at_ms, turns, strict=True)]
    signs = [*_holes(rows), *_runs(rows, on_foot, [row for row, _ in turns]), *turned]
    return sorted(signs, key=lambda sign: sign.ms)


def _holes(rows: _Rows) -> list[_Sign]:
    start_ms = rows.start_ms[max(rows.seen - 1, 0) :]
    at = np.flatnonzero(start_ms[1:] - start_ms[:-1] > MIN_LYING_MS)
    pairs = zip(start_ms[at + 1].tolist(), start_ms[at].tolist(), strict=True)
    return [_Sign(ms, ms, hole_from_ms=before_ms) for ms, before_ms in pairs]


def _runs(rows: _Rows, on_foot: NDArray[np.bool_], turns: list[int]) -> list[_Sign]:
    """Return the runs of new windows on foot: one sign each, for within a run nothing else is told."""
    at = np.flatnonzero(on_foot[rows.seen :]) + rows.seen
    if not len(at):
        return []
    ends = at[1:] != at[:-1] + 1
    for turn in turns:
        ends |= at[:-1] == turn
    cut = np.flatnonzero(ends)
    first, last = at[np.concatenate(([0], cut + 1))], at[np.concatenate((cut, [-1]))]
    columns = rows.start_ms[np.stack((first, last, first - (_ON_FOOT_WINDOWS - 1)))]
    return [_Sign(ms, until_ms, on_foot_from_ms=from_ms) for ms, until_ms, from_ms in columns.T.tolist()]


def _turns(rows: _Rows) -> list[tuple[int, _Turn]]:
    """Return the turns whose minute behind them ends in the new windows, and the row in which it does."""
    start_ms, calm = rows.start_ms, (rows.bits & _CALM) != 0
    edges = np.flatnonzero(np.diff(np.concatenate(([True], calm, [True]))))
    first, last = edges[::2], edges[1::2] - 1
    known = start_ms.searchsorted(start_ms[last] + (WINDOW_MS + ASIDE_MS))
    brief = start_ms[last] - start_ms[first] <= (BURST_WINDOWS - 1) * WINDOW_MS + WINDOW_MS // 2
    loud = np.concatenate(([0], (rows.vedba_mg >= BURST_MG).cumsum()))
    is_burst = brief & (known >= rows.seen) & (known < len(calm)) & (loud[last + 1] > loud[first])
    if not is_burst.any():
        return []
    begin_ms, end_ms = start_ms[first[is_burst]], start_ms[last[is_burst]] + WINDOW_MS
    bounds_ms = (begin_ms - ASIDE_MS, begin_ms, end_ms, end_ms + ASIDE_MS // 2, end_ms + ASIDE_MS)
    parts = np.diff(_calm_sums(rows, calm)[:, start_ms.searchsorted(np.stack(bounds_ms))], axis=1)
    aside = zip(known[is_burst].tolist(), begin_ms.tolist(), parts.T.tolist(), strict=True)
    turns = [(row, _turn(ms, tuple(a), tuple(c), tuple(d))) for row, ms, (a, _, c, d) in aside]
    return [(row, turn) for row, turn in turns if turn]


def _calm_sums(rows: _Rows, calm: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (4, rows + 1) running sums: of calm windows, and of their gravity."""
    sums = np.zeros((4, len(calm) + 1), dtype=np.int64)
    sums[0, 1:], sums[1:, 1:] = calm, rows.gravity * calm
    return sums.cumsum(axis=1)


def _turn(at_ms: int, before: _Sums, soon: _Sums, late: _Sums) -> _Turn | None:
    """Compare the minute before a burst with the halves of the minute behind it."""
    after = tuple(map(add, soon, late))
    if before[0] < _CALM_WINDOWS or after[0] < _CALM_WINDOWS or not soon[0] or not late[0]:
        return None
    stood = _gravity(before)
    degrees = min(_degrees(stood, _gravity(each)) for each in (soon, late, after))
    if not TURN_DEG[0] <= degrees <= TURN_DEG[1]:
        return None
    return _Turn(at_ms, stood, _gravity(after), degrees)


def _gravity(sums: _Sums) -> Gravity:
    n, x, y, z = sums
    return x / n, y / n, z / n


def _degrees(one: Gravity, other: Gravity) -> float:
    """Return the angle between two gravities; 180 if one of them is none."""
    lengths = math.hypot(*one) * math.hypot(*other)
    cosine = sum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else -1.0
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def _heed(state: State, sign: _Sign) -> tuple[State, list[Transition]]:
    state, found = _confirmed(state, sign.ms if sign.hole_from_ms is None else sign.hole_from_ms)
    if sign.hole_from_ms is not None:
        return replace(state, posture=UNKNOWN, since_ms=sign.ms, confidence=0.0, pending=None), found
    if sign.on_foot_from_ms is not None:
        if state.posture == LYING:
            found.append(Transition(sign.on_foot_from_ms, STANDING, _ON_FOOT_CONFIDENCE))
        return _standing(state, sign.until_ms, _ON_FOOT_CONFIDENCE), found
    if sign.turn is not None:
        state, risen = _turned(state, sign.turn)
        found += risen
    return state, found


def _confirmed(state: State, now_ms: int) -> tuple[State, list[Transition]]:
    """Tell a lying down that has lasted."""
    down = state.pending
    if down is None or now_ms < down.at_ms + MIN_LYING_MS:
        return state, []
    state = replace(state, posture=LYING, since_ms=down.at_ms, confidence=down.confidence, pending=None)
    return state, [down]


def _standing(state: State, since_ms: int, confidence: float) -> State:
    return replace(state, posture=STANDING, since_ms=since_ms, confidence=confidence, pending=None)


def _turned(state: State, turn: _Turn) -> tuple[State, list[Transition]]:
    share = (turn.degrees - TURN_DEG[0]) / (SURE_TURN_DEG - TURN_DEG[0])
    confidence = _LEAST + (_MOST - _LEAST) * min(1.0, share)
    if state.posture == STANDING and state.pending is None:
        down = Transition(turn.at_ms, LYING, confidence)
        return replace(state, pending=down, stood=turn.before, lay=turn.after), []
    is_up = _degrees(turn.after, state.stood) < _degrees(turn.after, state.lay)
    if state.posture == UNKNOWN or not is_up:
        return state, []
    risen = [Transition(turn.at_ms, STANDING, confidence)] if state.posture == LYING else []
    return _standing(state, turn.at_ms, confidence), risen


def encode(state: State) -> bytes:
    """Return at most 978 bytes; 586 for a collar that sends every window."""
    down = state.pending or Transition(0, LYING, 0.0)
    posture = _POSTURES.index(state.posture)
    pending = (state.pending is not None, down.at_ms, down.confidence)
    head = _HEAD.pack(posture, state.since_ms, state.confidence, *pending, *state.stood, *state.lay)
    return head + state.rows


def decode(data: bytes, version: int) -> State:
    """Return what `encode` was given. Raises PostureError for another version or other bytes."""
    if version != VERSION or len(data) < _HEAD.size or (len(data) - _HEAD.size) % _ROW.itemsize:
        raise PostureError(f"posture state of version {version}, {len(data)} bytes: known is {VERSION}")
    posture, since_ms, confidence, is_pending, at_ms, sure, *gravity = _HEAD.unpack_from(data)
    if posture >= len(_POSTURES):
        raise PostureError(f"posture {posture} in a state: known are 0 to {len(_POSTURES) - 1}")
    pending = Transition(at_ms, LYING, sure) if is_pending else None
    stood, lay = (gravity[0], gravity[1], gravity[2]), (gravity[3], gravity[4], gravity[5])
    return State(_POSTURES[posture], since_ms, confidence, pending, stood, lay, data[_HEAD.size :])
