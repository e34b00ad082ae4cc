"""Data that come up to two days late: the last days of an animal are folded anew, from a daily state.

All its frames since then go in as one arrival, so what comes out does not depend on the order in which they
came, nor on how often some of them were late.

Data dated over an hour ahead of what came after them were dated while the relay's clock was wrong, and count
no more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.behaviour.minutes import MINUTE_MS
from relay.model import ScoredAnimal
from relay.scoring.animal import AHEAD_MS, DAY_MIN, AnimalState, from_rows
from relay.scoring.findings import Found
from relay.scoring.hours import HOUR_MS
from relay.scoring.partition import Arrival, Folded, fold_animal, measured, usable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from relay.behaviour.minutes import Minute
    from relay.model import AnimalSnapshot, LoggedFrame
    from relay.scoring.findings import Limits, Over
    from relay.scoring.hourbuild import Health

DAY_MS = DAY_MIN * MINUTE_MS
# Without a daily state, because there was no midnight yet or an upgrade: so far back nothing is at first.
WITHOUT_DAYS = 14
# An hour may be open at midnight while its health frame is yet to come; twice the time between two of them.
_BACK_MS = 12 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Base:
    """The state of an animal when UTC day `day` (since 1970) began."""

    day: int
    state: AnimalState = field(default_factory=AnimalState)

    @property
    def start_ms(self) -> int:
        """When that day began."""
        return self.day * DAY_MS

    def covers(self, finding: Found | Over) -> bool:
        """Say whether it was found in minutes before that day: then it stays, whatever a refold finds."""
        is_last = (
            isinstance(finding, Found) and finding.at_ms == self.start_ms
        )  # sure when its minute is over
        return finding.at_ms < self.start_ms or is_last

    @property
    def read_from_ms(self) -> int:
        """The refold needs the frames that reach beyond this time."""
        return self.start_ms - _BACK_MS


def base_before(snapshots: Iterable[AnimalSnapshot], minute: int) -> Base:
    """Return the newest daily state before that minute, of one animal's; an empty one far back without any.

    Raises StateError if this code cannot read it.
    """
    by_day: dict[int, list[ScoredAnimal]] = {}
    for each in snapshots:
        row = ScoredAnimal(each.animal_id, each.scorer, each.version, each.state)
        by_day.setdefault(each.day, []).append(row)
    day = max((day for day in by_day if day * DAY_MIN <= minute), default=None)
    if day is None:
        return Base(minute // DAY_MIN - WITHOUT_DAYS)
    (state,) = from_rows(by_day[day]).values()
    return Base(day, state)


def reopen(base: Base, animal_id: int, frames: Iterable[LoggedFrame], limits: Limits, until: int) -> Folded:
    """Fold the frames of an animal since `base`, those up to cursor `until`, whatever their order.

    Its findings, labels, hours and daily states take the place of all that there are of the animal since
    `base`, but for findings that it `covers`; `partition.put` does so within a batch.
    """
    made, spent = Folded(), Folded()
    owned = {(each.device, each.boot, each.seq): each for each in frames if each.cursor <= until}
    whole = [frame for owner, frame in usable(owned.values(), spent) if owner == animal_id]
    if not whole:
        return made
    whole.sort(key=lambda each: each.cursor)
    arrival = Arrival(whole[-1].received_ms, whole[-1].farm_id)
    for _, minutes, healths in sorted(_believed(whole), key=lambda each: each[0]):
        arrival.parts += [each for each in minutes if each.minute >= base.day * DAY_MIN]
        arrival.healths += healths
    fold_animal(animal_id, base.state, [arrival], limits, made)
    made.late.clear()
    return made


def _believed(frames: list[LoggedFrame]) -> Iterator[tuple[tuple[int, ...], list[Minute], list[Health]]]:
    """Yield what frames in order of arrival tell, but for what is dated far ahead of any that came later.

    With a key that puts frames in order, whatever the order they came in.
    """
    bounds_ms = [math.inf]
    for frame in frames[:0:-1]:
        bounds_ms.append(min(bounds_ms[-1], frame.received_ms + AHEAD_MS))
    for frame, (minutes, healths), bound_ms in zip(
        frames, measured(frames), reversed(bounds_ms), strict=True
    ):
        yield (
            (frame.first_ms, frame.device, frame.boot, frame.seq),
            [each for each in minutes if each.minute * MINUTE_MS <= bound_ms],
            [each for each in healths if each.first_ms <= bound_ms],
        )
