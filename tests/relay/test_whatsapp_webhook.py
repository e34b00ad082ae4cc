"""What comes back from Meta: nothing unsigned, nothing lost, nothing twice, and everybody who they are."""

from __future__ import annotations

import json

import pytest

from relay.model import Message
from relay.storage.ports import ACCEPTED, DELIVERED, READ, SENT, Unwritable
from relay.whatsapp.doubt import SILENT_MS
from relay.whatsapp.webhook import TOO_OLD_MS
from relay.whatsapp.webhook_items import BODY_MAX, DEPTH_MAX, ITEMS_MAX, WebhookError, found_in, items, signed
from tests.relay.webhook_scene import ALEX, DAY_MS, KIM, OTHER_USER, USER_ID, opened
from tests.relay.whatsapp_scene import MINUTE_MS, NUMBER_ID, running, sign


@pytest.fixture
async def scene(tmp_path):
    async with opened(tmp_path / "state") as scene:
        yield scene


def webhooks(scene):
    return {
        sample.labels["outcome"]: sample.value
        for sample in scene.counters.webhooks.collect()[0].samples
        if sample.name.endswith("_total")
    }


# handshake, signature, size


@pytest.mark.parametrize(
    ("token", "mode", "status"),
    [("word", "subscribe", 200), ("w", "subscribe", 403), ("word", "x", 403), ("wörd", "subscribe", 403)],
)
async def test_the_handshake_gives_the_challenge_to_who_knows_the_word(scene, token, mode, status):
    query = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "1158201444"}
    async with scene.session.get(scene.hook.url, params=query) as answer:
        assert answer.status == status
        assert ((await answer.text()) == "1158201444") is (status == 200)


async def test_what_is_not_signed_with_our_secret_is_refused_and_not_kept(scene):
    raw = json.dumps({"entry": []}).encode()
    wrong = ("", "sha256=", "sha1=00", sign(raw, "other"), sign(b"x"), sign(raw)[:-1], sign(raw).upper())
    for header in wrong:
        assert await scene.raw(raw, header) == 401
    async with scene.session.post(scene.hook.url, data=raw) as unsigned:
        assert unsigned.status == 401
    assert webhooks(scene) == {"wrong_signature": len(wrong) + 1}


async def test_the_signature_is_over_the_bytes_that_came(scene):
    escaped = b'{"entry":[{"changes":[{"value":{"messages":[{"id":"w","text":"K\\u00fche"}]}}]}]}'
    assert await scene.raw(escaped) == 200
    assert await scene.raw(escaped.replace(b"\\u00fc", "ü".encode()), sign(escaped)) == 401


def test_both_app_secrets_hold_during_a_rotation():
    raw = b"{}"
    assert signed(raw, sign(raw, "old"), ["new", "old"])
    assert signed(raw, sign(raw, "new"), ["new", "old"])
    assert not signed(raw, sign(raw, "other"), ["new", "old"])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"entry":' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"entry":[{"chan',
    ],
    ids=["empty", "half", "no text", "very deep", "deep", "truncated"],
)
async def test_a_signed_body_that_is_no_webhook_is_400(scene, raw):
    assert await scene.raw(raw) == 400


@pytest.mark.parametrize("raw", [b"7", b"null", b'{"entry":7}', b'{"entry":[{"changes":[3,{"value":[]}]}]}'])
async def test_a_shape_we_do_not_know_is_taken_and_means_nothing(scene, raw):
    assert await scene.raw(raw) == 200
    assert scene.outcomes == {}


async def test_a_body_of_3_mb_is_taken_and_one_over_4_mib_is_not(scene):
    assert await scene.raw(b'{"pad":"' + b"x" * 3_000_000 + b'"}') == 200
    assert await scene.raw(b" " * (BODY_MAX + 1)) == 413


def test_items_and_depth_are_bounded():
    with pytest.raises(WebhookError, match="more than"):
        items(json.dumps({"entry": [{"changes": [{"value": {"statuses": [1] * (ITEMS_MAX + 1)}}]}]}).encode())
    deep: object = 1
    for _ in range(DEPTH_MAX + 1):
        deep = [deep]
    with pytest.raises(WebhookError, match="deeper"):
        items(json.dumps(deep).encode())


# stored first, each by itself


