"""Store, outbox and inbox: nothing is sent twice by us, and a status never goes back."""

import itertools

import pytest

from relay.storage.ports import CONFIRMS_OPT_OUT, NotKnown
from tests.relay.contract.world import MINUTE_MS, T0_MS

NOW_MS = T0_MS + 1


async def test_a_queued_message_is_due_at_once_and_claimed_with_its_phone_number(world):
    await world.storage.queue([world.message()])
    assert await world.storage.next_due_ms() == T0_MS
    (held,) = await world.storage.claim(T0_MS, 10)
    assert held.message == world.message()
    assert (held.state, held.attempts, held.phone, held.repeat) == ("sending", 1, "491700000001", False)
    assert "4917" not in repr(held)
    assert await world.storage.next_due_ms() is None


async def test_a_message_is_claimed_once(world):
    await world.sending()
    assert await world.storage.claim(NOW_MS, 10) == []


async def test_queueing_a_known_id_again_changes_nothing(world):
    await world.sending()
    await world.storage.queue([world.message(step="second")])
    assert await world.state() == "sending"
    assert await world.storage.message("message-1") == world.message()


async def test_critical_messages_go_first_then_the_oldest_up_to_the_limit(world):
    messages = [
        world.message("young", created_ms=T0_MS + 2),
        world.message("old", created_ms=T0_MS),
        world.message("urgent", created_ms=T0_MS + 3, critical=True),
    ]
    await world.storage.queue(messages)
    claimed = await world.storage.claim(T0_MS + 10, 2)
    assert [held.message.id for held in claimed] == ["urgent", "old"]


async def test_a_message_that_waited_too_long_expires_instead_of_being_sent(world):
    await world.storage.queue([world.message(expires_ms=NOW_MS)])
    assert await world.storage.claim(NOW_MS, 10) == []
    assert await world.state() == "expired"
    assert await world.storage.outbox_counts() == {"expired": 1}


async def test_a_retry_waits_for_its_time_and_counts(world):
    await world.sending()
    await world.storage.settle("message-1", "queued", now_ms=NOW_MS, error="130429", retry_ms=NOW_MS + 5)
    assert await world.storage.next_due_ms() == NOW_MS + 5
    assert await world.storage.claim(NOW_MS + 4, 10) == []
    (held,) = await world.storage.claim(NOW_MS + 5, 10)
    assert (held.attempts, held.repeat) == (2, False)


async def test_what_was_queued_before_the_clock_was_set_back_does_not_wait_for_it(world):
    await world.storage.queue([world.message()])
    assert await world.storage.claim(T0_MS - MINUTE_MS, 10) == [], "a small step back"
    (held,) = await world.storage.claim(T0_MS - MINUTE_MS - 1, 10)
    assert held.message == world.message()


async def test_a_message_that_is_held_back_goes_when_it_may_and_not_before(world):
    held_ms = T0_MS + 30 * MINUTE_MS
    message = world.message(not_before_ms=held_ms, critical=True)
    await world.storage.queue([message, world.message("other")])
    assert await world.storage.next_due_ms() == T0_MS
    assert [held.message.id for held in await world.storage.claim(held_ms - 1, 10)] == ["other"]
    assert await world.storage.next_due_ms() == held_ms
    assert [held.message for held in await world.storage.claim(held_ms, 10)] == [message]


async def test_a_message_whose_time_has_come_already_goes_at_once(world):
    await world.storage.queue([world.message(not_before_ms=T0_MS - 1)])
    assert await world.storage.next_due_ms() == T0_MS
    assert len(await world.storage.claim(T0_MS, 10)) == 1


async def test_a_clock_that_is_set_back_does_not_wake_anybody_in_the_night(world):
    await world.storage.queue([world.message(not_before_ms=T0_MS + 30 * MINUTE_MS)])
    assert await world.storage.claim(T0_MS - 2 * MINUTE_MS, 10) == []


async def test_a_message_that_is_held_back_too_long_expires(world):
    await world.storage.queue([world.message(not_before_ms=T0_MS + 61 * MINUTE_MS)])
    assert await world.storage.claim(T0_MS + 61 * MINUTE_MS, 10) == []
    assert await world.state() == "expired"


async def test_an_accepted_message_is_found_by_its_wamid(world):
    await world.sending()
    await world.storage.settle("message-1", "accepted", now_ms=NOW_MS, wamid="wamid.1")
    assert await world.storage.apply_status(None, "wamid.1", "sent", NOW_MS)
    assert await world.state() == "sent"


async def test_a_status_of_somebody_elses_message_is_not_ours(world):
    assert not await world.storage.apply_status("message-9", "wamid.9", "sent", NOW_MS)
    assert not await world.storage.apply_status(None, None, "sent", NOW_MS)


@pytest.mark.parametrize("order", list(itertools.permutations(("sent", "delivered", "read"))))
async def test_statuses_in_any_order_and_twice_end_at_the_highest(world, order):
    await world.sending()
    for at_ms, state in enumerate((*order, *order)):
        assert await world.storage.apply_status("message-1", None, state, NOW_MS + at_ms)
    assert await world.state() == "read"


