"""The ports of the relay: each has one adapter per engine and one contract-test suite over all of them."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

from relay.storage.ports_chat import ChatBook
from relay.storage.ports_farmbook import FarmBook
from relay.storage.ports_scores import Scores
from relay.storage.ports_watch import WatchBook

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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
        Person,
        QueuedMessage,
        RawFrame,
    )

PARTITIONS = 64  # fixed: a farm keeps its place, so herd context and order stay together

STORED, DUPLICATE, CONFLICT = "stored", "duplicate", "conflict"

# States of the outbox.
QUEUED, SENDING, UNKNOWN, ACCEPTED, SENT, DELIVERED, READ = (
    "queued",
    "sending",
    "unknown",
    "accepted",
    "sent",
    "delivered",
    "read",
)
FAILED, DEAD, EXPIRED = "failed", "dead", "expired"

CONFIRMS_OPT_OUT = "answer_stop"  # the one step that reaches who opted out
OPTED_OUT = "opted out"  # the error of a message that did not

# A message only rises: a status that arrives late never takes it back; "failed" ranks below "delivered".
# Two things take it back to "queued": `settle` from "sending" or "unknown", for a retry, and `resend` from
# "failed", "dead" or "expired". `recover_outbox` turns "sending" into "unknown" after a crash.
RANK = {
    QUEUED: 0,
    SENDING: 10,
    UNKNOWN: 20,
    EXPIRED: 25,
    DEAD: 25,
    ACCEPTED: 30,
    SENT: 40,
    FAILED: 45,
    DELIVERED: 50,
    READ: 60,
}

ACKNOWLEDGED, SNOOZED, FALSE_ALARM, RIGHT, WRONG = (
    "acknowledged",
    "snoozed",
    "false_alarm",
    "right",
    "wrong",
)
VERDICTS = (ACKNOWLEDGED, SNOOZED, FALSE_ALARM, RIGHT, WRONG)
REASONS = ("", "mating_season", "moved", "vet_visit", "collar", "other")  # why an event was wrong

# An event that was told and does not stand once more data are in is withdrawn, never deleted.
OPEN, OVER, WITHDRAWN = "open", "over", "withdrawn"
EVENT_STATES = (OPEN, OVER, WITHDRAWN)

LIFE_KINDS = ("calved", "inseminated", "dry", "due", "pregnant", "sold", "treated")
# Collars are heard everywhere, in the barn, at milking, but for outages of days, or near stations outside.
COVERAGES = ("always", "barn", "parlour", "outages", "stations")

ROLES = ("owner", "worker", "vet", "technician")


class StorageError(RuntimeError):
    """What storage cannot do."""


class Busy(StorageError):  # noqa: N818 - reads as the state it reports
    """The append queue is full: answer 503 and let the collar keep its data."""


class Unwritable(Busy):
    """The disk took nothing (full, or an I/O error): nothing was stored, the same answer as for Busy."""


class StaleLease(StorageError):  # noqa: N818 - reads as the state it reports
    """Somebody else scores this partition by now: drop the work, they have it."""


class NotKnown(StorageError, LookupError):  # noqa: N818 - reads as the state it reports
    """A farm, animal, collar, person or event that is not in the registry, or not of this farm."""


class CannotOpen(StorageError):  # noqa: N818 - reads as the state it reports
    """The state folder cannot be used safely; the message says why and what was wanted."""


@lru_cache(maxsize=65536)
def partition_of(farm_id: int) -> int:
    """Return the partition of a farm, 0..63; the same on every machine and for ever."""
    digest = blake2b(farm_id.to_bytes(8, "big"), digest_size=2).digest()
    return int.from_bytes(digest, "big") % PARTITIONS


class Vault(Protocol):
    """Seals secrets at rest. Called from the storage's own threads, several at a time."""

    def seal(self, plain: bytes, context: str) -> bytes:
        """Return `plain` encrypted; only `open` with the same context gives it back."""

    def open(self, sealed: bytes, context: str) -> bytes:
        """Return what was sealed; raises ValueError if it was altered, moved or sealed with another key."""

    def blind(self, text: str, context: str) -> bytes:
        """Return a keyed hash by which `text` is found again, the same for the same text."""


class Leases(Protocol):
    """Who scores which partition."""

    async def token(self, partition: int) -> int | None:
        """Return the fencing token while the partition is ours, else None."""


class AlwaysMe:
    """The lease of a relay that is alone: every partition, for ever."""

    async def token(self, partition: int) -> int | None:  # noqa: ARG002 - the port's signature
        return 0


