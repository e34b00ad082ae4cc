"""herdbell person and cost: consent, roles, what people may ask for by law, and what their messages cost."""

from __future__ import annotations

import json
import stat

import pytest

from relay.clock import WallClock
from relay.model import DeliveryStatus, Message
from relay.privacy import CONSENT

# Apprise asks for it on Python 3.11 and 3.12; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
NOW_MS = 1_795_392_000_000  # 2026-11-23
PHONE = "15550100001"
USER_ID = "US.13491208655302741918"
URL = "mailto://alex:secret-word@mail.example"


@pytest.fixture
def herdbell(run, monkeypatch):
    """Run a command on 2026-11-23; return its result."""
    monkeypatch.setattr(WallClock, "now_ms", lambda _: NOW_MS)
    run("farm", "add", "Sunny")
    run("person", "add", "--farm", "1", "--name", "Alex", "--phone", f"+{PHONE}")
    return run


def export(herdbell, *more):
    return json.loads(herdbell("person", "export", "1", *more).output)


# add, list


def test_consent_is_recorded_with_its_time_and_the_version_of_its_text(herdbell):
    given = ("--phone", "+15550100002", "--consent-text", "opt-in 2027-01, by letter", "--role", "worker")
    herdbell("person", "add", "--farm", "1", "--name", "Kim", *given, "--rung", "2")
    assert export(herdbell)["roles"][0]["consent_text"] == CONSENT
    (role,) = json.loads(herdbell("person", "export", "2").output)["roles"]
    assert (role["consent_ms"], role["consent_text"]) == (NOW_MS, "opt-in 2027-01, by letter")
    assert (role["role"], role["rung"]) == ("worker", 2)


