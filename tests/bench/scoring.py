"""bench-scoring: CPU time of scoring one frame of 88 windows, and of folding a cow's day anew.

Run with `python -m tests.bench.scoring`.
"""

from __future__ import annotations

import statistics
import time

from relay.behaviour.minutes import minute_parts
from relay.scoring.animal import to_rows
from relay.scoring.findings import Limits
from relay.scoring.partition import fold
from relay.scoring.reopen import base_before, reopen
from tests.relay.scoring_frames import BELLA, MINUTE_MS, frames_of, windows_of

RUNS = 5
COWS = 32
HOURS = 8


def herd():
    """Frames of a herd in the order of arrival: an upload of two frames a cow, cow after cow."""
    cows = [frames_of(windows_of(HOURS * 60), animal_id=cow, device=cow) for cow in range(COWS)]
    return [frame for at in range(0, len(cows[0]), 2) for cow in cows for frame in cow[at : at + 2]]


def us_per_frame(work, frames, batch):
    """Median CPU time of `work` over all batches, per frame."""
    times = []
    for _ in range(RUNS):
        states = {}
        before = time.process_time_ns()
        for at in range(0, len(frames), batch):
            work(frames[at : at + batch], states)
        times.append((time.process_time_ns() - before) / 1000 / len(frames))
    return statistics.median(times)


def minutes_only(batch, _states):
    minute_parts(batch)


def whole_fold(batch, states):
    states.update(fold(batch, states, Limits()).states)


def fold_and_encode(batch, states):
    folded = fold(batch, states, Limits())
    states.update(folded.states)
    for animal_id, state in folded.states.items():
        to_rows(animal_id, state)


def reopened_day_ms():
    """Median CPU time of what a frame of 88 windows that comes a day late costs, ms."""
    frames = frames_of(windows_of(24 * 60))
    base = base_before([], frames[0].first_ms // MINUTE_MS)
    times = []
    for _ in range(RUNS):
        before = time.process_time_ns()
        reopen(base, BELLA, frames, Limits(), len(frames))
        times.append((time.process_time_ns() - before) / 1e6)
    return statistics.median(times)


if __name__ == "__main__":
    log = herd()
    print(f"{len(log)} frames, {COWS} cows, {RUNS} runs, median us of CPU per frame")  # noqa: T201 - its output
    for work in (minutes_only, whole_fold, fold_and_encode):
        row = [f"batch {batch}: {us_per_frame(work, log, batch):6.1f}" for batch in (1, 16, 64, 256)]
        print(f"{work.__name__:16}", "  ".join(row))  # noqa: T201 - its output
    print(f"a day folded anew: {reopened_day_ms():.1f} ms")  # noqa: T201 - its output
