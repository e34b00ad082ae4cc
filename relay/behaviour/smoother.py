"""Probabilities of single windows to those of a stream: a hidden Markov model that knows about gaps.

A window's neighbours tell of it, up to LOOK_AHEAD windows of what comes after and all that came before. What
a class is like is the window model's probability to the power of `trust`, over how common the class was
where it learned to the power of `fairness`: both below 1, because neighbouring windows are alike in more than
their class. Over a gap the chain goes on as often as windows are missing, and forgets; a gap of more than
FORGOTTEN windows cuts it.

Online and batch are one: `step` is given windows in order, in any portions, and what it returns does not
depend on the portions. Source: Rabiner 1989, Proc. IEEE 77:257, fixed-lag form.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from herdcore.vocabulary import WINDOW_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.behaviour.described import Floats

LOOK_AHEAD = 2
FORGOTTEN = 120  # windows, 10 minutes
_LEAST = 1e-4  # no window is surer than this
_MOST_CLASSES = 5


@dataclass(frozen=True, slots=True)
class Smoothing:
    """`common` (k,): how common each class is. `stay`: the share of windows after which she does the same
    for a known reason; otherwise the next is drawn from `common`. Raises ValueError for too many classes."""

    common: tuple[float, ...]
    stay: float
    trust: float
    fairness: float

    def __post_init__(self) -> None:
        """See that the classes have room in the loop over windows."""
        if len(self.common) > _MOST_CLASSES:
            raise ValueError(f"common: {len(self.common)} classes, at most {_MOST_CLASSES}")

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "common": list(self.common),
            "stay": self.stay,
            "trust": self.trust,
            "fairness": self.fairness,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Smoothing:
        """Return what `to_json` gave."""
        return cls(tuple(stored["common"]), stored["stay"], stored["trust"], stored["fairness"])

    def evidence(self, posterior: Floats) -> Floats:
        """Return (n, k) what the windows alone say, the largest of each 1."""
        common = np.array(self.common)[:, None]
        power = np.maximum(posterior.T, _LEAST) ** self.trust / common**self.fairness
        out: Floats = (power / power.max(axis=0)).T
        return out


@dataclass(frozen=True, slots=True)
class State:
    """Where a stream stands: the last windows, told and waiting, oldest first.

    `forward` is in proportion only: normalised where it is used, in the same way whatever the portions.
    """

    start_ms: tuple[int, ...] = ()  # of the last window told, if any, and those that wait
    forward: tuple[tuple[float, ...], ...] = ()
    evidence: tuple[tuple[float, ...], ...] = ()
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Smoothed:
    """Windows that are told now: when they start and (n, k) probabilities."""

    start_ms: NDArray[np.int64]
    posterior: Floats
    state: State = field(default_factory=State)


def step(state: State, smoothing: Smoothing, start_ms: NDArray[np.int64], posterior: Floats) -> Smoothed:
    """Take windows in order of time, tell all but the last LOOK_AHEAD."""
    return _tell(state, smoothing, start_ms, posterior, LOOK_AHEAD)


def flush(state: State, smoothing: Smoothing) -> Smoothed:
    """Tell the windows that wait; nothing comes after them."""
    none = np.empty((0, len(smoothing.common)))
    return _tell(state, smoothing, np.empty(0, dtype=np.int64), none, 0)


def overdue(state: State, smoothing: Smoothing, now_ms: int) -> Smoothed:
    """Tell the windows that wait if what comes at `now_ms` or later cannot tell of them any more."""
    if state.waiting and _apart(now_ms - state.start_ms[-1]) > FORGOTTEN:
        return flush(state, smoothing)
    return Smoothed(np.empty(0, dtype=np.int64), np.empty((0, len(smoothing.common))), state)


def batch(smoothing: Smoothing, start_ms: NDArray[np.int64], posterior: Floats) -> Floats:
    """Return (n, k) probabilities of a whole stream, in order of time."""
    first = step(State(), smoothing, start_ms, posterior)
    return np.concatenate((first.posterior, flush(first.state, smoothing).posterior))


def _tell(
    state: State, smoothing: Smoothing, start_ms: NDArray[np.int64], posterior: Floats, keep: int
) -> Smoothed:
    times = np.concatenate((np.array(state.start_ms, dtype=np.int64), start_ms))
    stays, common = _stays(smoothing.stay, times), np.array(smoothing.common)[:, None]
    known = np.array(state.evidence).reshape(-1, len(common)).T
    evidence = np.concatenate((known, smoothing.evidence(posterior).T), axis=1)
    forward = _forward(np.array(state.forward).reshape(-1, len(common)).T, evidence, stays, common)
    old = len(state.start_ms) - state.waiting  # the one told before, kept for its forward
    end = max(len(times) - keep, old)
    told = _look_back(forward, evidence, stays, common)[:, old:end].T
    first = max(end - 1, 0)
    rest = State(
        tuple(times[first:].tolist()),
        tuple(map(tuple, forward[:, first:].T.tolist())),
        tuple(map(tuple, evidence[:, first:].T.tolist())),
        len(times) - end,
    )
    return Smoothed(times[old:end], told, rest)


def _apart(gap_ms: Any) -> Any:
    """Return how many windows later, at least 1; of a number or an array."""
    return np.maximum(np.rint(gap_ms / WINDOW_MS), 1.0)


def _stays(stay: float, times_ms: NDArray[np.int64]) -> Floats:
    """Return (n,): how much of each window follows from the one before; 0 for the first."""
    out = np.zeros(len(times_ms))
    apart = _apart(times_ms[1:] - times_ms[:-1])
    out[1:] = np.where(apart > FORGOTTEN, 0.0, stay**apart)
    return out


def _forward(known: Floats, evidence: Floats, stays: Floats, common: Floats) -> Floats:
    """Return (k, n), in proportion: probabilities of each window given it and all before.

    `known` (k, m): of the first m windows. The only loop over windows; so it does nothing that arrays can do
    beforehand, and it is written out for _MOST_CLASSES, of which those beyond k are 0.
    """
    k, m = known.shape
    stay, fresh = stays[m:], evidence[:, m:]
    steps = np.zeros((2, _MOST_CLASSES, len(stay)))
    steps[0, :k], steps[1, :k] = fresh * stay, fresh * (1.0 - stay) * common
    before = known[:, -1:] if m else common
    a, b, c, d, e = [*before[:, 0].tolist(), 0.0, 0.0, 0.0, 0.0][:_MOST_CLASSES]
    out: list[float] = []
    columns = steps.reshape(2 * _MOST_CLASSES, -1).tolist()
    for stay_a, stay_b, stay_c, stay_d, stay_e, new_a, new_b, new_c, new_d, new_e in zip(
        *columns, strict=True
    ):
        scale = 1.0 / (a + b + c + d + e)
        a = stay_a * a * scale + new_a
        b = stay_b * b * scale + new_b
        c = stay_c * c * scale + new_c
        d = stay_d * d * scale + new_d
        e = stay_e * e * scale + new_e
        out += (a, b, c, d, e)
    told = np.frombuffer(array("d", out)).reshape(-1, _MOST_CLASSES)[:, :k].T
    return np.concatenate((known, told), axis=1)


def _look_back(forward: Floats, evidence: Floats, stays: Floats, common: Floats) -> Floats:
    """Return (k, n) probabilities given up to LOOK_AHEAD windows after each, too."""
    message = np.ones_like(forward)
    stay, anew = stays[1:], (1.0 - stays[1:]) * common
    for _ in range(LOOK_AHEAD):
        ahead = evidence[:, 1:] * message[:, 1:]
        # Behind a cut nothing tells of a window: exactly as if nothing came.
        message[:, :-1] = np.where(stay > 0.0, stay * ahead + (ahead * anew).sum(axis=0), 1.0)
    told = forward * message
    out: Floats = told / told.sum(axis=0)
    return out
