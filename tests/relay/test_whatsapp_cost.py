"""What messages cost: market by number, rate by date, the free ones shared, and what is guessed said so."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from relay.alerts.words import LANGUAGES, words
from relay.clock import FollowedClock
from relay.model import DeliveryStatus, Message, Priced
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from relay.whatsapp.cost import Cost, CostGauge, cost_of, dollars, market, month_line, month_of, month_span
from relay.whatsapp.rates import RatesError, packaged, read

NOVEMBER_MS = 1_793_491_200_000  # 2026-11-01


def row(count, *, farm=1, where="Germany", category="utility", kind="regular", month="2026-11"):
    return Priced(month, farm, where, category, kind, count)


# markets


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("+49 170 0000000", "Germany"),
        ("15550100001", "North America"),
        ("18095550100", "Rest of Latin America"),
        ("351900000000", "Rest of Western Europe"),
        ("923000000000", "Pakistan"),
        ("77000000000", "Other"),
        ("9990000000", "Other"),
        ("", "Other"),
    ],
    ids=["spaces", "one digit", "longer one", "three digits", "no rate", "not +7", "none", "empty"],
)
def test_the_longest_calling_code_decides_the_market(phone, expected):
    assert market(phone) == expected


@given(st.text())
def test_any_text_has_a_market(text):
    assert market(text)


def test_no_calling_code_is_in_two_markets():
    codes = [code for some in _table("markets").values() for code in some]
    assert len(codes) == len(set(codes))


def _table(name):
    text = (resources.files("relay") / "whatsapp" / "rates.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)[name]


# rates


def test_every_packaged_rate_says_from_when_it_holds_and_where_it_is_from():
    assert {each.source for each in packaged().rates} == set(packaged().sources)
    assert {each.valid_from for each in packaged().rates} == {date(2026, 7, 1), date(2026, 10, 1)}


FILE = """
checked_on = 2026-11-22
free_service_messages = 10
otherwise = "Other"
[markets]
Here = ["1"]
Other = []
[sources]
card = "a card"
[[rate]]
categories = ["utility"]
valid_from = 2026-07-01
source = "card"
usd_micros = { Here = 100, Other = 7 }
[[rate]]
categories = ["utility"]
valid_from = 2027-01-01
source = "card"
usd_micros = { Here = 200 }
"""


@pytest.mark.parametrize(
    ("where", "on", "usd_micros"),
    [("Here", date(2026, 12, 31), 100), ("Here", date(2027, 1, 1), 200), ("There", date(2027, 1, 1), 7)],
)
def test_the_rate_of_the_day_holds_and_a_market_without_one_has_that_of_others(where, on, usd_micros):
    assert read(FILE).rate(where, "utility", on).usd_micros == usd_micros


def test_before_the_first_rate_and_for_an_unknown_category_there_is_none():
    assert read(FILE).rate("Here", "utility", date(2026, 6, 30)) is None
    assert read(FILE).rate("Here", "marketing", date(2027, 1, 1)) is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("valid_from = 2026-07-01", "valid_from = 2026-08-01", "valid_from = 2026-08-01, want the first day"),
        ('source = "card"', 'source = "hearsay"', "source = 'hearsay', want one of card"),
        ("Here = 100", "Where = 100", "Where = 100, want a market and 0..1000000"),
        ("Here = 100", "Here = 0.1", "Here = 0.1, want a market"),
        ("checked_on = 2026-11-22", "", "KeyError 'checked_on'"),
        ("[markets]", "[markets", "TOMLDecodeError"),
    ],
)
def test_a_rate_file_that_cannot_be_right_is_refused(old, new, message):
    with pytest.raises(RatesError, match=message.replace("[", r"\[")):
        read(FILE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("today", "is_stale"),
    [(date(2026, 11, 30), False), (date(2026, 12, 31), False), (date(2027, 1, 1), True)],
)
def test_rates_are_stale_once_a_quarter_began_after_they_were_checked(today, is_stale):
    words = read(FILE).stale(today)
    assert bool(words) is is_stale
    assert not words or "checked on 2026-11-22, and a quarter began on 2027-01-01" in words


# sums


def test_a_month_costs_count_times_rate_by_category_and_market():
    cost = cost_of([row(150), row(10, where="India"), row(3, category="authentication")])
    assert (cost.month, cost.count, cost.usd) == ("2026-11", 163, "8.43")
    assert cost.by_category == {"utility": 150 * 55_000 + 10 * 1_400, "authentication": 165_000}
    assert (cost.estimated, cost.unpriced) == (0, 0)


def test_a_month_without_messages_costs_nothing():
    assert cost_of([]) == Cost()
    assert cost_of([row(5, farm=2)], farm_id=1).usd_micros == 0


def test_months_are_not_added_up():
    with pytest.raises(ValueError, match="rows of 2026-10, 2026-11, want one month"):
        cost_of([row(1), row(1, month="2026-10")])


def test_the_first_thousand_service_messages_are_free_for_all_farms_together():
    rows = [row(900, category="service"), row(300, farm=2, category="service"), row(100, farm=2)]
    assert cost_of(rows).by_category["service"] == 200 * 55_000
    assert cost_of(rows, 1).usd_micros == 900 * 55_000 * 200 // 1200
    assert cost_of(rows, 2).by_category == {"service": 300 * 55_000 * 200 // 1200, "utility": 5_500_000}
    assert cost_of([row(1000, category="service")]).usd_micros == 0


def test_what_meta_itself_calls_free_uses_up_the_free_ones_and_costs_nothing():
    rows = [row(600, category="service", kind="free_customer_service"), row(500, category="service")]
    assert cost_of(rows).usd_micros == 100 * 55_000
    assert cost_of([row(9, kind="free_entry_point"), row(9, category="referral_conversion")]).usd_micros == 0


def test_a_market_without_a_rate_is_priced_as_other_and_counted_as_a_guess():
    cost = cost_of([row(10, where="Pakistan"), row(5, where=""), row(2)])
    assert cost.estimated == 10
    assert cost.usd_micros == 15 * 7_700 + 2 * 55_000
    assert {line.market: line.priced_as for line in cost.lines} == {
        "Germany": "Germany", "Other": "Other", "Pakistan": "Other",
    }  # fmt: skip


def test_a_category_without_a_rate_is_counted_and_not_added():
    cost = cost_of([row(4, category="marketing"), row(1)])
    assert (cost.count, cost.unpriced, cost.usd_micros) == (5, 4, 55_000)


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 4), st.sampled_from(["utility", "service"]))))
def test_the_farms_shares_never_come_to_more_than_the_whole(counts):
    rows = [row(count, farm=farm, category=category) for count, farm, category in counts]
    parts = sum(cost_of(rows, farm).usd_micros for farm in range(1, 5))
    assert 0 <= cost_of(rows).usd_micros - parts < 4


@pytest.mark.parametrize(
    ("usd_micros", "text"),
    [(0, "0.00"), (4_999, "0.00"), (5_000, "0.01"), (8_250_000, "8.25"), (99_999_999, "100.00")],
)
def test_dollars_are_rounded_to_cents(usd_micros, text):
    assert dollars(usd_micros) == text


def test_a_month_is_utc():
    assert month_of(NOVEMBER_MS) == "2026-11"
    assert month_of(NOVEMBER_MS - 1) == "2026-10"
    assert month_span("2026-11") == (NOVEMBER_MS, NOVEMBER_MS + 30 * 86_400_000)
    assert month_span("2026-12")[1] == month_span("2027-01")[0]
    for wrong in ("november", "2026-13", "2026", ""):
        with pytest.raises(ValueError, match="want one like 2026-11"):
            month_span(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_digest_says_the_cost_in_its_language(language):
    line = month_line(cost_of([row(150)]), words(language))
    assert "150" in line
    assert ("8,25" in line) is (language in ("de", "es", "pt_BR"))
    assert month_line(cost_of([]), words(language)) == ""


# metrics


@pytest.fixture
async def storage(tmp_path):
    async with SqliteStorage.open(tmp_path / "state", Vault(bytes(32))) as storage:
        for farm_id in (1, 2):
            await storage.add_farm(f"Farm {farm_id}", bytes(32))
            await storage.add_person(farm_id, "Alex", "+15550100001", consent_ms=1, consent_text="opt-in")
        yield storage


async def sent(storage, count, month, *, farm=1, where="Germany"):
    """Send that many messages in a month and let Meta price them."""
    at_ms = month_span(month)[0] + 1
    ids = [f"{month}|{farm}|{number}" for number in range(count)]
    await storage.queue([Message(each, farm, 1, None, "alert", {}, at_ms, 2 * at_ms) for each in ids])
    await storage.claim(at_ms, count)
    await storage.apply_statuses(
        [DeliveryStatus(each, None, "sent", at_ms, None, where, "utility", "regular") for each in ids]
    )


async def test_metrics_show_this_month_and_the_last_one_by_farm(storage):
    registry = CollectorRegistry()
    gauge = CostGauge(storage, FollowedClock(NOVEMBER_MS + 5), registry)
    assert b"herdbell_whatsapp_cost_usd{" not in generate_latest(registry)
    for count, month in ((9, "2026-09"), (4, "2026-10"), (2, "2026-11")):
        await sent(storage, count, month)
    await sent(storage, 1, "2026-11", farm=2, where="India")
    await gauge.refresh()
    lines = [line for line in generate_latest(registry).decode().splitlines() if line[0] != "#"]
    assert lines == [
        'herdbell_whatsapp_cost_usd{farm="1",month="2026-10"} 0.22',
        'herdbell_whatsapp_cost_usd{farm="1",month="2026-11"} 0.11',
        'herdbell_whatsapp_cost_usd{farm="2",month="2026-11"} 0.0014',
        'herdbell_whatsapp_priced_messages{farm="1",month="2026-10"} 4.0',
        'herdbell_whatsapp_priced_messages{farm="1",month="2026-11"} 2.0',
        'herdbell_whatsapp_priced_messages{farm="2",month="2026-11"} 1.0',
    ]


async def test_an_old_rate_file_is_told_once_a_day_and_only_where_it_counts(storage, caplog):
    clock = FollowedClock(month_span("2027-01")[0])
    gauge = CostGauge(storage, clock)
    await gauge.refresh()
    assert caplog.messages == []
    await sent(storage, 1, "2027-01")
    await gauge.refresh()
    await gauge.refresh()
    clock.advance(clock.now_ms() + 86_400_000)
    await gauge.refresh()
    assert [text[:16] for text in caplog.messages] == ["rates were check", "rates were check"]
