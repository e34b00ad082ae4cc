"""E-mail and command: what goes out, what counts as told, and what is never shown."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from relay.config import Config, ConfigError, StateConfig, WatchConfig
from relay.doctor import examine
from relay.watch.parts import COLLAR, LINE, META, MINUTE_MS, Note
from relay.watch.paths import COMMAND, EMAIL, PATHS, Command, Email, configured
from relay.watch.words import Place, params, text

T0_MS = 1_790_000_000_000  # 2026-09-21 14:13 UTC
LOST = Note(LINE, T0_MS, T0_MS + 31 * MINUTE_MS, None, 1, None, 12)
OVER = replace(LOST, at_ms=T0_MS + 200 * MINUTE_MS, back_ms=T0_MS + 135 * MINUTE_MS)


class Mailbox:
    """A mail server that says yes, but for the recipients it `refuses`."""

    def __init__(self, refuses=()):
        self.refuses, self.letters, self.lines = refuses, [], []

    @asynccontextmanager
    async def serve(self):
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _talk(self, reader, writer):
        writer.write(b"220 hello\r\n")
        while line := (await reader.readline()).decode().strip():
            self.lines.append(line)
            writer.write(self._answer(line))
            if line == "data":
                self.letters.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 taken\r\n")
        writer.close()

    def _answer(self, line):
        if any(address in line for address in self.refuses):
            return b"550 no such person\r\n"
        known = {
            "ehlo": b"250-here\r\n250 AUTH PLAIN\r\n",
            "data": b"354 go on\r\n",
            "AUTH": b"235 yes\r\n",
            "QUIT": b"221 bye\r\n",
        }
        return known.get(line[:4], b"250 yes\r\n")


def mail_to(port, **changes):
    chosen = WatchConfig(
        email_to="ann@example.org, vet@example.org", email_from="bell@example.org", smtp_host="127.0.0.1",
        smtp_port=port,
    )  # fmt: skip
    return Config(watch=replace(chosen, **changes), environment={"HERDBELL_WATCH_PASSWORD": "open sesame"})


async def test_an_e_mail_goes_to_everybody_with_the_words_as_its_subject():
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        assert await Email(mail_to(port)).tell(LOST, "Hill: not heard")
    (letter,) = mailbox.letters
    assert "Subject: Hill: not heard" in letter
    assert [line for line in mailbox.lines if line.startswith("rcpt")] == [
        "rcpt TO:<ann@example.org>", "rcpt TO:<vet@example.org>",
    ]  # fmt: skip


async def test_the_same_note_has_the_same_message_id_and_its_end_another():
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        path = Email(mail_to(port))
        for note in (LOST, LOST, OVER):
            await path.tell(note, "x")
    ids = [next(line for line in letter.splitlines() if "Message-ID" in line) for letter in mailbox.letters]
    assert ids[0] == ids[1] != ids[2]
    assert await path.arrived(LOST)


async def test_a_user_logs_in_with_the_password_of_the_environment():
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        assert await Email(mail_to(port, smtp_user="bell")).tell(LOST, "x")
    assert any(line.startswith("AUTH PLAIN") for line in mailbox.lines)


async def test_one_address_that_is_refused_does_not_stop_the_other():
    mailbox = Mailbox(refuses=["ann@"])
    async with mailbox.serve() as port:
        assert await Email(mail_to(port)).tell(LOST, "x")


async def test_no_server_and_no_taker_are_not_told_and_no_address_is_logged(caplog):
    mailbox = Mailbox(refuses=["ann@", "vet@"])
    with caplog.at_level(logging.DEBUG):
        async with mailbox.serve() as port:
            assert not await Email(mail_to(port)).tell(LOST, "x")
        assert not await Email(mail_to(port)).tell(LOST, "x")
    assert len(caplog.records) >= 2
    assert "example.org" not in caplog.text


async def test_a_command_gets_one_line_of_json_on_its_input(tmp_path):
    out = tmp_path / "note.json"
    script = f"import sys, pathlib; pathlib.Path({str(out)!r}).write_text(sys.stdin.read())"
    path = Command(f"{sys.executable} -c {json.dumps(script)}")
    assert await path.tell(OVER, "Hill; $(rm -rf /)")
    assert json.loads(out.read_text()) == {
        "part": "line", "is_over": True, "farm": 1, "device": None, "collars": 12, "since_ms": T0_MS,
        "at_ms": OVER.at_ms, "back_ms": OVER.back_ms, "text": "Hill; $(rm -rf /)",
    }  # fmt: skip
    assert await path.arrived(OVER)


@pytest.mark.parametrize("command", [f"{sys.executable} -c 'raise SystemExit(1)'", "/no/such/program"])
async def test_a_command_that_fails_has_told_nobody(command):
    assert not await Command(command).tell(LOST, "x")


async def test_a_command_that_hangs_is_ended():
    hangs = f"{sys.executable} -c 'import threading; threading.Event().wait()'"
    assert not await Command(hangs, timeout_s=0.05).tell(LOST, "x")


def test_only_what_is_configured_is_there():
    assert configured(Config()) == {}
    assert set(configured(mail_to(25))) == {EMAIL}
    assert set(configured(mail_to(25, email_to="", command="siren"))) == {COMMAND}


def test_a_user_without_a_password_is_refused():
    with pytest.raises(ConfigError, match="password_file"):
        configured(replace(mail_to(25, smtp_user="bell"), environment={}))


@pytest.mark.parametrize(
    ("changes", "level", "says"),
    [
        ({}, "ok", "by e-mail"),
        ({"email_to": "", "command": "siren"}, "ok", "by a command"),
        ({"email_to": ""}, "warn", "nobody would be told"),
        ({"enabled": False}, "warn", "watch.enabled is false"),
        ({"smtp_user": "bell"}, "fail", "password_file"),
    ],
)
def test_the_doctor_says_whether_anybody_would_be_told(changes, level, says, tmp_path):
    config = replace(mail_to(25, **changes), environment={}, state=StateConfig(dir=str(tmp_path / "s")))
    (found,) = [finding for finding in examine(config) if finding.check == "watch"]
    assert (found.level, says in found.text) == (level, True)


def test_no_part_is_told_by_a_way_that_shares_its_fault():
    assert all("whatsapp" not in PATHS[part] for part in PATHS if part not in (COLLAR, LINE))


def test_the_words_name_the_farm_what_is_gone_and_when(farm):
    assert text(LOST, Place(farm, "", 12), "en") == (
        "Hill: not heard since 16:13: all 12 collars (access point, gateway or internet line)."
    )
    some = params(LOST, Place(farm, "", 30), "en")
    assert some["what"] == "12 of 30 collars (an access point or gateway)"
    one = params(replace(LOST, part=COLLAR, device=7), Place(farm, "Bella (12)", 30), "en")
    assert one == {"farm": "Hill", "what": "the collar of Bella (12)", "since": "16:13"}


def test_the_words_of_the_end_say_since_when_and_after_how_long(farm):
    ended = params(OVER, Place(farm, "", 12), "en")
    assert (ended["since"], ended["gap"]) == ("18:28", "2 h 15 min")
    assert "after a gap of 2 h 15 min" in text(OVER, Place(farm, "", 12), "en")


def test_without_a_farm_times_are_utc():
    assert params(Note(META, T0_MS, T0_MS), Place(), "en")["since"] == "14:13 UTC"


@pytest.fixture
def farm():
    from relay.model import Farm

    return Farm(1, "Hill", zone="Europe/Berlin")
