"""Dead, or so ill that she does not stir: no movement for 90 minutes. Urgent, so it folds single minutes.

Source of the rule: domain.md 2.2, "No movement / dead": RMS below 8 mg in every minute, no chewing line, no
posture change. A chewing line of 8 mg does not exist (it is 50 mg), so stillness contains that part.

Missing data never count as stillness: the 90 are minutes with data. A gap of up to `MAX_GAP_MIN` is bridged,
a longer one starts the count anew, unless the alert is out already: then only movement ends the episode, so
that a carcass with bad radio is reported once. A collar on a hook is as still as a dead cow; nothing in the
windows tells them apart.

Minutes that a collar sent as minute records count like those of windows, by the bounds of
`relay.behaviour.coarse`. Codes say only what a minute looked like: grazing and walking are movement, and
everything else is a minute without data, neither still nor moved.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.behaviour.minutes import MINUTE_MS, WINDOWS
from relay.scoring.findings import Found, Over, must_be_version
from relay.scoring.hours import STILL_MG
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.behaviour.minutes import Minute
    from relay.scoring.findings import Limits

KIND = Kind("no_movement", Tier.URGENT, useful_h=24, within_h=6)
VERSION = 3
_WITH_USUAL = 2  # the version before: behind the rest what motion was usual, ten bytes
# 11 or 12 windows start in a minute; up to three of them may be the dating's hole between two frames of a
# slow chip.
MIN_WINDOWS = 8

# Gravity of one cow lying and standing differs by 7 to 24 degrees (domain.md 0.4); 100 mg is 5.7 degrees, and
# warming a chip by 20 K moves its zero by at most 20 mg (domain.md 6.6).
POSTURE_MG = 100
# A minute record has no z but its sign: z that is worked out is far off where it is small, and its sign is
# noise there. 300 mg is more than the zero offset of any of the chips.
_SURE_Z_MG = 300
MAX_GAP_MIN = 15  # one lost upload

_LAYOUT = struct.Struct("<qqqHhhh??")
_USUAL_BYTES = 10
_NEVER = -(1 << 63)


@dataclass(frozen=True, slots=True)
class State:
    """The open run of still minutes, if any, and when she last moved. Minutes count from 1970."""

    onset: int | None = None  # first still minute of the run
    newest: int | None = None  # its newest minute with enough windows
    moved: int | None = None  # last minute with movement
    still_min: int = 0
    gravity_mg: tuple[int, int, int] = (0, 0, 0)  # when the run began
    is_z_coarse: bool = False  # of that gravity
    raised: bool = False


def step_minutes(state: State, minutes: Iterable[Minute], limits: Limits) -> tuple[State, list[Found | Over]]:
    """Fold minutes, each later than all before; report runs of `limits.no_movement_min`, and their ends."""
    found: list[Found | Over] = []
    moved = None
    for minute in minutes:
        # Nearly every minute of a living cow is such a one: it may not cost a state.
        if state.onset is None and minute.motion_max_mg > STILL_MG:
            moved = minute.minute
            continue
        if moved is not None:
            state, moved = State(moved=moved), None
        state, finding = _step(state, minute, limits)
        if finding is not None:
            found.append(finding)
    return state if moved is None else State(moved=moved), found


def _step(state: State, minute: Minute, limits: Limits) -> tuple[State, Found | Over | None]:
    if minute.motion_max_mg > STILL_MG:
        return _moved(state, minute.minute)
    if minute.windows < MIN_WINDOWS:
        return state, None
    # Once it is out only movement ends it: a strap that slips turns the collar of a carcass, too.
    if not state.raised and _turned(state, minute):
        return _moved(state, minute.minute)
    return _still(state, minute, limits.no_movement_min)


def _moved(state: State, minute: int) -> tuple[State, Over | None]:
    over = None
    if state.raised and state.onset is not None:
        over = Over(KIND.name, state.onset * MINUTE_MS, minute * MINUTE_MS)
    return State(moved=minute), over


def _turned(state: State, minute: Minute) -> bool:
    if state.onset is None:
        return False
    now, then = minute.gravity_mg, state.gravity_mg
    if minute.form == WINDOWS and not state.is_z_coarse:
        return _apart(now, then)
    is_over = now[2] * then[2] < 0 and min(abs(now[2]), abs(then[2])) > _SURE_Z_MG
    return is_over or _apart(now[:2], then[:2])


def _apart(now: Sequence[int], then: Sequence[int]) -> bool:
    return sum((a - b) ** 2 for a, b in zip(now, then, strict=True)) > POSTURE_MG**2


def _still(state: State, minute: Minute, limit_min: int) -> tuple[State, Found | None]:
    state = _extended(state, minute)
    if state.raised or state.still_min < limit_min or state.onset is None:
        return state, None
    evidence = _evidence(state, minute.minute + 1 - state.onset, limit_min)
    found = Found(KIND.name, state.onset * MINUTE_MS, (minute.minute + 1) * MINUTE_MS, evidence)
    return replace(state, raised=True), found


def _extended(state: State, minute: Minute) -> State:
    gap_min = 0 if state.newest is None else minute.minute - state.newest - 1
    if state.onset is None or (gap_min > MAX_GAP_MIN and not state.raised):
        return replace(
            state,
            onset=minute.minute,
            newest=minute.minute,
            still_min=1,
            gravity_mg=minute.gravity_mg,
            is_z_coarse=minute.form != WINDOWS,
            raised=False,
        )
    # Once raised nobody reads the count; stopping it keeps a forgotten collar's state within its field.
    still_min = state.still_min if state.raised else state.still_min + 1
    return replace(state, newest=minute.minute, still_min=still_min)


def _evidence(state: State, since_onset_min: int, limit_min: int) -> dict[str, object]:
    return {
        "still_min": state.still_min,
        "missing_min": since_onset_min - state.still_min,
        "limit_mg": STILL_MG,
        "last_movement_ms": None if state.moved is None else state.moved * MINUTE_MS,
        "trace": [["minutes with data, all still", state.still_min, limit_min]],
    }


def encode(state: State) -> bytes:
    """Return 34 bytes."""
    times = [_NEVER if value is None else value for value in (state.onset, state.newest, state.moved)]
    return _LAYOUT.pack(*times, state.still_min, *state.gravity_mg, state.is_z_coarse, state.raised)


def decode(data: bytes, version: int) -> State:
    """Return what `encode` was given. Raises StateError for another version, struct.error for other bytes."""
    if version == _WITH_USUAL:
        data, version = data[:-_USUAL_BYTES], VERSION
    must_be_version(KIND.name, version, VERSION)
    onset, newest, moved, still_min, x, y, z, *rest = _LAYOUT.unpack(data)
    onset, newest, moved = (None if value == _NEVER else value for value in (onset, newest, moved))
    return State(onset, newest, moved, still_min, (x, y, z), *rest)
