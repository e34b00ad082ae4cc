"""Setting WhatsApp up: what the settings lack, secrets in files, and the webhook seen from outside."""

from __future__ import annotations

import stat
from contextlib import asynccontextmanager
from datetime import date

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from relay.__main__ import main
from relay.settings import load_config
from relay.whatsapp.handshake import handshake
from relay.whatsapp.service import open_client
from relay.whatsapp.setup import NOT_YET, SCOPES, Setup
from relay.whatsapp.setup_steps import Level, settled

IDS = {"PHONE_NUMBER_ID": "100000000000001", "WABA_ID": "200000000000001", "APP_ID": "400000000000001"}
SECRETS = {"TOKEN": "token-of-a-test", "APP_SECRET": "secret-of-a-test", "VERIFY_TOKEN": "word-of-a-test"}


def settings(**values):
    return load_config(None, {f"HERDBELL_WHATSAPP_{name}": value for name, value in values.items()})


def test_with_nothing_set_the_account_and_every_secret_are_to_do():
    steps = settled(settings())
    assert [step.name for step in steps] == ["account", "secrets", "secrets", "secrets"]
    assert {step.level for step in steps} == {Level.TODO}
    assert all(step.cure for step in steps)


def test_an_id_with_letters_is_no_id():
    (step,) = settled(settings(**IDS | {"WABA_ID": "my account"}, **SECRETS))
    assert step.text.startswith("whatsapp.waba_id: want the ids")


def test_with_ids_and_secrets_meta_can_be_asked():
    assert settled(settings(**IDS, **SECRETS)) == []


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({"is_valid": False}, "Meta does not take the token"),
        (
            {"is_valid": True, "scopes": list(SCOPES[:1]), "app_id": IDS["APP_ID"]},
            f"the token lacks {SCOPES[1]}",
        ),
        (
            {"is_valid": True, "scopes": list(SCOPES), "app_id": IDS["APP_ID"], "expires_at": 1},
            "the token expires",
        ),
        ({}, "Meta does not take the token"),
    ],
)
async def test_a_token_that_will_not_do_is_told(known, text):
    async def debug(_):
        return web.json_response({"data": known})

    app = web.Application()
    app.router.add_get("/v26.0/debug_token", debug)
    async with TestServer(app) as server:
        config = settings(**IDS, **SECRETS, BASE_URL=str(server.make_url("")).rstrip("/"))
        async with open_client(config) as client:
            step = await anext(Setup(config, client, date(2026, 11, 23)).steps())
    assert step.text.startswith(text)
    assert step.level is Level.TODO


@asynccontextmanager
async def webhook(answer):
    app = web.Application()
    app.router.add_get("/hook", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook"))


async def challenge(request):
    right = request.query["hub.verify_token"] == "word" and request.query["hub.mode"] == "subscribe"
    return web.Response(text=request.query["hub.challenge"], status=200 if right else 403)


async def test_a_webhook_that_answers_the_challenge_is_right():
    async with webhook(challenge) as url:
        assert await handshake(url, "word") is None


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (web.Response(text="<html>", status=200), "HTTP 200 instead"),
        (web.Response(status=404), "HTTP 404 instead"),
        (web.HTTPFound("/elsewhere"), "HTTP 302 instead"),
    ],
)
async def test_an_answer_that_is_not_the_challenge_is_told(answer, text):
    async def say(_):
        if isinstance(answer, web.HTTPException):
            raise answer
        return answer

    async with webhook(say) as url:
        what, cure = await handshake(url, "word")
    assert what.startswith(text)
    assert "proxy" in cure


async def test_another_word_is_told():
    async with webhook(challenge) as url:
        what, _ = await handshake(url, "another")
    assert what == "it refused the word"


async def test_an_address_where_nobody_answers_is_told():
    async with webhook(challenge) as url:
        pass
    what, cure = await handshake(url, "word")
    assert what.startswith("no answer")
    assert "relay runs" in cure


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "herdbell.toml"
    path.write_text(f'config_version = 1\n[secrets]\nmaster_key_file = "{tmp_path}/keys/master.key"\n')
    return path


def run(*arguments, typed=""):
    nobody = {"HERDBELL_WHATSAPP_BASE_URL": "http://127.0.0.1:9"}
    return CliRunner().invoke(main, ["whatsapp", "setup", *map(str, arguments)], input=typed, env=nobody)


def test_ids_go_into_the_settings_and_secrets_into_files_only_their_owner_reads(file, tmp_path):
    typed = "no id\n100000000000001\n200000000000001\n400000000000001\ntoken-of-a-test\nsecret-of-a-test\n"
    with file.open("a") as out:
        out.write("[server]\nport = 1\n")
    result = run("--config", file, typed=typed + "\n")
    config = load_config(file, {})
    assert NOT_YET in result.output
    assert "'no id' is no id of Meta" in result.output
    assert "token-of-a-test" not in result.output
    assert "secret-of-a-test" not in result.output
    assert config.whatsapp.waba_id == "200000000000001"
    assert config.secret("whatsapp", "token") == "token-of-a-test"
    assert config.secret("whatsapp", "verify_token") in result.output
    files = sorted((tmp_path / "keys").iterdir())
    assert [stat.S_IMODE(one.stat().st_mode) for one in files] == [0o600] * 3
    assert config.server.port == 1
    assert "Meta could not be asked" in result.output


def test_a_section_that_is_there_is_not_written_into(file):
    with file.open("a") as out:
        out.write("[whatsapp]\nmps = 20\n")
    before = file.read_text()
    result = run("--config", file, typed="1\n2\n3\ntoken-of-a-test\nsecret-of-a-test\n")
    assert file.read_text() == before
    assert 'waba_id = "2"' in result.output
    assert "token_file = " in result.output
    assert result.exit_code == 2


def test_a_second_run_goes_on_with_the_secrets_of_the_first(file, tmp_path):
    with file.open("a") as out:
        out.write("[whatsapp]\nmps = 20\n")
    run("--config", file, typed="1\n2\n3\ntoken-of-a-test\nsecret-of-a-test\n")
    kept = {one.name: one.read_text() for one in (tmp_path / "keys").iterdir()}
    again = run("--config", file, typed="1\n2\n3\n")
    assert again.exit_code == 2
    assert {one.name: one.read_text() for one in (tmp_path / "keys").iterdir()} == kept


def test_a_check_asks_nothing_and_says_what_is_to_do(file):
    result = run("--config", file, "--check")
    assert result.exit_code == 2
    assert "4 to do" in result.output
    assert "developers.facebook.com" in result.output


def test_who_has_no_account_is_told_how_to_get_one_before_anything_is_asked(file):
    said = run("--config", file, typed="").output
    assert said.index("developers.facebook.com") < said.index("Phone number ID")
