"""One contact with the relay: where to, when again, what is sent, and what an ack asks for."""

from collar.contact import Contact
from collar.power import Power
from collar.schedule import bounded_period_s
from collar.settings import store_settings
from collar.timebase import Timebase
from collar.uplink import Uplink
from collar.wifi import Wifi
from herdcore.ack import Ack
from herdcore.compat import const
from herdcore.orders import decode_commands, decode_settings

_BATCHES = const(16)  # a session, 64 frames each: two days of windows
_BATCHES_MS = const(20_000)  # no further batch after this long on the network: the FIFO fills meanwhile
_BACKLOG_S = const(30)  # until the next session if this one left something


class Session:
    """The radio and what decides about it. `outbox`: the frames that wait. `feed()`: for the watchdog."""

    def __init__(self, board, kept, identity, outbox, feed) -> None:
        self._board = board
        self._feed = feed
        self._outbox = outbox
        self.wifi = Wifi(board.wlan, board.pause_ms, board.uptime_ms)
        self.contact = Contact(kept, identity.device)
        self.power = Power(kept)
        self.timebase = Timebase(kept)
        outbox.elapsed_s = self.timebase.age_s
        self.uplink = Uplink(identity, outbox, board.open_stream, board.uptime_ms)
        self.identity = identity
        self.settings = decode_settings(identity.settings)
        self.ack: Ack = None  # pyright: ignore[reportAttributeAccessIssue]
        self._asked_s = 0

    def period_s(self, asked_s: int) -> int:
        """Return the time between uploads: the settings' or else what was asked for, longer on a low cell."""
        wanted_s = bounded_period_s(self.settings.upload_s or asked_s)
        return self.power.stretched(wanted_s)

    def hold(self, health) -> None:
        """Join, send batch after batch, leave. Raises OSError or ValueError; `ack` tells what came before.

        `health()` returns a health record to send with it, or None.
        """
        board, wifi = self._board, self.wifi
        self.ack = None  # pyright: ignore[reportAttributeAccessIssue]
        self._asked_s = 0
        now_s = board.uptime_ms() // 1000
        self.power.measure(board, now_s, False)
        if not self.power.may_transmit():
            raise OSError("%d mV: not enough for the radio" % self.power.batt_mv)
        ssid, password, host, port = self.contact.place(self.identity, self.settings)
        try:
            wifi.join(ssid, password, self.contact.lease(now_s))
            self.contact.joined(wifi.lease, now_s)
            self.power.measure(board, now_s, True)
            record = health()
            if record:
                self._outbox.append_health(board.uptime_ms(), record)
            self._batches(host, port)
        except (OSError, ValueError) as exc:
            self._asked_s = getattr(exc, "retry_after_s", 0)
            raise
        finally:
            wifi.leave()

    def _batches(self, host: str, port: int) -> None:
        begun_ms = self._board.uptime_ms()
        for _ in range(_BATCHES):
            self.ack = self.uplink.post(host, port)
            self._feed()
            if not self._outbox.has_backlog() or self._board.uptime_ms() - begun_ms > _BATCHES_MS:
                return

    def next_s(self, now_s: int, period_s: int) -> int:
        """Return the uptime second of the next session, by how the last one ended."""
        if self.ack is None:
            return self.contact.failed(now_s, self.wifi.on_ms, self._asked_s)
        next_s = self.contact.succeeded(now_s, period_s)
        return min(next_s, now_s + _BACKLOG_S) if self._outbox.has_backlog() else next_s

    def obey(self):
        """Take time, settings and requests from the last ack; return (burst id, seconds) or None.

        Raises FrameError if the relay has signed what no collar understands.
        """
        ack, now_ms = self.ack, self._board.uptime_ms()
        self.timebase.ack(now_ms, ack.utc_ms)
        self._outbox.mark(now_ms // 1000, ack.utc_ms)
        raw, burst_id, burst_s = decode_commands(ack.commands)
        settings = decode_settings(raw)
        if settings.number and settings.number != self.settings.number:
            self.identity = store_settings(self._board.prov, raw)
            self.settings = settings
        return (burst_id, burst_s) if burst_id else None
