"""What messages cost: by farm and month, from the prices in delivery statuses and the dated rate file.

List prices: Meta's volume discounts are not in it, so the bill may be lower. Meta bills by the account's own
time zone; months here are UTC.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from babel.numbers import format_currency
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from relay.whatsapp import rates as rate_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client import CollectorRegistry

    from relay.alerts.words import Words
    from relay.clock import Clock
    from relay.model import Priced
    from relay.storage.ports import Store
    from relay.whatsapp.rates import Rates

_LOG = logging.getLogger(__name__)
SERVICE = "service"
_FREE_TYPES = frozenset({"free_customer_service", "free_entry_point"})
_FREE_CATEGORIES = frozenset({"referral_conversion"})
_HOUR_MS = 3_600_000
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """What messages of one category to one market cost. `priced_as`: whose rate it is, "" without any."""

    market: str
    category: str
    count: int
    usd_micros: int
    priced_as: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a month cost, in millionths of a US dollar; `by_category` likewise.

    `estimated`: messages to markets without a rate of their own. `unpriced`: messages of a category that
    has no rate at all; they are in `count`, not in `usd_micros`.
    """

    month: str = ""
    usd_micros: int = 0
    count: int = 0
    by_category: Mapping[str, int] = field(default_factory=dict)
    estimated: int = 0
    unpriced: int = 0
    lines: tuple[Line, ...] = ()

    @property
    def usd(self) -> str:
        """The sum as people write it: "8.25"."""
        return dollars(self.usd_micros)


def dollars(usd_micros: int) -> str:
    """Return an amount in dollars and cents, rounded half up: "8.25"."""
    cents = (usd_micros + 5_000) // 10_000
    return f"{cents // 100}.{cents % 100:02}"


def market(phone: str) -> str:
    """Return the market of a phone number with its country code, "Other" if none is known."""
    return rate_file.packaged().market(phone)


def cost_of(priced: Sequence[Priced], farm_id: int | None = None, rates: Rates | None = None) -> Cost:
    """Return what a farm's messages of one month cost; those of all farms for None.

    priced: the month's rows of every farm: the free service messages belong to the number, and each farm
    has its share of them. Raises ValueError for rows of several months.
    """
    months = {each.month for each in priced}
    if len(months) > 1:
        raise ValueError(f"rows of {', '.join(sorted(months))}, want one month")
    if not priced:
        return Cost()
    rates = rates or rate_file.packaged()
    share = _charged_share(priced, rates.free_service)
    chosen = [each for each in priced if farm_id in (None, each.farm_id)]
    return _sum(months.pop(), _lines(chosen, share, rates))


def _charged_share(priced: Sequence[Priced], free: int) -> tuple[int, int]:
    """Return how many of how many service messages are paid for, those that Meta calls free left out."""
    service = [each for each in priced if each.category == SERVICE]
    given = sum(each.count for each in service if _is_free(each))
    billed = sum(each.count for each in service) - given
    return max(0, billed - max(0, free - given)), billed


def _is_free(row: Priced) -> bool:
    return row.type in _FREE_TYPES or row.category in _FREE_CATEGORIES


def _lines(priced: Iterable[Priced], share: tuple[int, int], rates: Rates) -> list[Line]:
    counts: dict[tuple[str, str, bool], int] = defaultdict(int)
    for row in priced:
        counts[row.market or rates.otherwise, row.category, _is_free(row)] += row.count
        on = date.fromisoformat(f"{row.month}-01")
    return [_line(*key, count, share, rates, on) for key, count in sorted(counts.items())]


def _line(
    where: str, category: str, is_free: bool, count: int, share: tuple[int, int], rates: Rates, on: date
) -> Line:
    if is_free:
        return Line(where, category, count, 0, where)
    rate = rates.rate(where, category, on)
    if rate is None:
        return Line(where, category, count, 0, "")
    usd_micros = count * rate.usd_micros
    if category == SERVICE:
        usd_micros = usd_micros * share[0] // share[1]
    return Line(where, category, count, usd_micros, rate.market)


def _sum(month: str, lines: Sequence[Line]) -> Cost:
    by_category: dict[str, int] = defaultdict(int)
    for line in lines:
        by_category[line.category] += line.usd_micros
    return Cost(
        month,
        sum(by_category.values()),
        sum(line.count for line in lines),
        dict(by_category),
        sum(line.count for line in lines if line.priced_as not in ("", line.market)),
        sum(line.count for line in lines if not line.priced_as),
        tuple(lines),
    )


def month_line(cost: Cost, catalogue: Words) -> str:
    """Return how a digest says what the month has cost so far; "" if nothing was sent."""
    if not cost.count:
        return ""
    usd = format_currency(Decimal(cost.usd_micros) / _MICROS, "USD", locale=catalogue.language)
    return catalogue.say("digest", "cost", count=cost.count, usd=usd)


def month_of(at_ms: int) -> str:
    """Return the UTC month of a moment: "2026-11"."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m}"


def month_span(month: str) -> tuple[int, int]:
    """Return when a UTC month begins and ends, in ms. Raises ValueError unless it reads like 2026-11."""
    try:
        begin = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"month={month!r}, want one like 2026-11") from error
    end = (begin + timedelta(days=31)).replace(day=1)
    return int(begin.timestamp()) * 1000, int(end.timestamp()) * 1000


class CostGauge(Collector):
    """Shows this month's cost and the last one's by farm, read from the store every hour by `run()`."""

    def __init__(self, storage: Store, clock: Clock, registry: CollectorRegistry | None = None) -> None:
        self._storage, self._clock = storage, clock
        self._costs: dict[tuple[int, str], Cost] = {}
        self._warned_on = date.min
        if registry:
            registry.register(self)

    async def run(self) -> None:
        """Read again every hour, until cancelled."""
        while True:
            await self.refresh()
            await self._clock.wait_until(self._clock.now_ms() + _HOUR_MS)

    async def refresh(self) -> None:
        """Read what is to be shown; say once a day that the rate file is old, if it is."""
        now_ms = self._clock.now_ms()
        this = month_of(now_ms)
        begin_ms, _ = month_span(this)
        self._costs = {}
        for month in (month_of(begin_ms - 1), this):
            rows = await self._storage.priced(None, *month_span(month))
            for farm_id in {row.farm_id for row in rows}:
                self._costs[farm_id, month] = cost_of(rows, farm_id)
        self._warn(datetime.fromtimestamp(now_ms / 1000, UTC).date())

    def _warn(self, today: date) -> None:
        if today != self._warned_on and (words := rate_file.packaged().stale(today)) and self._costs:
            _LOG.warning("%s", words)
            self._warned_on = today

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Hand prometheus_client the numbers."""
        usd = GaugeMetricFamily(
            "herdbell_whatsapp_cost_usd", "List price of the month's messages", labels=["farm", "month"]
        )
        messages = GaugeMetricFamily(
            "herdbell_whatsapp_priced_messages", "Messages that price is for", labels=["farm", "month"]
        )
        for (farm_id, month), cost in sorted(self._costs.items()):
            usd.add_metric([str(farm_id), month], cost.usd_micros / _MICROS)
            messages.add_metric([str(farm_id), month], cost.count)
        yield usd
        yield messages
