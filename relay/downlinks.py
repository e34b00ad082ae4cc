"""What ingest has to know of downlinks: what to write into whose acks, and which frame settles it. No I/O.

The store is the judge of what waits. What a frame settles is forgotten here at once, so that the ack to a
frame that says "I have it" does not say it again; should that frame not reach the disk, the store still has
it waiting, and a block or burst that is told twice is taken once, by its number.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from herdcore.downlink import encode_commands
from herdcore.records import unpack_health, unpack_raw
from herdcore.vocabulary import ACK_NEWER_SETTINGS, SCHEMA_HEALTH
from herdcore.wire import frame_kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.fastwire import AckWriter
    from relay.model import Downlink

_HEALTH = frame_kind(SCHEMA_HEALTH)


class Waiting:
    """The downlinks that wait, and the ends of the acks that tell them in `acks`."""

    def __init__(self, acks: AckWriter) -> None:
        self._acks = acks
        self._downlinks: dict[int, Downlink] = {}

    def replace(self, downlinks: Iterable[Downlink]) -> None:
        """Tell these and nothing else."""
        found = {each.device: each for each in downlinks}
        self._acks.ends = {
            device: self._acks.ends[device] if each == self._downlinks.get(device) else self._end(each)
            for device, each in found.items()
        }
        self._downlinks = found

    def _end(self, downlink: Downlink) -> bytes:
        commands = encode_commands(downlink.settings, downlink.burst_id, downlink.burst_s)
        return self._acks.end(ACK_NEWER_SETTINGS if downlink.number else 0, commands)

    def heard(self, device: int, kind: int, boot: int, seq: int, records: bytes) -> None:
        """Take in a verified health or raw frame of a collar for which something waits."""
        before = self._downlinks[device]
        after = (
            _after_health(before, boot << 16 | seq, records)
            if kind == _HEALTH
            else _after_raw(before, records)
        )
        if after == before:
            return
        if after.number or after.burst_id:
            self._downlinks[device] = after
            self._acks.ends[device] = self._end(after)
        else:
            del self._downlinks[device], self._acks.ends[device]


def _after_health(downlink: Downlink, at: int, records: bytes) -> Downlink:
    """An older frame, from a backlog or sent again by somebody else, says nothing of today."""
    if at <= downlink.heard:
        return downlink
    has_it = unpack_health(records).flags >> 4 == downlink.number & 15
    if has_it and downlink.number:
        return replace(downlink, number=0, settings=b"", heard=at)
    return replace(downlink, heard=at)


def _after_raw(downlink: Downlink, records: bytes) -> Downlink:
    if unpack_raw(records).burst_id != downlink.burst_id:
        return downlink
    return replace(downlink, burst_id=0, burst_s=0)
