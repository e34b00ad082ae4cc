"""A herd day by day, made by one process or several, and the hash that says two runs are the same.

The hash is SHA-256 over SHA-256 of every cow's day, by day and cow: her bouts, how strongly she moves, and
what her collar would send (windows) or a relay would know (minutes). The number of processes does not show.
"""

from __future__ import annotations

import hashlib
import signal
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.clock import START_UTC_MS
from simulator.plan.routine import DAY_MS
from simulator.virtual_herd import VirtualHerd

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from simulator.plan.living import Day

    Arrays = dict[str, NDArray[Any]]

RESOLUTIONS = ("plan", "minutes", "windows")
_CHUNK_COWS = 4  # of windows, at a time; minutes and plans are made for all cows at once
_AHEAD = 2  # parts that wait, for each process
_TRUE_ONLY = ("day", "state")  # of minutes: what no relay would know


@dataclass(frozen=True, slots=True)
class Setup:
    """What a herd is made from; `at` is one of RESOLUTIONS."""

    path: Path | None
    seed: int
    cows: int
    days: int
    at: str

    def herd(self) -> VirtualHerd:
        """Return the herd. Raises HerdError, OSError."""
        return VirtualHerd(self.path, seed=self.seed, cows=self.cows, days=self.days)


class Chunk(NamedTuple):
    """Cows `first` up to `last` on a day."""

    day: int
    first: int
    last: int


class Part(NamedTuple):
    """What was made of a chunk: a digest for each cow, and the arrays that are kept (none unless asked)."""

    chunk: Chunk
    digests: tuple[bytes, ...]
    arrays: Arrays


def parts(
    setup: Setup, *, jobs: int = 1, keep: bool = False, herd: VirtualHerd | None = None
) -> Generator[Part]:
    """Yield the parts of all days in order of day and cow; `keep`: with their arrays.

    `herd` saves making it again where `jobs` is 1. Close the iterator to end early: its processes end too.
    """
    if jobs < 1:
        raise ValueError(f"jobs={jobs}: want at least 1")
    if jobs == 1:
        ours = herd or setup.herd()
        return (make(ours, setup.at, chunk, keep=keep) for chunk in _chunks(setup))
    return _made_by_many(setup, jobs, keep=keep)


def trace_hash(path: Path | None, seed: int, cows: int, days: int, at: str, jobs: int = 1) -> str:
    """Return the hash of a run of `herdbell-sim herd`, hexadecimal. Raises HerdError, OSError."""
    sha = hashlib.sha256()
    for part in parts(Setup(path, seed, cows, days, at), jobs=jobs):
        sha.update(b"".join(part.digests))
    return sha.hexdigest()


def make(herd: VirtualHerd, at: str, chunk: Chunk, *, keep: bool) -> Part:
    """Make one part of a herd."""
    plan = herd.day(chunk.day)
    cows = range(chunk.first, chunk.last)
    arrays, of_cow = _MAKERS[at](herd, plan, chunk)
    digests = tuple(_digest(plan, cow, of_cow(cow)) for cow in cows)
    return Part(chunk, digests, arrays if keep else {})


def _digest(plan: Day, cow: int, arrays: list[NDArray[Any]]) -> bytes:
    start_ms, state = plan.of(cow)
    sha = hashlib.sha256()
    every: list[NDArray[Any]] = [start_ms, state, plan.strength[:, cow], *arrays]
    for array in every:
        sha.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
    return sha.digest()


Maker = tuple["Arrays", "Callable[[int], list[NDArray[Any]]]"]


def _plan(_herd: VirtualHerd, plan: Day, _chunk: Chunk) -> Maker:
    names = ("start_ms", "state", "first", "strength")
    arrays = {name: np.asarray(getattr(plan, name)) for name in names}
    arrays["start_ms"] = arrays["start_ms"] + START_UTC_MS
    return arrays, lambda _cow: []


def _minutes(herd: VirtualHerd, _plan: Day, chunk: Chunk) -> Maker:
    made = herd.minutes(chunk.day)
    every: Arrays = {field.name: getattr(made, field.name) for field in fields(made)}
    arrays = {name: array for name, array in every.items() if name not in _TRUE_ONLY}
    return arrays | _begins(chunk.day), lambda cow: [array[cow] for array in arrays.values()]


def _windows(herd: VirtualHerd, _plan: Day, chunk: Chunk) -> Maker:
    made = np.stack([herd.windows(cow, chunk.day) for cow in range(chunk.first, chunk.last)])
    return {"windows": made} | _begins(chunk.day), lambda cow: [made[cow - chunk.first]]


def _begins(day: int) -> Arrays:
    return {"from_ms": np.array(START_UTC_MS + day * DAY_MS)}


_MAKERS: dict[str, Callable[[VirtualHerd, Day, Chunk], Maker]] = {
    "plan": _plan,
    "minutes": _minutes,
    "windows": _windows,
}
assert tuple(_MAKERS) == RESOLUTIONS


def _chunks(setup: Setup) -> Iterator[Chunk]:
    step = _CHUNK_COWS if setup.at == "windows" else setup.cows
    for day in range(setup.days):
        for first in range(0, setup.cows, step):
            yield Chunk(day, first, min(first + step, setup.cows))


# several processes: each lives the whole plan and makes the chunks that it is given

_MINE: list[tuple[VirtualHerd, str]] = []


def _made_by_many(setup: Setup, jobs: int, *, keep: bool) -> Generator[Part]:
    chunks = _chunks(setup)
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(setup,)
    )  # not forked: a fork copies threads' locks
    waiting: deque[Future[Part]] = deque()
    try:
        for chunk in islice(chunks, jobs * _AHEAD):
            waiting.append(_ask(pool, chunk, keep=keep))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(_ask(pool, chunk, keep=keep) for chunk in islice(chunks, 1))
    finally:
        pool.shutdown(cancel_futures=True)


def _ask(pool: ProcessPoolExecutor, chunk: Chunk, *, keep: bool) -> Future[Part]:
    """Give a chunk to a pool, which may start a process for it. Ctrl-C is for the parent alone."""
    if not hasattr(signal, "pthread_sigmask"):
        return pool.submit(_make_mine, chunk, keep)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_make_mine, chunk, keep)  # a new process inherits what is blocked
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(setup: Setup) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _MINE.append((setup.herd(), setup.at))


def _make_mine(chunk: Chunk, keep: bool) -> Part:
    herd, at = _MINE[0]
    return make(herd, at, chunk, keep=keep)
