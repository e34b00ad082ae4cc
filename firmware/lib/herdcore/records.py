"""Fixed-width records inside frames: their fields, packing and unpacking. Little-endian, values clamped."""

import struct
from collections import namedtuple

from herdcore.fields import FrameError
from herdcore.vocabulary import SCHEMA_CODES, SCHEMA_HEALTH, SCHEMA_MINUTES, SCHEMA_RAW, SCHEMA_WINDOWS

# name, struct code (little-endian), low, high. The comments are for WIRE.md, where tests/core/wire_tables.py
# puts them: as strings they would take 4 kB of the board.
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

HEALTH_FIELDS = (
    ("batt_mv", "H", 0, 6000),  # battery, mV
    ("temp_c", "b", -60, 125),  # temperature of the processor, degrees Celsius
    ("resets_power_on", "B", 0, 255),  # power-on resets since provisioning, stops at 255
    ("resets_hard", "B", 0, 255),  # resets by the pin or a brown-out, likewise
    ("resets_watchdog", "B", 0, 255),  # resets by the watchdog, likewise
    ("resets_soft", "B", 0, 255),  # soft resets, likewise
    ("dropped_frames", "H", 0, 65535),  # frames given up unsent, stops at 65535
    ("dropped_boot", "H", 0, 65535),  # boot of the last range given up
    ("dropped_lo", "H", 0, 65535),  # its first seq
    ("dropped_hi", "H", 0, 65535),  # its last seq
    ("fifo_gaps", "H", 0, 65535),  # times the sensor's FIFO overran, stops at 65535
    ("heap_free_b", "I", 0, 0xFFFFFFFF),  # free heap after a collection, bytes
    ("rssi_dbm", "b", -127, 0),  # signal of the access point, dBm
    ("gravity_x_16mg", "b", -128, 127),  # gravity in the sensor's frame, 16 mg
    ("gravity_y_16mg", "b", -128, 127),  # gravity in the sensor's frame, 16 mg
    ("gravity_z_16mg", "b", -128, 127),  # gravity in the sensor's frame, 16 mg
    ("fw_major", "B", 0, 255),  # firmware version, first number
    ("fw_minor", "B", 0, 255),  # firmware version, second number
    ("fw_patch", "B", 0, 255),  # firmware version, third number
    ("partitions_version", "B", 0, 255),  # version of the partition table
    ("imu_chip", "B", 0, 255),  # motion sensor: 0 none, 1 LSM6DSOX, 2 MPU-6050, 3 LIS2DW12
    ("sensor_faults", "H", 0, 65535),  # kinds found since the last record x 256 + faults, which stop at 255
    ("uplink_failures", "H", 0, 65535),  # uploads without a right ack, stops at 65535
    ("upload_period_s", "H", 0, 65535),  # time between uploads, s
    ("days_left", "H", 0, 65535),  # battery life left, days; 65535 = not known
    ("flags", "B", 0, 255),  # none defined yet: 0
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


def _format(fields):
    return "<" + "".join([code for _, code, _, _ in fields])


_WINDOW_FORMAT = _format(WINDOW_FIELDS)
_HEALTH_FORMAT = _format(HEALTH_FIELDS)
WINDOW_BYTES = struct.calcsize(_WINDOW_FORMAT)
HEALTH_BYTES = struct.calcsize(_HEALTH_FORMAT)

# schema -> (name, bytes of a record, most records in a frame)
SCHEMAS = {
    SCHEMA_WINDOWS: ("windows", WINDOW_BYTES, 88),
    SCHEMA_MINUTES: ("minutes", 8, 170),
    SCHEMA_CODES: ("codes", 1, 51),
    SCHEMA_HEALTH: ("health", HEALTH_BYTES, 1),
    SCHEMA_RAW: ("raw", 6, 226),
}


def _clamped(fields, values):
    return [min(max(value, low), high) for (_, _, low, high), value in zip(fields, values)]


def check_records(schema: int, records: "bytes | bytearray | memoryview") -> None:
    """Raise FrameError unless `records` are whole records of a known schema, few enough, values in range."""
    if schema not in SCHEMAS:
        raise FrameError("schema", "schema %d is not known" % schema)
    name, width, most = SCHEMAS[schema]
    size = len(records)
    if size == 0 or size % width or size > width * most:
        raise FrameError("records", "%s: %d bytes, want 1..%d records of %d" % (name, size, most, width))
    if schema == SCHEMA_HEALTH:
        unpack_health(records)


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


def pack_health(health: Health) -> bytes:
    """Return the record of a health frame; values out of range are clamped."""
    return struct.pack(_HEALTH_FORMAT, *_clamped(HEALTH_FIELDS, health))


def unpack_health(records: "bytes | bytearray | memoryview") -> Health:
    """Return the record of a health frame."""
    if len(records) != HEALTH_BYTES:
        raise FrameError("records", "health of %d bytes, want %d" % (len(records), HEALTH_BYTES))
    health = Health(*struct.unpack(_HEALTH_FORMAT, records))
    for (name, _, low, high), value in zip(HEALTH_FIELDS, health):
        if not low <= value <= high:
            raise FrameError("records", "%s=%d outside %d..%d" % (name, value, low, high))
    return health
