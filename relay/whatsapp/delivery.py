"""One message on its way: when it may go and how, what Graph says to it, and what is recorded of that."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from relay.storage.ports import ACCEPTED, DEAD, FAILED, QUEUED, UNKNOWN, Busy
from relay.whatsapp import window
from relay.whatsapp.bodies import BodyError
from relay.whatsapp.client import NO_CODE, AmbiguousError, NotSentError, RefusedError, SendError
from relay.whatsapp.gate import Gate
from relay.whatsapp.graph_codes import GROWTH, Action, Rule, rule_for
from relay.whatsapp.pacing import NumberPace, PeoplePace
from relay.whatsapp.texts import DEFAULT_LANGUAGE
from relay.whatsapp.ways import ANEW, USUAL, WITHOUT, Way

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.clock import Clock
    from relay.model import Message, QueuedMessage
    from relay.storage.ports import Store
    from relay.whatsapp.bodies import Bodies
    from relay.whatsapp.client import Client
    from relay.whatsapp.counters import Counters
    from relay.whatsapp.media import PictureDesk

_LOG = logging.getLogger(__name__)
NOT_TRIED = "not tried: this person could not be reached lately"
MAX_ATTEMPTS = 6
MAX_LATE = 3  # failures that a status tells of, after Graph took the message
BLIND_AFTER = 5  # posts in a row of which nobody knows the outcome: each may cost a message
_NO_CONNECTION = Rule(Action.RETRY, 1)
_BLIND = Rule(Action.BREAKER, 60, "Meta, or something in between, gives no answer that can be trusted")
_STORE_AGAIN_MS = 1_000
_TRIALS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast and how patient: mps messages a second, so many at once to one person."""

    mps: int = 60
    pair_interval_ms: int = 6_000
    pair_burst: int = 3
    unknown_wait_ms: int = 120_000


class Posts(Protocol):
    """Remembers which posts have begun, over a kill of this process (begun.py)."""

    def begin(self, message_id: str) -> int: ...
    def end(self, slot: int) -> None: ...


@dataclass(slots=True)
class Trial:
    """What was tried with a message so far; a restart forgets it."""

    failures: int = 0  # refusals in a row
    late: int = 0
    way: Way = USUAL
    waits_ms: tuple[int, int] = (0, 0)  # since, until


class _Post:
    """One message on the wire: begins when its first byte is about to leave, is over with its outcome."""

    def __init__(self, posts: Posts | None, message_id: str) -> None:
        self._posts, self._message_id = posts, message_id
        self._slot: int | None = None

    def begins(self) -> None:
        if self._posts and self._slot is None:
            self._slot = self._posts.begin(self._message_id)

    def ended(self) -> None:
        if self._posts and self._slot is not None:
            self._posts.end(self._slot)


