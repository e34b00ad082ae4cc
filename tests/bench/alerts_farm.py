"""A virtual farm as the scorers meet it: minutes to hours, scored by the hour, and when a finding is known.

Everything a farm records is noted when it happens, what lies before the start at the start, and a due date
when a cow is checked, 35 days after she conceived. The weather is that of the farm's own station. How many
days a battery lasts is given: no minute tells it.

Hours are stepped once, on all that ever comes of them, so coverage changes when a finding is known, not what
is found: it is known when the hour is stepped and the animal's own data of it are there, since data that come
later reopen the hour. While an hour is open the relay looks at it with every upload; here it is looked at
again, in steps, if it turns out that there was something to see at its end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from relay.model import LifeEvent
from relay.scoring import herd, hours, kinds
from relay.scoring.findings import Found, Over
from relay.scoring.lives import Lives
from simulator.battery import HEALTH_EVERY_H, days_left
from simulator.lives.happening import ENDS
from simulator.plan.routine import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.truth import matching
from simulator.vendor import Vendor
from simulator.virtual_herd import VirtualHerd
from tests.bench.alerts_alarm import alarm_of, stage_of
from tests.bench.alerts_learning import Learner
from tests.bench.alerts_minutes import Watch
from tests.bench.alerts_reach import LABEL_LAG_MIN, NEVER_MS, reach
from tests.bench.herd_rules import BLOCK_H

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from relay.scoring.view import View
    from simulator.lives.happening import History
    from simulator.minutes import Minutes
    from simulator.truth import TruthRow
    from tests.bench.alerts_alarm import Alarm
    from tests.bench.alerts_learning import Told
    from tests.bench.alerts_reach import Reach

GESTATION_MS, CHECKED_MS = 280 * DAY_MS, 35 * DAY_MS
TICK_MIN = 5  # how often an open hour is looked at
HOURS = 24


@dataclass
class Lived:
    """A farm of n cows over some days, and what was told of it.

    `rows` (n, hours); `alarms` by coverage; `swept`: heats told, by what was added to their threshold;
    `may_heat` (n, hours): cows that the heat scorer looks at; `activity` (n, blocks): a vendor's counts;
    `learnt`: with a farmer who answers, and with one who does not; `cpu_s`: of all scorers, from minutes on.
    """

    seed: int
    days: int
    rows: hours.Hours
    truth: list[TruthRow]
    histories: tuple[History, ...]
    numbers: list[str]
    alarms: dict[str, list[Alarm]]
    swept: dict[float, list[Alarm]]
    may_heat: NDArray[np.bool_] | None
    activity: NDArray[np.float64] | None
    learnt: tuple[list[Told], list[Told]] | None
    cpu_s: float

    @property
    def cows(self) -> int:
        """How many cows there are."""
        return len(self.numbers)

    @property
    def ends_ms(self) -> list[int]:
        """When each cow's life on the farm ends, or the days do."""
        end_ms = self.days * DAY_MS
        return [
            min([end_ms, *(each.onset_ms for each in history.happenings if each.kind in ENDS)])
            for history in self.histories
        ]


def live(
    path: Path | None,
    seed: int,
    cows: int,
    days: int,
    *,
    profiles: Sequence[str] = (),
    sweep: Sequence[float] = (),
    counts: bool = False,
    learns: bool = False,
) -> Lived:
    """Live through a herd and score it. `profiles`: coverage beside the herd file's own ("" in `alarms`).

    `sweep`: what to add to the heat threshold, each in a run of that scorer beside. `counts`: the vendor's.
    `learns`: a farmer answers, too.
    """
    made = VirtualHerd(path, seed=seed, cows=cows, days=days)
    own = reach(made)
    fold = _Fold(made, own, sweep, learns=learns)
    vendor = Vendor(made.model, seed, cows, BLOCK_H) if counts else None
    counted = []
    for day in range(days):
        fold.day(made.minutes(day))
        if vendor:
            counted.append(vendor.day(made.day(day)))
    alarms = {"": fold.alarms(own)}
    for profile in profiles:
        alarms[profile] = fold.alarms(reach(made, profile))
    return Lived(
        seed, days, np.concatenate(fold.rows, axis=1), made.truth, made.histories,
        [made.number(cow) for cow in range(cows)], alarms, fold.swept(own),
        fold.may_heat(), np.concatenate(counted, axis=1) if counted else None, fold.learnt, fold.cpu_s,
    )  # fmt: skip


