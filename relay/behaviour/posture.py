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
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
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
_LEAST, _MOST = 0.3, 0.7
_MEMORY_MS = 180_000  # a burst with a minute on either side, and some
_MOST_ROWS = 64

_POSTURES: tuple[Posture, ...] = (UNKNOWN, STANDING, LYING)
_CALM, _ON_FOOT = 1, 2
_ROW = np.dtype([("start_ms", "<i8"), ("gravity", "i1", 3), ("bits", "u1"), ("vedba_mg", "<u2")])
_HEAD = struct.Struct("<Bqd?qd6d")

Gravity = tuple[float, float, float]


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
    """What a window tells when it is seen: a hole before it, that she is on foot, a turn a minute ago."""

    ms: int
    hole_from_ms: int | None = None
    on_foot_from_ms: int | None = None
    turn: _Turn | None = None


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
    rows, seen = _rows(state, records, start_ms, is_rest, is_on_foot)
    found: list[Transition] = []
    for sign in _signs(rows, seen):
        state, told = _heed(state, sign)
        found += told
    if seen < len(rows):
        state, told = _confirmed(state, int(rows["start_ms"][-1]))
        found += told
        kept = rows[-_MOST_ROWS:]
        kept = kept[kept["start_ms"] > kept["start_ms"][-1] - _MEMORY_MS]
        state = replace(state, rows=kept.tobytes())
    return state, found


def turns_ms(
    records: NDArray[np.uint8], start_ms: NDArray[np.int64], is_rest: NDArray[np.bool_]
) -> list[int]:
    """Return when a cow turned, whatever was believed of her: what `step` has to choose from. For evaluation.

    Arguments and errors as of `step`; times are UTC ms.
    """
    rows, _ = _rows(State(), records, start_ms, is_rest, np.zeros(len(start_ms), dtype=bool))
    return [sign.turn.at_ms for sign in _turns(rows, 0) if sign.turn]


def _rows(
    state: State,
    records: NDArray[np.uint8],
    start_ms: NDArray[np.int64],
    is_rest: NDArray[np.bool_],
    is_on_foot: NDArray[np.bool_],
) -> tuple[NDArray[np.void], int]:
    """Return what is remembered with the batch behind it, and where the batch begins."""
    n = len(start_ms)
    if records.shape != (n, 14) or is_rest.shape != (n,) or is_on_foot.shape != (n,):
        raise PostureError(
            f"{n} windows: records {records.shape}, {is_rest.shape} and {is_on_foot.shape} told"
        )
    old = np.frombuffer(state.rows, dtype=_ROW)
    new = np.empty(n, dtype=_ROW)
    new["start_ms"], new["gravity"] = start_ms, records[:, :3].view(np.int8)
    new["vedba_mg"] = np.minimum(vedba_mg(records), 0xFFFF)
    new["bits"] = _CALM * (is_rest & (new["vedba_mg"] <= CALM_MG)) + _ON_FOOT * is_on_foot
    rows = np.concatenate((old, new))
    backward = rows["start_ms"][1:] <= rows["start_ms"][:-1]
    if backward.any():
        before, after = rows["start_ms"][backward.argmax() :][:2].tolist()
        raise PostureError(f"start_ms {after} after {before}: must be later")
    return rows, len(old)


def _signs(rows: NDArray[np.void], seen: int) -> list[_Sign]:
    """Return what the new windows tell, in the order it can be known."""
    signs = [*_holes(rows, seen), *_on_foot(rows, seen), *_turns(rows, seen)]
    return sorted(signs, key=lambda sign: sign.ms)


def _holes(rows: NDArray[np.void], seen: int) -> list[_Sign]:
    start_ms = rows["start_ms"]
    at = np.flatnonzero(np.diff(start_ms) > MIN_LYING_MS) + 1
    return [_Sign(int(start_ms[i]), hole_from_ms=int(start_ms[i - 1])) for i in at[at >= seen]]


def _on_foot(rows: NDArray[np.void], seen: int) -> list[_Sign]:
    start_ms, walks = rows["start_ms"], (rows["bits"] & _ON_FOOT) != 0
    if len(rows) < _ON_FOOT_WINDOWS:
        return []
    at = np.flatnonzero(
        walks[2:] & walks[1:-1] & walks[:-2] & (start_ms[2:] - start_ms[:-2] <= 3 * WINDOW_MS)
    )
    at = at[at + 2 >= seen]
    pairs = zip(start_ms[at + 2].tolist(), start_ms[at].tolist(), strict=True)
    return [_Sign(ms, on_foot_from_ms=first_ms) for ms, first_ms in pairs]


def _turns(rows: NDArray[np.void], seen: int) -> list[_Sign]:
    """Return the turns whose minute behind them ends in the new windows."""
    start_ms, calm = rows["start_ms"], (rows["bits"] & _CALM) != 0
    edges = np.flatnonzero(np.diff(np.concatenate(([True], calm, [True]))))
    first, last = edges[::2], edges[1::2] - 1
    known = np.searchsorted(start_ms, start_ms[last] + WINDOW_MS + ASIDE_MS)
    brief = start_ms[last] - start_ms[first] <= (BURST_WINDOWS - 1) * WINDOW_MS + WINDOW_MS // 2
    signs = []
    for i in np.flatnonzero(brief & (known >= seen) & (known < len(rows))):
        turn = _turn(rows, calm, int(first[i]), int(last[i]))
        if turn:
            signs.append(_Sign(int(start_ms[known[i]]), turn=turn))
    return signs


def _turn(rows: NDArray[np.void], calm: NDArray[np.bool_], first: int, last: int) -> _Turn | None:
    if rows["vedba_mg"][first : last + 1].max() < BURST_MG:
        return None
    start_ms = rows["start_ms"]
    begin_ms, end_ms = int(start_ms[first]), int(start_ms[last]) + WINDOW_MS
    bounds = (begin_ms - ASIDE_MS, begin_ms, end_ms, end_ms + ASIDE_MS // 2, end_ms + ASIDE_MS)
    a, b, c, d, e = np.searchsorted(start_ms, bounds).tolist()
    if calm[a:b].sum() < _CALM_WINDOWS or calm[c:e].sum() < _CALM_WINDOWS:
        return None
    before, after = _gravity(rows, calm, a, b), _gravity(rows, calm, c, e)
    degrees = min(_degrees(before, _gravity(rows, calm, *half)) for half in ((c, d), (d, e), (c, e)))
    if not TURN_DEG[0] <= degrees <= TURN_DEG[1]:
        return None
    return _Turn(begin_ms, before, after, degrees)


def _gravity(rows: NDArray[np.void], calm: NDArray[np.bool_], begin: int, end: int) -> Gravity:
    x, y, z = rows["gravity"][begin:end][calm[begin:end]].mean(axis=0).tolist()
    return x, y, z


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
        return _standing(state, sign.ms, _ON_FOOT_CONFIDENCE), found
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
