"""What people say of themselves and want to hear: the statements on it. Each runs inside one transaction."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from relay.model import Judgement, Mute
from relay.storage.people import check_rung, put_user_id
from relay.storage.ports import NotKnown
from relay.storage.ports_chat import DOUBTS, ESCALATE_MAX, ESCALATE_MIN, ESCALATE_STEPS
from relay.storage.registry import need_farm
from relay.storage.sealing import user_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.storage.connection import Connection, Cursor
    from relay.storage.ports import Vault


def need_person(connection: Connection, person_id: int) -> None:
    """Raise NotKnown unless there is such a person."""
    if connection.execute("SELECT 1 FROM person WHERE id = ?", (person_id,)).fetchone() is None:
        raise NotKnown(f"person {person_id} is not known")


def _owner(connection: Connection, vault: Vault, user_id: str) -> int | None:
    """Return whose user id this is."""
    row = connection.execute(
        "SELECT id FROM person WHERE user_index = ?", (user_index(vault, user_id),)
    ).fetchone()
    return row[0] if row else None


def heard(connection: Connection, vault: Vault, person_id: int, at_ms: int, user_id: str | None) -> None:
    """Raise when a person was heard last; keep their user id if it is the first and nobody else's."""
    changed = connection.execute(
        "UPDATE person SET last_inbound_ms = max(coalesce(last_inbound_ms, ?1), ?1) WHERE id = ?2",
        (at_ms, person_id),
    )
    _must_be_there(changed, person_id)
    if not user_id or _owner(connection, vault, user_id) is not None:
        return
    first = "SELECT 1 FROM person WHERE id = ? AND user_index IS NULL"
    if connection.execute(first, (person_id,)).fetchone():
        put_user_id(connection, vault, person_id, user_id)


def set_user_id(connection: Connection, vault: Vault, person_id: int, user_id: str) -> None:
    """Put a user id in the place of the one before; "" forgets it."""
    need_person(connection, person_id)
    if not user_id:
        _forget_user_id(connection, person_id)
        return
    if _owner(connection, vault, user_id) not in (None, person_id):
        raise ValueError(f"user_id: somebody else has it, not person {person_id}")
    put_user_id(connection, vault, person_id, user_id)


def _forget_user_id(connection: Connection, person_id: int) -> None:
    changed = connection.execute(
        "UPDATE person SET user_id = NULL, user_index = NULL WHERE id = ? AND phone <> x''", (person_id,)
    )
    if not changed.rowcount:
        raise ValueError(f"user_id is empty, and person {person_id} has no phone number")


def set_doubt(connection: Connection, person_id: int, doubt: str) -> None:
    """Say why a person has to confirm who they are."""
    if doubt not in DOUBTS:
        raise ValueError(f"doubt={doubt!r}, want one of {', '.join(filter(None, DOUBTS))} or nothing")
    _must_be_there(
        connection.execute("UPDATE person SET doubt = ? WHERE id = ?", (doubt, person_id)), person_id
    )


def set_fewer(connection: Connection, person_id: int, fewer: bool) -> None:
    """Say whether a person wants fewer alerts."""
    _must_be_there(
        connection.execute("UPDATE person SET fewer = ? WHERE id = ?", (int(fewer), person_id)), person_id
    )


def _must_be_there(changed: Cursor, person_id: int) -> None:
    if not changed.rowcount:
        raise NotKnown(f"person {person_id} is not known")


def set_rung(connection: Connection, person_id: int, farm_id: int, rung: int) -> None:
    """Say when in an escalation a person hears of a farm's alerts."""
    check_rung(rung)
    changed = connection.execute(
        "UPDATE role SET rung = ? WHERE person_id = ? AND farm_id = ?", (rung, person_id, farm_id)
    )
    if not changed.rowcount:
        raise NotKnown(f"person {person_id} is not known on farm {farm_id}")


