"""`herdbell animal day`: a cow's day for people and for programs."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime

import pytest

from herdcore.vocabulary import BEHAVIOURS
from relay import timebudget
from relay.behaviour import labels, sitting
from relay.clock import WallClock
from relay.model import Animal, AnimalLabels, BehaviourHour, Farm, MinuteLabel, ScoredAnimal
from relay.settings import load_config
from relay.storage.ports import partition_of
from relay.storage.sqlite import SqliteStorage
from relay.timebudget import HOUR_MS, MINUTE_MS, Day, facts, span_ms, words
from relay.vault import open_vault

BERLIN = "Europe/Berlin"
SATURDAY = date(2026, 11, 21)
MIDNIGHT_MS = int(datetime(2026, 11, 20, 23, tzinfo=UTC).timestamp()) * 1000  # in Berlin
HILL = Farm(1, "Hillside", BERLIN)
BELLA = Animal(7, 1, "12", "Bella")


def hour(at=0, confidence_sum=0, lying=0, posture=0, **minutes):
    """The hour that begins `at` hours after midnight."""
    each = tuple(minutes.get(name, 0) for name in BEHAVIOURS)
    return BehaviourHour(MIDNIGHT_MS + at * HOUR_MS, sum(each), confidence_sum, lying, posture, each)


def day(*hours, until_h=24.0):
    return Day(HILL, BELLA, SATURDAY, MIDNIGHT_MS, MIDNIGHT_MS + round(until_h * HOUR_MS), hours)


def plain(of):
    return timebudget.click.unstyle(words(of))


def line(text, word):
    return next(each for each in text.splitlines() if each.strip().startswith(word))


def test_a_day_is_told_in_hours_and_minutes_of_each_behaviour():
    text = plain(day(hour(6, graze=55, walk=5), hour(7, graze=35, rest=25), hour(8, ruminate=60)))
    assert line(text, "grazing").split()[:6] == ["grazing", "1", "h", "30", "min", "6"]
    assert line(text, "resting").split()[:3] == ["resting", "25", "min"]
    assert line(text, "no data").split()[2:6] == ["21", "h", "00", "min"]


def test_coverage_is_the_share_of_the_elapsed_minutes_whose_behaviour_is_known():
    text = plain(day(hour(0, graze=40, unknown=20, confidence_sum=3_200), until_h=2))
    assert "coverage   33 %: 40 of 120 minutes known, mean confidence 80 %" in text


def test_what_is_not_validated_says_so_wherever_it_is_shown():
    for text in (plain(day()), plain(day(hour(3, ruminate=60, lying=50, posture=60)))):
        assert "ruminating: not validated on cattle" in line(text, "ruminating")
        assert "lying/standing: beta" in line(text, "posture")
    assert "50 min lying of 1 h 00 min known" in text
    told = facts(day())
    assert (told["not_validated"], told["beta"]) == (["ruminate"], ["lying"])


def test_every_hour_has_a_bar_of_two_minutes_a_mark_and_dots_where_nothing_is_known():
    text = plain(day(hour(1, graze=20, rest=10), until_h=2.5))
    bars = [each.strip() for each in text.splitlines() if each.strip()[2:3] == ":"]
    assert bars == ["00:00  " + "·" * 30, "01:00  " + "█" * 10 + "░" * 5 + "·" * 15, "02:00  " + "·" * 15]


def test_a_bar_never_outgrows_its_hour_however_its_minutes_round():
    for other in range(0, 60, 7):
        text = plain(day(hour(0, graze=1, rest=1, walk=1, other=other, unknown=57 - other), until_h=1))
        assert len(line(text, "00:00")) == len("  00:00  ") + 30


def test_a_day_without_data_is_told_as_such():
    text = plain(day())
    assert "coverage   0 %: 0 of 1440 minutes known" in text
    assert "posture    not known" in text
    assert facts(day())["confidence_percent"] is None


def test_minutes_from_a_clock_that_was_ahead_do_not_cover_more_than_everything():
    assert facts(day(hour(0, graze=60), until_h=0.5))["coverage_percent"] == 100


@pytest.mark.parametrize(
    ("zone", "day", "hours", "first"),
    [
        (BERLIN, SATURDAY, 24, "00:00"),
        (BERLIN, date(2026, 3, 29), 23, "00:00"),
        (BERLIN, date(2026, 10, 25), 25, "00:00"),
        ("Asia/Kolkata", SATURDAY, 24, "00:30"),
    ],
)
def test_a_day_has_the_hours_of_utc_that_begin_in_it(zone, day, hours, first):
    begin, end = span_ms(day, zone)
    assert (end - begin) // HOUR_MS == hours
    assert f"{timebudget.local(begin, zone):%H:%M}" == first
    assert begin % HOUR_MS == 0


def test_the_title_says_what_part_of_the_day_is_counted():
    assert "Saturday 21 November 2026 (Europe/Berlin)" in plain(day())
    assert "Saturday 21 November 2026, 00:00 to 14:20 (Europe/Berlin)" in plain(day(until_h=14 + 1 / 3))


@pytest.fixture
def herdbell(run):
    """Run a command against a new state with the cow 12; return its result."""
    run("farm", "add", "Sunny", "--zone", BERLIN)
    run("collar", "add", "--farm", "1", "--animal", "12", "--name", "Bella")
    return run


def label(settings, first_ms, behaviours):
    """Store minutes of these behaviours, one a letter of their names, from then on."""
    index = {name[0]: at for at, name in enumerate(BEHAVIOURS)} | {"R": BEHAVIOURS.index("ruminate")}
    first = first_ms // MINUTE_MS
    minutes = tuple(MinuteLabel(first + at, index[letter], 90) for at, letter in enumerate(behaviours))

    async def store():
        config = load_config(settings, {})
        async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
            (one,) = await storage.animals(1)
            await storage.commit_scores(5, 0, 1, [], [], [], [AnimalLabels(one.id, minutes)])

    asyncio.run(store())


def test_the_command_shows_what_the_store_knows_of_a_day_in_the_farms_zone(herdbell, settings):
    label(settings, MIDNIGHT_MS - 2 * MINUTE_MS, "gg" + "g" * 30 + "R" * 20)
    told = json.loads(herdbell("animal", "day", "12", "--date", "2026-11-21", "--json").output)
    assert (told["minutes"]["graze"], told["minutes"]["ruminate"]) == (30, 20)
    assert (told["elapsed_min"], told["known_min"], told["coverage_percent"]) == (1440, 50, 3)
    assert [each["from_ms"] for each in told["hours"]] == [MIDNIGHT_MS]
    text = herdbell("animal", "day", "12", "--date", "2026-11-20", "--farm", "1").output
    assert "Bella (12)  Sunny, Friday 20 November 2026" in text
    assert line(text, "grazing").split()[1:3] == ["2", "min"]


def test_a_collar_that_keeps_turning_is_told_and_one_that_turned_once_is_not(herdbell, settings, monkeypatch):
    now_ms = MIDNIGHT_MS + 10 * HOUR_MS
    monkeypatch.setattr(WallClock, "now_ms", lambda _: now_ms)

    def worn(*hours_ago):
        turned = sitting.Sitting(turned_ms=tuple(now_ms - ago * HOUR_MS for ago in hours_ago))
        state = labels.encode(labels.State(sitting=turned))

        async def store():
            config = load_config(settings, {})
            async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
                (one,) = await storage.animals(1)
                row = ScoredAnimal(one.id, labels.KIND, labels.VERSION, state)
                await storage.commit_scores(partition_of(1), 0, 1, [row], [], [])

        asyncio.run(store())
        return herdbell("animal", "day", "12").output

    assert "collar" not in worn(5)
    told = worn(150, 20, 5)
    assert "collar     turned 3 times in a week, last 21 November 05:00: look at its strap" in told
    assert "collar" not in worn(500, 20, 5)


def test_without_a_date_the_day_is_today_until_now(herdbell, settings, monkeypatch):
    label(settings, MIDNIGHT_MS, "g" * 60)
    monkeypatch.setattr(WallClock, "now_ms", lambda _: MIDNIGHT_MS + 2 * HOUR_MS)
    told = json.loads(herdbell("animal", "day", "12", "--json").output)
    assert (told["date"], told["elapsed_min"], told["coverage_percent"]) == ("2026-11-21", 120, 50)


def test_just_after_a_midnight_at_half_an_hour_of_utc_the_day_has_begun(herdbell, settings, monkeypatch):
    herdbell("farm", "add", "Ghat", "--zone", "Asia/Kolkata")
    herdbell("collar", "add", "--farm", "2", "--animal", "12")
    ten_past = int(datetime(2026, 11, 21, 18, 40, tzinfo=UTC).timestamp()) * 1000
    monkeypatch.setattr(WallClock, "now_ms", lambda _: ten_past)
    told = json.loads(herdbell("animal", "day", "12", "--farm", "2", "--json").output)
    assert (told["date"], told["elapsed_min"], told["hours"]) == ("2026-11-22", 0, [])
    assert told["from_ms"] == told["until_ms"]


def test_the_first_day_of_the_calendar_is_a_day_without_data(herdbell):
    result = herdbell("animal", "day", "12", "--date", "0001-01-01")
    assert result.exit_code == 0
    assert "0 of 1440 minutes known" in result.output


def test_in_a_simulation_today_is_where_the_labels_end(settings, herdbell, tmp_path):
    text = settings.read_text().replace('"state"', '"simulated"')
    settings.write_text(text + '\n[clock]\nsource = "simulated"\n')
    herdbell("farm", "add", "Sunny", "--zone", BERLIN)
    herdbell("collar", "add", "--farm", "1", "--animal", "12")
    assert "animal 12: nothing is labelled yet" in herdbell("animal", "day", "12").output
    label(settings, MIDNIGHT_MS, "g" * 45)
    told = json.loads(herdbell("animal", "day", "12", "--json").output)
    assert (told["date"], told["elapsed_min"], told["known_min"]) == ("2026-11-21", 45, 45)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["13"], "animal 13 is not known on farm 1 (Sunny)"),
        (["12", "--farm", "9"], "farm=9: want one of 1 (Sunny)"),
        (["12", "--date", "2099-01-01"], "--date=2099-01-01: that day has not begun"),
        (["12", "--date", "9999-12-31"], "--date=9999-12-31: that day has not begun"),
        (["12", "--date", "yesterday"], "does not match the format"),
    ],
)
def test_what_cannot_be_shown_is_one_line_that_says_why(herdbell, arguments, message):
    result = herdbell("animal", "day", *arguments)
    assert message in result.output
    assert result.exit_code == 2


def test_of_several_farms_one_has_to_be_named(herdbell):
    herdbell("farm", "add", "Valley")
    assert "want one of 1 (Sunny), 2 (Valley)" in herdbell("animal", "day", "12").output
