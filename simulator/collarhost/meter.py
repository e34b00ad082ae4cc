"""How long a board has been in each state that draws its own current: what the energy ledger is made of."""

from __future__ import annotations

BOOT, CPU, I2C, FLASH, LIGHT_SLEEP, DEEP_SLEEP, WIFI_JOIN, WIFI_ON = STATES = (
    "boot", "cpu", "i2c", "flash", "light_sleep", "deep_sleep", "wifi_join", "wifi_on",
)  # fmt: skip


class Meter:
    """Virtual time by state, us; beside it the LED's, and how often it booted, read flash, was joined."""

    def __init__(self) -> None:
        self.times_us = dict.fromkeys(STATES, 0)
        self.joins = self.boots = self.reads = self.led_us = 0
        self._joining = True

    def passed(self, state: str, us: int) -> None:
        """Time went by in a state."""
        self.times_us[state] += us
        self.boots += state == BOOT

    def awake(self, us: int, *, active: bool, connected: bool) -> None:
        """Time went by awake, with the radio in some state."""
        if not active:
            self.times_us[CPU] += us
            self._joining = True
            return
        self.times_us[WIFI_ON if connected else WIFI_JOIN] += us
        self.joins += connected and self._joining
        self._joining = not connected
