"""What Meta reports about a message: sent, delivered, read, failed, and what it cost.

Sources: Meta, "Status messages webhook reference" (21 May 2026), "Business-scoped user IDs" (28 May 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.cloud_chats import FAILED, READ, SENT
from simulator.cloud_errors import reported

if TYPE_CHECKING:
    from simulator.cloud_chats import Bubble, Phone


def status_of(bubble: Bubble, phone: Phone, status: str, now_ms: int) -> dict[str, Any]:
    """Return the item of a status; the price comes with all but read."""
    item: dict[str, Any] = {"id": bubble.id, "status": status, "timestamp": str(now_ms // 1000)}
    if not phone.hidden:
        item["recipient_id"] = phone.number
    item["recipient_user_id"] = phone.user_id
    if bubble.opaque is not None:
        item["biz_opaque_callback_data"] = bubble.opaque
    if status != READ:
        item["pricing"] = {
            "billable": True, "pricing_model": "PMP", "type": "regular", "category": bubble.category,
        }  # fmt: skip
    return item


def failure_of(bubble: Bubble, phone: Phone, code: int, details: str, now_ms: int) -> dict[str, Any]:
    """Return the item of a message that failed after all: no price, no user id beside a number."""
    item = status_of(bubble, phone, FAILED, now_ms)
    del item["pricing"]
    if not phone.hidden:
        del item["recipient_user_id"]
    return {**item, "errors": [reported(code, details)]}


def is_news(bubble: Bubble, status: str) -> bool:
    """Whether a message that stands where it stands can still become that."""
    ranks = ("", SENT, "delivered", READ)
    return bubble.status in ranks and ranks.index(status) > ranks.index(bubble.status)
