"""Scoring over SQLite; ports_scores.py says what each method does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.storage import events, frames, history, scores
from relay.storage.sqlite_calls import SqliteCalls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import (
        AnimalLabels,
        AnimalSnapshot,
        Event,
        FarmState,
        HourRecord,
        Judged,
        LoggedFrame,
        Message,
        ScoredAnimal,
    )


class SqliteScores(SqliteCalls):
    """The port Scores."""

    async def cursor(self, partition: int) -> int:
        return await self._read(scores.cursor, partition)

    async def states(self, partition: int) -> list[ScoredAnimal]:
        return await self._read(scores.states, partition)

    async def commit_scores(  # noqa: PLR0913 - the port's signature
        self,
        partition: int,
        token: int,
        cursor: int,
        states: Sequence[ScoredAnimal],
        events: Sequence[Event],
        messages: Sequence[Message],
        labels: Sequence[AnimalLabels] = (),
        *,
        hours: Sequence[HourRecord] = (),
        snapshots: Sequence[AnimalSnapshot] = (),
        farm_states: Sequence[FarmState] = (),
    ) -> None:
        step = scores.Step(states, events, messages, labels, hours, snapshots, farm_states)
        await self._write(scores.commit, self._vault, (partition, token), cursor, step)

    async def frames_of(self, animal_id: int, from_ms: int, until_ms: int) -> list[LoggedFrame]:
        return await self._read(frames.of_animal, animal_id, from_ms, until_ms)

    async def hours(self, farm_id: int, from_hour: int, until_hour: int) -> list[HourRecord]:
        return await self._read(history.hours, farm_id, from_hour, until_hour)

    async def hours_of(
        self, farm_id: int, animal_id: int, from_hour: int, until_hour: int
    ) -> list[HourRecord]:
        return await self._read(history.hours_of, farm_id, animal_id, from_hour, until_hour)

    async def snapshots(self, animal_id: int) -> list[AnimalSnapshot]:
        return await self._read(history.snapshots, animal_id)

    async def farm_states(self, partition: int) -> list[FarmState]:
        return await self._read(history.farm_states, partition)

    async def event(self, event_id: str) -> Event | None:
        return await self._read(events.event, event_id)

    async def events(self, farm_id: int, limit: int) -> list[Event]:
        return await self._read(events.events, farm_id, limit)

    async def standing(self, farm_id: int, since_ms: int) -> list[Event]:
        return await self._read(events.standing, farm_id, since_ms)

    async def farm_events(self, farm_id: int, since_ms: int) -> list[Event]:
        return await self._read(events.farm_events, farm_id, since_ms)

    async def judge(self, event_id: str, person_id: int, verdict: str, at_ms: int, reason: str = "") -> bool:
        return await self._write(events.judge, event_id, person_id, verdict, at_ms, reason)

    async def judged(self, farm_id: int, kind: str | None, since_ms: int) -> list[Judged]:
        return await self._read(events.judged, farm_id, kind, since_ms)
