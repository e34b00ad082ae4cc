"""The audit chain: the statements on it. Each function runs inside one transaction."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from relay.storage.sealing import wamid_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.storage.connection import Connection
    from relay.storage.ports import Vault


def to_json(value: dict[str, Any]) -> str:
    """Return the one text that stands for this object."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _chain(before: bytes, line: Sequence[Any]) -> bytes:
    return hashlib.sha256(before + json.dumps(line, ensure_ascii=False).encode()).digest()


def audit(
    connection: Connection, vault: Vault, actor: str, action: str, detail: dict[str, Any], at_ms: int
) -> None:
    """Add a line to the audit chain. Of a wamid, which holds a phone number, only its blind index is kept."""
    if isinstance(wamid := detail.get("wamid"), str):
        detail = {**detail, "wamid": wamid_index(vault, wamid).hex()}
    last = connection.execute("SELECT chain FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    line = (at_ms, actor, action, to_json(detail))
    connection.execute(
        "INSERT INTO audit (at_ms, actor, action, detail, chain) VALUES (?, ?, ?, ?, ?)",
        (*line, _chain(last[0] if last else b"", line)),
    )


def audit_broken_at(connection: Connection) -> int | None:
    """Return the number of the first audit line whose hash is wrong."""
    before = b""
    for number, chain, *line in connection.execute(
        "SELECT id, chain, at_ms, actor, action, detail FROM audit ORDER BY id"
    ):
        if chain != _chain(before, line):
            return int(number)
        before = chain
    return None
