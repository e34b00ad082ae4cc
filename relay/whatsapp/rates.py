"""The dated rate file: which market a phone number is in, and what a message there costs."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = "rates.toml"


class RatesError(ValueError):
    """A rate file that cannot be used; the message names the row and what was wanted."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one message of a category costs in a market from `valid_from` on. `source`: a tag of the file."""

    market: str
    category: str
    usd_micros: int
    valid_from: date
    source: str


@dataclass(frozen=True, slots=True)
class Rates:
    """A rate file. `codes`: calling code -> market; `sources`: tag -> where its rates are from."""

    rates: tuple[Rate, ...]
    codes: Mapping[str, str] = field(repr=False)
    sources: Mapping[str, str] = field(repr=False)
    free_service: int
    otherwise: str
    checked_on: date

    def market(self, phone: str) -> str:
        """Return the market of a number with its country code; that of the longest code it begins with."""
        digits = "".join(each for each in phone if each.isascii() and each.isdigit())
        found = (self.codes[digits[:size]] for size in range(4, 0, -1) if digits[:size] in self.codes)
        return next(found, self.otherwise)

    def rate(self, market: str, category: str, on: date) -> Rate | None:
        """Return what holds on that day: the market's own rate, else that of all others; None without one."""
        for where in (market, self.otherwise):
            held = [
                each
                for each in self.rates
                if (each.market, each.category) == (where, category) and each.valid_from <= on
            ]
            if held:
                return max(held, key=lambda each: each.valid_from)
        return None

    def stale(self, today: date) -> str:
        """Return what to do about rates that Meta may have changed since they were looked at; "" if none."""
        quarter = date(today.year, 1 + (today.month - 1) // 3 * 3, 1)
        if self.checked_on >= quarter:
            return ""
        return (
            f"rates were checked on {self.checked_on}, and a quarter began on {quarter}: Meta may have "
            f"changed them; compare {_FILE} with the rate card"
        )


@cache
def packaged() -> Rates:
    """Return the rates that come with the relay."""
    return read((resources.files("relay") / "whatsapp" / _FILE).read_text(encoding="utf-8"))


def read(text: str) -> Rates:
    """Read a rate file (TOML). Raises RatesError, naming the row."""
    try:
        table = tomllib.loads(text)
        codes = {code: market for market, some in table["markets"].items() for code in some}
        rates = tuple(rate for row in table["rate"] for rate in _rates(row, table))
        return Rates(
            rates, codes, table["sources"], table["free_service_messages"], table["otherwise"],
            table["checked_on"],
        )  # fmt: skip
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise RatesError(f"{_FILE}: {type(error).__name__} {error}") from error


def _rates(row: dict[str, Any], table: dict[str, Any]) -> list[Rate]:
    valid_from, source = row["valid_from"], row["source"]
    if valid_from.day != 1 or valid_from.month % 3 != 1:
        raise RatesError(f"{_FILE}: valid_from = {valid_from}, want the first day of a quarter")
    if source not in table["sources"]:
        raise RatesError(f"{_FILE}: source = {source!r}, want one of {', '.join(table['sources'])}")
    for market, usd_micros in row["usd_micros"].items():
        if market not in table["markets"] or type(usd_micros) is not int or not 0 <= usd_micros <= 1_000_000:
            raise RatesError(f"{_FILE}: {market} = {usd_micros}, want a market and 0..1000000")
    return [
        Rate(market, category, usd_micros, valid_from, source)
        for category in row["categories"]
        for market, usd_micros in row["usd_micros"].items()
    ]
