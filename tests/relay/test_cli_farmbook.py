"""herdbell animal event(s), group, farm coverage, digest, escalation, kind(s), weather: a farmer's words."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from relay.cli.farmbook import standings
from relay.clock import WallClock
from relay.model import Farm
from relay.scoring import coverage, kinds, lives
from relay.storage.ports import COVERAGES, LIFE_KINDS

HOUR_MS = 3_600_000


def berlin(*moment):
    return int(datetime(*moment, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1000


NOW_MS = berlin(2026, 11, 23, 9, 30)


@pytest.fixture
def herdbell(run, monkeypatch):
    """Run a command in the morning of 2026-11-23; return its result."""
    monkeypatch.setattr(WallClock, "now_ms", lambda _: NOW_MS)
    run("farm", "add", "Sunny", "--zone", "Europe/Berlin")
    run("collar", "add", "--farm", "1", "--animal", "12", "--name", "Bella", "--device", "100")
    run("collar", "add", "--farm", "1", "--animal", "13", "--device", "101")
    return run


@pytest.fixture
def recorded(stored):
    return lambda: [(each.kind, each.at_ms, each.noted_ms) for each in stored(lambda s: s.life_events(1))]


# lives


def test_what_happens_now_is_recorded_without_a_time(herdbell, recorded):
    assert herdbell("animal", "event", "1", "12", "calved").output == "Bella (12): calved, 2026-11-23 09:30\n"
    assert recorded() == [("calved", NOW_MS, NOW_MS)]


@pytest.mark.parametrize(
    ("said", "at_ms"),
    [
        ("2026-11-20", berlin(2026, 11, 20, 12)),
        ("2026-11-20 06:30", berlin(2026, 11, 20, 6, 30)),
        ("2026-11-20T06:30+00:00", berlin(2026, 11, 20, 7, 30)),
        ("2026-11-23", NOW_MS),
    ],
    ids=["a day is its noon", "a time of the farm", "another zone", "today is no later than now"],
)
def test_a_time_is_the_farms(herdbell, recorded, said, at_ms):
    assert herdbell("animal", "event", "1", "12", "inseminated", "--at", said).exit_code == 0
    assert recorded() == [("inseminated", at_ms, NOW_MS)]


def test_a_due_date_lies_ahead_and_nothing_else_does(herdbell, recorded):
    assert herdbell("animal", "event", "1", "12", "due", "--at", "2027-01-05").exit_code == 0
    for said in ("2026-11-23 09:31", "2026-11-24"):
        refused = herdbell("animal", "event", "1", "12", "calved", "--at", said)
        assert refused.exit_code == 2
        assert "lies ahead: it is recorded when it has happened" in refused.output
    assert recorded() == [("due", berlin(2027, 1, 5, 12), NOW_MS)]


def test_old_records_are_taken_over_with_the_day_they_were_written_down(herdbell, recorded):
    herdbell("animal", "event", "1", "12", "due", "--at", "2026-12-20", "--noted", "2026-04-20")
    assert recorded() == [("due", berlin(2026, 12, 20, 12), berlin(2026, 4, 20, 12))]


@pytest.mark.parametrize("said", ["2026-11-23", "2026-11-23 09:30"])
def test_a_mistake_is_struck_by_the_day_or_the_minute_it_was_recorded_for(herdbell, recorded, said):
    herdbell("animal", "event", "1", "12", "calved")
    herdbell("animal", "event", "1", "12", "calved", "--at", "2025-11-01")
    struck = herdbell("animal", "event", "1", "12", "calved", "--at", said, "--strike")
    assert struck.output == "Bella (12): calved, 2026-11-23 09:30, struck\n"
    assert [kind_at[1] for kind_at in recorded()] == [berlin(2025, 11, 1, 12)]


def test_striking_what_is_not_there_says_so_and_changes_nothing(herdbell, recorded):
    herdbell("animal", "event", "1", "12", "calved")
    for number, kind, said in (("13", "calved", "2026-11-23"), ("12", "dry", "2026-11-23"),
                               ("12", "calved", "2026-11-23 09:29")):  # fmt: skip
        refused = herdbell("animal", "event", "1", number, kind, "--at", said, "--strike")
        assert refused.exit_code == 2
        assert f"no {kind} is recorded for 2026-11-23" in refused.output
    assert len(recorded()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["1", "99", "calved"], "animal 99 is not known on farm 1 (Sunny)"),
        (["7", "12", "calved"], "farm=7: want one of 1 (Sunny)"),
        (["1", "12", "married"], "'married' is not one of 'calved', 'inseminated'"),
        (["1", "12", "calved", "--at", "yesterday"], "'yesterday' is no time; want one like 2026-11-20"),
        (["1", "12", "due"], "--at is missing: due when?"),
        (["1", "12", "calved", "--strike"], "--at is missing: calved when?"),
    ],
)
def test_what_cannot_be_recorded_is_refused(herdbell, recorded, arguments, said):
    refused = herdbell("animal", "event", *arguments)
    assert refused.exit_code == 2
    assert said in refused.output
    assert recorded() == []


def test_a_simulation_records_any_time_but_has_no_now(herdbell, settings):
    text = settings.read_text().replace('"state"', '"simulated"')
    settings.write_text(text + '[clock]\nsource = "simulated"\n')
    herdbell("farm", "add", "Sunny")
    herdbell("collar", "add", "--farm", "1", "--animal", "12", "--device", "100")
    weather = ("farm", "weather", "1", "--temperature", "31", "--humidity", "60")
    for command in (("animal", "event", "1", "12", "calved"), weather):
        assert "--at is missing" in herdbell(*command).output
    assert herdbell("animal", "event", "1", "12", "calved", "--at", "2031-01-01").exit_code == 0


def test_a_herds_lives_are_listed_oldest_first_or_of_one_animal(herdbell):
    herdbell("animal", "event", "1", "12", "calved")
    herdbell("animal", "event", "1", "13", "dry", "--at", "2026-11-01")
    assert herdbell("animal", "events", "1").output.splitlines() == [
        "2026-11-01 12:00  dry          13",
        "2026-11-23 09:30  calved       Bella (12)",
    ]
    (line,) = herdbell("animal", "events", "1", "12", "--json").output.splitlines()
    assert json.loads(line) == {"animal": "12", "kind": "calved", "at_ms": NOW_MS, "noted_ms": NOW_MS}


def test_an_animal_is_put_into_a_group_and_out_of_it(herdbell, stored):
    assert herdbell("animal", "group", "1", "12", "dry cows").output == "Bella (12): dry cows\n"
    assert stored(lambda s: s.animal(1)).group == "dry cows"
    assert herdbell("animal", "group", "1", "12", "").output == "Bella (12): no group\n"
    assert stored(lambda s: s.animal(1)).group == ""


# the farm


def test_a_coverage_is_set_and_says_what_it_cannot_serve(herdbell, stored):
    told = json.loads(herdbell("farm", "coverage", "1", "outages", "--json").output)
    assert stored(lambda s: s.farm(1)).coverage == told["coverage"] == "outages"
    assert "no_movement" in told["off"]
    assert f"off: {', '.join(told['off'])}" in herdbell("farm", "coverage", "1", "outages").output
    assert herdbell("farm", "coverage", "1", "always").output.endswith("off: none\n")


def test_a_farm_sleeps_when_it_says(herdbell, stored):
    assert herdbell("farm", "quiet", "1", "22:00", "05:00").output == "quiet from 22:00 to 05:00\n"
    assert stored(lambda s: s.farm(1)).quiet_from_min == 1_320
    assert herdbell("farm", "quiet", "1", "22:00").exit_code == 2
    assert herdbell("farm", "quiet", "1").output == "told at any hour\n"
    assert stored(lambda s: s.farm(1)).quiet_to_min is None


def test_a_farm_says_when_an_alert_that_nobody_answers_goes_on(herdbell, stored):
    told = herdbell("farm", "escalation", "1", "5,10,60").output
    assert told == "Sunny: an urgent alert nobody answers goes on after 5 and 10 and 60 min\n"
    assert stored(lambda s: s.farm(1)).escalate_min == (5, 10, 60)
    assert herdbell("farm", "escalation", "1", "never").output.endswith("never goes on\n")
    assert stored(lambda s: s.farm(1)).escalate_min == ()
    told = json.loads(herdbell("farm", "escalation", "1", "15,30", "--json").output)
    assert told == {"farm": 1, "escalate_min": [15, 30]}


@pytest.mark.parametrize("steps", ["", "soon", "0", "1441", "30,15", "1,2,3,4,5", "15;30"])
def test_times_that_are_none_are_refused_and_change_nothing(herdbell, stored, steps):
    assert herdbell("farm", "escalation", "1", steps).exit_code == 2
    assert stored(lambda s: s.farm(1)).escalate_min == (15, 30)


def test_a_digest_time_is_the_farms_own(herdbell, stored):
    assert herdbell("farm", "digest", "1", "06:45").output == "digest at 06:45\n"
    assert stored(lambda s: s.farm(1)).digest_min == 405
    assert herdbell("farm", "digest", "1", "24:00").exit_code == 2


def test_a_kind_is_switched_and_listed_with_why(herdbell):
    assert herdbell("farm", "kind", "1", "no_movement", "off").output.split() == ["no_movement", "off"]
    listed = [json.loads(line) for line in herdbell("farm", "kinds", "1", "--json").output.splitlines()]
    assert [each["kind"] for each in listed] == sorted(kinds.all_kinds())
    assert {"kind": "no_movement", "is_on": False, "why": ""} in listed
    herdbell("farm", "kind", "1", "no_movement", "on")
    assert "no_movement          on\n" in herdbell("farm", "kinds", "1").output


def test_an_unknown_kind_is_not_switched(herdbell, stored):
    refused = herdbell("farm", "kind", "1", "happiness", "on")
    assert refused.exit_code == 2
    assert "kind='happiness', want one of" in refused.output
    assert stored(lambda s: s.switches(1)) == {}


def standing(name, switches=None, covered="always"):
    return next(one for one in standings(Farm(1, "F", coverage=covered), switches or {}) if one.name == name)


def test_an_experimental_kind_is_off_until_the_farm_switches_it_on():
    name = next(kind.name for kind in kinds.all_kinds().values() if kind.is_experimental)
    assert standing(name) == (name, False, "experimental")
    assert standing(name, {name: True}) == (name, True, "experimental")


def test_no_switch_makes_a_coverage_serve_what_it_cannot():
    found = standing("no_movement", {"no_movement": True}, "outages")
    assert not found.is_on
    assert found.why.startswith("data may come 72 h late, of use within ")


def test_weather_is_recorded_for_the_hour_it_was_measured_in(herdbell, stored):
    told = herdbell("farm", "weather", "1", "--temperature", "31.5", "--humidity", "60")
    assert told.output == "Sunny: 1 hour\n"
    herdbell("farm", "weather", "1", "--at", "2026-11-24", "--temperature", "-3", "--humidity", "90")
    hour = NOW_MS // HOUR_MS
    expected = {hour: (31.5, 60.0), berlin(2026, 11, 24, 12) // HOUR_MS: (-3.0, 90.0)}
    assert stored(lambda s: s.weather(1, hour, hour + 48)) == expected


def test_a_table_of_weather_is_recorded_at_once(herdbell, stored):
    rows = [f"2026-07-{1 + at // 24:02} {at % 24:02}:00,{20 + at % 10},55.5\n" for at in range(31 * 24)] * 2
    table = "time,temperature_c,humidity_percent\n" + "".join(rows)
    assert herdbell("farm", "weather", "1", "--from", "-", stdin=table).output == "Sunny: 1488 hours\n"
    begin = berlin(2026, 7, 1) // HOUR_MS
    found = stored(lambda s: s.weather(1, begin, begin + 31 * 24))
    assert len(found) == 31 * 24
    assert found[begin + 25] == (25.0, 55.5)


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["--temperature", "31"], None, "give either --temperature and --humidity or --from"),
        (["--temperature", "3", "--humidity", "60", "--from", "-"], "", "give either --temperature"),
        (["--temperature", "310", "--humidity", "60"], None, "temperature_c=310.0 outside -60..60"),
        (["--from", "-"], "time,t,h\n", "want time, temperature_c, humidity_percent"),
        (["--from", "-"], "time,temperature_c,humidity_percent\nnow,1,2\n", "line 2: want a time and two"),
        (["--from", "-"], "time,temperature_c,humidity_percent\n2026-07-01,1\n", "line 2: want a time and"),
    ],
)
def test_weather_that_cannot_be_is_refused(herdbell, stored, arguments, stdin, said):
    refused = herdbell("farm", "weather", "1", *arguments, stdin=stdin)
    assert refused.exit_code == 2
    assert said in refused.output
    assert stored(lambda s: s.weather(1, 0, 1 << 40)) == {}


def test_every_change_a_farmer_makes_is_in_the_audit(herdbell, stored, tmp_path):
    herdbell("animal", "event", "1", "12", "calved")
    herdbell("animal", "group", "1", "12", "dry")
    for change in (["coverage", "1", "barn"], ["digest", "1", "05:00"], ["kind", "1", "no_movement", "on"],
                   ["weather", "1", "--temperature", "3", "--humidity", "60"]):  # fmt: skip
        assert herdbell("farm", *change).exit_code == 0
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    for action in (
        b"animal.event",
        b"animal.group",
        b"farm.coverage",
        b"farm.digest",
        b"farm.kind",
        b"farm.weather",
    ):
        assert action in written
    assert stored(lambda s: s.audit_broken_at()) is None


def test_storage_and_scoring_know_the_same_coverages_and_life_events():
    assert set(coverage.GAP_H) == set(COVERAGES)
    assert tuple(lives.LIFE_EVENTS) == LIFE_KINDS
