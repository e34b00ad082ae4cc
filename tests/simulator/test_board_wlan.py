"""The radio of a board: when it is connected, and what the driver refuses."""

from __future__ import annotations

import pytest

from simulator.collarhost.bridge import Word
from simulator.collarhost.wlan import (
    FOREVER_US,
    LEASE_US,
    STAT_BEACON_TIMEOUT,
    STAT_CONNECTING,
    STAT_GOT_IP,
    STAT_IDLE,
    STAT_NO_AP_FOUND,
    STAT_WRONG_PASSWORD,
    UNLIMITED,
    Network,
    WifiError,
    Wlan,
)

SECOND = 1_000_000


def wlan(**world) -> Wlan:
    made = Wlan(1, **world)
    made.set_active(True)
    return made


def test_an_interface_goes_from_idle_over_connecting_to_connected():
    made = wlan()
    assert made.status(0) == STAT_IDLE
    made.connect(b"farm", b"key", 0)
    assert [made.status(int(s * SECOND)) for s in (0, 1, 2.5)] == [
        STAT_CONNECTING,
        STAT_CONNECTING,
        STAT_GOT_IP,
    ]


def test_an_interface_that_is_off_refuses():
    with pytest.raises(WifiError) as caught:
        Wlan(1).connect(b"farm", b"key", 0)
    assert caught.value.word is Word.WIFI_NOT_STARTED


@pytest.mark.parametrize("later_us", [0, 5 * SECOND])
def test_a_second_connect_is_refused_until_disconnect(later_us):
    made = wlan()
    made.connect(b"farm", b"key", 0)
    with pytest.raises(WifiError) as caught:
        made.connect(b"farm", b"key", later_us)
    assert caught.value.word is Word.WIFI_INTERNAL
    made.disconnect()
    made.connect(b"farm", b"key", later_us)
    assert made.status(later_us) == STAT_CONNECTING


def test_switching_off_ends_the_connection():
    made = wlan()
    made.connect(b"farm", b"key", 0)
    made.set_active(False)
    assert made.status(5 * SECOND) == STAT_IDLE


def test_it_connects_when_it_comes_into_reach():
    made = wlan(coverage=[(100 * SECOND, 200 * SECOND)])
    made.connect(b"farm", b"key", 0)
    assert [made.connected(s * SECOND) for s in (50, 103, 199, 200)] == [False, True, True, False]


def test_a_lost_link_is_looked_for():
    made = wlan(coverage=[(0, 100 * SECOND)])
    made.connect(b"farm", b"key", 0)
    assert [made.status(s * SECOND) for s in (99, 101)] == [STAT_GOT_IP, STAT_CONNECTING]


@pytest.mark.parametrize(
    ("ssid", "key", "expected"),
    [
        (b"farm", b"right", STAT_GOT_IP),
        (b"farm", b"wrong", STAT_CONNECTING),
        (b"barn", b"right", STAT_CONNECTING),
    ],
)
def test_name_and_key_must_be_right(ssid, key, expected):
    made = wlan(networks={b"farm": b"right"})
    made.connect(ssid, key, 0)
    assert made.status(60 * SECOND) == expected


def test_signal_strength_needs_a_connection_and_wanders_the_same_way_for_a_seed():
    with pytest.raises(WifiError) as caught:
        wlan().rssi_dbm(0)
    assert caught.value.word is Word.WIFI_NOT_CONNECTED
    series = []
    for _ in range(2):
        made = wlan()
        made.connect(b"farm", b"key", 0)
        series.append([made.rssi_dbm(minute * 60 * SECOND) for minute in range(1, 20)])
    assert series[0] == series[1]
    assert len(set(series[0])) > 3
    assert all(-75 < dbm < -50 for dbm in series[0])


def statuses(made, *seconds):
    return [made.status(round(s * SECOND)) for s in seconds]


def joined(made, ssid=b"farm", at_us=0):
    """Join with what is set; return the address, and whether it reaches anybody."""
    made.set_active(False)
    made.set_active(True)
    made.connect(ssid, b"key", at_us)
    then_us = at_us + 5 * SECOND
    assert made.connected(then_us)
    return made.address(then_us), made.reaches(then_us)


def test_without_reconnects_it_says_after_one_look_that_no_access_point_is_there():
    made = wlan(coverage=[(100 * SECOND, 200 * SECOND)])
    made.configure(0)
    made.connect(b"farm", b"key", 0)
    assert statuses(made, 2.3, 2.5, 150) == [STAT_CONNECTING, STAT_NO_AP_FOUND, STAT_NO_AP_FOUND]
    made.connect(b"farm", b"key", 150 * SECOND)  # it has given up: no disconnect() needed
    assert made.connected(153 * SECOND)


