"""The energy ledger: how long a simulated board was in each state, times a current with a source.

Durations come from the board's own events in a run of the firmware; currents from energy.toml. Sockets cost
no virtual time, so a session's time on the air and the features' computing time are constants there too.
Every result is modelled: nothing here has been measured on a collar.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from herdcore.vocabulary import WINDOW_MS
from simulator.collarhost import meter
from simulator.demo import Demo, DemoError, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.collarhost.meter import Meter

_TABLE = Path(__file__).resolve().parent / "energy.toml"
KINDS = ("measured", "datasheet", "estimated")
HOURS_PER_MONTH = 730.6
PROFILE = "stock-light"  # the only one the firmware has; what it cannot run has no months
ADDRESS = "DHCP"  # how the firmware gets its address


class Constant(NamedTuple):
    """One number of energy.toml; its unit is the end of its name."""

    value: float
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What a run came to: s by state (meter.STATES), sessions that reached a network, frames sent."""

    times_s: Mapping[str, float]
    sessions: int
    frames: int

    @property
    def total_s(self) -> float:
        """How long the board lived."""
        return sum(self.times_s.values())


class Row(NamedTuple):
    """One line of the ledger. `kind` is the weaker of its constants' kinds."""

    state: str
    duration_s: float
    ma: float
    kind: str

    @property
    def charge_mc(self) -> float:
        """Charge, mC."""
        return self.duration_s * self.ma


def load_constants(soc: str) -> dict[str, Constant]:
    """Return the constants of one chip by name. Raises ValueError for a chip or a kind that is not known."""
    tables = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    if soc not in tables:
        raise ValueError(f"no currents for {soc!r} in {_TABLE.name}")
    merged = {**tables["cell"], **tables["common"], **tables[soc]}
    constants = {name: Constant(**entry) for name, entry in merged.items()}
    for name, constant in constants.items():
        if constant.kind not in KINDS or not constant.source or constant.value <= 0:
            raise ValueError(
                f"{_TABLE.name}: {name} wants a value above 0, a source, and one kind of {KINDS}"
            )
    return constants


def observe(board_meter: Meter, frames: int) -> Observed:
    """Return what a board's meter shows."""
    times_s = {state: us / 1_000_000 for state, us in board_meter.times_us.items()}
    return Observed(times_s, board_meter.joins, frames)


def ledger(observed: Observed, constants: Mapping[str, Constant]) -> list[Row]:
    """Return the rows; those of the sensor and the board run beside the states, for the whole time."""
    times, total = observed.times_s, observed.total_s

    def row(state: str, duration_s: float, *names: str) -> Row:
        chosen = [constants[name] for name in names if name.endswith("_ma")]
        kind = max((constants[name].kind for name in names), key=KINDS.index)
        return Row(state, duration_s, sum(c.value for c in chosen), kind)

    def took(name: str) -> float:
        return constants[name].value

    windows = total / (WINDOW_MS / 1000)
    return [
        row("boot", times[meter.BOOT], "boot_ma"),
        row("CPU on", times[meter.CPU], "cpu_ma"),
        row("CPU on, features", windows * took("feature_s_per_window"), "cpu_ma", "feature_s_per_window"),
        row("I2C, CPU on", times[meter.I2C], "cpu_ma", "i2c_extra_ma"),
        row("light sleep", times[meter.LIGHT_SLEEP], "light_sleep_ma"),
        row("deep sleep", times[meter.DEEP_SLEEP], "deep_sleep_ma"),
        row(f"Wi-Fi connect ({ADDRESS})", times[meter.WIFI_JOIN], "wifi_join_ma"),
        row(
            "Wi-Fi RX", times[meter.WIFI_ON] + observed.sessions * took("wifi_post_s"),
            "wifi_rx_ma", "wifi_post_s",
        ),
        row(
            "Wi-Fi TX", observed.frames * took("wifi_tx_s_per_frame"),
            "wifi_tx_ma", "wifi_tx_s_per_frame",
        ),
        row("sensor", total, "imu_ma"),
        row("board leak", total, "board_leak_ma"),
    ]  # fmt: skip


