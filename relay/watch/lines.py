"""One farm's collars: which of them fell silent alone, and which together, because their line did."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.watch.parts import COLLAR, LINE, Line, Note, Part, State, step_part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from relay.watch.parts import Limits, Worn

_MOST_PERCENT = 60  # so many of a farm's collars silent at once are one fault
_BACK_PERCENT = 50  # so many of them back, and it is over; who still lacks is told alone
_HERD = 3  # collars; a gap of fewer says nothing about the line


@dataclass(frozen=True, slots=True)
class _Farm:
    """What one step looks at: `last` is when each collar was heard last."""

    now_ms: int
    farm_id: int
    limits: Limits
    worn: dict[int, Worn]
    last: dict[int, int]

    def age_ms(self, device: int) -> int:
        return self.now_ms - self.last[device]

    def is_late(self, device: int) -> bool:
        return self.age_ms(device) >= self.limits.late_ms(self.worn[device].expected_ms)

    def next_due_ms(self, device: int, after_ms: int) -> int:
        """Return when its first upload behind `after_ms` is due if it keeps its rhythm."""
        expected_ms = self.worn[device].expected_ms
        return self.last[device] + ((after_ms - self.last[device]) // expected_ms + 1) * expected_ms


def step_farm(
    state: State,
    now_ms: int,
    farm_id: int,
    herd: Sequence[Worn],
    heard: Mapping[int, int],
    limits: Limits,
) -> tuple[State, list[Note]]:
    """Judge one farm. `heard`: when each collar was. `collars` of the new state holds this farm's alone."""
    parts = {worn.device: state.collars.get(worn.device) or Part(heard[worn.device]) for worn in herd}
    last = {device: min(max(part.last_ms, heard.get(device, 0)), now_ms) for device, part in parts.items()}
    farm = _Farm(now_ms, farm_id, limits, {worn.device: worn for worn in herd}, last)
    lines, notes = _step_lines(farm, state.lines)
    taken = frozenset[int]().union(*(line.members for line in lines if line.farm_id == farm_id))
    pool = [device for device, part in parts.items() if part.told_ms is None and device not in taken]
    quiet = dict(state.quiet)
    if now_ms >= state.deaf_until_ms:
        quiet[farm_id] = max(quiet.get(farm_id, 0), _quiet_until_ms(farm, pool))
        fallen, held = _fallen(farm, pool, only_whole=now_ms < quiet[farm_id])
        taken |= held
        if fallen:
            lines.append(fallen)
            notes.append(_note(farm, fallen))
    holds_still = now_ms < max(state.deaf_until_ms, quiet.get(farm_id, 0))
    collars = {}
    for device, part in parts.items():
        if part.told_ms is None and (holds_still or device in taken):
            collars[device] = Part(last[device])
            continue
        collars[device], told = _step_collar(farm, device, part)
        notes += told
    return replace(state, collars=collars, lines=tuple(lines), quiet=quiet), notes


def _step_collar(farm: _Farm, device: int, part: Part) -> tuple[Part, list[Note]]:
    limits, expected_ms = farm.limits, farm.worn[device].expected_ms
    after, change = step_part(
        part, farm.last[device], farm.now_ms, limits.silent_ms(expected_ms), limits.late_ms(expected_ms),
        limits.good_ms - limits.period_ms + expected_ms,
    )  # fmt: skip
    if change is None:
        return after, []
    return after, [Note(COLLAR, change.since_ms, farm.now_ms, change.back_ms, farm.farm_id, device, 1)]


def _step_lines(farm: _Farm, lines: Iterable[Line]) -> tuple[list[Line], list[Note]]:
    kept, notes = [], []
    for line in lines:
        after: Line | None = line
        if line.farm_id == farm.farm_id:
            after = _step_line(farm, line)
            if after is None:
                notes.append(_note(farm, line, line.back_ms))
        if after is not None:
            kept.append(after)
    return kept, notes


def _step_line(farm: _Farm, line: Line) -> Line | None:
    """Return the line as it is now, None if it is over."""
    members = line.members & farm.worn.keys()
    if not members:
        return replace(line, members=members)
    back = [device for device in members if farm.last[device] > line.since_ms and not farm.is_late(device)]
    if 100 * len(back) < _BACK_PERCENT * len(members):
        return replace(line, members=members, back_ms=None)
    back_ms = line.back_ms or farm.now_ms
    is_over = farm.now_ms - back_ms >= farm.limits.good_ms
    return None if is_over else replace(line, members=members, back_ms=back_ms)


def _note(farm: _Farm, line: Line, back_ms: int | None = None) -> Note:
    return Note(LINE, line.since_ms, farm.now_ms, back_ms, farm.farm_id, None, len(line.members))


def _fallen(farm: _Farm, pool: Sequence[int], *, only_whole: bool) -> tuple[Line | None, frozenset[int]]:
    """Return the line that is silent now, if one is, and which collars may be about to be part of one.

    It is that of the whole farm, or else of most of it, or of what comes one way. `only_whole`: the farm had
    a gap, so that those who are silent may still be on their way back.
    """
    ways = defaultdict(list)
    for device in pool:
        ways[farm.worn[device].via].append(device)
    herds = [pool, *(ways[via] for via in sorted(ways))] if len(ways) > 1 else [pool]
    held = frozenset[int]()
    for herd in herds:
        late = _most(farm, herd)
        for together in (frozenset(herd), frozenset[int]() if only_whole else late):
            if len(together) > 1 and _is_silent(farm, together):
                return Line(farm.farm_id, _newest(farm, together)[0], together), together
        held |= late
    return None, held


def _most(farm: _Farm, herd: Sequence[int]) -> frozenset[int]:
    """Return those that are late if they are most of a herd."""
    late = frozenset(device for device in herd if farm.is_late(device))
    return late if len(late) > 1 and 100 * len(late) >= _MOST_PERCENT * len(herd) else frozenset()


def _is_silent(farm: _Farm, together: frozenset[int]) -> bool:
    newest_ms, due_ms = _newest(farm, together)
    beyond_ms = max(0, due_ms - newest_ms - farm.limits.slack_ms)
    return farm.now_ms - newest_ms >= farm.limits.after_ms + beyond_ms


def _newest(farm: _Farm, herd: Collection[int]) -> tuple[int, int]:
    """Return when any of them was heard last, and when the first upload after that is due."""
    newest_ms = max(farm.last[device] for device in herd)
    return newest_ms, min(farm.next_due_ms(device, newest_ms) for device in herd)


def _quiet_until_ms(farm: _Farm, pool: Sequence[int]) -> int:
    """Return until when collars may be on their way back from a gap of the whole herd, 0 without one."""
    if len(pool) < _HERD:
        return 0
    newest_ms, due_ms = _newest(farm, [device for device in pool if not farm.is_late(device)] or pool)
    if farm.now_ms < due_ms + farm.limits.slack_ms:
        return 0
    return farm.now_ms + min(farm.now_ms - newest_ms, farm.limits.after_ms) + farm.limits.slack_ms
