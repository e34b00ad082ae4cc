"""The port of the conversation: who hears what by which way, what became of messages, what is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

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

CHANNELS = WHATSAPP, SECOND = ("whatsapp", "second")
# Why a person has to confirm who they are: not heard for long, or the number has changed hands, it seems.
SILENT, CHANGED = "silent", "changed"
DOUBTS = ("", SILENT, CHANGED)
RUNG_MAX = 9
ESCALATE_STEPS, ESCALATE_MIN, ESCALATE_MAX = 4, 1, 1440  # how many; minutes, from .. to
ERASED = "erased"  # the error of a message whose person is no more
# Kinds of steps (a step is a kind, or a kind, ":" and more) that only ask for an answer; the error of what
# was not sent because one had come by then.
ESCALATION, AGAIN = "escalation", "again"
ANSWERED = "answered"


def second_id(message_id: str) -> str:
    """Return the id of the message of the second channel that is made from this one."""
    return f"{message_id}:{SECOND}"


class Conversations(Protocol):
    """People as a conversation sees them. NotKnown for who is not there, or not on that farm."""

    async def person(self, person_id: int) -> Person | None:
        """Return a person; `role` and `rung` are those on their oldest farm. None without any."""

    async def person_by_user_id(self, user_id: str) -> Person | None:
        """Find a person by Meta's business-scoped user id; `role` and `rung` as above."""

    async def heard(self, person_id: int, at_ms: int, user_id: str | None) -> None:
        """Raise `last_inbound_ms`, never lower it, and keep a user id if none is known of them.

        A user id that is somebody else's is not kept.
        """

    async def set_user_id(self, person_id: int, user_id: str) -> None:
        """Put a user id in the place of the one before; "" forgets it, so that the next one is kept.

        ValueError if it is somebody else's, or "" for who has no phone number.
        """

    async def set_doubt(self, person_id: int, doubt: str) -> None:
        """Say why a person has to confirm who they are, one of DOUBTS; "" once they have."""

    async def set_fewer(self, person_id: int, fewer: bool) -> None:
        """Say whether a person wants fewer alerts."""

    async def set_rung(self, person_id: int, farm_id: int, rung: int) -> None:
        """Say when in an escalation a person hears of a farm's alerts: 0..9, 0 at once."""

    async def set_escalation(self, farm_id: int, steps_min: Sequence[int]) -> None:
        """Say after how many minutes each an unanswered alert goes on; () never.

        ValueError unless they are at most 4, ascending, each 1..1440.
        """

    async def mute(
        self, farm_id: int, person_id: int, animal_id: int | None, kind: str, until_ms: int
    ) -> None:
        """Tell a person nothing of an animal (None: any) and kind ("": any) until then; 0 lifts it."""

    async def mutes(self, farm_id: int, now_ms: int) -> list[Mute]:
        """Return the mutes of a farm that last at `now_ms`, ordered by person, animal and kind."""

    async def judgements(self, farm_id: int, since_ms: int) -> list[Judgement]:
        """Return all that people said of a farm's events since then, oldest first."""

    async def add_address(self, person_id: int, url: str) -> None:
        """Add a way of the second channel to reach a person; one that is there already is not added."""

    async def addresses(self, person_id: int) -> list[str]:
        """Return a person's addresses of the second channel, opened, in the order they were added."""

    async def drop_addresses(self, person_id: int) -> None:
        """Forget the addresses of the second channel."""


class Deliveries(Protocol):
    """What became of messages."""

    async def apply_statuses(self, statuses: Sequence[DeliveryStatus]) -> list[bool]:
        """Raise the states of messages in one transaction; return of each status if its message is ours.

        A status that is known already changes nothing, and none takes a state back. A failure that belongs
        to an attempt before the one that is under way changes no state.
        """

    async def undelivered(self, now_ms: int, after_ms: int, limit: int) -> list[Message]:
        """Return critical messages of WHATSAPP that the second channel has to take over, oldest first.

        Not too late, and failed, dead or given up; or sent first `after_ms` ago and not delivered yet; or
        queued that long. Without those that have a message of `second_id`, without people who have opted out
        or have no address, and without what only asks for an answer that has come (`claim`).
        """

    async def dead_letters(self, farm_id: int | None, limit: int) -> list[DeadLetter]:
        """Return what is failed, dead or expired, newest first; of every farm for None."""

    async def resend(self, message_id: str, now_ms: int, expires_ms: int) -> bool:
        """Queue a failed, dead or expired message again; False if it is none of these.

        It is a repeat if an earlier attempt may have arrived. Its body must not be forgotten yet.
        """

    async def message_by_wamid(self, wamid: str) -> Message | None:
        """Find a message by the id that Meta gave it."""

    async def priced(self, farm_id: int | None, from_ms: int, until_ms: int) -> list[Priced]:
        """Return what was sent in that span, has not failed, and its price, ordered by month, farm, market.

        By the time of the first attempt, the end excluded; `farm_id` None: of every farm.
        """

    async def note_template(self, state: TemplateState) -> None:
        """Keep what Meta says of a template, in the place of what it said before; late news is dropped."""

    async def template_states(self) -> list[TemplateState]:
        """Return what is known of templates, by name and language."""

    async def note_account(self, note: AccountNote) -> None:
        """Keep what Meta says of our account; the same again is kept once."""

    async def account_notes(self, since_ms: int) -> list[AccountNote]:
        """Return what Meta said of our account since then, oldest first."""


class Privacy(Protocol):
    """What a person may ask for, and what is forgotten by itself."""

    async def inbox_done_all(self, done: Sequence[tuple[str, str | None]], at_ms: int) -> None:
        """Mark items (key, error) of the inbox done, in one transaction; what they said is forgotten."""

    async def export_person(self, person_id: int) -> dict[str, Any]:
        """Return all that is known of a person, as JSON knows it. NotKnown if they are not there."""

    async def erase_person(self, person_id: int, at_ms: int) -> None:
        """Forget a person: name, number, user id, addresses, roles, what was said to them and by them.

        What waits for them becomes FAILED with the error ERASED, and messages to others that name them lose
        their bodies once nothing can become of them. The audit and judgements keep the bare id.
        """

    async def prune(self, messages_ms: int, statuses_ms: int, inbox_ms: int) -> dict[str, int]:
        """Forget what is older than each of these times; return how many "messages", "statuses", "inbox".

        Of a message the body goes, once nothing can become of it any more; its id stays, so that nothing is
        said twice. Of the inbox the items that are done go: later, the same item would be a new one.
        """


class ChatBook(Conversations, Deliveries, Privacy, Protocol):
    """All of it."""