def average_ma(observed: Observed, constants: Mapping[str, Constant]) -> float:
    """Return the mean current, mA. Raises ValueError for a run without any time in it."""
    if observed.total_s <= 0:
        raise ValueError("no time passed: there is nothing to average")
    return sum(row.charge_mc for row in ledger(observed, constants)) / observed.total_s


def months(observed: Observed, constants: Mapping[str, Constant]) -> float:
    """Return how long the cell lasts at that mean current, with its own discharge, in months (modelled)."""
    capacity_mah = constants["capacity_mah"].value
    lost_ma = capacity_mah * constants["self_discharge_share_per_month"].value / HOURS_PER_MONTH
    usable_mah = capacity_mah * constants["usable_share"].value
    return usable_mah / (HOURS_PER_MONTH * (average_ma(observed, constants) + lost_ma))


def doubled(observed: Observed, constants: Mapping[str, Constant]) -> dict[str, float]:
    """Return the months if one constant were twice what it is said to be, by constant, worst first."""
    skipped = {"capacity_mah", "usable_share"}
    found = {
        name: months(observed, {**constants, name: constant._replace(value=2 * constant.value)})
        for name, constant in constants.items()
        if name not in skipped
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))


def record(observed: Observed, constants: Mapping[str, Constant], soc: str, seed: int) -> dict[str, Any]:
    """Return everything as JSON has it."""
    return {
        "status": "modelled",
        "profile": PROFILE,
        "soc": soc,
        "seed": seed,
        "address": ADDRESS,
        "days": observed.total_s / 86_400,
        "sessions": observed.sessions,
        "frames": observed.frames,
        "average_ma": average_ma(observed, constants),
        "months": months(observed, constants),
        "months_if_doubled": doubled(observed, constants),
        "rows": [{**row._asdict(), "charge_mc": row.charge_mc} for row in ledger(observed, constants)],
        "constants": {name: constant._asdict() for name, constant in constants.items()},
    }


def lines(made: Mapping[str, Any]) -> list[str]:
    """Return a record as a page for the terminal."""
    total_mc = sum(row["charge_mc"] for row in made["rows"])
    run_of = f"{made['profile']} on {made['soc']}, {made['days']:.2f} days, seed {made['seed']}"
    said = [
        f"MODELLED, not measured: {run_of}, {made['sessions']} uploads, {made['frames']} frames",
        f"  {'state':<24} {'s':>12} {'mA':>9} {'mC':>12} {'share':>7}  current is",
    ]
    said += [
        f"  {row['state']:<24} {row['duration_s']:>12.2f} {row['ma']:>9.4f} {row['charge_mc']:>12.1f} "
        f"{row['charge_mc'] / total_mc:>7.1%}  {row['kind']}"
        for row in made["rows"]
    ]
    cell_mah = made["constants"]["capacity_mah"]["value"]
    said.append(
        f"  mean {made['average_ma']:.3f} mA: {made['months']:.1f} months on {cell_mah} mAh (modelled)"
    )
    said.append("  months if one constant were twice as large (modelled):")
    said += [f"    {name:<32} {value:>6.1f}" for name, value in made["months_if_doubled"].items()]
    said.append("  stock-deep, frozen-deep: the firmware cannot run them yet, so there is no figure for them")
    return said


async def run(days: float, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Let one collar live with a relay near by; return the record. Raises DemoError."""
    options = replace(Options(), collars=1, sick=0, days=days, seed=seed, relay_port=0, phone_port=0)
    async with Demo(options, say) as demo:
        result = await demo.run_day()
        assert demo.host is not None
        board = demo.host.lives[0].board
        if not board.meter.joins:
            raise DemoError(f"--days {days}: no upload in that time, so nothing to predict from")
        observed = observe(board.meter, result.frames_sent)
    return record(observed, load_constants("esp32c3"), "esp32c3", seed)