def test_a_list_says_what_is_to_be_known_before_somebody_is_relied_on(herdbell, stored):
    async def trouble(storage):
        await storage.set_doubt(1, "silent")
        await storage.opt_out(1, NOW_MS)
        await storage.set_fewer(1, True)
        await storage.set_rung(1, 1, 3)
        await storage.add_address(1, URL)

    stored(trouble)
    said = herdbell("person", "list", "--farm", "1").output
    assert said.split("  ")[-1].strip() == (
        "rung 3, wants no messages, wants fewer, has to confirm (silent), mailto://…"
    )
    row = json.loads(herdbell("person", "list", "--farm", "1", "--json").output)
    assert (row["rung"], row["channels"]) == (3, ["mailto://…"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--farm", "7"], "farm=7: want one of 1 (Sunny)"),
        (["add", "--farm", "1", "--name", "A", "--phone", "1", "--rung", "10"],
         "10 is not in the range 0<=x<=9"),
        (["export", "9"], "person 9 is not known"),
        (["erase", "9", "--yes"], "person 9 is not known"),
        (["confirm", "9"], "person 9 is not known"),
        (["confirm", "1"], "person 1 (Alex) is not in doubt: nothing to confirm"),
        (["channel", "add", "1", "alex at home"], "want one like mailto://"),
        (["channel", "add", "9", URL], "person 9 is not known"),
        (["channel", "add", "1", "mailto://"], "mailto://… is no address that Apprise knows"),
        (["channel", "add", "1", "carrier://pigeon"], "carrier://… is no address that Apprise knows"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_clear_message(herdbell, arguments, message):
    result = herdbell("person", *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


# export


async def known(storage):
    """What a person leaves behind: a user id, another channel, a message."""
    await storage.heard(1, NOW_MS, USER_ID)
    await storage.add_address(1, URL)
    message = Message("m1", 1, 1, None, "alert", {"text": f"call {PHONE}"}, NOW_MS, NOW_MS + 1)
    await storage.queue([message])


def test_an_export_on_the_screen_masks_numbers_ids_and_addresses(herdbell, stored):
    stored(known)
    shown = herdbell("person", "export", "1").output
    found = json.loads(shown)
    assert (found["name"], found["phone"], found["user_id"]) == ("Alex", "+15…01", "US.…")
    assert found["addresses"] == ["mailto://…"]
    for secret in (PHONE, USER_ID, "secret-word"):
        assert secret not in shown


def test_an_export_to_a_file_holds_everything_and_is_its_owners_alone(herdbell, stored, tmp_path):
    stored(known)
    out = tmp_path / "alex.json"
    assert PHONE not in herdbell("person", "export", "1", "--out", str(out)).output
    found = json.loads(out.read_text())
    assert (found["phone"], found["user_id"], found["addresses"]) == (PHONE, USER_ID, [URL])
    assert found["messages"][0]["body"] == {"text": f"call {PHONE}"}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "File exists" in herdbell("person", "export", "1", "--out", str(out)).output


# erase


def test_nobody_is_erased_by_a_slip(herdbell):
    asked = herdbell("person", "erase", "1", stdin="n\n")
    assert "Forget Alex (owner) for good? [y/N]" in asked.output
    assert asked.exit_code == 1
    assert "Alex" in herdbell("person", "list", "--farm", "1").output


def test_who_is_erased_is_gone_and_the_chain_of_the_audit_holds(herdbell, stored, tmp_path):
    stored(known)
    assert herdbell("person", "erase", "1", "--yes").output == "person 1: erased\n"
    assert herdbell("person", "list", "--farm", "1").output == ""
    assert stored(lambda storage: storage.person_by_phone(f"+{PHONE}")) is None
    assert stored(lambda storage: storage.message_state("m1")) == "failed"
    assert stored(lambda storage: storage.audit_broken_at()) is None
    assert b"Alex" not in b"".join(path.read_bytes() for path in (tmp_path / "state").glob("*.db*"))


# confirm


def test_who_is_confirmed_gives_commands_again_also_under_a_new_user_id(herdbell, stored):
    async def changed(storage):
        await storage.heard(1, NOW_MS, USER_ID)
        await storage.set_doubt(1, "changed")

    async def heard_again(storage):
        await storage.heard(1, NOW_MS, "US.20000000000000000002")
        return await storage.person_by_user_id("US.20000000000000000002")

    stored(changed)
    assert herdbell("person", "confirm", "1").output == "person 1: Alex is confirmed\n"
    person = stored(heard_again)
    assert (person.id, person.doubt) == (1, "")


def test_who_has_only_a_user_id_keeps_it_when_confirmed(herdbell, stored):
    async def changed(storage):
        consent = {"consent_ms": NOW_MS, "consent_text": CONSENT}
        person_id = await storage.add_person(1, "Kim", "", user_id=USER_ID, **consent)
        await storage.set_doubt(person_id, "changed")

    stored(changed)
    assert herdbell("person", "confirm", "2").exit_code == 0
    assert stored(lambda storage: storage.person_by_user_id(USER_ID)).doubt == ""


# other channels


def test_another_channel_is_shown_by_its_scheme_alone_and_dropped_whole(herdbell, stored):
    assert herdbell("person", "channel", "add", "1", URL).output == "person 1: mailto://… added\n"
    herdbell("person", "channel", "add", "1", "ntfys://hillside-farm")
    assert stored(lambda storage: storage.addresses(1))[0] == URL
    assert herdbell("person", "channel", "drop", "1").output == "person 1: 2 dropped\n"
    assert stored(lambda storage: storage.addresses(1)) == []


def test_without_apprise_an_address_is_taken_and_said_to_be_unchecked(herdbell, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    added = herdbell("person", "channel", "add", "1", "carrier://pigeon")
    assert added.stderr == "Apprise is not installed: the address was not checked\n"
    assert added.stdout == "person 1: carrier://… added\n"


# cost


@pytest.fixture
def priced(herdbell, stored):
    """Messages that were sent and priced: (market, category, how many)."""

    def send(*rows):
        async def settle(storage):
            for number, (where, category, count) in enumerate(rows):
                ids = [f"m{number}-{each}" for each in range(count)]
                await storage.queue([Message(each, 1, 1, None, "alert", {"text": "x"}, NOW_MS, NOW_MS * 2)
                                     for each in ids])  # fmt: skip
                await storage.claim(NOW_MS, count)
                await storage.apply_statuses(
                    [DeliveryStatus(each, f"wamid.{each}", "sent", NOW_MS, market=where,
                                    pricing_category=category, pricing_type="regular") for each in ids]
                )  # fmt: skip

        stored(settle)

    return send


def test_a_month_is_shown_by_market_and_category_with_its_sum(herdbell, priced):
    priced(("Germany", "utility", 20), ("India", "utility", 5), ("Germany", "service", 3))
    lines = [" ".join(line.split()) for line in herdbell("cost").output.splitlines()]
    assert lines == [
        "farm market category messages USD",
        "Sunny Germany service 3 0.00",
        "Sunny Germany utility 20 1.10",
        "Sunny India utility 5 0.01",
        "Sunny all of 2026-11 28 1.11",
    ]
    rows = [json.loads(line) for line in herdbell("cost", "--farm", "1", "--json").output.splitlines()]
    assert [row["usd_micros"] for row in rows] == [0, 1_100_000, 7_000]


def test_what_is_guessed_or_left_out_of_a_sum_is_said(herdbell, priced, monkeypatch):
    priced(("Pakistan", "utility", 2), ("Germany", "marketing", 1))
    said = herdbell("cost", "--month", "2026-11")
    assert "2 to markets without a rate: priced as Other" in said.stderr
    assert "1 of a category without a rate: not in the sum" in said.stderr
    assert "no rate" in said.stdout
    assert "rate card" not in said.stderr
    monkeypatch.setattr(WallClock, "now_ms", lambda _: NOW_MS + 60 * 86_400_000)
    assert "a quarter began on 2027-01-01" in herdbell("cost").stderr


def test_another_month_and_a_wrong_one(herdbell, priced):
    priced(("Germany", "utility", 2))
    assert herdbell("cost", "--month", "2026-10").output.split()[-2:] == ["0", "0.00"]
    refused = herdbell("cost", "--month", "October")
    assert refused.exit_code == 2
    assert "month='October', want one like 2026-11" in refused.output
