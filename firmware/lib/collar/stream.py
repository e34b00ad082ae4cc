"""A socket, plain or TLS, on which every wait ends: the same code on MicroPython's sockets and on CPython's.

The modules `socket` and `ssl` are handed in by the board. Reads go byte by byte: MicroPython's readinto()
waits until its buffer is full, and a peer that drips would stretch one call far beyond any time-out.
"""

_WAIT_MS = 8_000  # longest single wait for the peer


class DeadlineError(OSError):
    """The session has used up its time."""


def _secured(ssl, raw, host: str, pin: bytes):
    """Return `raw` under TLS; only a server that shows the certificate `pin` (DER) gets through."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=pin)  # cadata by name: the first place is a file
    return context.wrap_socket(raw, server_hostname=host)


def not_before(pin: bytes) -> "tuple[int, int, int, int, int, int] | None":
    """Return a DER certificate's notBefore, its first UTCTime: (year, month, day, hour, minute, second)."""
    at = pin.find(b"\x17\x0d")
    text = bytes(pin[at + 2 : at + 14])
    if at < 0 or not text.isdigit():
        return None
    year, month, day, hour, minute, second = [int(text[i : i + 2]) for i in range(0, 12, 2)]
    return 2000 + year, month, day, hour, minute, second


class Stream:
    """One connection. Raises OSError when the peer fails, DeadlineError when `deadline_ms` has passed."""

    def __init__(self, sockets, host: str, port: int, pin: bytes, uptime_ms, deadline_ms: int) -> None:
        """`sockets`: (socket module, ssl module). `pin`: DER certificate, b"" for plain TCP."""
        socket, ssl = sockets
        self._uptime_ms = uptime_ms
        self._deadline_ms = deadline_ms
        self._wait_ms = 0
        self._byte = bytearray(1)
        address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
        self._socket = self._file = raw = socket.socket(address[0], address[1], address[2])
        try:
            self._wait()
            raw.connect(address[-1])
            self._file = self._socket = _secured(ssl, raw, host, pin) if pin else raw
            self._wait_ms = 0  # CPython's TLS socket is another one, whose time-out nobody has set
            if not hasattr(self._socket, "settimeout"):
                self._socket = raw  # MicroPython: the plain socket under the TLS one keeps the time
            if hasattr(self._file, "makefile"):
                self._file = self._file.makefile("rwb", 0)
        except BaseException:
            raw.close()
            raise

    def _wait(self) -> None:
        """Let the next call wait as long as the session has time, 8 s at most."""
        left_ms = self._deadline_ms - self._uptime_ms()
        if left_ms <= 0:
            raise DeadlineError("session over its deadline by %d ms" % -left_ms)
        wait_ms = min(_WAIT_MS, left_ms)
        if wait_ms != self._wait_ms:  # it is asked for every byte and is nearly always the same
            self._wait_ms = wait_ms
            self._socket.settimeout(wait_ms / 1000)

    def write(self, data) -> None:
        """Send all of `data`."""
        view = memoryview(data)
        while view:
            self._wait()
            sent = self._file.write(view)
            if not sent:
                raise OSError("lost with %d bytes to send" % len(view))
            view = view[sent:]

    def readinto(self, buf) -> None:
        """Fill `buf`."""
        one = self._byte
        for i in range(len(buf)):
            self._wait()
            if not self._file.readinto(one):
                raise OSError("closed after %d of %d bytes" % (i, len(buf)))
            buf[i] = one[0]

    def close(self) -> None:
        """Close; a peer that is gone is no error."""
        try:
            self._file.close()
        except OSError:
            pass  # nothing is lost by a connection that cannot say goodbye
        self._socket.close()
