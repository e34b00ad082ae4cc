"""One relay storage that works until the power fails, and the check of what is left."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from dataclasses import dataclass, field

from relay.model import (
    AnimalLabels,
    Event,
    FarmState,
    HourRecord,
    Message,
    MinuteLabel,
    NewFrame,
    ScoredAnimal,
)
from relay.storage.ports import StorageError, partition_of
from relay.storage.sqlite import FILE_NAME, SqliteStorage
from relay.vault import Vault
from tests.relay.powercut.disk import Disk

T0_MS = 1_790_000_000_000
T0_MINUTE = T0_MS // 60_000
DEVICES = (0, 7, 0xFFFF_FFFF)
ROUNDS = 24
LAST_OPERATION = 1_000  # about what ROUNDS rounds take: cuts hit every phase, from the first byte to the end


@dataclass
class Told:
    """What the storage has told its callers: after a cut, all of this must be true."""

    farm_id: int = 0
    animal_id: int = 0
    person_id: int = 0
    tried: list[list[NewFrame]] = field(default_factory=list)  # per append
    stored: list[NewFrame] = field(default_factory=list)
    cursor: int = 0
    events: list[str] = field(default_factory=list)
    labelled: list[int] = field(default_factory=list)  # minutes
    claimed: list[str] = field(default_factory=list)


class Scene:
    """Drives one storage with work drawn from `rng` and notes what it promised."""

    def __init__(self, storage, rng):
        self.storage, self.rng, self.told = storage, rng, Told()
        self.number = 0

    async def set_up(self):
        told, storage = self.told, self.storage
        told.farm_id = await storage.add_farm("Hillside", bytes(32))
        told.animal_id = await storage.add_animal(told.farm_id, "12", "Bella")
        for device in DEVICES:
            await storage.add_collar(device, told.farm_id)
        told.person_id = await storage.add_person(
            told.farm_id, "Ann", "+49 170 0000001", consent_ms=T0_MS, consent_text="1"
        )

    async def round(self):
        """Do a few things at once, as a busy relay does."""
        works = [self.append() for _ in range(self.rng.randint(1, 4))]
        if self.rng.random() < 0.4:
            works.append(self.score())
        if self.rng.random() < 0.3:
            works.append(self.claim())
        for result in await asyncio.gather(*works, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, StorageError):
                raise result

    def frame(self):
        self.number += 1
        size = self.rng.choice((14, 70, 1232))
        return NewFrame(
            device=self.rng.choice(DEVICES),
            farm_id=self.told.farm_id,
            kind=0x11,
            epoch=0,
            boot=1,
            seq=self.number,
            up_s=self.number,
            first_ms=T0_MS,
            received_ms=T0_MS + self.number,
            records=self.rng.randbytes(size),
        )

    async def append(self):
        frames = [self.frame() for _ in range(self.rng.randint(1, 12))]
        again = self.rng.sample(self.told.stored, min(len(self.told.stored), self.rng.randint(0, 2)))
        self.told.tried.append(frames)
        await self.storage.append([*frames, *again])
        self.told.stored.extend(frames)

    async def score(self):
        told, self.number = self.told, self.number + 1
        name, cursor = f"event-{self.number}", self.number
        event = Event(name, told.farm_id, told.animal_id, "no_movement", T0_MS, T0_MS, {"minutes": 90})
        message = Message(name, told.farm_id, told.person_id, name, "first", {"text": "."}, T0_MS, T0_MS * 2)
        state = ScoredAnimal(told.animal_id, "no_movement", 1, self.rng.randbytes(200))
        partition = partition_of(told.farm_id)
        label = MinuteLabel(T0_MINUTE + self.number, 1, 90)
        labels = [AnimalLabels(told.animal_id, (label,))]
        await self.storage.commit_scores(
            partition,
            0,
            cursor,
            [state],
            [event],
            [message],
            labels,
            hours=[HourRecord(told.animal_id, self.number, bytes(44))],
            farm_states=[FarmState(told.farm_id, self.number, 1, self.rng.randbytes(2_000))],
        )
        told.cursor = cursor
        told.labelled.append(label.minute)
        told.events.append(name)

    async def claim(self):
        for held in await self.storage.claim(T0_MS + 1, 3):
            self.told.claimed.append(held.message.id)


async def work_until_the_cut(folder, disk, rng):
    """Run the product's storage on `disk` until the power fails or the work is done; return what it told."""
    told = Told()
    try:
        async with SqliteStorage.open(
            folder, Vault(bytes(32)), connect_to=disk.connect, checkpoint_pages=rng.choice((4, 16, 64))
        ) as storage:
            scene = Scene(storage, rng)
            told = scene.told
            await scene.set_up()
            for _ in range(ROUNDS):
                await scene.round()
                if not disk.alive:
                    break
            disk.cut_at = min(disk.cut_at, disk.operations + 1)  # before the files are closed in order
    except (sqlite3.Error, StorageError):
        if disk.alive:
            raise
    return told


