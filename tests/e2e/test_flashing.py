"""From a checkout to a board without a board: esptool on a boot loader, mpremote on a pseudo terminal."""

from __future__ import annotations

import hashlib
import json
import os
import random
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from collar.settings import load_identity
from herdcore import auth
from simulator.__main__ import main
from simulator.clock import START_UTC_MS
from simulator.collarhost.board import IDENTITY_REGION, SimBoard
from simulator.collarhost.host import CollarHost
from simulator.collarhost.provision import PASSWORD, SSID
from simulator.flash import Nor
from simulator.link import Link
from simulator.motion import Still
from simulator.partition_table import read_table
from simulator.ptyboard import PtyBoard
from simulator.stage import manifest, stage
from tests.relay.scene import ROOT_KEY, Scene
from tests.simulator.test_host_firmware import Blocks

ROOT = Path(__file__).resolve().parents[2]
LOADER = "from esp32_mock_bootloader.cli import main; main()"
DEVICE = 0x0C000007
KEY = auth.collar_key(ROOT_KEY, DEVICE, 0)
TABLE = """# name, type, subtype, offset, size
nvs,      data, nvs,     0x9000,   0x6000
factory,  app,  factory, 0x10000,  0x1F0000
vfs,      data, fat,     0x200000, 1M
prov,     data, 0x40,    0x3FE000, 8K
"""


def sim(*arguments, **settings):
    """Run a herdbell-sim command as a maker does; return the finished process."""
    command = [sys.executable, "-m", "simulator", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, **settings)


def mpremote(port, *arguments, cwd=None):
    """Run mpremote, unmodified, against a port; return the finished process."""
    command = [sys.executable, "-m", "mpremote", "connect", port, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd)


@contextmanager
def pty_board(folder):
    """A board at a pseudo terminal, served by a thread; yields its port."""
    with PtyBoard(folder) as board:
        serving = threading.Thread(target=board.serve)
        serving.start()
        try:
            yield board.port
        finally:
            board.stop()
            serving.join()


@pytest.fixture
def port(tmp_path):
    with pty_board(tmp_path / "files") as port:
        yield port


def provisioned(folder, *extra, host="127.0.0.1", relay_port=8080):
    """Let the command write one collar's identity; return (finished process, image)."""
    collars = folder / "collars.json"
    collars.write_text(json.dumps({"device": DEVICE, "epoch": 0, "key": KEY.hex(), "animal": 3}) + "\n")
    done = sim(
        "provision", str(collars), "--host", host, "--port", str(relay_port), "--ssid", SSID,
        "--password", PASSWORD, "--out", str(folder / "prov"), *extra,
    )  # fmt: skip
    return done, folder / "prov" / f"collar-{DEVICE}.bin"


def flash_with(image):
    """Return a flash whose prov partition holds an image, as esptool leaves it."""
    flash = Nor(IDENTITY_REGION.size, (IDENTITY_REGION,))
    flash.partition("prov").program(0, image)
    return flash


# the pseudo terminal


def test_mpremote_evaluates_on_the_real_interpreter(port):
    done = mpremote(port, "exec", "import sys; print(sys.implementation.name, 6 * 7)")
    assert (done.returncode, done.stdout.strip()) == (0, "micropython 42")


