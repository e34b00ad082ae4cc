"""Minute records and hourly codes to the minutes that the scorers fold.

A record or code is a minute of the collar's uptime. It becomes the UTC minute that most of it lies in, so
that consecutive ones stay consecutive. What a record does not have is approximated:

- Motion (sum over the axes) from the deviation of the strongest axis, whose codes the collar has averaged: a
  geometric mean. Times 2.5 it is within 20 % of the sum for 9 of 10 minutes in wasp-cow-collar (132 minutes:
  median 2.54, 10th to 90th percentile 2.21 to 2.81).
- The largest motion of a window is not known. For "still" the bound is three equal axes; a minute with a
  burst has at least that. So a minute of noise with one weak movement in it reads as still. 90 of those in a
  row are no living cow: her quietest recorded minute has 7 mg on its strongest axis, the bound is 3 (tested).
- Gravity z is what is missing to 1 g, with the sign bit; scorers must not compare it (`form`).

A code has no amount of movement. Grazing and walking are told as movement of no known amount (`windows` is
0, so they add nothing to a sum); rest, rumination and the others could be a still cow, and become nothing.
What the collar told of a minute goes along (`told`), for its label.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

from herdcore.behaviour import BURST_LOG
from herdcore.features import log_mg
from herdcore.records import MINUTE_Z_NEGATIVE, unpack_codes, unpack_minutes
from herdcore.vocabulary import BEHAVIOURS, SCHEMA_MINUTES, SCHEMA_WINDOWS, WINDOW_MS
from relay.behaviour.minutes import (
    CODES,
    GRAVITY_STEP_MG,
    MINUTE_MS,
    RECORDS,
    Minute,
    minute_parts,
    schema_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from herdcore import records
    from relay.model import LoggedFrame

MOVED_MG = (
    100  # nominal: above every threshold of "still", below none of "restless", because it has no windows
)
_MOVING = frozenset((BEHAVIOURS.index("graze"), BEHAVIOURS.index("walk")))
_AXES_X2 = 5  # twice the factor from the strongest axis to the sum of the axes
_LEAST_32NDS = 16  # of what `herdcore.behaviour.classify` returns
_GRAVITY = 1000 // GRAVITY_STEP_MG


def parts_of(frames: Sequence[LoggedFrame]) -> list[list[Minute]]:
    """Return the minutes of each frame, in order. Every frame must satisfy `holds_motion` and `is_whole`."""
    windows = iter(minute_parts([frame for frame in frames if schema_of(frame) == SCHEMA_WINDOWS]))
    return [next(windows) if schema_of(frame) == SCHEMA_WINDOWS else _coarse(frame) for frame in frames]


def _coarse(frame: LoggedFrame) -> list[Minute]:
    first = (frame.first_ms + MINUTE_MS // 2) // MINUTE_MS
    if schema_of(frame) == SCHEMA_MINUTES:
        minutes = enumerate(unpack_minutes(frame.records), first)
        return [_from_record(number, record) for number, record in minutes if record.flags >> 4]
    codes = enumerate(unpack_codes(frame.records), first)
    return [
        Minute(number, 0, 0, 0, 0, MOVED_MG if code in _MOVING else 0, 0, 0, 0, 0, CODES, b"", _told(code))
        for number, code in codes
    ]


def _from_record(number: int, record: records.Minute) -> Minute:
    windows = record.flags >> 4
    deviation_mg, difference_mg = log_mg(record.mad_log), log_mg(record.diff_log)
    most_mg = 3 * max(deviation_mg, log_mg(BURST_LOG) if record.bursts else 0)
    x, y = record.mean_x_16mg, record.mean_y_16mg
    z = isqrt(max(0, _GRAVITY**2 - x**2 - y**2))
    z = -z if record.flags & MINUTE_Z_NEGATIVE else z
    return Minute(
        number,
        windows,
        0,
        (windows - 1) * WINDOW_MS,
        windows * deviation_mg * _AXES_X2 // 2,
        most_mg,
        windows * difference_mg * _AXES_X2 // 2,
        windows * x,
        windows * y,
        windows * z,
        RECORDS,
        b"",
        record.class_confidence,
    )


def _told(code: int) -> int:
    """Return a code with the confidence that it has at least: its class was the likeliest of all."""
    return code << 5 | _LEAST_32NDS
