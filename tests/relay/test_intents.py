"""Who is told what about an event, in which words."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest

import relay
from relay.alerts.evidence import FOLD, Account, why
from relay.alerts.ids import message_id
from relay.alerts.words import words, zone
from relay.model import Animal, Event, Farm, Person, QueuedMessage
from relay.scoring.kinds import all_kinds
from relay.whatsapp.bodies import Bodies
from relay.whatsapp.texts import load
from tests.relay.alert_scene import BELLA, FARM, HOUR_MS, NORA, Telling, at, event
from tests.relay.whatsapp_scene import BUTTONS

ENGLISH = words("en")
HEAT = {
    "activity_ratio": 2.41, "chew_less_percent": 31.2, "since_heat_days": 20, "days_compared": 10,
    "mates": 48, "strength": 0.9,
    "trace": [["activity", 3.1, 2.5], ["score", 6.2, 4.0], ["hours_in_a_row", 2, None]],
}  # fmt: skip
LONG = Animal(12, 3, "12345678", "Prinzessin Bella von Hohenstein", group="late lactation, north pasture")


def account(one, now, animal=BELLA, **more):
    return Account(one, FARM, animal, ENGLISH, at(now), **more)


def heat(found="16T05:00", after_h=8.0, **evidence):
    return event(found=found, after_h=after_h, evidence={**HEAT, **evidence})


def queued(message):
    """The body that Graph is sent, filled in."""
    sent = Bodies(load(), BUTTONS, "").build(QueuedMessage(message, "queued", 1, "+491701234567"))["template"]
    values = {one["parameter_name"]: one["text"] for one in sent["components"][0]["parameters"]}
    body = load().templates[sent["name"]].wordings["en"].body
    for name, text in values.items():
        body = body.replace(f"{{{{{name}}}}}", text)
    return body


def test_a_cow_that_does_not_move_is_a_critical_health_alert():
    (message,) = Telling().tell("16T04:45", event("no_movement", "16T04:45", after_h=1.5))
    assert message.critical
    assert message.body["template"] == "health_alert"
    assert message.body["params"] == {
        "animal": "Bella (12)", "farm": "Hof Lindner", "since": "03:15",
        "sign": "not moving (dead or very ill, or her collar lies on the ground)",
    }  # fmt: skip


def test_the_numbers_of_the_scorer_stand_beside_the_sign():
    still = event("no_movement", "16T04:45", evidence={"still_min": 95})
    (message,) = Telling().tell("16T04:45", still)
    assert message.body["params"]["sign"].startswith("not moving (still for 95 min; ")


def test_a_heat_says_how_it_shows_and_when_to_inseminate():
    (message,) = Telling().tell("16T06:00", heat(after_h=7.8))
    assert queued(message) == (
        "Heat alert: Bella (12) at Hof Lindner has been in heat since 21:12 on 15 November, seen by: "
        "moves 2.4 x normal, chews 31 % less, 20 days since her last heat. Best time to inseminate: "
        "10:12 to 15:12, until 21:12 at the latest. Please tap a button below."
    )


def test_the_text_has_all_that_the_farmer_needs_in_his_units():
    assert account(heat(after_h=8), "16T06:00", replace(BELLA, group="milking group")).text() == (
        "HEAT: Bella (12), milking group\n"
        "Since 21:00 on 15 November. Moves 2.4 x normal, chews 31 % less, 20 days since her last heat.\n"
        "Best time to inseminate: 10:00 to 15:00 (until 21:00).\n"
        "Compared with her last 10 normal days and 48 herd-mates. Almost certain."
    )


@pytest.mark.parametrize(
    ("now", "window", "todo"),
    [
        ("16T12:00", "12:00 to 15:00, until 21:00 at the latest",
         "Best time to inseminate: 12:00 to 15:00 (until 21:00)."),
        ("16T15:00", "now, until 21:00 at the latest", "Inseminate soon, until 21:00 at the latest."),
        ("16T21:00", "", "The time to inseminate has passed: note the date for her next heat."),
    ],
)  # fmt: skip
def test_no_time_is_named_that_has_passed(now, window, todo):
    late = account(heat(), now)
    assert (late.window, late.todo) == (window, todo)


def test_a_missing_number_leaves_its_clause_out():
    some = heat(chew_less_percent=None, since_heat_days="?", days_compared=1, mates=None, strength=None)
    told = account(some, "16T06:00")
    assert told.evidence == "moves 2.4 x normal"
    assert told.compared == "Compared with her last normal day."
    assert told.confidence == ""
    bare = account(replace(some, evidence={}), "16T06:00")
    assert (bare.evidence, bare.compared) == ("", "")
    (message,) = Telling().tell("16T06:00", replace(some, evidence={}))
    assert "seen by: her movement" in queued(message)


@pytest.mark.parametrize(
    ("strength", "word"), [(1.0, "Almost certain."), (0.5, "Likely."), (0.1, "Worth a look.")]
)
def test_the_confidence_is_a_word(strength, word):
    assert account(heat(strength=strength), "16T06:00").confidence == word


def test_an_experimental_alert_says_that_it_is_one():
    lame = event("lameness", "16T10:00", evidence={"strength": 0.9})
    told = account(lame, "16T10:00", is_experimental=True)
    assert told.confidence == "This alert is still being tried out."


def test_other_values_than_numbers_come_from_a_closed_vocabulary():
    hot = event(
        "heat_stress", "16T10:00", None, evidence={"thi": 79, "level": "severe", "suffering": [7, 99]}
    )
    names = {12: "Bella (12)", 7: "Nora (7)"}
    assert account(hot, "16T10:00", None, names=names).evidence == (
        "temperature-humidity index 79, severe, chewing least: Nora (7)"
    )
    odd = replace(hot, evidence={"thi": 79, "level": "call 555-0100", "suffering": []})
    assert account(odd, "16T10:00", None, names=names).evidence == "temperature-humidity index 79"


def test_less_by_nothing_is_no_evidence():
    lame = event("lameness", "16T10:00", evidence={"walk_less_percent": 20, "eat_less_percent": -3})
    assert account(lame, "16T10:00").evidence == "walks 20 % less"


def test_a_time_among_the_numbers_is_said_by_the_farms_clock(monkeypatch):
    section = {**ENGLISH.table["kinds"]["battery"], "evidence": ["charged {charged_ms}"]}
    monkeypatch.setitem(ENGLISH.table["kinds"], "battery", section)
    weak = event("battery", "16T10:00", evidence={"charged_ms": at("16T08:30")})
    assert account(weak, "16T10:00").evidence == "charged 08:30"


def test_why_says_each_number_and_what_it_was_held_against():
    assert why(heat(), ENGLISH) == (
        "activity against her usual 3.1 (limit 2.5); score 6.2 (limit 4); hours in a row 2."
    )
    assert why(event(), ENGLISH) == "The rule left no trace."


def test_an_alert_of_the_whole_herd_names_the_herd():
    disturbed = event("herd_event", "16T10:00", None, evidence={"animals": 22, "herd": 48}, after_h=0)
    (message,) = Telling().tell("16T10:00", disturbed)
    assert message.body["template"] == "herd_alert"
    assert "show disturbance and running (22 of 48 animals at once) since 10:00" in queued(message)
    assert account(disturbed, "16T10:00", None).text().startswith("THE HERD IS DISTURBED: the herd\n")


def test_owners_and_workers_are_told_each_once_and_nobody_else():
    people = [
        Person(number, "", "en", "UTC", role)
        for number, role in enumerate(("owner", "worker", "vet", "technician"))
    ]
    still = event("no_movement", "16T10:00", name="00112233445566aa")
    told = Telling(people=people).tell("16T10:00", still)
    assert [message.person_id for message in told] == [0, 1]
    assert [message.id for message in told] == [message_id(still.id, number, "alert") for number in (0, 1)]
    assert {message.event_id for message in told} == {still.id}


def test_what_nobody_can_act_on_any_more_is_no_message():
    still = event("no_movement", "16T10:00")
    assert Telling().tell("16T22:00", still) == []
    assert len(Telling().tell("16T21:59", still)) == 1


def test_half_past_two_happens_twice_when_the_clocks_go_back():
    before_ms = at("2026-10-25T00:30", "UTC")  # 02:30 summer time
    for onset_ms, since in (
        (before_ms, "02:30"),
        (before_ms + HOUR_MS, "02:30"),
        (before_ms + 2 * HOUR_MS, "03:30"),
    ):
        (message,) = Telling().tell(
            onset_ms + 2 * HOUR_MS, event("no_movement", onset_ms + 2 * HOUR_MS, after_h=2)
        )
        assert message.body["params"]["since"] == since


def test_a_farm_east_of_greenwich_has_its_own_today():
    lahore = Telling(Farm(3, "Lahore", zone="Asia/Karachi"))
    (message,) = lahore.tell(
        at("16T01:45", "Asia/Karachi"),
        event("no_movement", at("16T01:40", "Asia/Karachi"), after_h=1.5),
    )
    assert message.body["params"]["since"] == "00:10"


def test_a_zone_nobody_knows_is_taken_as_utc():
    (message,) = Telling(Farm(3, "X", zone="Mars/Olympus")).tell(
        at("16T05:00", "UTC"), event("no_movement", at("16T05:00", "UTC"), after_h=2)
    )
    assert message.body["params"]["since"] == "03:00"
    assert [str(zone(name)) for name in ("Europe", "", "../x")] == ["UTC"] * 3


def test_a_language_without_a_catalogue_is_told_in_english_template_and_all():
    finn = Person(2, "Aino", "fi", "UTC", "worker")
    (message,) = Telling(people=(finn,)).tell("16T10:00", event("no_movement", "16T10:00"))
    assert message.body["language"] == "en"
    assert words("en_GB").language == "en"


def test_a_kind_without_words_is_an_error():
    one = Event("x", 3, 12, "weather", 0, 0, {})
    with pytest.raises(KeyError, match="weather"):
        _ = account(one, "16T10:00").sign


def test_a_list_too_long_for_one_body_is_cut_to_fit():
    farm = Telling(farm=replace(FARM, name="Hof " + "x" * 150))
    weak = [event("battery", "16T10:00", BELLA)]
    (digest,) = farm.tell("17T06:00", *weak)
    long = replace(digest, body={**digest.body, "params": {**digest.body["params"], "list": "y" * 2000}})
    assert 900 < len(queued(long)) <= 1024


def test_lines_that_do_not_fit_wait_for_the_next_digest():
    cows = [Animal(number, 3, str(number), "Rosamunde") for number in range(20, 40)]
    farm = Telling(animals=cows)
    events = [event("battery", "16T10:00", cow) for cow in cows]
    first, second = (farm.tell(now, *events)[0] for now in ("17T06:00", "18T06:00"))
    told = [{entry[0] for entry in one.body["about"]} for one in (first, second)]
    assert len(told[0] | told[1]) == 20
    assert not told[0] & told[1]


def test_clauses_that_do_not_fit_before_the_fold_come_after_it(monkeypatch):
    section = {**ENGLISH.table["kinds"]["battery"], "evidence": [f"{letter * 90} {{x}}" for letter in "abcd"]}
    monkeypatch.setitem(ENGLISH.table["kinds"], "battery", section)
    text = account(event("battery", "16T10:00", NORA, evidence={"x": 1}), "16T10:00", NORA).text()
    head, after = text.rsplit("\n", 1)
    assert len(head) <= FOLD
    assert "c" * 90 not in head
    assert "d" * 90 in after


def described_kinds():
    """Each kind whose scorer says in its docstring what its evidence is, with the words of its source."""
    sources = {name: source_of(name) for name in sorted(all_kinds())}
    return [(name, text) for name, text in sources.items() if "evidence:" in text.lower()]


def source_of(kind):
    return (Path(relay.__file__).parent / "scoring" / "kinds" / f"{kind}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "source"), described_kinds(), ids=[name for name, _ in described_kinds()])
def test_the_words_of_a_kind_use_the_values_that_its_scorer_names(name, source):
    section = ENGLISH.table["kinds"][name]
    clauses = [
        clause for one in (section, *section.get("stages", {}).values()) for clause in one.get("evidence", ())
    ]
    used = {field for clause in clauses for _, field, _, _ in Formatter().parse(clause) if field}
    assert used <= set(re.findall(r"\w+", source))


def test_a_cow_that_does_not_move_may_have_lost_her_collar_and_the_farmer_reads_that():
    (message,) = Telling().tell("16T10:00", event("no_movement", evidence={"still_min": 92}))
    assert "not moving (still for 92 min; dead or very ill, or her collar lies on the ground)" in queued(
        message
    )
    todo = "Go and look: she is dead or very ill, or her collar lies on the ground."
    assert todo in message.body["text"]


def test_what_the_herd_is_compared_with_is_not_hers():
    changed = event("herd_event", animal=None, evidence={"days_compared": 7})
    assert account(changed, "16T10:00", None).compared == "Compared with the last 7 normal days."


def test_a_figure_that_is_none_is_left_out():
    assert account(event("no_movement", evidence={"still_min": float("nan")}), "16T10:00").evidence == ""


def test_a_faulty_sensor_is_told_by_every_axis_that_is_stuck_and_not_by_faults_it_has_not():
    stuck = event("battery", evidence={"gravity_g": 1.0, "stuck_axis": "xy", "faults": 0})
    told = account(replace(stuck, kind="sensor_fault"), "16T10:00").evidence
    assert told == "gravity reads 1.00 g, stuck axis: x, y"
