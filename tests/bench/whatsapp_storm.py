"""A storm of alerts: lost answers, time-outs after acceptance, webhooks twice and in disorder, kills.

What arrived is counted at the fake Cloud API.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import aiohttp

from simulator.clock import VirtualClock
from simulator.cloud import Fault
from simulator.cloud_webhooks import Delivery
from tests.bench import whatsapp_scene as scene
from tests.relay.process import Served

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.model import Message

KILL_EVERY = 500
LOST_ANSWERS, TIME_OUTS = 0.05, 0.05
STEP_MS = 1000
SETTLE_MS = 600_000  # longer than what is unknown waits for its status
QUIET_STEP_MS = 30_000
MPS, MPS_ALLOWED = 300, 400  # as for a number that Meta lets send faster than at first
PAIR_INTERVAL_MS, PAIR_BURST = 6_000, 45
_PROGRESS = 1000


def storm(seed: int, alerts: int, people: int) -> dict[str, Any]:
    """Return what was lost, what came twice, and how fast the fastest second was."""
    with TemporaryDirectory(prefix="herdbell-bench-") as folder:
        return asyncio.run(_Storm(Path(folder), seed, alerts, people).run())


class _Storm:
    def __init__(self, folder: Path, seed: int, alerts: int, people: int) -> None:
        self._folder, self._seed, self._alerts, self._people = folder, seed, alerts, people
        self._clock = VirtualClock()
        self._relay: Served | None = None
        self._kills = 0
        self._accepted = 0

    async def run(self) -> dict[str, Any]:
        async with scene.cloud(self._clock, self._on_message, mps=MPS_ALLOWED) as (cloud, access):
            self._cloud = cloud
            cloud.webhooks.how = Delivery(batch=50, copies=2, shuffle=True, seed=self._seed)
            cloud.faults.often(Fault(drop=True), LOST_ANSWERS, self._seed)
            cloud.faults.often(Fault(hang=True), TIME_OUTS, self._seed)
            path = scene.settings(self._folder, access, request_timeout_s=1, mps=MPS)
            await scene.provision(path)
            async with scene.storage(path) as store:
                people = await scene.settle_farms(store, self._people)
                told = await scene.tell(store, people, self._alerts, self._clock.utc_ms, seed=self._seed)
            await self._live(path)
            async with scene.storage(path) as store:
                states = await store.outbox_counts()
        return self._judged(told, states)

    def _on_message(self, _: int, __: str, ___: str) -> None:
        """The fake took one: draw what happens to the next, and kill the relay where it is due."""
        self._accepted += 1
        if self._accepted % _PROGRESS == 0:
            print(f"  {self._accepted} posts taken, {self._kills} kills", flush=True)  # noqa: T201 - progress
        if self._accepted % KILL_EVERY == 0 and self._relay is not None:
            self._kills += 1
            self._relay.process.kill()

    async def _live(self, path: Path) -> None:
        """Run relays, one after the other, until all is told and nothing is unknown any more."""
        quiet_ms = 0
        while quiet_ms < SETTLE_MS:
            async with Served(path) as self._relay, aiohttp.ClientSession() as session:
                base = f"http://127.0.0.1:{self._relay.port}"
                self._cloud.webhooks.url = f"{base}/webhooks/whatsapp"
                await self._cloud.webhooks.kick()
                while quiet_ms < SETTLE_MS:
                    before = self._accepted
                    if not await self._advance(session, base):
                        self._clock.advance_to(self._clock.utc_ms + STEP_MS)  # to start again takes a moment
                        break
                    is_quiet = before == self._accepted
                    quiet_ms = quiet_ms + QUIET_STEP_MS if is_quiet else 0
                    self._clock.advance_to(
                        self._clock.utc_ms + (QUIET_STEP_MS if quiet_ms > QUIET_STEP_MS else STEP_MS)
                    )

    async def _advance(self, session: aiohttp.ClientSession, base: str) -> bool:
        """Move the relay to the clock and hear all webhooks; False if it was killed meanwhile."""
        try:
            async with session.post(
                f"{base}/simulation/clock", json={"utc_ms": self._clock.utc_ms}
            ) as answer:
                await answer.read()
        except (aiohttp.ClientError, OSError):
            return False
        if self._relay is None or self._relay.process.returncode is not None:
            return False
        await self._cloud.settle()
        return True

    def _judged(self, told: list[Message], states: dict[str, int]) -> dict[str, Any]:
        came = {one.id: self._cloud.counters.came.get(one.id, []) for one in told}
        marked = {name: sum("(repeat)" in text for text in texts) for name, texts in came.items()}
        sent_ms = [bubble.at_ms for phone in self._cloud.phones.all() for bubble in phone.bubbles]
        normal = [one.id for one in told if not one.critical]
        critical = [one.id for one in told if one.critical]
        return {
            "alerts": len(told),
            "people": self._people,
            "kills": self._kills,
            "lost": sum(not came[one.id] for one in told),
            "double_normal": sum(len(came[one]) > 1 for one in normal),
            "double_critical_unmarked": sum(
                len(came[one]) > 2 or (len(came[one]) == 2 and marked[one] != 1) for one in critical
            ),
            "critical_marked_twice": sum(len(came[one]) == 2 and marked[one] == 1 for one in critical),
            "over_mps": self._cloud.refused[130429],
            "over_pair": self._cloud.refused[131056],
            "most_in_a_second": most_within(sent_ms, 1000),
            "outbox": states,
        }


def most_within(at_ms: Iterable[int], span_ms: int) -> int:
    """Return how many messages at most fell into one span of the clock."""
    return max(Counter(one // span_ms for one in at_ms).values(), default=0)