class Delivery:
    """Delivers claimed messages. Nothing raises but a bug: whatever happens is recorded in the outbox."""

    def __init__(
        self, storage: Store, client: Client, clock: Clock, bodies: Bodies, counters: Counters,
        limits: Limits, posts: Posts | None = None, desk: PictureDesk | None = None,
    ) -> None:  # fmt: skip
        self._storage, self._client, self._clock, self._bodies = storage, client, clock, bodies
        self._counters, self._posts, self._desk = counters, posts, desk
        self._trials: dict[str, Trial] = {}
        self.gate = Gate(counters)
        self.number = NumberPace(limits.mps)
        self.people = PeoplePace(limits.pair_interval_ms, limits.pair_burst)
        self.lost_ms: list[int] = []  # when posts had an outcome that nobody knows
        self._blind = 0  # so many of them in a row

    async def deliver(self, queued: QueuedMessage) -> None:
        """Send a claimed message, or put it back until it may go."""
        message = queued.message
        try:
            body = await self._body(queued)
        except BodyError as error:
            _LOG.error("message cannot be said: %s", error)
            await self._settle(message.id, DEAD, error=str(error))
            return
        now_ms = self._clock.now_ms()
        if not message.critical and self.people.is_shunned(message.person_id, now_ms, queued.last_inbound_ms):
            await self._settle(message.id, FAILED, error=NOT_TRIED)
        elif (turn_ms := self._turn_ms(message, now_ms)) > now_ms:
            await self._again(queued, turn_ms, None, "paced")
        else:
            self.number.take(now_ms)
            post = _Post(self._posts, message.id)
            await self._post(queued, body, post.begins)
            post.ended()  # only here: if anything was raised, nobody knows what became of it

    def _turn_ms(self, message: Message, now_ms: int) -> int:
        """Return when a message may go: `now_ms` if now, and then the person's turn is taken."""
        trial = self._trials.get(message.id)
        if trial and trial.waits_ms[0] <= now_ms < trial.waits_ms[1]:
            return trial.waits_ms[1]
        opens_ms = max(self.number.opens_ms(now_ms), self.gate.opens_ms(now_ms))
        if opens_ms > now_ms:
            return opens_ms
        return self.people.turn_ms(message.person_id, now_ms, critical=message.critical)

    async def _body(self, queued: QueuedMessage) -> dict[str, Any]:
        """Return what to post; waits for its picture for a moment. Raises BodyError."""
        trial = self._trials.get(queued.message.id)
        way = trial.way if trial else USUAL
        media_id = None
        if self._desk and "picture" in queued.message.body and way.picture != WITHOUT:
            media_id = await self._desk.media_id(queued.message, anew=way.picture == ANEW)
        free = not way.as_template and window.is_open(queued.last_inbound_ms, self._clock.now_ms())
        language = DEFAULT_LANGUAGE if way.in_english else None
        return self._bodies.build(queued, language, free=free, media_id=media_id)

    async def _post(self, queued: QueuedMessage, body: dict[str, Any], begins: Callable[[], None]) -> None:
        message = queued.message
        try:
            wamid = await self._send(queued, body, begins)
        except BodyError as error:
            await self._settle(message.id, DEAD, error=str(error))
        except NotSentError as error:
            await self._retry(queued, _NO_CONNECTION, str(error), "not_sent", limit=None)
        except AmbiguousError as error:
            self._lost()
            await self._settle(message.id, UNKNOWN, error=str(error))
        except RefusedError as error:
            self._blind = 0
            await self._refused(queued, error)
        else:
            self._blind = 0
            self.gate.passed()
            self.people.passed(message.person_id)
            await self._settle(message.id, ACCEPTED, wamid=wamid)

    def _lost(self) -> None:
        now_ms = self._clock.now_ms()
        self.lost_ms.append(now_ms)
        self._blind += 1
        if self._blind >= BLIND_AFTER:
            self.gate.close(_BLIND, NO_CODE, now_ms)

    async def sees(self) -> bool:
        """Whether outcomes can be trusted: after several that nobody knows, something harmless is asked."""
        if self._blind < BLIND_AFTER:
            return True
        try:
            await self._client.ping()
        except SendError as error:
            if not isinstance(error, RefusedError) or error.code == NO_CODE:
                self.gate.close(_BLIND, NO_CODE, self._clock.now_ms())
                return False
        self._blind = 0
        return True

    async def _send(self, queued: QueuedMessage, body: dict[str, Any], begins: Callable[[], None]) -> str:
        """Post a message, return its wamid; where Graph refuses it and it can be said otherwise, do so."""
        message = queued.message
        while True:
            try:
                return await self._client.send(body, begins)
            except RefusedError as error:
                trial = self._trial(message.id)
                other = trial.way.other(rule_for(error.code).action, message, body)
                if other is None:
                    raise
                self._counters.refusals.labels(str(error.code)).inc()
                _LOG.warning("message %s is sent in another way: %s", message.id, error)
                trial.way = other
            now_ms = self._clock.now_ms()
            self.number.take(now_ms)
            self.people.take(message.person_id, now_ms)
            body = await self._body(queued)

    async def _refused(self, queued: QueuedMessage, error: RefusedError) -> None:
        rule, text, message = rule_for(error.code, transient=error.transient), str(error), queued.message
        self._counters.refusals.labels(str(error.code)).inc()
        match rule.action:
            case Action.RETRY:
                await self._retry(queued, rule, text, "refused", limit=MAX_ATTEMPTS)
            case Action.HOLD:
                await self._retry(queued, rule, text, "held", limit=None)
            case Action.PAUSE | Action.BREAKER | Action.PERSON:
                await self._again(queued, self._wait_ms(message, rule, error.code), text, "waiting")
            case Action.DEAD:
                _LOG.error("message %s was refused: %s: %s", message.id, text, rule.hint)
                await self._settle(message.id, DEAD, error=text)
            case _:
                self._shun(message.person_id, rule, error.code)
                await self._settle(message.id, FAILED, error=text)

    def _wait_ms(self, message: Message, rule: Rule, code: int) -> int:
        """Make everybody, or this person, wait; return until when."""
        now_ms = self._clock.now_ms()
        if rule.action is Action.PERSON:
            return self.people.hold(message.person_id, now_ms, rule.first_s, GROWTH)
        if self.gate.close(rule, code, now_ms) and rule.slows:
            self.number.slow(now_ms)
        return self.gate.opens_ms(now_ms)

    def _shun(self, person_id: int, rule: Rule, code: int) -> None:
        if rule.shuns_s:
            _LOG.warning("person %d cannot be reached: code %d: %s", person_id, code, rule.hint)
            self.people.shun(person_id, self._clock.now_ms(), rule.shuns_s)

    async def failed_later(self, message: Message, code: int) -> bool:
        """Act on a status that says "failed" of a message Graph had taken; return whether it goes again."""
        rule, trial, now_ms = rule_for(code), self._trial(message.id), self._clock.now_ms()
        self._counters.refusals.labels(str(code)).inc()
        trial.late += 1
        match rule.action:
            case Action.RETRY | Action.HOLD:
                wait_ms = jittered_ms(rule.wait_s(trial.late), message.id, trial.late)
                trial.waits_ms = (now_ms, now_ms + wait_ms)
            case Action.PAUSE | Action.BREAKER | Action.PERSON:
                trial.waits_ms = (now_ms, self._wait_ms(message, rule, code))
            case _:
                other = trial.way.other(rule.action, message, None)
                if other is None:
                    self._shun(message.person_id, rule, code)
                    return False
                trial.way = other
        return trial.late <= MAX_LATE and await self._storage.resend(message.id, now_ms, message.expires_ms)

    async def _retry(
        self, queued: QueuedMessage, rule: Rule, text: str, outcome: str, *, limit: int | None
    ) -> None:
        message_id = queued.message.id
        trial = self._trial(message_id)
        trial.failures += 1
        if limit is not None and trial.failures >= limit:
            _LOG.error("message %s was given up after %d attempts: %s", message_id, trial.failures, text)
            await self._settle(message_id, DEAD, error=text)
            return
        wait_ms = jittered_ms(rule.wait_s(trial.failures), message_id, trial.failures)
        await self._again(queued, self._clock.now_ms() + wait_ms, text, outcome)

    async def _again(self, queued: QueuedMessage, at_ms: int, text: str | None, outcome: str) -> None:
        self._counters.sends.labels(outcome).inc()
        await self._store(queued.message.id, QUEUED, error=text, retry_ms=at_ms)

    async def _settle(self, message_id: str, state: str, **known: str) -> None:
        trial = self._trials.get(message_id)
        if trial and not trial.late:  # one that failed later may do so again
            del self._trials[message_id]
        self._counters.sends.labels(state).inc()
        await self._store(message_id, state, **known)

    async def _store(self, message_id: str, state: str, **known: Any) -> None:
        """Record an outcome; a disk that takes nothing now may do so later, and nobody else knows it."""
        while True:
            now_ms = self._clock.now_ms()
            try:
                await self._storage.settle(message_id, state, now_ms=now_ms, **known)
                return
            except Busy as error:
                _LOG.error("what became of message %s waits for the disk: %s", message_id, error)
            await self._clock.wait_until(now_ms + _STORE_AGAIN_MS)

    def _trial(self, message_id: str) -> Trial:
        if len(self._trials) >= _TRIALS_KEPT and message_id not in self._trials:
            del self._trials[next(iter(self._trials))]
        return self._trials.setdefault(message_id, Trial())


def jittered_ms(wait_s: int, message_id: str, failures: int) -> int:
    """Return `wait_s` in ms, up to 20 % more or less: by a hash, so that a simulation repeats itself."""
    draw = int.from_bytes(hashlib.sha256(f"{message_id}|{failures}".encode()).digest()[:2], "big")
    return wait_s * 1000 * (80 + 40 * draw // 0xFFFF) // 100