def test_an_exception_on_the_board_is_mpremotes_failure(port):
    done = mpremote(port, "exec", "1/0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout


def test_a_soft_reset_forgets_what_was_in_memory_and_keeps_the_files(port):
    mpremote(port, "resume", "exec", "kept = 1; open('note', 'w').write('here')")
    assert mpremote(port, "resume", "eval", "kept").stdout.strip() == "1"
    assert mpremote(port, "soft-reset").returncode == 0
    assert "NameError" in mpremote(port, "resume", "eval", "kept").stdout
    assert mpremote(port, "eval", "open('/note').read()").stdout.strip() == "here"


def test_a_program_that_never_ends_is_interrupted_by_the_next_connection(port):
    mpremote(port, "exec", "--no-follow", "while True: pass")
    assert mpremote(port, "eval", "3").stdout.strip() == "3"


def test_a_tree_arrives_with_every_byte_and_inside_the_folder(tmp_path, port):
    written = stage(tmp_path / "staged")
    done = mpremote(port, "fs", "cp", "-r", "lib", "boot.py", "main.py", ":/", cwd=tmp_path / "staged")
    assert done.returncode == 0, done.stderr
    files = tmp_path / "files"
    arrived = manifest(files, sorted(path for path in files.rglob("*") if path.is_file()))
    assert arrived == manifest(tmp_path / "staged", written)


def test_the_board_command_prints_its_port_and_ends_when_told(tmp_path):
    command = [sys.executable, "-m", "simulator", "board", str(tmp_path / "files")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as board:
        named = board.stdout.readline().strip()
        assert mpremote(named, "eval", "1 + 1").stdout.strip() == "2"
        board.terminate()
        assert board.wait(10) == 0


# esptool


@pytest.fixture
def loader(tmp_path):
    """The boot loader of an ESP32-C3 with 4 MiB, on loopback; yields its URL."""
    command = [sys.executable, "-u", "-c", LOADER, "run", "--chip", "esp32c3", "--port", "0"]
    own = {**os.environ, "ESP32_MOCK_BOOTLOADER_STATE_DIR": str(tmp_path / "loader")}
    with subprocess.Popen(
        command, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        listening = running.stdout.readline()
        assert " listening on " in listening, listening
        yield f"socket://{listening.split()[-1]}"
        running.kill()


def esptool(url, *arguments):
    """Run esptool, unmodified; return the finished process."""
    command = [sys.executable, "-m", "esptool", "--chip", "esp32c3", "--port", url]
    return subprocess.run(
        [*command, "--before", "no-reset", "--after", "no-reset", *arguments],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_image_table_and_identity_are_written_where_they_belong_and_verify(tmp_path, loader):
    image, table = tmp_path / "micropython.bin", tmp_path / "table.csv"
    image.write_bytes(b"\xe9" + random.Random(1).randbytes(100_000))
    table.write_text(TABLE)
    _, prov = provisioned(tmp_path)
    done = sim(
        "flash-image", "--port", loader, "--image", str(image), "--table", str(table), "--prov", str(prov)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Hash of data verified") == 3
    verified = esptool(loader, "verify-flash", "0x3FE000", str(prov))
    assert verified.returncode == 0, verified.stdout
    spoilt = tmp_path / "spoilt.bin"
    spoilt.write_bytes(prov.read_bytes()[:-1] + b"\x00")
    assert esptool(loader, "verify-flash", "0x3FE000", str(spoilt)).returncode != 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to write"),
        (("--image", "absent.bin"), "no such file: absent.bin"),
        (("--prov", "any.bin"), "an identity needs the partition table too"),
    ],
)
def test_flash_image_refuses_what_it_cannot_write_before_it_writes(arguments, words):
    done = sim("flash-image", "--port", "socket://127.0.0.1:1", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("herdbell-sim: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_image_that_would_run_into_the_next_partition_is_refused(tmp_path):
    image, table = tmp_path / "micropython.bin", tmp_path / "table.csv"
    image.write_bytes(bytes(0x200001))
    table.write_text(TABLE)
    done = sim("flash-image", "--port", "socket://127.0.0.1:1", "--image", str(image), "--table", str(table))
    assert done.returncode == 1
    assert "micropython.bin ends at 0x200001, the table's application slot at 0x200000" in done.stderr


# the whole way


async def test_a_flashed_and_provisioned_board_sends_a_frame_that_a_relay_stores(tmp_path):
    with pty_board(tmp_path / "files") as port:
        done = sim("flash", "--port", port)
        assert done.returncode == 0, done.stdout + done.stderr
    async with Scene(tmp_path / "relay", devices=(DEVICE,)) as relay:
        async with Link("127.0.0.1", relay.port) as link:
            _, image = provisioned(tmp_path, relay_port=link.port)
            board = SimBoard(0, Still(), networks={SSID.encode(): PASSWORD.encode()})
            board.flash.partition("prov").program(0, image.read_bytes())
            async with CollarHost(
                [board], link, on_radio_time=no_wait, staged=tmp_path / "files", log_folder=tmp_path / "logs",
                start_utc_ms=START_UTC_MS, until_us=2 * 3600 * 1_000_000,
            ) as host:  # fmt: skip
                await host.run()
        assert {device for device, *_ in await relay.stored()} == {DEVICE}


async def no_wait(_utc_ms):
    """The relay of this test has a clock of its own."""


def test_flashing_again_compiled_leaves_no_source_that_would_be_taken_instead(tmp_path, port):
    sim("flash", "--port", port, "--source")
    (tmp_path / "files" / "settings.txt").write_text("the maker's own")
    done = sim("flash", "--port", port)
    assert done.returncode == 0, done.stdout + done.stderr
    suffixes = {path.suffix for path in (tmp_path / "files" / "lib").rglob("*") if path.is_file()}
    assert suffixes == {".mpy"}
    assert (tmp_path / "files" / "settings.txt").exists()
    done = mpremote(port, "eval", "__import__('herdcore.frames').frames.frame_kind(4)")
    assert done.stdout.strip() == "20"


# the identity


def test_provision_writes_what_the_firmware_loads_for_its_owner_only(tmp_path):
    done, image = provisioned(tmp_path, "--board", "esp32-s3", "--boot", "41", host="10.0.0.9")
    assert (done.returncode, done.stdout.strip()) == (0, str(image))
    assert KEY.hex() not in done.stdout + done.stderr
    assert stat.S_IMODE(image.stat().st_mode) == 0o600
    identity = load_identity(Blocks(flash_with(image.read_bytes())))
    assert (identity.device, identity.key, identity.boot, identity.board) == (DEVICE, KEY, 41, "esp32-s3")
    assert (identity.host, identity.ssid, identity.password) == ("10.0.0.9", SSID, PASSWORD)


def test_an_identity_image_overwrites_both_copies_of_an_earlier_life(tmp_path):
    _, image = provisioned(tmp_path)
    assert image.stat().st_size == IDENTITY_REGION.size


def test_an_identity_out_of_bounds_names_collar_field_and_bound(tmp_path):
    done, image = provisioned(tmp_path, "--upload-s", "10")
    assert (done.returncode, image.exists()) == (1, False)
    assert done.stderr.strip() == f"herdbell-sim: collar {DEVICE}: upload_s=10 outside 60..86400"


# what goes wrong at the desk


@pytest.mark.parametrize("command", ["flash", "flash-image", "repl", "board-test"])
def test_no_port_and_no_such_device_are_one_line_each(command):
    for port, words in (
        ("", f"which board? make {command} PORT="),
        ("/dev/ttyNONE", "no such device: /dev/tty"),
    ):
        result = CliRunner().invoke(main, [command, "--port", port])
        assert result.exit_code == 1
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_missing_tool_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr("simulator.flashing.importlib.util.find_spec", lambda _name: None)
    result = CliRunner().invoke(main, ["repl", "--port", "/dev/null"])
    assert result.stderr == "herdbell-sim: mpremote is missing: pip install 'herdbell[flash]'\n"


def test_board_test_says_in_one_line_why_nothing_can_be_checked(tmp_path, port):
    done = sim("board-test", "--port", port)
    assert done.returncode == 1
    assert done.stdout.strip() == (
        "board-test: the collar's files are not on the board: make flash PORT=... first"
    )
    sim("flash", "--port", port)
    done = sim("board-test", "--port", port)
    assert done.returncode == 1
    assert done.stdout.strip() == (
        "board-test: no module named 'esp32': this is no ESP32, so nothing of the hardware can be checked"
    )


# the partition table


def test_a_tables_bytes_carry_offsets_sizes_and_a_checksum(tmp_path):
    from simulator.partition_table import TABLE_BYTES, to_bytes

    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    raw = to_bytes(read_table(path))
    assert len(raw) == TABLE_BYTES
    assert raw[96:128].startswith(b"\xaa\x50\x01\x40\x00\xe0\x3f\x00\x00\x20\x00\x00prov\x00")
    assert raw[128:160] == b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(raw[:128]).digest()
    assert set(raw[160:]) == {0xFF}


@pytest.mark.parametrize("flash_mib", [4, 8])
def test_the_tables_of_both_boards_have_room_for_the_identity_that_is_made(flash_mib):
    entries = read_table(ROOT / "firmware" / f"partitions-{flash_mib}MiB.csv")
    assert {e.label: e.size for e in entries}["prov"] == IDENTITY_REGION.size
    assert max(e.offset + e.size for e in entries) <= flash_mib << 20


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("log, data, 0x41, 0x3FF000, 4K", "log at 0x3ff000 begins before 0x400000"),
        ("app, app, ota_0, 0x401000, 64K", "app at 0x401000, 0x10000 bytes: want multiples of 0x10000"),
        ("prov, data, 0x40, 0x400000, 4K", "a second partition called prov"),
        ("x, data, fatt, 0x400000, 4K", "'fatt' is none of"),
        ("x, data", "line 6"),
    ],
)
def test_a_table_no_boot_loader_would_take_is_refused_with_its_line(tmp_path, line, words):
    path = tmp_path / "table.csv"
    path.write_text(TABLE + line + "\n")
    with pytest.raises(ValueError, match=words):
        read_table(path)
