"""What a cow-day weighs on the wire, header and tag included, on real recordings or on simulated cows.

Every recording goes through the real chip model, driver and window kernel once; its windows are repeated to
fill a day, the join included. Frames are signed ones, with the numbers of a collar that is a month old.
Windows go out as at an upload every 15 minutes (two frames, the first one full), minutes as they come out of
a log (170 a frame), codes hour by hour, restless hours calmed as on the collar, and beside it not. Simulated:
the chip, and the cow if there is no pack. Witness of the bytes: ours only, but for zlib.

Two denser layouts of windows are weighed beside: every byte as its difference from the same byte of the
window before, in Rice code (Rice 1979, JPL 79-22; the best parameter for each of the 14 columns of a frame,
in 3 bits), and the same differences deflated by zlib. They would save days in the flash log and packets;
radio time hardly, because joining the network takes most of it.
"""

from __future__ import annotations

import zlib
from itertools import cycle, islice
from statistics import mean
from typing import TYPE_CHECKING, Any, NamedTuple

from herdcore import behaviour, records, wire
from herdcore.vocabulary import SCHEMA_CODES, SCHEMA_MINUTES, SCHEMA_WINDOWS
from simulator.partition_table import read_table
from simulator.recorded_windows import windows_of
from simulator.recording import open_pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from simulator.motion import Motion

LIMITS = {"bytes_cow_day_minutes": 12_000, "bytes_cow_day_codes": 1_000, "bytes_codes_frame_longest": 51}

_DAY_S = 86_400
_HOUR_MIN = 60
_WINDOWS_A_DAY = 16_875
_UPLOAD_S = 900
_WINDOWS_A_FRAME, _MINUTES_A_FRAME = 88, 170
_SHORTEST_US = 20 * 60_000_000  # a shorter recording says little about a day
_KEY = bytes(32)
_DEVICE, _EPOCH, _BOOT, _SEQ = 0x0C0A11A5, 1, 7, 3_000
_BEGAN_S = 30 * _DAY_S
_RICE_MOST = 7  # largest parameter that 3 bits hold


class Day(NamedTuple):
    """A cow's day: windows of 14 bytes each, and (uptime s, record) of its minutes."""

    windows: list[bytes]
    minutes: list[tuple[int, bytes]]


def day_of(motion: Motion, length_us: int, seed: int = 0) -> Day:
    """Return a day of the first `length_us` of a motion, repeated."""
    seen = [packed for _, packed in windows_of(motion, length_us, seed)]
    windows = list(islice(cycle(seen), _WINDOWS_A_DAY))
    return Day(windows, list(_minutes(windows)))


