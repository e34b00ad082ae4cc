"""The board test, as it is sent to a board, on the real interpreter: sound boards and broken ones."""

from __future__ import annotations

import pytest

from simulator.collarhost.board import SimBoard
from simulator.collarhost.host import CollarHost
from simulator.collarhost.provision import provision
from simulator.collarhost.soc import Battery
from simulator.flash import Nor, Region
from simulator.flashing import BOARD_CHECK, PASSED
from simulator.link import Link
from simulator.motion import Still
from simulator.stage import HOST_ARCH, stage
from tests.simulator.collar_rig import SECOND_US, START_UTC_MS, real_interpreter

pytestmark = real_interpreter
COLLAR = {"device": 0x0C000007, "epoch": 2, "key": "11" * 32}
PROV, LOG = Region("prov", 0, 0x2000), Region("log", 0x2000, 0x10000)


async def check(tmp_path, *, flash_kib=4096, regions=None, spoil=None, **board):
    """Run the board test on a board; return its lines. `spoil(board)` breaks something before it starts.

    `regions`: the partitions of a flash without an identity.
    """
    stage(tmp_path / "board", HOST_ARCH)
    (tmp_path / "board" / "lib" / "esp.py").write_text(f"def flash_size():\n    return {flash_kib} * 1024\n")
    main = tmp_path / "board" / "main.py"
    main.write_text(BOARD_CHECK.read_text() + "\nimport machine\nmachine.deepsleep()\n")
    flash = provision(COLLAR, host="127.0.0.1", port=1) if regions is None else Nor(1 << 18, regions)
    made = SimBoard(0, Still(), flash=flash, **board)
    if spoil:
        spoil(made)

    async def no_radio(_utc_ms):
        raise AssertionError("a board test uses no radio")

    async with (
        Link("127.0.0.1", 1) as link,
        CollarHost(
            [made], link, on_radio_time=no_radio, staged=tmp_path / "board", log_folder=tmp_path / "logs",
            start_utc_ms=START_UTC_MS, until_us=600 * SECOND_US,
        ) as host,
    ):  # fmt: skip
        await host.run()
        return host.lives[0].log.read_text().splitlines()


async def test_a_sound_board_passes_every_check(tmp_path):
    lines = await check(tmp_path, odr_error_ppm=15_000)
    assert [line.split()[:2] for line in lines[:-1]] == [
        ["ok", name] for name in ("flash", "identity", "battery", "sensor", "fifo", "interrupt")
    ]
    assert lines[-1] == PASSED
    assert lines[0].endswith("log of 256 KiB at 8 KiB, flash of 4096 KiB")
    assert "boot counter 0, board esp32-c3" in lines[1]
    assert "LSM6DSOX at 0x6a" in lines[3]


async def test_no_key_is_ever_printed(tmp_path):
    assert "11" * 8 not in "".join(await check(tmp_path))


@pytest.mark.parametrize(
    ("broken", "failed", "advice"),
    [
        ({"regions": [PROV]}, "flash", "make flash-image TABLE=firmware/partitions-4MiB.csv"),
        ({"flash_kib": 128}, "flash", "log of 256 KiB at 8 KiB does not fit the flash of 128 KiB"),
        ({"regions": [PROV, LOG]}, "identity", "make flash-image TABLE=... PROV=..."),
        ({"odr_error_ppm": 300_000}, "fifo", "check the sensor's supply"),
        ({"battery": Battery(full_mv=300)}, "battery", "check the divider"),
        ({"spoil": lambda board: board.bus.chips.clear()}, "sensor", "SDA and SCL"),
        ({"spoil": lambda board: board.bus.hold_sda()}, "sensor", "SDA and SCL"),
        ({"int_gpio": 5}, "interrupt", "check the wire from INT1"),
    ],
    ids=["no log", "another table", "no identity", "faster than its trim says", "no cell", "no sensor",
         "stuck bus", "INT1 elsewhere"],
)  # fmt: skip
async def test_what_is_broken_is_named_with_what_to_do(tmp_path, broken, failed, advice):
    lines = await check(tmp_path, **broken)
    (line,) = [line for line in lines if line.startswith("FAIL")]
    assert line.split()[1] == failed
    assert advice in line
    assert lines[-1] == f"board-test: failed: {failed}"
