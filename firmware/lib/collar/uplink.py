"""One upload: the frames that wait go out one by one, and only a rightly tagged ack makes them forgotten."""

from collar import http
from herdcore import mpack, signing
from herdcore.ack import Ack, decode_ack, decode_answer
from herdcore.compat import const
from herdcore.fields import FrameError
from herdcore.frames import FRAME_MAX, TAG_BYTES, encode_frame

PATH = "/v1/frames"
SESSION_MS = 25_000  # from the first byte to the ack; with the join it stays under the watchdog
_BUSY = const(503)
_BIN_HEAD = 3  # largest head of a frame inside the body


class UplinkError(OSError):
    """The relay did not acknowledge anything; everything stays where it was.

    `retry_after_s`: how long a relay that is busy asked to be left alone, 0 if it did not.
    """

    retry_after_s = 0


class NothingToSendError(UplinkError):
    """No frame waits that may be sent now; nobody was asked."""


class Uplink:
    """Posts what an Outbox holds. `open_stream(host, port, pin, deadline_ms)` is the board's connection."""

    def __init__(self, identity, outbox, open_stream, uptime_ms) -> None:
        self._identity = identity
        self._outbox = outbox
        self._open_stream = open_stream
        self._uptime_ms = uptime_ms
        self._key_up = signing.label_key(identity.key, b"up")
        self._key_down = signing.label_key(identity.key, b"down")
        self._one = bytearray(FRAME_MAX + _BIN_HEAD)
        self._answer = bytearray(http.BODY_MAX)

    def post(self, host: str, port: int) -> Ack:
        """Send one batch of the frames that wait and forget those acknowledged; return the ack.

        `host`, `port`: any relay, not the identity's only; its certificate or our key proves that it is one.
        Raises NothingToSendError, another OSError (UplinkError, HttpError, DeadlineError) or FrameError;
        then nothing was forgotten.
        """
        slots = self._outbox.next_batch()
        if not slots:
            raise NothingToSendError("nothing to send")
        now_s = self._uptime_ms() // 1000
        tags, length = self._measure(slots, now_s)
        ack = self._read_ack(self._exchange(host, port, slots, now_s, length), tags)
        if not self._outbox.ack(ack.ranges):
            raise UplinkError("ack of none of %d frames" % len(slots))
        return ack

    def _measure(self, slots: "list[int]", now_s: int) -> "tuple[list[bytes], int]":
        """Return the frames' tags and the length of the body: it is told before the first frame is sent."""
        tags, length = [], self._array_head(len(slots)).pos
        for slot in slots:
            writer = self._packed(slot, now_s)
            tags.append(bytes(self._one[writer.pos - TAG_BYTES : writer.pos]))
            length += writer.pos
        return tags, length

    def _array_head(self, frames: int) -> mpack.Writer:
        writer = mpack.Writer(self._one)
        writer.array(frames)
        return writer

    def _packed(self, slot: int, now_s: int) -> mpack.Writer:
        """Put one signed frame, as it stands in the body, into the only frame buffer there is."""
        writer = mpack.Writer(self._one)
        writer.bin(encode_frame(self._outbox.frame(slot, now_s), self._key_up))
        return writer

    def _exchange(self, host: str, port: int, slots: "list[int]", now_s: int, length: int) -> http.Answer:
        deadline_ms = self._uptime_ms() + SESSION_MS
        stream = self._open_stream(host, port, self._identity.tls_pin, deadline_ms)
        try:
            stream.write(http.request_head(host, port, PATH, length))
            view = memoryview(self._one)
            stream.write(view[: self._array_head(len(slots)).pos])
            for slot in slots:
                stream.write(view[: self._packed(slot, now_s).pos])
            return http.read_answer(stream, self._answer)
        finally:
            stream.close()

    def _read_ack(self, answer: http.Answer, tags: "list[bytes]") -> Ack:
        """A status proves nothing: a portal answers 200 too. Only a tag made with our key does."""
        if answer.status != 200:
            failure = UplinkError("answer %d" % answer.status)
            if answer.status == _BUSY:
                failure.retry_after_s = answer.retry_after_s
            raise failure
        _, acks = decode_answer(answer.body)
        for raw in acks:
            try:
                ack = decode_ack(raw, self._key_down, tags)
            except FrameError:
                continue  # another collar's, or a forged one
            if ack.device == self._identity.device:
                return ack
        raise UplinkError("no ack with our tag among %d" % len(acks))
