"""Two farms, their people and cows on the real storage, and messages as Meta sends them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from relay.clock import FollowedClock
from relay.model import AnimalLabels, Event, Message, MinuteLabel
from relay.storage.ports import DELIVERED, partition_of
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from relay.whatsapp.conversation import Conversation
from relay.whatsapp.payload import Buttons
from relay.whatsapp.webhook_inbound import Inbound

NOW_MS = int(datetime(2026, 11, 21, 15, 4, tzinfo=UTC).timestamp()) * 1000  # a Saturday
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
PHONES = {"alex": "15550100001", "ali": "15550100002", "vera": "15550100003", "tom": "15550100004"}
REST, RUMINATE, GRAZE, WALK = 1, 2, 3, 4


@dataclass
class Chat:
    storage: SqliteStorage
    clock: FollowedClock = field(default_factory=lambda: FollowedClock(NOW_MS))
    farm_id: int = 0
    cows: dict[str, int] = field(default_factory=dict)  # by number, those of the first farm
    people: dict[str, int] = field(default_factory=dict)
    outcome: str = ""
    wakes: int = 0
    count: int = 0

    def __post_init__(self):
        self.buttons = Buttons(Vault(bytes(32)).blind)
        self.restart()

    def restart(self):
        """Begin anew on the same storage, as after a crash."""
        conversation = Conversation(self.storage, self.clock, self.buttons, self.wake)
        self.inbound = Inbound(self.storage, self.clock, conversation)

    def wake(self):
        self.wakes += 1

    async def populate(self):
        self.farm_id = await self.storage.add_farm("Hill", bytes(32))
        for number, name in (("12", "Bella"), ("14", ""), ("112", "Lisa")):
            self.cows[number] = await self.storage.add_animal(self.farm_id, number, name)
        for name, role in (("alex", "owner"), ("ali", "worker"), ("vera", "vet"), ("tom", "technician")):
            await self.join(name, self.farm_id, role=role)

    async def join(self, name, farm_id, *, role="owner", language="en"):
        person_id = await self.storage.add_person(
            farm_id, name.title(), PHONES.get(name, name), language=language, role=role, consent_ms=NOW_MS,
            consent_text="in person",
        )  # fmt: skip
        self.people[name] = person_id
        return person_id

    async def alert(self, event_id="e1", number="12", kind="off_feed", *, hours_ago=1, tier="timely", **more):
        """Add an open event, told to everybody who works there; number "": of the herd."""
        at_ms = self.clock.now_ms() - hours_ago * HOUR_MS
        animal_id = self.cows[number] if number else None
        event = Event(event_id, self.farm_id, animal_id, kind, at_ms, at_ms, {}, tier=tier, **more)
        partition = partition_of(self.farm_id)
        cursor = await self.storage.cursor(partition)
        await self.storage.commit_scores(partition, 0, cursor, [], [event], [])
        for name in ("alex", "ali"):
            if name in self.people:
                await self.storage.queue([self._told(event, self.people[name])])
        return event

    def _told(self, event, person_id):
        body = {"text": "An alert.", "about": [[event.id, "alert", event.stage, event.tier]]}
        return Message(
            f"told {event.id} {person_id}", event.farm_id, person_id, event.id, "alert", body,
            event.detected_ms, event.detected_ms + DAY_MS,
        )  # fmt: skip

    async def bundle(self, first, second):
        """Tell the owner of two cows in one message that arrived; return its wamid."""
        events = [await self.alert(first), await self.alert(second, "14")]
        told = self._told(events[0], self.people["alex"])
        about = [[event.id, "alert", event.stage, event.tier] for event in events]
        await self.storage.queue([replace(told, id="bundle", body={"text": "Two alerts.", "about": about})])
        await self.storage.apply_status("bundle", "wamid.bundle", DELIVERED, self.clock.now_ms())
        return "wamid.bundle"

    async def labels(self, number="12", hours=24):
        """Have a cow do in every hour 20 minutes of each: graze, ruminate, rest."""
        last = self.clock.now_ms() // MINUTE_MS
        minutes = [
            MinuteLabel(minute, (GRAZE, RUMINATE, REST)[minute % 60 // 20], 90)
            for minute in range(last - hours * 60, last)
        ]
        partition = partition_of(self.farm_id)
        cursor = await self.storage.cursor(partition)
        labels = [AnimalLabels(self.cows[number], tuple(minutes))]
        await self.storage.commit_scores(partition, 0, cursor, [], [], [], labels)

    def item(self, name, *, age_ms=0, wamid="", reply_to="", **content):
        self.count += 1
        seconds = str((self.clock.now_ms() - age_ms) // 1000)
        item = {"id": wamid or f"wamid.in{self.count}", "from": PHONES.get(name, name), "timestamp": seconds}
        return item | content | ({"context": {"id": reply_to}} if reply_to else {})

    async def take(self, item):
        """Let the relay take an item; return the texts of all that was queued by it, by person."""
        before = {message.id for message in await self.messages()}
        self.outcome = await self.inbound.take(item)
        return [message for message in await self.messages() if message.id not in before]

    async def say(self, text, name="alex", **more):
        """Type something; return the one answer, None for silence."""
        item = self.item(name, type="text", text={"body": text}, **more)
        return self.only(await self.take(item), name)

    async def tap(self, message, verb, about=None, *, name="alex", **more):
        """Tap a button or row of a message of ours, which has to be there; return the one answer."""
        rows = message.body.get("list", {}).get("rows", [])
        offered = [(each, None) for each in message.body.get("buttons", ())]
        offered += [(row["verb"], row["id"]) for row in rows]
        verb, row_id = next(one for one in offered if one[0] == verb and about in (None, one[1]))
        default = message.person_id if verb in {"yes", "no"} else message.event_id
        return await self.press(verb, str(row_id or default), name=name, farm_id=message.farm_id, **more)

    async def press(self, verb, about, *, name="alex", farm_id=None, payload="", **more):
        """Tap a button of the template of an alert, or one made by hand."""
        made = payload or self.buttons.payload(
            verb, farm_id=farm_id or self.farm_id, person_id=self.people[name], event_id=about
        )
        reply = {"type": "button_reply", "button_reply": {"id": made, "title": "x"}}
        return self.only(
            await self.take(self.item(name, type="interactive", interactive=reply, **more)), name
        )

    def only(self, queued, name):
        mine = [message for message in queued if message.person_id == self.people.get(name)]
        assert len(mine) <= 1, [message.body["text"] for message in mine]
        self.others = [message for message in queued if message not in mine]
        return mine[0] if mine else None

    async def messages(self):
        farms = await self.storage.farms()
        return [message for farm in farms for message in await self.storage.messages(farm.id, 0)]

    async def lives(self, number="12", farm_id=0):
        events = await self.storage.life_events(farm_id or self.farm_id)
        return [(one.kind, one.at_ms) for one in events if one.animal_id == self.cows[number]]

    async def judged(self, event_id="e1"):
        said = await self.storage.judgements(self.farm_id, 0)
        return [(one.verdict, one.reason) for one in said if one.event_id == event_id]


@asynccontextmanager
async def opened(folder):
    async with SqliteStorage.open(folder, Vault(bytes(32))) as storage:
        chat = Chat(storage)
        await chat.populate()
        yield chat


def day_ms(year, month, day, hour=12, minute=0):
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 1000
