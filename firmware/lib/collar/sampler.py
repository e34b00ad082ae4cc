"""Turns drains of the FIFO into consecutive windows with a date."""

from array import array

from herdcore.compat import const
from herdcore.vocabulary import WINDOW_SAMPLES

_JUMP_MS = const(2_000)  # two drains further apart than their samples say: some are missing
# A rate is off when it is an eighth from what the chip's trim says; oscillators are within 5 %, and so is the
# collar's own clock.
_RATE_MS = const(30_000)
_RATE_SHIFT = const(3)


class Sampler:
    """Drains an Imu into `samples`, interleaved x, y, z in mg.

    After drain(): `windows` whole windows from triple 0, the first sample taken at uptime `first_ms`;
    `gap` tells that they do not follow on the windows before. What is left over opens the next drain. A chip
    with a deep FIFO gives up to 8 windows a drain, commonly 7; one with a shallow FIFO takes several drains
    for a window.
    """

    def __init__(self, imu, uptime_ms, samples: "array[int] | None" = None) -> None:
        self._imu = imu
        self._uptime_ms = uptime_ms
        self.samples = samples or array("h", bytes(6 * (imu.watermark + WINDOW_SAMPLES)))
        self._view = memoryview(self.samples)
        self.windows = 0
        self.first_ms = 0
        self.gap = False
        self.lost = False  # the FIFO overran before the last drain
        self.left = 0  # samples the chip still holds
        self.is_early = False  # the last drain found less than a watermark
        self.fifo_gaps = 0
        self.is_off_rate = False  # samples come too slowly or too fast; stays until measured again
        self._carry = 0
        self._next_ms = -1
        self._is_cut = True  # samples are missing before the next window
        self._fed_ms = -1  # when the count of samples for the rate began
        self._fed = 0

    def use(self, imu) -> None:
        """Drain another chip, of no larger watermark."""
        if imu.watermark + WINDOW_SAMPLES > len(self.samples) // 3:
            raise ValueError("watermark of %d samples, room for %d" % (imu.watermark, len(self.samples) // 3))
        self._imu = imu

    def restart(self) -> None:
        """Forget what came before: the chip was started anew."""
        self._carry = self.windows = self.left = 0
        self._next_ms = -1
        self._is_cut = True
        self._fed_ms, self._fed = self._uptime_ms(), 0

    # over a deep sleep, in which the chip goes on

    def keep(self, kept) -> bytes:
        """Note in Retained where this stands; return the samples of an unfinished window as bytes."""
        self._keep_rest()
        kept["next_ms"] = max(0, self._next_ms)
        kept["fed_ms"], kept["fed"], kept["left"] = max(0, self._fed_ms), self._fed, self.left
        return bytes(self._view[: 3 * self._carry])

    def resume(self, kept, carried) -> None:
        """Go on where keep() stood."""
        self._carry = len(carried) // 6
        self._view[: 3 * self._carry] = array("h", carried)
        self._next_ms = kept["next_ms"] or -1
        self._is_cut = not kept["next_ms"]
        self._fed_ms, self._fed, self.left = kept["fed_ms"] or -1, kept["fed"], kept["left"]

    def drain(self) -> int:
        """Read one watermark's worth if the chip holds it; return the number of whole windows, else 0."""
        self._keep_rest()
        imu = self._imu
        now_ms = self._uptime_ms()
        count = imu.count()
        self.lost = lost = imu.flags()
        self._measure(now_ms, imu.depth - self.left if lost else count - self.left)
        if lost:
            self._carry = 0
            self._next_ms = -1
            self._is_cut = True
            self.fifo_gaps += 1
        self.gap = self._is_cut
        self.left = count
        self.is_early = count < imu.watermark
        if self.is_early:
            return 0
        total = self._carry + imu.drain_into(self.samples, 3 * self._carry, imu.watermark)
        self.left = count - imu.watermark
        if lost:
            self._forget_echo()
        self._date(now_ms, self.left + total)
        self.windows = total // WINDOW_SAMPLES
        self._carry = total
        self._next_ms = self.first_ms + self.windows * WINDOW_SAMPLES * imu.period_us // 1000
        if self.windows:
            self._is_cut = False
        return self.windows

    def _measure(self, now_ms: int, samples: int) -> None:
        """Compare the samples since the last look with the time; after an overrun they are the least."""
        if self._fed_ms < 0:
            self._fed_ms, self._fed = now_ms, 0
            return
        self._fed += samples
        took_ms = now_ms - self._fed_ms
        late_ms = took_ms - self._fed * self._imu.period_us // 1000
        if self.lost and late_ms >= -(took_ms >> _RATE_SHIFT):
            self._fed_ms = -1  # how many came is not known
        elif took_ms >= _RATE_MS:
            self.is_off_rate = abs(late_ms) > took_ms >> _RATE_SHIFT
            self._fed_ms, self._fed = now_ms, 0

    def _forget_echo(self) -> None:
        """A full FIFO overruns once more between the look and the burst, at its old end: told already."""
        self._imu.count()
        self._imu.flags()

    def _keep_rest(self) -> None:
        """Move what did not fill a window to the front."""
        used = self.windows * WINDOW_SAMPLES
        self._carry -= used
        self.windows = 0
        if used and self._carry:
            self._view[: 3 * self._carry] = self._view[3 * used : 3 * (used + self._carry)]

    def _date(self, now_ms: int, samples: int) -> None:
        """The newest sample is half a period old on average; the first one is `samples` - 1 periods older."""
        self.first_ms = max(0, now_ms - (2 * samples - 1) * self._imu.period_us // 2000)
        if self._next_ms >= 0 and abs(self.first_ms - self._next_ms) > _JUMP_MS:
            self._is_cut = True
            self.fifo_gaps += 1
        self.gap = self._is_cut
