"""Runs inside MicroPython: one upload by the collar's code over its sockets; prints what came of it."""

import os
import socket
import ssl
import time

from ram_flash import RamFlash, count_waiting

from collar.flashlog import FlashLog
from collar.outbox import Outbox
from collar.settings import Identity
from collar.stream import Stream
from collar.uplink import Uplink


def uptime_ms():
    return time.ticks_ms()


def open_stream(host, port, pin, deadline_ms):
    patience_ms = os.getenv("RELAY_PATIENCE_MS")
    if patience_ms:
        deadline_ms = uptime_ms() + int(patience_ms)
    return Stream((socket, ssl), host, port, pin, uptime_ms, deadline_ms)


def main():
    port, pin_hex = int(os.getenv("RELAY_PORT")), os.getenv("RELAY_PIN")
    pin = bytes.fromhex(pin_hex) if pin_hex else b""
    who = Identity(
        0x0C0A11A5, bytes(range(32)), 3, 7, "barn", "", "127.0.0.1", port, pin, 900, "esp32-c3", b""
    )
    outbox = Outbox(who.device, who.epoch, who.boot, lambda: 8, FlashLog(RamFlash()))
    for i in range(3):
        outbox.append_windows(i * 600_000, bytes(14 * 88))
    outbox.seal()
    try:
        ack = Uplink(who, outbox, open_stream, uptime_ms).post(who.host, who.port)
        said = f"acknowledged {ack.next_s}"
    except (OSError, ValueError) as exc:
        said = f"failed {type(exc).__name__} {exc}"
    print(said, count_waiting(outbox))  # noqa: T201 - how it tells the test


main()
