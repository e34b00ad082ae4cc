"""Joins and leaves the network. Our own loop with a deadline: the driver's retries have none."""

JOIN_MS = 20_000
_POLL_MS = 50


class WifiError(OSError):
    """The network could not be joined in time."""


class Wifi:
    """A station interface. `wlan`: network.WLAN; the board's waits and clock are handed in."""

    def __init__(self, wlan, pause_ms, uptime_ms) -> None:
        self._wlan = wlan
        self._pause_ms = pause_ms
        self._uptime_ms = uptime_ms
        self.rssi_dbm = 0  # of the last time the network was joined; 0: never

    def join(self, ssid: str, password: str) -> None:
        """Connect, or raise WifiError after 20 s."""
        wlan = self._wlan
        wlan.active(True)
        wlan.disconnect()  # a second connect() without it is refused by the driver
        wlan.connect(ssid, password)
        begun_ms = self._uptime_ms()
        while not wlan.isconnected():
            if self._uptime_ms() - begun_ms >= JOIN_MS:
                raise WifiError("not on the network after %d ms, status %s" % (JOIN_MS, wlan.status()))
            self._pause_ms(_POLL_MS)
        self.rssi_dbm = min(0, max(-127, wlan.status("rssi")))

    def leave(self) -> None:
        """Switch the radio off, whatever state it is in: left on it would cost the battery its year."""
        try:
            self._wlan.disconnect()
        except OSError:
            pass  # it was not connected
        self._wlan.active(False)