@pytest.mark.parametrize(
    ("before", "after"),
    [("accepted", "failed"), ("sent", "failed"), ("delivered", "delivered"), ("read", "read")],
)
async def test_a_failure_counts_until_the_message_was_delivered(world, before, after):
    await world.sending()
    await world.storage.apply_status("message-1", None, before, NOW_MS)
    await world.storage.apply_status("message-1", None, "failed", NOW_MS)
    assert await world.state() == after


async def test_the_answer_to_a_post_does_not_lower_a_status_that_was_faster(world):
    await world.sending()
    await world.storage.apply_status("message-1", "wamid.1", "delivered", NOW_MS)
    await world.storage.settle("message-1", "accepted", now_ms=NOW_MS, wamid="wamid.1")
    await world.storage.settle("message-1", "queued", now_ms=NOW_MS, retry_ms=NOW_MS)
    assert await world.state() == "delivered"
    assert await world.storage.claim(NOW_MS, 10) == []


async def test_what_was_being_sent_in_a_crash_is_unknown_and_never_sent_again_by_itself(world, reopen):
    await world.sending()
    async with reopen() as again:
        assert await again.recover_outbox() == 1
        assert await again.recover_outbox() == 0
        assert await again.claim(NOW_MS + MINUTE_MS, 10) == []
        assert await again.message_state("message-1") == "unknown"


async def test_an_unknown_message_is_cleared_up_by_a_status_with_our_id(world):
    await world.sending()
    await world.storage.settle("message-1", "unknown", now_ms=NOW_MS, error="timeout")
    assert [h.message.id for h in await world.storage.unknown_since(NOW_MS + 1, 10)] == ["message-1"]
    assert await world.storage.unknown_since(NOW_MS, 10) == []
    await world.storage.apply_status("message-1", "wamid.1", "sent", NOW_MS + 1)
    assert await world.storage.unknown_since(NOW_MS + 1, 10) == []


async def test_an_unknown_message_that_is_queued_again_is_marked_as_a_repeat(world):
    await world.sending()
    await world.storage.settle("message-1", "unknown", now_ms=NOW_MS)
    await world.storage.settle("message-1", "queued", now_ms=NOW_MS, retry_ms=NOW_MS)
    (held,) = await world.storage.claim(NOW_MS, 10)
    assert (held.repeat, held.attempts) == (True, 2)


@pytest.mark.parametrize("given_up", ["dead", "expired"])
async def test_a_message_given_up_that_was_delivered_after_all_says_so(world, given_up):
    await world.sending()
    await world.storage.settle("message-1", given_up, now_ms=NOW_MS)
    await world.storage.settle("message-1", "queued", now_ms=NOW_MS, retry_ms=NOW_MS)
    assert await world.state() == given_up
    await world.storage.apply_status("message-1", None, "delivered", NOW_MS)
    assert await world.state() == "delivered"


async def test_unknown_states_and_messages_are_refused(world):
    await world.sending()
    with pytest.raises(ValueError, match="state='played', want one of queued"):
        await world.storage.apply_status("message-1", None, "played", NOW_MS)
    with pytest.raises(ValueError, match="state='gone'"):
        await world.storage.settle("message-1", "gone", now_ms=NOW_MS)
    with pytest.raises(NotKnown, match="message-9"):
        await world.storage.settle("message-9", "accepted", now_ms=NOW_MS)
    assert await world.storage.message("message-9") is None
    assert await world.storage.message_state("message-9") is None


async def test_webhook_items_wait_in_order_until_they_are_done(world):
    storage = world.storage
    await storage.inbox_put([("b", "{}"), ("a", '{"x":1}')], NOW_MS)
    await storage.inbox_put([("a", "changed"), ("c", "{}")], NOW_MS)
    assert await storage.inbox_pending(10) == [("b", "{}"), ("a", '{"x":1}'), ("c", "{}")]
    await storage.inbox_done("b", NOW_MS)
    await storage.inbox_done("a", NOW_MS, error="no such message")
    assert await storage.inbox_pending(10) == [("c", "{}")]
    await storage.inbox_put([("a", "again")], NOW_MS)
    assert await storage.inbox_pending(10) == [("c", "{}")]


async def opted_out(world, *steps):
    """Queue a message per step, then let Ann opt out."""
    await world.storage.queue([world.message(step, step=step) for step in steps])
    await world.storage.opt_out(world.person_id, T0_MS)


async def test_who_opted_out_after_a_message_was_queued_does_not_get_it(world):
    await opted_out(world, "alert")
    assert await world.storage.claim(NOW_MS, 10) == []
    assert await world.storage.outbox_counts() == {"failed": 1}
    assert await world.storage.next_due_ms() is None


async def test_the_confirmation_alone_reaches_who_opted_out(world):
    await opted_out(world, "alert", "answer_ack", CONFIRMS_OPT_OUT)
    assert [held.message.step for held in await world.storage.claim(NOW_MS, 10)] == [CONFIRMS_OPT_OUT]


