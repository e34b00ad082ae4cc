"""What became of messages: many statuses at once, what goes another way, what an operator sends again."""

from datetime import UTC, datetime

import pytest

from relay.model import AccountNote, DeliveryStatus, Priced, TemplateState
from relay.storage.ports import CONFIRMS_OPT_OUT
from relay.storage.ports_chat import second_id
from tests.relay.contract.world import MINUTE_MS, T0_MS

NOW_MS = T0_MS + 1
AFTER_MS = 3 * MINUTE_MS


async def failed(world, name="message-1", state="failed", error="131026", **changes):
    await world.sending(name, **changes)
    await world.storage.settle(name, state, now_ms=NOW_MS, error=error)


async def accepted(world, name="message-1", **changes):
    await world.sending(name, **changes)
    await world.storage.settle(name, "accepted", now_ms=T0_MS, wamid=f"wamid.{name}")


async def undelivered(world, now_ms, limit=10):
    await world.storage.add_address(world.person_id, "json://127.0.0.1")
    return [each.id for each in await world.storage.undelivered(now_ms, AFTER_MS, limit)]


# statuses


async def test_many_statuses_are_applied_together_each_to_its_own_message(world):
    names = [f"m{number}" for number in range(600)]
    await world.storage.queue([world.message(name) for name in names])
    for _ in range(6):
        for held in await world.storage.claim(T0_MS, 100):
            await world.storage.settle(
                held.message.id, "accepted", now_ms=T0_MS, wamid=f"wamid.{held.message.id}"
            )
    statuses = [DeliveryStatus(None, f"wamid.{name}", "delivered", NOW_MS) for name in names]
    statuses[5:5] = [DeliveryStatus("nobody", "wamid.nobody", "read", NOW_MS)]
    assert await world.storage.apply_statuses(statuses) == [True] * 5 + [False] + [True] * 595
    assert await world.storage.outbox_counts() == {"delivered": 600}


async def test_statuses_of_one_message_end_at_the_highest_whatever_their_order(world):
    await accepted(world)
    states = ("read", "sent", "delivered", "failed")
    statuses = [DeliveryStatus("message-1", "wamid.message-1", state, NOW_MS) for state in states]
    assert await world.storage.apply_statuses(statuses) == [True] * 4
    assert await world.state() == "read"


async def test_a_status_that_nobody_knows_applies_none_of_its_batch(world):
    await accepted(world)
    with pytest.raises(ValueError, match="state='played'"):
        await world.storage.apply_statuses(
            [DeliveryStatus("message-1", None, state, NOW_MS) for state in ("sent", "played")]
        )
    assert await world.state() == "accepted"


async def test_no_statuses_are_nothing(world):
    assert await world.storage.apply_statuses([]) == []


async def test_a_failure_says_why(world):
    await accepted(world)
    await world.storage.apply_statuses([DeliveryStatus("message-1", None, "failed", NOW_MS, "131047 late")])
    (letter,) = await world.storage.dead_letters(world.farm_id, 10)
    assert (letter.message, letter.state, letter.error) == (world.message(), "failed", "131047 late")
    assert (letter.attempts, letter.state_ms) == (1, NOW_MS)


async def test_a_failure_that_is_told_again_does_not_stop_what_was_sent_again(world):
    failure = DeliveryStatus("message-1", "wamid.message-1", "failed", NOW_MS)
    await accepted(world)
    await world.storage.apply_statuses([failure])
    assert await world.storage.resend("message-1", NOW_MS, NOW_MS + MINUTE_MS)
    await world.storage.claim(NOW_MS, 10)
    await world.storage.apply_statuses([failure])
    assert await world.state() == "sending"


