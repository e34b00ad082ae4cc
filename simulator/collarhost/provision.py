"""A collar's identity as it lies in flash, from what `herdbell collar add` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collar.checks import check_identity
from collar.settings import Identity, pack_identity
from simulator.collarhost.board import IDENTITY_REGION, LOG_BYTES, new_flash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.flash import Nor

SSID, PASSWORD = "herdbell-sim", "simulated"  # the simulated access point takes anybody
UPLOAD_S = 900


def identity_of(
    collar: Mapping[str, Any], *, host: str, port: int, board: str = "esp32-c3", tls_pin: bytes = b"",
    upload_s: int = UPLOAD_S,
) -> Identity:  # fmt: skip
    """Return the identity of a collar that has never booted. Raises SettingsError naming field and bound.

    `collar`: "device", "epoch" and "key" (64 hex digits); what else stands in it is not for the collar.
    """
    identity = Identity(
        device=int(collar["device"]), key=bytes.fromhex(collar["key"]), epoch=int(collar["epoch"]), boot=0,
        ssid=SSID, password=PASSWORD, host=host, port=port, tls_pin=tls_pin, upload_s=upload_s, board=board,
        settings=b"",
    )  # fmt: skip
    check_identity(identity)
    return identity


def provision(
    collar: Mapping[str, Any], *, host: str, port: int, log_bytes: int = LOG_BYTES, **settings: Any
) -> Nor:
    """Return a flash whose "prov" partition holds the identity (see identity_of). Raises SettingsError.

    `log_bytes`: size of its "log"; that of a real board stands in firmware/partitions-*.csv.
    """
    flash = new_flash(log_bytes)
    image = pack_identity(identity_of(collar, host=host, port=port, **settings), counter=1)
    flash.partition(IDENTITY_REGION.label).program(0, image)
    return flash
