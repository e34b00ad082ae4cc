"""What a collar says about itself and sends on request, for the tests of downlinks."""

from __future__ import annotations

from array import array

from herdcore import records
from herdcore.downlink import NO_SETTINGS, encode_settings

HEALTHY = {
    "batt_mv": 3912, "temp_c": 20, "dropped_frames": 3, "rssi_dbm": -60, "fw_minor": 3, "fw_patch": 1,
    "upload_period_s": 900, "days_left": 210,
}  # fmt: skip


def health_record(settings_number=0, flags=0, **fields):
    """The record of a health frame of a collar that has the settings block of that number."""
    names = [name for name, _, _, _ in records.HEALTH_FIELDS]
    said = dict.fromkeys(names, 0) | HEALTHY | {"flags": (settings_number & 15) << 4 | flags} | fields
    return records.pack_health(records.Health(**said))


def raw_records(burst_id=1, samples=((1, -2, 1000),), rate_mhz=12_500, offset_ms=0):
    """The records of a raw frame."""
    values = array("h", [value for sample in samples for value in sample])
    return records.pack_raw_head(rate_mhz, offset_ms, burst_id) + values.tobytes()


def block(number=1, **fields):
    """A settings block."""
    return encode_settings(NO_SETTINGS._replace(number=number, **fields))
