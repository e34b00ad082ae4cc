"""What Meta says of our account, number and templates: kept, logged as one line, counted; nothing else.

Field names: Meta, "Webhooks", 29 April 2026.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from relay.logs import redact
from relay.model import AccountNote, TemplateState
from relay.whatsapp.webhook_items import time_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
UNKNOWN_FIELD = "unknown_field"
_TEXT_MAX, _WORD_MAX, _WORDS_MAX = 500, 120, 12
_GOOD = frozenset({"APPROVED", "REINSTATED", "UNARCHIVED", "UNFLAGGED", "GREEN"})
_TEMPLATE = ("message_template_name", "message_template_language")
_STATUS, _QUALITY, _CATEGORY, _PREFERENCES = (
    "message_template_status_update",
    "message_template_quality_update",
    "template_category_update",
    "user_preferences",
)
# What a line shows of each field, if it is there; who asked for it and phone numbers are never among it.
_SHOWN: dict[str, tuple[str, ...]] = {
    _STATUS: (*_TEMPLATE, "event", "reason", "title", "description"),
    _QUALITY: (*_TEMPLATE, "previous_quality_score", "new_quality_score"),
    _CATEGORY: (*_TEMPLATE, "previous_category", "new_category", "correct_category"),
    "phone_number_quality_update": (
        "event", "old_limit", "current_limit", "max_daily_conversations_per_business",
    ),
    "account_update": (
        "event", "waba_ban_state", "waba_ban_date", "violation_type", "restriction_type", "expiration",
    ),
    "account_alerts": (
        "entity_type", "alert_severity", "alert_status", "alert_type", "alert_description",
    ),
    "business_capability_update": (
        "max_daily_conversation_per_phone", "max_daily_conversations_per_business",
        "max_phone_numbers_per_business", "max_phone_numbers_per_waba",
    ),
    "security": ("event",),
    _PREFERENCES: (),
}  # fmt: skip


async def take(storage: Store, item: dict[str, Any], now_ms: int) -> str:
    """Keep one change of another field than messages; return the outcome, for the counters.

    item: {"field", "value", "account", "timestamp"}. A field or a shape we do not know is kept as such.
    """
    field, value = str(item.get("field")), item.get("value")
    at_ms = time_of(item)
    at_ms = now_ms if at_ms is None else min(at_ms, now_ms)
    known = field in _SHOWN
    text = await _preferences(storage, value) if field == _PREFERENCES else line_of(field, value)
    await storage.note_account(AccountNote(at_ms, field[:_WORD_MAX], text))
    if state := _template(field, value, at_ms):
        await storage.note_template(await _merged(storage, state, value))
    good = isinstance(value, dict) and not _GOOD.isdisjoint(
        str(value.get(name)) for name in ("event", "new_quality_score")
    )
    _LOG.log(logging.INFO if good else logging.WARNING, "Meta says %s: %s", field[:_WORD_MAX], text)
    return field if known else UNKNOWN_FIELD


def line_of(field: str, value: Any) -> str:
    """Return what a change says, as "name value, name value"; "" if it shows nothing that we know."""
    return _line(value, _SHOWN.get(field, ("event",)))


def error_line(value: Any) -> str:
    """Return what an error says that came by webhook without a message of ours: "code 131052, title ..."."""
    return _line(value, ("code", "title", "details"))


def _line(value: Any, names: tuple[str, ...]) -> str:
    found = [(name, each) for name in names for each in _members(value, name)]
    return ", ".join(f"{name} {_word(each)}" for name, each in found[:_WORDS_MAX])[:_TEXT_MAX]


def _members(value: Any, name: str, depth: int = 3) -> Iterator[Any]:
    """Yield the plain members of that name, of the value or of what is in it: Meta nests some, at times."""
    if isinstance(value, list):
        value = dict(enumerate(value[:_WORDS_MAX]))
    if not isinstance(value, dict) or not depth:
        return
    if isinstance(value.get(name), (str, int)):
        yield value[name]
    for each in value.values():
        yield from _members(each, name, depth - 1)


def _word(value: str | int) -> str:
    """Return a member on one line, bounded, without numbers of people."""
    return redact("".join(each if each.isprintable() else " " for each in str(value)))[:_WORD_MAX]


async def _preferences(storage: Store, value: Any) -> str:
    """Return what people chose in the app, by their ids with us: "person 3 marketing_messages stop"."""
    chosen = value.get("user_preferences") if isinstance(value, dict) else None
    said = []
    for each in chosen[:_WORDS_MAX] if isinstance(chosen, list) else ():
        if isinstance(each, dict):
            words = [_word(each[name]) for name in ("category", "value") if isinstance(each.get(name), str)]
            said.append(" ".join([await _who(storage, each), *words]))
    return ", ".join(said)[:_TEXT_MAX]


async def _who(storage: Store, chosen: dict[str, Any]) -> str:
    user_id, number = chosen.get("user_id"), chosen.get("wa_id")
    person = await storage.person_by_user_id(user_id) if isinstance(user_id, str) else None
    if person is None and isinstance(number, str):
        person = await storage.person_by_phone(f"+{number.lstrip('+')}")
    return f"person {person.id}" if person else "somebody unknown"


def _template(field: str, value: Any, at_ms: int) -> TemplateState | None:
    """Return the state of the template a change is about, "" for what it does not say; None without one."""
    name, language = (_first(value, each) for each in _TEMPLATE)
    if field not in (_STATUS, _QUALITY, _CATEGORY) or not name or not language:
        return None
    return TemplateState(
        name,
        language.replace("-", "_"),  # webhooks say en-US where the API says en_US
        _first(value, "event") if field == _STATUS else "",
        _first(value, "new_category") if field == _CATEGORY else "",
        _first(value, "new_quality_score") if field == _QUALITY else "",
        at_ms,
    )


def _first(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return _word(found) if isinstance(found, str) else ""


async def _merged(storage: Store, state: TemplateState, value: Any) -> TemplateState:
    """Return the news with what was known before of the rest."""
    key = (state.name, state.language)
    for known in await storage.template_states():
        if (known.name, known.language) == key:
            return replace(
                state,
                status=state.status or known.status,
                category=state.category or _first(value, "message_template_category") or known.category,
                quality=state.quality or known.quality,
            )
    return replace(state, category=state.category or _first(value, "message_template_category"))
