"""A disk that loses power: what SQLite has not synced survives sector by sector, or not, as the seed says.

`Disk` is an SQLite VFS for apsw. It counts writes, truncations, deletions and syncs; at operation number
`cut_at` the power goes, and every later one fails. `image` then gives the files as a real disk may show them
at the next start: the synced state plus a random choice of the unsynced 512-byte sectors and sizes. Reads,
locks and the shared memory of the WAL go to real files. One simplification: creating and deleting a file is
durable at once.

`DiskConnection` is what the product uses of sqlite3.Connection, so its own statements run on such a disk. The
SQLite underneath is apsw's, not Python's: newer, with the same rules about when to sync.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import apsw

SECTOR = 512
NEVER = 1 << 62


class PowerCutError(apsw.IOError):
    """The operation did not happen, nor will any later one."""


class FileState:
    """One file: `current` as the running process sees it, `stable` as it was synced."""

    def __init__(self):
        self.current, self.stable = bytearray(), bytearray()
        self.dirty = set()

    def write(self, data, offset):
        end = offset + len(data)
        if end > len(self.current):
            self.current.extend(bytes(end - len(self.current)))
        self.current[offset:end] = data
        self.dirty.update(range(offset // SECTOR, (end - 1) // SECTOR + 1))

    def sync(self):
        self.stable, self.dirty = bytearray(self.current), set()

    def after_cut(self, rng):
        image = bytearray(self.stable)
        keep = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        if len(self.current) < len(image) and rng.random() < keep:
            del image[len(self.current) :]
        for sector in sorted(self.dirty):
            piece = self.current[sector * SECTOR : (sector + 1) * SECTOR]
            if rng.random() < keep and piece:
                start = sector * SECTOR
                image.extend(bytes(max(0, start + len(piece) - len(image))))
                image[start : start + len(piece)] = piece
        return bytes(image)


class Disk(apsw.VFS):
    """A VFS on which the power fails at operation `cut_at`."""

    def __init__(self, name, cut_at=NEVER):
        super().__init__(name, "")
        self.name, self.cut_at = name, cut_at
        self.operations = 0
        self.files = {}

    @property
    def alive(self):
        return self.operations < self.cut_at

    def operate(self):
        """Count one operation; raise if the power is off."""
        self.operations += 1
        if not self.alive:
            raise PowerCutError(f"power cut at operation {self.cut_at}")

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's name
        return DiskFile(self, name, flags)

    def xDelete(self, name, sync_folder):  # noqa: N802 - SQLite's name
        self.operate()
        super().xDelete(name, sync_folder)
        self.files.pop(Path(name).name, None)

    def image(self, rng):
        """Return name -> bytes of the files after the cut."""
        return {name: self.files[name].after_cut(rng) for name in sorted(self.files)}

    def connect(self, path):
        """Open a database on this disk; stands where relay.storage.connection.connect stands."""
        return DiskConnection(self, path)


class DiskFile(apsw.VFSFile):
    """An open file of the disk; two connections to one file share its state."""

    def __init__(self, disk, name, flags):
        super().__init__("", name, flags)
        self._disk = disk
        path = name if isinstance(name, str | None) else name.filename()
        self._state = disk.files.setdefault(Path(path).name, FileState()) if path else FileState()

    def xWrite(self, data, offset):  # noqa: N802 - SQLite's name
        self._state.write(data, offset)
        self._disk.operate()
        super().xWrite(data, offset)

    def xTruncate(self, size):  # noqa: N802 - SQLite's name
        del self._state.current[size:]
        self._disk.operate()
        super().xTruncate(size)

    def xSync(self, flags):  # noqa: N802, ARG002 - SQLite's name and form
        self._disk.operate()
        self._state.sync()


class Rows:
    """What the product uses of sqlite3.Cursor."""

    def __init__(self, rows, rowcount):
        self._rows, self.rowcount = iter(rows), rowcount

    def fetchone(self):
        return next(self._rows, None)

    def fetchall(self):
        return list(self._rows)

    def __iter__(self):
        return self._rows


class DiskConnection:
    """What the product uses of sqlite3.Connection, with sqlite3's errors."""

    def __init__(self, disk, path):
        self._disk = disk
        self._connection = apsw.Connection(str(path), vfs=disk.name)

    @property
    def in_transaction(self):
        return self._connection.in_transaction

    def execute(self, sql, parameters=()):
        before = self._connection.total_changes()
        rows = self._translated(lambda: self._connection.execute(sql, parameters).fetchall())
        return Rows(rows, self._connection.total_changes() - before)

    def executemany(self, sql, parameters):
        before = self._connection.total_changes()
        self._translated(lambda: self._connection.executemany(sql, parameters).fetchall())
        return Rows((), self._connection.total_changes() - before)

    def close(self):
        try:
            self._connection.close()
        except apsw.Error:
            if self._disk.alive:
                raise

    @staticmethod
    def _translated(work):
        try:
            return work()
        except apsw.ConstraintError as error:
            raise sqlite3.IntegrityError(str(error)) from error
        except apsw.Error as error:
            translated = sqlite3.OperationalError(str(error))
            cut = isinstance(error, PowerCutError)
            translated.sqlite_errorcode = sqlite3.SQLITE_IOERR if cut else getattr(error, "result", 0)
            raise translated from error
