"""Guards for the whole suite: one module object per file, loopback only, logging as it was."""

from __future__ import annotations

import ipaddress
import logging
import socket
from pathlib import Path

import pytest
import structlog

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser):
    """Name the board that tests/collar/test_drivers.py runs its cases on."""
    parser.addoption("--port", default="", help="a board's device, as in --port=/dev/ttyACM0")


@pytest.fixture(scope="session", autouse=True)
def _the_checkout_is_what_is_tested():
    """Each package lies in this checkout: a stale installed copy would test yesterday's code."""
    import collar
    import herdcore
    import relay
    import simulator

    for package in (herdcore, collar, relay, simulator):
        assert Path(package.__file__).resolve().is_relative_to(ROOT), package.__file__


@pytest.fixture(scope="session", autouse=True)
def _no_network_beyond_loopback():
    """Whatever connects elsewhere fails with the address in the message."""
    patch = pytest.MonkeyPatch()
    real = socket.socket.connect

    def connect(self, address):
        if (
            self.family in (socket.AF_INET, socket.AF_INET6)
            and not ipaddress.ip_address(address[0]).is_loopback
        ):
            raise AssertionError(f"a test connects to {address!r}: loopback only")
        return real(self, address)

    patch.setattr(socket.socket, "connect", connect)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _logging_is_left_as_it_was():
    """A test that starts a program in this process, and with it its log, hands nothing on to the next."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def data_folder():
    """The folder with the recordings of real cows, or a loud skip."""
    import os

    folder = Path(os.environ.get("HERDBELL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            f"recordings not found at {folder}: set HERDBELL_DATA to the folder that holds wasp-cow-collar"
        )
    return folder
