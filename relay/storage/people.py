"""People: who may be written to, on which farm. Each function runs inside one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.model import Person
from relay.storage.ports import ROLES, NotKnown
from relay.storage.registry import need_farm

if TYPE_CHECKING:
    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

_PHONE_DIGITS = (7, 15)  # E.164 allows 15; shorter than 7 reaches nobody
_PERSON = """
    SELECT person.id, person.name, language, zone, role, opted_out_ms
    FROM person JOIN role ON role.person_id = person.id
"""


def phone_digits(phone: str) -> str:
    """Return a phone number as digits with its country code. ValueError does not repeat the number."""
    digits = "".join(character for character in phone if character.isascii() and character.isdigit())
    if phone.strip().startswith("00"):
        digits = digits[2:]
    low, high = _PHONE_DIGITS
    if not low <= len(digits) <= high:
        raise ValueError(f"phone number of {len(digits)} digits, want {low}..{high} with the country code")
    return digits


def add_person(
    connection: Connection,
    vault: Vault,
    farm_id: int,
    person: Person,
    phone: str,
    consent: tuple[int, str],
) -> int:
    """Give a person a role on a farm. `consent`: when, and to which version of the text. Return the id."""
    need_farm(connection, farm_id)
    if person.role not in ROLES:
        raise ValueError(f"role={person.role!r}, want one of {', '.join(ROLES)}")
    digits = phone_digits(phone)
    index = vault.blind(digits, "phone")
    rows = connection.execute(
        "INSERT INTO person (phone_index, phone, name, language, zone) VALUES (?, x'', ?, ?, ?)"
        " ON CONFLICT (phone_index) DO NOTHING RETURNING id",
        (index, person.name, person.language, person.zone),
    ).fetchall()
    if rows:
        sealed = vault.seal(digits.encode(), f"person:{rows[0][0]}:phone")
        connection.execute("UPDATE person SET phone = ? WHERE id = ?", (sealed, rows[0][0]))
    else:
        rows = [connection.execute("SELECT id FROM person WHERE phone_index = ?", (index,)).fetchone()]
    person_id: int = rows[0][0]
    connection.execute(
        "INSERT INTO role (person_id, farm_id, role, consent_ms, consent_text) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (farm_id, person_id) DO UPDATE SET role = excluded.role,"
        " consent_ms = excluded.consent_ms, consent_text = excluded.consent_text",
        (person_id, farm_id, person.role, *consent),
    )
    return person_id


def people(connection: Connection, farm_id: int) -> list[Person]:
    """Return those with a role on a farm, in the order they joined."""
    return [
        Person(*row)
        for row in connection.execute(f"{_PERSON} WHERE farm_id = ? ORDER BY role.id", (farm_id,))
    ]


def person_by_phone(connection: Connection, vault: Vault, phone: str) -> Person | None:
    """Find a person by phone number; a text that is no phone number is nobody's."""
    try:
        index = vault.blind(phone_digits(phone), "phone")
    except ValueError:
        return None
    row = connection.execute(f"{_PERSON} WHERE phone_index = ? ORDER BY role.id LIMIT 1", (index,)).fetchone()
    return Person(*row) if row else None


def role(connection: Connection, person_id: int, farm_id: int) -> str | None:
    """Return a person's role on a farm."""
    row = connection.execute(
        "SELECT role FROM role WHERE person_id = ? AND farm_id = ?", (person_id, farm_id)
    ).fetchone()
    return row[0] if row else None


def farms_of(connection: Connection, person_id: int) -> list[int]:
    """Return the farms a person has a role on, in the order they joined them."""
    rows = connection.execute("SELECT farm_id FROM role WHERE person_id = ? ORDER BY id", (person_id,))
    return [farm_id for (farm_id,) in rows]


def opt_out(connection: Connection, person_id: int, at_ms: int) -> None:
    """Write to this person no more. The latest time stays, so that an older START cannot undo it."""
    changed = connection.execute(
        "UPDATE person SET opted_out_ms = max(coalesce(opted_out_ms, ?1), ?1) WHERE id = ?2",
        (at_ms, person_id),
    )
    if not changed.rowcount:
        raise NotKnown(f"person {person_id} is not known")


def opt_in(connection: Connection, person_id: int, at_ms: int) -> bool:
    """Write to this person again, unless they opted out after `at_ms`."""
    row = connection.execute("SELECT opted_out_ms FROM person WHERE id = ?", (person_id,)).fetchone()
    if row is None:
        raise NotKnown(f"person {person_id} is not known")
    if row[0] is not None and row[0] > at_ms:
        return False
    connection.execute("UPDATE person SET opted_out_ms = NULL WHERE id = ?", (person_id,))
    return True