def set_escalation(connection: Connection, farm_id: int, steps_min: Sequence[int]) -> None:
    """Say after how many minutes each an unanswered alert goes on."""
    if len(steps_min) > ESCALATE_STEPS:
        raise ValueError(f"steps_min has {len(steps_min)} steps, want at most {ESCALATE_STEPS}")
    for minutes in steps_min:
        if not ESCALATE_MIN <= minutes <= ESCALATE_MAX:
            raise ValueError(f"steps_min={minutes} outside {ESCALATE_MIN}..{ESCALATE_MAX}")
    for before, after in pairwise(steps_min):
        if after <= before:
            raise ValueError(f"steps_min={after} after {before}, want them ascending")
    need_farm(connection, farm_id)
    connection.execute(
        "UPDATE farm SET escalate_min = ? WHERE id = ?", (",".join(map(str, steps_min)), farm_id)
    )


def mute(
    connection: Connection, farm_id: int, person_id: int, animal_id: int | None, kind: str, until_ms: int
) -> None:
    """Tell a person nothing of an animal and kind until then; 0 lifts it."""
    _must_belong(connection, farm_id, person_id, animal_id)
    if until_ms:
        connection.execute(
            "INSERT INTO mute (farm_id, person_id, animal_id, kind, until_ms) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (farm_id, person_id, coalesce(animal_id, 0), kind)"
            " DO UPDATE SET until_ms = excluded.until_ms",
            (farm_id, person_id, animal_id, kind, until_ms),
        )
    else:
        connection.execute(
            "DELETE FROM mute WHERE farm_id = ? AND person_id = ? AND animal_id IS ? AND kind = ?",
            (farm_id, person_id, animal_id, kind),
        )


def _must_belong(connection: Connection, farm_id: int, person_id: int, animal_id: int | None) -> None:
    hers = "SELECT 1 FROM role WHERE person_id = ? AND farm_id = ?"
    if connection.execute(hers, (person_id, farm_id)).fetchone() is None:
        raise NotKnown(f"person {person_id} is not known on farm {farm_id}")
    if animal_id is None:
        return
    of_farm = "SELECT 1 FROM animal WHERE id = ? AND farm_id = ?"
    if connection.execute(of_farm, (animal_id, farm_id)).fetchone() is None:
        raise NotKnown(f"animal {animal_id} is not known on farm {farm_id}")


def mutes(connection: Connection, farm_id: int, now_ms: int) -> list[Mute]:
    """Return the mutes of a farm that last."""
    rows = connection.execute(
        "SELECT person_id, animal_id, kind, until_ms FROM mute WHERE farm_id = ? AND until_ms > ?"
        " ORDER BY person_id, animal_id, kind",
        (farm_id, now_ms),
    )
    return [Mute(*row) for row in rows]


def judgements(connection: Connection, farm_id: int, since_ms: int) -> list[Judgement]:
    """Return all that people said of a farm's events since then."""
    rows = connection.execute(
        "SELECT event_id, person_id, verdict, reason, at_ms FROM judgement INDEXED BY judgement_at"
        " JOIN event ON event.id = event_id WHERE farm_id = ?1 AND at_ms >= ?2"
        " ORDER BY at_ms, event_id, person_id, verdict",
        (farm_id, since_ms),
    )
    return [Judgement(*row) for row in rows]


def add_address(connection: Connection, vault: Vault, person_id: int, url: str) -> None:
    """Add an address of the second channel, sealed; one that is there already is not added."""
    if not url:
        raise ValueError("url is empty")
    need_person(connection, person_id)
    if url in addresses(connection, vault, person_id):
        return
    number = connection.execute(
        "INSERT INTO address (person_id, url) VALUES (?, x'') RETURNING id", (person_id,)
    ).fetchall()[0][0]
    connection.execute(
        "UPDATE address SET url = ? WHERE id = ?", (vault.seal(url.encode(), f"address:{number}"), number)
    )


def addresses(connection: Connection, vault: Vault, person_id: int) -> list[str]:
    """Return a person's addresses of the second channel."""
    rows = connection.execute("SELECT id, url FROM address WHERE person_id = ? ORDER BY id", (person_id,))
    return [vault.open(sealed, f"address:{number}").decode() for number, sealed in rows]


def drop_addresses(connection: Connection, person_id: int) -> None:
    """Forget a person's addresses."""
    connection.execute("DELETE FROM address WHERE person_id = ?", (person_id,))
