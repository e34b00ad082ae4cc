"""Fixed-width records inside frames: their fields, and how they are read. Little-endian, values clamped.

Host only: what a collar needs to pack its own is in herdcore.frames and herdcore.hours.
"""

import struct
from collections import namedtuple

from herdcore.codes import CODES_MAX, calmed, pack_codes, unpack_codes
from herdcore.compat import const
from herdcore.fields import FrameError
from herdcore.frames import (
    FORM_BOUNDS,
    HEALTH_BOUNDS,
    HEALTH_BYTES,
    HEALTH_FORMAT,
    MINUTE_BYTES,
    RAW_BYTES,
    SHAPES,
    WINDOW_BYTES,
    check_shape,
    pack_health,
    pack_raw_head,
)
from herdcore.vocabulary import (
    BEHAVIOURS,
    SCHEMA_CODES,
    SCHEMA_HEALTH,
    SCHEMA_MINUTES,
    SCHEMA_RAW,
    SCHEMA_WINDOWS,
)

__all__ = (
    "CODES_MAX",
    "HEALTH_BYTES",
    "HEALTH_FIELDS",
    "MINUTE_BYTES",
    "MINUTE_FIELDS",
    "SCHEMAS",
    "WINDOW_BYTES",
    "WINDOW_FIELDS",
    "Health",
    "Minute",
    "Raw",
    "Window",
    "calmed",
    "check_records",
    "pack_codes",
    "pack_health",
    "pack_minute",
    "pack_raw_head",
    "pack_window",
    "unpack_codes",
    "unpack_health",
    "unpack_minutes",
    "unpack_raw",
    "unpack_windows",
)


def _of_health(*names: str) -> "tuple[tuple[str, str, int, int], ...]":
    """Return the rows of the table: the board has forms and bounds, here are the names."""
    bounds = [FORM_BOUNDS[code] for code in HEALTH_FORMAT[1:]]
    for place, low, high in HEALTH_BOUNDS:
        bounds[place] = (low, high)
    rows = zip(names, HEALTH_FORMAT[1:], bounds)
    return tuple([(name, code, low, high) for name, code, (low, high) in rows])


# name, struct code (little-endian), low, high. The comments are for WIRE.md, where tests/core/wire_tables.py
# puts them.
WINDOW_FIELDS = (
    ("mean_x_16mg", "b", -128, 127),  # mean, 16 mg
    ("mean_y_16mg", "b", -128, 127),  # mean, 16 mg
    ("mean_z_16mg", "b", -128, 127),  # mean, 16 mg
    ("mad_x_log", "B", 0, 255),  # mean absolute deviation, 16 log2(1 + mg)
    ("mad_y_log", "B", 0, 255),  # mean absolute deviation, 16 log2(1 + mg)
    ("mad_z_log", "B", 0, 255),  # mean absolute deviation, 16 log2(1 + mg)
    ("diff_x_log", "B", 0, 255),  # mean |difference| of neighbouring samples, 16 log2(1 + mg)
    ("diff_y_log", "B", 0, 255),  # mean |difference| of neighbouring samples, 16 log2(1 + mg)
    ("diff_z_log", "B", 0, 255),  # mean |difference| of neighbouring samples, 16 log2(1 + mg)
    ("cross_x", "B", 0, 255),  # crossings of the mean, at most 63 in 64 samples
    ("cross_y", "B", 0, 255),  # crossings of the mean, at most 63 in 64 samples
    ("cross_z", "B", 0, 255),  # crossings of the mean, at most 63 in 64 samples
    ("chew_low_255", "B", 0, 255),  # share of the movement in 1.0-1.6 Hz, all axes, in 255ths
    ("chew_high_255", "B", 0, 255),  # share of the movement in 2.0-3.2 Hz, all axes, in 255ths
)

