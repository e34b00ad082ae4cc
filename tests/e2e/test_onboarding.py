"""From no template to the first message: our command line against the fake Cloud API."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from relay.__main__ import main
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from relay.whatsapp.setup import NOT_YET
from relay.whatsapp.texts import LANGUAGES, load
from simulator.clock import VirtualClock
from simulator.cloud import CLOUD, Fault, make_cloud
from simulator.cloud_standing import Trouble

WORDS = {"token": "fake-token", "app_secret": "fake-secret", "verify_token": "fake-word"}
PHONE = "15551230001"
ALL = len(load().templates) * len(LANGUAGES)


class Desk:
    """An operator's terminal, the fake behind it and a webhook that answers the handshake."""

    def __init__(self, sky, cloud, hook, folder):
        self.cloud, self.hook = cloud, hook
        account = cloud.account
        chosen = {
            "BASE_URL": str(sky.make_url("")).rstrip("/"), "PHONE_NUMBER_ID": account.phone_number_id,
            "WABA_ID": account.waba_id, "APP_ID": account.app_id, "TOKEN": WORDS["token"],
            "APP_SECRET": WORDS["app_secret"], "VERIFY_TOKEN": WORDS["verify_token"],
        }  # fmt: skip
        self.env = {f"HERDBELL_WHATSAPP_{name}": value for name, value in chosen.items()} | {
            "HERDBELL_STATE_DIR": str(folder / "state"),
            "HERDBELL_SECRETS_MASTER_KEY_FILE": str(folder / "master.key"),
            "HERDBELL_SERVER_PORT": "9",
        }

    async def run(self, *arguments, **changed):
        env = self.env | changed
        return await asyncio.to_thread(CliRunner().invoke, main, [*arguments], env=env)

    async def setup(self, *arguments, **changed):
        """Return the steps by name, and the exit code."""
        result = await self.run("whatsapp", "setup", "--json", "--url", self.hook, *arguments, **changed)
        lines = [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]
        return {line["step"]: line for line in lines}, result.exit_code

    async def open_state(self):
        """Make a state folder, as a relay does."""
        config = load_config(None, self.env)
        async with SqliteStorage.open(config.state_dir, open_vault(config)):
            pass


@pytest.fixture
async def desk(tmp_path):
    async with opened(tmp_path) as desk:
        yield desk


@asynccontextmanager
async def opened(folder):
    fake = make_cloud(VirtualClock(), **WORDS, webhook_url=None)
    hook = web.Application()
    hook.router.add_get("/webhooks/whatsapp", _challenge)
    async with TestServer(fake) as sky, TestServer(hook) as server:
        yield Desk(sky, fake[CLOUD], str(server.make_url("/webhooks/whatsapp")), folder)


async def _challenge(request):
    right = request.query["hub.verify_token"] == WORDS["verify_token"]
    return web.Response(text=request.query["hub.challenge"], status=200 if right else 403)


async def test_an_operator_gets_from_nothing_to_the_first_message(desk):
    steps, code = await desk.setup()
    assert code == 2
    assert steps["token"]["level"] == steps["webhook"]["level"] == "ok"
    assert steps["subscription"]["text"].endswith("was subscribed to the account's webhooks")
    assert steps["templates"]["cure"] == "run herdbell templates apply"
    await desk.run("templates", "apply")
    result = await desk.run("whatsapp", "setup", "--url", desk.hook, "--to", f"+{PHONE}")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(NOT_YET)
    assert result.output.endswith("All is set: put enabled = true under [whatsapp].\n")
    [bubble] = desk.cloud.phones.get(PHONE).bubbles
    assert bubble.text.startswith("You are registered for herd alerts from Herdbell.")


async def test_a_check_changes_nothing_and_sends_nothing(desk):
    steps, _ = await desk.setup("--check", "--to", f"+{PHONE}")
    assert steps["subscription"]["level"] == "to do"
    assert steps["first message"]["level"] == "skipped"
    assert not desk.cloud.standing.subscribed
    assert not desk.cloud.registry.templates


async def _invalid(desk):
    desk.cloud.standing.token_valid = False


async def _no_messaging(desk):
    desk.cloud.standing.scopes = ("whatsapp_business_management",)


async def _red(desk):
    desk.cloud.standing.quality = "RED"


async def _name_in_review(desk):
    desk.cloud.standing.name_status = "PENDING_REVIEW"


async def _unpaid(desk):
    trouble = Trouble(141006, "There is no valid payment method.", "Add one.")
    desk.cloud.standing.troubles["WABA"] = trouble


async def _unverified(desk):
    trouble = Trouble(141010, "The business has not passed verification.", "Verify it.", "LIMITED")
    desk.cloud.standing.troubles["BUSINESS"] = trouble


async def _in_review(desk):
    desk.cloud.registry.review = "PENDING"
    await desk.run("templates", "apply")


async def _paused(desk):
    await desk.run("templates", "apply")
    next(iter(desk.cloud.registry.templates.values())).status = "PAUSED"


