"""The radio of one board: when it is connected is a function of virtual time, coverage and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from simulator.collarhost.bridge import Word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 1000, 1001, 1010
STAT_BEACON_TIMEOUT, STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD = 200, 201, 202

# Association with DHCP and with a static address (upy-esp32-experiments, FeatherS3).
DHCP_US, STATIC_US = 1_626_000, 734_000
SCAN_US = 2_400_000  # all channels once, until the driver says that there is none: an estimate
_JITTER_US = 250_000
_IDLE_US = 100_000  # STAT_IDLE between connecting and connected, where `false_us` is given
LEASE_US = 86_400_000_000
FOREVER_US = 1 << 62
UNLIMITED = -1  # config(reconnects=...)
ADDRESS_BYTES = 16


class WifiError(OSError):
    """A call the driver refuses; `word` is the status the bridge carries."""

    def __init__(self, word: Word) -> None:
        super().__init__(int(word), word.name)
        self.word = word


@dataclass(frozen=True, slots=True)
class Network:
    """An access point and its DHCP server. `key` None takes any; `coverage` as in Wlan, None for Wlan's own.

    `late_us`: how much later than usual a slow one lets in. `lease_us`: after that an address is another's.
    `false_us`: for how long after connect() the driver reports STAT_WRONG_PASSWORD though it goes on.
    """

    key: bytes | None = None
    coverage: Sequence[tuple[int, int]] | None = None
    subnet: tuple[int, int, int] = (192, 168, 4)
    late_us: int = 0
    lease_us: int = LEASE_US
    false_us: int = 0


@dataclass(slots=True)
class _Attempt:
    """What connect() has begun."""

    ssid: bytes
    network: Network | None
    has_key: bool
    since_us: int
    join_us: int
    reconnects: int
    address: bytes  # static, b"" with DHCP

    def gives_up_us(self) -> int:
        """When the driver has looked often enough."""
        return FOREVER_US if self.reconnects < 0 else self.since_us + (self.reconnects + 1) * SCAN_US


class Wlan:
    """WLAN(STA_IF): idle -> connecting -> connected, with the driver's errors.

    `coverage` lists (from_us, to_us) of virtual time with an access point in reach, None means always;
    `networks` maps SSID to key or Network, None takes any. By default the driver tries again for ever: it
    reports STAT_CONNECTING for as long as nothing answers or the key is wrong. With config(reconnects=n) it
    looks n + 1 times and then says what was wrong.

    A static address (set_address) joins sooner. Only that of a lease which this network gave to this board,
    and which has not run out, reaches anybody: see reaches().
    """

    def __init__(
        self, seed: int, *, coverage: Sequence[tuple[int, int]] | None = None,
        networks: Mapping[bytes, bytes | Network] | None = None,
    ) -> None:  # fmt: skip
        self._seed = seed
        self._coverage = ((0, FOREVER_US),) if coverage is None else tuple(coverage)
        self._networks = None if networks is None else {
            ssid: given if isinstance(given, Network) else Network(given) for ssid, given in networks.items()
        }  # fmt: skip
        self._any = Network()
        self._ends_us: dict[bytes, int] = {}  # by SSID, of the leases given to this board
        self.power_off()

    def power_off(self) -> None:
        """What a reset does: the interface is down and knows nothing."""
        self._active = False
        self._attempt: _Attempt | None = None
        self._static = b""
        self.reconnects = UNLIMITED

    @property
    def active(self) -> bool:
        """Whether the radio draws current."""
        return self._active

    def set_active(self, active: bool) -> None:
        """Switch the interface on or off; off also ends a connection."""
        self._active = active
        if not active:
            self._attempt = None

    def configure(self, reconnects: int) -> None:
        """Set how often the driver tries again: UNLIMITED, or 0 and more."""
        self.reconnects = reconnects

    def set_address(self, address: bytes) -> None:
        """Set address, mask, gateway and DNS, 4 bytes each; b"" goes back to DHCP."""
        self._static = address

    def address(self, now_us: int) -> bytes:
        """Return address, mask, gateway and DNS as they are now; zeros where there are none."""
        attempt = self._attempt
        if self._static or attempt is None or attempt.network is None or not self.connected(now_us):
            return self._static or bytes(ADDRESS_BYTES)
        return self._leased(attempt.network)

    def connect(self, ssid: bytes, key: bytes, now_us: int) -> None:
        """Begin to connect. Raises WifiError if the interface is off, or busy with an earlier connect()."""
        self._require_active()
        if self._attempt is not None and not self._has_failed(self._attempt, now_us):
            raise WifiError(Word.WIFI_INTERNAL)
        network = self._any if self._networks is None else self._networks.get(ssid)
        join_us = STATIC_US if self._static else DHCP_US
        join_us += self._draw(now_us) % _JITTER_US - _JITTER_US // 2
        self._attempt = _Attempt(
            ssid, network, network is not None and network.key in {None, key}, now_us,
            join_us + (network.late_us if network else 0), self.reconnects, self._static,
        )  # fmt: skip

    def disconnect(self) -> None:
        """End the connection or the attempt. Raises WifiError if the interface is off."""
        self._require_active()
        self._attempt = None

    def connected(self, now_us: int) -> bool:
        """Whether there is a link with an address."""
        return self._attempt is not None and self._status(self._attempt, now_us) == STAT_GOT_IP

    def reaches(self, now_us: int) -> bool:
        """Whether what is sent comes to anybody: not with an address that is not, or not any more, ours."""
        attempt = self._attempt
        if attempt is None or attempt.network is None or not self.connected(now_us):
            return False
        network = attempt.network
        if not attempt.address:
            return True
        return attempt.address == self._leased(network) and now_us < self._ends_us.get(attempt.ssid, 0)

    def status(self, now_us: int) -> int:
        """Return network.STAT_*."""
        return STAT_IDLE if self._attempt is None else self._status(self._attempt, now_us)

    def rssi_dbm(self, now_us: int) -> int:
        """Return the signal strength, which wanders by the minute. Raises WifiError without a connection."""
        if not self.connected(now_us):
            raise WifiError(Word.WIFI_NOT_CONNECTED)
        return -58 - self._draw(now_us // 60_000_000) % 16

    # what the driver does meanwhile

    def _status(self, attempt: _Attempt, now_us: int) -> int:
        if attempt.has_key and attempt.network is not None:
            return self._joining(attempt, attempt.network, now_us)
        if now_us < attempt.gives_up_us():
            return STAT_CONNECTING
        return STAT_WRONG_PASSWORD if self._is_near(attempt, now_us) else STAT_NO_AP_FOUND

    def _joining(self, attempt: _Attempt, network: Network, now_us: int) -> int:
        """Return the status where the key is right: it is a matter of coverage and time."""
        since_us = attempt.since_us
        for start_us, end_us in self._covered(network):
            begin_us = max(start_us, since_us)
            up_us = begin_us + attempt.join_us
            if begin_us >= min(end_us, attempt.gives_up_us()) or up_us >= end_us:
                continue
            if now_us < up_us:
                return self._coming(network, now_us - since_us, up_us - now_us)
            if now_us < end_us:
                if not attempt.address:
                    self._ends_us[attempt.ssid] = up_us + network.lease_us
                return STAT_GOT_IP
            if attempt.reconnects >= 0:
                return STAT_BEACON_TIMEOUT
        return STAT_CONNECTING if now_us < attempt.gives_up_us() else STAT_NO_AP_FOUND

    def _coming(self, network: Network, since_us: int, until_us: int) -> int:
        if since_us < network.false_us:
            return STAT_WRONG_PASSWORD
        return STAT_IDLE if network.false_us and until_us <= _IDLE_US else STAT_CONNECTING

    def _has_failed(self, attempt: _Attempt, now_us: int) -> bool:
        return attempt.reconnects >= 0 and STAT_BEACON_TIMEOUT <= self._status(attempt, now_us) < STAT_IDLE

    def _is_near(self, attempt: _Attempt, now_us: int) -> bool:
        network = attempt.network
        return network is not None and any(start <= now_us < end for start, end in self._covered(network))

    def _covered(self, network: Network) -> Sequence[tuple[int, int]]:
        return self._coverage if network.coverage is None else network.coverage

    def _leased(self, network: Network) -> bytes:
        """Return what this network's DHCP server gives to this board."""
        subnet = bytes(network.subnet)
        gateway = subnet + b"\x01"
        return subnet + bytes((2 + self._seed % 250,)) + b"\xff\xff\xff\x00" + gateway + gateway

    def _require_active(self) -> None:
        if not self._active:
            raise WifiError(Word.WIFI_NOT_STARTED)

    def _draw(self, at: int) -> int:
        return crc32(f"{self._seed} {at}".encode())
