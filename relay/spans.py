"""How long the records of a frame last. A frame cannot arrive before its last record has ended."""

from __future__ import annotations

from herdcore.records import MINUTE_BYTES, WINDOW_BYTES, unpack_codes, unpack_raw
from herdcore.vocabulary import SCHEMA_CODES, SCHEMA_MINUTES, SCHEMA_RAW, SCHEMA_WINDOWS, WINDOW_MS

_SCHEMA_BITS = 0x0F
MINUTE_MS = 60_000


def span_ms(kind: int, records: bytes) -> int:
    """Return milliseconds from the begin of the first record to the end of the last; 0 for health.

    Raises FrameError for records that `herdcore.records.check_records` would refuse.
    """
    schema = kind & _SCHEMA_BITS
    if schema == SCHEMA_WINDOWS:
        return len(records) // WINDOW_BYTES * WINDOW_MS
    if schema == SCHEMA_MINUTES:
        return len(records) // MINUTE_BYTES * MINUTE_MS
    if schema == SCHEMA_CODES:
        return len(unpack_codes(records)) * MINUTE_MS
    if schema == SCHEMA_RAW:
        raw = unpack_raw(records)
        samples_ms: int = len(raw.samples) // 3 * 1_000_000 // raw.rate_mhz
        return samples_ms + int(raw.offset_ms)
    return 0
