"""One image, three accelerometers: the flashed files on the real interpreter for a tenth of a day."""

from __future__ import annotations

import asyncio

import pytest

from herdcore import wire
from simulator.collarhost.board import SimBoard
from simulator.collarhost.host import CollarHost
from simulator.collarhost.provision import PASSWORD, SSID, provision
from simulator.link import Link
from simulator.motion import Still
from simulator.stage import stage
from simulator.trace import Trace
from tests.simulator.collar_rig import SECOND_US, START_UTC_MS, real_interpreter
from tests.simulator.test_host_firmware import COLLAR, AckingRelay

RUN_S = 8_640
BOARDS = [
    ("lsm6dsox", 1, "esp32-c3", None),
    ("lsm6dsox", 1, "esp32-c3-spi", 1),
    ("mpu6050", 2, "esp32-c3", None),
    ("lis2dw12", 3, "esp32-c3", None),
]


@real_interpreter
@pytest.mark.parametrize(("imu", "chip_id", "name", "cs_gpio"), BOARDS)
async def test_each_chip_fills_frames_on_the_real_interpreter(tmp_path, imu, chip_id, name, cs_gpio):
    relay, trace = AckingRelay(), Trace()

    async def tell(utc_ms):
        relay.utc_ms = utc_ms

    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    stage(tmp_path / "board")
    async with server, Link("127.0.0.1", server.sockets[0].getsockname()[1], trace=trace) as link:
        flash = provision(COLLAR, host="127.0.0.1", port=link.port, board=name)
        board = SimBoard(
            0, Still(0, 600, 800), flash=flash, imu=imu, spi_cs_gpio=cs_gpio,
            networks={SSID.encode(): PASSWORD.encode()},
        )  # fmt: skip
        async with CollarHost(
            [board], link, on_radio_time=tell, staged=tmp_path / "board", log_folder=tmp_path / "logs",
            start_utc_ms=START_UTC_MS, until_us=RUN_S * SECOND_US, trace=trace,
        ) as host:  # fmt: skip
            await host.run()
            assert host.lives[0].boots == 1, host.lives[0].log.read_text()[-3000:]
    windows = [w for f in relay.frames if f.kind == 0x11 for w in wire.unpack_windows(f.records)]
    (health,) = [wire.unpack_health(f.records) for f in relay.frames if f.kind == 0x14]
    assert (health.imu_chip, health.sensor_faults) == (chip_id, 0)
    assert RUN_S - 1800 < len(windows) * 5.12 < RUN_S
    assert {(w.mean_x_16mg, w.mean_y_16mg, w.mean_z_16mg) for w in windows} <= {
        (x, y, z) for x in (-1, 0) for y in (37, 38) for z in (49, 50)
    }