HEALTH_FIELDS = _of_health(
    "batt_mv",  # battery, mV
    "temp_c",  # temperature of the processor, degrees Celsius
    "resets_power_on",  # power-on resets since provisioning, stops at 255
    "resets_hard",  # resets by the pin or a brown-out, likewise
    "resets_watchdog",  # resets by the watchdog, likewise
    "resets_soft",  # soft resets, likewise
    "dropped_frames",  # frames given up unsent, stops at 65535
    "dropped_boot",  # boot of the last range given up
    "dropped_lo",  # its first seq
    "dropped_hi",  # its last seq
    "fifo_gaps",  # times the sensor's FIFO overran, stops at 65535
    "heap_free_b",  # free heap after a collection, bytes
    "rssi_dbm",  # signal of the access point, dBm
    "gravity_x_16mg",  # gravity in the sensor's frame, 16 mg
    "gravity_y_16mg",  # gravity in the sensor's frame, 16 mg
    "gravity_z_16mg",  # gravity in the sensor's frame, 16 mg
    "fw_major",  # firmware version, first number
    "fw_minor",  # firmware version, second number
    "fw_patch",  # firmware version, third number
    "partitions_version",  # version of the partition table
    "imu_chip",  # motion sensor: 0 none, 1 LSM6DSOX, 2 MPU-6050, 3 LIS2DW12
    "sensor_faults",  # kinds found since the last record x 256 + faults, which stop at 255
    "uplink_failures",  # uploads without a right ack, stops at 65535
    "upload_period_s",  # time between uploads, s
    "days_left",  # battery life left, days; 65535 = not known
    "flags",  # bits as below; 4..7: number of the settings block, modulo 16
)

MINUTE_FIELDS = (
    ("class_confidence", "B", 0, 191),  # class x 32 + confidence 0..31 of the class most of its windows have
    ("mad_log", "B", 0, 255),  # deviation of the strongest axis, mean of the windows' codes
    ("diff_log", "B", 0, 255),  # difference of the strongest axis, likewise
    ("chew_255", "B", 0, 255),  # sum of the two chewing shares, mean of the windows
    ("mean_x_16mg", "b", -128, 127),  # mean, 16 mg
    ("mean_y_16mg", "b", -128, 127),  # mean, 16 mg
    ("bursts", "B", 0, 12),  # windows with a deviation of 255 mg or more on an axis
    ("flags", "B", 0, 0xC7),  # 1 mean z is negative, 2 fewer than 10 windows, 4 local alarm; 4..7: windows
)

Window = namedtuple(
    "Window",
    "mean_x_16mg mean_y_16mg mean_z_16mg mad_x_log mad_y_log mad_z_log diff_x_log diff_y_log diff_z_log "
    "cross_x cross_y cross_z chew_low_255 chew_high_255",
)
Health = namedtuple(
    "Health",
    "batt_mv temp_c resets_power_on resets_hard resets_watchdog resets_soft dropped_frames dropped_boot "
    "dropped_lo dropped_hi fifo_gaps heap_free_b rssi_dbm gravity_x_16mg gravity_y_16mg gravity_z_16mg "
    "fw_major fw_minor fw_patch partitions_version imu_chip sensor_faults uplink_failures upload_period_s "
    "days_left flags",
)
# A minute of a minutes frame, and what a raw frame holds: samples are x, y, z, x, ... in mg.
Minute = namedtuple(
    "Minute", "class_confidence mad_log diff_log chew_255 mean_x_16mg mean_y_16mg bursts flags"
)
Raw = namedtuple("Raw", "rate_mhz offset_ms burst_id samples")

MINUTE_Z_NEGATIVE = 1  # bits of Minute.flags; 4..7 are the number of windows
MINUTE_SHORT = 2
MINUTE_ALARM = 4
_MINUTE_RESERVED = const(8)
_MINUTE_FLAGS = const(7)  # place of the byte
_WINDOWS_MOST = const(12)  # that begin in a minute


def _format(fields):
    return "<" + "".join([code for _, code, _, _ in fields])


_WINDOW_FORMAT = _format(WINDOW_FIELDS)
_MINUTE_FORMAT = _format(MINUTE_FIELDS)