async def lost_after_restart(folder, told):
    """Open the files with the product as it ships; return what is missing of what was told."""
    lost = []
    async with SqliteStorage.open(folder, Vault(bytes(32))) as storage:
        partition = partition_of(told.farm_id)
        kept = {
            (frame.device, frame.seq): (frame.up_s, frame.records)
            for frame in await storage.read(partition, 0, 100_000)
        }
        lost += [f"frame {f.seq}" for f in told.stored if kept.get((f.device, f.seq)) != (f.up_s, f.records)]
        for frames in told.tried:
            found = sum((frame.device, frame.seq) in kept for frame in frames)
            if found not in {0, len(frames)}:
                lost.append(f"half of an append: {found} of {len(frames)} frames")
        if await storage.cursor(partition) < told.cursor:
            lost.append(f"cursor {told.cursor}")
        lost += [name for name in told.events if await storage.event(name) is None]
        lost += [f"message of {name}" for name in told.events if await storage.message(name) is None]
        minutes = await storage.behaviour_minutes(told.farm_id, told.animal_id, 0, T0_MINUTE * 2)
        hours = await storage.behaviour_hours(told.farm_id, told.animal_id, 0, T0_MS * 2)
        lost += [f"minute {at}" for at in set(told.labelled) - {each.minute for each in minutes}]
        if sum(hour.minutes for hour in hours) != len(minutes):
            lost.append(f"hours do not add up to {len(minutes)} minutes")
        rows = {each.hour for each in await storage.hours(told.farm_id, 0, told.cursor + 1)}
        lost += [f"row of hour {at}" for at in {at - T0_MINUTE for at in told.labelled} - rows]
        newest = max((each.hour for each in await storage.farm_states(partition)), default=0)
        if newest != await storage.cursor(partition):
            lost.append(f"the farm's state is of {newest}, not with its cursor")
        due = {held.message.id for held in await storage.claim(T0_MS + 1, 1_000)}
        lost += [f"{name} would be sent twice" for name in told.claimed if name in due]
        if told.stored:
            again = [frame._replace(received_ms=T0_MS * 2) for frame in told.stored]
            if set(await storage.append(again)) != {"duplicate"}:
                lost.append("frames sent again are not duplicates")
    return lost


def integrity(path):
    """Return what SQLite itself says about the file."""
    connection = sqlite3.connect(path)
    try:
        answer = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        return answer + [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
    finally:
        connection.close()


async def cut(seed, folder):
    """Cut the power once, at an operation drawn from `seed`; return what was lost, [] if nothing."""
    rng = random.Random(seed)
    disk = Disk(f"disk-{seed}", rng.randint(1, LAST_OPERATION))
    (folder / "before").mkdir(parents=True)
    told = await work_until_the_cut(folder / "before", disk, rng)
    (folder / "after").mkdir()
    for name, data in disk.image(rng).items():
        (folder / "after" / name).write_bytes(data)
    disk.unregister()
    lost = await lost_after_restart(folder / "after", told)
    said = integrity(folder / "after" / FILE_NAME)
    return [*lost, *(line for line in said if line != "ok")], told
