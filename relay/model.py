"""What the relay knows, as small frozen records.

Times are integer UTC milliseconds; ids are integers but for events and messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Farm:
    """A farm; every query is scoped by one. Quiet hours: minutes after local midnight, None without.

    `coverage`: where and when its collars are heard, one of COVERAGES (ports.py). `digest_min`: when its
    digest goes out, in minutes after local midnight. `escalate_min`: so many minutes after an urgent alert
    that nobody answers, the next rung of people hears of it; () for never.
    """

    id: int
    name: str
    zone: str = "UTC"
    language: str = "en"
    quiet_from_min: int | None = None
    quiet_to_min: int | None = None
    coverage: str = "always"
    digest_min: int = 360
    escalate_min: tuple[int, ...] = (15, 30)


@dataclass(frozen=True, slots=True)
class Animal:
    """A cow; `number` is what the farmer calls out; `name` and `group` (whom she is with) may be empty."""

    id: int
    farm_id: int
    number: str
    name: str
    group: str = ""

    @property
    def label(self) -> str:
        """How a message names her: "Bella (12)" or "12"."""
        return f"{self.name} ({self.number})" if self.name else self.number


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who gets messages; phone number and user id stay sealed in the store.

    `opted_out_ms`: when they last asked for silence, None if they may be written to. `last_inbound_ms`: when
    they last wrote. `doubt`: why it may be somebody else by now, one of DOUBTS (ports_chat.py), "" if it is
    not. `fewer`: they asked for fewer alerts. `rung` of the escalation, 0 first: on the farm asked for, else
    on their oldest. `consent_ms`: when they last agreed to get messages, on any farm.
    """

    id: int
    name: str
    language: str
    zone: str
    role: str = "owner"
    opted_out_ms: int | None = None
    last_inbound_ms: int | None = None
    doubt: str = ""
    fewer: bool = False
    rung: int = 0
    consent_ms: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Collar:
    """A collar as a list shows it: the epoch of its key and the animal that wears it now, if any."""

    device: int
    farm_id: int
    epoch: int
    animal_id: int | None = None


@dataclass(frozen=True, slots=True)
class CollarKey:
    """What ingest needs of one collar: its farm and the key of its newest epoch."""

    device: int
    farm_id: int
    epoch: int
    key_up: bytes = field(repr=False)
    key_down: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Downlink:
    """What a collar has yet to be told.

    `number` 0: no settings wait; `burst_id` 0: no burst does. `heard`: boot x 65536 + seq of its newest
    health frame, -1 before the first.
    """

    device: int
    number: int
    settings: bytes = field(repr=False)  # it holds passwords
    burst_id: int
    burst_s: int
    heard: int


@dataclass(frozen=True, slots=True)
class CollarSettings:
    """The newest settings block of a collar; `number` 0 and no bytes without one."""

    number: int
    raw: bytes = field(repr=False)
    next_number: int
    waits: bool


