"""What comes back from Meta: nothing unsigned, nothing lost, nothing twice."""

from __future__ import annotations

import json

import aiohttp
import pytest

from relay.model import Event
from relay.storage.ports import ACCEPTED, DELIVERED, READ, SENT, Unwritable
from relay.whatsapp.conversation import START_WORDS, STOP_WORDS, only_word
from relay.whatsapp.webhook_items import BODY_MAX, DEPTH_MAX, ITEMS_MAX, WebhookError, items, signed
from tests.relay.whatsapp_scene import EVENT, MINUTE_MS, NOW_MS, NUMBER_ID, PHONE, opened, sign


@pytest.fixture
async def scene(tmp_path):
    async with opened(tmp_path / "state") as scene:
        yield scene


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def take(scene, session, **items):
    """Post one webhook and let the relay answer; return what was sent to the farmer then."""
    async with scene.listening() as hook, scene.dispatching():
        assert await hook.post(session, **items) == 200
        await scene.quiet()
    return [body["text"]["body"] for body in scene.graph.bodies if body["type"] == "text"]


def outcomes(scene):
    return {
        sample.labels["outcome"]: sample.value
        for sample in scene.counters.items.collect()[0].samples
        if sample.name.endswith("_total")
    }


@pytest.mark.parametrize(
    ("verb", "verdict", "answer"),
    [
        ("ack", "acknowledged", "Noted: you are on your way to Bella (12)."),
        ("snz", "snoozed", "Noted: Bella (12) is snoozed for 12 hours."),
        ("fp", "false_alarm", "Noted: false alarm for Bella (12). Thank you for telling us."),
    ],
)
async def test_a_tap_is_judged_and_answered(scene, session, verb, verdict, answer):
    assert await take(scene, session, messages=[scene.tap(verb)]) == [answer]
    assert await scene.storage.judge(EVENT, scene.person_id, verdict, 0) is False
    assert scene.graph.bodies[0]["context"] == {"message_id": "wamid.in1"}


async def test_who_says_that_a_kind_that_learns_was_wrong_hears_that_it_gets_stricter(scene, session):
    heat = Event("heat-1", scene.farm_id, scene.animal_id, "heat", NOW_MS, NOW_MS, {})
    await scene.storage.commit_scores(0, 0, 1, [], [heat], [])
    tap = scene.tap(payload=scene.payload("fp", event_id="heat-1"))
    (answer,) = await take(scene, session, messages=[tap])
    assert answer == "Noted: a wrong alert. I will be stricter with Bella (12)."


async def test_a_tap_about_the_herd_is_answered_with_the_name_of_the_farm(scene, session):
    herd = Event("herd-1", scene.farm_id, None, "heat_stress", NOW_MS, NOW_MS, {})
    await scene.storage.commit_scores(0, 0, 1, [], [herd], [])
    tap = scene.tap(payload=scene.payload(event_id="herd-1"))
    assert await take(scene, session, messages=[tap]) == ["Noted: you are on your way to Hill."]


async def test_a_tap_on_a_free_form_message_counts_too(scene, session):
    tap = scene.tap()
    del tap["button"]
    reply = {"type": "button_reply", "button_reply": {"id": scene.payload(), "title": "On my way"}}
    assert await take(scene, session, messages=[tap | {"type": "interactive", "interactive": reply}])
    assert outcomes(scene) == {"acknowledged": 1}


async def test_the_same_webhook_ten_times_is_one_judgement_and_one_answer(scene, session):
    async with scene.listening() as hook, scene.dispatching():
        for _ in range(10):
            assert await hook.post(session, messages=[scene.tap()]) == 200
            await scene.quiet()
    assert len(scene.graph.bodies) == 1
    assert outcomes(scene) == {"acknowledged": 1}


async def test_the_answer_comes_in_the_persons_language(scene, session):
    number = "+5511987654321"
    person_id = await scene.storage.add_person(
        scene.farm_id, "Ana", number, language="pt_BR", consent_ms=0, consent_text="x"
    )
    scene.person_id = person_id
    assert await take(scene, session, messages=[scene.tap(sender=number[1:])]) == [
        "Anotado: você vai verificar Bella (12)."
    ]


