"""A farm's windows as signed frames through the real relay, beside the same farm entered at minutes.

Real: the relay's application behind HTTP on loopback, its store, scorer and classifier. Simulated: the herd,
and time, which goes on by quarters of an hour; every collar uploads in each, as where it is always heard.
Agreed is an event that both tell of the same animal and kind, begun within 12 h of each other. Batteries are
left out: no health frame is sent. The herd is the one with rare events raised: something must happen.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from herdcore import wire
from relay.keys import SCORER, STORAGE
from relay.scoring import kinds
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.reach import is_flat
from simulator.virtual_herd import VirtualHerd
from tests.bench.alerts_farm import life_events, live
from tests.relay.scene import ROOT_KEY, Scene, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from relay.model import Event
    from tests.bench.alerts_alarm import Alarm

HERD = Path(__file__).with_name("herds") / "urgent.toml"
COWS, DAYS = 20, 30
START_MS = 20_724 * DAY_MS  # a Monday, as the herd begins
TICK_MS = 900_000
WINDOW_MS, WINDOWS_A_FRAME, WINDOWS_KIND = 5_120, 88, 0x11
WITHIN_MS = 12 * HOUR_MS
NOT_SENT = ("battery",)
SCORED_WITHIN_S = 60  # a quarter of an hour of a farm; a scorer that fails never comes to it


class Told(NamedTuple):
    """An event of a cow (by place, None: the farm), on the herd's clock."""

    kind: str
    cow: int | None
    onset_ms: int


def figures(seed: int, cows: int = COWS, days: int = DAYS) -> dict[str, Any]:
    """Return how far both agree, and what only one of them tells."""
    with TemporaryDirectory(prefix="bench-alerts-") as folder:
        sent = asyncio.run(through_relay(Path(folder), seed, cows, days))
    minutes = [_of_alarm(each) for each in live(HERD, seed, cows, days).alarms[""] if _is_compared(each)]
    return agreement(sent, minutes)


def agreement(one: Sequence[Told], two: Sequence[Told]) -> dict[str, Any]:
    """Return the share of the events of both that the other has, too; 1 where nothing happened."""
    only_one = [each for each in one if not _has(two, each)]
    only_two = [each for each in two if not _has(one, each)]
    told = len(one) + len(two)
    return {
        "relay_agrees": 1.0 - (len(only_one) + len(only_two)) / told if told else 1.0,
        "relay_events": len(one),
        "relay_events_of_minutes": len(two),
        "relay_only_windows": [each._asdict() for each in only_one],
        "relay_only_minutes": [each._asdict() for each in only_two],
    }


def _has(others: Iterable[Told], each: Told) -> bool:
    return any(
        (other.kind, other.cow) == (each.kind, each.cow) and abs(other.onset_ms - each.onset_ms) <= WITHIN_MS
        for other in others
    )


def _is_compared(alarm: Alarm) -> bool:
    kind = kinds.all_kinds()[alarm.kind]
    return not (kind.is_experimental or alarm.is_update or alarm.kind in NOT_SENT)


def _of_alarm(alarm: Alarm) -> Told:
    return Told(alarm.kind, alarm.cow, alarm.onset_ms)


async def through_relay(folder: Path, seed: int, cows: int, days: int) -> list[Told]:
    """Return the events that stand in a relay which was sent the farm's windows."""
    made = VirtualHerd(HERD, seed=seed, cows=cows, days=days)
    scene = Scene(folder, devices=())
    async with SqliteStorage.open(scene.config.state_dir, open_vault(scene.config)) as storage:
        farm_id, animals = await _register(storage, made)
    async with scene:
        for day in range(days):
            records = [made.windows(cow, day) for cow in range(cows)]
            for now_ms, frames in _uploads(made, records, day):
                scene.clock.advance(START_MS + now_ms)
                await _post(scene, frames)
                async with asyncio.timeout(SCORED_WITHIN_S):
                    await scene.app[SCORER].wait_idle()
        events = await scene.app[STORAGE].standing(farm_id, 0)
    place = {animal: cow for cow, animal in enumerate(animals)}
    return [_of_event(each, place) for each in events]


def _of_event(event: Event, place: dict[int, int]) -> Told:
    cow = None if event.animal_id is None else place[event.animal_id]
    return Told(event.kind, cow, event.onset_ms - START_MS)


async def _register(storage: SqliteStorage, made: VirtualHerd) -> tuple[int, list[int]]:
    """Write a farm's book: animals, collars, groups, life events, weather; return its id and theirs."""
    farm_id = await storage.add_farm("Bench", ROOT_KEY)
    animals = []
    for cow, history in enumerate(made.histories):
        animal = await storage.add_animal(farm_id, made.number(cow), "")
        await storage.set_group(farm_id, animal, str(history.group))
        await storage.add_collar(_device(cow), farm_id)
        await storage.assign(_device(cow), animal, 0)
        animals.append(animal)
    for each in life_events(made):
        at_ms, noted_ms = START_MS + each.at_ms, START_MS + each.noted_ms
        await storage.note_life(farm_id, animals[each.animal_id - 1], each.kind, at_ms, noted_ms)
    for hour in range(made.days * 24):
        air = float(made.weather.air_c[hour]), float(made.weather.humidity_percent[hour])
        await storage.note_weather(farm_id, START_MS // HOUR_MS + hour, *air)
    return farm_id, animals


def _device(cow: int) -> int:
    return cow + 1


async def _post(scene: Scene, frames: Sequence[bytes]) -> None:
    for first in range(0, len(frames), wire.BATCH_MAX):
        batch = list(frames[first : first + wire.BATCH_MAX])
        status, body = await scene.post(batch)
        assert status == 200, body
        results, _ = wire.decode_answer(body)
        assert set(results) == {200}, results


def _uploads(
    made: VirtualHerd, records: Sequence[NDArray[np.uint8]], day: int
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (ms since the start, frames of all collars) for every quarter of an hour of a day."""
    for end_ms in range(TICK_MS, DAY_MS + 1, TICK_MS):
        first, end = (end_ms - TICK_MS) // WINDOW_MS, end_ms // WINDOW_MS
        now_ms = day * DAY_MS + end_ms
        frames = []
        for cow, hers in enumerate(records):
            for at in range(first, end, WINDOWS_A_FRAME):
                start_ms = day * DAY_MS + at * WINDOW_MS
                if not is_flat(made.histories[cow], np.array([start_ms]))[0]:
                    part = hers[at : min(end, at + WINDOWS_A_FRAME)].tobytes()
                    frames.append(_frame(cow, start_ms, now_ms, part))
        yield now_ms, frames


def _frame(cow: int, start_ms: int, now_ms: int, records: bytes) -> bytes:
    device, up_s = _device(cow), start_ms // 1000
    boot, seq = divmod(start_ms // (WINDOWS_A_FRAME * WINDOW_MS // 2), 1 << 16)
    fields = wire.Frame(WINDOWS_KIND, device, 0, boot + 1, seq, up_s, now_ms // 1000 - up_s, records)
    return wire.encode_frame(fields, keys_of(device)[0])
