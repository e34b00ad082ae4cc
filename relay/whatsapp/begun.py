"""Which posts had begun when the relay was killed: what was claimed, but never posted, may go again at once.

A small file that is mapped into memory, one slot for each message that is on its way. Writing to it is no
system call; when the process is killed the system still has it. After a power cut it says nothing, so the
first slot holds the id of the boot that wrote it.
"""

from __future__ import annotations

import mmap
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOTS, SLOT_BYTES = 1024, 64
_SIZE = (SLOTS + 1) * SLOT_BYTES
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Begun:
    """The posts of one relay that have begun. `before`: those of the run before, None if nobody can say.

    The file stays as it was found until `recovered`: a relay killed before that leaves it to the next one.
    """

    def __init__(self, path: Path) -> None:
        self._boot = _boot()
        self.before = _read(path, self._boot)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, _SIZE)
            self._map = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)
        self._free: list[int] = []

    def recovered(self) -> None:
        """Say that the outbox knows what had begun: from now on the file tells of this run.

        Nobody can say any more what had begun before, not even for another try in the same process.
        """
        self.before = None
        self._map[:] = bytes(_SIZE)
        self._write(SLOTS, self._boot)
        self._free = list(range(SLOTS))

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()

    def begin(self, message_id: str) -> int:
        """Say that this message's post begins now; return what `end` is told.

        Raises ValueError for an id of more than SLOT_BYTES, for more than SLOTS posts at once, or before
        `recovered`.
        """
        raw = message_id.encode()
        if len(raw) > SLOT_BYTES:
            raise ValueError(f"message id of {len(raw)} bytes, want at most {SLOT_BYTES}")
        if not self._free:
            raise ValueError(f"more than {SLOTS} posts at once")
        slot = self._free.pop()
        self._write(slot, raw)
        return slot

    def end(self, slot: int) -> None:
        """Say that the outcome is stored."""
        self._write(slot, b"")
        self._free.append(slot)

    @contextmanager
    def post(self, message_id: str) -> Iterator[None]:
        """Hold a slot as long as the body runs."""
        slot = self.begin(message_id)
        try:
            yield
        finally:
            self.end(slot)

    def _write(self, slot: int, raw: bytes) -> None:
        at = slot * SLOT_BYTES
        self._map[at : at + SLOT_BYTES] = raw.ljust(SLOT_BYTES, b"\0")


def _boot() -> bytes:
    """Return what tells this boot of the machine from every other; nothing where no such thing is known."""
    try:
        return _BOOT_ID.read_bytes().strip()
    except OSError:
        return b""


def _read(path: Path, boot: bytes) -> frozenset[str] | None:
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    slots = [raw[at : at + SLOT_BYTES].rstrip(b"\0") for at in range(0, len(raw), SLOT_BYTES)]
    if len(raw) != _SIZE or not boot or slots[SLOTS] != boot:
        return None
    return frozenset(slot.decode() for slot in slots[:SLOTS] if slot)
