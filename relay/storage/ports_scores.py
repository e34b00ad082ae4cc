"""The port of scoring: what it reads, what one step of it leaves behind, and what people say of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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


class Scores(Protocol):
    """Cursors, states, hours, events and judgements."""

    async def cursor(self, partition: int) -> int: ...
    async def states(self, partition: int) -> list[ScoredAnimal]: ...
    async def commit_scores(  # noqa: PLR0913 - one transaction of many parts, each named where it is called
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
        """Store all of it together or nothing; the same again changes nothing.

        Events that exist already take the new state, over_ms, thread, tier, stage and evidence, and keep the
        rest; messages that exist are left as they are. Labels take the place of all that the animal has from
        their first minute to two days behind their last; they name no animal twice.

        Hours, snapshots and farm states take the place of those of the same time. The newest of them in this
        commit says what is kept: hours of an animal for 35 days behind it; daily snapshots of an animal for
        3 days and none ahead of it; states of a farm for 6 hours, those of UTC midnight for 3 days, and none
        ahead of it.

        `token` is the fencing token of the lease; a commit with an older one than the store has seen raises
        StaleLease, and so does a cursor behind the stored one.
        """

    async def frames_of(self, animal_id: int, from_ms: int, until_ms: int) -> list[LoggedFrame]:
        """Return the frames that an animal wore the collar for and whose records may overlap that span.

        Ordered by cursor; the end is excluded. A collar's whole log is looked through: for a refold, not for
        every step.
        """

    async def hours(self, farm_id: int, from_hour: int, until_hour: int) -> list[HourRecord]:
        """Return the hours of a farm's animals in that span (since 1970, the end excluded).

        Ordered by hour, then by animal.
        """

    async def hours_of(
        self, farm_id: int, animal_id: int, from_hour: int, until_hour: int
    ) -> list[HourRecord]:
        """Return the hours of one animal likewise; nothing for another farm's animal."""

    async def snapshots(self, animal_id: int) -> list[AnimalSnapshot]:
        """Return the daily states of an animal, oldest day first, then by scorer."""

    async def farm_states(self, partition: int) -> list[FarmState]:
        """Return the kept states of all farms of a partition, ordered by farm, then oldest hour first."""

    async def event(self, event_id: str) -> Event | None: ...
    async def events(self, farm_id: int, limit: int) -> list[Event]:
        """Return a farm's newest events, newest onset first."""

    async def standing(self, farm_id: int, since_ms: int) -> list[Event]:
        """Return a farm's events detected since then that are not withdrawn, oldest detection first."""

    async def farm_events(self, farm_id: int, since_ms: int) -> list[Event]:
        """Return a farm's events detected since then, also the withdrawn ones, oldest detection first."""

    async def judge(self, event_id: str, person_id: int, verdict: str, at_ms: int, reason: str = "") -> bool:
        """Record one of VERDICTS; False if this person said the same already.

        Who says the same with a reason, one of REASONS, or after having said the contrary, is heard again.
        So is who snoozes again later. What is acknowledged again is dated anew, and so is any answer that is
        given again to a later stage of the event (evidence stage_ms).
        """

    async def judged(self, farm_id: int, kind: str | None, since_ms: int) -> list[Judged]:
        """Return what people said since then, oldest first: of each event the newest verdict.

        `kind` None: of every kind. "false_alarm" is wrong; "acknowledged" and "snoozed" judge nothing.
        """