async def test_meta_is_asked_to_send_again_what_was_not_stored(scene, monkeypatch):
    async def full(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(scene.storage, "inbox_put", full)
        assert await scene.post(messages=[scene.text()]) == 500
    assert scene.listener.taken == []
    assert webhooks(scene) == {"not_stored": 1}
    assert await scene.post(messages=[scene.text()]) == 200
    assert scene.listener.taken == [(1, "wamid.in1")]


async def test_what_a_crash_left_in_the_inbox_is_worked_on_at_the_next_start(tmp_path):
    async with opened(tmp_path / "state") as scene:
        raw = json.dumps({"kind": "message", "number": NUMBER_ID, "item": scene.text()})
        webhook = scene.new_webhook()
        await scene.storage.inbox_put([("wamid.in1", raw)], scene.clock.now_ms())
        async with running(webhook.run()):
            await webhook.caught_up.wait()
        assert scene.listener.taken == [(1, "wamid.in1")]
        assert await scene.storage.inbox_pending(9) == []


async def test_the_same_webhook_ten_times_is_one_message(scene):
    for _ in range(10):
        assert await scene.post(messages=[scene.text()], statuses=[scene.status("sent")]) == 200
    assert scene.listener.taken == [(1, "wamid.in1")]
    assert scene.outcomes == {"text": 1, "not_ours": 1}


async def test_a_batch_of_a_thousand_items_is_handled_whole(scene):
    ids = [f"m{number}" for number in range(20)]
    await scene.accepted(*ids)
    ours = [scene.status(state, each) for each in ids for state in ("read", "sent", "delivered")]
    others = [scene.status("sent", f"x{number}") for number in range(640)]
    people = [scene.text(f"wamid.in{number}", sender=(ALEX, KIM)[number % 2]) for number in range(300)]
    await scene.post(statuses=[*ours, *others], messages=people)
    assert sum(scene.outcomes.values()) == 1000
    assert (await scene.storage.outbox_counts())[READ] == 20
    assert sorted(scene.listener.taken) == sorted((1 + n % 2, f"wamid.in{n}") for n in range(300))


async def test_an_item_that_fails_is_recorded_and_stops_no_other(scene):
    broken = [{"id": "wamid.b1", "from": ALEX, "timestamp": scene.text()["timestamp"]}, 7]
    assert await scene.post(messages=[*broken, scene.text()], statuses=[{"status": "sent"}, None]) == 200
    assert scene.outcomes == {"failed": 4, "text": 1}
    assert await scene.storage.inbox_pending(9) == []


async def test_a_status_that_no_store_takes_does_not_sink_its_batch(scene):
    await scene.accepted("m1")
    half = scene.status("sent", "m2") | {"biz_opaque_callback_data": "\ud800"}
    raw = {"metadata": {"phone_number_id": NUMBER_ID}, "statuses": [half, scene.status("read", "m1")]}
    body = json.dumps({"entry": [{"changes": [{"field": "messages", "value": raw}]}]})
    assert await scene.raw(body.encode()) == 200
    assert await scene.storage.message_state("m1") == READ
    assert scene.outcomes == {"failed": 1, "status_read": 1}


async def test_a_full_disk_loses_nothing_it_waits(scene, monkeypatch):
    async def full(*_):
        raise Unwritable("the disk took nothing")

    first, second = scene.text("wamid.in1"), scene.text("wamid.in2", sender=KIM)
    raw = [(each["id"], json.dumps({"kind": "message", "number": NUMBER_ID, "item": each}))
           for each in (first, second)]  # fmt: skip
    webhook = scene.new_webhook()
    await scene.storage.inbox_put(raw, scene.clock.now_ms())
    with monkeypatch.context() as patch:
        patch.setattr(scene.storage, "heard", full)
        with pytest.raises(Unwritable):
            await webhook.run()
    assert len(await scene.storage.inbox_pending(9)) == 2
    async with running(webhook.run()):
        await webhook.caught_up.wait()
    assert sorted(scene.listener.taken) == [(1, "wamid.in1"), (2, "wamid.in2")]


@pytest.mark.parametrize(
    "words", ["🐄" * 50, "\x00\x07\x1b[31m\u202e\u2067", "x" * 4000, "मेरी गाय", "", "\ud800"],
    ids=["emoji", "control", "4,000 letters", "hindi", "nothing", "half a letter"],
)  # fmt: skip
async def test_whatever_a_farmer_types_arrives_as_it_is(scene, words):
    value = {"metadata": {"phone_number_id": NUMBER_ID}, "messages": [scene.text("wamid.in1", words)]}
    raw = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]})
    assert await scene.raw(raw.encode()) == 200
    assert scene.listener.taken == [(1, "wamid.in1")]


