"""A log on simulated NOR flash that loses power, and the truth beside it."""

from __future__ import annotations

import random
from array import array

from collar.flashlog import STATE, FlashLog
from collar.outbox import Outbox
from collar.settings import SECTORS, Identity, raise_boot, store_identity
from herdcore.wire import SCHEMAS
from simulator.flash import SECTOR_BYTES, Nor, PowerCut, Region

WINDOW_MS = 5120
UTC_MS = 1_772_409_600_000
WHO = Identity(1, bytes(32), 0, 0, "barn", "", "127.0.0.1", 1, b"", 900, "esp32-c3", b"")


class Blocks:
    """A partition of `nor` with the methods of esp32.Partition."""

    def __init__(self, nor, label="log"):
        self._part = nor.partition(label)

    def readblocks(self, block, buf, offset=0):
        buf[:] = self._part.read(SECTOR_BYTES * block + offset, len(buf))

    def writeblocks(self, block, buf, offset=0):
        self._part.program(SECTOR_BYTES * block + offset, buf)

    def ioctl(self, op, arg=0):
        if op == 4:
            return self._part.size // SECTOR_BYTES
        if op == 5:
            return SECTOR_BYTES
        assert op == 6
        self._part.erase(SECTOR_BYTES * arg)
        return 0


class Scene:
    """A collar's log through many boots. Every record's content says which it is.

    `safe`: records that append returned for, by (boot, seq) in order; `seen`: frames as they were offered,
    which must never change; `told`: frames that the relay has durably. `tear` decides what a cut leaves of an
    operation, `seed` all else.
    """

    def __init__(self, sectors, seed, *, sends=True, has_identity=False, tear=None):
        size = sectors * SECTOR_BYTES
        prov_bytes = SECTORS * SECTOR_BYTES
        regions = [Region("log", 0, size), Region("prov", size, prov_bytes)]
        self.nor = Nor(size + prov_bytes, regions, seed=seed if tear is None else tear)
        self.prov = Blocks(self.nor, "prov") if has_identity else None
        if self.prov:
            store_identity(self.prov, WHO)
        self.random = random.Random(f"scene {seed}")
        self.boot = 0
        self.serial = 0
        self.up_ms = self.next_minute_s = 0
        self.sends = sends
        self.safe = {}
        self.seen = {}
        self.told = set()
        self.last_key = -1
        self.begun = set()
        self.written = {}
        self.cuts = 0
        self.start()

    def start(self, *, is_deep_sleep=False):
        """Boot until nothing fails on the way; after a deep sleep boot and uptime go on."""
        while True:
            if not is_deep_sleep:
                self.up_ms = self.next_minute_s = 0
            try:
                if not is_deep_sleep:
                    self.boot = raise_boot(self.prov)[0].boot if self.prov else self.boot + 1
                self.log = FlashLog(Blocks(self.nor))
                self.log.append = self.watch(self.log.append)
                self.box = Outbox(1, 0, self.boot, self._no_boot, self.log)
                break
            except PowerCut:
                self.again()
                is_deep_sleep = False
        self.check()

    def _no_boot(self):
        raise AssertionError("no seqs left")

    def again(self):
        self.cuts += 1
        self.nor.power_on()

    def run(self, steps):
        """Do things until the power fails or `steps` are done; return whether it failed."""
        try:
            for _ in range(steps):
                what = (
                    self.drain,
                    self.minutes,
                    self.burst,
                    self.codes,
                    self.health,
                    self.box.seal,
                    self.upload,
                )
                self.random.choices(what, (60, 8, 3, 2, 3, 3, 6 * self.sends))[0]()
        except PowerCut:
            self.again()
            return True
        return False

    def payload(self, windows):
        self.serial += 1
        word = self.serial.to_bytes(4, "little")
        return b"".join(word + bytes([i]) * 10 for i in range(windows))

    def drain(self, windows=7):
        self.box.append_windows(self.up_ms, self.payload(windows))
        self.up_ms += windows * WINDOW_MS

    def minutes(self):
        """Add a quarter of an hour, or less; often it goes on where the last one ended."""
        self.serial += 1
        count = self.random.choice((15, 15, 15, 4))
        word = self.serial.to_bytes(4, "little")
        self.box.append_minutes(self.next_minute_s, b"".join(word + bytes([i]) * 4 for i in range(count)))
        self.next_minute_s += 60 * (count + (count < 15))

    def burst(self):
        """Add the samples of a drain, or of two, to a burst."""
        self.serial += 1
        triples = self.random.choice((64, 128))
        samples = array("h", [self.serial & 0x7FFF, *range(3 * triples + 2)])
        self.box.append_raw(self.up_ms, 80_000, 1 + self.serial % 2, samples, 1, triples)

    def codes(self):
        self.serial += 1
        self.box.append_codes(self.up_ms // 1000, self.serial.to_bytes(4, "little") * 10)

    def health(self):
        self.serial += 1
        self.box.append_health(self.up_ms, self.serial.to_bytes(4, "little") * 9)

    def watch(self, append):
        """Keep what the log's append has returned for: from then on it may not be lost."""

        def watched(kind, boot, seq, up_ms, at, source, start, size):
            key = boot << 16 | seq
            assert key > self.last_key or at > 0, "a number is used twice"
            self.last_key = max(key, self.last_key)
            assert at == self.written.get(key, 0), f"frame {boot}, {seq} does not go on where it was"
            self.written[key] = at + size // SCHEMAS[kind][1]
            self.begun.add((boot, seq))
            append(kind, boot, seq, up_ms, at, source, start, size)
            self.safe.setdefault((boot, seq), []).append(bytes(source[start : start + size]))

        return watched

    def upload(self):
        """Send a batch to a relay that keeps a part of it and answers; some answers are lost."""
        self.box.seal()
        ranges = []
        for slot in self.box.next_batch():
            frame = self.look(slot)
            if self.random.random() < 0.9:
                self.told.add((frame.boot, frame.seq))
                ranges.append((frame.boot, frame.seq, frame.seq))
        if self.random.random() < 0.8:
            self.box.ack(ranges)
            self.box.mark(self.up_ms // 1000, UTC_MS + self.serial * 36_000)

    def look(self, slot):
        """Return a frame; it is one that was appended, the same as whenever it was sent before."""
        frame = self.box.frame(slot, self.up_ms // 1000 + 1)
        number, records = (frame.boot, frame.seq), bytes(frame.records)
        same = self.seen.setdefault(number, (frame.up_s, records))
        assert same == (frame.up_s, records), f"frame {number} changed: a number was used twice"
        return frame

    def here(self):
        """Return what lies in the log: {(boot, seq): [payload, ...]}."""
        found, log = {}, self.log
        for number in range(log.number - log.sectors + 1, log.number + 1):
            sector = log.sector_of(number)
            at = log.read(sector, log.first) if sector >= 0 else 0
            while at:
                if log.kind != STATE:
                    found.setdefault((log.boot, log.seq), []).append(bytes(log.payload))
                at = log.read(sector, at)
        return found

    def check(self):
        """All that append returned for is there, acknowledged or counted; nothing else is, and all is right.

        Returns the frames that went although the relay never had them.
        """
        here, gone = self.here(), set()
        assert here.keys() <= self.begun
        for number, records in self.safe.items():
            if self.log.acks.is_done(number[0] << 16 | number[1]):
                gone |= {number} - self.told
                continue
            found = here.get(number, [])
            assert found[: len(records)] == records, f"lost of frame {number}"
            assert len(found) - len(records) in (0, 1), f"more of frame {number} than was written"
        assert len(gone) <= self.log.acks.dropped, "dropped without being counted"
        return gone


def live(seed, cuts, sectors=4):
    """Let a log live through that many random power cuts, round and round its ring; return the scene."""
    scene = Scene(sectors, seed)
    while scene.cuts < cuts:
        scene.nor.cut_after(scene.random.randrange(1, 200))
        if scene.run(scene.random.randrange(20, 300)):
            scene.start()
        else:
            scene.nor.power_on()
            scene.start(is_deep_sleep=scene.random.random() < 0.7)
    return scene
