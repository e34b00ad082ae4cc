"""What a collar's log is like over days and years: windows, minutes, wear. For tests and bench-firmware."""

from __future__ import annotations

import csv
from pathlib import Path

from collar.flashlog import FlashLog
from collar.outbox import Outbox
from herdcore import wire
from herdcore.vocabulary import WINDOW_MS
from simulator.flash import SECTOR_BYTES, Nor, Region
from tests.collar.power_scene import Blocks

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
DEVICE = 1
DRAIN_MS = 7 * WINDOW_MS
DAY_MS = 86_400_000
QUARTER_MS = 900_000
HEALTH_MS = DAY_MS // 4
NOISE = bytes((0, 0, 60, 40, 44, 48, 30, 33, 35, 20, 21, 22, 60, 40))  # a window of an ordinary cow
MINUTE = b"\x2a\x30\x31\x20\x10\x40\x00\xb0"  # and a minute: rest, of eleven windows


def log_bytes(megabytes: int) -> int:
    """Return the size of the log partition on a board with that much flash."""
    with (FIRMWARE / f"partitions-{megabytes}MiB.csv").open(encoding="utf-8") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row and row[0][0] != "#"]
    (size,) = [int(row[4], 0) for row in rows if row[0] == "log"]
    return size


class Offline:
    """A collar that writes day after day and meets nobody: windows until space is short, then minutes."""

    def __init__(self, size: int) -> None:
        self.nor = Nor(size, [Region("log", 0, size)])
        self.box = Outbox(DEVICE, 0, 1, None, FlashLog(Blocks(self.nor)))
        self.up_ms = 0
        self.windows_ms = 0
        self._minutes_ms = self._health_ms = self._tried_ms = 0

    @property
    def days(self) -> float:
        """Days so far."""
        return self.up_ms / DAY_MS

    def drain(self) -> None:
        """Live through 36 s."""
        if self.box.is_short():
            if self.up_ms >= self._minutes_ms + QUARTER_MS:
                self.box.append_minutes(self._minutes_ms // 1000, MINUTE * 15)
                self._minutes_ms += QUARTER_MS
        else:
            self.box.append_windows(self.up_ms, NOISE * 7)
            self.windows_ms += DRAIN_MS
            self._minutes_ms = (self.up_ms + DRAIN_MS) // 60_000 * 60_000
        self.up_ms += DRAIN_MS
        if self.up_ms >= self._health_ms:
            self.box.append_health(self.up_ms, bytes(wire.HEALTH_BYTES))
            self._health_ms = self.up_ms + HEALTH_MS
        if self.up_ms >= self._tried_ms:  # the network is there and the relay is not: the worst case
            self.box.seal()
            self._tried_ms = self.up_ms + 2 * QUARTER_MS


def offline(megabytes: int) -> dict[str, float]:
    """Return the days until the first frame is given up, and how many of them are there as windows."""
    collar = Offline(log_bytes(megabytes))
    while not collar.box.dropped:
        collar.drain()
    return {
        f"offline_days_{megabytes}mib": round(collar.days, 1),
        f"offline_days_windows_{megabytes}mib": round(collar.windows_ms / DAY_MS, 1),
    }


def wear(records: int = 8_000, sectors: int = 16) -> dict[str, float]:
    """Return erases per 1,000 records of 64 bytes, and years to a sector's 100,000th at 8,640 a day."""
    nor = Nor(sectors * SECTOR_BYTES, [Region("log", 0, sectors * SECTOR_BYTES)])
    log = FlashLog(Blocks(nor))
    box = Outbox(DEVICE, 0, 1, None, log)
    for i in range(records):
        log.append(1, 1, i // 64, 36_000 * i, i % 64, bytes(64), 0, 64)
        if i % 90 == 89:
            box.ack([(1, 0, i // 64)])
    most, least = max(nor.erases.values()), min(nor.erases[sector] for sector in range(sectors))
    worst = most / records * sectors / (log_bytes(4) // SECTOR_BYTES)  # of one sector, by record
    return {
        "erases_per_1000": round(sum(nor.erases.values()) * 1000 / records, 1),
        "erases_spread": most - least,
        "years_wear": round(100_000 / (worst * 8_640 * 365)),
    }
