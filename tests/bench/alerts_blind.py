"""Blind time: faults put into collars, lines, Meta and the relay, against the relay's own watch.

Real: relay.watch with its task, fold, store (SQLite, in a temporary folder) and order of ways; the relay that
is stopped and started again is the whole application behind HTTP on loopback, watched by the watch that
`herdbell watch` runs; when a collar uploads, and when it tries again, is computed by the firmware's own
schedule. Simulated: time (one clock, moved by the minute), the collars (nothing but their uploads, noted
where ingest notes those it has stored), Meta (a ping that fails), and the ways, which keep what they get.

A fault is one part gone for a while: a collar that died (it boots afterwards), a collar out of reach (it
comes back by its back-off), a farm's line, Meta, the relay. Some flap: two to four spans with a few minutes
between, one fault. Some are short and must not be told. Several happen at once, on different farms or to
different collars of one; a fault that hides inside of another, as a collar behind a line, is not among them.
Lengths begin at 31 min, those of collars out of reach at 41: their back-off may bring one back up to 10 min
before its note is due, and it is then not told.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from collar.schedule import backoff_s, next_upload_s, spread_s
from relay.app import make_app, make_runner
from relay.clock import FollowedClock
from relay.config import Config, SecretsConfig, StateConfig
from relay.keys import EARS, STORAGE, WATCH
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault, open_vault
from relay.watch.hearing import Ears
from relay.watch.meta import MetaSense
from relay.watch.outside import Outside, is_ready
from relay.watch.parts import COLLAR, LINE, META, MINUTE_MS, RELAY
from relay.watch.task import Watch
from relay.whatsapp.client import NotSentError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.watch.parts import Note

START_MS = 1_790_000_000_000 // MINUTE_MS * MINUTE_MS
HERDS = (30, 16, 8, 5)  # collars of each farm
PERIOD_S = 900
TOLD_WITHIN_MIN = 45
_WARM_MIN = 60
_REST_MIN = 150  # between two faults of one part: the first is over by then
_SHORT, _FLAPS = 0.2, 0.15  # shares of all faults
_RELAY_SHARE, _META_SHARE = 0.12, 0.2
_TURN_S = 0.0005
_AWAY_ATTEMPTS, _AWAY_MAX_S = 4, 600  # firmware/lib/collar/contact.py: the back-off of a network that is away


@dataclass
class Fault:
    """One part gone in these spans of minutes. `device` 0: not a collar; `farm` -1: not of one."""

    part: str
    spans: list[tuple[int, int]]
    farm: int = -1
    device: int = 0
    boots: bool = False
    lost: list[int] = field(default_factory=list)  # minutes at which it was told
    over: list[int] = field(default_factory=list)

    @property
    def is_short(self) -> bool:
        """Whether it must not be told."""
        return max(end - start for start, end in self.spans) <= 30

    @property
    def is_told(self) -> bool:
        """Told once in time, and its end once."""
        in_time = all(minute <= self.spans[0][0] + TOLD_WITHIN_MIN for minute in self.lost)
        return (len(self.lost), len(self.over)) == (1, 1) and in_time

    def has(self, minute: int) -> bool:
        """Whether the part is gone then."""
        return any(start <= minute < end for start, end in self.spans)


def _spans(draw: random.Random, start: int, least: int, *, short_max: int) -> list[tuple[int, int]]:
    sort = draw.random()
    if sort < _SHORT:
        return [(start, start + draw.randint(2, short_max))]
    spans, times = [], draw.randint(2, 4) if sort < _SHORT + _FLAPS else 1
    for _ in range(times):
        end = start + draw.choice((draw.randint(least, least + 9), draw.randint(least, 120)))
        spans.append((start, end))
        start = end + draw.randint(3, 12)
    return spans


def plan(seed: int, faults: int) -> list[Fault]:
    """Return that many faults: of the relay apart, in a time of their own."""
    draw = random.Random(seed)
    found = [*_in_turn(draw, round(faults * _RELAY_SHARE), RELAY, 25)]
    found += _in_turn(draw, round(faults * _META_SHARE), META, 20)
    free = [_WARM_MIN] * len(HERDS)
    while len(found) < faults:
        farm = min(range(len(HERDS)), key=free.__getitem__)
        start = free[farm] + draw.randint(0, 29)
        if draw.random() < 0.4:
            new = [Fault(LINE, _spans(draw, start, 31, short_max=12), farm)]
        else:
            new = [_of_collar(draw, start, farm, device) for device in _some(draw, farm)]
        new = new[: faults - len(found)]
        free[farm] = max(end for fault in new for _, end in fault.spans) + _REST_MIN
        found += new
    return found


def _in_turn(draw: random.Random, count: int, part: str, short_max: int) -> list[Fault]:
    found, start = [], _WARM_MIN
    for _ in range(count):
        spans = _spans(draw, start + draw.randint(0, 29), 31, short_max=short_max)
        start = spans[-1][1] + _REST_MIN // 2
        found.append(Fault(part, spans))
    return found


def _some(draw: random.Random, farm: int) -> list[int]:
    """Return one collar or several, never so many that it would be a line."""
    return draw.sample(range(1, HERDS[farm] + 1), draw.randint(1, max(1, HERDS[farm] // 4)))


def _of_collar(draw: random.Random, start: int, farm: int, device: int) -> Fault:
    boots = draw.random() < 0.6
    start += draw.randint(0, 20)
    fault = Fault(COLLAR, _spans(draw, start, 31 if boots else 41, short_max=7), farm, device, boots)
    fault.boots = boots and not fault.is_short  # a boot alone costs up to two periods of hearing
    return fault


class Collars:
    """Every collar of every farm: when it uploads, fails and tries again."""

    def __init__(self, ids: dict[tuple[int, int], int], faults: list[Fault]) -> None:
        self._ids = ids
        self._due_s = {key: spread_s(device, PERIOD_S) for key, device in ids.items()}
        self._attempt = dict.fromkeys(ids, 0)
        self._lines: dict[int, list[Fault]] = {farm: [] for farm in range(len(HERDS))}
        self._own: dict[tuple[int, int], list[Fault]] = {key: [] for key in ids}
        for fault in faults:
            if fault.part == LINE:
                self._lines[fault.farm].append(fault)
            elif fault.part == COLLAR:
                self._own[fault.farm, fault.device].append(fault)

    def talk(self, minute: int, ears: Ears) -> None:
        """Let those that are due in this minute upload or fail."""
        for key, due_s in self._due_s.items():
            if due_s < 60 * (minute + 1):
                self._due_s[key] = self._try(key, due_s, minute, ears)

    def _try(self, key: tuple[int, int], due_s: int, minute: int, ears: Ears) -> int:
        device = self._ids[key]
        own = next((fault for fault in self._own[key] if fault.has(minute)), None)
        if own and own.boots:  # dead: it comes back with a boot, and uploads a period after that
            end = next(end for start, end in own.spans if start <= minute < end)
            return 60 * end + PERIOD_S + spread_s(device, PERIOD_S)
        if own or any(fault.has(minute) for fault in self._lines[key[0]]):
            self._attempt[key] += 1
            return due_s + min(_AWAY_MAX_S, backoff_s(device, self._attempt[key] + _AWAY_ATTEMPTS))
        self._attempt[key] = 0
        ears.note([device], START_MS + due_s * 1000, None)
        return next_upload_s(due_s, PERIOD_S, device)


class Way:
    """Takes every note, and says at which minute."""

    def __init__(self, clock: FollowedClock) -> None:
        self._clock = clock
        self.told: list[tuple[int, Note]] = []

    async def tell(self, note: Note, text: str) -> bool:
        """Keep it. It has to have words."""
        assert text
        self.told.append(((self._clock.now_ms() - START_MS) // MINUTE_MS, note))
        return True

    async def arrived(self, note: Note) -> bool | None:
        """It has arrived."""
        return note is not None


async def _settle_farms(storage: SqliteStorage) -> tuple[dict[tuple[int, int], int], dict[int, int]]:
    """Return the device ids by (farm, number) and the farm's place by its id."""
    ids, places = {}, {}
    for place, size in enumerate(HERDS):
        farm_id = await storage.add_farm(f"Farm {place}", bytes(32))
        places[farm_id] = place
        for number in range(1, size + 1):
            device = ids[place, number] = 1000 * place + 7919 * number
            await storage.add_collar(device, farm_id)
            await storage.assign(device, await storage.add_animal(farm_id, str(number)), 0)
    return ids, places


