"""What is open, what one alert says, and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.alerts import evidence
from relay.storage.ports import OPEN
from relay.whatsapp.conversation import meant
from relay.whatsapp.conversation.answer import ROWS_MAX, Answer, Unclear

if TYPE_CHECKING:
    from relay.model import Event
    from relay.whatsapp.conversation.answer import Talk
    from relay.whatsapp.conversation.said import Said

ALERT_BUTTONS = ("ack", "snz", "fp")
_QUARTER_MS = 15 * 60_000  # pictures of the same quarter of an hour are the same


async def alerts(talk: Talk, _: Said) -> Answer:
    """List what is open; a tap on a row shows it."""
    events = await meant.open_events(talk)
    if not events:
        return Answer("list", talk.say("none_open"))
    shown = events[:ROWS_MAX]
    if len(shown) < len(events):
        text = talk.catalogue.count("answers", "open_newest", len(events), shown=len(shown))
    else:
        text = talk.catalogue.count("answers", "open_alerts", len(events))
    rows = tuple(meant.event_row(talk, event, "show") for event in shown)
    return Answer("list", text, events[0].farm_id, rows=rows)


async def show(talk: Talk, event: Event) -> Answer:
    """Show one alert, with its buttons while it is open."""
    told = meant.account(talk, event)
    if event.state != OPEN:
        return Answer("show", talk.say("closed", animal=talk.label(event)), event.farm_id, event.id)
    return Answer(
        "show",
        told.text(),
        event.farm_id,
        event.id,
        buttons=ALERT_BUTTONS,
        picture=picture(talk, event.animal_id, event.kind),
    )


async def why(talk: Talk, command: Said) -> Answer:
    """Say what an alert rests on: of the cow named, of the alert answered, else the newest that is open."""
    if command.subjects:
        animals = await meant.animals(talk, command)
        events = await meant.events_about(talk, animals, is_over_too=True)
        if not events:
            raise Unclear(Answer("none_open", talk.say("none_open_about", animal=talk.labels(animals))))
        return await why_of(talk, events[0])
    replied = await meant.replied(talk)
    events = [replied] if replied else await meant.open_events(talk)
    if not events:
        return Answer("why", talk.say("none_open"))
    return await why_of(talk, max(events, key=lambda one: one.detected_ms))


async def why_of(talk: Talk, event: Event) -> Answer:
    """Say what one alert rests on."""
    told = meant.account(talk, event)
    trace = evidence.why(event, talk.catalogue)
    text = talk.say("why", animal=talk.label(event), sign=told.sign, since=told.since, why=trace)
    return Answer("why", text, event.farm_id, event.id, buttons=("right", "fp"))


def picture(talk: Talk, animal_id: int | None, kind: str) -> dict[str, Any] | None:
    """Return which picture belongs to an answer; there is none of a herd."""
    if animal_id is None:
        return None
    return {"animal_id": animal_id, "kind": kind, "until_ms": talk.said_ms // _QUARTER_MS * _QUARTER_MS}
