"""The 24 hours after a person's message in which anything may be written to them; else only templates.

Source: Meta, "Send messages", customer service windows, 2026.
"""

from __future__ import annotations

WINDOW_MS = 24 * 3_600_000
_MARGIN_MS = 5 * 60_000  # on the way, and between their clock and ours


def is_open(last_inbound_ms: int | None, now_ms: int) -> bool:
    """Whether free-form messages may go to who wrote last at that time.

    One that lies far ahead says that our clock was set back: then nobody knows, and a template is right.
    """
    if last_inbound_ms is None:
        return False
    return -_MARGIN_MS <= now_ms - last_inbound_ms < WINDOW_MS - _MARGIN_MS
