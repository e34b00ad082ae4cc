"""The embedded adapter: frame log and store in one SQLite file, one thread that writes and one that reads."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from relay.model import DeliveryStatus, Person
from relay.storage import audit, behaviour, downlink, frames, inbox, messages, outbox, people, registry
from relay.storage.connection import connect, open_reader, open_writer
from relay.storage.ports_chat import WHATSAPP
from relay.storage.reader import Reader
from relay.storage.sealing import convert_to_6
from relay.storage.sqlite_chat import SqliteChat
from relay.storage.sqlite_farmbook import SqliteFarmBook
from relay.storage.sqlite_scores import SqliteScores
from relay.storage.sqlite_watch import SqliteWatch
from relay.storage.writer import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence
    from pathlib import Path

    from relay.model import (
        Animal,
        BehaviourHour,
        Collar,
        CollarKey,
        CollarReport,
        CollarSettings,
        Downlink,
        Farm,
        LoggedFrame,
        Message,
        MinuteLabel,
        NewFrame,
        QueuedMessage,
        RawFrame,
    )
    from relay.storage.connection import Connection
    from relay.storage.ports import Vault

FILE_NAME = "herdbell.db"
CHECKPOINT_PAGES = 4_000  # of 4 KiB: how far the WAL grows before it is copied into the file


class SqliteStorage(SqliteChat, SqliteFarmBook, SqliteScores, SqliteWatch):
    """FrameLog and Store (ports.py says what each method does) over one file in the state folder."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        state_dir: Path,
        vault: Vault,
        *,
        queue_frames: int = 4_096,
        checkpoint_pages: int = CHECKPOINT_PAGES,
        connect_to: Callable[[Path], Connection] = connect,
    ) -> AsyncIterator[SqliteStorage]:
        """Open the storage in `state_dir`, which is made if it is not there; close it at the end.

        queue_frames: how many frames may wait for the disk. Raises CannotOpen where commits would not be
        durable or the schema is newer than this program, OSError if the folder cannot be made.
        """
        path = state_dir / FILE_NAME

        def open_prepared() -> Connection:
            _make_folder(state_dir)
            return open_writer(connect_to, path, checkpoint_pages, {6: partial(convert_to_6, vault=vault)})

        writer = Writer(open_prepared, queue_frames)
        await writer.start()
        reader = Reader(lambda: open_reader(connect_to, path))
        try:
            yield cls(writer, reader, vault)
        finally:
            await reader.close()  # before the writer: the last one to close folds the WAL into the file
            await writer.close()

    # frame log

    @property
    def waiting_frames(self) -> int:
        """Frames handed to `append` and not answered yet."""
        return self._writer.waiting_frames

    async def append(self, new_frames: Sequence[NewFrame]) -> list[str]:
        return await self._writer.append(new_frames)

    async def read(self, partition: int, after: int, limit: int) -> list[LoggedFrame]:
        return await self._read(frames.read, partition, after, limit)

    async def heads(self) -> dict[int, int]:
        return await self._read(frames.heads)

    async def trim(self, before_ms: int) -> int:
        total = 0
        while gone := await self._writer.trim(before_ms):
            total += gone
        return total

    # registry

    async def add_farm(
        self,
        name: str,
        root: bytes,
        *,
        zone: str = "UTC",
        language: str = "en",
        quiet_min: tuple[int, int] | None = None,
    ) -> int:
        return await self._write(registry.add_farm, self._vault, name, root, zone, language, quiet_min)

    async def add_animal(self, farm_id: int, number: str, name: str = "") -> int:
        return await self._write(registry.add_animal, farm_id, number, name)

    async def add_collar(self, device: int, farm_id: int, epoch: int = 0) -> None:
        await self._write(registry.add_collar, device, farm_id, epoch)

    async def assign(self, device: int, animal_id: int | None, from_ms: int) -> None:
        await self._write(registry.assign, device, animal_id, from_ms)

    async def add_person(  # noqa: PLR0913 - the port's signature
        self,
        farm_id: int,
        name: str,
        phone: str,
        *,
        language: str = "en",
        zone: str = "UTC",
        role: str = "owner",
        consent_ms: int,
        consent_text: str,
        rung: int = 0,
        user_id: str = "",
    ) -> int:
        person = Person(0, name, language, zone, role, rung=rung)
        address, consent = (phone, user_id), (consent_ms, consent_text)
        return await self._write(people.add_person, self._vault, farm_id, person, address, consent)

    async def farms(self) -> list[Farm]:
        return await self._read(registry.farms)

    async def farm(self, farm_id: int) -> Farm | None:
        return await self._read(registry.farm, farm_id)

    async def animals(self, farm_id: int) -> list[Animal]:
        return await self._read(registry.animals, farm_id)

    async def animal(self, animal_id: int) -> Animal | None:
        return await self._read(registry.animal, animal_id)

    async def collars(self, farm_id: int) -> list[Collar]:
        return await self._read(registry.collars, farm_id)

    async def collar_keys(self) -> list[CollarKey]:
        return await self._read(registry.collar_keys, self._vault)

    async def collar_secret(self, device: int) -> bytes:
        return await self._read(registry.collar_secret, self._vault, device)

    async def people(self, farm_id: int) -> list[Person]:
        return await self._read(people.people, farm_id)

    async def person_by_phone(self, phone: str) -> Person | None:
        return await self._read(people.person_by_phone, self._vault, phone)

    async def role(self, person_id: int, farm_id: int) -> str | None:
        return await self._read(people.role, person_id, farm_id)

    async def farms_of(self, person_id: int) -> list[int]:
        return await self._read(people.farms_of, person_id)

    async def opt_out(self, person_id: int, at_ms: int) -> None:
        await self._write(people.opt_out, person_id, at_ms)

    async def opt_in(self, person_id: int, at_ms: int) -> bool:
        return await self._write(people.opt_in, person_id, at_ms)

    # downlinks

    async def settings(self, device: int) -> CollarSettings:
        return await self._read(downlink.settings, self._vault, device)

    async def set_settings(self, device: int, before: int, number: int, raw: bytes) -> None:
        await self._write(downlink.set_settings, self._vault, device, before, number, raw)

    async def ask_burst(self, device: int, seconds: int) -> int:
        return await self._write(downlink.ask_burst, device, seconds)

    async def waiting(self) -> list[Downlink]:
        return await self._read(downlink.waiting, self._vault)

    async def reports(self, farm_id: int) -> dict[int, CollarReport]:
        return await self._read(downlink.reports, farm_id)

    async def raw_frames(self, device: int) -> list[RawFrame]:
        return await self._read(downlink.raw_frames, device)

    # behaviour

    async def behaviour_minutes(
        self, farm_id: int, animal_id: int, from_minute: int, until_minute: int
    ) -> list[MinuteLabel]:
        return await self._read(behaviour.minutes, farm_id, animal_id, (from_minute, until_minute))

    async def behaviour_hours(
        self, farm_id: int, animal_id: int, from_ms: int, until_ms: int
    ) -> list[BehaviourHour]:
        return await self._read(behaviour.hours, farm_id, animal_id, (from_ms, until_ms))

    async def newest_label(self, farm_id: int, animal_id: int) -> int | None:
        return await self._read(behaviour.newest, farm_id, animal_id)

    # outbox

    async def queue(self, new: Sequence[Message]) -> None:
        await self._write(outbox.queue, self._vault, new)

    async def claim(self, now_ms: int, limit: int, channel: str = WHATSAPP) -> list[QueuedMessage]:
        return await self._write(outbox.claim, self._vault, now_ms, limit, channel)

    async def settle(
        self,
        message_id: str,
        state: str,
        *,
        now_ms: int,
        wamid: str | None = None,
        error: str | None = None,
        retry_ms: int | None = None,
    ) -> None:
        await self._write(outbox.settle, self._vault, message_id, state, now_ms, wamid, error, retry_ms)

    async def apply_status(self, message_id: str | None, wamid: str | None, state: str, at_ms: int) -> bool:
        status = DeliveryStatus(message_id, wamid, state, at_ms)
        return (await self.apply_statuses([status]))[0]

    async def recover_outbox(self, posted: Collection[str] | None = None) -> int:
        return await self._write(outbox.recover, posted)

    async def unknown_since(self, before_ms: int, limit: int, channel: str = WHATSAPP) -> list[QueuedMessage]:
        return await self._read(outbox.unknown_since, self._vault, before_ms, limit, channel)

    async def next_due_ms(self, channel: str = WHATSAPP) -> int | None:
        return await self._read(outbox.next_due_ms, channel)

    async def outbox_counts(self) -> dict[str, int]:
        return await self._read(outbox.counts)

    # webhook inbox

    async def inbox_put(self, items: Sequence[tuple[str, str]], at_ms: int) -> None:
        await self._write(inbox.put, self._vault, items, at_ms)

    async def inbox_pending(self, limit: int) -> list[tuple[str, str]]:
        return await self._read(inbox.pending, self._vault, limit)

    async def inbox_done(self, key: str, at_ms: int, error: str | None = None) -> None:
        await self.inbox_done_all([(key, error)], at_ms)

    # what became of a message, and who did what

    async def message(self, message_id: str) -> Message | None:
        return await self._read(messages.message, self._vault, message_id)

    async def messages(self, farm_id: int, since_ms: int) -> list[Message]:
        return await self._read(messages.messages, self._vault, farm_id, since_ms)

    async def message_state(self, message_id: str) -> str | None:
        return await self._read(messages.state, message_id)

    async def audit(self, actor: str, action: str, detail: dict[str, Any], at_ms: int) -> None:
        await self._write(audit.audit, self._vault, actor, action, detail, at_ms)

    async def audit_broken_at(self) -> int | None:
        return await self._read(audit.audit_broken_at)


def _make_folder(folder: Path) -> None:
    """Make the folder, and make its name in its parent durable: SQLite only does so for its own files."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