def test_each_reconnect_is_another_look():
    made = wlan(coverage=[])
    made.configure(2)
    made.connect(b"farm", b"key", 0)
    assert statuses(made, 7.1, 7.3) == [STAT_CONNECTING, STAT_NO_AP_FOUND]


def test_without_reconnects_a_lost_link_is_told():
    made = wlan(coverage=[(0, 100 * SECOND), (110 * SECOND, 200 * SECOND)])
    made.configure(0)
    made.connect(b"farm", b"key", 0)
    assert statuses(made, 99, 101, 150) == [STAT_GOT_IP, STAT_BEACON_TIMEOUT, STAT_BEACON_TIMEOUT]


@pytest.mark.parametrize(("ssid", "expected"), [(b"farm", STAT_WRONG_PASSWORD), (b"barn", STAT_NO_AP_FOUND)])
def test_without_reconnects_a_wrong_key_and_a_wrong_name_are_told_apart(ssid, expected):
    made = wlan(networks={b"farm": b"right"})
    made.configure(0)
    made.connect(ssid, b"wrong", 0)
    assert made.status(3 * SECOND) == expected


def test_a_reset_forgets_reconnects_and_address():
    made = wlan()
    made.configure(0)
    made.set_address(bytes(range(1, 17)))
    made.power_off()
    assert (made.reconnects, made.address(0)) == (UNLIMITED, bytes(16))


def test_a_leased_address_set_by_hand_joins_sooner_and_reaches_the_same():
    made = wlan()
    lease, reaches = joined(made)
    assert (lease[:3], lease[4:8], reaches) == (bytes((192, 168, 4)), b"\xff\xff\xff\x00", True)
    made.set_address(lease)
    made.disconnect()
    made.connect(b"farm", b"key", 10 * SECOND)
    assert [made.connected(10 * SECOND + ms * 1000) for ms in (700, 1_000)] == [False, True]
    assert made.reaches(11 * SECOND)


def test_an_address_that_is_not_ours_associates_and_reaches_nobody():
    made = wlan()
    lease, _ = joined(made)
    for foreign in (bytes((10, 0, 0, 9)) + lease[4:], lease[:3] + b"\xfe" + lease[4:]):
        made.set_address(foreign)
        assert joined(made, at_us=20 * SECOND) == (foreign, False)
    made.set_address(b"")
    assert joined(made, at_us=40 * SECOND) == (lease, True)


def test_an_address_whose_lease_has_run_out_is_anothers():
    made = wlan()
    lease, _ = joined(made)
    made.set_address(lease)
    assert joined(made, at_us=LEASE_US - 60 * SECOND)[1]
    assert not joined(made, at_us=LEASE_US + 60 * SECOND)[1]


def test_each_network_has_its_own_coverage_and_leases():
    networks = {b"old": Network(b"key", [(0, 100 * SECOND)]),
                b"new": Network(b"key", [(100 * SECOND, FOREVER_US)], (10, 0, 7))}  # fmt: skip
    made = wlan(networks=networks)
    lease, _ = joined(made, b"old")
    assert joined(made, b"new", 200 * SECOND)[0][:3] == bytes((10, 0, 7))
    made.set_address(lease)
    assert joined(made, b"new", 300 * SECOND) == (lease, False)
    made.configure(0)
    made.disconnect()
    made.connect(b"old", b"key", 400 * SECOND)
    assert made.status(403 * SECOND) == STAT_NO_AP_FOUND


def test_a_slow_access_point_lets_in_later():
    made = wlan(networks={b"farm": Network(None, late_us=9 * SECOND)})
    made.connect(b"farm", b"key", 0)
    assert [made.connected(s * SECOND) for s in (5, 10, 12)] == [False, False, True]


def test_a_driver_may_report_a_failure_that_is_none():
    made = wlan(networks={b"farm": Network(None, false_us=SECOND)})
    made.configure(0)
    made.connect(b"farm", b"key", 0)
    seen = statuses(made, *(n / 20 for n in range(40)))
    steps = [status for n, status in enumerate(seen) if not n or seen[n - 1] != status]
    assert steps == [STAT_WRONG_PASSWORD, STAT_CONNECTING, STAT_IDLE, STAT_GOT_IP]