async def test_a_late_failure_of_the_first_attempt_does_not_stop_the_second(world):
    await world.sending(critical=True)
    await world.storage.settle("message-1", "unknown", now_ms=T0_MS)
    await world.storage.settle("message-1", "queued", now_ms=NOW_MS, retry_ms=NOW_MS)
    first = DeliveryStatus("message-1", "wamid.first", "failed", NOW_MS)
    assert await world.storage.apply_statuses([first]) == [True]
    assert await world.state() == "queued"
    await world.storage.claim(NOW_MS, 10)
    await world.storage.settle("message-1", "accepted", now_ms=NOW_MS, wamid="wamid.second")
    await world.storage.apply_statuses([DeliveryStatus("message-1", "wamid.first", "failed", NOW_MS + 1)])
    assert await world.state() == "accepted"
    second = DeliveryStatus("message-1", "wamid.second", "failed", NOW_MS)  # in the same second as the first
    await world.storage.apply_statuses([second])
    assert await world.state() == "failed"


async def test_a_failure_that_is_faster_than_the_answer_to_its_post_counts(world):
    await world.sending()
    await world.storage.apply_statuses([DeliveryStatus("message-1", "wamid.1", "failed", NOW_MS)])
    await world.storage.settle("message-1", "accepted", now_ms=NOW_MS, wamid="wamid.1")
    assert await world.state() == "failed"


async def test_a_message_is_found_by_the_id_that_meta_gave_it(world):
    await accepted(world, body={"text": "x", "reply_to": "wamid.hers"})
    assert (await world.storage.message_by_wamid("wamid.message-1")).body["reply_to"] == "wamid.hers"
    assert await world.storage.message_by_wamid("wamid.hers") is None


# the second channel


async def test_a_critical_message_that_fails_is_taken_over_at_once(world):
    await failed(world, critical=True)
    await failed(world, "dead", state="dead", critical=True, created_ms=T0_MS - 1)
    await failed(world, "unimportant")
    assert await undelivered(world, NOW_MS) == ["dead", "message-1"]
    assert await undelivered(world, NOW_MS, limit=1) == ["dead"]


async def test_a_critical_message_that_is_not_delivered_in_time_is_taken_over(world):
    await accepted(world, critical=True)
    assert await undelivered(world, T0_MS + AFTER_MS - 1) == []
    assert await undelivered(world, T0_MS + AFTER_MS) == ["message-1"]
    await world.storage.apply_status("message-1", None, "delivered", NOW_MS)
    assert await undelivered(world, T0_MS + AFTER_MS) == []


async def test_a_retry_does_not_begin_the_wait_anew(world):
    await world.sending(critical=True)
    later_ms = T0_MS + AFTER_MS
    await world.storage.settle("message-1", "queued", now_ms=later_ms - 1, retry_ms=later_ms - 1)
    await world.storage.claim(later_ms - 1, 10)
    assert await undelivered(world, later_ms) == ["message-1"]


async def test_a_critical_message_that_cannot_go_out_at_all_is_taken_over(world):
    held_ms = T0_MS + MINUTE_MS
    await world.storage.queue([world.message(critical=True, not_before_ms=held_ms)])
    assert await undelivered(world, held_ms + AFTER_MS - 1) == []
    assert await undelivered(world, held_ms + AFTER_MS) == ["message-1"]


async def test_a_critical_message_that_was_given_up_is_taken_over_until_it_is_too_late(world):
    await failed(world, state="expired", critical=True)
    assert await undelivered(world, T0_MS + 60 * MINUTE_MS - 1) == ["message-1"]
    assert await undelivered(world, T0_MS + 60 * MINUTE_MS) == []


async def test_a_message_is_taken_over_once_and_never_from_the_second_channel_itself(world):
    await failed(world, critical=True)
    other_way = world.message(second_id("message-1"), critical=True, channel="second")
    await world.storage.queue([other_way])
    await world.storage.claim(T0_MS, 10, "second")
    await world.storage.settle(other_way.id, "failed", now_ms=NOW_MS)
    assert await undelivered(world, NOW_MS) == []


async def test_nothing_is_taken_over_for_who_can_be_reached_by_no_other_way(world):
    await failed(world, critical=True)
    assert await world.storage.undelivered(NOW_MS, AFTER_MS, 10) == []


