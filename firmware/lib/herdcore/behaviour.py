"""A window -> class and confidence, and windows -> minutes: integers, no allocation, the same on every host.

A linear model: the class with the highest score. Nothing in it depends on how the collar sits: what differs
between the axes is taken by size, and posture is how far the mean acceleration is from where this collar
mostly has it with the head up, and with the head down. It learns both itself, from windows whose movement
alone is clear enough; until then posture counts for nothing. herdcore/tables.py holds the weights and says
which recordings they come from, and so what can and cannot be told apart.
"""

from array import array

from herdcore.compat import const
from herdcore.tables import CLASSES, LEAST, SURE, WEIGHTS
from herdcore.vocabulary import BEHAVIOUR_COUNT

FEATURES = const(14)
FRAME_BYTES = const(16)
BURST_LOG = const(128)  # code of 255 mg: from this deviation on an axis a window counts as a burst

_MOTION = const(11)  # features that need no frame
_HEAD_UP = const(0)  # places in a frame: x, y, z in 64ths of 16 mg, windows
_HEAD_DOWN = const(4)
_MEMORY = const(32)  # windows
_PLACES = const(4)  # in CLASSES
_GRAZE = const(1)
_UNIT_BITS = const(9)  # scores are in 512ths of a nat
_COUNTS = const(6)  # places in the sums of a minute
_TRUST = const(12)
_MINUTE_MS = const(60_000)
_WINDOWS_MOST = const(12)
_WINDOWS_FEW = const(10)
_NONE = const(-1)

_described = bytearray(FEATURES)  # scratch of classify()
_scores = [0] * _PLACES


def describe_into(packed: "bytes | bytearray | memoryview", at: int, out: bytearray) -> None:
    """Write the features of the 14-byte window at packed[at:] that need no frame to out[0:11], each 0..255.

    Of deviation: largest, mean; of difference: likewise; crossings of the axis that moves most, and of all;
    the two chewing shares; square of how far the mean deviation is from 90, up to 45; the smallest
    deviation; 1.
    """
    a, b, c = packed[at + 3], packed[at + 4], packed[at + 5]
    out[0] = max(a, b, c)
    out[1] = mean = (a + b + c) // 3
    least = min(a, b, c)
    strongest = 0 if a >= b and a >= c else 1 if b >= c else 2
    a, b, c = packed[at + 6], packed[at + 7], packed[at + 8]
    out[2] = max(a, b, c)
    out[3] = (a + b + c) // 3
    out[4] = packed[at + 9 + strongest]
    out[5] = min(packed[at + 9] + packed[at + 10] + packed[at + 11], 255)
    out[6] = packed[at + 12]
    out[7] = packed[at + 13]
    out[8] = min((mean - 90) * (mean - 90) >> 5, 63)
    out[9] = least
    out[10] = 1


def classify(packed: "bytes | bytearray | memoryview", at: int, frame: "array[int]") -> int:
    """Return class << 5 | confidence (0..31) of the window at packed[at : at + 14]; allocates nothing.

    `frame`: array('h') of 8, zeros at first, what is known of how this collar sits; the window is learned
    from before it is judged.
    """
    out = _described
    describe_into(packed, at, out)
    _score(_MOTION)
    lead = _lead(_GRAZE)
    if lead > SURE:
        _learn(frame, _HEAD_DOWN, packed, at)
    elif lead < -SURE:
        _learn(frame, _HEAD_UP, packed, at)
    if min(frame[_HEAD_UP + 3], frame[_HEAD_DOWN + 3]) >= LEAST:
        out[_MOTION] = 1
        out[_MOTION + 1] = _apart(frame, _HEAD_UP, packed, at)
        out[_MOTION + 2] = _apart(frame, _HEAD_DOWN, packed, at)
        _score(FEATURES)
    best = 0
    while _lead(best) < 0:
        best += 1
    return CLASSES[best] << 5 | 31 - (15 >> (_lead(best) >> _UNIT_BITS))  # 32 / (1 + e^-nats), nearly


def _score(end):
    """Score the classes by the features before `end`."""
    for i in range(_PLACES):
        _scores[i] = 0
        for j in range(end):
            _scores[i] += WEIGHTS[FEATURES * i + j] * _described[j]


def _lead(place):
    """Return by how much a class is ahead of the best of the others."""
    lead = 0x3FFFFFFF
    for i in range(_PLACES):
        if i != place:
            lead = min(lead, _scores[place] - _scores[i])
    return lead


def _learn(frame, where, packed, at):
    """Move a place of the frame towards the window's mean, by 1 / windows, and in the end by 1 / 32."""
    frame[where + 3] = windows = min(frame[where + 3] + 1, _MEMORY)
    for axis in range(3):
        frame[where + axis] += ((_mean(packed, at + axis) << 6) - frame[where + axis]) // windows


def _apart(frame, where, packed, at):
    """Return the square of the distance of the window's mean from a place of the frame; 255 is 2 g."""
    square = 0
    for axis in range(3):
        by = _mean(packed, at + axis) - (frame[where + axis] >> 6)
        square += by * by
    return min(square >> 6, 255)


def _mean(packed, at):
    return (packed[at] ^ 0x80) - 0x80


class Minutes:
    """Puts windows together to minutes of uptime; a window belongs to the minute that it starts in.

    When add() or cut() returns True a minute is complete: `up_s` is where it began and `record` its 8 bytes
    (records.MINUTE_FIELDS), both valid until the next call. Minutes without a window are not told, and what
    comes late for a minute that has been told is left out. `alarmed`: set it, and the present minute, or the
    next one, says that there was a local alarm. `frame`: how the collar sits, FRAME_BYTES that an earlier
    one's `frame` held, or zeros.
    """

    def __init__(self, frame: bytes = bytes(FRAME_BYTES)) -> None:
        self.frame = array("h", frame)
        self.record = bytearray(8)
        self.up_s = 0
        self.alarmed = False
        self._minute = self._told = _NONE
        # Deviation, difference, chewing, x, y, z; windows of each class; sum of their confidence.
        self._sums = [0] * (_COUNTS + 2 * BEHAVIOUR_COUNT)
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
        for i in range(_COUNTS + 2 * BEHAVIOUR_COUNT):
            self._sums[i] = 0
        return True

    def _take(self, packed, at):
        code = classify(packed, at, self.frame)
        sums = self._sums
        sums[_COUNTS + (code >> 5)] += 1
        sums[_TRUST + (code >> 5)] += code & 31
        sums[0] += _described[0]
        sums[1] += _described[2]
        sums[2] += min(_described[6] + _described[7], 255)
        for axis in range(3):
            sums[3 + axis] += _mean(packed, at + axis)
        self._bursts += _described[0] >= BURST_LOG
        self._windows += 1

    def _tell(self):
        out, windows, sums = self.record, self._windows, self._sums
        best = 0  # the class with most windows; of two the one that is surer of itself
        for code in range(1, BEHAVIOUR_COUNT):
            more = sums[_COUNTS + code] - sums[_COUNTS + best]
            if more > 0 or (more == 0 and sums[_TRUST + code] > sums[_TRUST + best]):
                best = code
        out[0] = best << 5 | sums[_TRUST + best] // sums[_COUNTS + best]
        for i in range(5):
            out[1 + i] = sums[i] // windows & 0xFF
        out[6] = self._bursts
        out[7] = windows << 4 | (sums[5] < 0) | (windows < _WINDOWS_FEW) << 1 | self.alarmed << 2