async def test_an_item_for_another_number_is_stored_and_ignored(scene):
    assert await scene.post(messages=[scene.text()], statuses=[scene.status("read")], number="42") == 200
    assert scene.outcomes == {"other_number": 2}
    assert scene.listener.taken == []


# age


@pytest.mark.parametrize("age_ms", [TOO_OLD_MS + MINUTE_MS, 400 * DAY_MS])
async def test_what_is_older_than_8_days_is_dropped_and_counted_but_never_words(scene, age_ms):
    await scene.accepted("m1")
    old = [
        scene.text("wamid.p1", age_ms=age_ms) | {"type": "image"},
        scene.text("wamid.s1", "STOP", age_ms=age_ms),
    ]
    assert await scene.post(messages=old, statuses=[scene.status("read", age_ms=age_ms)]) == 200
    assert scene.outcomes == {"dropped_too_old": 2, "text": 1}
    assert scene.listener.taken == [(1, "wamid.s1")]
    assert await scene.storage.message_state("m1") == ACCEPTED


async def test_what_is_seven_days_old_is_taken_and_also_what_has_no_date(scene):
    week = scene.text("wamid.w1", age_ms=7 * DAY_MS) | {"type": "image"}
    undated = {"id": "wamid.w2", "from": ALEX, "type": "image"}
    assert await scene.post(messages=[week, undated]) == 200
    assert scene.outcomes == {"image": 2}


def test_a_date_that_is_none_is_no_date():
    for stamp in ("soon", "", None, [], "-5", "9" * 30, 1e400):
        body = {"entry": [{"changes": [{"value": {"messages": [{"id": "w", "timestamp": stamp}]}}]}]}
        (found,) = found_in(json.dumps(body).encode())
        assert found.at_ms is None


# statuses


@pytest.mark.parametrize(
    ("order", "state"),
    [(["sent", "delivered", "read"], READ), (["read", "sent"], READ), (["delivered", "failed"], DELIVERED),
     (["sent", "sent"], SENT), (["played"], READ), (["nonsense"], ACCEPTED)],
)  # fmt: skip
async def test_statuses_in_any_order_never_take_a_message_back(scene, order, state):
    await scene.accepted("m1")
    for status in order:
        assert await scene.post(statuses=[scene.status(status)]) == 200
    assert await scene.storage.message_state("m1") == state


async def test_a_status_is_known_by_our_id_or_by_metas(scene):
    await scene.accepted("m1", "m2")
    by_wamid = scene.status("sent", "m2")
    del by_wamid["biz_opaque_callback_data"]
    await scene.post(statuses=[scene.status("sent", "m1") | {"id": "wamid.other"}, by_wamid])
    assert (await scene.storage.outbox_counts()) == {SENT: 2}


FAILURE = {"code": 131026, "title": "Message undeliverable", "error_data": {"details": f"to {ALEX}: no"}}


async def test_a_failure_goes_by_the_table_of_codes_and_is_kept_without_the_number(scene):
    await scene.accepted("m1", "m2", "m3")
    by_wamid = scene.status("failed", "m2", errors=[FAILURE | {"code": "x"}])
    by_wamid["biz_opaque_callback_data"] = "somebody else's"
    failed = [scene.status("failed", "m1", errors=[FAILURE]), by_wamid, scene.status("failed", "m3")]
    await scene.post(statuses=[*failed, scene.status("failed", "not ours", errors=[FAILURE])])
    assert scene.failures == [("m1", 131026), ("m2", -1), ("m3", -1)]
    letters = {each.message.id: each.error for each in await scene.storage.dead_letters(None, 9)}
    assert letters["m1"] == "131026: to ...: no"
    assert scene.outcomes == {"status_failed": 3, "not_ours": 1}


async def test_a_failure_that_comes_twice_is_acted_on_once(scene):
    await scene.accepted("m1")
    for _ in range(2):
        await scene.post(statuses=[scene.status("failed", errors=[FAILURE])])
    assert len(scene.failures) == 1


