"""Frames as the log returns them, for the tests of scoring."""

from __future__ import annotations

from dataclasses import replace

from herdcore.behaviour import Minutes
from herdcore.features import log_code
from herdcore.records import HEALTH_FIELDS, Health, pack_codes, pack_health
from herdcore.vocabulary import (
    BEHAVIOURS,
    SCHEMA_CODES,
    SCHEMA_HEALTH,
    SCHEMA_MINUTES,
    SCHEMA_WINDOWS,
    WINDOW_MS,
)
from herdcore.wire import Window, pack_window
from relay.behaviour import labels
from relay.behaviour.minutes import Minute
from relay.model import LoggedFrame

MINUTE_MS = 60_000
MONDAY_MS = 1_794_787_200_000  # 2026-11-16 00:00 UTC
MONDAY = MONDAY_MS // MINUTE_MS
FARM, BELLA, DEVICE = 3, 7, 0xC0FFEE

# Median windows of real cows, mg (datasets.md 4.7).
RESTING = (31, 24, 16)
GRAZING = (127, 157, 134)
# Sensor noise alone: the MPU6050, the noisiest chip, has 1.8 mg RMS an axis (domain.md 6.6).
DEAD = (2, 2, 2)


def window(mad_mg=RESTING, gravity_16mg=(0, 0, 61)):
    """One packed window."""
    mad = [log_code(mg) for mg in mad_mg]
    return pack_window(Window(*gravity_16mg, *mad, *mad, 24, 21, 23, 10, 10))


def windows_of(minutes, mad_mg=RESTING):
    """So many minutes of windows, all alike."""
    return [window(mad_mg)] * round(minutes * MINUTE_MS / WINDOW_MS)


def frame(records, first_ms=MONDAY_MS, **fields):
    """A frame with these packed windows."""
    records = b"".join(records)
    base = LoggedFrame(
        cursor=1,
        device=DEVICE,
        farm_id=FARM,
        animal_id=BELLA,
        kind=0x10 + SCHEMA_WINDOWS,
        boot=1,
        seq=0,
        up_s=0,
        first_ms=first_ms,
        received_ms=first_ms + len(records) // 14 * WINDOW_MS,
        records=records,
    )
    return replace(base, **fields)


def frames_of(records, first_ms=MONDAY_MS, sizes=(88,), **fields):
    """Consecutive frames with these windows; `sizes` (windows a frame) is used again and again."""
    frames, at = [], 0
    while at < len(records):
        some = records[at : at + sizes[len(frames) % len(sizes)]]
        number = len(frames)
        frames.append(frame(some, first_ms + at * WINDOW_MS, cursor=number + 1, seq=number, **fields))
        at += len(some)
    return frames


def minute(number, mad_mg=RESTING, windows=12, gravity_16mg=(0, 0, 61)):
    """A minute of equal windows."""
    motion = sum(mad_mg)
    x, y, z = (windows * step for step in gravity_16mg)
    return Minute(number, windows, 0, 56_320, windows * motion, motion, windows * motion, x, y, z)


def records_of(windows, up_ms=0):
    """The collar's own minute records of consecutive windows from that uptime on."""
    minutes, records = Minutes(), []
    for at, packed in enumerate(windows):
        if minutes.add(up_ms + at * WINDOW_MS, packed, 0):
            records.append(bytes(minutes.record))
    return [*records, bytes(minutes.record)] if minutes.cut() else records


def minutes_frame(windows, first_ms=MONDAY_MS, **fields):
    """A minutes frame that tells of these windows; it comes when the last of its minutes is over."""
    records = records_of(windows)
    received_ms = first_ms + len(records) * MINUTE_MS
    return frame(records, first_ms, **{"kind": 0x10 + SCHEMA_MINUTES, "received_ms": received_ms} | fields)


def minutes_frames_of(windows, first_ms=MONDAY_MS, minutes=15, **fields):
    """Consecutive minutes frames of so many minutes each."""
    records, some = records_of(windows), []
    for at in range(0, len(records), minutes):
        begin_ms = first_ms + at * MINUTE_MS
        part = records[at : at + minutes]
        received_ms = begin_ms + len(part) * MINUTE_MS
        more = {"kind": 0x10 + SCHEMA_MINUTES, "seq": at, "received_ms": received_ms} | fields
        some.append(frame(part, begin_ms, **more))
    return some


def codes_frame(classes, first_ms=MONDAY_MS, **fields):
    """An hour or less of classes, by name, as one codes frame."""
    ((_, records),) = pack_codes(bytes(BEHAVIOURS.index(name) for name in classes))
    received_ms = first_ms + len(classes) * MINUTE_MS
    return frame([records], first_ms, kind=0x10 + SCHEMA_CODES, received_ms=received_ms, **fields)


def health_frame(first_ms=MONDAY_MS, days_left=200, temperature_c=12, sensor_faults=0, **fields):
    """A health frame of that time, which comes at once."""
    said = {name: max(low, 0) for name, _, low, _ in HEALTH_FIELDS}
    said |= {"days_left": days_left, "temp_c": temperature_c, "sensor_faults": sensor_faults}
    fields = {"kind": 0x10 + SCHEMA_HEALTH, "received_ms": first_ms} | fields
    return frame([pack_health(Health(**said))], first_ms, **fields)


def but_for_sums(states):
    """The states without the classifier's, whose sums of fractions depend on their order by a last digit."""
    return {animal_id: replace(state, behaviour=labels.State()) for animal_id, state in states.items()}
