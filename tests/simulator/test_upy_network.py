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
print(wlan.active(), wlan.status())
wlan.active(True)
wlan.connect("farm", "key")
print(wlan.active(), wlan.status() == network.STAT_CONNECTING)
while not wlan.isconnected(): time.sleep_ms(100)
print(wlan.status() == network.STAT_GOT_IP, -75 < wlan.status("rssi") < -50)
wlan.disconnect()
print(wlan.status())
wlan.active(False)
print(wlan.active())
"""
    lines = await printed(tmp_path, program)
    assert lines == ["False 1000", "True True", "True True", "1000", "False"]


async def test_it_gives_up_where_nothing_answers_and_takes_an_address_by_hand(tmp_path):
    program = """
wlan.active(True)
wlan.config(reconnects=0)
print(wlan.config("reconnects"), wlan.ifconfig()[0])
wlan.connect("nowhere", "key")
while wlan.status() == network.STAT_CONNECTING: time.sleep_ms(100)
print(wlan.status() == network.STAT_NO_AP_FOUND)
wlan.connect("farm", "key")
while not wlan.isconnected(): time.sleep_ms(100)
lease = wlan.ifconfig()
print(lease[0].startswith("192.168.4."), lease[1:])
wlan.disconnect()
wlan.ifconfig(("10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.1"))
print(wlan.ifconfig())
wlan.ifconfig("dhcp")
print(wlan.ifconfig()[0])
"""
    boards = [SimBoard(0, Still(), networks={b"farm": b"key"})]
    lines = await printed(tmp_path, program, boards=boards)
    assert lines == [
        "0 0.0.0.0",
        "True",
        "True ('255.255.255.0', '192.168.4.1', '192.168.4.1')",
        "('10.0.0.9', '255.255.255.0', '10.0.0.1', '10.0.0.1')",
        "0.0.0.0",
    ]


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
        ("wlan.config('ssid')", "ValueError unknown config param"),
        ("wlan.config(channel=3)", "ValueError unknown config param"),
        ("wlan.config('reconnects', reconnects=1)", "TypeError either pos or kw args are allowed"),
        ("wlan.ifconfig('static')", "ValueError invalid arguments"),
        ("wlan.ifconfig(('1.2.3.4', '255.0.0.0'))", "ValueError requested length 4 but object has length 2"),
        ("network.WLAN(1)", "ValueError invalid WLAN interface identifier"),
    ],
)
async def test_the_driver_refuses(tmp_path, act, error):
    lines = await printed(
        tmp_path, f"try:\n    {act}\nexcept Exception as e: print(type(e).__name__, e.args[0])\n"
    )
    assert lines == [error]
