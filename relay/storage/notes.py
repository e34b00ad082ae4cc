"""What Meta said of templates and of our account: the statements on it. Each runs inside one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.model import AccountNote, TemplateState

if TYPE_CHECKING:
    from relay.storage.connection import Connection


def note_template(connection: Connection, state: TemplateState) -> None:
    """Keep what Meta says of a template, unless something newer is known."""
    connection.execute(
        "INSERT INTO template_state (name, language, status, category, quality, at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name, language) DO UPDATE SET status = excluded.status,"
        " category = excluded.category, quality = excluded.quality, at_ms = excluded.at_ms"
        " WHERE excluded.at_ms >= at_ms",
        (state.name, state.language, state.status, state.category, state.quality, state.at_ms),
    )


def template_states(connection: Connection) -> list[TemplateState]:
    """Return what is known of templates."""
    rows = connection.execute(
        "SELECT name, language, status, category, quality, at_ms FROM template_state ORDER BY name, language"
    )
    return [TemplateState(*row) for row in rows]


def note_account(connection: Connection, note: AccountNote) -> None:
    """Keep what Meta says of our account, once."""
    connection.execute(
        "INSERT INTO account_note (at_ms, field, text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (note.at_ms, note.field, note.text),
    )


def account_notes(connection: Connection, since_ms: int) -> list[AccountNote]:
    """Return what Meta said of our account since then."""
    rows = connection.execute(
        "SELECT at_ms, field, text FROM account_note WHERE at_ms >= ? ORDER BY at_ms, field, text",
        (since_ms,),
    )
    return [AccountNote(*row) for row in rows]
