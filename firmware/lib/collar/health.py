"""What a collar tells about itself every six hours."""

from collar import VERSION
from herdcore.compat import const
from herdcore.frames import pack_health
from herdcore.vocabulary import HEALTH_PERIOD_STRETCHED, HEALTH_SAFE, IMU_NONE

_PARTITIONS_VERSION = const(1)  # of firmware/partitions-*.csv


def _flags(collar) -> int:
    session = collar.session
    flags = collar.alarms | (session.settings.number & 15) << 4
    if collar.is_safe:
        flags |= HEALTH_SAFE
    if session.power.stretched(1) > 1:
        flags |= HEALTH_PERIOD_STRETCHED
    return flags


def health_record(collar) -> bytes:
    """Return the health record of a Collar as it is now; out-of-range values are clamped by the codec.

    The order is that of herdcore.records.HEALTH_FIELDS, whose names take no memory here.
    """
    board, kept, outbox, resets = collar.board, collar.kept, collar.outbox, collar.resets
    power, (x, y, z) = collar.session.power, collar.gravity
    return pack_health(
        (
            power.batt_mv,
            board.temperature_c(),
            resets[0],  # resets by power-on, pin or brown-out, watchdog, software
            resets[1],
            resets[2],
            resets[3],
            outbox.dropped,
            outbox.dropped_boot,
            outbox.dropped_lo,
            outbox.dropped_hi,
            kept["fifo_gaps"],
            board.heap_free_b(),
            collar.session.wifi.rssi_dbm,
            x,
            y,
            z,
            VERSION[0],
            VERSION[1],
            VERSION[2],
            _PARTITIONS_VERSION,
            collar.imu.chip if collar.armed else IMU_NONE,
            collar.watch.take() << 8 | min(kept["sensor_faults"], 0xFF),
            kept["uplink_failures"],
            collar.period_s,
            power.days_left,
            _flags(collar),
        )
    )
