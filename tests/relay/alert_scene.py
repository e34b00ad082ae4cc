"""A farm in Berlin with quiet nights, two cows, a farmer, and alert kinds of every tier."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from relay.alerts.intents import messages, next_ms
from relay.alerts.setting import Setting
from relay.model import Animal, Event, Farm, Judgement, Mute, Person
from relay.scoring.kind import Kind, Tier

FARM = Farm(3, "Hof Lindner", zone="Europe/Berlin", quiet_from_min=21 * 60, quiet_to_min=6 * 60)
BELLA, NORA, ROSA = (Animal(at, 3, str(at), name) for at, name in ((12, "Bella"), (7, "Nora"), (4, "Rosa")))
ANNA = Person(1, "Anna", "en", "Europe/Berlin", "owner")
BEN = Person(2, "Ben", "en", "Europe/Berlin", "worker", rung=1)
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
KINDS = {
    kind.name: kind
    for kind in (
        Kind("heat", Tier.TIMELY, useful_h=20, learns=True),
        Kind("off_feed", Tier.TIMELY, useful_h=24, learns=True),
        Kind("calving", Tier.TIMELY, useful_h=12),
        Kind("no_movement", Tier.URGENT, useful_h=12),
        Kind("herd_event", Tier.URGENT, is_herd=True, useful_h=2),
        Kind("collar_off", Tier.DIGEST, useful_h=48),
        Kind("heat_stress", Tier.TIMELY, is_herd=True, useful_h=6),
        Kind("battery", Tier.DIGEST, useful_h=48),
        Kind("lameness", Tier.DIGEST, is_experimental=True, useful_h=48),
    )
}


def at(text, zone="Europe/Berlin"):
    """A local time, "16T04:45" of November 2026 or in full, as UTC ms."""
    full = text if len(text) > 8 else f"2026-11-{text}"
    return int(datetime.fromisoformat(full).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def event(kind="heat", found="16T10:00", animal=BELLA, *, name="", after_h=6.0, strength=None, **fields):
    """An event found at a local time, begun `after_h` earlier; its id is its name."""
    detected_ms = found if isinstance(found, int) else at(found)
    number = animal.id if animal else None
    evidence = fields.pop("evidence", {}) | ({} if strength is None else {"strength": strength})
    return Event(
        name or f"{kind} {number} {detected_ms}", 3, number, kind, detected_ms - round(after_h * HOUR_MS),
        detected_ms, evidence, tier=fields.pop("tier", str(KINDS[kind].tier)), **fields,
    )  # fmt: skip


def over(one, when):
    """The event, now over."""
    return replace(one, state="over", over_ms=at(when))


def withdrawn(one):
    return replace(one, state="withdrawn")


class Telling:
    """Tells as the relay does, and remembers what it has told."""

    def __init__(self, farm=FARM, people=(ANNA,), animals=(BELLA, NORA, ROSA), **setting):
        self.setting = Setting(farm, {one.id: one for one in animals}, people, KINDS, **setting)
        self.sent = []

    def tell(self, now, *events):
        now_ms = now if isinstance(now, int) else at(now)
        new = messages(events, self.setting, self.sent, now_ms)
        again = messages(events, self.setting, self.sent, now_ms)
        assert [one.id for one in again] == [one.id for one in new]
        self.sent += new
        return new

    def steps(self, now, *events):
        return [one.step for one in self.tell(now, *events)]

    def told(self, now, *events):
        """Who is told now, and at which step."""
        return [(one.person_id, one.step) for one in self.tell(now, *events)]

    def wakes(self, now, *events):
        """When it looks again if nothing happens, as UTC ms."""
        return next_ms(events, self.setting, at(now), self.sent)

    def answer(self, event_, verdict, when, person=ANNA):
        """Somebody taps a button."""
        at_ms = when if isinstance(when, int) else at(when)
        judged = Judgement(event_.id, person.id, verdict, "", at_ms)
        self.setting = replace(self.setting, judgements=[*self.setting.judgements, judged])

    def mute(self, until, animal=None, kind="", person=ANNA):
        """Somebody asks to hear no more of an animal or a kind."""
        mute = Mute(person.id, animal.id if animal else None, kind, at(until))
        self.setting = replace(self.setting, mutes=[*self.setting.mutes, mute])
