"""network inside the real interpreter: the driver's sequence and its errors."""

from __future__ import annotations

import pytest

from simulator.collarhost.board import SimBoard
from simulator.motion import Still
from tests.simulator.collar_rig import real_interpreter, run

pytestmark = real_interpreter

HEAD = "import machine, network, time\nwlan = network.WLAN(network.WLAN.IF_STA)\n"
END = "\nmachine.lightsleep()\n"


async def printed(tmp_path, program, **settings):
    return (await run(tmp_path, HEAD + program + END, **settings)).log()


async def test_an_interface_comes_up_step_by_step(tmp_path):
    program = """
print(wlan.active(), wlan.status(), wlan.ifconfig()[0])
wlan.active(True)
wlan.connect("farm", "key")
print(wlan.active(), wlan.status() == network.STAT_CONNECTING)
while not wlan.isconnected(): time.sleep_ms(100)
print(wlan.status() == network.STAT_GOT_IP, -75 < wlan.status("rssi") < -50, wlan.ifconfig()[0])
wlan.disconnect()
print(wlan.status())
wlan.active(False)
print(wlan.active())
"""
    lines = await printed(tmp_path, program)
    assert lines == ["False 1000 0.0.0.0", "True True", "True True 10.0.0.2", "1000", "False"]


async def test_a_poll_without_a_pause_comes_to_its_end(tmp_path):
    lines = await printed(
        tmp_path,
        "wlan.active(True); wlan.connect('a', 'b')\nwhile not wlan.isconnected(): pass\nprint('up')\n",
    )
    assert lines == ["up"]


@pytest.mark.parametrize(
    ("act", "error"),
    [
        ("wlan.connect('a', 'b')", "OSError Wifi Not Started"),
        ("wlan.disconnect()", "OSError Wifi Not Started"),
        ("wlan.active(True); wlan.connect('a', 'b'); wlan.connect('a', 'b')", "OSError Wifi Internal Error"),
        ("wlan.active(True); wlan.status('rssi')", "OSError Wifi Not Connected"),
        ("wlan.status('snr')", "ValueError unknown status param"),
        ("wlan.config('colour')", "ValueError unknown config param"),
        ("wlan.config('ssid', pm=1)", "TypeError either pos or kw args are allowed"),
        ("network.WLAN(1)", "ValueError invalid WLAN interface identifier"),
    ],
)
async def test_the_driver_refuses(tmp_path, act, error):
    lines = await printed(
        tmp_path, f"try:\n    {act}\nexcept Exception as e: print(type(e).__name__, e.args[0])\n"
    )
    assert lines == [error]


async def test_with_a_limit_of_tries_it_says_why_it_gave_up(tmp_path):
    program = """
wlan.config(reconnects=1, pm=wlan.PM_NONE)
wlan.active(True)
wlan.connect("a", "b")
time.sleep(60)
print(wlan.status() == network.STAT_NO_AP_FOUND, wlan.config("pm"), wlan.config("ssid"))
"""
    lines = await printed(tmp_path, program, boards=[SimBoard(0, Still(), coverage=())])
    assert lines == ["True 0 a"]


async def test_a_fixed_address_is_kept_and_is_faster(tmp_path):
    lines = await printed(
        tmp_path,
        "wlan.active(True); wlan.ifconfig(('10.1.1.9', '255.255.255.0', '10.1.1.1', '10.1.1.1'))\n"
        "wlan.connect('a', 'b'); time.sleep(1); print(wlan.isconnected(), wlan.ifconfig()[0])\n",
    )
    assert lines == ["True 10.1.1.9"]


async def test_there_is_one_interface(tmp_path):
    lines = await printed(
        tmp_path,
        "print(wlan is network.WLAN(), wlan.config('mac') == machine.unique_id(), network.hostname())\n"
        "network.hostname('bella'); print(wlan.config('hostname'))\n",
    )
    assert lines == ["True True mpy-esp32", "bella"]
