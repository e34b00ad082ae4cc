"""Minutes to rows of 15, for scorers that do not hurry. The first minute of a later row closes one."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from relay.behaviour.minutes import MINUTE_MS, Minute

ROW_MIN = 15
ROW_MS = ROW_MIN * MINUTE_MS
# 11 or 12 windows start in a minute; up to three of them may be the dating's hole between two frames of a
# slow chip.
MIN_WINDOWS = 8

_LAYOUT = struct.Struct("<qBIQ")


@dataclass(frozen=True, slots=True)
class Row:
    """A quarter of an hour: `number` counts them since 1970, `covered_min` minutes with enough windows."""

    number: int
    covered_min: int = 0
    windows: int = 0
    motion_sum_mg: int = 0

    @property
    def start_ms(self) -> int:
        """When it begins."""
        return self.number * ROW_MS

    @property
    def motion_mg(self) -> float:
        """Mean motion over its windows, mg; 0 if it has none."""
        return self.motion_sum_mg / self.windows if self.windows else 0.0


def add(open_row: Row | None, minute: Minute) -> tuple[Row, Row | None]:
    """Return the row that is open after `minute` and the one it closed, if any. Minutes come in order."""
    number = minute.minute // ROW_MIN
    closed = open_row if open_row is not None and open_row.number != number else None
    row = open_row if open_row is not None and closed is None else Row(number)
    covered = row.covered_min + (minute.windows >= MIN_WINDOWS)
    grown = Row(number, covered, row.windows + minute.windows, row.motion_sum_mg + minute.motion_sum_mg)
    return grown, closed


def encode(row: Row | None) -> bytes:
    """Return 21 bytes, or none for no row."""
    return b"" if row is None else _LAYOUT.pack(row.number, row.covered_min, row.windows, row.motion_sum_mg)


def decode(data: bytes) -> Row | None:
    """Return what `encode` was given. Raises struct.error for other bytes."""
    return Row(*_LAYOUT.unpack(data)) if data else None