@pytest.mark.parametrize(
    ("age_ms", "outcome", "answers"),
    [
        (29 * MINUTE_MS, "acknowledged", 1),
        (31 * MINUTE_MS, "too_old", 1),
        (25 * 60 * MINUTE_MS, "too_old", 0),
    ],
)
async def test_a_command_older_than_30_minutes_is_not_executed(scene, session, age_ms, outcome, answers):
    sent = await take(scene, session, messages=[scene.tap(age_ms=age_ms)])
    assert outcomes(scene) == {outcome: 1}
    assert len(sent) == answers
    assert await scene.storage.judge(EVENT, scene.person_id, "acknowledged", 0) is (outcome == "too_old")


SILENCE = "You will get no more alerts. Reply START to get them again."
WELCOME = "You will get alerts again. Reply STOP to end them."


async def silent(scene):
    """Whether an alert queued now stays with us."""
    before = len(scene.graph.bodies)
    await scene.storage.queue([scene.alert(f"after {before}")])
    async with scene.dispatching():
        await scene.quiet()
    return len(scene.graph.bodies) == before


@pytest.mark.parametrize(
    "text", ["STOP", " stopp. ", "Baja", "PARAR!", "बंद", "بند\u06d4", "\u200f«بند»", "Stop 🐄"]
)
async def test_stop_silences_in_every_language_however_old(scene, session, text):
    stop = scene.typed(text) | {"timestamp": "1"}
    assert await take(scene, session, messages=[stop]) == []
    assert outcomes(scene) == {"opt_out": 1}
    assert await silent(scene)


async def test_stop_without_a_date_is_obeyed_all_the_same(scene, session):
    await take(scene, session, messages=[scene.typed("STOP") | {"timestamp": None}])
    assert await silent(scene)


async def test_stop_is_confirmed_once_in_the_chat(scene, session):
    stops = [
        scene.typed("STOP", "wamid.s1"),
        scene.typed("STOP", "wamid.s1"),
        scene.typed("stop", "wamid.s2"),
    ]
    stops[2]["timestamp"] = str(int(stops[2]["timestamp"]) - 60)
    assert await take(scene, session, messages=stops) == [SILENCE]
    assert scene.graph.bodies[0]["context"] == {"message_id": "wamid.s1"}


async def test_a_stop_that_a_crash_interrupted_is_confirmed_after_all(scene, session):
    stop = scene.typed("STOP")
    await scene.storage.opt_out(scene.person_id, int(stop["timestamp"]) * 1000)
    assert await take(scene, session, messages=[stop]) == [SILENCE]


@pytest.mark.parametrize("text", ["START", "Alta.", "iniciar", "शुरू", "شروع"])
async def test_start_after_stop_brings_the_alerts_back(scene, session, text):
    await take(scene, session, messages=[scene.typed("STOP", "wamid.s1")])
    assert await silent(scene)
    assert await take(scene, session, messages=[scene.typed(text, "wamid.s2")]) == [SILENCE, WELCOME]
    assert not await silent(scene)
    assert await scene.storage.audit_broken_at() is None


async def test_a_start_from_before_the_stop_changes_nothing(scene, session):
    earlier = scene.typed("START", "wamid.s2", age_ms=MINUTE_MS)
    await take(scene, session, messages=[scene.typed("STOP", "wamid.s1"), earlier])
    assert outcomes(scene) == {"opt_out": 1, "too_old": 1}
    assert await silent(scene)


async def test_a_tap_of_who_opted_out_is_judged_and_not_answered(scene, session):
    await take(scene, session, messages=[scene.typed("STOP", "wamid.s1")])
    assert await take(scene, session, messages=[scene.tap()]) == [SILENCE]
    assert outcomes(scene) == {"opt_out": 1, "acknowledged": 1}


@pytest.mark.parametrize("text", ["please stop the cow", "stop 12", "start?now", "", "🐄"])
async def test_a_sentence_with_stop_or_start_in_it_is_no_command(scene, session, text):
    await take(scene, session, messages=[scene.typed(text)])
    assert outcomes(scene) == {"no_command": 1}


@pytest.mark.parametrize("words", [STOP_WORDS, START_WORDS])
def test_every_word_of_the_lists_can_be_found(words):
    assert {only_word(word) for word in words} == words


