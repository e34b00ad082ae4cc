"""A webhook's body, taken apart: every message and status alone. Pure, bounded, tolerant of new fields."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BODY_MAX = 4 * 1024**2  # Meta sends up to 3 MB
ITEMS_MAX = 20_000  # a body of 3 MB holds about 10,000 statuses
DEPTH_MAX = 32
_KEY_MAX = 400
_SIGNATURE = "sha256="

MESSAGE, STATUS = "message", "status"


class WebhookError(ValueError):
    """A body that is no webhook of the Cloud API."""


def signed(raw: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Whether `X-Hub-Signature-256` is right for these bytes under one of the app secrets; constant time."""
    if header is None or not header.startswith(_SIGNATURE):
        return False
    given = header.removeprefix(_SIGNATURE).encode()
    wants = [hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest().encode() for secret in secrets]
    return any([hmac.compare_digest(given, want) for want in wants])  # noqa: C419 - all are compared, always


def items(raw: bytes) -> list[tuple[str, str]]:
    """Return (key, json) of every message and status in a body, in order; raises WebhookError.

    The key is what makes a repetition the same thing: wamid for a message, wamid|status for a status.
    The json is {"kind", "number": our phone number's id, "item": what Meta sent}.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise WebhookError(f"not JSON: {type(error).__name__}") from error
    if _deeper_than(body, DEPTH_MAX):
        raise WebhookError(f"nested deeper than {DEPTH_MAX}")
    found: list[tuple[str, str]] = []
    for kind, number, item in _walk(body):
        if len(found) == ITEMS_MAX:
            raise WebhookError(f"more than {ITEMS_MAX} items")
        # ASCII, because half of a surrogate pair is JSON but no text that can be stored.
        text = json.dumps({"kind": kind, "number": number, "item": item}, sort_keys=True)
        found.append((_key(kind, item, text), text))
    return found


def _walk(body: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield (kind, number, item) from entry[].changes[].value.messages[] and .statuses[]."""
    for entry in _list(body, "entry"):
        for change in _list(entry, "changes"):
            value = change.get("value") if isinstance(change, dict) else None
            number = str(_dict(value, "metadata").get("phone_number_id", ""))
            for item in _list(value, "messages"):
                yield MESSAGE, number, item
            for item in _list(value, "statuses"):
                yield STATUS, number, item


def _list(holder: Any, name: str) -> list[Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _dict(holder: Any, name: str) -> dict[str, Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def _key(kind: str, item: Any, text: str) -> str:
    wamid = item.get("id") if isinstance(item, dict) else None
    key = f"{wamid}|{item.get('status')}" if kind == STATUS and isinstance(wamid, str) else wamid
    if isinstance(key, str) and key.isascii() and 0 < len(key) <= _KEY_MAX:
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
