"""The radio of one board: when it is connected is a function of virtual time, coverage and a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from simulator.collarhost.bridge import Word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 1000, 1001, 1010

_JOIN_US = 1_626_000  # association with DHCP (upy-esp32-experiments, FeatherS3)
_JITTER_US = 250_000
FOREVER_US = 1 << 62


class WifiError(OSError):
    """A call the driver refuses; `word` is the status the bridge carries."""

    def __init__(self, word: Word) -> None:
        super().__init__(int(word), word.name)
        self.word = word


class Wlan:
    """WLAN(STA_IF): idle -> connecting -> connected, with the driver's errors.

    `coverage` lists (from_us, to_us) of virtual time with an access point in reach, None means always;
    `networks` maps SSID to key, None takes any. The driver tries again for ever, as it does by default: it
    reports STAT_CONNECTING for as long as nothing answers or the key is wrong.
    """

    def __init__(
        self, seed: int, *, coverage: Sequence[tuple[int, int]] | None = None,
        networks: Mapping[bytes, bytes] | None = None,
    ) -> None:  # fmt: skip
        self._seed = seed
        self._coverage = ((0, FOREVER_US),) if coverage is None else tuple(coverage)
        self._networks = networks
        self.power_off()

    def power_off(self) -> None:
        """What a reset does: the interface is down and knows nothing."""
        self._active = self._wanted = self._right_key = False
        self._since_us = self._join_us = 0

    @property
    def active(self) -> bool:
        """Whether the radio draws current."""
        return self._active

    def set_active(self, active: bool) -> None:
        """Switch the interface on or off; off also ends a connection."""
        self._active = active
        self._wanted = self._wanted and active

    def connect(self, ssid: bytes, key: bytes, now_us: int) -> None:
        """Begin to connect. Raises WifiError if the interface is off, or busy with an earlier connect()."""
        self._require_active()
        if self._wanted:
            raise WifiError(Word.WIFI_INTERNAL)
        self._wanted, self._since_us = True, now_us
        self._right_key = self._networks is None or self._networks.get(ssid) == key
        self._join_us = _JOIN_US + self._draw(now_us) % _JITTER_US

    def disconnect(self) -> None:
        """End the connection or the attempt. Raises WifiError if the interface is off."""
        self._require_active()
        self._wanted = False

    def connected(self, now_us: int) -> bool:
        """Whether there is a link with an address."""
        return self._wanted and self._right_key and any(
            max(start, self._since_us) + self._join_us <= now_us < end for start, end in self._coverage
        )  # fmt: skip

    def status(self, now_us: int) -> int:
        """Return network.STAT_*."""
        if not self._wanted:
            return STAT_IDLE
        return STAT_GOT_IP if self.connected(now_us) else STAT_CONNECTING

    def rssi_dbm(self, now_us: int) -> int:
        """Return the signal strength, which wanders by the minute. Raises WifiError without a connection."""
        if not self.connected(now_us):
            raise WifiError(Word.WIFI_NOT_CONNECTED)
        return -58 - self._draw(now_us // 60_000_000) % 16

    def _require_active(self) -> None:
        if not self._active:
            raise WifiError(Word.WIFI_NOT_STARTED)

    def _draw(self, at: int) -> int:
        return crc32(f"{self._seed} {at}".encode())
