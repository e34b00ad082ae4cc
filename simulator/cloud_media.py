"""Uploaded pictures: for messages by an id, for templates by the handle of a resumable upload.

Sources: Meta, "Media" (kinds, sizes, 30 days) and "Resumable Upload API" of the Graph API documentation.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.cloud_errors import GraphError, need

if TYPE_CHECKING:
    from simulator.cloud_agenda import Clock

IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
IMAGE_MAX = 5 * 1024**2
_KEPT_MS = 30 * 86_400_000
_SHELF_MAX = 256 * 1024**2  # bytes; the oldest make room


@dataclass(frozen=True, slots=True)
class Medium:
    """One file."""

    id: str
    kind: str
    data: bytes
    at_ms: int

    @property
    def sha256(self) -> str:
        """Its SHA-256 in hex."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(slots=True)
class Upload:
    """A file on its way in pieces."""

    id: str
    length: int
    kind: str
    data: bytearray = field(default_factory=bytearray)


class Shelf:
    """The files of an account. handles: what templates may show as an example."""

    def __init__(self, clock: Clock, handles: set[str]) -> None:
        self._clock, self._handles = clock, handles
        self._media: dict[str, Medium] = {}
        self._uploads: dict[str, Upload] = {}
        self._made = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._media)

    def put(self, kind: str, data: bytes) -> Medium:
        """Keep a file. Raises GraphError 100 for one that Meta refuses."""
        need(kind in IMAGES, 100, f"Param file must be a file with one of these types: {', '.join(IMAGES)}")
        need(0 < len(data) <= IMAGE_MAX, 131053, f"{len(data)} bytes, want 1..{IMAGE_MAX}")
        need(data.startswith(IMAGES[kind]), 131053, f"the file is no {kind}")
        self._made += 1
        medium = Medium(str(300_000_000_000 + self._made), kind, data, self._clock.utc_ms)
        self._media[medium.id] = medium
        self._bytes += len(data)
        while self._bytes > _SHELF_MAX:
            self.drop(next(iter(self._media)))
        return medium

    def get(self, number: str) -> Medium:
        """Return a file that is not older than 30 days; raises GraphError 100."""
        medium = self._media.get(number)
        if medium is None or self._clock.utc_ms - medium.at_ms >= _KEPT_MS:
            raise GraphError(100, f"Object with ID '{number}' does not exist")
        return medium

    def drop(self, number: str) -> None:
        """Forget a file; raises GraphError 100."""
        if number not in self._media:
            raise GraphError(100, f"Object with ID '{number}' does not exist")
        self._bytes -= len(self._media.pop(number).data)

    def __contains__(self, number: object) -> bool:
        medium = self._media.get(str(number))
        return medium is not None and self._clock.utc_ms - medium.at_ms < _KEPT_MS

    def check_image(self, image: Any) -> None:
        """Raise GraphError unless it is {"id": of a file here} or {"link": an https address}."""
        need(isinstance(image, dict), 131008, "image is missing")
        if "id" not in image:
            link = image.get("link")
            need(isinstance(link, str) and link.startswith("https://"), 131008, "image needs id or link")
            return
        need(
            image["id"] in self,
            100,
            "Param image['id'] is not a valid whatsapp business account media attachment ID",
        )

    def begin(self, length: int, kind: str) -> Upload:
        """Begin a resumable upload. Raises GraphError 100."""
        need(kind in IMAGES, 100, f"file_type={kind!r} is none of {', '.join(IMAGES)}")
        need(0 < length <= IMAGE_MAX, 100, f"file_length={length} outside 1..{IMAGE_MAX}")
        self._made += 1
        upload = Upload(
            f"upload:{base64.urlsafe_b64encode(b'%d' % self._made).decode().rstrip('=')}", length, kind
        )
        self._uploads[upload.id] = upload
        return upload

    def upload(self, name: str) -> Upload:
        """Return an upload that was begun; raises GraphError 100."""
        if name not in self._uploads:
            raise GraphError(100, f"Object with ID '{name}' does not exist")
        return self._uploads[name]

    def go_on(self, name: str, offset: int, data: bytes) -> str:
        """Add a piece; return the handle once all is there, else nothing. Raises GraphError 100."""
        upload = self.upload(name)
        need(offset == len(upload.data), 100, f"file_offset={offset}, want {len(upload.data)}")
        need(len(upload.data) + len(data) <= upload.length, 100, f"more than file_length={upload.length}")
        upload.data += data
        if len(upload.data) < upload.length:
            return ""
        need(upload.data.startswith(IMAGES[upload.kind]), 100, f"the file is no {upload.kind}")
        del self._uploads[name]
        handle = f"4::{base64.b64encode(hashlib.sha256(upload.data).digest()).decode()}"
        self._handles.add(handle)
        return handle
