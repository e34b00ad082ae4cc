"""How Meta says no: every error code with its HTTP status, and the JSON around it.

Source: Meta, "Error codes" (15 May 2026); the table is `cloud_codes.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("cloud_codes.toml")
_HREF = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"


@dataclass(frozen=True, slots=True)
class Code:
    """What comes with an error code. transient: whether Graph itself calls it so."""

    status: int
    title: str
    transient: bool = False


_UNLISTED = Code(400, "Unlisted error")


@cache
def codes() -> dict[int, Code]:
    """Return every listed code; 200 stands for 200..299."""
    rows = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["codes"]
    return {int(number): Code(**row) for number, row in rows.items()}


def code_of(number: int) -> Code:
    """Return what comes with a code, listed or not."""
    return codes().get(200 if 200 <= number < 300 else number, _UNLISTED)


class GraphError(Exception):
    """A refusal; `document()` is the JSON that Meta sends.

    status, transient: None for what belongs to the code. subcode: Graph's own, with templates.
    """

    def __init__(
        self, code: int, details: str = "", *, status: int | None = None, transient: bool | None = None,
        subcode: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(f"{code} {details}")
        listed = code_of(code)
        self.code, self.details, self.subcode = code, details, subcode
        self.status = listed.status if status is None else status
        self.transient = listed.transient if transient is None else transient

    def document(self) -> dict[str, Any]:
        """Return the body of the answer."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {code_of(self.code).title}",
            "type": "OAuthException",
            "code": self.code,
            "fbtrace_id": "AFakeTraceId",
        }
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.transient:
            error["is_transient"] = True
        if self.subcode is not None:
            error |= {"error_subcode": self.subcode, "error_user_msg": self.details}
        return {"error": error}


def reported(code: int, details: str) -> dict[str, Any]:
    """Return an error as a failed status carries it."""
    title = code_of(code).title
    return {
        "code": code, "title": title, "message": title, "error_data": {"details": details}, "href": _HREF,
    }  # fmt: skip


def need(holds: object, code: int, details: str) -> None:
    """Raise GraphError unless it holds."""
    if not holds:
        raise GraphError(code, details)


def text_of(holder: Any, name: str, longest: int, code: int = 100) -> str:
    """Return holder[name], a text of 1..longest characters."""
    value = holder.get(name) if isinstance(holder, dict) else None
    need(isinstance(value, str) and 0 < len(value) <= longest, code, f"{name} must be a text of 1..{longest}")
    return str(value)


def objects_of(holder: Any, name: str, code: int = 100) -> list[dict[str, Any]]:
    """Return holder[name], a list of objects; nothing stands for an empty one."""
    value = holder.get(name, []) if isinstance(holder, dict) else None
    fits = isinstance(value, list) and all(isinstance(one, dict) for one in value)
    need(fits, code, f"{name} must be a list of objects")
    return list(value or [])
