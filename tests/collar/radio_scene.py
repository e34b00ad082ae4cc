"""A collar's radio over days on a virtual clock: contact rules, simulated radio, a relay that acks."""

from __future__ import annotations

from collections import namedtuple

from collar.contact import Contact
from collar.retained import Retained
from collar.timebase import Timebase
from collar.wifi import Wifi
from simulator.collarhost.wlan import WifiError, Wlan

SECOND_US = 1_000_000
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
START_MS = 1_772_409_600_000  # midnight
RADIO_MA = 100
EXCHANGE_MS = 700  # connect, post, answer
SILENCE_MS = 5_000  # until an exchange with nobody is given up

# As herdcore.downlink and collar.settings have them.
Settings = namedtuple("Settings", "number upload_s profile networks relays next_network next_relay")
Home = namedtuple("Home", "ssid password host port")
NO_SETTINGS = Settings(0, 0, -1, (), (), None, None)
HOME = Home("barn", "hay", "10.0.0.9", 8080)


def dotted(raw):
    return tuple(".".join(str(part) for part in raw[at : at + 4]) for at in range(0, 16, 4))


class Driver:
    """network.WLAN in front of a simulated Wlan; `scene` has the clock."""

    def __init__(self, wlan, scene):
        self.wlan, self._scene = wlan, scene

    def active(self, on):
        self.wlan.set_active(on)

    def connect(self, ssid, password):
        try:
            self.wlan.connect(ssid.encode(), password.encode(), self._scene.now_us)
        except WifiError as error:
            raise OSError(error.word.name) from error

    def disconnect(self):
        self.wlan.disconnect()

    def config(self, *, reconnects):
        self.wlan.configure(reconnects)

    def ifconfig(self, address=None):
        if address is None:
            return dotted(self.wlan.address(self._scene.now_us))
        if address == "dhcp":
            self.wlan.set_address(b"")
        else:
            self.wlan.set_address(bytes(int(part) for text in address for part in text.split(".")))
        return None

    def isconnected(self):
        return self.wlan.connected(self._scene.now_us)

    def status(self, what=None):
        return self.wlan.rssi_dbm(self._scene.now_us) if what else self.wlan.status(self._scene.now_us)


class RadioScene:
    """One collar that uploads as its rules say. Times us of the world; `clock_ppm`: how slow its clock is.

    `relays`: hosts that answer, by time: (host, from_us, to_us); None: all do.
    """

    def __init__(
        self, *, seed=1, device=77, clock_ppm=0, settings=NO_SETTINGS, relays=None, period_s=900, **world
    ):
        self.now_us = 0
        self.wlan = Wlan(seed, **world)
        self.kept = Retained(bytearray(2048))
        self.contact, self.timebase = Contact(self.kept, device), Timebase(self.kept)
        self.wifi = Wifi(Driver(self.wlan, self), self._pause_ms, self.uptime_ms)
        self.settings, self.period_s = settings, period_s
        self._slowed = 1_000_000 - clock_ppm
        self._relays = relays
        self.tries_us, self.contacts_us, self.places = [], [], []
        self.failed_on_ms = self.good_on_ms = 0
        self.asked_s = 0  # what a busy relay asks for

    def uptime_ms(self):
        return self.now_us * self._slowed // 1_000_000_000

    def _pause_ms(self, ms):
        self.now_us += 1000 * ms

    def _answers(self, host):
        if not self.wlan.reaches(self.now_us) or self.asked_s:
            return False
        return self._relays is None or any(
            host == name and from_us <= self.now_us < to_us for name, from_us, to_us in self._relays
        )

    def session(self):
        """Try once; return the uptime second of the next try."""
        now_s = self.uptime_ms() // 1000
        self.tries_us.append(self.now_us)
        ssid, password, host, _ = self.contact.place(HOME, self.settings)
        self.places.append((ssid, host))
        has_ack = False
        try:
            self.wifi.join(ssid, password, self.contact.lease(now_s))
            self.contact.joined(self.wifi.lease, now_s)
            has_ack = self._answers(host)
            self._pause_ms(EXCHANGE_MS if has_ack or self.asked_s else SILENCE_MS)
        except OSError:
            pass
        finally:
            self.wifi.leave()
        return self._over(has_ack)

    def _over(self, has_ack):
        now_s = self.uptime_ms() // 1000
        if not has_ack:
            self.kept["attempt"] = min(self.kept["attempt"] + 1, 255)
            self.failed_on_ms += self.wifi.on_ms
            return self.contact.failed(now_s, self.wifi.on_ms, self.asked_s)
        self.kept["attempt"] = 0
        self.good_on_ms += self.wifi.on_ms
        self.contacts_us.append(self.now_us)
        self.timebase.ack(self.uptime_ms(), START_MS + self.now_us // 1000)
        return self.contact.succeeded(now_s, self.period_s)

    def live(self, days, first_s=900):
        """Upload for so many days of the world."""
        due_s = max(first_s, self.uptime_ms() // 1000)
        until_us = self.now_us + round(days * DAY_S) * SECOND_US
        while True:
            due_us = max(self.now_us, due_s * 1_000_000_000_000 // self._slowed)
            if due_us >= until_us:
                self.now_us = until_us
                return self
            self.now_us = due_us
            due_s = self.session()
            assert not self.wlan.active
            assert due_s > self.uptime_ms() // 1000

    # figures

    def visits_used(self, coverage, from_day=0):
        """Return for each interval that begins after `from_day` whether there was contact in it."""
        return [
            any(begin <= at < end for at in self.contacts_us)
            for begin, end in coverage
            if begin >= from_day * DAY_S * SECOND_US
        ]

    def failed_mc(self):
        return self.failed_on_ms * RADIO_MA // 1000
