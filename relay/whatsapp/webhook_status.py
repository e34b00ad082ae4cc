"""Delivery statuses: all of a batch in one transaction, and what failed goes by the table of error codes.

Meta, "Status messages webhook reference", 21 May 2026.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from relay.model import DeliveryStatus
from relay.storage.ports import DELIVERED, FAILED, READ, SENT, Busy
from relay.whatsapp.client import hide_numbers
from relay.whatsapp.cost import market
from relay.whatsapp.webhook_items import time_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
STATES = {"sent": SENT, "delivered": DELIVERED, "read": READ, "played": READ, "failed": FAILED}
NO_CODE = -1
_ERROR_MAX, _WORD_MAX = 200, 40


class FailedLater(Protocol):
    """What is done about a message that Meta took and could not deliver."""

    async def __call__(self, status: DeliveryStatus, code: int) -> None:
        """Act on Graph's code, NO_CODE if it named none; may be told twice. The status has our id."""


class Parsed(NamedTuple):
    """A status as the store takes it; `code` is Graph's of a failure, NO_CODE if it names none."""

    status: DeliveryStatus
    code: int


class Outcome(NamedTuple):
    """What became of one item: for the counters, and the error it is recorded with."""

    name: str
    error: str | None = None


def failed(error: Exception) -> Outcome:
    """Return the outcome of an item that could not be handled; the text holds no number."""
    return Outcome("failed", f"{type(error).__name__}: {hide_numbers(str(error))}"[:_ERROR_MAX])


class Statuses:
    """Applies statuses. `failed_later` hears of each failure of ours with its code."""

    def __init__(self, storage: Store, failed_later: FailedLater | None = None) -> None:
        self._storage, self._failed_later = storage, failed_later

    async def take(self, items: Sequence[Any]) -> list[Outcome]:
        """Apply a batch in one transaction; return the outcome of each. Raises Busy: they stay for later."""
        parsed = [_parsed(item) for item in items]
        good = [each for each in parsed if isinstance(each, Parsed)]
        ours = iter(await self._apply(good))
        return [next(ours) if isinstance(each, Parsed) else each for each in parsed]

    async def _apply(self, parsed: Sequence[Parsed]) -> list[Outcome]:
        """Apply them together; if that fails, each alone: one bad item sinks no other."""
        if not parsed:
            return []
        try:
            ours = await self._storage.apply_statuses([each.status for each in parsed])
        except Busy:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, find out whose it is
            if len(parsed) == 1:
                return [failed(error)]
            return [outcome for each in parsed for outcome in await self._apply([each])]
        return [await self._told(each, is_ours) for each, is_ours in zip(parsed, ours, strict=True)]

    async def _told(self, parsed: Parsed, is_ours: bool) -> Outcome:
        if not is_ours:
            return Outcome("not_ours")
        if parsed.status.state == FAILED and self._failed_later:
            try:
                await self._failed_later(await self._with_our_id(parsed.status), parsed.code)
            except Busy:
                raise
            except Exception as error:  # noqa: BLE001 - recorded with the item; the next one must not wait
                return failed(error)
        return Outcome(f"status_{parsed.status.state}")

    async def _with_our_id(self, status: DeliveryStatus) -> DeliveryStatus:
        """Return a status with our id of its message, which it may lack or have wrong."""
        if status.message_id and await self._storage.message_state(status.message_id):
            return status
        found = await self._storage.message_by_wamid(status.wamid or "")
        return replace(status, message_id=found.id if found else None)


def _parsed(item: Any) -> Parsed | Outcome:
    try:
        return parse(item)
    except (KeyError, TypeError, ValueError) as error:
        return Outcome("unknown_status") if isinstance(error, UnknownStatus) else failed(error)


class UnknownStatus(ValueError):  # noqa: N818 - reads as what it reports
    """A word that Meta has added since."""


def parse(item: Any) -> Parsed:
    """Return what a status says. Raises UnknownStatus, or KeyError, TypeError, ValueError if it is none."""
    state = STATES.get(str(item["status"]))
    if state is None:
        raise UnknownStatus(str(item["status"])[:_WORD_MAX])
    wamid, at_ms = item["id"], time_of(item)
    if not isinstance(wamid, str) or at_ms is None:
        raise ValueError("status without id or timestamp")
    ours, receiver = item.get("biz_opaque_callback_data"), item.get("recipient_id")
    code, error = _error(item) if state == FAILED else (NO_CODE, None)
    category, kind = (_plain(item.get("pricing"), name) for name in ("category", "type"))
    return Parsed(
        DeliveryStatus(
            message_id=ours if isinstance(ours, str) else None,
            wamid=wamid,
            state=state,
            at_ms=at_ms,
            error=error,
            market=market(receiver if isinstance(receiver, str) else "") if category else None,
            pricing_category=category,
            pricing_type=kind,
        ),
        code,
    )


def _error(item: dict[str, Any]) -> tuple[int, str]:
    """Return the code and the text of a failure: "131026: Message undeliverable"."""
    errors = item.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = first.get("code")
    details = first.get("error_data")
    words = _plain(details, "details") or _plain(first, "title") or _plain(first, "message") or ""
    number = code if type(code) is int else NO_CODE
    return number, f"{number}: {hide_numbers(words)}"[:_ERROR_MAX]


def _plain(holder: Any, name: str) -> str | None:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found[:_ERROR_MAX] if isinstance(found, str) else None
