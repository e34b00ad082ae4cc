"""As much of HTTP/1.1 as a collar needs: one POST, one answer of a known length, everything bounded.

The answer is read by Content-Length and never to the end of the stream: over TLS that end may never be seen.
"""

HEAD_MAX = 1024
BODY_MAX = 2048
_END = b"\r\n\r\n"


class HttpError(OSError):
    """The answer is not HTTP as we speak it, or is longer than anything we asked for."""


def request_head(host: str, port: int, path: str, length: int) -> bytes:
    """Return the head of a POST with a body of `length` bytes of msgpack."""
    return (
        "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/msgpack\r\nContent-Length: %d\r\n"
        "Connection: close\r\n\r\n" % (path, host, port, length)
    ).encode()


def read_answer(stream, buf: bytearray) -> "tuple[int, memoryview]":
    """Return (status, body as a view into `buf`). `buf`: HEAD_MAX bytes or more, overwritten.

    Raises HttpError for an answer without a length, with a length above BODY_MAX, or that is not HTTP.
    """
    head = _read_head(stream, buf)
    status, length = _status(head), _content_length(head)
    if length > min(BODY_MAX, len(buf)):
        raise HttpError("answer of %d bytes, at most %d" % (length, min(BODY_MAX, len(buf))))
    body = memoryview(buf)[:length]
    stream.readinto(body)
    return status, body


def _read_head(stream, buf: bytearray) -> bytes:
    view = memoryview(buf)
    for n in range(1, HEAD_MAX + 1):
        stream.readinto(view[n - 1 : n])
        if n >= 4 and buf[n - 1] == 10 and bytes(view[n - 4 : n]) == _END:
            return bytes(view[:n])
    raise HttpError("head of the answer is over %d bytes" % HEAD_MAX)


def _status(head: bytes) -> int:
    parts = head.split(b"\r\n")[0].split(b" ")
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or len(parts[1]) != 3 or not parts[1].isdigit():
        raise HttpError("status line %r is not HTTP/1" % parts[0])
    return int(parts[1])


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        name, value = name.strip().lower(), value.strip()
        if name == b"transfer-encoding":
            raise HttpError("answer in chunks, want a Content-Length")
        if name == b"content-length":
            if not value.isdigit() or len(value) > 6:
                raise HttpError("Content-Length %r is no length" % value)
            return int(value)
    raise HttpError("answer without Content-Length")