async def test_the_price_and_the_market_of_the_receiver_are_kept(scene):
    await scene.accepted("m1", "m2", "m3")
    pricing = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
    statuses = [
        scene.status("sent", "m1", pricing=pricing),
        scene.status("sent", "m2", pricing=pricing) | {"recipient_id": "4917000000000"},
        scene.status("delivered", "m1"),
        scene.status("sent", "m3", pricing=pricing | {"category": 7}) | {"recipient_id": None},
    ]
    await scene.post(statuses=statuses)
    priced = await scene.storage.priced(None, 0, 2 * scene.clock.now_ms())
    assert [(row.market, row.category, row.type, row.count) for row in priced] == [
        ("Germany", "utility", "regular", 1), ("North America", "utility", "regular", 1),
    ]  # fmt: skip


# who writes


async def test_who_goes_by_a_user_name_is_known_by_their_user_id(scene):
    await scene.post(messages=[scene.text("wamid.in1", from_user_id=USER_ID)])
    value = {
        "metadata": {"phone_number_id": NUMBER_ID},
        "contacts": [{"profile": {"username": "alex"}, "user_id": USER_ID}],
        "messages": [scene.text("wamid.in3", sender=None)],
    }
    await scene.post(messages=[scene.text("wamid.in2", sender=None, from_user_id=USER_ID)])
    await scene.changes({"field": "messages", "value": value})
    assert scene.listener.taken == [(1, "wamid.in1"), (1, "wamid.in2"), (1, "wamid.in3")]
    assert scene.listener.people[-1].last_inbound_ms == scene.clock.now_ms()


async def test_the_user_id_of_each_message_is_that_of_its_sender(scene):
    value = {
        "metadata": {"phone_number_id": NUMBER_ID},
        "contacts": [{"wa_id": KIM, "user_id": OTHER_USER}, {"wa_id": ALEX, "user_id": USER_ID}, 7],
        "messages": [scene.text("wamid.in1"), scene.text("wamid.in2", sender=KIM)],
    }
    await scene.changes({"field": "messages", "value": value})
    assert (await scene.storage.person_by_user_id(USER_ID)).name == "Alex"
    assert (await scene.storage.person_by_user_id(OTHER_USER)).name == "Kim"


@pytest.mark.parametrize(
    "who",
    [{"sender": "4915550199"}, {"sender": None}, {"sender": None, "from_user_id": "US.1"}, {"sender": 7}],
)
async def test_who_is_not_known_is_not_heard(scene, who):
    await scene.post(messages=[scene.text(**who)])
    assert scene.outcomes == {"unknown_sender": 1}
    assert scene.listener.taken == []


# whose number it is


async def doubt(scene, person_id=1):
    return (await scene.storage.person(person_id)).doubt


async def test_a_number_that_was_silent_for_45_days_has_to_confirm(scene):
    await scene.post(messages=[scene.text("wamid.in1")])
    assert scene.listener.people[-1].doubt == ""
    scene.clock.advance(scene.clock.now_ms() + SILENT_MS + MINUTE_MS)
    await scene.post(messages=[scene.text("wamid.in2"), scene.text("wamid.in3")])
    assert [person.doubt for person in scene.listener.people] == ["", "silent", "silent"]
    assert await doubt(scene) == "silent"
    assert await scene.storage.audit_broken_at() is None


async def test_who_never_wrote_and_agreed_long_ago_has_to_confirm_too(scene):
    scene.clock.advance(scene.clock.now_ms() + SILENT_MS)
    await scene.post(messages=[scene.text()])
    assert scene.listener.people[-1].doubt == "silent"


async def test_another_user_id_on_a_known_number_raises_a_doubt_that_stays(scene):
    await scene.post(messages=[scene.text("wamid.in1", from_user_id=USER_ID)])
    await scene.post(messages=[scene.text("wamid.in2", from_user_id=OTHER_USER)])
    await scene.post(messages=[scene.text("wamid.in3", from_user_id=USER_ID)])
    assert [person.doubt for person in scene.listener.people] == ["", "changed", "changed"]
    assert await scene.storage.person_by_user_id(OTHER_USER) is None


async def test_a_number_of_one_person_with_the_user_id_of_another_is_the_others_in_doubt(scene):
    await scene.post(messages=[scene.text("wamid.in1", sender=KIM, from_user_id=USER_ID)])
    await scene.post(messages=[scene.text("wamid.in2", sender=ALEX, from_user_id=USER_ID)])
    assert scene.listener.taken[-1] == (2, "wamid.in2")
    assert (scene.listener.people[-1].doubt, await doubt(scene)) == ("changed", "changed")


