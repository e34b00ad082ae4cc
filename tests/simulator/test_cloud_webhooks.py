"""The fake calls back as Meta does: signed, in batches, twice, in disorder, late, and for seven days."""

from __future__ import annotations

import asyncio

import pytest

from simulator.cloud_person import Person
from tests.simulator.cloud_scene import PHONE, open_sky, template_message

DAY_MS = 86_400_000


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        yield sky


async def gathered(sky, messages, **how):
    """Send while nobody is called, then let it all out as told."""
    for name, value in how.items():
        setattr(sky.cloud.webhooks.how, name, value)
    sky.cloud.webhooks.how.paused = True
    for at in range(messages):
        await sky.post(template_message(to=f"1555000{at:04d}", biz_opaque_callback_data=f"m{at}"))
    sky.cloud.webhooks.how.paused = False
    await sky.cloud.settle()
    return sky.ear.values("statuses")


async def test_a_webhook_is_sent_again_by_the_fakes_clock_until_it_is_answered_with_200(sky):
    sky.ear.script = [500, 200, 404, 200]
    await sky.post(template_message())
    await sky.cloud.settle()
    assert [one["status"] for one in sky.ear.values("statuses")] == ["sent", "delivered"]
    await sky.later(1000)
    await sky.later(4000)
    assert [one["status"] for one in sky.ear.values("statuses")] == ["sent", "delivered", "sent", "sent"]
    assert (sky.cloud.webhooks.refused, sky.cloud.webhooks.delivered) == (2, 2)


async def test_a_webhook_nobody_takes_is_given_up_after_seven_days(sky):
    sky.ear.script = [503] * 10_000
    sky.cloud.webhooks.how.batch = 10
    await sky.post(template_message())
    for _ in range(8 * 24):
        await sky.later(3_600_000)
    assert sky.cloud.webhooks.given_up == 1
    tried = len(sky.ear.heard)
    await sky.later(DAY_MS)
    assert (len(sky.ear.heard), sky.cloud.webhooks.waiting) == (tried, False)


async def test_a_relay_that_is_away_hears_it_when_it_is_back_at_another_address(sky):
    url, sky.cloud.webhooks.url = sky.cloud.webhooks.url, "http://127.0.0.1:9/nobody"
    await sky.post(template_message())
    await sky.cloud.settle()
    sky.cloud.webhooks.url = url
    await sky.later(1000)
    assert [one["status"] for one in sky.ear.values("statuses")] == ["sent", "delivered"]


async def test_a_batch_holds_a_thousand_items_and_only_one_more_makes_two(sky):
    sky.cloud.limits.mps = sky.cloud.limits.users = 10_000
    statuses = await gathered(sky, 501, batch=1000)
    assert len(statuses) == 1002
    assert [len(change["value"]["statuses"]) for change in sky.ear.changes] == [1000, 2]


async def test_neighbours_of_a_kind_share_a_change_and_webhooks_are_doubled_and_reversed(sky):
    how = sky.cloud.webhooks.how
    how.batch, how.copies, how.reverse, how.paused = 10, 2, True, True
    await sky.post(template_message())
    await sky.hear()
    how.paused = False
    await sky.cloud.settle()
    assert len(sky.ear.heard) == 2
    kinds = [next(k for k in one["value"] if k in {"messages", "statuses"}) for one in sky.ear.changes[:2]]
    assert kinds == ["messages", "statuses"]
    assert [one["status"] for one in sky.ear.values("statuses")] == ["delivered", "sent"] * 2


async def test_disorder_is_drawn_by_seed_and_loses_nothing():
    async def order(seed):
        async with open_sky() as sky:
            statuses = await gathered(sky, 20, shuffle=True, seed=seed)
            return [(one["biz_opaque_callback_data"], one["status"]) for one in statuses]

    first = await order(1)
    assert first == await order(1)
    assert first != await order(2)
    assert sorted(first) == sorted((f"m{at}", status) for at in range(20) for status in ("sent", "delivered"))


async def test_a_delayed_item_leaves_when_the_clock_says_so(sky):
    sky.cloud.webhooks.how.delay_ms = 60_000
    await sky.post(template_message())
    await sky.later(59_999)
    assert sky.ear.heard == []
    await sky.later(1)
    assert len(sky.ear.heard) == 2


async def test_statuses_can_come_without_the_people_they_are_about(sky):
    await sky.post(template_message())
    await sky.cloud.settle()
    assert [one["wa_id"] for one in sky.ear.values("contacts")] == [PHONE, PHONE]
    sky.cloud.webhooks.how.contacts = False
    sky.ear.heard.clear()
    await sky.post(template_message())
    await sky.cloud.settle()
    assert (len(sky.ear.values("statuses")), sky.ear.values("contacts")) == (2, [])


async def test_a_price_comes_with_sent_and_delivered_and_not_with_read(sky):
    await sky.post(template_message())
    Person(sky.cloud).look(sky.cloud.phones.get(PHONE))
    await sky.cloud.settle()
    prices = {one["status"]: one.get("pricing") for one in sky.ear.values("statuses")}
    paid = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
    assert prices == {"sent": paid, "delivered": paid, "read": None}


async def test_fields_of_the_account_come_as_changes_of_their_own(sky):
    sky.cloud.webhooks.how.batch = 10
    sky.cloud.webhooks.how.paused = True
    value = {"display_phone_number": "15550100000", "event": "DOWNGRADE", "current_limit": "TIER_250"}
    sky.cloud.webhooks.put_field("phone_number_quality_update", value)
    sky.cloud.webhooks.put_field("account_update", {"event": "DISABLED_UPDATE"})
    sky.cloud.webhooks.how.paused = False
    await sky.cloud.settle()
    assert len(sky.ear.heard) == 1
    assert sky.ear.fields("phone_number_quality_update") == [value]
    assert sky.ear.fields("account_update") == [{"event": "DISABLED_UPDATE"}]


async def test_without_a_url_everything_waits_and_nobody_is_held_up(sky):
    url, sky.cloud.webhooks.url = sky.cloud.webhooks.url, None
    await sky.post(template_message())
    await sky.cloud.settle()
    assert sky.cloud.webhooks.waiting
    sky.cloud.webhooks.url = url
    await sky.cloud.settle()
    assert not sky.cloud.webhooks.waiting
    assert len(sky.ear.heard) == 2


async def test_what_is_due_at_once_happens_without_anybody_asking(sky):
    done = asyncio.Event()
    sky.cloud.agenda.at(sky.clock.utc_ms, done.set)
    async with asyncio.timeout(10):
        await done.wait()
