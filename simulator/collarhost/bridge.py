"""The bridge between a collar's interpreter and its simulated board: binary, blocking there, asyncio here.

A request is a 16-byte header `<HBBIq` (payload length, call, small, spent_us, number) and its payload; an
answer is `<HBxiq` (payload length, status, value, virtual us since this boot) and its payload. `small` is
0..255; `spent_us` is what the program spent since its last call on short sleeps and on looking at the clock.
A call with FED added says that the watchdog was fed before that: no virtual time passes between a call and
such a feed, so it needs no message of its own.
Status 0 is success, 1..199 an errno, 200 and above a Word.

CALLS is all there is: machine-level calls, none of which knows what a sample, a feature or a cow is.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import struct
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST = struct.Struct("<HBBIq")
ANSWER = struct.Struct("<HBxiq")
_HEADER_BYTES = 16
FED = 0x80


class Code(IntEnum):
    """The calls by number."""

    HELLO = 1
    I2C = 2
    PIN_READ = 3
    PIN_WRITE = 4
    DELAY = 5
    LIGHT_SLEEP = 6
    WAKE_PINS = 7
    DEEP_SLEEP = 8
    RESET = 9
    WDT_ARM = 10
    WDT_FEED = 11
    ADC = 12
    TEMPERATURE = 13
    RETAIN = 14
    STOPPED = 15
    RTC_SET = 16
    WLAN_ACTIVE = 17
    WLAN_CONNECT = 18
    WLAN_DISCONNECT = 19
    WLAN_STATUS = 20
    WLAN_RSSI = 21
    PARTITION_FIND = 22
    PARTITION_READ = 23
    PARTITION_WRITE = 24
    PARTITION_ERASE = 25
    SPI = 26
    WLAN_CONFIG = 27
    WLAN_ADDRESS = 28


class Word(IntEnum):
    """Statuses that are no errno; the fakes hold the exception and the text of each."""

    INVALID_PIN = 200
    WIFI_NOT_STARTED = 201
    WIFI_INTERNAL = 202
    WIFI_NOT_CONNECTED = 203


class Ask(NamedTuple):
    """One request."""

    code: int
    small: int
    spent_us: int
    number: int
    payload: bytes


class Call(NamedTuple):
    """One row of the protocol: what goes in `small`, `number` and the payload, and what comes back."""

    code: Code
    small: str
    number: str
    payload: str
    answer: str


CALLS = (
    Call(Code.HELLO, "", "", "token of this boot", "cause of reset and wake, SoC, RTC, id; memory"),
    Call(Code.I2C, "7-bit address", "bytes to read | bus Hz << 16", "bytes to write", "bytes read"),
    Call(Code.PIN_READ, "GPIO", "", "", "value: level"),
    Call(Code.PIN_WRITE, "GPIO", "level", "", ""),
    Call(Code.DELAY, "", "us", "", ""),
    Call(Code.LIGHT_SLEEP, "", "us, 0 = no timer", "", "value: wake reason"),
    Call(Code.WAKE_PINS, "source: 0 ext1, 1 GPIO", "level", "GPIOs, one byte each; none disarms", ""),
    Call(Code.DEEP_SLEEP, "", "us, 0 = no timer", "", "none: the process ends"),
    Call(Code.RESET, "reset cause of the next boot", "", "", "none: the process ends"),
    Call(Code.WDT_ARM, "", "timeout, ms", "", ""),
    Call(Code.WDT_FEED, "", "", "", ""),
    Call(Code.ADC, "GPIO", "", "", "value: uV"),
    Call(Code.TEMPERATURE, "", "", "", "value: die temperature, C"),
    Call(Code.RETAIN, "", "offset", "bytes of retained memory that changed", ""),
    Call(Code.STOPPED, "1: main.py returned, 0: it raised", "", "", "none: the process ends"),
    Call(Code.RTC_SET, "", "us since 2000", "", ""),
    Call(Code.WLAN_ACTIVE, "", "0 or 1", "", ""),
    Call(Code.WLAN_CONNECT, "length of the SSID", "", "SSID, then key", ""),
    Call(Code.WLAN_DISCONNECT, "", "", "", ""),
    Call(Code.WLAN_STATUS, "", "", "", "value: network.STAT_*"),
    Call(Code.WLAN_RSSI, "", "", "", "value: dBm"),
    Call(Code.PARTITION_FIND, "type", "where to go on", "label, empty = any", "row, 25 bytes; value: go on"),
    Call(Code.PARTITION_READ, "index", "offset | length << 32", "", "bytes"),
    Call(Code.PARTITION_WRITE, "index", "offset", "bytes to program", ""),
    Call(Code.PARTITION_ERASE, "index", "block of 4096 bytes", "", ""),
    Call(Code.SPI, "", "bytes to read | bus Hz << 16", "bytes to write", "bytes read"),
    Call(Code.WLAN_CONFIG, "", "reconnects, -1 = for ever", "", ""),
    Call(Code.WLAN_ADDRESS, "1 to set it", "", "address, mask, gateway, DNS; none: DHCP", "the same"),
)  # fmt: skip


class Collar(Protocol):
    """Who answers a connection: one boot of one collar."""

    def connected(self, connection: Connection) -> None:
        """Its interpreter has said hello."""

    def called(self, ask: Ask) -> None:
        """Answer on the connection, now or later."""


class Connection(asyncio.Protocol):
    """One interpreter. It asks one thing at a time and waits, so a request is nearly always one chunk."""

    def __init__(self, waiting: Mapping[str, Collar]) -> None:
        self._waiting = waiting
        self._collar: Collar | None = None
        self._transport: asyncio.Transport | None = None
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without inheriting from it

    def data_received(self, data: bytes) -> None:
        if self._pending:
            data = self._pending + data
            self._pending = b""
        if len(data) < _HEADER_BYTES:
            self._pending = data
            return
        n, code, small, spent_us, number = REQUEST.unpack_from(data)
        if len(data) < _HEADER_BYTES + n:
            self._pending = data
            return
        if self._collar is None:
            self._introduce(code, data[_HEADER_BYTES:])
        if self._collar is not None:
            self._collar.called(Ask(code, small, spent_us, number, data[_HEADER_BYTES:]))

    def _introduce(self, code: int, token: bytes) -> None:
        """Find whose boot this is. A stranger on the loopback is shut out without an answer."""
        for expected, collar in self._waiting.items():
            if code == Code.HELLO and hmac.compare_digest(expected.encode(), token):
                self._collar = collar
                collar.connected(self)
                return
        self.close()

    def answer(
        self, time_us: int, status: int = 0, value: int = 0, data: bytes = b"", extra: bytes = b""
    ) -> None:
        """Let the interpreter go on. `extra` follows the payload uncounted (retained memory after hello)."""
        if self._transport is not None:
            self._transport.write(ANSWER.pack(len(data), status, value, time_us) + data + extra)

    def close(self) -> None:
        """End of file for the interpreter: it leaves."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class Bridge:
    """The listener all collars of a host share. `async with Bridge() as bridge`."""

    def __init__(self) -> None:
        self._waiting: dict[str, Collar] = {}
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Bridge:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self._waiting), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def expect(self, collar: Collar) -> str:
        """Return what the next boot of `collar` needs to find us: "port:token"."""
        token = secrets.token_hex(16)
        self._waiting[token] = collar
        return f"{self.port}:{token}"

    def forget(self, address: str) -> None:
        """No longer let that boot in."""
        self._waiting.pop(address.partition(":")[2], None)
