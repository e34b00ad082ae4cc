"""Windows to minutes with a behaviour: unknown sorted out, classified in the cow's frame, smoothed, summed.

`step` is given the minutes that are complete, in order, in any portions; what comes out does not depend on
the portions. A window is told when the two after it are known, so the last minute of an upload waits for the
next one, or until ten minutes have brought nothing that a cow can have made. A minute gets the class that its
windows have most of, with that class's mean probability as confidence; if half of its windows are no cow's
(`unknown`) it is unknown.

Rest with a chewing line is told as rumination, which is not validated on cattle; lying is beta (`posture`).
A minute that came as a collar's own record or code has the label that the collar gave it, in its place among
the others; one of which it told nothing has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import add
from typing import TYPE_CHECKING, Final, NamedTuple

import msgpack  # type: ignore[import-untyped]
import numpy as np

from herdcore.vocabulary import BEHAVIOURS
from relay.behaviour import chewing, frame, model, posture, sitting, smoother
from relay.behaviour.described import RECORD_BYTES, describe
from relay.behaviour.minutes import MINUTE_MS, ROW_BYTES, WINDOWS
from relay.behaviour.unknown import is_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from relay.behaviour.described import Described, Floats
    from relay.behaviour.minutes import Minute
    from relay.behaviour.model import Model

KIND: Final = "behaviour"
VERSION: Final = 1
# What the model's classes are called on the wire.
CODES: Final = {
    "grazing": BEHAVIOURS.index("graze"),
    "still": BEHAVIOURS.index("rest"),
    "walking": BEHAVIOURS.index("walk"),
    "other": BEHAVIOURS.index("other"),
}
_MILLION = 1_000_000
_UNKNOWN, _REST, _RUMINATE = (BEHAVIOURS.index(name) for name in ("unknown", "rest", "ruminate"))


class LabelsError(ValueError):
    """A stored state that this code cannot read."""


class LabelledMinute(NamedTuple):
    """A UTC minute, counted from 1970, and what she did.

    `behaviour`: place in BEHAVIOURS. `confidence`: percent. `windows`: how many it was made from.
    `ruminating`: how many of them have a chewing line (not validated). `lying`: percent, -1 if not known
    (beta).
    """

    minute: int
    behaviour: int
    confidence: int
    windows: int
    ruminating: int
    lying: int


class Open(NamedTuple):
    """A minute whose windows are not all told. `sums`: of the probabilities told so far, in millionths."""

    minute: int
    told: int = 0
    doubted: int = 0
    ruminating: int = 0
    lying: int = -1
    sums: tuple[int, ...] = ()
    by_collar: int = 0  # class << 5 | confidence in 32nds, of a minute that came without its windows


@dataclass(frozen=True, slots=True)
class State:
    """Everything remembered of one animal between two arrivals."""

    seen_ms: int = 0  # start of the last window, or of the last minute that came without
    sitting: sitting.Sitting = field(default_factory=sitting.Sitting)
    stream: smoother.State = field(default_factory=smoother.State)
    chewing: chewing.State = field(default_factory=chewing.State)
    posture: posture.State = field(default_factory=posture.State)
    open: tuple[Open, ...] = ()


def step(
    state: State, minutes: Sequence[Minute], using: Model | None = None
) -> tuple[State, list[LabelledMinute]]:
    """Take complete minutes, oldest first; return the labels that are certain by now, oldest first."""
    fitted = using or model.shipped()
    start_ms, records = _windows(state.seen_ms, minutes)
    coarse = _coarse(state.seen_ms, minutes)
    if not len(start_ms) and not coarse:
        return state, []
    seen_ms = max([*start_ms[-1:].tolist(), *(each.minute * MINUTE_MS for each in coarse[-1:])])
    opened = {each.minute: each for each in (*state.open, *_by_collar(coarse))}
    sure_ms, sure = _sure(opened, start_ms, records)
    seated, told = _classified(state.sitting, fitted, sure_ms, describe(sure))
    winner = np.array([CODES[name] for name in fitted.labels])[told.argmax(axis=1)]
    is_rest, motion_mg = winner == _REST, chewing.vedba_mg(sure)
    chewed, cud = chewing.step(state.chewing, sure, sure_ms, is_rest, motion_mg)
    on_foot = (winner == CODES["walking"]) | (winner == CODES["grazing"])
    stood, _, lying = posture.follow(state.posture, sure, sure_ms, is_rest, on_foot, motion_mg)
    _note(opened, sure_ms, cud.ruminating, lying)
    smoothed = smoother.step(state.stream, fitted.smoothing, sure_ms, told)
    _sum(opened, smoothed)
    late = smoother.overdue(smoothed.state, fitted.smoothing, seen_ms)
    _sum(opened, late)
    until = _told_until(late.state, seen_ms)
    ordered = sorted(opened.values())
    done = [_label(each, fitted) for each in ordered if each.minute < until]
    waiting = tuple(each for each in ordered if each.minute >= until)
    return State(seen_ms, seated, late.state, chewed, stood, waiting), done


def told_until(state: State) -> int:
    """Return the minute (since 1970) before which everything is told."""
    return _told_until(state.stream, state.seen_ms)


def _told_until(stream: smoother.State, seen_ms: int) -> int:
    """Return the first minute with a window that still waits."""
    waits = stream.start_ms[len(stream.start_ms) - stream.waiting :]
    return waits[0] // MINUTE_MS if waits else seen_ms // MINUTE_MS + 1


def _by_minute(start_ms: NDArray[np.int64], columns: NDArray[np.int64]) -> Iterator[list[int]]:
    """Yield each minute, how many windows start in it, and the sums of what (columns, n) say of them."""
    if not len(start_ms):
        return
    minute = start_ms // MINUTE_MS
    first = np.concatenate(([0], np.flatnonzero(minute[1:] != minute[:-1]) + 1))
    rows = np.empty((len(columns) + 2, len(first)), dtype=np.int64)
    rows[0] = minute[first]
    rows[1, :-1], rows[1, -1] = first[1:] - first[:-1], len(minute) - first[-1]
    np.add.reduceat(columns, first, axis=1, out=rows[2:])
    yield from rows.T.tolist()


def _windows(seen_ms: int, minutes: Sequence[Minute]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return (n,) starts, UTC ms, and (n, 14) records; what is not later than all before is left out."""
    rows = np.frombuffer(b"".join([each.rows for each in minutes]), dtype=np.uint8).reshape(-1, ROW_BYTES)
    of = np.repeat([each.minute for each in minutes], [len(each.rows) // ROW_BYTES for each in minutes])
    start_ms = of.astype(np.int64) * MINUTE_MS + rows.view("<u2")[:, 0]
    later = start_ms > seen_ms
    later[1:] &= start_ms[1:] > np.maximum.accumulate(start_ms[:-1])
    if not later.all():
        start_ms, rows = start_ms[later], rows[later]
    # In memory by column, for that is how everything looks at them.
    return start_ms, rows[:, ROW_BYTES - RECORD_BYTES :].T.copy().T


def _coarse(seen_ms: int, minutes: Sequence[Minute]) -> list[Minute]:
    """Return the minutes that came without their windows."""
    return [each for each in minutes if each.form != WINDOWS and each.minute * MINUTE_MS > seen_ms]


def _by_collar(coarse: list[Minute]) -> list[Open]:
    """Return those of which the collar told something."""
    told = (each for each in coarse if each.told >> 5 != _UNKNOWN)
    return [Open(each.minute, each.windows, by_collar=each.told) for each in told]


def _sure(
    opened: dict[int, Open], start_ms: NDArray[np.int64], records: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the windows that a cow can have made; note how many of each minute are none."""
    doubted = is_unknown(records)
    if not doubted.any():
        return start_ms, records
    for minute, _, some in _by_minute(start_ms, doubted[None].astype(np.int64)):
        known = opened.get(minute) or Open(minute)
        opened[minute] = known._replace(doubted=known.doubted + some)
    return start_ms[~doubted], records[~doubted]


def _classified(
    seated: sitting.Sitting, fitted: Model, start_ms: NDArray[np.int64], described: Described
) -> tuple[sitting.Sitting, Floats]:
    """Return how the collar sits afterwards, and (n, k) probabilities of each window by itself."""
    if not len(start_ms):
        return seated, np.empty((0, len(fitted.labels)))
    motion = model.motion_features(described)
    both = fitted.labels.index("grazing"), fitted.labels.index("still")
    sight = fitted.motion.posterior(motion)
    quarters = start_ms // sitting.QUARTER_MS
    change = quarters[1:] != quarters[:-1]
    edges = [0, *(np.flatnonzero(change) + 1).tolist(), len(quarters)]
    known = []
    for quarter, sums in zip(
        quarters[edges[:-1]].tolist(), frame.sums_by(sight, described, edges), strict=True
    ):
        seated = sitting.at(seated, quarter)
        known.append(seated.believed(both))
        seated = sitting.add(seated, sums)
    of = np.concatenate(([0], change.cumsum()))
    return seated, _in_frame(fitted, sight, described, motion, known, of)


def _in_frame(
    fitted: Model,
    sight: Floats,
    described: Described,
    motion: Floats,
    known: list[Floats | None],
    of: NDArray[np.int64],
) -> Floats:
    """Return (n, k) probabilities: in the cow's frame if it is believed, at sight otherwise.

    `of` (n,): which of the `known` sums is a window's.
    """
    believed = [each is not None for each in known]
    sums = [np.zeros((len(fitted.labels), frame.COLUMNS)) if each is None else each for each in known]
    if all(believed):
        return fitted.posterior(described, np.array(sums), motion, of)
    told, rows = sight.copy(), np.array(believed)[of]
    told[rows] = fitted.posterior(described[rows], np.array(sums), motion[rows], of[rows])
    return told


def _note(
    opened: dict[int, Open],
    start_ms: NDArray[np.int64],
    ruminating: NDArray[np.bool_],
    lying: NDArray[np.int64],
) -> None:
    """Add who chews; of a minute's posture the last word counts."""
    columns = np.empty((2, len(start_ms)), dtype=np.int64)
    columns[0], columns[1] = ruminating, lying
    of = start_ms // MINUTE_MS
    columns[1, :-1] *= of[1:] != of[:-1]
    for minute, _, chew, lies in _by_minute(start_ms, columns):
        known = opened.get(minute) or Open(minute)
        opened[minute] = Open(minute, known.told, known.doubted, known.ruminating + chew, lies, known.sums)


def _sum(opened: dict[int, Open], smoothed: smoother.Smoothed) -> None:
    """Add what is told, in whole millionths: so that portions add up to the same."""
    millionths = np.rint(smoothed.posterior.T * _MILLION).astype(np.int64)
    for minute, windows, *told in _by_minute(smoothed.start_ms, millionths):
        known = opened[minute]
        sums = tuple(map(add, known.sums, told)) if known.sums else tuple(told)
        opened[minute] = Open(
            minute, known.told + windows, known.doubted, known.ruminating, known.lying, sums
        )


def _label(each: Open, fitted: Model) -> LabelledMinute:
    if each.by_collar:
        behaviour, of_32 = divmod(each.by_collar, 32)
        return LabelledMinute(each.minute, behaviour, (100 * of_32 + 16) // 32, each.told, 0, -1)
    windows = each.told + each.doubted
    if 2 * each.doubted >= windows:
        return LabelledMinute(each.minute, _UNKNOWN, 100, windows, 0, -1)
    best = each.sums.index(max(each.sums))
    behaviour = CODES[fitted.labels[best]]
    if behaviour == _REST and 2 * each.ruminating > each.told:
        behaviour = _RUMINATE
    confidence = round(100 * each.sums[best] / (_MILLION * each.told))
    return LabelledMinute(each.minute, behaviour, confidence, windows, each.ruminating, each.lying)


def encode(state: State) -> bytes:
    """Return what `decode` reads: about 1.8 kB for a collar that sends every window, at most 3 kB."""
    packed: bytes = msgpack.packb(
        [
            state.seen_ms,
            [getattr(state.sitting, each.name) for each in fields(state.sitting)],
            [getattr(state.stream, each.name) for each in fields(state.stream)],
            chewing.encode(state.chewing),
            posture.encode(state.posture),
            state.open,
        ]
    )
    return packed


def decode(data: bytes, version: int) -> State:
    """Return what `encode` was given. Raises LabelsError for another version or other bytes."""
    if version != VERSION:
        raise LabelsError(f"behaviour state of version {version}: known is {VERSION}")
    try:
        seen_ms, seated, stream, chewed, stood, opened = msgpack.unpackb(data, use_list=False)
        return State(
            seen_ms,
            sitting.Sitting(*seated),
            smoother.State(*stream),
            chewing.decode(chewed, chewing.VERSION),
            posture.decode(stood, posture.VERSION),
            tuple(Open(*each) for each in opened),
        )
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise LabelsError(f"damaged behaviour state of {len(data)} bytes: {error}") from error
