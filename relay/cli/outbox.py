"""herdbell outbox: what did not go out, why, what to do about it, and once more."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from relay.cli.common import command, farm_called, json_option, open_state, say
from relay.clock import WallClock
from relay.storage.ports import EXPIRED, OPTED_OUT, NotKnown
from relay.storage.ports_chat import ANSWERED, ERASED
from relay.whatsapp.delivery import NOT_TRIED
from relay.whatsapp.graph_codes import NO_PHONE, NOT_TODAY_S, Action, rule_for

if TYPE_CHECKING:
    from relay.config import Config
    from relay.model import DeadLetter
    from relay.storage.sqlite import SqliteStorage

_ROW = "{:34} {:16} {:5} {:12} {:8} {}"
_CODE = re.compile(r"(-?\d+)(:|$)")
_HOUR_MS = 3_600_000
_MOST = 100_000
_LASTS_H = 12


@click.group()
def outbox() -> None:
    """Messages that did not go out."""


@outbox.command("list")
@click.option("--farm", "farm_id", type=int, help="Id of one farm; all if left out.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=50, help="At most so many, the newest first.")
@json_option
@command
async def outbox_list(config: Config, farm_id: int | None, limit: int, as_json: bool) -> None:
    """List messages that failed, are dead or expired, with the reason and what to do about it."""
    async with open_state(config) as (storage, _):
        if farm_id is not None:
            await farm_called(storage, farm_id)
        letters = await storage.dead_letters(farm_id, limit)
        names = await _names(storage, letters)
    if not as_json:
        click.echo(_ROW.format("id", "since (UTC)", "farm", "to", "state", "reason"))
    for letter in letters:
        one = letter.message
        to = names.get(one.person_id, str(one.person_id))
        words = _ROW.format(
            one.id, _moment(letter.state_ms), one.farm_id, to, letter.state, letter.error or "-"
        )
        cure = cure_of(letter)
        say(as_json, f"{words}\n{'':34} {cure}", id=one.id, farm=one.farm_id, person=one.person_id,
            channel=one.channel, step=one.step, state=letter.state, reason=letter.error, cure=cure,
            attempts=letter.attempts, since_ms=letter.state_ms)  # fmt: skip


@outbox.command("show")
@click.argument("message_id")
@json_option
@command
async def outbox_show(config: Config, message_id: str, as_json: bool) -> None:
    """Show one of these messages: what it says, what was tried and what became of it."""
    async with open_state(config) as (storage, _):
        letter = await _letter(storage, message_id)
        names = await _names(storage, [letter])
    one = letter.message
    facts = {
        "id": one.id, "farm": one.farm_id, "to": names.get(one.person_id, str(one.person_id)),
        "channel": one.channel, "event": one.event_id, "step": one.step, "critical": one.critical,
        "created": _moment(one.created_ms), "expires": _moment(one.expires_ms), "state": letter.state,
        "since": _moment(letter.state_ms), "attempts": letter.attempts, "reason": letter.error,
        "cure": cure_of(letter), "body": {key: text for key, text in one.body.items() if key != "reply_to"},
    }  # fmt: skip
    say(as_json, "\n".join(f"{name:9} {fact}" for name, fact in facts.items()), **facts)


@outbox.command("resend")
@click.argument("message_ids", nargs=-1, required=True)
@click.option(
    "--hours", type=click.IntRange(1, 168), default=_LASTS_H, show_default=True, help="How long it may wait."
)
@json_option
@command
async def outbox_resend(config: Config, message_ids: tuple[str, ...], hours: int, as_json: bool) -> None:
    """Queue these messages again; a running relay sends them within a minute.

    One that may have arrived says "(repeat)". Not for people who opted out, not where it only asked for an
    answer that has come, and not within 24 hours where Meta keeps a message back.
    """
    async with open_state(config) as (storage, _):
        letters = [await _letter(storage, message_id) for message_id in message_ids]
        for letter in letters:
            now_ms = letter.state_ms if config.simulated else WallClock().now_ms()
            _need_sense(letter, now_ms)
            one = letter.message
            if not await storage.resend(one.id, now_ms, now_ms + hours * _HOUR_MS):
                raise NotKnown(f"message {one.id}: what it said is forgotten, or it was queued meanwhile")
            await storage.audit("cli", "outbox.resend", {"message": one.id, "was": letter.state}, now_ms)
            say(as_json, f"{one.id} is queued again", id=one.id, state="queued")


def cure_of(letter: DeadLetter) -> str:
    """Return what an operator can do about a message that did not go out."""
    error = letter.error or ""
    if error == OPTED_OUT:
        return "nothing: this person wrote STOP, and gets messages again after START"
    if error == ERASED:
        return "nothing: this person was erased"
    if error == ANSWERED:
        return "nothing: it only asked for an answer, and that had come, or the alert was over"
    if error == NOT_TRIED:
        return NO_PHONE.hint
    if (code := code_of(letter)) is not None:
        return rule_for(code).hint if code >= 0 else "something between here and Meta answered in its place"
    if letter.state == EXPIRED:
        return "resend it if it still matters"
    return "see the log, then resend it"


def code_of(letter: DeadLetter) -> int | None:
    """Return the code of the Graph API with which a message failed, None if there was none."""
    found = _CODE.match(letter.error or "")
    return int(found[1]) if found else None


def _need_sense(letter: DeadLetter, now_ms: int) -> None:
    """Raise ValueError for a message that nobody would get, or that Meta would take amiss."""
    name, code = letter.message.id, code_of(letter)
    if letter.error in (OPTED_OUT, ERASED, ANSWERED):
        raise ValueError(f"message {name}: {cure_of(letter)}")
    again_ms = letter.state_ms + NOT_TODAY_S * 1000
    if code is not None and rule_for(code).action is Action.TODAY and now_ms < again_ms:
        raise ValueError(f"message {name}: code {code}: not before {_moment(again_ms)} UTC")


async def _letter(storage: SqliteStorage, message_id: str) -> DeadLetter:
    for letter in await storage.dead_letters(None, _MOST):
        if letter.message.id == message_id:
            return letter
    state = await storage.message_state(message_id)
    known = f"is {state}" if state else "is not known"
    raise NotKnown(f"message {message_id} {known}: want one that `herdbell outbox list` shows")


async def _names(storage: SqliteStorage, letters: list[DeadLetter]) -> dict[int, str]:
    farms = {letter.message.farm_id for letter in letters}
    return {person.id: person.name for farm_id in farms for person in await storage.people(farm_id)}


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
