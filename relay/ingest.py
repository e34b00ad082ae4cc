"""Bytes in, verified frames out; outcomes in, ack bytes out. No I/O and no clock: the caller brings both.

A frame is checked in this order: size and the few fixed bytes, the collar, the tag over the raw bytes; only
then does the decoder see it. An unknown collar costs the same HMAC as a known one and gets the same answer.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from herdcore import wire
from relay import fastwire
from relay.downlinks import Waiting
from relay.model import CollarKey, NewFrame
from relay.spans import span_ms
from relay.storage.ports import CONFLICT, STORED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.model import Downlink

OK, MALFORMED, UNAUTHENTICATED, CONFLICTING = 200, 400, 401, 409
_LAST_OF_MOTION = 0x13  # kinds above it: health and raw
_WINDOWS = 0x11
_LONGEST_WINDOWS_S = 450  # a frame of windows that is older than that has ended before it came
_WAITING = 0  # verified, not yet on the disk

# status of a refused frame -> (code of the problem document, what it says)
PROBLEMS = {
    MALFORMED: ("malformed-frame", "not a frame of version 1"),
    UNAUTHENTICATED: ("unauthenticated", "no collar of ours signed this frame"),
    CONFLICTING: ("conflict", "this frame number was used for other records"),
}


class Batch:
    """One request on its way: `results` holds a status per frame, `frames` those that may be stored."""

    __slots__ = ("arrived_ms", "expected", "frames", "places", "refusals", "results", "signers")

    def __init__(self, arrived_ms: int) -> None:
        self.arrived_ms = arrived_ms  # dates the frames, and is the time its acks tell
        self.results: list[int] = []
        self.frames: list[NewFrame] = []
        self.places: list[int] = []  # of each of `frames` in `results`
        # device -> its key and the tags of its rightly tagged frames, which its ack is bound to
        self.signers: dict[int, tuple[CollarKey, list[bytes]]] = {}
        self.refusals: list[str] = []  # why, for the counters
        self.expected: Answer | None = None  # the answer if every frame becomes durable


@dataclass(slots=True)
class Answer:
    """What to send: `body` if `status` is 200, otherwise a problem document with `results`."""

    status: int
    body: bytes
    results: list[int]


class Ingest:
    """Judges frames with the collars' keys."""

    def __init__(self, keys: Iterable[CollarKey] = (), next_upload_s: int = 900) -> None:
        self._acks = fastwire.AckWriter(next_upload_s)
        self._waiting = Waiting(self._acks)
        # Stands in for the key of a collar we do not know: the check takes as long and cannot succeed.
        self._nobody = CollarKey(0, 0, 0, secrets.token_bytes(32), secrets.token_bytes(32))
        self._keys: dict[int, CollarKey] = {}
        self.replace_keys(keys)

    def replace_keys(self, keys: Iterable[CollarKey]) -> None:
        """Judge by these collars from now on."""
        self._keys = {key.device: key for key in keys}

    def replace_downlinks(self, downlinks: Iterable[Downlink]) -> None:
        """Tell collars this, and nothing else, from now on."""
        self._waiting.replace(downlinks)

    @property
    def collars(self) -> int:
        """How many collars are known."""
        return len(self._keys)

    def judge(self, body: bytes, now_ms: int) -> Batch:
        """Verify and decode every frame of a request. Raises wire.BatchError if the body is no batch."""
        batch = Batch(now_ms)
        for raw in fastwire.decode_batch(body):
            try:
                status = self._judge_frame(raw, batch)
            except wire.FrameError as error:
                status = MALFORMED
                batch.refusals.append(error.reason)
            batch.results.append(status)
        if not batch.refusals:
            # Made while keys and tags are in the processor's cache; let go once the frames are on the disk.
            batch.expected = self._answer(batch, [STORED] * len(batch.frames))
        return batch

    def _judge_frame(self, raw: bytes, batch: Batch) -> int:
        device, epoch = fastwire.peek(raw)
        key = self._keys.get(device, self._nobody)
        rightly_tagged = fastwire.tag_ok(raw, key.key_up)
        if key is self._nobody or epoch != key.epoch or not rightly_tagged:
            known = key is not self._nobody and epoch == key.epoch
            batch.refusals.append("wrong_tag" if known else "unknown_collar")
            return UNAUTHENTICATED
        batch.signers.setdefault(device, (key, []))[1].append(raw[-wire.TAG_BYTES :])
        kind, _, _, boot, seq, up_s, age_s, records, *_ = fastwire.decode_frame(raw)
        batch.places.append(len(batch.results))
        if kind > _LAST_OF_MOTION and device in self._acks.ends:
            self._waiting.heard(device, kind, boot, seq, records)
        now_ms = batch.arrived_ms
        first_ms = now_ms - age_s * 1000
        if age_s <= _LONGEST_WINDOWS_S or kind > _WINDOWS:
            first_ms = min(first_ms, now_ms - span_ms(kind, records))
        batch.frames.append(
            NewFrame(device, key.farm_id, kind, epoch, boot, seq, up_s, first_ms, now_ms, records)
        )
        return _WAITING

    def answer(self, batch: Batch, outcomes: Sequence[str]) -> Answer:
        """Acknowledge what is durable. `outcomes` is what FrameLog.append returned for `batch.frames`."""
        if batch.expected is not None and CONFLICT not in outcomes:
            return batch.expected
        return self._answer(batch, outcomes)

    def _answer(self, batch: Batch, outcomes: Sequence[str]) -> Answer:
        durable: dict[int, list[tuple[int, int]]] = {}
        results = batch.results
        for place, frame, outcome in zip(batch.places, batch.frames, outcomes, strict=True):
            results[place] = CONFLICTING if outcome == CONFLICT else OK
            if outcome != CONFLICT:
                durable.setdefault(frame.device, []).append((frame.boot, frame.seq))
        if not durable:
            return Answer(results[0], b"", results)
        acks = []
        for device, numbers in durable.items():
            key, tags = batch.signers[device]
            acks.append(self._acks.ack(device, merge_ranges(numbers), batch.arrived_ms, key.key_down, tags))
        return Answer(OK, fastwire.encode_answer(results, acks), results)


def merge_ranges(numbers: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return (boot, lo, hi) ranges that cover exactly these (boot, seq), in order."""
    if len(numbers) == 1:
        boot, seq = numbers[0]
        return [(boot, seq, seq)]
    ranges: list[tuple[int, int, int]] = []
    for boot, seq in sorted(set(numbers)):
        if ranges and ranges[-1][0] == boot and ranges[-1][2] + 1 == seq:
            ranges[-1] = (boot, ranges[-1][1], seq)
        else:
            ranges.append((boot, seq, seq))
    return ranges
