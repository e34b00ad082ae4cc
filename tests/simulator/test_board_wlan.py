"""The radio of a board: when it is connected, and what the driver refuses."""

from __future__ import annotations

import pytest

from simulator.collarhost.bridge import Word
from simulator.collarhost.wlan import STAT_CONNECTING, STAT_GOT_IP, STAT_IDLE, WifiError, Wlan

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
