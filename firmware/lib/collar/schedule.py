"""When to talk: uploads spread over the herd, back-off after failures. The device id is the only seed."""

import hashlib

BACKOFF_MIN_S = 5
BACKOFF_MAX_S = 1_800
PERIOD_MIN_S = 60
PERIOD_MAX_S = 86_400


def _mix(label: bytes, device: int, n: int) -> int:
    """Return 0..2^24-1, the same for the same arguments on every interpreter."""
    text = label + b"%d.%d" % (device, n)
    digest = hashlib.sha256(text).digest()
    return digest[0] | digest[1] << 8 | digest[2] << 16


def spread_s(device: int, period_s: int) -> int:
    """Return this collar's place in the period, 0..period_s - 1: a herd does not talk all at once."""
    return _mix(b"spread", device, 0) % period_s


def backoff_s(device: int, attempt: int) -> int:
    """Return the wait after failure `attempt` (from 1): doubling, 5 s to 30 min, upper half jittered."""
    full = min(BACKOFF_MAX_S, (2 * BACKOFF_MIN_S) << min(attempt - 1, 12))
    half = full // 2
    return half + _mix(b"backoff", device, attempt) % (half + 1)


def jittered_s(device: int, at_s: int, wait_s: int) -> int:
    """Return the wait begun at `at_s`, up to half as long again: no daily rhythm misses for ever."""
    return wait_s + _mix(b"jitter", device, at_s) % (wait_s // 2 + 1)


def bounded_wait_s(wait_s: int) -> int:
    """Return a wait that a relay has asked for within 5 s..30 min: that of no failure is longer."""
    return min(max(wait_s, BACKOFF_MIN_S), BACKOFF_MAX_S)


def bounded_period_s(period_s: int) -> int:
    """Return the period within 1 min..1 day."""
    return min(max(period_s, PERIOD_MIN_S), PERIOD_MAX_S)


def next_upload_s(now_s: int, period_s: int, device: int) -> int:
    """Return the next time with this collar's place in the period, half a period to one and a half away."""
    period_s = bounded_period_s(period_s)
    due_s = now_s - now_s % period_s + spread_s(device, period_s)
    while due_s < now_s + period_s // 2:
        due_s += period_s
    return due_s
