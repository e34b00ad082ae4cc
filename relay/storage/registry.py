"""Farms, animals and collars: the statements on them. Each function runs inside one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from herdcore import auth
from relay.model import Animal, Collar, CollarKey, Farm
from relay.storage.naming import NUMBER_MAX, check_name
from relay.storage.ports import NotKnown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

ROOT_BYTES = 32
DEVICE_MAX = 0xFFFF_FFFF
EPOCH_MAX = 127
_FARM = """
    SELECT id, name, zone, language, quiet_from_min, quiet_to_min, coverage, digest_min, escalate_min
    FROM farm
"""
_ANIMAL = "SELECT id, farm_id, number, name, group_name FROM animal"


def _check(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{field}={value} outside {low}..{high}")


def need_farm(connection: Connection, farm_id: int) -> None:
    """Raise NotKnown unless there is such a farm."""
    if connection.execute("SELECT 1 FROM farm WHERE id = ?", (farm_id,)).fetchone() is None:
        raise NotKnown(f"farm {farm_id} is not known")


# farms


def add_farm(
    connection: Connection,
    vault: Vault,
    name: str,
    root: bytes,
    zone: str,
    language: str,
    quiet_min: tuple[int, int] | None,
) -> int:
    """Add a farm with its root key sealed; return its id."""
    check_name("name", name)
    if len(root) != ROOT_BYTES:
        raise ValueError(f"root of {len(root)} bytes, want {ROOT_BYTES}")
    for minute in quiet_min or ():
        _check("quiet_min", minute, 0, 1439)
    start, end = quiet_min or (None, None)
    farm_id: int = connection.execute(
        "INSERT INTO farm (name, zone, language, quiet_from_min, quiet_to_min, root)"
        " VALUES (?, ?, ?, ?, ?, x'') RETURNING id",
        (name, zone, language, start, end),
    ).fetchall()[0][0]
    sealed = vault.seal(root, f"farm:{farm_id}:root")
    connection.execute("UPDATE farm SET root = ? WHERE id = ?", (sealed, farm_id))
    return farm_id


def farms(connection: Connection) -> list[Farm]:
    """Return every farm, oldest first."""
    return [_farm(row) for row in connection.execute(f"{_FARM} ORDER BY id")]


def farm(connection: Connection, farm_id: int) -> Farm | None:
    """Return one farm."""
    row = connection.execute(f"{_FARM} WHERE id = ?", (farm_id,)).fetchone()
    return _farm(row) if row else None


def _farm(row: Sequence[Any]) -> Farm:
    *fields, escalate_min = row
    steps = tuple(int(minutes) for minutes in escalate_min.split(",") if minutes)
    return Farm(*(*fields, steps))


# animals


def add_animal(connection: Connection, farm_id: int, number: str, name: str) -> int:
    """Add an animal; return its id."""
    need_farm(connection, farm_id)
    check_name("number", number, NUMBER_MAX)
    if name:
        check_name("name", name)
    rows = connection.execute(
        "INSERT INTO animal (farm_id, number, name) VALUES (?, ?, ?)"
        " ON CONFLICT (farm_id, number) DO NOTHING RETURNING id",
        (farm_id, number, name),
    ).fetchall()
    if not rows:
        raise ValueError(f"number={number!r}: farm {farm_id} has an animal with this number already")
    animal_id: int = rows[0][0]
    return animal_id


def animals(connection: Connection, farm_id: int) -> list[Animal]:
    """Return the animals of a farm, oldest first."""
    return [
        Animal(*row) for row in connection.execute(f"{_ANIMAL} WHERE farm_id = ? ORDER BY id", (farm_id,))
    ]


def animal(connection: Connection, animal_id: int) -> Animal | None:
    """Return one animal."""
    row = connection.execute(f"{_ANIMAL} WHERE id = ?", (animal_id,)).fetchone()
    return Animal(*row) if row else None


# collars


def add_collar(connection: Connection, device: int, farm_id: int, epoch: int) -> None:
    """Bind a collar to a farm, or raise its epoch."""
    _check("device", device, 0, DEVICE_MAX)
    _check("epoch", epoch, 0, EPOCH_MAX)
    need_farm(connection, farm_id)
    known = connection.execute("SELECT farm_id, epoch FROM collar WHERE device = ?", (device,)).fetchone()
    if known and known[0] != farm_id:
        raise ValueError(f"device={device} belongs to another farm")
    if known and known[1] > epoch:
        raise ValueError(f"epoch={epoch} is behind {known[1]}: a key that was given up stays given up")
    connection.execute(
        "INSERT INTO collar (device, farm_id, epoch) VALUES (?, ?, ?)"
        " ON CONFLICT (device) DO UPDATE SET epoch = excluded.epoch",
        (device, farm_id, epoch),
    )


def collars(connection: Connection, farm_id: int) -> list[Collar]:
    """Return the collars of a farm and who wears them now."""
    return [
        Collar(*row)
        for row in connection.execute(
            "SELECT collar.device, farm_id, epoch, animal_id FROM collar LEFT JOIN assignment"
            " ON assignment.device = collar.device AND to_ms IS NULL WHERE farm_id = ? ORDER BY 1",
            (farm_id,),
        )
    ]


def collar_keys(connection: Connection, vault: Vault) -> list[CollarKey]:
    """Return the keys of every collar; a farm's root is opened once."""
    roots: dict[int, bytes] = {}
    keys = []
    for device, farm_id, epoch in connection.execute(
        "SELECT device, farm_id, epoch FROM collar ORDER BY device"
    ):
        if farm_id not in roots:
            roots[farm_id] = _root(connection, vault, farm_id)
        secret = auth.collar_key(roots[farm_id], device, epoch)
        up, down = auth.label_key(secret, b"up"), auth.label_key(secret, b"down")
        keys.append(CollarKey(device, farm_id, epoch, up, down))
    return keys


