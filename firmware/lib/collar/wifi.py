"""Joins and leaves the network. Our own loop with a deadline: the driver's retries have none.

With the address of an earlier lease the exchange with the DHCP server falls away: half the time and charge.
"""

from herdcore.compat import const

JOIN_MS = 20_000
LEASE_BYTES = 16  # address, mask, gateway, DNS

_POLL_MS = const(100)
_TRIES = const(3)
_DOUBT_MS = const(1_000)  # a failure may be reported for this long while the driver is still at it
# network.STAT_*, of the ESP32 port
_NO_AP_FOUND = const(201)
_IDLE = const(1000)  # may be seen between connecting and connected
_CONNECTING = const(1001)


class WifiError(OSError):
    """The network could not be joined in time."""


def _dotted(lease):
    return tuple(["%d.%d.%d.%d" % tuple(lease[at : at + 4]) for at in range(0, LEASE_BYTES, 4)])


def _packed(texts) -> bytes:
    """Return what ifconfig() tells as LEASE_BYTES; b"" if there is no address in it."""
    lease = bytes([int(part) for text in texts for part in text.split(".")])
    return lease if lease[:4] != bytes(4) else b""


class Wifi:
    """A station interface. `wlan`: network.WLAN; the board's waits and clock are handed in."""

    def __init__(self, wlan, pause_ms, uptime_ms) -> None:
        self._wlan = wlan
        self._pause_ms = pause_ms
        self._uptime_ms = uptime_ms
        self.rssi_dbm = 0  # of the last time the network was joined; 0: never
        self.lease = b""  # of the last time: LEASE_BYTES, b"" if unknown
        self._since_ms = -1  # when the radio was switched on; -1: it is off
        self._on_ms = 0

    @property
    def on_ms(self) -> int:
        """How long the radio has been on in this session; when it is over, in the last one."""
        return self._on_ms if self._since_ms < 0 else self._uptime_ms() - self._since_ms

    def join(self, ssid: str, password: str, lease=b"") -> None:
        """Connect, with the address of `lease` if it is given. Raises WifiError after 20 s.

        Sooner if the driver has looked and the network is not there, or if it has failed three times.
        """
        wlan = self._wlan
        if self._since_ms < 0:
            self._since_ms = self._uptime_ms()
        wlan.active(True)
        wlan.disconnect()  # a second connect() without it is refused by the driver
        wlan.config(reconnects=0)  # what fails is told to us instead of tried for ever
        self.lease = b""
        self._set_address(lease)
        deadline_ms = self._uptime_ms() + JOIN_MS
        for left in range(_TRIES - 1, -1, -1):
            wlan.connect(ssid, password)
            status = self._wait(deadline_ms)
            if not status:
                break
            if status == _NO_AP_FOUND or not left or self._uptime_ms() >= deadline_ms:
                raise WifiError("no network in %d ms, status %d" % (self.on_ms, status))
            wlan.disconnect()
        self.rssi_dbm = min(0, max(-127, wlan.status("rssi")))
        self.lease = bytes(lease) or _packed(wlan.ifconfig())

    def _set_address(self, lease) -> None:
        if lease:
            self._wlan.ifconfig(_dotted(lease))
            return
        try:
            self._wlan.ifconfig("dhcp")
        except (OSError, RuntimeError):
            pass  # DHCP runs already

    def _wait(self, deadline_ms: int) -> int:
        """Return 0 when connected, else the driver's status when it, or the time, has given up."""
        wlan, failed_ms = self._wlan, -1
        while not wlan.isconnected():
            now_ms, status = self._uptime_ms(), wlan.status()
            if status in (_IDLE, _CONNECTING):
                failed_ms = -1
            elif failed_ms < 0:
                failed_ms = now_ms
            if now_ms >= deadline_ms or (failed_ms >= 0 and now_ms - failed_ms >= _DOUBT_MS):
                return status
            if status == _NO_AP_FOUND:
                return status
            self._pause_ms(_POLL_MS)
        return 0

    def leave(self) -> None:
        """Switch the radio off, whatever state it is in: left on it would cost the battery its year."""
        try:
            self._wlan.disconnect()
        except OSError:
            pass  # it was not connected
        finally:
            self._wlan.active(False)
            self._on_ms = self.on_ms
            self._since_ms = -1
