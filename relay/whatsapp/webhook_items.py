"""A webhook's body, taken apart: every message and status alone. Pure, bounded, tolerant of new fields."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BODY_MAX = 4 * 1024**2  # Meta sends up to 3 MB
ITEMS_MAX = 20_000  # a body of 3 MB holds about 10,000 statuses
DEPTH_MAX = 32
_KEY_MAX = 400
_LATEST_MS = 2**53  # whole in every JSON reader, and an integer that a database takes
_SIGNATURE = "sha256="
_WORDS = ("text", "button", "interactive")
_MESSAGES = "messages"  # the field of a change that messages, statuses and errors come in

MESSAGE, STATUS, ERROR, ACCOUNT = "message", "status", "error", "account"


class WebhookError(ValueError):
    """A body that is no webhook of the Cloud API."""


def signed(raw: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Whether `X-Hub-Signature-256` is right for these bytes under one of the app secrets; constant time."""
    if header is None or not header.startswith(_SIGNATURE):
        return False
    given = header.removeprefix(_SIGNATURE).encode()
    wants = [hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest().encode() for secret in secrets]
    return any([hmac.compare_digest(given, want) for want in wants])  # noqa: C419 - all are compared, always


class Found(NamedTuple):
    """One thing that a body brought: its key, its json and when Meta dates it, None if it does not.

    `may_stop`: somebody's own words or tap, which may ask for silence.
    """

    key: str
    text: str
    at_ms: int | None
    may_stop: bool

    def is_older_than(self, oldest_ms: int) -> bool:
        """Whether it is too old to be taken; a STOP never is."""
        return not self.may_stop and self.at_ms is not None and self.at_ms < oldest_ms


def items(raw: bytes) -> list[tuple[str, str]]:
    """Return (key, json) of everything in a body, in order; raises WebhookError.

    The key is what makes a repetition the same thing: wamid for a message, wamid|status for a status, a
    hash for the rest. The json is {"kind", "number": our phone number's id, "item": what Meta sent}.
    """
    return [(each.key, each.text) for each in found_in(raw)]


def found_in(raw: bytes) -> list[Found]:
    """Return everything in a body, in order: `items`, each with its time. Raises WebhookError."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise WebhookError(f"not JSON: {type(error).__name__}") from error
    if _deeper_than(body, DEPTH_MAX):
        raise WebhookError(f"nested deeper than {DEPTH_MAX}")
    found: list[Found] = []
    for kind, number, item in _walk(body):
        if len(found) == ITEMS_MAX:
            raise WebhookError(f"more than {ITEMS_MAX} items")
        # ASCII, because half of a surrogate pair is JSON but no text that can be stored.
        text = json.dumps({"kind": kind, "number": number, "item": item}, sort_keys=True)
        may_stop = kind == MESSAGE and _dict_of(item).get("type") in _WORDS
        found.append(Found(_key(kind, item, text), text, time_of(item), may_stop))
    return found


def time_of(item: Any) -> int | None:
    """Return when Meta dates an item, in ms; None if it does not, or if that is no time."""
    try:
        at_ms = int(item["timestamp"]) * 1000
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return at_ms if 0 <= at_ms < _LATEST_MS else None


def _walk(body: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield (kind, number, item) of all changes: messages, statuses and errors each, another field whole."""
    for entry in _list(body, "entry"):
        for change in _list(entry, "changes"):
            value = _dict(change, "value")
            number = str(_dict(value, "metadata").get("phone_number_id", ""))
            field = change.get("field") if isinstance(change, dict) else None
            if isinstance(field, str) and field != _MESSAGES:
                yield ACCOUNT, number, _account(entry, field, change.get("value"))
                continue
            for item in _list(value, "messages"):
                yield MESSAGE, number, _with_user_id(item, value)
            for item in _list(value, "statuses"):
                yield STATUS, number, item
            for item in _list(value, "errors"):
                yield ERROR, number, {"error": item, "timestamp": _dict_of(entry).get("time")}


def _account(entry: Any, field: str, value: Any) -> dict[str, Any]:
    """Return another field's change; with its time, so that the same news on another day is news again."""
    about = _dict_of(entry)
    return {"field": field, "value": value, "account": about.get("id"), "timestamp": about.get("time")}


def _with_user_id(item: Any, value: Any) -> Any:
    """Return a message with the business-scoped user id of its sender, which may stand beside it only."""
    if not isinstance(item, dict) or isinstance(item.get("from_user_id"), str):
        return item
    contacts = [each for each in _list(value, "contacts") if isinstance(each, dict)]
    sender = item.get("from")
    if sender is None and len(contacts) == 1:
        named = contacts
    else:
        named = [each for each in contacts if sender is not None and each.get("wa_id") == sender]
    user_id = item.get("user_id") or next((each.get("user_id") for each in named), None)
    return {**item, "from_user_id": user_id} if isinstance(user_id, str) and user_id else item


def _dict_of(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _list(holder: Any, name: str) -> list[Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _dict(holder: Any, name: str) -> dict[str, Any]:
    return _dict_of(_dict_of(holder).get(name))


def _key(kind: str, item: Any, text: str) -> str:
    wamid = item.get("id") if isinstance(item, dict) and kind in (MESSAGE, STATUS) else None
    key = f"{wamid}|{item.get('status')}" if kind == STATUS and isinstance(wamid, str) else wamid
    if isinstance(key, str) and key.isascii() and key.isprintable() and 0 < len(key) <= _KEY_MAX:
        return key
    return f"sha256|{hashlib.sha256(text.encode()).hexdigest()}"  # without a sound id it is kept all the same


def _deeper_than(value: Any, limit: int) -> bool:
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
