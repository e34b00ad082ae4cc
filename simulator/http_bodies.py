"""The bodies of the HTTP/1.1 messages in one direction of a connection, found while their bytes pass by."""

from __future__ import annotations

_NO_BODY = (b"1", b"204", b"304")
_MAX_HEAD_BYTES = 65_536


class HttpBodies:
    """Feed it what passes; it returns each body that has become complete, in order.

    Knows Content-Length and chunked bodies. What is not HTTP (TLS, say) is passed over in silence.
    """

    def __init__(self) -> None:
        self._data = b""
        self._left = 0  # bytes of the body still to come
        self._body: bytes | None = None  # None: reading a head
        self._chunked = False
        self._legible = True

    def feed(self, data: bytes) -> list[bytes]:
        """Return the bodies that end in `data`; messages without a body are not among them."""
        found: list[bytes] = []
        if not self._legible:
            return found
        self._data += data
        try:
            while self._step(found):
                pass
        except ValueError:
            self._legible, self._data = False, b""
        return found

    def _step(self, found: list[bytes]) -> bool:
        """Take one head, chunk or body out of what is there; return whether there may be more."""
        if self._body is None:
            return self._take_head()
        if self._left:
            return self._take_body(found)
        return self._take_chunk_size(found)

    def _take_head(self) -> bool:
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            if len(head) > _MAX_HEAD_BYTES:
                raise ValueError("no end of the head")
            return False
        self._data = rest
        start, *lines = head.split(b"\r\n")
        fields = {k.strip().lower(): v.strip() for k, _, v in (line.partition(b":") for line in lines)}
        self._chunked = fields.get(b"transfer-encoding", b"").lower() == b"chunked"
        length = 0 if self._chunked else int(fields.get(b"content-length", b"0"))
        empty = start.startswith(b"HTTP/") and start.partition(b" ")[2].startswith(_NO_BODY)
        self._body = b"" if (length or self._chunked) and not empty else None
        self._left = 0 if self._body is None else length
        return True

    def _take_body(self, found: list[bytes]) -> bool:
        assert self._body is not None
        part, self._data = self._data[: self._left], self._data[self._left :]
        self._body += part
        self._left -= len(part)
        if self._left:
            return False
        if not self._chunked:
            self._finish(found)
        return True

    def _take_chunk_size(self, found: list[bytes]) -> bool:
        self._data = self._data.removeprefix(b"\r\n") if self._body else self._data
        line, end, rest = self._data.partition(b"\r\n")
        if not end:
            return False
        self._left = int(line.partition(b";")[0] or b"0", 16)
        if self._left == 0:
            _, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return False
            self._finish(found)
        self._data = rest
        return True

    def _finish(self, found: list[bytes]) -> None:
        assert self._body is not None
        found.append(self._body)
        self._body = None
