"""The energy ledger: how long a simulated board was in each state, times a current with a source.

Durations come from the board's own events in a run of the firmware (see energy_runs.py); currents from
energy.toml. Computing and sockets cost no virtual time, so what they take is a constant there too.
Every result is modelled: nothing here has been measured on a collar.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from herdcore.vocabulary import WINDOW_MS
from simulator.collarhost import meter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.collarhost.board import SimBoard

_TABLE = Path(__file__).resolve().parent / "energy.toml"
KINDS = ("measured", "datasheet", "estimated")
HOURS_PER_MONTH = 730.6
KERNELS = ("viper", "bytecode")  # what the hot loops are compiled to; a board that runs viper has the first


class Constant(NamedTuple):
    """One number of energy.toml; its unit is the end of its name."""

    value: float
    kind: str
    source: str


class Instead(NamedTuple):
    """Another value that a constant may well have."""

    name: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What a run came to: s by state (meter.STATES) and of the LED, and how often what happened.

    `sessions` reached a network, `frames` were sent, `boots` are all resets and wakes from deep sleep,
    `wakes` rounds of the states, `reads` those of flash; `image` is what booted, "stock" or "frozen".
    """

    times_s: Mapping[str, float]
    sessions: int = 0
    frames: int = 0
    boots: int = 0
    wakes: int = 0
    reads: int = 0
    led_s: float = 0.0
    image: str = "stock"

    @property
    def total_s(self) -> float:
        """How long the board lived."""
        return sum(self.times_s.values())

    def since(self, earlier: Observed) -> Observed:
        """Return what came after `earlier` in the same run."""
        return Observed(
            {state: self.times_s[state] - earlier.times_s[state] for state in self.times_s},
            self.sessions - earlier.sessions, self.frames - earlier.frames, self.boots - earlier.boots,
            self.wakes - earlier.wakes, self.reads - earlier.reads, self.led_s - earlier.led_s, self.image,
        )  # fmt: skip


class Row(NamedTuple):
    """One line of the ledger. `kind` is the weakest of its constants' kinds."""

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


def load_instead() -> list[Instead]:
    """Return the other values of energy.toml."""
    return [Instead(**entry) for entry in tomllib.loads(_TABLE.read_text(encoding="utf-8"))["instead"]]


def observe(board: SimBoard, frames: int) -> Observed:
    """Return what a board's meter shows."""
    shown = board.meter
    times_s = {state: us / 1_000_000 for state, us in shown.times_us.items()}
    # A deep sleep and the short light one until the drain are one round of the states.
    deep = shown.boots - 1
    return Observed(
        times_s, shown.joins, frames, shown.boots, max(deep, board.sleeps - deep), shown.reads,
        shown.led_us / 1_000_000, board.image,
    )  # fmt: skip


def ledger(observed: Observed, constants: Mapping[str, Constant], kernels: str = "viper") -> list[Row]:
    """Return the rows; those of LED, sensor and board run beside the states. `kernels`: one of KERNELS."""
    times, total = observed.times_s, observed.total_s

    def row(state: str, duration_s: float, *names: str) -> Row:
        chosen = [constants[name] for name in names if name.endswith("_ma")]
        kind = max((constants[name].kind for name in names), key=KINDS.index)
        return Row(state, duration_s, sum(c.value for c in chosen), kind)

    def each(state: str, count: float, took: str, *currents: str) -> Row:
        return row(state, count * constants[took].value, took, *currents)

    windows = total / (WINDOW_MS / 1000)
    image, kernel = observed.image, f"kernel_{kernels}_s_per_window"
    return [
        row(f"boot, {image} image", times[meter.BOOT], f"boot_{image}_ma"),
        each("imports", observed.boots, f"load_{image}_s", "cpu_ma"),
        each("restore after deep sleep", observed.boots, "restore_s", "cpu_ma"),
        each("wakes", observed.wakes, "wake_s", "cpu_ma"),
        row("CPU on, waiting", times[meter.CPU], "cpu_ma"),
        each(f"features, {kernels}", windows, kernel, "cpu_ma"),
        each("rest of a window", windows, "rest_s_per_window", "cpu_ma"),
        each("packing and signing", observed.frames, "frame_s", "wifi_rx_ma"),
        each("reading flash", observed.reads, "flash_read_s", "cpu_ma"),
        row("I2C, CPU on", times[meter.I2C], "cpu_ma", "i2c_extra_ma"),
        row("flash, CPU on", times[meter.FLASH], "cpu_ma", "flash_extra_ma"),
        row("light sleep", times[meter.LIGHT_SLEEP], "light_sleep_ma"),
        row("deep sleep", times[meter.DEEP_SLEEP], "deep_sleep_ma"),
        row("Wi-Fi search and join", times[meter.WIFI_JOIN], "wifi_join_ma"),
        row("Wi-Fi joined", times[meter.WIFI_ON], "wifi_rx_ma"),
        each("Wi-Fi request", observed.sessions, "wifi_post_s", "wifi_rx_ma"),
        each("Wi-Fi TX", observed.frames, "wifi_tx_s_per_frame", "wifi_tx_ma"),
        row("LED", observed.led_s, "led_ma"),
        row("sensor", total, "imu_ma"),
        row("board leak", total, "board_leak_ma"),
    ]


def average_ma(observed: Observed, constants: Mapping[str, Constant], kernels: str = "viper") -> float:
    """Return the mean current, mA. Raises ValueError for a run without any time in it."""
    if observed.total_s <= 0:
        raise ValueError("no time passed: there is nothing to average")
    return sum(row.charge_mc for row in ledger(observed, constants, kernels)) / observed.total_s


def months(observed: Observed, constants: Mapping[str, Constant], kernels: str = "viper") -> float:
    """Return how long the cell lasts at that mean current, with its own discharge, in months (modelled)."""
    capacity_mah = constants["capacity_mah"].value
    lost_ma = capacity_mah * constants["self_discharge_share_per_month"].value / HOURS_PER_MONTH
    usable_mah = capacity_mah * constants["usable_share"].value
    return usable_mah / (HOURS_PER_MONTH * (average_ma(observed, constants, kernels) + lost_ma))


def months_with(
    observed: Observed, constants: Mapping[str, Constant], name: str, value: float, kernels: str = "viper"
) -> float:
    """Return the months if one constant had another value."""
    return months(observed, {**constants, name: constants[name]._replace(value=value)}, kernels)


def doubled(
    observed: Observed, constants: Mapping[str, Constant], kernels: str = "viper"
) -> dict[str, float]:
    """Return the months if one constant were twice as large, worst first, for those that matter at all."""
    skipped = {"capacity_mah", "usable_share"}
    as_is = months(observed, constants, kernels)
    found = {
        name: months_with(observed, constants, name, 2 * constant.value, kernels)
        for name, constant in constants.items()
        if name not in skipped
    }
    return dict(sorted(((n, m) for n, m in found.items() if m != as_is), key=lambda item: item[1]))
