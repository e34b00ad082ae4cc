"""Lease, contact, clock and battery of a collar in short. Runs on both interpreters."""

from collections import namedtuple

from collar.contact import Contact
from collar.power import UNKNOWN_DAYS, Power
from collar.retained import Retained
from collar.schedule import jittered_s
from collar.timebase import Timebase
from collar.wifi import Wifi

Home = namedtuple("Home", "ssid password host port")
Settings = namedtuple("Settings", "networks relays next_network next_relay")
HOME = Home("barn", "hay", "10.0.0.9", 8080)
SETTINGS = Settings((("yard", "oats"),), (), ("new", "straw"), ("10.0.0.7", 80))
LEASE = bytes((192, 168, 4, 23, 255, 255, 255, 0, 192, 168, 4, 1, 9, 9, 9, 9))
UTC_MS = 1_772_409_600_000
DAY_S = 86_400


class Driver:
    """An interface that is connected at once."""

    def __init__(self):
        self.calls = []

    def active(self, on):
        self.calls.append(on)

    def connect(self, ssid, password):
        self.calls.append((ssid, password))

    def disconnect(self):
        pass

    def config(self, reconnects=None):
        assert reconnects == 0

    def ifconfig(self, address=None):
        self.calls.append(address)
        return ("192.168.4.23", "255.255.255.0", "192.168.4.1", "9.9.9.9")

    def isconnected(self):
        return True

    def status(self, what):  # noqa: ARG002 - the driver asks for a word
        return -61


class Cell:
    def __init__(self):
        self.mv = 4_000

    def battery_mv(self):
        return self.mv

    def temperature_c(self):
        return -3


def kept():
    return Retained(bytearray(2048))


def case_a_lease_is_read_after_dhcp_and_set_before_the_next_join():
    driver = Driver()
    wifi = Wifi(driver, None, lambda: 0)
    wifi.join("barn", "hay")
    assert (wifi.lease, wifi.rssi_dbm) == (LEASE, -61)
    wifi.leave()
    wifi.join("barn", "hay", LEASE)
    address = ("192.168.4.23", "255.255.255.0", "192.168.4.1", "9.9.9.9")
    assert driver.calls == [True, "dhcp", ("barn", "hay"), None, False, True, address, ("barn", "hay")]


def case_failures_go_round_the_networks_and_an_ack_settles_the_place():
    made = Contact(kept(), 77)
    seen = []
    for _ in range(4):
        seen.append(made.place(HOME, SETTINGS)[0])
        assert made.failed(1000, 2_450, 0) > 1000
    assert seen == ["barn", "yard", "barn", "new"]
    made.failed(2000, 0, 0)  # the radio was not on: nothing is learnt
    assert made.place(HOME, SETTINGS)[0] == "barn"
    made.failed(3000, 2_450, 0)
    assert made.place(HOME, SETTINGS)[0] == "yard"
    made.joined(LEASE, 4000)
    assert made.succeeded(4000, 900) > 4000
    assert made.place(HOME, SETTINGS)[:2] == ("yard", "oats")
    assert made.lease(4001) == LEASE


def case_the_waits_of_one_collar_are_the_same_on_every_interpreter():
    made = Contact(kept(), 0x0C0A11A5)
    waits = []
    now_s = 400_000
    for _ in range(16):
        made._kept.bump("attempt")
        made.place(HOME, SETTINGS)
        waits.append(made.failed(now_s, 2_450, 0) - now_s)
        now_s += waits[-1]
    assert waits == WAITS, waits
    assert [jittered_s(7, n, 100) for n in range(5)] == JITTERS, [jittered_s(7, n, 100) for n in range(5)]


def case_contact_makes_a_habit_and_trust_is_two_bits():
    state = kept()
    made, base = Contact(state, 77), Timebase(state)
    base.ack(1000 * 500_000, UTC_MS + 5 * 3_600_000)
    made.place(HOME, SETTINGS)
    made.succeeded(500_000, 900)
    assert [slot for slot in range(48) if made._trusted(slot)] == [9, 10]
    state["energy_mc"], state["energy_s"] = 0, 500_000 + DAY_S - 600
    made.place(HOME, SETTINGS)
    wait_s = made.failed(500_000 + DAY_S - 600, 2_450, 0) - (500_000 + DAY_S - 600)
    assert 600 <= wait_s < 660


def case_the_clocks_error_is_learnt_from_two_acks():
    state = kept()
    base = Timebase(state)
    for hour in range(3):
        base.ack(3_420_000 * hour, UTC_MS + 3_600_000 * hour)
    assert state["drift_ppm"] == 52_631
    assert 0 <= 3_600 * 24 * 30 - base.age_s(0, 3_420 * 24 * 30) <= 3
    assert base.age_s(10, 5) == 0


def case_the_forecast_follows_the_days():
    made, cell = Power(kept()), Cell()
    for day in range(8):
        cell.mv = 4_000 - 2 * day
        made.measure(cell, DAY_S * day, False)
        assert (made.days_left == UNKNOWN_DAYS) == (day < 2)
    assert 200 < made.days_left < 300
    assert made.permille == 808
    cell.mv -= 700
    made.measure(cell, DAY_S * 7, True)
    assert (made.sag_mv, made.may_transmit()) == (700, False)


WAITS = [94, 255, 572, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 659, 3467, 1805]
JITTERS = [118, 116, 137, 128, 121]
