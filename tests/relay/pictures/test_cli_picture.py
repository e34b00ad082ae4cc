"""`herdbell animal picture`: anyone can look at what goes out with an alert."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from relay.__main__ import main
from relay.model import AnimalLabels, MinuteLabel
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from tests.relay.pictures.cows import UNTIL_MS, everyday
from tests.relay.process import write_settings


async def fill(settings):
    config = load_config(settings)
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        farm_id = await storage.add_farm("Hill", bytes(32), language="de", zone="Europe/Berlin")
        cow, _ = [await storage.add_animal(farm_id, number) for number in ("42", "7")]
        labels = [AnimalLabels(cow, (MinuteLabel(UNTIL_MS // 60_000 - 1, 1, 90),))]
        hours = [each._replace(animal_id=cow) for each in everyday(1)]
        await storage.commit_scores(0, 0, 1, [], [], [], labels, hours=hours)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = write_settings(tmp_path, '[clock]\nsource = "simulated"\n[server]\nhost = "127.0.0.1"\n')
    asyncio.run(fill(settings))
    return lambda *words: CliRunner().invoke(main, ["animal", "picture", *words, "--config", str(settings)])


def test_a_picture_is_written_where_it_is_wanted(run, tmp_path):
    out = tmp_path / "cow.png"
    done = run("1", "42", "--out", str(out), "--kind", "heat", "--json")
    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(b"\x89PNG")
    assert json.loads(done.output) == {"file": str(out), "bytes": out.stat().st_size}


def test_its_words_are_in_the_language_of_the_farm_or_of_choice(run, tmp_path):
    made = {}
    for name, words in {"farm": (), "de": ("--language", "de"), "ur": ("--language", "ur")}.items():
        assert run("1", "42", "--out", str(tmp_path / name), "--kind", "heat", *words).exit_code == 0
        made[name] = (tmp_path / name).read_bytes()
    assert made["farm"] == made["de"] != made["ur"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("1", "7"), "animal 7: nothing is labelled yet"),
        (("1", "99"), "animal 99 is not known"),
        (("2", "42"), "farm=2: want one of 1 (Hill)"),
        (("1", "42", "--kind", "hunger"), "--kind=hunger: want one of"),
    ],
)
def test_what_is_not_there_is_said_and_nothing_written(run, tmp_path, words, says):
    done = run(*words, "--out", str(tmp_path / "cow.png"))
    assert done.exit_code == 2
    assert says in done.output
    assert not (tmp_path / "cow.png").exists()