class _Fold:
    def __init__(self, made: VirtualHerd, own: Reach, sweep: Sequence[float], *, learns: bool) -> None:
        self.rows: list[hours.Hours] = []
        self.cpu_s = 0.0
        self._made, self._reach = made, own
        self._facts = facts_of(made)
        self._state = herd.start(self._facts.animals, 0)
        self._kept, self._watch = Kept(), Watch(made.cows)
        self._sweep = _Sweep(made.cows, sweep) if sweep else None
        self._was_right = partial(_was_right, made.number, made.truth)
        self._learner = Learner(made.cows, made.seed, self._was_right) if learns else None
        self._peeking = frozenset(each.KIND.name for each in kinds.hourly() if hasattr(each, "peek"))

    def day(self, minutes: Minutes) -> None:
        """Take in a day; days come in order."""
        began_s = time.process_time()
        rows = _hours_of(minutes, minutes.windows)
        self.cpu_s += time.process_time() - began_s + self._watch.day(minutes)
        _tell_batteries(rows, self._made, minutes.day)
        self.rows.append(rows)
        for hour in range(HOURS):
            self._hour(minutes, hour, rows[:, hour])

    def _hour(self, minutes: Minutes, hour: int, rows: hours.Hours) -> None:
        before, number = self._state, self._state.number + 1
        began_s = time.process_time()
        self._state, findings = herd.step(before, rows, self._facts)
        self.cpu_s += time.process_time() - began_s
        if any(isinstance(each, Found) and each.kind in self._peeking for each in findings):
            for at_ms, open_rows in self._open(minutes, hour):
                self._kept.take(herd.peek(before, open_rows, self._facts), number, at_ms)
        self._kept.take(findings, number)
        if self._sweep or self._learner:
            self._beside(herd.look(before.usual, number, rows, self._facts)[0])

    def _beside(self, view: View) -> None:
        if self._sweep:
            self._sweep.step(view)
        if self._learner:
            self._learner.step(view)

    def _open(self, minutes: Minutes, hour: int) -> Iterator[tuple[int, hours.Hours]]:
        """Yield what was known of an hour while it was open, by ticks."""
        first, span = minutes.day * 1440 + hour * 60, slice(hour * 60, hour * 60 + 60)
        here_ms = self._reach.at_ms[:, first + 1 : first + 61]  # a minute is sent when it is over
        for tick in range(TICK_MIN, 60, TICK_MIN):
            now_ms = (first + tick) * MINUTE_MS
            seen = np.where(here_ms <= now_ms, minutes.windows[:, span], 0)
            yield now_ms, _hours_of(minutes, seen, span)[:, 0]

    def alarms(self, covered: Reach) -> list[Alarm]:
        """Return what was told, first known first, under this coverage."""
        by_hour = _dated(self._kept.alarms(is_open_seen=covered is self._reach), covered)
        by_minute = [
            each._replace(known_ms=covered.of(each.cow or 0, each.at_ms)) for each in _of_watch(self._watch)
        ]
        return sorted([*by_hour, *by_minute], key=lambda each: each.known_ms)

    def swept(self, covered: Reach) -> dict[float, list[Alarm]]:
        """Return heats told at other thresholds."""
        kept = self._sweep.kept if self._sweep else {}
        return {offset: _dated(each.alarms(), covered) for offset, each in kept.items()}

    def may_heat(self) -> NDArray[np.bool_] | None:
        """Return (n, hours): whom the heat scorer looks at."""
        return np.stack(self._sweep.eligible, axis=1) if self._sweep else None

    @property
    def learnt(self) -> tuple[list[Told], list[Told]] | None:
        """What the kinds that learn told with a farmer who answers, and without."""
        if self._learner is None:
            return None
        alike = [
            each for each in self._kept.alarms() if each.kind in self._learner.kinds and not each.is_update
        ]
        without = [(each.kind, each.cow or 0, each.at_ms, self._was_right(each)) for each in alike]
        return self._learner.told, without


def _dated(alarms: Iterable[Alarm], covered: Reach) -> list[Alarm]:
    """Return them as known when their hour is stepped and the animal's own data of it are in."""
    stepped_ms = covered.stepped_ms()
    return [
        each if each.known_ms else each._replace(known_ms=_known_ms(each, stepped_ms, covered))
        for each in alarms
    ]


def _known_ms(alarm: Alarm, stepped_ms: NDArray[np.int64], covered: Reach) -> int:
    known_ms = int(stepped_ms[alarm.hour])
    if alarm.cow is None:
        return known_ms
    own_ms = covered.of(alarm.cow, (alarm.hour + 1) * HOUR_MS + LABEL_LAG_MIN * MINUTE_MS)
    return max(known_ms, own_ms) if own_ms < NEVER_MS else known_ms


