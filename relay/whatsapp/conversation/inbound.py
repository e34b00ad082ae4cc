"""Reads an inbound message as Meta sends it. Pure. Source: Meta, "messages webhook reference", 2026."""

from __future__ import annotations

from typing import Any

from relay.whatsapp.webhook_items import time_of

_SAYS_SOMETHING = frozenset(
    {"text", "audio", "image", "video", "document", "sticker", "location", "contacts"}
)
_HAS_CAPTION = frozenset({"image", "video", "document"})


def text_of(item: dict[str, Any]) -> str:
    """Return what was typed, alone or under a picture. Raises KeyError or TypeError for a broken text."""
    kind = item.get("type")
    if kind == "text":
        return str(item["text"]["body"])
    content = item.get(kind) if kind in _HAS_CAPTION else None
    return str(content.get("caption") or "") if isinstance(content, dict) else ""


def has_words(item: dict[str, Any]) -> bool:
    """Whether somebody wants an answer: a reaction or a message of Meta's own does not ask for one."""
    return item.get("type") in _SAYS_SOMETHING


def tapped_payload(item: dict[str, Any]) -> object:
    """Return what the tapped button or row carries: of a template, or of a free-form message."""
    if item.get("type") == "button":
        return item["button"]["payload"]
    if item.get("type") == "interactive":
        interactive = item["interactive"]
        return (interactive.get("button_reply") or interactive.get("list_reply") or {}).get("id")
    return None


def said_ms_of(item: dict[str, Any], now_ms: int) -> int:
    """Return when the person wrote this; now, if that is missing or lies ahead of our clock."""
    at_ms = time_of(item)
    return now_ms if at_ms is None else min(at_ms, now_ms)