async def test_a_stop_is_not_lost_to_a_full_disk(scene, session, monkeypatch):
    async def full(*_):
        raise Unwritable("the disk took nothing")

    async with scene.listening() as hook, scene.dispatching():
        with monkeypatch.context() as patch:
            patch.setattr(scene.storage, "opt_out", full)
            assert await hook.post(session, messages=[scene.typed("STOP")]) == 200
            with pytest.raises(Unwritable):
                await scene.webhook.run()
    assert await take(scene, session) == [SILENCE]
    assert await silent(scene)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"sender": "4915550199"}, "unknown_sender"),
        ({"sender": None}, "unknown_sender"),
        ({"payload": f"v1|ack|{EVENT}|AAAAAAAA"}, "bad_button"),
        ({"payload": "v1|ack|00000000000000ff|AAAAAAAA"}, "bad_button"),
        ({"payload": "v1|sell|00000000000000e1|AAAAAAAA"}, "no_command"),
        ({"payload": "x" * 1000}, "no_command"),
    ],
)
async def test_who_may_not_answer_changes_nothing(scene, session, change, outcome):
    assert await take(scene, session, messages=[scene.tap(**change)]) == []
    assert outcomes(scene) == {outcome: 1}
    assert await scene.storage.judge(EVENT, scene.person_id, "acknowledged", 0)


async def test_another_persons_button_is_refused(scene, session):
    other = "4915550142"
    await scene.storage.add_person(scene.farm_id, "Kim", other, consent_ms=0, consent_text="x")
    await take(scene, session, messages=[scene.tap(sender=other)])
    assert outcomes(scene) == {"bad_button": 1}


@pytest.mark.parametrize("header", ["", "sha256=", "sha256=" + "0" * 64, "sha1=abc", sign(b"other")])
async def test_a_bad_signature_is_401_and_nothing_is_stored(scene, session, header):
    async with scene.listening() as hook:
        raw = json.dumps({"entry": []}).encode()
        assert await hook.raw(session, raw, header) == 401
        async with session.post(hook.url, data=raw) as unsigned:
            assert unsigned.status == 401
    assert await scene.storage.inbox_pending(9) == []


async def test_the_signature_is_over_the_bytes_that_came(scene, session):
    escaped = b'{"entry":[{"changes":[{"value":{"messages":[{"id":"w","text":"K\\u00fche"}]}}]}]}'
    async with scene.listening() as hook:
        assert await hook.raw(session, escaped) == 200
        assert await hook.raw(session, escaped.replace(b"\\u00fc", "ü".encode()), sign(escaped)) == 401


@pytest.mark.parametrize(
    "raw", [b"", b"[", b"\xff\xfe", b"[" * 100_000, b'{"entry":' + b"[" * 40 + b"]" * 40 + b"}"]
)
async def test_a_signed_body_that_is_no_webhook_is_400(scene, session, raw):
    async with scene.listening() as hook:
        assert await hook.raw(session, raw) == 400


@pytest.mark.parametrize("raw", [b"7", b"null", b'{"entry":7}', b'{"entry":[{"changes":[3,{"value":[]}]}]}'])
async def test_a_shape_we_do_not_know_is_taken_and_means_nothing(scene, session, raw):
    async with scene.listening() as hook:
        assert await hook.raw(session, raw) == 200


async def test_a_body_of_3_mb_is_taken_and_one_over_4_mib_is_not(scene, session):
    async with scene.listening() as hook:
        assert await hook.raw(session, b'{"pad":"' + b"x" * 3_000_000 + b'"}') == 200
        assert await hook.raw(session, b" " * (BODY_MAX + 1)) == 413


async def test_a_batch_of_a_thousand_items_is_handled_whole(scene, session):
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(20)])
    statuses = [
        scene.status(state, f"m{n}", f"wamid.{n}")
        for n in range(20)
        for state in ("read", "sent", "delivered")
    ]
    unknown = [scene.status("sent", f"x{n}", f"wamid.x{n}") for n in range(939)]
    await take(scene, session, statuses=[*statuses, *unknown], messages=[scene.tap()])
    assert sum(outcomes(scene).values()) == 1000
    assert (await scene.storage.outbox_counts())[READ] == 20


async def test_a_text_that_is_no_text_does_not_hold_up_its_batch(scene, session):
    half = "\ud800"  # of a surrogate pair: valid JSON
    broken = [scene.typed(half), scene.typed("hi", half), scene.tap(wamid="wamid.in2")]
    value = {"metadata": {"phone_number_id": NUMBER_ID}, "messages": broken}
    raw = json.dumps({"entry": [{"changes": [{"value": value}]}]}).encode()
    async with scene.listening() as hook, scene.dispatching():
        assert await hook.raw(session, raw) == 200
        await scene.quiet()
    assert outcomes(scene) == {"no_command": 2, "acknowledged": 1}