@pytest.mark.parametrize(
    ("happens", "step", "level", "text", "cure"),
    [
        (_invalid, "token", "to do", "190", "System users"),
        (_no_messaging, "token", "to do", "lacks whatsapp_business_messaging", "both permissions"),
        (_red, "number", "to do", "quality RED", "WhatsApp Manager"),
        (_name_in_review, "number", "wait", "PENDING_REVIEW", "some days"),
        (_unpaid, "sending", "to do", "no valid payment method", "add a payment method"),
        (_unverified, "sending", "wait", "not passed verification", "some days"),
        (_in_review, "templates", "wait", f"{ALL} of {ALL} are in review", "24 hours"),
        (_paused, "templates", "to do", "1 cannot be sent: ", "templates status"),
    ],
)
async def test_what_is_wrong_is_told_with_what_to_do(desk, happens, step, level, text, cure):
    await happens(desk)
    steps, _ = await desk.setup("--check")
    told = steps[step]
    assert told["level"] == level
    assert text in told["text"]
    assert cure in told["cure"]


async def test_after_a_token_that_is_not_taken_nothing_else_is_asked(desk):
    steps, code = await desk.setup(HERDBELL_WHATSAPP_TOKEN="another-token")
    assert set(steps) == {"token"}
    assert code == 2


async def test_a_token_of_another_application_is_told(desk):
    steps, _ = await desk.setup("--check", HERDBELL_WHATSAPP_APP_ID="400000000000009")
    assert steps["token"]["text"].startswith("the token is of another application")


@pytest.mark.parametrize(
    ("code", "cure"), [(131030, "list of the test number"), (133010, "register the number")]
)
async def test_a_first_message_that_is_refused_says_why_and_what_to_do(desk, code, cure):
    desk.cloud.fault(Fault(code=code))
    steps, _ = await desk.setup("--to", f"+{PHONE}")
    assert str(code) in steps["first message"]["text"]
    assert cure in steps["first message"]["cure"]


async def test_a_webhook_that_meta_would_not_call_is_told(desk):
    desk.hook = "http://relay.example.org/webhooks/whatsapp"
    steps, _ = await desk.setup("--check")
    assert steps["webhook"]["text"] == "http address: Meta calls https only"


async def test_a_version_that_ends_is_told(desk):
    steps, _ = await desk.setup("--check", HERDBELL_WHATSAPP_GRAPH_VERSION="v12.0")
    assert "v12.0" in steps["version"]["text"]


async def test_a_plan_lists_what_is_missing_and_apply_makes_it(desk):
    plan = await desk.run("templates", "plan")
    assert f"{ALL} missing" in plan.output
    assert plan.output.count("health_alert_picture_v1") == len(LANGUAGES)
    applied = await desk.run("templates", "apply")
    assert applied.output.count("created  ") == ALL
    assert applied.output.endswith("All are approved.\n")
    assert len(desk.cloud.registry.handles) == 1
    again = await desk.run("templates", "plan")
    assert again.output == f"{ALL} as ours\n"


async def test_without_an_application_pictures_are_left_out_and_that_is_said(desk):
    applied = await desk.run("templates", "apply", HERDBELL_WHATSAPP_APP_ID="")
    assert applied.exit_code == 0
    assert "whatsapp.app_id" in applied.output
    assert not [name for name, _ in desk.cloud.registry.templates if "picture" in name]


async def test_a_template_that_meta_calls_marketing_ends_it_loudly(desk):
    desk.cloud.registry.categories["collar_heat_alert_v1"] = "MARKETING"
    result = await desk.run("templates", "apply")
    assert result.exit_code == 2
    assert "collar_heat_alert_v1 en: MARKETING, want UTILITY" in result.output
    assert "up to 8 times as much" in result.output


async def test_the_status_tells_which_languages_can_go_out_and_is_kept(desk):
    await desk.open_state()
    await desk.run("templates", "apply")
    desk.cloud.registry.templates["collar_welcome_v1", "ur"].status = "PAUSED"
    shown = (await desk.run("templates", "status")).output
    assert f"de     {ALL // 6} of {ALL // 6} can go out" in shown
    assert f"ur     {ALL // 6 - 1} of {ALL // 6} can go out" in shown
    assert "PAUSED" in shown
    offline = await desk.run("templates", "status", "--offline", HERDBELL_WHATSAPP_TOKEN="")
    assert offline.output.count("\n") == ALL
    assert "PAUSED" in offline.output


async def test_a_number_that_cannot_be_asked_for_is_an_error_of_one_line(desk):
    result = await desk.run("templates", "plan", "--waba-id", "1")
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    nowhere = await desk.run("templates", "plan", HERDBELL_WHATSAPP_WABA_ID="")
    assert "whatsapp.waba_id" in nowhere.output


async def test_the_status_of_the_number_is_one_page(desk):
    await desk.run("templates", "apply")
    shown = (await desk.run("whatsapp", "status")).output
    assert shown.startswith(NOT_YET)
    for words in (
        "quality            GREEN",
        "TIER_",
        "v26.0",
        f"{ALL} of {ALL} can go out",
        "no relay answers here",
    ):
        assert words in shown
