"""Joining: with DHCP, with an earlier address, where nobody answers, and the radio off after all of it."""

from __future__ import annotations

import pytest

from collar.wifi import JOIN_MS, Wifi, WifiError
from simulator.collarhost.wlan import Network
from tests.collar.radio_scene import MINUTE_S, SECOND_US, RadioScene

FARM = {b"barn": Network(b"hay")}
LEASE = bytes((192, 168, 4, 3, 255, 255, 255, 0, 192, 168, 4, 1, 192, 168, 4, 1))


def join(scene, lease=b"", ssid="barn", password="hay"):
    """Join and leave; return how long the radio was on, ms."""
    try:
        scene.wifi.join(ssid, password, lease)
    finally:
        scene.wifi.leave()
    return scene.wifi.on_ms


def test_a_network_is_joined_with_dhcp_and_tells_its_lease():
    scene = RadioScene(networks=FARM)
    assert 1_600 <= join(scene) <= 2_000
    assert scene.wifi.lease == LEASE
    assert -127 <= scene.wifi.rssi_dbm < 0


def test_with_a_lease_a_join_takes_half_the_time():
    scene = RadioScene(networks=FARM)
    join(scene)
    assert 700 <= join(scene, LEASE) <= 1_100
    assert scene.wifi.lease == LEASE


def test_after_a_static_address_it_goes_back_to_dhcp():
    scene = RadioScene(networks=FARM)
    join(scene, bytes((10, 0, 0, 9)) + LEASE[4:])
    assert join(scene) >= 1_600
    assert scene.wifi.lease == LEASE


def test_where_no_network_answers_it_gives_up_after_one_look():
    scene = RadioScene(networks=FARM, coverage=[])
    with pytest.raises(WifiError, match="201"):
        join(scene)
    assert 2_400 <= scene.wifi.on_ms <= 2_600
    assert (scene.wlan.active, scene.wifi.lease) == (False, b"")


def test_a_false_failure_does_not_end_a_join_that_goes_on():
    scene = RadioScene(networks={b"barn": Network(b"hay", false_us=900_000)})
    assert join(scene) <= 2_000


def test_a_wrong_key_is_tried_three_times_and_no_longer():
    scene = RadioScene(networks=FARM)
    with pytest.raises(WifiError, match="202"):
        join(scene, password="straw")
    assert scene.wifi.on_ms < JOIN_MS
    assert not scene.wlan.active


def test_a_slow_access_point_is_waited_for_until_the_deadline():
    assert 12_000 < join(RadioScene(networks={b"barn": Network(b"hay", late_us=11 * SECOND_US)})) < 14_000
    scene = RadioScene(networks={b"barn": Network(b"hay", late_us=60 * SECOND_US)})
    with pytest.raises(WifiError):
        join(scene)
    assert JOIN_MS <= scene.wifi.on_ms <= JOIN_MS + 200


def test_the_time_of_the_radio_covers_the_session_and_is_told_until_the_next_one():
    scene = RadioScene(networks=FARM)
    assert scene.wifi.on_ms == 0
    scene.wifi.join("barn", "hay")
    scene.now_us += MINUTE_S * SECOND_US
    assert scene.wifi.on_ms > 61_000
    scene.wifi.leave()
    told_ms = scene.wifi.on_ms
    scene.now_us += MINUTE_S * SECOND_US
    assert scene.wifi.on_ms == told_ms
    assert join(scene) < 2_000


class Refusing:
    """A driver that is in a state in which nothing but switching off works."""

    is_active = True

    def active(self, on):
        self.is_active = on

    def disconnect(self):
        raise OSError("Wifi Not Started")


def test_leaving_switches_the_radio_off_whatever_the_driver_says():
    driver = Refusing()
    Wifi(driver, lambda _ms: None, lambda: 0).leave()
    assert not driver.is_active


def test_a_driver_that_runs_dhcp_already_is_left_alone():
    scene = RadioScene(networks=FARM)
    driver = scene.wifi._wlan
    ifconfig = driver.ifconfig

    def refusing(address=None):
        if address == "dhcp":
            raise RuntimeError("Wifi Unknown Error 0x5007")
        return ifconfig(address)

    driver.ifconfig = refusing
    join(scene)
    assert scene.wifi.lease == LEASE