class Kept:
    """Findings, each once, the first time that it is known; with its end, where that is told."""

    def __init__(self) -> None:
        self._first: dict[tuple[Any, ...], Alarm] = {}
        self._ends: dict[tuple[Any, ...], int] = {}
        self._peeked: dict[tuple[Any, ...], tuple[Any, ...]] = {}  # hour, kind, cow, stage -> its key

    def alarms(self, *, is_open_seen: bool = True) -> list[Alarm]:
        """Return all of them; `known_ms` 0: with their hour."""
        return [
            each._replace(over_ms=self._ends.get(key[:3]), known_ms=each.known_ms if is_open_seen else 0)
            for key, each in self._first.items()
        ]

    def take(self, findings: Iterable[Found | Over], hour: int = -1, known_ms: int = 0) -> None:
        """Take what was found out in an hour, at `known_ms` while it was open.

        What is found once more when the hour is over, with another onset, is the same event.
        """
        for each in findings:
            cow = None if each.animal is None else each.animal - 1
            key = (each.kind, cow, each.onset_ms)
            if not isinstance(each, Found):
                self._ends[key] = each.at_ms
                continue
            place = (hour, each.kind, cow, stage_of(each))
            seen = self._peeked.get(place) if known_ms else self._peeked.pop(place, None)
            if known_ms and seen is None:
                self._peeked[place] = (*key, stage_of(each))
            elif seen is not None:
                alarm = self._first.pop(seen)._replace(onset_ms=each.onset_ms)
                self._first[(*key, stage_of(each))] = alarm
                if known_ms:
                    self._peeked[place] = (*key, stage_of(each))
                continue
            self._first.setdefault((*key, stage_of(each)), alarm_of(each, hour, known_ms))


class _Sweep:
    """The heat scorer alone at other thresholds, on the very views that the farm's fold makes."""

    def __init__(self, cows: int, offsets: Sequence[float]) -> None:
        from relay.scoring.kinds import heat

        self._heat = heat
        self._states = {offset: heat.start(cows) for offset in offsets}
        self.kept = {offset: Kept() for offset in offsets}
        self.eligible: list[NDArray[np.bool_]] = []

    def step(self, view: View) -> None:
        """Take in an hour."""
        self.eligible.append(self._heat.eligible(view))
        for offset, own in self._states.items():
            moved = replace(view, offsets={"heat": np.full(len(view.animals), offset)})
            self._states[offset], findings = self._heat.step(own, moved)
            self.kept[offset].take(findings, view.number)


def _was_right(number: Callable[[int], str], truth: Sequence[TruthRow], found: Alarm) -> bool:
    """Say whether what was found was so, when it was found: what a farmer sees who goes there."""
    animal = "" if found.cow is None else number(found.cow)
    for row in truth:
        if row.animal == animal and matching()[row.kind].alert == found.kind:
            low, high = matching()[row.kind].span_ms(row)
            if low <= found.at_ms <= high:
                return True
    return False


def _of_watch(watch: Watch) -> list[Alarm]:
    kept = Kept()
    for cow, each in watch.findings:
        kept.take([replace(each, animal=cow + 1)])
    return kept.alarms()


def _hours_of(minutes: Minutes, windows: NDArray[np.uint8], span: slice = slice(None)) -> Any:
    return hours.of_minutes(
        minutes.told[:, span], windows, minutes.motion_mg[:, span], minutes.motion_max_mg[:, span],
        minutes.gravity_mg[:, span],
    )  # fmt: skip


def _tell_batteries(rows: hours.Hours, made: VirtualHerd, day: int) -> None:
    """Write how many days each battery lasts yet, as the collars' health frames tell."""
    for cow in range(made.cows):
        for hour in range(cow % HEALTH_EVERY_H, HOURS, HEALTH_EVERY_H):
            rows["days_left"][cow, hour] = days_left(made, cow, day * HOURS + hour)


def life_events(made: VirtualHerd) -> Iterator[LifeEvent]:
    """Yield what the farm records of its cows, and when it knows it; a cow's id is her place + 1."""
    for history in made.histories:
        for each in history.life_events:
            noted_ms = each.at_ms - GESTATION_MS + CHECKED_MS if each.kind == "due" else each.at_ms
            yield LifeEvent(history.cow + 1, each.kind, each.at_ms, max(noted_ms, 0))


def facts_of(made: VirtualHerd) -> herd.Facts:
    """Return what the farm says beside its collars."""
    animals = tuple(range(1, made.cows + 1))
    by_hour = np.concatenate([made.weather.thi_by_hour(day) for day in range(made.days)])
    return herd.Facts(
        animals=animals,
        group=np.array([history.group for history in made.histories]),
        lives=Lives(animals, life_events(made)),
        thi=dict(enumerate(by_hour.tolist())),
    )