def collar_secret(connection: Connection, vault: Vault, device: int) -> bytes:
    """Return the key a collar is provisioned with."""
    row = connection.execute("SELECT farm_id, epoch FROM collar WHERE device = ?", (device,)).fetchone()
    if row is None:
        raise NotKnown(f"collar {device} is not known")
    secret: bytes = auth.collar_key(_root(connection, vault, row[0]), device, row[1])
    return secret


def _root(connection: Connection, vault: Vault, farm_id: int) -> bytes:
    sealed = connection.execute("SELECT root FROM farm WHERE id = ?", (farm_id,)).fetchone()[0]
    return vault.open(sealed, f"farm:{farm_id}:root")


def assign(connection: Connection, device: int, animal_id: int | None, from_ms: int) -> None:
    """Say who wears the collar from then on; what collar and animal had before ends."""
    collar_farm = connection.execute("SELECT farm_id FROM collar WHERE device = ?", (device,)).fetchone()
    if collar_farm is None:
        raise NotKnown(f"collar {device} is not known")
    if animal_id is not None:
        wearer = animal(connection, animal_id)
        if wearer is None or wearer.farm_id != collar_farm[0]:
            raise NotKnown(f"animal {animal_id} is not known on the farm of collar {device}")
    concerned = (device, animal_id, from_ms)
    connection.execute(
        "DELETE FROM assignment WHERE (device = ? OR animal_id = ?) AND from_ms = ? AND to_ms IS NULL",
        concerned,
    )
    later = connection.execute(
        "SELECT max(coalesce(to_ms, from_ms)) FROM assignment WHERE (device = ?1 OR animal_id = ?2)"
        " AND coalesce(to_ms, from_ms) > ?3",
        concerned,
    ).fetchone()[0]
    if later is not None:
        raise ValueError(f"from_ms={from_ms}: collar or animal is taken until {later}")
    connection.execute(
        "UPDATE assignment SET to_ms = ?3 WHERE (device = ?1 OR animal_id = ?2) AND to_ms IS NULL", concerned
    )
    if animal_id is not None:
        connection.execute(
            "INSERT INTO assignment (device, animal_id, from_ms) VALUES (?, ?, ?)",
            (device, animal_id, from_ms),
        )
