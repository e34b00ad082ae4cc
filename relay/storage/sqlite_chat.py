"""The conversation, over SQLite; ports_chat.py says what each method does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.storage import chatbook, inbox, letters, messages, notes, people, privacy, statuses
from relay.storage.connection import fold, written_over
from relay.storage.sqlite_calls import SqliteCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.model import (
        AccountNote,
        DeadLetter,
        DeliveryStatus,
        Judgement,
        Message,
        Mute,
        Person,
        Priced,
        TemplateState,
    )
    from relay.storage.connection import Connection


class SqliteConversations(SqliteCalls):
    """The port Conversations."""

    async def person(self, person_id: int) -> Person | None:
        return await self._read(people.person, person_id)

    async def person_by_user_id(self, user_id: str) -> Person | None:
        return await self._read(people.person_by_user_id, self._vault, user_id)

    async def heard(self, person_id: int, at_ms: int, user_id: str | None) -> None:
        await self._write(chatbook.heard, self._vault, person_id, at_ms, user_id)

    async def set_user_id(self, person_id: int, user_id: str) -> None:
        await self._write(chatbook.set_user_id, self._vault, person_id, user_id)

    async def set_doubt(self, person_id: int, doubt: str) -> None:
        await self._write(chatbook.set_doubt, person_id, doubt)

    async def set_fewer(self, person_id: int, fewer: bool) -> None:
        await self._write(chatbook.set_fewer, person_id, fewer)

    async def set_rung(self, person_id: int, farm_id: int, rung: int) -> None:
        await self._write(chatbook.set_rung, person_id, farm_id, rung)

    async def set_escalation(self, farm_id: int, steps_min: Sequence[int]) -> None:
        await self._write(chatbook.set_escalation, farm_id, steps_min)

    async def mute(
        self, farm_id: int, person_id: int, animal_id: int | None, kind: str, until_ms: int
    ) -> None:
        await self._write(chatbook.mute, farm_id, person_id, animal_id, kind, until_ms)

    async def mutes(self, farm_id: int, now_ms: int) -> list[Mute]:
        return await self._read(chatbook.mutes, farm_id, now_ms)

    async def judgements(self, farm_id: int, since_ms: int) -> list[Judgement]:
        return await self._read(chatbook.judgements, farm_id, since_ms)

    async def add_address(self, person_id: int, url: str) -> None:
        await self._write(chatbook.add_address, self._vault, person_id, url)

    async def addresses(self, person_id: int) -> list[str]:
        return await self._read(chatbook.addresses, self._vault, person_id)

    async def drop_addresses(self, person_id: int) -> None:
        await self._write(chatbook.drop_addresses, person_id)


class SqliteDeliveries(SqliteCalls):
    """The port Deliveries."""

    async def apply_statuses(self, new: Sequence[DeliveryStatus]) -> list[bool]:
        return await self._write(statuses.apply, self._vault, new)

    async def undelivered(self, now_ms: int, after_ms: int, limit: int) -> list[Message]:
        return await self._read(letters.undelivered, self._vault, now_ms, after_ms, limit)

    async def dead_letters(self, farm_id: int | None, limit: int) -> list[DeadLetter]:
        return await self._read(letters.dead_letters, self._vault, farm_id, limit)

    async def resend(self, message_id: str, now_ms: int, expires_ms: int) -> bool:
        return await self._write(letters.resend, message_id, now_ms, expires_ms)

    async def message_by_wamid(self, wamid: str) -> Message | None:
        return await self._read(messages.by_wamid, self._vault, wamid)

    async def priced(self, farm_id: int | None, from_ms: int, until_ms: int) -> list[Priced]:
        return await self._read(statuses.priced, farm_id, from_ms, until_ms)

    async def note_template(self, state: TemplateState) -> None:
        await self._write(notes.note_template, state)

    async def template_states(self) -> list[TemplateState]:
        return await self._read(notes.template_states)

    async def note_account(self, note: AccountNote) -> None:
        await self._write(notes.note_account, note)

    async def account_notes(self, since_ms: int) -> list[AccountNote]:
        return await self._read(notes.account_notes, since_ms)


class SqlitePrivacy(SqliteCalls):
    """The port Privacy."""

    async def inbox_done_all(self, done: Sequence[tuple[str, str | None]], at_ms: int) -> None:
        await self._write(inbox.done, self._vault, done, at_ms)

    async def export_person(self, person_id: int) -> dict[str, Any]:
        return await self._read(privacy.export, self._vault, person_id)

    async def erase_person(self, person_id: int, at_ms: int) -> None:
        await self._forget(privacy.erase, self._vault, person_id, at_ms)
        await self._reader.call(fold)

    async def prune(self, messages_ms: int, statuses_ms: int, inbox_ms: int) -> dict[str, int]:
        gone = {
            "messages": await self._prune(privacy.prune_messages, messages_ms),
            "statuses": await self._prune(privacy.prune_statuses, statuses_ms),
            "inbox": await self._prune(privacy.prune_inbox, inbox_ms),
        }
        await self._reader.call(fold)
        return gone

    async def _prune(self, work: Callable[[Connection, int], int], before_ms: int) -> int:
        total = 0
        while gone := await self._forget(work, before_ms):
            total += gone
        return total

    async def _forget(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do `work` and leave nothing of what it deletes in the file."""

        def write_over(connection: Connection) -> Any:
            with written_over(connection):
                return work(connection, *arguments)

        return await self._write(write_over)


class SqliteChat(SqliteConversations, SqliteDeliveries, SqlitePrivacy):
    """The port ChatBook."""
