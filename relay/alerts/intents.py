"""Who is told what about an event. Pure but for the catalogues it reads once; `now_ms` is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from relay.alerts.ids import message_id
from relay.alerts.words import words, zone
from relay.model import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.model import Animal, Event, Farm, Person

ALERT_STEP = "alert"  # the first message of an event's story
HEARERS = frozenset({"owner", "worker"})
LIFE_MS = 12 * 3_600_000  # whatsapp.md 9: a health alert lives 43,200 s


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of event is told."""

    sign: str
    critical: bool


RULES = {
    "no_movement": Rule("not_moving", critical=True),
    "unusual_activity": Rule("very_restless", critical=False),
}


def messages(
    event: Event, farm: Farm, animal: Animal, people: Iterable[Person], now_ms: int
) -> list[Message]:
    """Return a message for every owner and worker; none once it would be too late to act on.

    Raises KeyError for a kind of event that nobody is told about.
    """
    expires_ms = event.detected_ms + LIFE_MS
    if now_ms >= expires_ms:
        return []
    rule = RULES[event.kind]
    return [
        Message(
            message_id(event.id, person.id, ALERT_STEP),
            farm.id,
            person.id,
            event.id,
            ALERT_STEP,
            _body(rule, event, farm, animal, person.language, now_ms),
            now_ms,
            expires_ms,
            rule.critical,
        )
        for person in people
        if person.role in HEARERS
    ]


def _body(
    rule: Rule, event: Event, farm: Farm, animal: Animal, language: str, now_ms: int
) -> dict[str, object]:
    catalogue = words(language)
    then, now = (_local(farm, at_ms) for at_ms in (event.onset_ms, now_ms))
    return {
        "template": "health_alert",
        "version": 1,
        "language": catalogue.language,
        "params": {
            "animal": animal.label,
            "farm": farm.name,
            "sign": catalogue.sign(rule.sign),
            "since": catalogue.moment(then, now),
        },
    }


def _local(farm: Farm, at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone(farm.zone))
