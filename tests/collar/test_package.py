"""What makers follow: the list for mip, the list of the frozen build, the recipe for an identity."""

from __future__ import annotations

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from collar import VERSION
from simulator.stage import HOST_ONLY
from tests.upy.harness import run_upy

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
LIB = FIRMWARE / "lib"
LIBRARY = sorted(
    path.relative_to(LIB).as_posix()
    for path in LIB.rglob("*.py")
    if path.relative_to(LIB).with_suffix("").as_posix() not in HOST_ONLY
)


def recorded(into, name):
    def call(path, files=None, base_path=".", opt=0):
        into.append((name, path, files and sorted(files), base_path))

    return call


class Silent(SimpleHTTPRequestHandler):
    """Serves a folder and keeps no log."""

    def log_message(self, format, *args):
        """Say nothing."""


@pytest.fixture
def web():
    """Serve firmware/ on a free port of loopback; return its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=FIRMWARE)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_mip_on_micropython_installs_every_library_file_unchanged(web, tmp_path):
    script = tmp_path / "install.py"
    script.write_text(
        f"import mip\nmip.install('{web}/package.json', target='{tmp_path}/board', mpy=False)\n"
    )
    done = run_upy(script)
    assert done.returncode == 0, done.stdout + done.stderr
    board = tmp_path / "board"
    assert sorted(path.relative_to(board).as_posix() for path in board.rglob("*.*")) == LIBRARY
    assert all((board / name).read_bytes() == (LIB / name).read_bytes() for name in LIBRARY)


def test_the_package_index_and_the_code_name_one_version():
    assert json.loads((FIRMWARE / "package.json").read_text())["version"] == ".".join(map(str, VERSION))


def test_the_frozen_build_holds_the_ports_own_modules_every_package_and_main():
    calls = []
    names = {name: recorded(calls, name) for name in ("include", "package", "module")}
    exec((FIRMWARE / "manifest.py").read_text(), names)
    assert calls == [
        ("include", "$(PORT_DIR)/boards/manifest.py", None, "."),
        ("package", "herdcore", [n[9:] for n in LIBRARY if n.startswith("herdcore/")], "lib"),
        ("package", "collar", [n[7:] for n in LIBRARY if n.startswith("collar/")], "lib"),
        ("module", "main.py", None, "."),
    ]