async def test_who_asked_for_silence_hears_nothing_by_another_way(world):
    await failed(world, critical=True)
    await world.storage.queue([world.message("waiting", critical=True)])
    await world.storage.opt_out(world.person_id, NOW_MS)
    assert await undelivered(world, NOW_MS) == []
    await world.storage.opt_in(world.person_id, NOW_MS)
    assert await undelivered(world, NOW_MS) == ["message-1"], "what was silenced stays so"


async def test_what_waits_when_somebody_asks_for_silence_is_not_sent_when_they_want_to_hear_again(world):
    tomorrow_ms = T0_MS + 30 * MINUTE_MS
    await world.storage.queue(
        [world.message(not_before_ms=tomorrow_ms), world.message("yes", step=CONFIRMS_OPT_OUT)]
    )
    await world.storage.opt_out(world.person_id, T0_MS)
    await world.storage.queue([world.message("meanwhile", not_before_ms=tomorrow_ms)])
    await world.storage.opt_in(world.person_id, NOW_MS)
    assert await world.state() == await world.state("meanwhile") == "failed"
    await world.storage.queue([world.message("new")])
    assert await world.storage.opt_in(world.person_id, NOW_MS), "a second START silences nothing"
    claimed = {held.message.id for held in await world.storage.claim(tomorrow_ms, 10)}
    assert claimed == {"new"} | {"yes"} - {"meanwhile"}


# dead letters


async def test_dead_letters_are_listed_newest_first_for_one_farm_or_all(world):
    await failed(world, "old")
    await failed(world, "given-up", state="expired", error=None)
    await world.storage.settle("old", "dead", now_ms=NOW_MS)  # a dead one does not outrank a failed one
    other = await world.storage.add_farm("Valley", bytes(32))
    await world.sending("newer", farm_id=other)
    await world.storage.settle("newer", "dead", now_ms=NOW_MS + 1, error="132001")
    every = await world.storage.dead_letters(None, 10)
    assert [(letter.message.id, letter.state) for letter in every] == [
        ("newer", "dead"),
        ("given-up", "expired"),
        ("old", "failed"),
    ]
    assert [letter.message.id for letter in await world.storage.dead_letters(None, 1)] == ["newer"]
    assert [letter.message.id for letter in await world.storage.dead_letters(other, 10)] == ["newer"]


@pytest.mark.parametrize(("state", "is_repeat"), [("failed", False), ("dead", False), ("expired", True)])
async def test_a_dead_letter_is_sent_again_and_marked_if_it_may_have_arrived(world, state, is_repeat):
    await failed(world, state=state)
    again_ms = T0_MS + 90 * MINUTE_MS
    assert await world.storage.resend("message-1", again_ms, again_ms + MINUTE_MS)
    (held,) = await world.storage.claim(again_ms, 10)
    assert (held.attempts, held.repeat) == (2, is_repeat)
    assert held.message.expires_ms == again_ms + MINUTE_MS
    assert await undelivered(world, again_ms) == []


async def test_what_expired_before_it_was_ever_sent_is_no_repeat(world):
    await world.storage.queue([world.message(expires_ms=T0_MS)])
    await world.storage.claim(T0_MS, 10)
    assert await world.storage.resend("message-1", NOW_MS, NOW_MS + MINUTE_MS)
    assert [held.repeat for held in await world.storage.claim(NOW_MS, 10)] == [False]


@pytest.mark.parametrize("state", ["queued", "sending", "accepted", "delivered"])
async def test_only_a_dead_letter_is_sent_again(world, state):
    await world.storage.queue([world.message()])
    if state != "queued":
        await world.storage.claim(T0_MS, 10)
        await world.storage.settle("message-1", state, now_ms=NOW_MS)
    assert not await world.storage.resend("message-1", NOW_MS, NOW_MS + MINUTE_MS)
    assert not await world.storage.resend("message-9", NOW_MS, NOW_MS + MINUTE_MS)
    assert await world.state() == state


