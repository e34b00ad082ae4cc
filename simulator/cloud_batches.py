"""Puts queued items together as Meta batches them: entry, changes, value, items."""

from __future__ import annotations

import itertools
from typing import Any, TypeAlias

Row: TypeAlias = tuple[str, dict[str, Any], dict[str, Any]]
"""(kind or webhook field, item or value, the person it is about)"""

_FIELDS = {"messages": "messages", "statuses": "messages", "user_preferences": "user_preferences"}


def entries_of(
    rows: list[Row], number: dict[str, str], account: str, now_ms: int, *, with_contacts: bool
) -> list[dict[str, Any]]:
    """Return the entries of a webhook: one for all of people, and one with a time for what is of the account.

    Neighbours of a kind share a change. Failed statuses come without the people they are about; with_contacts
    says whether the others do.
    """
    people: list[dict[str, Any]] = []
    ours: list[dict[str, Any]] = []
    for kind, group in itertools.groupby(rows, key=lambda row: row[0]):
        if kind in _FIELDS:
            people.append(_change(kind, list(group), number, with_contacts=with_contacts))
        else:
            ours += [{"field": kind, "value": value} for _, value, _ in group]
    entries: list[dict[str, Any]] = [{"id": account, "changes": people}] if people else []
    return [*entries, {"id": account, "time": now_ms // 1000, "changes": ours}] if ours else entries


def _change(kind: str, rows: list[Row], number: dict[str, str], *, with_contacts: bool) -> dict[str, Any]:
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": number}
    if contacts := _contacts(rows, with_statuses=with_contacts):
        value["contacts"] = contacts
    value[kind] = [item for _, item, _ in rows]
    return {"field": _FIELDS[kind], "value": value}


def _contacts(rows: list[Row], *, with_statuses: bool) -> list[dict[str, Any]]:
    told = [
        contact for kind, item, contact in rows
        if kind != "statuses" or (with_statuses and item["status"] != "failed")
    ]  # fmt: skip
    return list({contact["user_id"]: contact for contact in told}.values())
