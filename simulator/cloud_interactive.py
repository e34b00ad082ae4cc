"""Meta's rules for messages with reply buttons or a list to choose from.

Source: Meta, "Interactive reply buttons messages" and "Interactive list messages" of the Cloud API
documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.cloud_errors import need, objects_of, text_of

if TYPE_CHECKING:
    from simulator.cloud_media import Shelf

_BUTTONS, _BUTTON_MAX, _BUTTON_ID_MAX, _BUTTON_BODY_MAX = 3, 20, 256, 1024
_SECTIONS, _ROWS, _LIST_BODY_MAX = 10, 10, 4096
_ROW_ID_MAX, _ROW_TITLE_MAX, _ROW_TEXT_MAX, _SECTION_MAX = 200, 24, 72, 24
_HEADER_MAX, _FOOTER_MAX = 60, 60
_KEYS = {"type", "header", "body", "footer", "action"}


def check_interactive(interactive: dict[str, Any], shelf: Shelf) -> None:
    """Raise GraphError unless Meta would take it. shelf: the uploaded pictures."""
    kind, action = interactive.get("type"), interactive.get("action")
    need(kind in ("button", "list"), 100, f"interactive type {kind!r}")
    need(not interactive.keys() - _KEYS, 100, f"Unexpected key {sorted(interactive.keys() - _KEYS)}")
    is_list = kind == "list"
    text_of(interactive.get("body"), "text", _LIST_BODY_MAX if is_list else _BUTTON_BODY_MAX)
    need(isinstance(action, dict), 131008, "action is missing")
    if "footer" in interactive:
        text_of(interactive["footer"], "text", _FOOTER_MAX)
    if "header" in interactive:
        _check_header(interactive["header"], shelf, is_list=is_list)
    if is_list:
        _check_list(action or {})
    else:
        _check_replies(action or {})


def rows_of(interactive: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return every row of a checked list, each with the title of its section."""
    sections = interactive["action"]["sections"]
    return [(str(one.get("title", "")), row) for one in sections for row in one["rows"]]


def _check_header(header: Any, shelf: Shelf, *, is_list: bool) -> None:
    kind = header.get("type") if isinstance(header, dict) else None
    kinds = ("text",) if is_list else ("text", "image")
    need(kind in kinds, 100, f"header type {kind!r} is none of {kinds}")
    if kind == "text":
        text_of(header, "text", _HEADER_MAX)
    else:
        shelf.check_image(header.get("image"))


def _check_replies(action: dict[str, Any]) -> None:
    buttons = objects_of(action, "buttons", 131009)
    need(1 <= len(buttons) <= _BUTTONS, 131009, f"{len(buttons)} reply buttons, want 1..{_BUTTONS}")
    replies = [button.get("reply") for button in buttons]
    ids = [text_of(reply, "id", _BUTTON_ID_MAX, 131009) for reply in replies]
    titles = [text_of(reply, "title", _BUTTON_MAX, 131009) for reply in replies]
    need(len(set(ids)) == len(ids) == len(set(titles)), 131009, "two buttons with the same id or title")


def _check_list(action: dict[str, Any]) -> None:
    text_of(action, "button", _BUTTON_MAX)
    sections = objects_of(action, "sections", 131009)
    need(1 <= len(sections) <= _SECTIONS, 131009, f"{len(sections)} sections, want 1..{_SECTIONS}")
    ids: list[str] = []
    for section in sections:
        if len(sections) > 1:
            text_of(section, "title", _SECTION_MAX, 131009)
        rows = objects_of(section, "rows", 131009)
        need(rows, 131009, "a section without rows")
        ids += [_checked_row(row) for row in rows]
    need(len(ids) <= _ROWS, 131009, f"{len(ids)} rows, want at most {_ROWS}")
    need(len(set(ids)) == len(ids), 131009, "two rows with the same id")


def _checked_row(row: dict[str, Any]) -> str:
    text_of(row, "title", _ROW_TITLE_MAX, 131009)
    if row.get("description"):
        text_of(row, "description", _ROW_TEXT_MAX, 131009)
    return text_of(row, "id", _ROW_ID_MAX, 131009)