# what it costs, and what Meta says


def utc_ms(*moment):
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)


async def price(world, name, sent_ms, market="DE", category="utility"):
    await world.storage.queue([world.message(name, created_ms=sent_ms, expires_ms=sent_ms + MINUTE_MS)])
    await world.storage.claim(sent_ms, 10)
    told = DeliveryStatus(
        name, None, "sent", sent_ms, market=market, pricing_category=category, pricing_type="regular"
    )
    later = DeliveryStatus(name, None, "delivered", sent_ms + 1)
    await world.storage.apply_statuses([told, later])


async def test_messages_are_counted_by_month_farm_and_price(world):
    november, december = utc_ms(2026, 11, 30, 23, 59, 59), utc_ms(2026, 12, 1)
    await price(world, "a", november)
    await price(world, "b", november)
    await price(world, "c", november, market="IN", category="service")
    await price(world, "d", december)
    farm = world.farm_id
    expected = [
        Priced("2026-11", farm, "DE", "utility", "regular", 2),
        Priced("2026-11", farm, "IN", "service", "regular", 1),
        Priced("2026-12", farm, "DE", "utility", "regular", 1),
    ]
    assert await world.storage.priced(None, 0, december + 1) == expected
    assert await world.storage.priced(farm, 0, december) == expected[:2]
    assert await world.storage.priced(farm + 1, 0, december + 1) == []


async def test_a_message_without_a_price_is_not_counted(world):
    await accepted(world)
    await world.storage.apply_status("message-1", None, "delivered", NOW_MS)
    assert await world.storage.priced(None, 0, NOW_MS * 2) == []


async def test_a_message_that_was_priced_and_then_failed_costs_nothing_also_while_it_waits_again(world):
    await accepted(world)
    told = DeliveryStatus("message-1", None, "sent", NOW_MS, None, "DE", "utility", "regular")
    await world.storage.apply_statuses([told])
    assert [row.count for row in await world.storage.priced(None, 0, NOW_MS * 2)] == [1]
    await world.storage.apply_statuses([DeliveryStatus("message-1", None, "failed", NOW_MS + 1)])
    assert await world.storage.priced(None, 0, NOW_MS * 2) == []
    assert await world.storage.resend("message-1", NOW_MS + 2, NOW_MS * 2)
    assert await world.storage.priced(None, 0, NOW_MS * 2) == []


async def test_the_newest_word_on_a_template_counts(world):
    news = [
        TemplateState("health_alert_v1", "en", status, "UTILITY", "GREEN", T0_MS + at)
        for at, status in ((1, "APPROVED"), (2, "PAUSED"), (0, "PENDING"))
    ]
    for state in news:
        await world.storage.note_template(state)
    assert await world.storage.template_states() == [news[1]]


async def test_notes_on_the_account_are_kept_once_and_read_in_order(world):
    late = AccountNote(T0_MS + 1, "account_alerts", "payment is overdue")
    early = AccountNote(T0_MS, "phone_number_quality_update", "FLAGGED")
    for note in (late, early, late):
        await world.storage.note_account(note)
    assert await world.storage.account_notes(T0_MS) == [early, late]
    assert await world.storage.account_notes(T0_MS + 1) == [late]


async def test_the_second_channel_asks_nobody_for_an_answer_that_has_come(world):
    event = world.event(tier="urgent")
    await world.storage.commit_scores(world.partition, 0, 1, [], [event], [])
    step = "escalation:0"
    body = {"about": [["event-1", step, "", "urgent"]]}
    await accepted(world, step=step, body=body, critical=True)
    assert await undelivered(world, T0_MS + AFTER_MS) == ["message-1"]
    await world.storage.judge("event-1", world.person_id, "acknowledged", NOW_MS)
    assert await undelivered(world, T0_MS + AFTER_MS) == []
