"""Turns drains of the FIFO into consecutive windows with a date."""

from array import array

from herdcore.vocabulary import WINDOW_SAMPLES

_JUMP_MS = 2_000  # two drains further apart than their samples say: some are missing


class Sampler:
    """Drains an Imu into `samples`, interleaved x, y, z in mg. One drain is up to 8 windows, commonly 7.

    After drain(): `windows` whole windows from triple 0, the first sample taken at uptime `first_ms`;
    `gap` tells that they do not follow on the windows before. What is left over opens the next drain.
    """

    def __init__(self, imu, uptime_ms) -> None:
        self._imu = imu
        self._uptime_ms = uptime_ms
        self.samples = array("h", bytes(6 * (imu.watermark + WINDOW_SAMPLES)))
        self._view = memoryview(self.samples)
        self.windows = 0
        self.first_ms = 0
        self.gap = False
        self.left = 0  # words the chip still holds
        self.fifo_gaps = 0
        self._carry = 0
        self._next_ms = -1

    def restart(self) -> None:
        """Forget what came before: the chip was started anew."""
        self._carry = self.windows = 0
        self._next_ms = -1

    def drain(self) -> int:
        """Read one watermark's worth if the chip holds it; return the number of whole windows, else 0."""
        self._keep_rest()
        imu = self._imu
        now_ms = self._uptime_ms()
        count = imu.count()
        lost = imu.flags()
        if lost:
            self._carry = 0
        self.gap = lost
        self.left = count
        if count < imu.watermark:
            return 0
        total = self._carry + imu.drain_into(self.samples, 3 * self._carry, imu.watermark)
        self.left = count - imu.watermark
        if lost:
            self._forget_echo()
        self._date(now_ms, self.left + total, lost)
        self.windows = total // WINDOW_SAMPLES
        self._carry = total
        self._next_ms = self.first_ms + self.windows * WINDOW_SAMPLES * imu.period_us // 1000
        return self.windows

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

    def _date(self, now_ms: int, samples: int, lost: bool) -> None:
        """The newest sample is half a period old on average; the first one is `samples` - 1 periods older."""
        self.first_ms = max(0, now_ms - (2 * samples - 1) * self._imu.period_us // 2000)
        jumped = self._next_ms >= 0 and abs(self.first_ms - self._next_ms) > _JUMP_MS
        self.gap = lost or jumped or self._next_ms < 0
        if lost or jumped:
            self.fifo_gaps += 1