@asynccontextmanager
async def _running(watch: Watch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _rest(watch: Watch) -> None:
    while not watch.idle():  # noqa: ASYNC110 - rest has no event
        await asyncio.sleep(_TURN_S)


async def _collars_and_meta(faults: list[Fault], folder: Path) -> list[Note]:
    """Run the watch over all faults but the relay's; return the notes that belong to none."""
    clock, ears = FollowedClock(START_MS), Ears()
    ways = {name: Way(clock) for name in ("whatsapp", "email")}
    metas = [fault for fault in faults if fault.part == META]

    async def ping() -> None:
        if any(fault.has((clock.now_ms() - START_MS) // MINUTE_MS) for fault in metas):
            raise NotSentError("injected")

    async with SqliteStorage.open(folder, Vault(bytes(32))) as storage:
        ids, places = await _settle_farms(storage)
        collars = Collars(ids, faults)
        meta = MetaSense(ping, lambda: False, storage, 5 * MINUTE_MS)
        watch = Watch(storage, Config(), clock, ears, ways, meta)
        async with _running(watch):
            await _rest(watch)
            for minute in range(max(end for fault in faults for _, end in fault.spans) + _REST_MIN):
                collars.talk(minute, ears)
                clock.advance(START_MS + (minute + 1) * MINUTE_MS)
                await _rest(watch)
    assert {note.part for _, note in ways["whatsapp"].told} <= {COLLAR, LINE}
    numbers = {device: number for (_, number), device in ids.items()}
    told = [each for way in ways.values() for each in way.told]
    return _matched(faults, told, places, numbers)


def _matched(
    faults: list[Fault], told: list[tuple[int, Note]], places: dict[int, int], numbers: dict[int, int]
) -> list[Note]:
    strays = []
    for minute, note in told:
        where = (note.part, places.get(note.farm_id or 0, -1), numbers.get(note.device or 0, 0))
        since = (note.since_ms - START_MS) // MINUTE_MS
        for fault in faults:
            begins, ends = fault.spans[0][0] - 30, fault.spans[-1][1]
            if (fault.part, fault.farm, fault.device) == where and begins <= since < ends:
                (fault.over if note.is_over else fault.lost).append(minute)
                break
        else:
            strays.append(note)
    return strays


async def _relay(faults: list[Fault], folder: Path) -> list[Note]:
    """Stop and start a whole relay, watched from outside; return the notes that belong to no fault."""
    clock, port = FollowedClock(START_MS), 0
    config = Config(
        state=StateConfig(dir=str(folder / "state")),
        secrets=SecretsConfig(master_key_file=str(folder / "master.key")),
    )
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        await _settle_farms(storage)
    way, runner = Way(clock), None
    async with aiohttp.ClientSession() as session:
        outside = Outside(
            lambda: is_ready(session, f"http://127.0.0.1:{port}"), clock, {"email": way}, 30, folder / "kept"
        )
        for minute in range(max((end for fault in faults for _, end in fault.spans), default=0) + _REST_MIN):
            gone = any(fault.has(minute) for fault in faults)
            if runner and gone:
                await runner.cleanup()
                runner = None
            elif not runner and not gone:
                runner, port = await _start(config, clock)
            clock.advance(START_MS + (minute + 1) * MINUTE_MS)
            if runner:
                await _upload_all(runner.app, minute)
            await outside.look()
        strays = _matched(faults, way.told, {}, {})
        if runner:
            assert not any(part.told_ms for part in runner.app[WATCH].state.collars.values())
            assert not runner.app[WATCH].state.lines
            await runner.cleanup()
    return strays


async def _start(config: Config, clock: FollowedClock) -> tuple[web.AppRunner, int]:
    runner = make_runner(make_app(config, clock))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, runner.addresses[0][1]


async def _upload_all(app: web.Application, minute: int) -> None:
    """Every collar uploads in its minute; the relay's own watch must not miss one after a restart."""
    for farm in await app[STORAGE].farms() if minute % 15 == 0 else ():
        devices = [collar.device for collar in await app[STORAGE].collars(farm.id)]
        app[EARS].note(devices, app[WATCH].state.at_ms, None)
    await _rest(app[WATCH])


def blind(seed: int, faults: int = 200) -> dict[str, Any]:
    """Inject faults and return what was told of them.

    `blind_injected`: faults with a span over 30 min; `blind_told`: of those, told once within 45 min of their
    beginning and over once; `blind_messages_per_fault`: notes that something is gone, for each of them;
    `blind_short` and `blind_short_told`: faults that must not be told and were; `blind_strays`: notes about
    nothing that was injected; `blind_delay_min`: the middle and the longest time from beginning to note.
    """
    planned = plan(seed, faults)
    log = logging.getLogger("relay.watch")
    level = log.level
    log.setLevel(logging.ERROR)  # every fault is a warning; here they are counted
    try:
        with tempfile.TemporaryDirectory() as name:
            strays = asyncio.run(_all(planned, Path(name)))
    finally:
        log.setLevel(level)
    long = [fault for fault in planned if not fault.is_short]
    short = [fault for fault in planned if fault.is_short]
    delays = sorted(minute - fault.spans[0][0] for fault in long for minute in fault.lost)
    return {
        "blind_injected": len(long),
        "blind_told": sum(fault.is_told for fault in long),
        "blind_messages_per_fault": sum(len(fault.lost) for fault in long) / max(1, len(long)),
        "blind_flapping": sum(len(fault.spans) > 1 for fault in long),
        "blind_short": len(short),
        "blind_short_told": sum(bool(fault.lost) for fault in short),
        "blind_strays": len(strays),
        "blind_delay_min": [delays[len(delays) // 2], delays[-1]] if delays else [],
        "blind_by_part": dict(sorted(Counter(fault.part for fault in long).items())),
    }


async def _all(planned: list[Fault], folder: Path) -> list[Note]:
    relays = [fault for fault in planned if fault.part == RELAY]
    others = [fault for fault in planned if fault.part != RELAY]
    strays = await _collars_and_meta(others, folder / "one") if others else []
    (folder / "two").mkdir()
    return strays + (await _relay(relays, folder / "two") if relays else [])


if __name__ == "__main__":
    started_s = time.process_time()
    print(json.dumps(blind(int(sys.argv[1]) if len(sys.argv) > 1 else 1), indent=1))  # noqa: T201 - its output
    print(f"{time.process_time() - started_s:.1f} s of processor time", file=sys.stderr)  # noqa: T201 - likewise
