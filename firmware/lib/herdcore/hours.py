"""Hourly codes: the class of every minute of an hour in at most 15 bytes, so that its frame has at most 51.

Runs: a byte each, class << 5 | length - 1; a run beyond 32 minutes takes two. An hour with more than 15 runs
is cut at minute 30, and a half that is shorter so is written as 3 bits a minute, highest bit first, behind a
byte of 7 << 5 | minutes - 1: 7 is no class. A minute without data is of class 0. herdcore.codes reads them.
"""

from herdcore.compat import const
from herdcore.fields import check
from herdcore.frames import CODES_MAX
from herdcore.vocabulary import BEHAVIOUR_COUNT

HOUR_MIN = 60
CUT_MIN = 30
_RUN_MOST = const(32)
_RESTLESS = const(8)  # runs of an hour: more cost bytes and tell of hardly more than a collar's doubts
DENSE = 0xE0
LENGTH = 0x1F


def _runs(classes):
    out = bytearray()
    for code in classes:
        if out and out[-1] >> 5 == code and out[-1] & LENGTH < _RUN_MOST - 1:
            out[-1] += 1
        else:
            out.append(code << 5)
    return bytes(out)


def dense(classes):
    count = len(classes)
    out = bytearray(2 + (3 * count + 7 >> 3))
    out[0] = DENSE | count - 1
    for i in range(count):
        bit = 3 * i
        two = classes[i] << 13 - (bit & 7)  # where the 3 bits stand in two bytes
        out[1 + (bit >> 3)] |= two >> 8
        out[2 + (bit >> 3)] |= two & 0xFF
    return bytes(out[:-1])


def pack_codes(classes: "bytes | bytearray | memoryview") -> "list[tuple[int, bytes]]":
    """Return [(first minute, records), ...], one or two, for 1..60 minutes of one class each.

    Raises FrameError if there are more minutes or a class is not known.
    """
    check("minutes", len(classes), 1, HOUR_MIN)
    for code in classes:
        check("class", code, 0, BEHAVIOUR_COUNT - 1)
    whole = _runs(classes)
    if len(whole) <= CODES_MAX:
        return [(0, whole)]
    halves = [(0, classes[:CUT_MIN]), (CUT_MIN, classes[CUT_MIN:])]
    return [(first, min(_runs(half), dense(half), key=len)) for first, half in halves if len(half)]


def calmed(classes: "bytes | bytearray | memoryview") -> bytes:
    """Return the classes of an hour, made short where that is easy.

    An hour of more than 8 runs has its bouts of a single minute added to the bout before; minutes without
    data stay as they are. Without this a restless hour would take two frames.
    """
    out = bytearray(classes)
    if len(_runs(out)) > _RESTLESS:
        for i in range(1, len(out) - 1):
            if out[i] and out[i - 1] and out[i] not in (out[i - 1], out[i + 1]):
                out[i] = out[i - 1]
    return bytes(out)
