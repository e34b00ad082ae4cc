"""The `herdbell` command: farms, people, collars, and how its errors read."""

from __future__ import annotations

import asyncio
import json
import socket
import stat

import aiohttp
import pytest
from click.testing import CliRunner

from herdcore import auth, wire
from relay.__main__ import main
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from tests.relay.process import Served, write_settings
from tests.relay.process import herdbell as command
from tests.relay.scene import HEADERS, WINDOW


@pytest.fixture
def herdbell(run):
    """Run a command against a new state; return its result."""
    return run


@pytest.fixture
def farm(herdbell):
    return str(json.loads(herdbell("farm", "add", "Sunny", "--zone", "Europe/Berlin", "--json").output)["id"])


def test_help_says_what_to_begin_with(herdbell):
    text = herdbell("--help").output
    assert "herdbell doctor" in text
    for name in ("serve", "farm", "collar", "person", "doctor"):
        assert f"\n  {name} " in text


def test_a_farm_its_people_and_its_collars_are_listed(herdbell, farm):
    herdbell(
        "person", "add", "--farm", farm, "--name", "Anna", "--phone", "+49 170 1234567", "--language", "de"
    )
    herdbell("collar", "add", "--farm", farm, "--animal", "12", "--name", "Bella", "--device", "100")
    assert herdbell("farm", "list").output.split() == ["1", "Sunny", "Europe/Berlin", "en"]
    people = herdbell("person", "list", "--farm", farm).output
    assert people.split() == ["1", "Anna", "owner", "de"]
    assert "Bella (12)" in herdbell("collar", "list", "--farm", farm).output
    row = json.loads(herdbell("collar", "list", "--farm", farm, "--json").output)
    assert (row["device"], row["epoch"], row["animal"], row["health"]) == (100, 0, "12", None)


def test_a_phone_number_is_not_stored_readable(herdbell, farm, tmp_path):
    herdbell("person", "add", "--farm", farm, "--name", "Anna", "--phone", "+491701234567")
    stored = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"Anna" in stored
    assert b"1701234567" not in stored


def test_a_collar_is_provisioned_with_its_key_of_the_epoch(herdbell, farm, settings):
    given = json.loads(herdbell("collar", "add", "--farm", farm, "--animal", "12", "--device", "100").output)
    assert set(given) == {"device", "epoch", "key"}
    key = bytes.fromhex(given["key"])

    async def known():
        config = load_config(settings, {})
        async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
            return await storage.collar_keys()

    (collar,) = asyncio.run(known())
    assert (collar.device, collar.epoch) == (given["device"], given["epoch"]) == (100, 0)
    assert (collar.key_up, collar.key_down) == (auth.label_key(key, b"up"), auth.label_key(key, b"down"))


def test_the_key_goes_into_a_file_of_its_owner_if_asked(herdbell, farm, tmp_path):
    out = tmp_path / "collar.json"
    shown = herdbell("collar", "add", "--farm", farm, "--animal", "12", "--out", str(out))
    assert shown.output == ""
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert len(json.loads(out.read_text())["key"]) == 64
    assert (
        "File exists" in herdbell("collar", "add", "--farm", farm, "--animal", "13", "--out", str(out)).output
    )


def test_many_collars_come_from_a_table(herdbell, farm):
    table = "number,name,device\n12,Bella,100\n13,Gerda,101\n14,,\n"
    lines = herdbell("collar", "add", "--farm", farm, "--from", "-", stdin=table).output.splitlines()
    assert [json.loads(line)["device"] for line in lines][:2] == [100, 101]
    assert len({json.loads(line)["key"] for line in lines}) == 3


def test_an_animal_that_is_known_gets_the_new_collar(herdbell, farm):
    for device in ("100", "101"):
        herdbell("collar", "add", "--farm", farm, "--animal", "12", "--name", "Bella", "--device", device)
    rows = [
        json.loads(line) for line in herdbell("collar", "list", "--farm", farm, "--json").output.splitlines()
    ]
    assert {row["device"]: row["animal"] for row in rows} == {100: None, 101: "12"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["farm", "add", "X", "--zone", "Mars/Olympus"], "'Mars/Olympus' is no time zone"),
        (["person", "add", "--farm", "1", "--name", "A", "--phone", "12"], "phone"),
        (["person", "add", "--farm", "9", "--name", "A", "--phone", "+491701234567"], "farm 9"),
        (["collar", "add", "--farm", "9", "--animal", "12"], "farm 9"),
        (["collar", "add", "--farm", "1"], "either --animal or --from"),
        (["collar", "add", "--farm", "1", "--animal", "1", "--device", "0"], "0 is not in the range"),
        (["collar", "add", "--farm", "1", "--from", "-"], "want number"),
        (["serve", "--config", "nowhere.toml"], "cannot read nowhere.toml: No such file or directory"),
        (["farm", "list", "--config", "nowhere.toml"], "cannot read nowhere.toml"),
    ],
)
def test_an_error_is_one_clear_message_and_exit_code_2(herdbell, farm, arguments, message):
    result = herdbell(*arguments, stdin="")
    assert message in result.output
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "table", ["number,device\n12,0\n", "number,device\n,5\n", "number,device\n12,many\n"]
)
def test_a_wrong_line_of_a_table_is_named_and_nothing_is_added(herdbell, farm, table):
    result = herdbell("collar", "add", "--farm", farm, "--from", "-", stdin=table)
    assert "line 2: want a number and a device of 1..4294967295" in result.output
    assert herdbell("collar", "list", "--farm", farm).output == ""


def test_a_collar_is_not_added_twice(herdbell, farm):
    add = ("collar", "add", "--farm", farm, "--animal", "12", "--device", "100")
    assert herdbell(*add).exit_code == 0
    assert "device 100: the farm has this collar already" in herdbell(*add).output


def test_two_simulations_make_the_same_keys(tmp_path):
    keys = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        path = write_settings(folder, '[clock]\nsource = "simulated"\n')
        run = CliRunner(env={"HERDBELL_CONFIG": str(path)}).invoke
        run(main, ["farm", "add", "Sunny"])
        keys.append(run(main, ["collar", "add", "--farm", "1", "--animal", "1", "--device", "5"]).output)
    assert keys[0] == keys[1]


async def test_commands_work_beside_a_running_relay_and_it_notices(tmp_path, settings):
    async with Served(settings) as relay:
        await command(settings, "farm", "add", "Sunny")
        _, text = await command(settings, "collar", "add", "--farm", "1", "--animal", "1")
        given = json.loads(text)
        up = auth.label_key(bytes.fromhex(given["key"]), b"up")
        raw = wire.encode_frame(wire.Frame(0x11, given["device"], 0, 1, 0, 0, 0, WINDOW), up)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
            status = 401
            while status == 401:  # a second after it was added at the latest
                async with session.post(
                    "/v1/frames", data=wire.encode_batch([raw]), headers=HEADERS
                ) as answer:
                    status = answer.status
        assert status == 200
        assert await relay.stop() == 0


def test_a_port_in_use_is_one_line(herdbell):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = herdbell("serve", "--port", str(port))
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in result.output
    assert result.exit_code == 2
