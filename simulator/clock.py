"""Virtual time stands still until somebody moves it; the wall's does not ask."""

from __future__ import annotations

import time

START_UTC_MS = 1_772_409_600_000  # 2026-03-02 00:00 UTC, a Monday: where a simulation starts by default


class VirtualClock:
    """Microseconds since the start of the simulation, and the UTC that belongs to them."""

    def __init__(self, start_utc_ms: int = START_UTC_MS, now_us: int = 0) -> None:
        self.start_utc_ms = start_utc_ms
        self._now_us = now_us

    @property
    def now_us(self) -> int:
        """Virtual time since the start of the simulation, us."""
        return self._now_us

    @property
    def utc_ms(self) -> int:
        """Virtual UTC, ms since 1970, rounded down."""
        return self.start_utc_ms + self._now_us // 1000

    def advance_us(self, step_us: int) -> None:
        """Move on by `step_us`; ValueError if it is negative."""
        if step_us < 0:
            raise ValueError(f"step_us={step_us}: time only goes forward")
        self._now_us += step_us

    def advance_to_us(self, now_us: int) -> None:
        """Move on to `now_us`; ValueError if that has passed."""
        if now_us < self._now_us:
            raise ValueError(f"now_us={now_us} is before {self._now_us}: time only goes forward")
        self._now_us = now_us

    def advance_to(self, utc_ms: int) -> None:
        """Move on to `utc_ms`, or stay if that millisecond has begun; ValueError if it has passed."""
        if utc_ms < self.utc_ms:
            raise ValueError(f"utc_ms={utc_ms} is before {self.utc_ms}: time only goes forward")
        self._now_us = max(self._now_us, (utc_ms - self.start_utc_ms) * 1000)


class WallUtc:
    """The wall's time, for parts that serve a real relay."""

    @property
    def utc_ms(self) -> int:
        """UTC, ms since 1970."""
        return time.time_ns() // 1_000_000