async def test_a_crash_before_the_answer_does_not_end_a_silence(scene, monkeypatch):
    async def lost(*_):
        raise Unwritable("the disk took nothing")

    scene.clock.advance(scene.clock.now_ms() + SILENT_MS)
    raw = json.dumps({"kind": "message", "number": NUMBER_ID, "item": scene.text()})
    webhook = scene.new_webhook()
    await scene.storage.inbox_put([("wamid.in1", raw)], scene.clock.now_ms())
    with monkeypatch.context() as patch:
        patch.setattr(scene.listener, "take", lost)
        with pytest.raises(Unwritable):
            await webhook.run()
    async with running(webhook.run()):
        await webhook.caught_up.wait()
    assert scene.listener.people[-1].doubt == "silent"


def system(scene, kind, **more):
    return scene.text("wamid.sys", type="system", system={"type": kind, "body": f"{ALEX} is new"}, **more)


async def test_a_number_that_changes_moves_nothing_and_raises_a_doubt(scene):
    new = "15550100009"
    await scene.post(messages=[system(scene, "user_changed_number") | {"system": {
        "type": "user_changed_number", "wa_id": new, "body": f"{ALEX} changed to {new}",
    }}])  # fmt: skip
    assert scene.outcomes == {"number_changed": 1}
    assert scene.listener.taken == []
    assert (await doubt(scene), (await scene.storage.person(1)).last_inbound_ms) == ("changed", None)
    assert await scene.storage.person_by_phone(f"+{new}") is None


async def test_other_words_of_meta_open_no_window_and_nobody_answers_them(scene):
    await scene.post(messages=[system(scene, "group_created")])
    assert scene.outcomes == {"system": 1}
    assert (await scene.storage.person(1)).last_inbound_ms is None


async def test_when_somebody_was_heard_is_never_lowered_nor_ahead_of_our_clock(scene):
    await scene.post(messages=[scene.text("wamid.in1", age_ms=-DAY_MS)])
    await scene.post(messages=[scene.text("wamid.in2", age_ms=DAY_MS)])
    assert (await scene.storage.person(1)).last_inbound_ms == scene.clock.now_ms()


# what Meta says of our account


async def test_a_template_that_is_paused_is_known_and_told_in_one_line(scene, caplog):
    def change(field, **value):
        about = {"message_template_name": "collar_heat_alert_v1", "message_template_language": "pt-BR"}
        return {"field": field, "value": about | value}

    at_s = scene.clock.now_ms() // 1000
    for offset, news in enumerate((
        change("message_template_status_update", event="APPROVED", message_template_category="UTILITY"),
        change("message_template_status_update", event="PAUSED", reason="NONE"),
        change("message_template_quality_update", previous_quality_score="GREEN", new_quality_score="RED"),
        change("template_category_update", previous_category="UTILITY", new_category="MARKETING"),
    )):  # fmt: skip
        assert await scene.changes(news, at_s=at_s - 9 + offset) == 200
    (state,) = await scene.storage.template_states()
    assert (state.name, state.language) == ("collar_heat_alert_v1", "pt_BR")
    assert (state.status, state.category, state.quality) == ("PAUSED", "MARKETING", "RED")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings[0] == (
        "Meta says message_template_status_update: message_template_name collar_heat_alert_v1, "
        "message_template_language pt-BR, event PAUSED, reason NONE"
    )


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("phone_number_quality_update",
         {"display_phone_number": ALEX, "event": "DOWNGRADE", "current_limit": "TIER_250"},
         "event DOWNGRADE, current_limit TIER_250"),
        ("account_update",
         {"phone_number": ALEX, "event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}},
         "event DISABLED_UPDATE, waba_ban_state DISABLE"),
        ("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": [
            {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1780000000}]},
         "event ACCOUNT_RESTRICTION, restriction_type RESTRICTED_BIZ_INITIATED_MESSAGING, expiration 17…00"),
        ("account_alerts",
         {"entity_type": "WABA", "alert_info": {"alert_severity": "CRITICAL", "alert_type": "OBA"}},
         "entity_type WABA, alert_severity CRITICAL, alert_type OBA"),
        ("business_capability_update", {"max_daily_conversations_per_business": 2000},
         "max_daily_conversations_per_business 2000"),
        ("security", {"display_phone_number": ALEX, "event": "PIN_CHANGED", "requester": "61555822107539"},
         "event PIN_CHANGED"),
        ("user_preferences", {"user_preferences": [
            {"wa_id": ALEX, "category": "marketing_messages", "value": "stop"},
            {"wa_id": "1", "value": "resume"}, 7]},
         "person 1 marketing_messages stop, somebody unknown resume"),
        ("security", {"event": "A\nB\x1b" + "x" * 900}, "event A B " + "x" * 116),
    ],
)  # fmt: skip
async def test_what_meta_says_of_the_account_is_kept_without_numbers_and_counted(scene, field, value, text):
    assert await scene.changes({"field": field, "value": value}) == 200
    (note,) = await scene.storage.account_notes(0)
    assert (note.field, note.text) == (field, text)
    assert scene.outcomes == {field: 1}