@dataclass(frozen=True, slots=True)
class CollarReport:
    """What a collar is to be told and what its newest health frame said; None where there is none.

    `told` is the number, modulo 16, of the settings block that the collar says it has.
    """

    number: int
    waits: bool
    burst_waits: bool
    told: int | None = None
    first_ms: int | None = None
    received_ms: int | None = None
    records: bytes | None = None


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A frame of a raw burst as it stands in the log."""

    boot: int
    seq: int
    up_s: int
    first_ms: int
    records: bytes


class NewFrame(NamedTuple):
    """A verified frame on its way into the log. `first_ms` dates its first record: arrival minus age_s."""

    device: int
    farm_id: int
    kind: int
    epoch: int
    boot: int
    seq: int
    up_s: int
    first_ms: int
    received_ms: int
    records: bytes


@dataclass(frozen=True, slots=True)
class LoggedFrame:
    """A durable frame as the scorer reads it.

    `cursor` orders the log; `animal_id` wore the collar at `first_ms`.
    """

    cursor: int
    device: int
    farm_id: int
    animal_id: int | None
    kind: int
    boot: int
    seq: int
    up_s: int
    first_ms: int
    received_ms: int
    records: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an animal, or to the farm as a whole (`animal_id` None).

    `id` is a hash of (farm, animal, kind, onset): a replay makes the same one. `state` is one of
    EVENT_STATES (ports.py), `over_ms` the event time at which it was over. `thread`: the id of the event it
    goes on from, "" for itself. `stage`: how far it has come, "" for kinds without stages.
    """

    id: str
    farm_id: int
    animal_id: int | None
    kind: str
    onset_ms: int
    detected_ms: int
    evidence: dict[str, Any]
    state: str = "open"
    over_ms: int | None = None
    thread: str = ""
    tier: str = "timely"
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message for one person, not yet sent. `id` is a hash of (event, person, step).

    `not_before_ms`: it is held back until then (quiet hours, the digest); 0: it may go at once. `channel`:
    one of CHANNELS (ports_chat.py).
    """

    id: str
    farm_id: int
    person_id: int
    event_id: str | None
    step: str
    body: dict[str, Any]  # what to say: {"template": name, "language": .., "params": {..}} or {"text": ..}
    created_ms: int
    expires_ms: int
    critical: bool = False
    not_before_ms: int = 0
    channel: str = "whatsapp"


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message the dispatcher holds: the stored one, its person's address unsealed for this send alone.

    `attempts` counts this one too. `repeat`: an earlier attempt was never cleared up and may have arrived.
    `phone`: digits, "" for who has only a business-scoped `user_id`; that one is "" where none is known.
    """

    message: Message
    state: str
    attempts: int
    phone: str = field(repr=False)
    repeat: bool = False
    user_id: str = field(default="", repr=False)
    last_inbound_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """What a status webhook says of a message, which is found by our id or by Meta's (wamid).

    `error`: why it failed. `market` and pricing say what it cost, None where the status does not.
    """

    message_id: str | None
    wamid: str | None = field(repr=False)  # it holds a phone number
    state: str
    at_ms: int
    error: str | None = None
    market: str | None = None
    pricing_category: str | None = None
    pricing_type: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that did not go out: `state` is failed, dead or expired, `state_ms` when it became that."""

    message: Message
    state: str
    error: str | None
    attempts: int
    state_ms: int


@dataclass(frozen=True, slots=True)
class Priced:
    """How many messages of a farm were priced alike in a month, "2026-11" (UTC)."""

    month: str
    farm_id: int
    market: str
    category: str
    type: str
    count: int


@dataclass(frozen=True, slots=True)
class TemplateState:
    """What Meta said last of a template in one language."""

    name: str
    language: str
    status: str
    category: str
    quality: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AccountNote:
    """What Meta said of our account or number: which webhook field, and its text."""

    at_ms: int
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Mute:
    """A person's wish to hear nothing until then: of an animal (None: of any), of a kind ("": of any)."""

    person_id: int
    animal_id: int | None
    kind: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class ScoredAnimal:
    """One scorer's state of one animal as it is stored: bytes with the version that wrote them."""

    animal_id: int
    scorer: str
    version: int
    state: bytes


@dataclass(frozen=True, slots=True)
class AnimalSnapshot:
    """One scorer's state of one animal as it was when UTC day `day` (since 1970) began."""

    animal_id: int
    day: int
    scorer: str
    version: int
    state: bytes


@dataclass(frozen=True, slots=True)
class FarmState:
    """The state of a farm's herd fold when UTC hour `hour` (since 1970) began: every hour before is in it."""

    farm_id: int
    hour: int
    version: int
    state: bytes


class HourRecord(NamedTuple):
    """What is known of an animal in UTC hour `hour` (since 1970); `row` is laid out by scoring/hours.py."""

    animal_id: int
    hour: int
    row: bytes


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """What the farmer recorded of an animal: `kind` is one of LIFE_KINDS (ports.py).

    `at_ms`: when it was or, for "due", will be. `noted_ms`: when it was first written down.
    """

    animal_id: int
    kind: str
    at_ms: int
    noted_ms: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What people say of an event in the end. `reason`: why it was wrong, one of REASONS (ports.py)."""

    event_id: str
    animal_id: int | None
    kind: str
    is_right: bool
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one person said of an event: one of VERDICTS and, with it, one of REASONS (ports.py)."""

    event_id: str
    person_id: int
    verdict: str
    reason: str
    at_ms: int


class MinuteLabel(NamedTuple):
    """What an animal did in one UTC minute; `minute` counts from 1970.

    `behaviour` is an index into BEHAVIOURS, `confidence` percent. `lying`: percent, -1 if not known (beta).
    """

    minute: int
    behaviour: int
    confidence: int
    lying: int = -1


@dataclass(frozen=True, slots=True)
class AnimalLabels:
    """What one step of scoring labelled of an animal: at least one minute, oldest first, none twice."""

    animal_id: int
    minutes: tuple[MinuteLabel, ...]


@dataclass(frozen=True, slots=True)
class BehaviourHour:
    """What an animal did in the UTC hour from `start_ms` on, in minutes.

    `minutes` were labelled, `by_behaviour` says how, in the order of BEHAVIOURS. `confidence_sum`: percent,
    over the minutes that are not unknown. `lying_min` of the `posture_min` whose posture is known (beta).
    """

    start_ms: int
    minutes: int
    confidence_sum: int
    lying_min: int
    posture_min: int
    by_behaviour: tuple[int, ...]
