"""`herdbell replay`: what another scorer would have told of the hours that are kept."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.__main__ import main
from relay.model import HourRecord
from relay.scoring.hours import start_ms
from relay.scoring.kinds import heat_stress
from relay.settings import load_config
from relay.storage.ports import partition_of
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from tests.relay.kinds import scene
from tests.relay.process import write_settings

LIVE = Path(heat_stress.__file__)
WARM, HOT = (25.0, 60.0), (30.0, 60.0)  # an index of 72.8 and of 79.8


@pytest.fixture
def settings(tmp_path):
    return write_settings(tmp_path)


@pytest.fixture
def herdbell(settings):
    def run(*arguments):
        return CliRunner().invoke(main, [*arguments, "--config", str(settings)])

    run("farm", "add", "Sunny", "--zone", "Europe/Berlin")
    run("collar", "add", "--farm", "1", "--animal", "12", "--name", "Bella")
    return run


@pytest.fixture
def stricter(tmp_path):
    """The live scorer, but for a moderate day that begins at an index of 75."""
    file = tmp_path / "heat_stress.py"
    text = LIVE.read_text()
    assert "_BOUNDS = (68, 72," in text
    file.write_text(
        text.replace("_BOUNDS = (68, 72,", "_BOUNDS = (68, 75,").replace("VERSION = 1", "VERSION = 2")
    )
    return file


def _store(settings, air):
    async def store():
        config = load_config(settings, {})
        async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
            (one,) = await storage.animals(1)
            hours = [HourRecord(one.id, scene.FIRST + at, scene.hour().tobytes()) for at in range(len(air))]
            await storage.commit_scores(partition_of(1), 0, 1, [], [], [], hours=hours)
            for at, each in enumerate(air):
                await storage.note_weather(1, scene.FIRST + at, *each)

    asyncio.run(store())


def test_alerts_of_both_scorers_stand_side_by_side_in_the_farms_time(herdbell, settings, stricter):
    cool = (15.0, 60.0)
    _store(settings, [cool, WARM, cool, cool, cool, cool, HOT, HOT, cool])
    result = herdbell("replay", "--scorer", f"heat_stress={stricter}")
    assert result.exit_code == 0, result.output
    text = result.output
    assert "Sunny: hours from" in text
    assert "heat_stress: live version 1, new version 2" in text
    lines = [" ".join(each.split()) for each in text.splitlines()]
    assert any(each.startswith("only live 1 ") for each in lines)
    assert any(each.startswith("both 1 ") for each in lines)
    (only,) = (each for each in lines if each.startswith("only live 20"))
    assert only == "only live 2024-10-04 03:00 the farm live thi 72.8 of 72 new -"


def test_programs_get_every_alert_with_its_evidence(herdbell, settings, stricter):
    _store(settings, [WARM, HOT, HOT])
    result = herdbell("replay", "--farm", "1", "--scorer", f"heat_stress={stricter}", "--json")
    told = json.loads(result.stdout)
    kind = told["kinds"]["heat_stress"]
    assert (told["from_hour"], told["until_hour"]) == (scene.FIRST, scene.FIRST + 3)
    assert (kind["both"], kind["only_live"], kind["only_new"]) == (1, 0, 0)
    assert kind["per_cow_year"]["both"] == pytest.approx(1 / told["cow_years"])
    (alert,) = kind["alerts"]
    assert alert["live"]["at_ms"] == start_ms(scene.FIRST + 1)
    assert alert["new"]["at_ms"] == start_ms(scene.FIRST + 2)
    assert alert["new"]["evidence"]["thi"] == 80


def test_a_day_of_the_farm_from_which_on_to_look_leaves_earlier_alerts_out(herdbell, settings):
    _store(settings, [HOT, HOT])  # from 02:00 on 4 October in Berlin
    command = ["replay", "--scorer", f"heat_stress={LIVE}", "--json", "--since"]
    told = [json.loads(herdbell(*command, day).stdout) for day in ("2024-10-04", "2024-10-05")]
    assert [each["kinds"]["heat_stress"]["both"] for each in told] == [1, 0]
    assert [each["cow_years"] > 0 for each in told] == [True, False]


def test_a_version_that_is_kept_is_named_by_its_number(herdbell, settings):
    _store(settings, [WARM] * 30)
    result = herdbell("replay", "--scorer", "heat@0")
    assert result.exit_code == 0, result.output
    assert "new version 0" in result.output


def test_nothing_is_changed(herdbell, settings, stricter):
    _store(settings, [HOT] * 3)
    herdbell("replay", "--scorer", f"heat_stress={stricter}")

    async def events():
        config = load_config(settings, {})
        async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
            return await storage.events(1, 10), await storage.farm_states(partition_of(1))

    assert asyncio.run(events()) == ([], [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([f"heat_stress={LIVE}"], "Sunny: no hours are kept yet"),
        (["heat_stress"], "want NAME=FILE or NAME@VERSION"),
        (["heat_stress@new"], "want NAME=FILE or NAME@VERSION"),
        (["heat_stress@77"], "heat_stress@77: kept are none"),
        (["heat@77"], "heat@77: kept are 0"),
        (["heat_stress=nowhere.py"], "nowhere.py is no Python file"),
        ([f"no_movement={LIVE}"], "no_movement: is scored from minutes"),
        ([f"heat_stress={LIVE}", "--scorer", f"heat_stress={LIVE}"], "heat_stress: named twice"),
    ],
)
def test_what_cannot_be_replayed_is_one_line_that_says_why(herdbell, arguments, message):
    result = herdbell("replay", "--scorer", *arguments)
    assert message in result.output
    assert result.exit_code == 2
