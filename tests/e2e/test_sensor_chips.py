"""One image, three accelerometers: compiled files on the real interpreter, the driver cases at a port."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from herdcore import wire
from simulator.chips.faults import FaultKind, inject
from simulator.collarhost.board import Ended, Refused, SimBoard
from simulator.collarhost.bridge import ANSWER, FED, REQUEST, Ask, Code
from simulator.collarhost.host import CollarHost
from simulator.collarhost.process import FAKES
from simulator.collarhost.provision import PASSWORD, SSID, provision
from simulator.link import Link
from simulator.motion import Still
from simulator.ptyboard import PtyBoard
from simulator.stage import HOST_ARCH, stage
from simulator.trace import Trace
from tests.collar.cases_drivers import CASES
from tests.simulator.collar_rig import SECOND_US, START_UTC_MS, real_interpreter
from tests.simulator.test_host_firmware import COLLAR, AckingRelay

ROOT = Path(__file__).resolve().parents[2]
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
    stage(tmp_path / "board", HOST_ARCH)
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
    healths = [wire.unpack_health(f.records) for f in relay.frames if f.kind == 0x14]
    assert {(health.imu_chip, health.sensor_faults) for health in healths} == {(chip_id, 0)}
    assert RUN_S - 1800 < len(windows) * 5.12 < RUN_S
    assert {(w.mean_x_16mg, w.mean_y_16mg, w.mean_z_16mg) for w in windows} <= {
        (x, y, z) for x in (-1, 0) for y in (37, 38) for z in (49, 50)
    }


# the driver cases over a port


class BridgedBoard:
    """A pty board with our own machine module: its pins and buses are a simulated board's.

    Use as a context manager; `port` is for mpremote. One life of the program follows another on one SimBoard.
    """

    def __init__(self, folder, board, monkeypatch):
        self._sim = board
        self._server = socket.create_server(("127.0.0.1", 0))
        monkeypatch.setenv("SIM_BRIDGE", f"{self._server.getsockname()[1]}:token")
        stage(folder, HOST_ARCH)
        for path in FAKES.glob("*.py"):
            text = path.read_text()
            connect = "\n_connect()\n" if path.name == "_bridge.py" else ""
            (folder / "lib" / path.name).write_text(text + connect)
        self._pty = PtyBoard(folder)

    def __enter__(self):
        self.port = self._pty.__enter__().port
        self._threads = [Thread(target=self._pty.serve), Thread(target=self._accept)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._pty.stop()
        self._threads[0].join()
        self._pty.__exit__(*exc)
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._threads[1].join()

    def _accept(self):
        with suppress(OSError):  # closed: the end
            while True:
                life, _ = self._server.accept()
                with life, life.makefile("rb") as calls:
                    self._live(life, calls)

    def _live(self, life, calls):
        """Answer one interpreter until it leaves, or its life is over."""
        while len(head := calls.read(REQUEST.size)) == REQUEST.size:
            n, *words = REQUEST.unpack(head)
            ask = Ask(*words, calls.read(n))
            try:
                value, data = self._sim.call(ask)
            except Refused as error:
                life.sendall(ANSWER.pack(0, error.status, 0, self._sim.uptime_us()))
            except Ended as end:
                self._sim.reboot(end.cause)
                return
            else:
                extra = bytes(self._sim.retained) if ask.code & ~FED == Code.HELLO else b""
                life.sendall(ANSWER.pack(len(data), 0, value, self._sim.uptime_us()) + data + extra)


@real_interpreter
@pytest.mark.parametrize(("imu", "name", "cs_gpio"), [(imu, name, cs) for imu, _, name, cs in BOARDS])
def test_the_driver_cases_run_on_a_board_at_a_port(tmp_path, monkeypatch, imu, name, cs_gpio):
    flash = provision(COLLAR, host="127.0.0.1", port=1, board=name)
    board = SimBoard(0, Still(0, 600, 800), flash=flash, imu=imu, spi_cs_gpio=cs_gpio)
    with BridgedBoard(tmp_path / "files", board, monkeypatch) as bridged:
        done = driver_cases(bridged.port)
    assert done.returncode == 0, done.stdout
    assert f"{len(CASES)} passed" in done.stdout
    assert "skipped" in done.stdout


@real_interpreter
def test_a_board_with_a_chip_that_lies_fails_the_case_that_sees_it(tmp_path, monkeypatch):
    flash = provision(COLLAR, host="127.0.0.1", port=1)
    board = SimBoard(0, Still(0, 600, 800), flash=flash, imu="lis2dw12")
    inject(FaultKind.WRONG_SCALE, board.chip, board.bus, 0)
    with BridgedBoard(tmp_path / "files", board, monkeypatch) as bridged:
        done = driver_cases(bridged.port)
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert "gravity [" in done.stdout


def driver_cases(port):
    """Run the driver cases on the board at a port, as a maker does; return the finished process."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/collar/test_drivers.py"]
    return subprocess.run([*command, f"--port={port}"], cwd=ROOT, capture_output=True, text=True, timeout=100)