@pytest.mark.parametrize("value", [{"event": "NEW"}, None, 7, [], {"event": {"a": 1}}, {"event": [ALEX]}])
async def test_a_field_that_meta_adds_is_kept_and_counted_never_an_error(scene, value):
    assert await scene.changes({"field": "brand_new_update", "value": value}) == 200
    assert scene.outcomes == {"unknown_field": 1}
    assert [note.field for note in await scene.storage.account_notes(0)] == ["brand_new_update"]


async def test_news_of_another_account_is_ignored(scene):
    async with scene.listening(account_id="ours"):
        assert await scene.changes({"field": "security", "value": {"event": "PIN_CHANGED"}}) == 200
    assert scene.outcomes == {"other_account": 1}
    assert await scene.storage.account_notes(0) == []


@pytest.mark.parametrize("value", [None, 7, [], {}, {"message_template_name": 7}, {"user_preferences": 7}])
@pytest.mark.parametrize("field", ["message_template_status_update", "user_preferences", "account_update"])
async def test_a_known_field_of_an_unknown_shape_is_kept_too(scene, field, value):
    assert await scene.changes({"field": field, "value": value}) == 200
    assert scene.outcomes == {field: 1}


async def test_the_same_news_is_news_again_on_another_day_and_not_when_it_is_repeated(scene):
    news = {"field": "security", "value": {"event": "PIN_CHANGED"}}
    at_s = scene.clock.now_ms() // 1000
    for day in (0, 0, 1):
        await scene.changes(news, at_s=at_s - day * 86_400)
    assert scene.outcomes == {"security": 2}


async def test_an_error_that_comes_without_a_message_is_logged_and_counted(scene, caplog):
    error = {"code": 130429, "title": "Rate limit hit", "error_data": {"details": f"slower, {ALEX}"}}
    value = {"metadata": {"phone_number_id": NUMBER_ID}, "errors": [error, 7]}
    assert await scene.changes({"field": "messages", "value": value}) == 200
    assert scene.outcomes == {"error": 2}
    assert "Meta reports: code 130429, title Rate limit hit, details slower, 15…01" in caplog.messages


def test_a_message_is_known_by_its_wamid_and_a_status_by_wamid_and_state():
    value = {
        "messages": [{"id": "w1"}, {"no": "id"}, {"id": "w\n1"}],
        "statuses": [{"id": "w1", "status": "sent"}],
    }
    keys = [key for key, _ in items(json.dumps({"entry": [{"changes": [{"value": value}]}]}).encode())]
    assert (keys[0], keys[3]) == ("w1", "w1|sent")
    assert all(key.startswith("sha256|") for key in keys[1:3])


async def test_what_a_status_tells_is_known_before_the_answer_that_came_with_it(scene):
    await scene.post(messages=[scene.text("wamid.in0")])  # heard just now: nothing is written of the next
    now_ms = scene.clock.now_ms()
    await scene.storage.queue([Message("m1", 1, 1, None, "alert", {"text": "x"}, now_ms, now_ms + DAY_MS)])
    await scene.storage.claim(now_ms, 1)  # Graph took it, and the answer with its wamid was lost
    known = []

    async def take(item, _):
        known.append(await scene.storage.message_by_wamid(item["context"]["id"]))
        return "text"

    scene.listener.take = take
    tap = scene.text(context={"id": "wamid.m1"})
    await scene.post(messages=[tap], statuses=[scene.status("delivered")])
    assert [message.id for message in known] == ["m1"]