class FrameLog(Protocol):
    """The durable log of frames."""

    @property
    def waiting_frames(self) -> int:
        """Frames handed to `append` and not answered yet."""

    async def append(self, frames: Sequence[NewFrame]) -> list[str]:
        """Return STORED, DUPLICATE or CONFLICT per frame, in order, once all of it is on the disk.

        Identity is (device, boot, seq). It fixes kind, up_s and records for ever: the same again is a
        DUPLICATE, other content a CONFLICT and not stored. A frame that was trimmed away since is a
        DUPLICATE too. Raises Busy beyond the queue's bound, Unwritable if the disk takes nothing.
        """

    async def read(self, partition: int, after: int, limit: int) -> list[LoggedFrame]:
        """Return up to `limit` frames of a partition with cursor > `after`, in order of the cursor."""

    async def heads(self) -> dict[int, int]:
        """Return the last cursor of every partition that holds frames."""

    async def trim(self, before_ms: int) -> int:
        """Forget frames received before `before_ms`, but for the newest of the log; return how many."""


class Registry(Protocol):
    """Farms, animals, collars, people.

    Raises NotKnown for an id that is not there, ValueError for a value that is refused.
    """

    async def add_farm(
        self,
        name: str,
        root: bytes,
        *,
        zone: str = "UTC",
        language: str = "en",
        quiet_min: tuple[int, int] | None = None,
    ) -> int:
        """Add a farm and return its id. `root`: its 32-byte root key. `quiet_min`: minutes after midnight."""

    async def add_animal(self, farm_id: int, number: str, name: str = "") -> int:
        """Add an animal and return its id; ValueError if the farm has that number already."""

    async def add_collar(self, device: int, farm_id: int, epoch: int = 0) -> None:
        """Bind a collar to a farm, or raise the epoch of its key; ValueError if another farm has it."""

    async def assign(self, device: int, animal_id: int | None, from_ms: int) -> None:
        """Say who wears the collar from then on (None: nobody); ends what collar and animal had before."""

    async def add_person(  # noqa: PLR0913 - each is a fact about the person, named where it is called
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
        """Give a person a role on a farm, return their id. A phone number that is known is that person.

        `user_id`: Meta's business-scoped id; `phone` may be "" with one, and a user id that is known is that
        person too. ValueError if the two are known and of different people.
        """

    async def farms(self) -> list[Farm]: ...
    async def animals(self, farm_id: int) -> list[Animal]: ...
    async def collars(self, farm_id: int) -> list[Collar]: ...
    async def farm(self, farm_id: int) -> Farm | None: ...
    async def animal(self, animal_id: int) -> Animal | None: ...

    async def collar_keys(self) -> list[CollarKey]:
        """Return the keys of every collar, newest epoch, for ingest."""

    async def collar_secret(self, device: int) -> bytes:
        """Return the 32-byte key a collar is provisioned with, of its newest epoch."""

    async def people(self, farm_id: int) -> list[Person]:
        """Return those with a role on the farm, in the order they joined."""

    async def person_by_phone(self, phone: str) -> Person | None:
        """Find a person by phone number in any spelling; `role` is that on their oldest farm."""

    async def role(self, person_id: int, farm_id: int) -> str | None:
        """Return a person's role on a farm, None without one."""

    async def farms_of(self, person_id: int) -> list[int]:
        """Return the farms a person has a role on, in the order they joined them."""

    async def opt_out(self, person_id: int, at_ms: int) -> None:
        """Write to this person no more, on no farm. `at_ms`: when they said so; the latest time stays.

        What is QUEUED for them becomes FAILED with the error OPTED_OUT, but for the step CONFIRMS_OPT_OUT.
        Adding them to a farm again does not undo it, only `opt_in` does.
        """

    async def opt_in(self, person_id: int, at_ms: int) -> bool:
        """Write to this person again; False if they opted out after `at_ms`, and then nothing changes.

        What was queued in between is not sent either.
        """


class Downlinks(Protocol):
    """What collars are to be told, and what they said last. NotKnown for a collar that is not there."""

    async def settings(self, device: int) -> CollarSettings:
        """Return the newest settings block of a collar, opened."""

    async def set_settings(self, device: int, before: int, number: int, raw: bytes) -> None:
        """Put a block in the place of number `before`; it waits until a health frame tells `number` & 15.

        ValueError if the block is not number `before` any more.
        """

    async def ask_burst(self, device: int, seconds: int) -> int:
        """Ask for a raw burst of 1..60 s, in the place of one that waits; return its id."""

    async def waiting(self) -> list[Downlink]:
        """Return what collars have yet to be told. A frame that settles it does so when it is stored."""

    async def reports(self, farm_id: int) -> dict[int, CollarReport]:
        """Return by device what is known of every collar of a farm."""

    async def raw_frames(self, device: int) -> list[RawFrame]:
        """Return the frames of a collar's raw bursts, in the order they were made."""


class Store(Registry, Downlinks, ChatBook, FarmBook, Scores, WatchBook, Protocol):
    """All but the frame log. One call is one transaction, durable when it returns."""

    # behaviour: minutes for 48 h behind an animal's newest, hours for good; nothing for another farm's animal
    async def behaviour_minutes(
        self, farm_id: int, animal_id: int, from_minute: int, until_minute: int
    ) -> list[MinuteLabel]:
        """Return the labelled minutes of that span (since 1970, the end excluded), oldest first."""

    async def behaviour_hours(
        self, farm_id: int, animal_id: int, from_ms: int, until_ms: int
    ) -> list[BehaviourHour]:
        """Return the UTC hours that begin in that span and have a labelled minute, oldest first."""

    async def newest_label(self, farm_id: int, animal_id: int) -> int | None:
        """Return the newest labelled minute (since 1970), None without one."""

    # outbox
    async def queue(self, messages: Sequence[Message]) -> None:
        """Add messages outside scoring (answers to a farmer); known ids are left as they are."""

    async def claim(self, now_ms: int, limit: int, channel: str = "whatsapp") -> list[QueuedMessage]:
        """Mark due QUEUED messages of a channel SENDING, count the attempt, return them.

        The critical ones first, then who waits longest. Expired ones, due or not, become EXPIRED.
        One queued over a minute ahead of `now_ms` is due: the clock was set back since. But none goes before
        its `not_before_ms`.
        Due ones for a person who has opted out become FAILED with the error OPTED_OUT, but for the step
        CONFIRMS_OPT_OUT. Those of a step that only asks for an answer (ESCALATION, AGAIN) become FAILED with
        the error ANSWERED if, since they were made, each event they tell of was answered or is not open; what
        was never tried then says no more what it is about.
        """

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
        """Record the outcome of a send; never lowers a status. `retry_ms`: QUEUED again, not before."""

    async def apply_status(self, message_id: str | None, wamid: str | None, state: str, at_ms: int) -> bool:
        """Raise a message's state by a delivery status; it is found by id or wamid. Return if it is ours."""

    async def recover_outbox(self, posted: Collection[str] | None = None) -> int:
        """At start: every SENDING message becomes UNKNOWN (it may have gone out); return how many.

        posted: the messages of WHATSAPP whose post had begun, if that is known: the others are QUEUED again.
        """

    async def unknown_since(
        self, before_ms: int, limit: int, channel: str = "whatsapp"
    ) -> list[QueuedMessage]:
        """Return messages of a channel that became UNKNOWN before then and that nothing has cleared up.

        Also those that did so an hour to a year after then: the clock was set back since.
        """

    async def next_due_ms(self, channel: str = "whatsapp") -> int | None:
        """When a channel's earliest QUEUED message may go, or None; one held back, when it no longer is."""

    async def outbox_counts(self) -> dict[str, int]:
        """Return how many messages are in each state that has any."""

    # webhook inbox
    async def inbox_put(self, items: Sequence[tuple[str, str]], at_ms: int) -> None:
        """Store (key, json) items, sealed; keys that exist already are left as they are.

        A key holds no line feed.
        """

    async def inbox_pending(self, limit: int) -> list[tuple[str, str]]:
        """Return (key, json) of what is not done yet, in the order it came."""

    async def inbox_done(self, key: str, at_ms: int, error: str | None = None) -> None:
        """Mark one item done and forget what it said; several at once: `inbox_done_all`."""

    # what became of a message, and who did what
    async def message(self, message_id: str) -> Message | None: ...
    async def messages(self, farm_id: int, since_ms: int) -> list[Message]:
        """Return a farm's messages created since then, whatever became of them, oldest first."""

    async def message_state(self, message_id: str) -> str | None: ...
    async def audit(self, actor: str, action: str, detail: dict[str, Any], at_ms: int) -> None:
        """Add a line to the audit chain: each line carries a hash over itself and the line before.

        Of a "wamid" in `detail` only the blind index is kept, because it holds a phone number.
        """

    async def audit_broken_at(self) -> int | None:
        """Return the number of the first audit line whose hash is wrong, None if the chain holds."""