def _minutes(windows: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    minutes = behaviour.Minutes()
    for n, packed in enumerate(windows):
        if minutes.add(_BEGAN_S * 1000 + n * 5120, packed, 0):
            yield minutes.up_s, bytes(minutes.record)
    if minutes.cut():
        yield minutes.up_s, bytes(minutes.record)


def frame_bytes(schema: int, seq: int, up_s: int, age_s: int, packed: bytes) -> int:
    """Return the size of one signed frame."""
    kind = wire.frame_kind(schema)
    return len(
        wire.encode_frame(wire.Frame(kind, _DEVICE, _EPOCH, _BOOT, _SEQ + seq, up_s, age_s, packed), _KEY)
    )


def window_frames(windows: Sequence[bytes]) -> list[list[bytes]]:
    """Return the windows of each frame of a day of uploads."""
    frames: list[list[bytes]] = []
    ends = [upload * _UPLOAD_S * 1000 // 5120 for upload in range(1, _DAY_S // _UPLOAD_S + 1)]
    start = 0
    for end in ends:
        frames += [
            list(windows[at : min(at + _WINDOWS_A_FRAME, end)]) for at in range(start, end, _WINDOWS_A_FRAME)
        ]
        start = end
    return frames


def windows_sizes(windows: Sequence[bytes]) -> list[int]:
    """Return the size of every frame of a day of windows."""
    return [
        frame_bytes(SCHEMA_WINDOWS, seq, _BEGAN_S + 450 * seq, 450, b"".join(held))
        for seq, held in enumerate(window_frames(windows))
    ]


def minutes_sizes(minutes: Sequence[tuple[int, bytes]]) -> list[int]:
    """Return the size of every frame of a day of minutes."""
    held = [minutes[at : at + _MINUTES_A_FRAME] for at in range(0, len(minutes), _MINUTES_A_FRAME)]
    return [
        frame_bytes(SCHEMA_MINUTES, seq, rows[0][0], _DAY_S, b"".join(record for _, record in rows))
        for seq, rows in enumerate(held)
    ]


def codes_sizes(minutes: Sequence[tuple[int, bytes]], calm: Callable[[bytes], bytes]) -> list[int]:
    """Return the size of every frame of a day of hourly codes; a minute that is missing is unknown.

    calm: applied to the classes of every hour before they are packed.
    """
    classes = bytearray(_DAY_S // 60)
    for up_s, record in minutes:
        classes[(up_s - _BEGAN_S) // 60] = record[0] >> 5
    sizes: list[int] = []
    for hour in range(0, len(classes), _HOUR_MIN):
        for first, packed in records.pack_codes(calm(bytes(classes[hour : hour + _HOUR_MIN]))):
            up_s = _BEGAN_S + 60 * (hour + first)
            sizes.append(frame_bytes(SCHEMA_CODES, len(sizes), up_s, 3_600 - 60 * first, packed))
    return sizes


def _differences(held: Sequence[bytes]) -> list[bytes]:
    """Return each of the 14 columns as zigzag differences from the window before, modulo 256."""
    before = [bytes(wire.WINDOW_BYTES), *held[:-1]]
    steps = [
        [(b - a + 128 & 0xFF) - 128 for a, b in zip(*pair, strict=True)]
        for pair in zip(before, held, strict=True)
    ]
    return [
        bytes(2 * step if step >= 0 else -2 * step - 1 for step in column)
        for column in zip(*steps, strict=True)
    ]


def rice_bits(column: bytes) -> int:
    """Return the bits of a column in Rice code, its parameter included."""
    return 3 + min(sum((value >> k) + 1 + k for value in column) for k in range(_RICE_MOST + 1))


def dense_bytes(held: Sequence[bytes]) -> tuple[int, int]:
    """Return the bytes of a frame's windows in Rice code, and deflated."""
    columns = _differences(held)
    return -(-sum(map(rice_bits, columns)) // 8), len(zlib.compress(b"".join(columns), 9, -15))


def payload(cows: Iterable[tuple[str, Motion, int]], log_bytes: int) -> dict[str, Any]:
    """Return the figures of (name, motion, length in us) of each cow.

    Means over the cows, but for what is called longest or worst. `log_bytes`: the flash log for which days
    of windows are told, records alone without what the log itself takes.
    """
    days = {name: day_of(motion, length_us, seed) for seed, (name, motion, length_us) in enumerate(cows)}
    windows = [sum(windows_sizes(day.windows)) for day in days.values()]
    minutes = [sum(minutes_sizes(day.minutes)) for day in days.values()]
    plain_codes = [sum(codes_sizes(day.minutes, bytes)) for day in days.values()]
    codes = {name: codes_sizes(day.minutes, records.calmed) for name, day in days.items()}
    worst = max(codes, key=lambda name: sum(codes[name]))
    plain = _WINDOWS_A_DAY * wire.WINDOW_BYTES
    rice, deflated = (mean(both) for both in zip(*map(_dense_day, days.values()), strict=True))
    overhead = windows[0] - plain
    return {
        "cows": len(days),
        "bytes_cow_day_windows": round(mean(windows)),
        "bytes_cow_day_minutes": round(mean(minutes)),
        "bytes_cow_day_codes": round(mean(map(sum, codes.values()))),
        "bytes_cow_day_codes_not_calmed": round(mean(plain_codes)),
        "bytes_cow_day_codes_worst": sum(codes[worst]),
        "codes_worst_cow": worst,
        "bytes_codes_frame_longest": max(map(max, codes.values())),
        "frames_cow_day_codes": mean(map(len, codes.values())),
        "bytes_cow_day_windows_rice": round(rice + overhead),
        "bytes_cow_day_windows_zlib": round(deflated + overhead),
        "packets_cow_day_windows": len(windows_sizes(next(iter(days.values())).windows)),
        "packets_cow_day_windows_rice": round(_packets(rice)),
        "log_days_windows": log_bytes / plain,
        "log_days_windows_rice": log_bytes / rice,
        "log_days_minutes": log_bytes / (_DAY_S // 60 * records.MINUTE_BYTES),
    }


def _dense_day(day: Day) -> tuple[int, int]:
    rice, deflated = zip(*map(dense_bytes, window_frames(day.windows)), strict=True)
    return sum(rice), sum(deflated)


def _packets(day_bytes: float) -> int:
    """Return the frames of a day of uploads whose windows take that many bytes."""
    uploads = _DAY_S // _UPLOAD_S
    return uploads * -(-round(day_bytes / uploads) // wire.RECORDS_MAX)


def payload_of_pack(folder: Path, table: Path) -> dict[str, Any]:
    """Return the figures of the animals of a pack that were recorded for 20 minutes or more.

    table: the CSV of the partitions. Raises recording.PackError.
    """
    cows = [
        (name, recording, recording.length_us)
        for name, recording in open_pack(folder)
        if recording.length_us >= _SHORTEST_US
    ]
    return payload(cows, log_bytes_of(table))


def log_bytes_of(table: Path) -> int:
    """Return the size of the log in a partition table. Raises TableError, or OSError without a file."""
    return next(entry.size for entry in read_table(table) if entry.label == "log")


def misses(figures: dict[str, Any]) -> list[str]:
    """Return a line for every limit that is not kept."""
    return [f"{key} {figures[key]}, at most {most}" for key, most in LIMITS.items() if figures[key] > most]