_NAMES = {
    SCHEMA_WINDOWS: "windows",
    SCHEMA_MINUTES: "minutes",
    SCHEMA_CODES: "codes",
    SCHEMA_HEALTH: "health",
    SCHEMA_RAW: "raw",
}
# schema -> (name, bytes of a record, most records in a frame)
SCHEMAS = {schema: (_NAMES[schema], width, most) for schema, (width, most) in SHAPES.items()}


def _clamped(fields, values):
    return [min(max(value, low), high) for (_, _, low, high), value in zip(fields, values)]


def check_records(schema: int, records: "bytes | bytearray | memoryview") -> None:
    """Raise FrameError unless `records` are whole records of a known schema, few enough, values in range."""
    check_shape(schema, len(records))
    if schema == SCHEMA_HEALTH:
        unpack_health(records)
    elif schema == SCHEMA_MINUTES:
        _check_minutes(records)
    elif schema == SCHEMA_CODES:
        unpack_codes(records)
    elif schema == SCHEMA_RAW:
        _check_raw(records)


def _check_minutes(records):
    """Refuse a class, a number of bursts or flags that no minute has; the other bytes may hold anything."""
    for at in range(0, len(records), MINUTE_BYTES):
        flags = records[at + _MINUTE_FLAGS]
        most = max(flags >> 4, records[at + _MINUTE_FLAGS - 1])  # windows, bursts
        if records[at] >> 5 >= len(BEHAVIOURS) or most > _WINDOWS_MOST or flags & _MINUTE_RESERVED:
            raise FrameError("records", "minute %d: no such class, bursts or flags" % (at // MINUTE_BYTES))


def _check_raw(records):
    if len(records) < 2 * RAW_BYTES or not (records[0] or records[1]):
        raise FrameError("records", "raw: no rate, or no sample behind the head")


def pack_window(window: Window) -> bytes:
    """Return the 14 bytes of a window; values out of range are clamped."""
    return struct.pack(_WINDOW_FORMAT, *_clamped(WINDOW_FIELDS, window))


def unpack_windows(records: "bytes | bytearray | memoryview") -> "list[Window]":
    """Return the windows of a windows frame, oldest first."""
    if len(records) % WINDOW_BYTES:
        raise FrameError("records", "%d bytes are not windows of %d" % (len(records), WINDOW_BYTES))
    return [
        Window(*struct.unpack_from(_WINDOW_FORMAT, records, at))
        for at in range(0, len(records), WINDOW_BYTES)
    ]


def unpack_health(records: "bytes | bytearray | memoryview") -> Health:
    """Return the record of a health frame."""
    if len(records) != HEALTH_BYTES:
        raise FrameError("records", "health of %d bytes, want %d" % (len(records), HEALTH_BYTES))
    health = Health(*struct.unpack(HEALTH_FORMAT, records))
    for (name, _, low, high), value in zip(HEALTH_FIELDS, health):
        if not low <= value <= high:
            raise FrameError("records", "%s=%d outside %d..%d" % (name, value, low, high))
    return health


def pack_minute(minute: Minute) -> bytes:
    """Return the 8 bytes of a minute; values out of range are clamped."""
    return struct.pack(_MINUTE_FORMAT, *_clamped(MINUTE_FIELDS, minute))


def unpack_minutes(records: "bytes | bytearray | memoryview") -> "list[Minute]":
    """Return the minutes of a minutes frame, oldest first."""
    if len(records) % MINUTE_BYTES:
        raise FrameError("records", "%d bytes are not minutes of %d" % (len(records), MINUTE_BYTES))
    _check_minutes(records)
    return [
        Minute(*struct.unpack_from(_MINUTE_FORMAT, records, at))
        for at in range(0, len(records), MINUTE_BYTES)
    ]


def unpack_raw(records: "bytes | bytearray | memoryview") -> Raw:
    """Return what a raw frame holds."""
    if len(records) % RAW_BYTES:
        raise FrameError("records", "%d bytes are not raw records of %d" % (len(records), RAW_BYTES))
    _check_raw(records)
    numbers = struct.unpack("<HHH%dh" % (len(records) // 2 - 3), records)
    return Raw(numbers[0], numbers[1], numbers[2], numbers[3:])
