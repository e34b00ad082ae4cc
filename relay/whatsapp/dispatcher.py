"""The one task that sends: claims due messages, posts several at once, records what became of each.

An attempt is stored before its POST. A message whose fate is unknown waits for a delivery status; only a
critical one goes out once more, marked, after 120 s.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from relay.storage.ports import ACCEPTED, DEAD, EXPIRED, FAILED, QUEUED, UNKNOWN
from relay.whatsapp.bodies import BodyError
from relay.whatsapp.client import AmbiguousError, NotSentError, RefusedError
from relay.whatsapp.counters import Counters
from relay.whatsapp.gate import Gate
from relay.whatsapp.graph_codes import Action, Rule, rule_for
from relay.whatsapp.texts import DEFAULT_LANGUAGE

if TYPE_CHECKING:
    from relay.clock import Clock
    from relay.model import QueuedMessage
    from relay.storage.ports import Store
    from relay.whatsapp.bodies import Bodies
    from relay.whatsapp.client import Client

_LOG = logging.getLogger(__name__)
AT_ONCE = 8
_AT_A_TIME = 100
MAX_ATTEMPTS = 6
REPEAT_AFTER_MS = 120_000
FINISH_S = 5.0  # less than the server allows a shutdown
_NO_CONNECTION = Rule(Action.RETRY, 1)


class Dispatcher:
    """Sends what the outbox holds. `run()` is its task; others only `wake()` it."""

    def __init__(
        self, storage: Store, client: Client, clock: Clock, bodies: Bodies, counters: Counters | None = None
    ) -> None:
        self._storage, self._client, self._clock, self._bodies = storage, client, clock, bodies
        self._counters = counters or Counters()
        self.finish_s = FINISH_S
        self._woken = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._claiming = True  # until run() has looked for the first time
        self._gate = Gate(self._counters)
        self._failures: Counter[str] = Counter()  # refusals in a row, by message; forgotten on a restart
        self._unknown_due_ms: list[int] = []  # when messages become due that nobody knows the fate of

    def wake(self) -> None:
        """Look at the outbox now: something was queued."""
        self._woken.set()

    async def idle(self) -> bool:
        """Whether nothing is being sent and nothing can be sent at this time."""
        due_ms = (
            await self._storage.next_due_ms()
        )  # first: a message leaves the outbox before it shows in _sending
        if self._claiming or self._sending or self._woken.is_set():
            return False
        now_ms = self._clock.now_ms()
        if min(self._unknown_due_ms, default=now_ms + 1) <= now_ms:
            return False
        return due_ms is None or due_ms > now_ms or self._gate.opens_ms(now_ms) > now_ms

    async def run(self) -> None:
        """Send until cancelled. First, what a crash left half sent becomes unknown."""
        lost = await self._storage.recover_outbox()
        if lost:
            _LOG.warning("%d messages were being sent when the relay stopped: their fate is unknown", lost)
        now_ms = self._clock.now_ms()
        self._unknown_due_ms = [now_ms, now_ms + REPEAT_AFTER_MS]
        try:
            while True:
                await self._claim()
                await self._rest()
        finally:
            await self._finish()

    async def _finish(self) -> None:
        """Let what is being sent end: an answer that nobody hears leaves a message unknown."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=self.finish_s)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _claim(self) -> None:
        self._claiming = True
        try:
            self._woken.clear()
            now_ms = self._clock.now_ms()
            await self._clear_up(now_ms)
            places = self._free() if self._gate.opens_ms(now_ms) == now_ms else 0
            for queued in await self._storage.claim(now_ms, places) if places else ():
                task = asyncio.create_task(self._deliver(queued))
                self._sending.add(task)
                task.add_done_callback(self._done)
        finally:
            self._claiming = False

    async def _clear_up(self, now_ms: int) -> None:
        """Decide about messages without a status for 120 s: the critical ones once more, the others never."""
        later = [due_ms for due_ms in self._unknown_due_ms if due_ms > now_ms]
        if len(later) == len(self._unknown_due_ms):
            return
        self._unknown_due_ms = later
        while lost := await self._storage.unknown_since(now_ms - REPEAT_AFTER_MS + 1, _AT_A_TIME):
            for queued in lost:
                again = queued.message.critical and not queued.repeat
                await self._storage.settle(
                    queued.message.id,
                    QUEUED if again else EXPIRED,
                    now_ms=now_ms,
                    retry_ms=now_ms if again else None,
                )

    def _free(self) -> int:
        return max(0, (1 if self._gate.probing else AT_ONCE) - len(self._sending))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._woken.set()
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("a message could not be settled: %s", type(error).__name__, exc_info=error)

    async def _rest(self) -> None:
        """Return when something was queued or sent, or the next message is due."""
        woken = asyncio.create_task(self._woken.wait())
        waits: set[asyncio.Task[object]] = {woken}
        if self._free() and (due_ms := await self._due_ms()) is not None:
            waits.add(asyncio.create_task(self._clock.wait_until(due_ms)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _due_ms(self) -> int | None:
        """Return when there is something to do next, or None."""
        due_ms = await self._storage.next_due_ms()
        times = [] if due_ms is None else [max(due_ms, self._gate.opens_ms(self._clock.now_ms()))]
        return min([*times, *self._unknown_due_ms], default=None)

    async def _deliver(self, queued: QueuedMessage) -> None:
        message_id = queued.message.id
        try:
            wamid = await self._send(queued)
        except BodyError as error:
            _LOG.error("message cannot be said: %s", error)
            await self._settle(message_id, DEAD, error=str(error))
        except NotSentError as error:
            await self._retry(queued, _NO_CONNECTION, str(error), "not_sent", limit=None)
        except AmbiguousError as error:
            await self._lost(queued, str(error))
        except RefusedError as error:
            await self._refused(queued, error)
        else:
            self._gate.passed()
            await self._settle(message_id, ACCEPTED, wamid=wamid)

    async def _send(self, queued: QueuedMessage) -> str:
        """Post one message, return its wamid; a template missing in its language goes out in English."""
        body = self._bodies.build(queued)
        try:
            return await self._client.send(body)
        except RefusedError as error:
            other = body.get("template", {}).get("language", {}).get("code", DEFAULT_LANGUAGE)
            if rule_for(error.code).action is not Action.LANGUAGE or other == DEFAULT_LANGUAGE:
                raise
            self._counters.refusals.labels(str(error.code)).inc()
            _LOG.warning("template of message %s is missing in %s: sent in English", queued.message.id, other)
        return await self._client.send(self._bodies.build(queued, DEFAULT_LANGUAGE))

    async def _settle(
        self, message_id: str, state: str, *, wamid: str | None = None, error: str | None = None
    ) -> None:
        self._failures.pop(message_id, None)
        self._counters.sends.labels(state).inc()
        await self._storage.settle(message_id, state, now_ms=self._clock.now_ms(), wamid=wamid, error=error)

    async def _lost(self, queued: QueuedMessage, error: str) -> None:
        """Nobody knows whether it went out: a status may tell within 120 s."""
        now_ms = self._clock.now_ms()
        self._unknown_due_ms.append(now_ms + REPEAT_AFTER_MS)
        await self._settle(queued.message.id, UNKNOWN, error=error)

    async def _refused(self, queued: QueuedMessage, error: RefusedError) -> None:
        rule, text, message_id = rule_for(error.code), str(error), queued.message.id
        self._counters.refusals.labels(str(error.code)).inc()
        match rule.action:
            case Action.RETRY:
                await self._retry(queued, rule, text, "refused", limit=MAX_ATTEMPTS)
            case Action.HOLD:
                await self._retry(queued, rule, text, "held", limit=None)
            case Action.PAUSE | Action.BREAKER:
                now_ms = self._clock.now_ms()
                self._gate.close(rule, error.code, now_ms)
                await self._again(queued, self._gate.opens_ms(now_ms), text, "waiting")
            case Action.DEAD:
                _LOG.error("message %s was refused: %s", message_id, text)
                await self._settle(message_id, DEAD, error=text)
            case Action.FAIL | Action.LANGUAGE:
                await self._settle(message_id, FAILED, error=text)

    async def _retry(
        self, queued: QueuedMessage, rule: Rule, text: str, outcome: str, *, limit: int | None
    ) -> None:
        message_id = queued.message.id
        self._failures[message_id] += 1
        failures = self._failures[message_id]
        if limit is not None and failures >= limit:
            _LOG.error("message %s was given up after %d attempts: %s", message_id, failures, text)
            await self._settle(message_id, DEAD, error=text)
            return
        wait_ms = jittered_ms(rule.wait_s(failures), message_id, failures)
        await self._again(queued, self._clock.now_ms() + wait_ms, text, outcome)

    async def _again(self, queued: QueuedMessage, at_ms: int, text: str, outcome: str) -> None:
        self._counters.sends.labels(outcome).inc()
        await self._storage.settle(
            queued.message.id, QUEUED, now_ms=self._clock.now_ms(), error=text, retry_ms=at_ms
        )


def jittered_ms(wait_s: int, message_id: str, failures: int) -> int:
    """Return `wait_s` in ms, up to 20 % more or less: by a hash, so that a simulation repeats itself."""
    draw = int.from_bytes(hashlib.sha256(f"{message_id}|{failures}".encode()).digest()[:2], "big")
    return wait_s * 1000 * (80 + 40 * draw // 0xFFFF) // 100
