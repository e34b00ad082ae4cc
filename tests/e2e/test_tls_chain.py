"""A collar that trusts one certificate: the flashed files, their real TLS, the real relay behind it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, NamedTuple

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from collar.retained import Retained
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from simulator.clock import START_UTC_MS
from simulator.collarhost.board import SimBoard
from simulator.collarhost.host import CollarHost
from simulator.collarhost.provision import provision
from simulator.link import Link
from simulator.motion import Still
from simulator.stage import HOST_ARCH, stage
from tests.relay.process import Served, herdbell, write_settings

if TYPE_CHECKING:
    from pathlib import Path

    from relay.model import LoggedFrame

DEVICE = 0x0C000007
PART_US = int(0.03 * 86_400) * 1_000_000
# In the past for the interpreter's TLS, which asks the machine's clock; long after a board's power-on time.
BEGINS = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.timeout(120)


@dataclass
class Certificate:
    """A self-signed one for 127.0.0.1, with its key in a file beside it."""

    path: Path
    key_path: Path
    der: bytes


def make_certificate(folder, name) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(BEGINS + timedelta(days=40 * 365))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, key_path = folder / f"{name}.pem", folder / f"{name}.key"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    key_path.touch(mode=0o600)
    key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Certificate(path, key_path, made.public_bytes(Encoding.DER))


async def set_up(folder):
    """Write a relay's settings and register one collar; return (settings, the collar's provisioning)."""
    settings = write_settings(folder, '[clock]\nsource = "simulated"\n')
    code, text = await herdbell(settings, "farm", "add", "High Field", "--json")
    assert code == 0, text
    rows = folder / "collars.csv"
    rows.write_text(f"number,name,device\n7,Bella,{DEVICE}\n")
    farm = str(json.loads(text)["id"])
    code, text = await herdbell(settings, "collar", "add", "--farm", farm, "--from", str(rows))
    assert code == 0, text
    return settings, json.loads(text)


def showing(settings, certificate) -> Served:
    """`herdbell serve` under a certificate."""
    names = {"CERT": certificate.path, "KEY": certificate.key_path}
    tls = {f"HERDBELL_SERVER_TLS_{name}_FILE": str(path) for name, path in names.items()}
    return Served(settings, **tls)


async def tell_time(link, trusted, utc_ms):
    """Tell the relay behind the link, which shows a certificate in the file `trusted`, the simulated time."""
    answer = await asyncio.to_thread(
        requests.post, f"https://127.0.0.1:{link.relay[1]}/simulation/clock", json={"utc_ms": utc_ms},
        verify=trusted, timeout=30,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text


async def stored_frames(settings) -> list[LoggedFrame]:
    """What a relay that has stopped has on its disk: through the link, TLS hides it."""
    config = load_config(settings)
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as log:
        return [row for partition in await log.heads() for row in await log.read(partition, 0, 10_000)]


class Part(NamedTuple):
    """What there was at the end of one part of a collar's life."""

    stored: list[LoggedFrame]
    sessions: int
    failed_in_row: int
    last_ack_ms: int


@dataclass
class Lived:
    """What came of one collar's life."""

    board: SimBoard
    parts: list[Part]
    log: Path


async def live(tmp_path, *, pinned, shown) -> Lived:
    """Let a collar that pins a certificate live 0.03 days with a relay under each of `shown` in turn."""
    stage(tmp_path / "board", HOST_ARCH)
    settings, collar = await set_up(tmp_path)
    trusted = tmp_path / "trusted.pem"
    trusted.write_text("".join(certificate.path.read_text() for certificate in shown))
    async with Link("127.0.0.1", 0) as link:
        flash = provision(collar, host="127.0.0.1", port=link.port, tls_pin=pinned.der)
        lived = Lived(SimBoard(0, Still(), flash=flash, seed=1), [], tmp_path / "logs/collar-001.log")
        async with CollarHost(
            [lived.board], link, on_radio_time=partial(tell_time, link, str(trusted)),
            staged=tmp_path / "board", log_folder=tmp_path / "logs", start_utc_ms=START_UTC_MS, until_us=0,
        ) as host:  # fmt: skip
            for certificate in shown:
                host.until_us += PART_US
                async with showing(settings, certificate) as relay:
                    link.relay = ("127.0.0.1", relay.port)
                    await host.run()
                    await relay.stop()
                kept = Retained(lived.board.retained)
                stored = await stored_frames(settings)
                lived.parts.append(Part(stored, link.sessions, kept["attempt"], kept["last_ack_ms"]))
    return lived


async def test_frames_come_in_under_the_pinned_certificate_by_a_clock_lifted_to_its_beginning(tmp_path):
    certificate = make_certificate(tmp_path, "relay")
    lived = await live(tmp_path, pinned=certificate, shown=[certificate])
    (end,) = lived.parts
    assert len(end.stored) >= 6
    assert end.failed_in_row == 0
    assert end.last_ack_ms > START_UTC_MS
    assert lived.log.read_text() == ""
    clock = YEAR_2000 + timedelta(microseconds=lived.board.rtc_us)
    assert BEGINS < clock < BEGINS + timedelta(microseconds=PART_US)


async def test_another_certificate_gets_nothing_and_the_collar_backs_off_and_keeps_its_data(tmp_path):
    pinned, stranger = make_certificate(tmp_path, "relay"), make_certificate(tmp_path, "stranger")
    lived = await live(tmp_path, pinned=pinned, shown=[stranger, pinned])
    refused, end = lived.parts
    assert (refused.stored, refused.last_ack_ms) == ([], 0)
    assert refused.failed_in_row == refused.sessions >= 3
    assert end.failed_in_row == 0
    assert sorted(frame.seq for frame in end.stored) == list(range(len(end.stored)))
    assert min(frame.up_s for frame in end.stored) < 60
    assert lived.log.read_text() == ""
