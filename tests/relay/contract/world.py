"""A small farm to test storage with: Hillside, its cow Bella, her collar, and Ann."""

from dataclasses import dataclass, replace

from relay.model import Event, Message, NewFrame
from relay.storage.ports import partition_of

T0_MS = 1_790_000_000_000
MINUTE_MS = 60_000
DEVICE = 0xC0FFEE42  # above 2^31: half of all ids are
ROOT = bytes(range(32))
PHONE = "+49 170 0000001"


@dataclass
class World:
    storage: object
    farm_id: int
    animal_id: int
    person_id: int

    @classmethod
    async def settle(cls, storage):
        farm_id = await storage.add_farm("Hillside", ROOT, zone="Europe/Berlin", language="de")
        animal_id = await storage.add_animal(farm_id, "12", "Bella")
        await storage.add_collar(DEVICE, farm_id)
        await storage.assign(DEVICE, animal_id, T0_MS)
        person_id = await storage.add_person(farm_id, "Ann", PHONE, consent_ms=T0_MS, consent_text="2026-11")
        return cls(storage, farm_id, animal_id, person_id)

    @property
    def partition(self):
        return partition_of(self.farm_id)

    def frame(self, seq=0, **changes):
        frame = NewFrame(
            device=DEVICE,
            farm_id=self.farm_id,
            kind=0x11,
            epoch=0,
            boot=3,
            seq=seq,
            up_s=450 * seq,
            first_ms=T0_MS + 450_000 * seq,
            received_ms=T0_MS + 900_000 + 450_000 * seq,
            records=bytes([seq % 256]) * 14,
        )
        return frame._replace(**changes)

    def event(self, name="event-1", **changes):
        event = Event(name, self.farm_id, self.animal_id, "no_movement", T0_MS, T0_MS, {"minutes": 95})
        return replace(event, **changes)

    def message(self, name="message-1", **changes):
        message = Message(
            id=name,
            farm_id=self.farm_id,
            person_id=self.person_id,
            event_id=None,
            step="first",
            body={"text": "Bella \u2014 \u0928\u092e\u0938\u094d\u0924\u0947"},
            created_ms=T0_MS,
            expires_ms=T0_MS + 60 * MINUTE_MS,
        )
        return replace(message, **changes)

    async def state(self, name="message-1"):
        return await self.storage.message_state(name)

    async def sending(self, name="message-1", **changes):
        """Queue a message and claim it, as the dispatcher does."""
        await self.storage.queue([self.message(name, **changes)])
        return await self.storage.claim(T0_MS, 10)
