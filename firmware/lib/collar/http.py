"""As much of HTTP/1.1 as a collar needs: one POST, one answer of a known length, everything bounded.

The answer is read by Content-Length and never to the end of the stream: over TLS that end may never be seen.
"""

from collections import namedtuple

HEAD_MAX = 1024
BODY_MAX = 2048
_END = b"\r\n\r\n"


# status: 100..999. body: a view. retry_after_s: 0 when the answer does not say, or says a date.
Answer = namedtuple("Answer", "status body retry_after_s")


class HttpError(OSError):
    """The answer is not HTTP as we speak it, or is longer than anything we asked for."""


def request_head(host: str, port: int, path: str, length: int) -> bytes:
    """Return the head of a POST with a body of `length` bytes of msgpack."""
    return (
        "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/msgpack\r\nContent-Length: %d\r\n"
        "Connection: close\r\n\r\n" % (path, host, port, length)
    ).encode()


def read_answer(stream, buf: bytearray) -> Answer:
    """Return the answer, its body as a view into `buf`. `buf`: HEAD_MAX bytes or more, overwritten.

    Raises HttpError for an answer without a length, with a length above BODY_MAX, or that is not HTTP.
    """
    head = _read_head(stream, buf)
    status = _status(head)
    length, retry_after_s = _numbers(head)
    if length > min(BODY_MAX, len(buf)):
        raise HttpError("answer of %d bytes, at most %d" % (length, min(BODY_MAX, len(buf))))
    body = memoryview(buf)[:length]
    stream.readinto(body)
    return Answer(status, body, retry_after_s)


def _read_head(stream, buf: bytearray) -> bytes:
    view = memoryview(buf)
    for n in range(1, HEAD_MAX + 1):
        stream.readinto(view[n - 1 : n])
        if n >= 4 and buf[n - 1] == 10 and bytes(view[n - 4 : n]) == _END:
            return bytes(view[:n])
    raise HttpError("head over %d bytes" % HEAD_MAX)


def _status(head: bytes) -> int:
    parts = head.split(b"\r\n")[0].split(b" ")
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or len(parts[1]) != 3 or not parts[1].isdigit():
        raise HttpError("status line %r is not HTTP/1" % parts[0])
    return int(parts[1])


def _numbers(head: bytes) -> "tuple[int, int]":
    """Return (Content-Length, Retry-After in s or 0)."""
    length, retry_after_s = -1, 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        name, value = name.strip().lower(), value.strip()
        is_number = value.isdigit() and len(value) <= 6
        if name == b"transfer-encoding":
            raise HttpError("answer in chunks")
        if name == b"content-length":
            if not is_number:
                raise HttpError("Content-Length %r is no length" % value)
            length = int(value)
        elif name == b"retry-after" and is_number:
            retry_after_s = int(value)
    if length < 0:
        raise HttpError("answer without Content-Length")
    return length, retry_after_s
