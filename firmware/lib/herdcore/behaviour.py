"""A window -> class and confidence, and windows -> minutes: integers, no allocation, the same on every host.

The class is that of a decision tree over features that do not depend on how the collar sits: no posture, and
what differs between the axes is taken by size. herdcore/tables.py holds the tree and says which recordings
it comes from, and so what it can and cannot tell apart.
"""

from herdcore.compat import const
from herdcore.tables import FEATURE, RIGHT, VALUE
from herdcore.vocabulary import BEHAVIOURS

FEATURES = const(12)
BURST_LOG = const(128)  # code of 255 mg: from this deviation on an axis a window counts as a burst

_LEAF = const(0xFF)
_MINUTE_MS = const(60_000)
_WINDOWS_MOST = const(12)
_WINDOWS_FEW = const(10)
_NONE = const(-1)

_described = bytearray(FEATURES)  # scratch of classify()


def describe_into(packed: "bytes | bytearray | memoryview", at: int, out: bytearray) -> None:
    """Write the FEATURES features of the 14-byte window at packed[at:] to out[0:], each 0..255.

    Of deviation: largest, smallest, mean; of difference: likewise; crossings of the axis that moves most, and
    of all; the two chewing shares; difference less deviation, of the means and of the largest, plus 128.
    """
    a, b, c = packed[at + 3], packed[at + 4], packed[at + 5]
    out[0] = max(a, b, c)
    out[1] = min(a, b, c)
    out[2] = (a + b + c) // 3
    strongest = 0 if a >= b and a >= c else 1 if b >= c else 2
    a, b, c = packed[at + 6], packed[at + 7], packed[at + 8]
    out[3] = max(a, b, c)
    out[4] = min(a, b, c)
    out[5] = (a + b + c) // 3
    out[6] = packed[at + 9 + strongest]
    out[7] = min(packed[at + 9] + packed[at + 10] + packed[at + 11], 255)
    out[8] = packed[at + 12]
    out[9] = packed[at + 13]
    out[10] = min(max(128 + out[5] - out[2], 0), 255)
    out[11] = min(max(128 + out[3] - out[0], 0), 255)


def classify(packed: "bytes | bytearray | memoryview", at: int) -> int:
    """Return class << 5 | confidence (0..31) of the window at packed[at : at + 14]; allocates nothing."""
    described = _described
    describe_into(packed, at, described)
    node = 0
    while FEATURE[node] != _LEAF:
        node = node + 1 if described[FEATURE[node]] <= VALUE[node] else RIGHT[node]
    return VALUE[node]


class Minutes:
    """Puts windows together to minutes of uptime; a window belongs to the minute that it starts in.

    When add() or cut() returns True a minute is complete: `up_s` is where it began and `record` its 8 bytes
    (records.MINUTE_FIELDS), both valid until the next call. Minutes without a window are not told, and what
    comes late for a minute that has been told is left out. `alarmed`: set it, and the present minute, or the
    next one, says that there was a local alarm.
    """

    def __init__(self) -> None:
        self.record = bytearray(8)
        self.up_s = 0
        self.alarmed = False
        self._minute = self._told = _NONE
        self._counts = bytearray(len(BEHAVIOURS))  # windows of each class
        self._trust = [0] * len(BEHAVIOURS)  # sum of their confidence
        self._sums = [0] * 6  # deviation, difference, chewing, x, y, z
        self._windows = self._bursts = 0

    def add(self, start_ms: int, packed: "bytes | bytearray | memoryview", at: int) -> bool:
        """Take the 14-byte window at packed[at:] that starts at uptime start_ms; allocates nothing."""
        minute = start_ms // _MINUTE_MS
        is_complete = minute != self._minute and self.cut()
        if minute != self._told and self._windows < _WINDOWS_MOST:
            self._minute = minute
            self._take(packed, at)
        return is_complete

    def cut(self) -> bool:
        """End the present minute: the next window does not follow on."""
        if not self._windows:
            return False
        self._tell()
        self._told = self._minute
        self.up_s = 60 * self._minute
        self._minute = _NONE
        self._windows = self._bursts = 0
        self.alarmed = False
        for i in range(len(self._counts)):
            self._counts[i] = self._trust[i] = 0
        for i in range(6):
            self._sums[i] = 0
        return True

    def _take(self, packed, at):
        code = classify(packed, at)
        self._counts[code >> 5] += 1
        self._trust[code >> 5] += code & 31
        sums = self._sums
        sums[0] += _described[0]
        sums[1] += _described[3]
        sums[2] += min(_described[8] + _described[9], 255)
        for axis in range(3):
            sums[3 + axis] += (packed[at + axis] ^ 0x80) - 0x80
        self._bursts += _described[0] >= BURST_LOG
        self._windows += 1

    def _majority(self):
        """Return the class with most windows; of two the one that is surer of itself."""
        best = 0
        for code in range(1, len(self._counts)):
            more = self._counts[code] - self._counts[best]
            if more > 0 or (more == 0 and self._trust[code] > self._trust[best]):
                best = code
        return best

    def _tell(self):
        out, windows, sums = self.record, self._windows, self._sums
        code = self._majority()
        out[0] = code << 5 | self._trust[code] // self._counts[code]
        for i in range(5):
            out[1 + i] = sums[i] // windows & 0xFF
        out[6] = self._bursts
        out[7] = windows << 4 | (sums[5] < 0) | (windows < _WINDOWS_FEW) << 1 | self.alarmed << 2
