"""A partition table: from the CSV that a maker reads to the bytes that the boot loader reads.

Format: Espressif's, as its gen_esp32part.py writes it: entries of 32 bytes, an MD5 of them, 0xFF to 3 KiB.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TABLE_OFFSET, TABLE_BYTES = 0x8000, 0xC00
_FIRST_OFFSET = 0x9000
_ENTRY = struct.Struct("<2sBBII16sI")
_MAGIC, _MD5_MAGIC = b"\xaa\x50", b"\xeb\xeb" + b"\xff" * 14
_LABEL_BYTES = 16
APP, DATA = 0, 1
_TYPES = {"app": APP, "data": DATA}
_SUBTYPES = {
    "factory": 0x00, "ota_0": 0x10, "ota_1": 0x11, "ota": 0x00, "phy": 0x01, "nvs": 0x02, "coredump": 0x03,
    "fat": 0x81, "spiffs": 0x82, "littlefs": 0x83,
}  # fmt: skip
_ALIGN = {APP: 0x10000, DATA: 0x1000}  # by type: an application is mapped in pages of 64 KiB


class TableError(ValueError):
    """A table that no boot loader would take; the message names file and line."""


class Entry(NamedTuple):
    """One partition; offset and size in bytes."""

    label: str
    kind: int
    subtype: int
    offset: int
    size: int


def read_table(path: Path) -> list[Entry]:
    """Read a CSV of name, type, subtype, offset, size. Raises TableError, or OSError without a file."""
    entries: list[Entry] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            entry = _entry([cell.strip() for cell in text.split(",")])
            _check(entry, entries)
        except (ValueError, IndexError) as error:
            raise TableError(f"{path.name}, line {number}: {error}") from error
        entries.append(entry)
    if not entries:
        raise TableError(f"{path.name}: no partition in it")
    return entries


def to_bytes(entries: Sequence[Entry]) -> bytes:
    """Return what is written at TABLE_OFFSET."""
    rows = b"".join(
        _ENTRY.pack(_MAGIC, e.kind, e.subtype, e.offset, e.size, e.label.encode(), 0) for e in entries
    )
    table = rows + _MD5_MAGIC + hashlib.md5(rows, usedforsecurity=False).digest()
    return table.ljust(TABLE_BYTES, b"\xff")


def _entry(cells: Sequence[str]) -> Entry:
    label, kind, subtype, offset, size = cells[:5]
    return Entry(label, _named(kind, _TYPES), _named(subtype, _SUBTYPES), _number(offset), _number(size))


def _named(text: str, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is none of {', '.join(names)} and no number") from None


def _number(text: str) -> int:
    scale = {"K": 1024, "M": 1024 * 1024}.get(text[-1:].upper(), 1)
    return int(text if scale == 1 else text[:-1], 0) * scale


def _check(entry: Entry, earlier: Sequence[Entry]) -> None:
    if not 0 < len(entry.label.encode()) < _LABEL_BYTES:
        raise ValueError(f"name {entry.label!r}: want 1 to {_LABEL_BYTES - 1} bytes")
    align = _ALIGN.get(entry.kind, 0x1000)
    if entry.offset % align or entry.size <= 0 or entry.size % 0x1000:
        raise ValueError(
            f"{entry.label} at {entry.offset:#x}, {entry.size:#x} bytes: want multiples of {align:#x}, 0x1000"
        )
    least = max([_FIRST_OFFSET, *(e.offset + e.size for e in earlier)])
    if entry.offset < least:
        raise ValueError(f"{entry.label} at {entry.offset:#x} begins before {least:#x}, where it may")
    if entry.label in {e.label for e in earlier}:
        raise ValueError(f"a second partition called {entry.label}")
