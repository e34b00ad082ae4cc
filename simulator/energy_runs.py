"""Runs of the firmware for the energy ledger: which collar, which farm, how many days; and what comes of it.

Everything that leaves here is modelled and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from collar.checks import check_identity
from collar.settings import Identity, pack_identity
from herdcore import downlink
from herdcore import vocabulary as words
from simulator import energy
from simulator.collarhost.board import IDENTITY_REGION, SimBoard, new_flash
from simulator.collarhost.inprocess import InProcess, MemoryRelay
from simulator.collarhost.provision import PASSWORD, SSID
from simulator.coverage import DAY_US, coverage
from simulator.herd import Herd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.energy import Observed

_DEVICE, _KEY = 0x0C000001, bytes(range(32))
_LOG_BYTES = 0x18E000  # firmware/partitions-4MiB.csv
# In its first days a collar looks for the network more often than later, to learn when it is near: they are
# run too, and what they cost beyond the others is taken from the cell once. Outages come once a week.
DAYS = {"always": 2.0, "parlour": 3.0, "barn": 3.0, "outages": 7.0, "stations": 2.0}
FIRST_DAYS = {"always": 0.0, "parlour": 5.0, "barn": 5.0, "outages": 7.0, "stations": 5.0}


class Build(NamedTuple):
    """A collar as it may be built: chip, image and board, how it lives, how often it uploads."""

    name: str  # in vocabulary.PROFILE_NAMES
    soc: str
    image: str
    upload_s: int
    is_spi: bool = False  # the sensor's bus

    @property
    def board(self) -> str:
        """Its name in collar.board.BOARDS."""
        return f"esp32-{self.soc[-2:]}{'-spi' if self.is_spi else ''}"


BUILDS = {
    build.name: build
    for build in (
        Build("stock-light", "esp32c3", "stock", 900),
        Build("stock-deep", "esp32c3", "stock", 900),
        Build("frozen-deep", "esp32s3", "frozen", 3600, is_spi=True),
    )
}
PINS: Mapping[str, dict[str, Any]] = {  # SimBoard's, as collar.board.BOARDS has them
    "esp32-c3": {"scl_gpio": 6, "battery_gpio": 3, "led_gpio": 10},
    "esp32-s3": {"scl_gpio": 9, "battery_gpio": 1, "led_gpio": 48},
    "esp32-c3-spi": {"battery_gpio": 3, "led_gpio": 10, "spi_cs_gpio": 1},
    "esp32-s3-spi": {"battery_gpio": 1, "led_gpio": 48, "spi_cs_gpio": 10},
}


def observe(
    build: Build, where: str, days: float, seed: int, first_days: float = 0.0
) -> tuple[Observed, Observed]:
    """Let one collar of a herd live; return what its first days and the days after them came to.

    Raises CollarBrokenError.
    """
    near = coverage(where, seed, int(first_days + days) + 1)
    board = SimBoard(
        0, Herd.from_toml(seed=seed, cows=1).animals[0].motion, flash=_flash(build), seed=seed, soc=build.soc,
        image=build.image, coverage=near,
        networks={SSID.encode(): PASSWORD.encode()}, **PINS[build.board],
    )  # fmt: skip
    relay = MemoryRelay({_DEVICE: _KEY}, next_s=build.upload_s)
    host = InProcess(board, relay.answer, on_radio_time=relay.tell)
    host.run(int(first_days * DAY_US))
    first = energy.observe(board, len(relay.received) + relay.again)
    host.run(int((first_days + days) * DAY_US))
    whole = energy.observe(board, len(relay.received) + relay.again)
    return first, whole.since(first) if first_days else whole


def _flash(build: Build) -> Any:
    profile = words.PROFILE_NAMES.index(build.name)
    settings = downlink.NO_SETTINGS._replace(number=1, upload_s=build.upload_s, profile=profile)
    identity = Identity(
        device=_DEVICE, key=_KEY, epoch=1, boot=0, ssid=SSID, password=PASSWORD, host="127.0.0.1", port=1,
        tls_pin=b"", upload_s=build.upload_s, board=build.board, settings=downlink.encode_settings(settings),
    )  # fmt: skip
    check_identity(identity)
    flash = new_flash(_LOG_BYTES)
    flash.partition(IDENTITY_REGION.label).program(0, pack_identity(identity, 1))
    return flash


def run(build: Build, where: str, *, days: float | None, seed: int, kernels: str = "viper") -> dict[str, Any]:
    """Return one run and what it predicts, as JSON has it.

    `days` None: as many as the coverage wants, after its first days; else these, from the first on.
    """
    first_days = FIRST_DAYS[where] if days is None else 0.0
    first, observed = observe(build, where, DAYS[where] if days is None else days, seed, first_days)
    constants = energy.load_constants(build.soc)
    average_ma = energy.average_ma(observed, constants, kernels)
    once_mah = 0.0
    if first_days:
        once_mah = max(0.0, energy.average_ma(first, constants, kernels) - average_ma) * 24 * first_days
    usable_mah = constants["capacity_mah"].value * constants["usable_share"].value
    return {
        "status": "modelled",
        "profile": build.name,
        "soc": build.soc,
        "board": build.board,
        "image": build.image,
        "upload_s": build.upload_s,
        "coverage": where,
        "kernels": kernels,
        "seed": seed,
        "days": observed.total_s / 86_400,
        "sessions": observed.sessions,
        "frames": observed.frames,
        "boots": observed.boots,
        "wakes": observed.wakes,
        "average_ma": average_ma,
        "first_days": first_days,
        "first_days_extra_mah": once_mah,
        "months": energy.months(observed, constants, kernels) * (1 - once_mah / usable_mah),
        "months_if_doubled": energy.doubled(observed, constants, kernels),
        "months_instead": [
            {**other._asdict(), "months": energy.months_with(observed, constants, *other[:2], kernels)}
            for other in energy.load_instead()
        ],
        "rows": [
            {**row._asdict(), "charge_mc": row.charge_mc}
            for row in energy.ledger(observed, constants, kernels)
        ],
        "constants": {name: constant._asdict() for name, constant in constants.items()},
    }


def lines(made: Mapping[str, Any]) -> list[str]:
    """Return a run as a page for the terminal."""
    total_mc = sum(row["charge_mc"] for row in made["rows"])
    what = f"{made['profile']} on {made['board']}, upload every {made['upload_s'] // 60} min"
    came = (
        f"{made['sessions']} sessions, {made['frames']} frames, {made['boots']} boots, {made['wakes']} wakes"
    )
    if made["first_days"]:
        came += f"; {made['first_days']:.0f} days before cost {made['first_days_extra_mah']:.0f} mAh more"
    said = [
        f"MODELLED, not measured: {what}, network near: {made['coverage']}",
        f"  {made['days']:.2f} days, seed {made['seed']}: {came}",
        f"  {'state':<26} {'s':>12} {'mA':>9} {'mC':>12} {'share':>7}  constants are",
    ]
    said += [
        f"  {row['state']:<26} {row['duration_s']:>12.2f} {row['ma']:>9.4f} {row['charge_mc']:>12.1f} "
        f"{row['charge_mc'] / total_mc:>7.1%}  {row['kind']}"
        for row in made["rows"]
    ]
    cell_mah = made["constants"]["capacity_mah"]["value"]
    said.append(
        f"  mean {made['average_ma']:.3f} mA: {made['months']:.1f} months on {cell_mah} mAh (modelled)"
    )
    said.append("  months if one constant were twice as large (modelled):")
    said += [f"    {name:<32} {value:>6.1f}" for name, value in made["months_if_doubled"].items()]
    said.append("  months with another value (modelled):")
    said += [
        f"    {other['name']:<32} {other['months']:>6.1f}  at {other['value']}: {other['source']}"
        for other in made["months_instead"]
        if other["name"] in made["constants"]
    ]
    return said
