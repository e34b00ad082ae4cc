"""People: who may be written to, on which farm. Each function runs inside one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.model import Person
from relay.storage.naming import check_name
from relay.storage.outbox import silence
from relay.storage.ports import ROLES, NotKnown
from relay.storage.ports_chat import RUNG_MAX
from relay.storage.registry import need_farm
from relay.storage.sealing import user_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

_PHONE_DIGITS = (7, 15)  # E.164 allows 15; shorter than 7 reaches nobody
_PERSON = """
    SELECT person.id, person.name, language, zone, role, opted_out_ms, last_inbound_ms, doubt, fewer, rung,
        (SELECT max(consent_ms) FROM role AS any_role WHERE any_role.person_id = person.id)
    FROM person JOIN role ON role.person_id = person.id
"""


def _person(row: Sequence[Any]) -> Person:
    *fields, fewer, rung, consent_ms = row
    return Person(*(*fields, bool(fewer), rung, consent_ms))


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
    address: tuple[str, str],
    consent: tuple[int, str],
) -> int:
    """Give a person a role on a farm. `address`: phone and user id, one of them may be "".

    `consent`: when, and to which version of the text. Return the id.
    """
    need_farm(connection, farm_id)
    check_name("name", person.name)
    if person.role not in ROLES:
        raise ValueError(f"role={person.role!r}, want one of {', '.join(ROLES)}")
    check_rung(person.rung)
    phone, user_id = address
    digits = phone_digits(phone) if phone or not user_id else ""
    person_id = _known(connection, vault, digits, user_id)
    if person_id is None:
        person_id = _insert(connection, vault, person, digits)
    if digits:
        _put_phone(connection, vault, person_id, digits)
    if user_id:
        put_user_id(connection, vault, person_id, user_id)
    connection.execute(
        "INSERT INTO role (person_id, farm_id, role, rung, consent_ms, consent_text)"
        " VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (farm_id, person_id) DO UPDATE SET role = excluded.role, rung = excluded.rung,"
        " consent_ms = excluded.consent_ms, consent_text = excluded.consent_text",
        (person_id, farm_id, person.role, person.rung, *consent),
    )
    return person_id


def check_rung(rung: int) -> None:
    """Raise ValueError unless there is such a rung."""
    if not 0 <= rung <= RUNG_MAX:
        raise ValueError(f"rung={rung} outside 0..{RUNG_MAX}")


def _known(connection: Connection, vault: Vault, digits: str, user_id: str) -> int | None:
    """Return whom a phone number and a user id belong to; ValueError if these are two people."""
    rows = connection.execute(
        "SELECT id FROM person WHERE phone_index = ? UNION SELECT id FROM person WHERE user_index = ?",
        (vault.blind(digits, "phone") if digits else None, user_index(vault, user_id) if user_id else None),
    ).fetchall()
    if len(rows) > 1:
        raise ValueError("phone number and user id belong to two different people")
    return rows[0][0] if rows else None


def _insert(connection: Connection, vault: Vault, person: Person, digits: str) -> int:
    """Add a person, who may be without a number: then nothing finds them by one."""
    rows = connection.execute(
        "INSERT INTO person (phone_index, phone, name, language, zone)"
        " VALUES (coalesce(?, randomblob(32)), x'', ?, ?, ?) RETURNING id",
        (vault.blind(digits, "phone") if digits else None, person.name, person.language, person.zone),
    ).fetchall()
    person_id: int = rows[0][0]
    return person_id


def _put_phone(connection: Connection, vault: Vault, person_id: int, digits: str) -> None:
    connection.execute(
        "UPDATE person SET phone = ?, phone_index = ? WHERE id = ?",
        (vault.seal(digits.encode(), f"person:{person_id}:phone"), vault.blind(digits, "phone"), person_id),
    )


def put_user_id(connection: Connection, vault: Vault, person_id: int, user_id: str) -> None:
    """Keep a user id in the place of the one before, if any."""
    connection.execute(
        "UPDATE person SET user_id = ?, user_index = ? WHERE id = ?",
        (vault.seal(user_id.encode(), f"person:{person_id}:user"), user_index(vault, user_id), person_id),
    )


def people(connection: Connection, farm_id: int) -> list[Person]:
    """Return those with a role on a farm, in the order they joined."""
    rows = connection.execute(f"{_PERSON} WHERE farm_id = ? ORDER BY role.id", (farm_id,))
    return [_person(row) for row in rows]


def person_by_phone(connection: Connection, vault: Vault, phone: str) -> Person | None:
    """Find a person by phone number; a text that is no phone number is nobody's."""
    try:
        index = vault.blind(phone_digits(phone), "phone")
    except ValueError:
        return None
    return _first(connection, "phone_index", index)


def person_by_user_id(connection: Connection, vault: Vault, user_id: str) -> Person | None:
    """Find a person by user id."""
    return _first(connection, "user_index", user_index(vault, user_id))


def person(connection: Connection, person_id: int) -> Person | None:
    """Return one person, with the role on their oldest farm."""
    return _first(connection, "person.id", person_id)


def _first(connection: Connection, column: str, value: bytes | int) -> Person | None:
    row = connection.execute(f"{_PERSON} WHERE {column} = ? ORDER BY role.id LIMIT 1", (value,)).fetchone()
    return _person(row) if row else None


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
    """Write to this person no more. The latest time stays, so that an older START cannot undo it.

    What waits for them goes to nobody, also if they say START before it would have gone.
    """
    changed = connection.execute(
        "UPDATE person SET opted_out_ms = max(coalesce(opted_out_ms, ?1), ?1) WHERE id = ?2",
        (at_ms, person_id),
    )
    if not changed.rowcount:
        raise NotKnown(f"person {person_id} is not known")
    silence(connection, person_id, at_ms)


def opt_in(connection: Connection, person_id: int, at_ms: int) -> bool:
    """Write to this person again, unless they opted out after `at_ms`."""
    row = connection.execute("SELECT opted_out_ms FROM person WHERE id = ?", (person_id,)).fetchone()
    if row is None:
        raise NotKnown(f"person {person_id} is not known")
    if row[0] is None:
        return True
    if row[0] > at_ms:
        return False
    silence(connection, person_id, at_ms)  # what was queued since the STOP
    connection.execute("UPDATE person SET opted_out_ms = NULL WHERE id = ?", (person_id,))
    return True
