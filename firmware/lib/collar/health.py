"""What a collar tells about itself every six hours."""

from collar import VERSION
from herdcore import wire
from herdcore.vocabulary import IMU_NONE

_NOT_KNOWN = 0xFFFF
_PARTITIONS_VERSION = 1  # of firmware/partitions-*.csv


def _battery_mv(board) -> int:
    """Return the median of three readings, because one may fall on a radio burst."""
    return sorted([board.battery_mv() for _ in range(3)])[1]


def health_record(collar) -> bytes:
    """Return the health record of a Collar as it is now; out-of-range values are clamped by the codec."""
    board, kept, outbox, resets = collar.board, collar.kept, collar.outbox, collar.resets
    x, y, z = collar.gravity
    return wire.pack_health(
        wire.Health(
            batt_mv=_battery_mv(board),
            temp_c=board.temperature_c(),
            resets_power_on=resets[0],
            resets_hard=resets[1],
            resets_watchdog=resets[2],
            resets_soft=resets[3],
            dropped_frames=outbox.dropped,
            dropped_boot=outbox.dropped_boot,
            dropped_lo=outbox.dropped_lo,
            dropped_hi=outbox.dropped_hi,
            fifo_gaps=kept["fifo_gaps"],
            heap_free_b=board.heap_free_b(),
            rssi_dbm=collar.wifi.rssi_dbm,
            gravity_x_16mg=x,
            gravity_y_16mg=y,
            gravity_z_16mg=z,
            fw_major=VERSION[0],
            fw_minor=VERSION[1],
            fw_patch=VERSION[2],
            partitions_version=_PARTITIONS_VERSION,
            imu_chip=collar.imu.chip if collar.armed else IMU_NONE,
            sensor_faults=collar.watch.take() << 8 | min(kept["sensor_faults"], 0xFF),
            uplink_failures=kept["uplink_failures"],
            upload_period_s=collar.period_s,
            days_left=_NOT_KNOWN,
            flags=0,
        )
    )
