"""Raw bursts: the frames of one put together to samples with their times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from herdcore.records import unpack_raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from relay.model import RawFrame

_MS_MHZ = 1_000_000  # milliseconds of one sample at 1 mHz


def by_burst(frames: Iterable[RawFrame]) -> dict[int, list[RawFrame]]:
    """Return the frames of each burst by its id, newest last; `frames` come in order of (boot, seq)."""
    bursts: dict[int, list[RawFrame]] = {}
    for frame in frames:
        burst_id = unpack_raw(frame.records).burst_id
        frames_before = bursts.pop(burst_id, [])
        if frames_before and frames_before[-1].boot != frame.boot:
            frames_before = []  # ids begin anew after 65535
        bursts[burst_id] = [*frames_before, frame]
    return bursts


def samples(frames: Iterable[RawFrame]) -> Iterator[tuple[int, int, int, int]]:
    """Yield (t_ms, x_mg, y_mg, z_mg) of the frames of one burst; t_ms is UTC.

    The first frame dates all of them: they come in different requests, whose ages are whole seconds.
    """
    first: RawFrame | None = None
    for frame in frames:
        first = first or frame
        raw = unpack_raw(frame.records)
        start_ms = first.first_ms + (frame.up_s - first.up_s) * 1000 + raw.offset_ms
        for number, (x, y, z) in enumerate(_triples(raw.samples)):
            yield start_ms + number * _MS_MHZ // raw.rate_mhz, x, y, z


def _triples(values: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    return zip(values[::3], values[1::3], values[2::3], strict=True)
