"""network inside the real interpreter: the driver's sequence and its errors."""

from __future__ import annotations

import pytest

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
        ("network.WLAN(1)", "ValueError invalid WLAN interface identifier"),
    ],
)
async def test_the_driver_refuses(tmp_path, act, error):
    lines = await printed(
        tmp_path, f"try:\n    {act}\nexcept Exception as e: print(type(e).__name__, e.args[0])\n"
    )
    assert lines == [error]
