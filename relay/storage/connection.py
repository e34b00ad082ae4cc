"""SQLite connections whose commits survive a power cut, and the schema behind them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from relay.storage.ports import CannotOpen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_OLDEST_SQLITE = (3, 37, 0)  # STRICT tables
_SYNCHRONOUS_FULL = 2  # what PRAGMA synchronous reads: the WAL is synced before a commit returns
_BUSY_TIMEOUT_MS = 5_000  # the command line writes beside a running relay
_FOLD_PATIENCE_MS = 250  # other questions wait behind it
_CACHE_KIB = 32_768
# What an update or a deletion leaves in a page that is written anyway; whole pages cost more: `written_over`.
_WRITE_OVER_CELLS = "PRAGMA secure_delete = FAST"


class Cursor(Protocol):
    """What storage uses of sqlite3.Cursor."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """What storage uses of sqlite3.Connection, so that a test can bring its own disk."""

    @property
    def in_transaction(self) -> bool: ...
    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor: ...
    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor: ...
    def close(self) -> None: ...


def connect(path: Path) -> Connection:
    """Open `path` with transactions left to the caller; one thread at a time may use the connection."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def open_writer(
    connect_to: Callable[[Path], Connection],
    path: Path,
    checkpoint_pages: int,
    conversions: Mapping[int, Callable[[Connection], None]],
) -> Connection:
    """Open the connection that writes, make it durable and bring the schema up to date (see `migrate`).

    Raises CannotOpen if any of that is not so: a relay that may lose what it acknowledged does not start.
    """
    connection = connect_to(path)
    try:
        _make_durable(connection, path)
        connection.execute(f"PRAGMA wal_autocheckpoint = {checkpoint_pages:d}")
        with written_over(connection):
            if migrate(connection, packaged_migrations(), path, conversions):
                fold(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(connect_to: Callable[[Path], Connection], path: Path) -> Connection:
    """Open a connection that only reads, to be used after `open_writer` has made the schema."""
    connection = connect_to(path)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS:d}")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _make_durable(connection: Connection, path: Path) -> None:
    version = tuple(int(part) for part in _pragma(connection, "SELECT sqlite_version()").split("."))
    if version < _OLDEST_SQLITE:
        raise CannotOpen(f"SQLite {version}: want {_OLDEST_SQLITE} or newer")
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS:d}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB:d}")
    connection.execute(_WRITE_OVER_CELLS)
    for pragma, wanted in (("journal_mode", "wal"), ("synchronous", _SYNCHRONOUS_FULL), ("foreign_keys", 1)):
        found = _pragma(connection, f"PRAGMA {pragma}")
        if found != wanted:
            raise CannotOpen(f"{path}: PRAGMA {pragma} reads {found!r}, want {wanted!r}")


def _pragma(connection: Connection, question: str) -> Any:
    return connection.execute(question).fetchone()[0]


def packaged_migrations() -> list[str]:
    """Return the SQL of every migration in order; the first one makes version 1."""
    folder = resources.files("relay.storage") / "migrations"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name)
    for number, entry in enumerate(files, start=1):
        if not re.fullmatch(rf"{number:04d}_[a-z_]+\.sql", entry.name):
            raise CannotOpen(f"migration {entry.name}: want {number:04d}_<name>.sql")
    return [entry.read_text(encoding="utf-8") for entry in files]


@contextmanager
def written_over(connection: Connection) -> Iterator[None]:
    """Write over whatever is deleted meanwhile, also whole pages: else they keep it until they are used."""
    connection.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.execute(_WRITE_OVER_CELLS)


def fold(connection: Connection) -> None:
    """Copy the WAL into the file and empty it: it holds pages as they were before something was deleted.

    Best effort: while another process reads, the WAL stays until the next time.
    """
    connection.execute(f"PRAGMA busy_timeout = {_FOLD_PATIENCE_MS:d}")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS:d}")


def migrate(
    connection: Connection,
    migrations: Sequence[str],
    path: Path,
    conversions: Mapping[int, Callable[[Connection], None]] = MappingProxyType({}),
) -> bool:
    """Apply what is missing of `migrations`, each in one transaction; return whether anything was.

    `conversions`: by version, what SQL alone cannot do, in the same transaction. CannotOpen if the schema is
    newer.
    """
    version = _pragma(connection, "PRAGMA user_version")
    if version > len(migrations):
        raise CannotOpen(
            f"{path}: schema {version} is newer than this program, which knows up to {len(migrations)}; "
            "install the newer version again or restore a backup"
        )
    for number in range(version + 1, len(migrations) + 1):
        _apply(connection, number, migrations[number - 1], conversions.get(number))
    return bool(version < len(migrations))


def _apply(
    connection: Connection, number: int, script: str, convert: Callable[[Connection], None] | None
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again under the lock: a command line that started at the same moment may have been faster.
        if _pragma(connection, "PRAGMA user_version") < number:
            for statement in statements(script):
                connection.execute(statement)
            if convert is not None:
                convert(connection)
            connection.execute(f"PRAGMA user_version = {number:d}")
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def roll_back(connection: Connection) -> None:
    """Leave the transaction, if the engine has not left it by itself already."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def statements(script: str) -> Iterator[str]:
    """Split a script at its statements; triggers stay whole. (sqlite3's executescript would commit first.)"""
    if not script.rstrip().endswith(";"):
        raise CannotOpen(f"migration ends with {script[-20:]!r}, want a semicolon")
    statement = ""
    for piece in script.rstrip().removesuffix(";").split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
