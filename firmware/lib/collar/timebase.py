"""UTC and the error of the collar's own clock, from authenticated acks alone.

A clock without a crystal is wrong by minutes an hour, and by how much follows the temperature. Two acks tell
it; what an ack spent on its way is noise that weighs less the further they are apart.
"""

from herdcore.compat import const

DRIFT_MAX_PPM = 60_000
DAY_S = const(86_400)

_APART_MS = const(3_384_000)  # an hour, on the slowest clock
# After a deep sleep the ack before is all that is left to compare with; it may be nearer, and weighs less.
_APART_AWAKE_MS = const(600_000)
_FULL_MS = const(21_600_000)  # acks this far apart are taken as they are


class Timebase:
    """`kept`: a Retained; "last_ack_ms", "last_ack_up_ms" and "drift_ppm" in it are set here alone.

    drift_ppm is how much faster UTC passes than uptime; 0 while unknown.
    """

    def __init__(self, kept) -> None:
        self._kept = kept
        self._since = (kept["last_ack_up_ms"], kept["last_ack_ms"])  # the ack that others are compared with
        self._apart_ms = _APART_AWAKE_MS

    def restart(self) -> None:
        """Forget the acks of an uptime that is over; the clock's error stays."""
        self._kept["last_ack_up_ms"] = self._kept["last_ack_ms"] = 0
        self._since = (0, 0)

    def ack(self, up_ms: int, utc_ms: int) -> None:
        """Note that the relay's clock, in an authenticated ack, showed `utc_ms` at uptime `up_ms`."""
        kept = self._kept
        kept["last_ack_up_ms"], kept["last_ack_ms"] = up_ms, utc_ms
        from_up_ms, from_utc_ms = self._since
        span_ms = up_ms - from_up_ms
        is_known = from_utc_ms > 0 and span_ms >= 0
        if is_known and span_ms < self._apart_ms:
            return
        if is_known:
            self._learn((utc_ms - from_utc_ms - span_ms) * 1_000_000 // span_ms, span_ms)
        if not is_known or span_ms >= _FULL_MS:
            self._since, self._apart_ms = (up_ms, utc_ms), _APART_MS

    def _learn(self, ppm: int, span_ms: int) -> None:
        kept = self._kept
        if not -DRIFT_MAX_PPM <= ppm <= DRIFT_MAX_PPM:
            self._since = (0, 0)  # no clock of ours is that wrong: the relay's was set
            return
        known_ppm = kept["drift_ppm"]
        if known_ppm:
            ppm = known_ppm + (ppm - known_ppm) * (min(span_ms, _FULL_MS) // 1000) // (_FULL_MS // 1000)
        kept["drift_ppm"] = ppm

    def age_s(self, up_s: int, now_s: int) -> int:
        """Return how long ago uptime second `up_s` was, in seconds of UTC; not below 0."""
        span_s = max(0, now_s - up_s)
        ppm = self._kept["drift_ppm"]
        return span_s + span_s // 1000 * ppm // 1000 + span_s % 1000 * ppm // 1_000_000


def day_s(kept, now_s: int) -> int:
    """Return the second of the day (UTC) at uptime `now_s`, -1 if no ack of this uptime has told it."""
    up_ms, utc_ms = kept["last_ack_up_ms"], kept["last_ack_ms"]
    since_s = now_s - up_ms // 1000
    if not utc_ms or since_s < 0:
        return -1
    since_s += since_s // 1000 * kept["drift_ppm"] // 1000
    return (utc_ms // 1000 + since_s) % DAY_S