@pytest.mark.parametrize(
    ("order", "state"),
    [(["sent", "delivered", "read"], READ), (["read", "sent"], READ), (["delivered", "failed"], DELIVERED),
     (["sent", "sent"], SENT), (["nonsense"], ACCEPTED)],
)  # fmt: skip
async def test_statuses_in_any_order_never_take_a_message_back(scene, session, order, state):
    await scene.storage.queue([scene.alert()])
    async with scene.listening() as hook, scene.dispatching():
        await scene.quiet()
        for status in order:
            assert await hook.post(session, statuses=[scene.status(status)]) == 200
        await scene.quiet()
    assert await scene.storage.message_state("m1") == state


async def test_an_item_that_fails_is_recorded_and_stops_no_other(scene, session):
    broken = [{"id": "wamid.b1", "type": "button", "from": PHONE}, 7, {"from": PHONE, "type": "text"}]
    answers = await take(scene, session, messages=[*broken, scene.tap()], statuses=[{"status": "sent"}, None])
    assert len(answers) == 1
    assert outcomes(scene) == {"failed": 5, "acknowledged": 1}
    assert await scene.storage.inbox_pending(9) == []


async def test_an_item_for_another_number_is_stored_and_ignored(scene, session):
    assert await take(scene, session, messages=[scene.tap()], number="42") == []
    assert outcomes(scene) == {"other_number": 1}


async def test_what_a_crash_left_in_the_inbox_is_worked_on_at_the_next_start(scene, session):
    text = json.dumps({"kind": "message", "number": "100000000000001", "item": scene.tap()})
    await scene.storage.inbox_put([("wamid.in1", text)], scene.clock.now_ms())
    async with scene.listening(), scene.dispatching():
        await scene.quiet()
    assert outcomes(scene) == {"acknowledged": 1}


async def test_meta_is_asked_to_send_again_what_was_not_stored(scene, session, monkeypatch):
    async def full(*_):
        raise OSError("disk full")

    async with scene.listening() as hook:
        with monkeypatch.context() as patch:
            patch.setattr(scene.storage, "inbox_put", full)
            assert await hook.post(session, messages=[scene.tap()]) == 500
        assert await hook.post(session, messages=[scene.tap()]) == 200
        await scene.quiet()
    assert outcomes(scene) == {"acknowledged": 1}


@pytest.mark.parametrize(
    ("token", "mode", "status"), [("word", "subscribe", 200), ("w", "subscribe", 403), ("word", "x", 403)]
)
async def test_the_handshake_gives_the_challenge_to_who_knows_the_word(scene, session, token, mode, status):
    async with scene.listening() as hook:
        query = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "1158201444"}
        async with session.get(hook.url, params=query) as answer:
            assert answer.status == status
            assert ((await answer.text()) == "1158201444") is (status == 200)


def test_both_app_secrets_hold_during_a_rotation():
    raw = b"{}"
    assert signed(raw, sign(raw, "old"), ["new", "old"])
    assert signed(raw, sign(raw, "new"), ["new", "old"])
    assert not signed(raw, sign(raw, "other"), ["new", "old"])


def test_items_and_depth_are_bounded():
    with pytest.raises(WebhookError, match="more than"):
        items(json.dumps({"entry": [{"changes": [{"value": {"statuses": [1] * (ITEMS_MAX + 1)}}]}]}).encode())
    deep: object = 1
    for _ in range(DEPTH_MAX + 1):
        deep = [deep]
    with pytest.raises(WebhookError, match="deeper"):
        items(json.dumps(deep).encode())


def test_a_message_is_known_by_its_wamid_and_a_status_by_wamid_and_state():
    value = {"messages": [{"id": "w1"}, {"no": "id"}], "statuses": [{"id": "w1", "status": "sent"}]}
    keys = [key for key, _ in items(json.dumps({"entry": [{"changes": [{"value": value}]}]}).encode())]
    assert (keys[0], keys[2]) == ("w1", "w1|sent")
    assert keys[1].startswith("sha256|")
