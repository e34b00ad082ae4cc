"""Whether somebody else may be writing from a person's number by now: numbers are given to new people.

Meta, "Business-scoped user IDs", 28 May 2026: a user id stays with the person, a number does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.storage.ports_chat import CHANGED, SILENT

if TYPE_CHECKING:
    from relay.model import Person

SILENT_MS = 45 * 24 * 3_600_000
_SYSTEM_CHANGES = frozenset(
    {"user_changed_number", "user_changed_user_id", "user_identity_changed", "customer_identity_changed"}
)


def is_change(item: dict[str, Any]) -> bool:
    """Whether Meta itself says that the person behind a number, or their number, is another one."""
    system = item.get("system")
    return (
        item.get("type") == "system"
        and isinstance(system, dict)
        and isinstance(system.get("type"), str)
        and system["type"] in _SYSTEM_CHANGES
    )


def doubt_of(person: Person, item: dict[str, Any], *, same_user: bool, said_ms: int) -> str:
    """Return the doubt that stands after this item: "", SILENT or CHANGED. None is ever taken back here.

    person: as before the item; when they last agreed to get messages counts as heard, and who is not known
    to have done either (0) is not silent. same_user: False if the item came under another user id than the
    one known of them. said_ms: when it was written.
    """
    if person.doubt == CHANGED or not same_user or is_change(item):
        return CHANGED
    heard_ms = max(person.consent_ms, person.last_inbound_ms or 0)
    is_silent = heard_ms > 0 and said_ms - heard_ms > SILENT_MS
    return SILENT if person.doubt or is_silent else ""
