"""What wakes the radio at once: a cow that has not stirred for an hour, and one that is flung about.

Still: the deviations of the three axes sum to 11 mg at most in every window, as the relay's scorer has it
(relay/scoring/hours.py says where the 11 come from). Missing windows never count as stillness; after a
gap of 15 minutes the hour begins anew. Violent: 1,000 mg or more in about four windows of six. No pack has
violence in it; in 5 hours of 10 cows, mounting and head-shaking among them, two windows come near each other.
"""

import struct

from herdcore.compat import const
from herdcore.frames import WINDOW_BYTES
from herdcore.logcode import log_mg
from herdcore.vocabulary import HEALTH_ALARM_NO_MOVEMENT, HEALTH_ALARM_VIOLENT, WINDOW_MS

_STILL_MG = const(11)
_STILL_WINDOWS = const(704)  # one hour
_GAP_S = const(900)
_VIOLENT_MG = const(1_000)
# A violent window adds 3, another takes 1 away: four in a row, or five with three others among them.
_VIOLENT_STEP = const(3)
_VIOLENT_AT = const(12)
_UNIT_BITS = const(10)  # raisings are dated in 1,024 s, modulo 2**16: two years
_PAUSE_UNITS = const(23)  # 6.3 to 6.5 hours
_A_DAY = const(4)
_DAY_S = const(86_400)
_STATE = (
    "<IHHHBB"  # end of the last window s, still windows, raised no movement, violent, day, violence and count
)
STATE_BYTES = 12


class Alarm:
    """Judges windows in their order. Of a kind it raises one in 6 hours, of both together 4 a day."""

    def __init__(self) -> None:
        self.restore(bytes(STATE_BYTES))

    def judge(self, packed: "bytes | bytearray | memoryview", windows: int, start_ms: int) -> int:
        """Return HEALTH_ALARM_* bits that are newly raised by windows of 14 bytes from uptime start_ms on."""
        start_s = start_ms // 1000
        if not -_GAP_S <= start_s - self._end_s <= _GAP_S:
            self._still = self._violence = 0
        self._end_s = start_s + windows * WINDOW_MS // 1000
        is_violent = False
        for at in range(0, windows * WINDOW_BYTES, WINDOW_BYTES):
            motion_mg = log_mg(packed[at + 3]) + log_mg(packed[at + 4]) + log_mg(packed[at + 5])
            self._still = min(self._still + 1, _STILL_WINDOWS) if motion_mg <= _STILL_MG else 0
            step = _VIOLENT_STEP if motion_mg >= _VIOLENT_MG else -1
            self._violence = min(max(self._violence + step, 0), _VIOLENT_AT)
            is_violent = is_violent or self._violence == _VIOLENT_AT
        bits = 0
        if self._still == _STILL_WINDOWS and self._may_raise(0):
            bits = HEALTH_ALARM_NO_MOVEMENT
        if is_violent and self._may_raise(1):
            bits |= HEALTH_ALARM_VIOLENT
        return bits

    def _may_raise(self, kind):
        """Return whether the limits allow one more now, and count it."""
        day = self._end_s // _DAY_S & 0xFF
        if day != self._day:
            self._day, self._count = day, 0
        unit = max(self._end_s >> _UNIT_BITS & 0xFFFF, 1)  # 0: never
        raised = self._raised[kind]
        if self._count >= _A_DAY or (raised and (unit - raised & 0xFFFF) < _PAUSE_UNITS):
            return False
        self._raised[kind] = unit
        self._count += 1
        return True

    def state(self) -> bytes:
        """Return everything that a deep sleep would lose, STATE_BYTES bytes."""
        return struct.pack(
            _STATE, self._end_s, self._still, *self._raised, self._day, self._violence << 4 | self._count
        )

    def restore(self, raw: "bytes | bytearray | memoryview") -> None:
        """Take over what state() returned; zeros are a new beginning."""
        self._end_s, self._still, first, second, self._day, both = struct.unpack(_STATE, raw)
        self._raised = [first, second]
        self._still = min(self._still, _STILL_WINDOWS)
        self._violence, self._count = min(both >> 4, _VIOLENT_AT), both & 0x0F