async def test_a_retry_does_not_reach_who_opted_out_meanwhile(world):
    await world.sending()
    await world.storage.opt_out(world.person_id, NOW_MS)
    await world.storage.settle("message-1", "queued", now_ms=NOW_MS, retry_ms=NOW_MS + 5)
    assert await world.storage.claim(NOW_MS + 5, 10) == []
    assert await world.state() == "failed"


async def test_others_are_written_to_and_so_is_who_opted_in_again(world):
    ben = await world.storage.add_person(
        world.farm_id, "Ben", "+49 170 0000002", consent_ms=T0_MS, consent_text="2026-11"
    )
    await opted_out(world, "lost")
    await world.storage.queue([world.message("bens", person_id=ben)])
    assert [held.message.id for held in await world.storage.claim(NOW_MS, 10)] == ["bens"]
    assert await world.storage.opt_in(world.person_id, NOW_MS)
    await world.storage.queue([world.message("new")])
    assert [held.message.id for held in await world.storage.claim(NOW_MS, 10)] == ["new"]
    assert await world.state("lost") == "failed", "what was held back is not sent later"


async def test_a_farms_messages_since_a_time_are_found_whatever_became_of_them(world):
    messages = [world.message(f"message-{at}", created_ms=T0_MS + at) for at in range(3)]
    await world.storage.queue(messages[::-1])
    await world.storage.claim(T0_MS + 2, 10)
    assert await world.storage.messages(world.farm_id, T0_MS + 1) == messages[1:]
    assert await world.storage.messages(world.farm_id + 1, 0) == []


# what only asks for an answer


def asking(world, *event_ids, name="ask", step="escalation:0:labour", **changes):
    about = [[each, step, "labour", "urgent"] for each in event_ids]
    return world.message(name, step=step, body={"about": about}, critical=True, **changes)


async def found(world, *event_ids, **changes):
    events = [world.event(each, tier="urgent", **changes) for each in event_ids]
    await world.storage.commit_scores(world.partition, 0, 1, [], events, [])


async def claimed(world, channel="whatsapp"):
    return [held.message.id for held in await world.storage.claim(NOW_MS + MINUTE_MS, 10, channel)]


@pytest.mark.parametrize("step", ["escalation:0", "escalation:1:labour", "again", "again:labour"])
@pytest.mark.parametrize("channel", ["whatsapp", "second"])
async def test_nobody_is_rung_for_an_answer_that_came_while_the_message_waited(world, step, channel):
    await found(world, "event-1")
    await world.storage.queue([asking(world, "event-1", step=step, channel=channel)])
    await world.storage.judge("event-1", world.person_id, "acknowledged", T0_MS - 1_000)
    assert await claimed(world, channel) == []
    (letter,) = await world.storage.dead_letters(None, 10)
    assert (letter.state, letter.error) == ("failed", "answered")


async def test_a_call_for_what_is_over_is_not_sent_but_one_that_nobody_answered_is(world):
    await found(world, "event-1", state="over", over_ms=T0_MS)
    await world.storage.queue([asking(world, "event-1")])
    assert await claimed(world) == []
    await found(world, "event-2")
    await world.storage.judge("event-2", world.person_id, "acknowledged", T0_MS - 4 * 60 * MINUTE_MS)
    await world.storage.queue([asking(world, "event-2", name="again", step="again")])
    assert await claimed(world) == ["again"], "the answer that has run out is why it is asked"


async def test_a_call_for_several_goes_out_while_one_of_them_is_not_answered(world):
    await found(world, "event-1", "event-2")
    both = [asking(world, "event-1", "event-2", name=name) for name in ("one", "two")]
    await world.storage.queue(both[:1])
    await world.storage.judge("event-1", world.person_id, "acknowledged", NOW_MS)
    assert await claimed(world) == ["one"]
    await world.storage.queue(both[1:])
    await world.storage.judge("event-2", world.person_id, "snoozed", NOW_MS)
    assert await claimed(world) == []


@pytest.mark.parametrize(("ago_min", "is_rung"), [(14, False), (16, True)])
async def test_an_answer_that_comes_minutes_late_counts_one_to_an_earlier_stage_does_not(
    world, ago_min, is_rung
):
    await found(world, "event-1")
    await world.storage.set_escalation(world.farm_id, [15, 30])
    await world.storage.queue([asking(world, "event-1")])
    await world.storage.judge("event-1", world.person_id, "acknowledged", T0_MS - ago_min * MINUTE_MS)
    assert bool(await claimed(world)) == is_rung


async def test_an_alert_itself_is_news_also_if_somebody_has_answered(world):
    await found(world, "event-1")
    await world.storage.queue([asking(world, "event-1", step="alert")])
    await world.storage.judge("event-1", world.person_id, "acknowledged", NOW_MS)
    assert await claimed(world) == ["ask"]


async def test_what_is_not_sent_for_an_answer_leaves_its_place_to_others(world):
    await found(world, "event-1")
    await world.storage.judge("event-1", world.person_id, "acknowledged", NOW_MS)
    await world.storage.queue([asking(world, "event-1"), world.message("later")])
    (held,) = await world.storage.claim(NOW_MS, 1)
    assert held.message.id == "later"
