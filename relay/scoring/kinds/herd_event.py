"""The herd runs: a dog, a stranger, an open gate. Urgent, told of the farm, and looked for in the open hour.

Rule after domain.md 2.2 ("Herd event"), with what an hour's record holds: animals that are startled in two of
four minutes, and were not in the ten before, are counted by group; an event is `LEAST_ANIMALS` and
`LEAST_SHARE` of the group, and clearly more than this herd usually has (milkings, feed and walks start
together too, but over many minutes). The rule's 30 % is of animals that run; about half of those are above
`STARTLED_MG`, as real trotting is no stronger than grazing (domain.md 6.5). Coming from rest tells them from
those that eat. Three animals, as proposed there, are often startled together by chance where cows live in
groups of eight: 3 false alerts per cow-year of virtual cows; four are not. So half of the events that touch
few animals are not seen. At most one event in two hours.

evidence: animals; herd (of the group); share_percent; usual_percent (the most this herd had lately); minute
(UTC, of the hour); one_of_them (an animal of the group: the others' alerts are not muted); trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.behaviour.minutes import MINUTE_MS
from relay.scoring import groups
from relay.scoring.baseline import COVERED, trailing
from relay.scoring.findings import Found, Over
from relay.scoring.hours import HOUR_MIN
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

    Flags = NDArray[np.bool_]

KIND = Kind("herd_event", Tier.URGENT, is_herd=True, useful_h=2, within_h=1)
VERSION = 1
LEAST_ANIMALS, LEAST_SHARE = 4, 0.16
AGAIN_MIN = 120
_MOST_SHARE = 0.5
_WITHIN_MIN, _BEFORE_MIN, _TIMES = 4, 10, 2
_KEPT_MIN = _WITHIN_MIN + _BEFORE_MIN
_MARGIN = 0.03
_FORGETS = 0.998  # an hour: half in two weeks
_LEARNS = 0.03  # the most by which one hour moves what is usual
_PRESENT_H = 6


class State(NamedTuple):
    """`before` (n,): the last minutes of the hour before, startled or not, as bits, oldest first.

    `usual` (n,): the greatest share of her group that was startled lately. `herd_told` (1,): minute (since
    1970) in which the newest event began; `herd_open` (1,): it is not over.
    """

    before: NDArray[np.uint16]
    usual: NDArray[np.float32]
    herd_told: NDArray[np.int32]
    herd_open: Flags


class Group(NamedTuple):
    """One group in an hour. `places` of its animals; `herd`: how many are there; `most`: its usual share.

    `counts` (60,): animals startled anew, by minute; `startled` (animals, kept minutes + 60): all that are.
    """

    places: NDArray[np.intp]
    herd: int
    most: float
    counts: NDArray[np.intp]
    startled: Flags


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    told = np.full(1, -AGAIN_MIN, np.int32)
    return State(np.zeros(count, np.uint16), np.zeros(count, np.float32), told, np.zeros(1, np.bool_))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    groups = _groups(state, view)
    found = _first(groups, int(state.herd_told[0]), view)
    over = state.herd_open[0] and found is None
    out: list[Found | Over] = [] if found is None else [found]
    if over:
        out.append(Over(KIND.name, int(state.herd_told[0]) * MINUTE_MS, view.at_ms))
    told = state.herd_told if found is None else np.full(1, found.onset_ms // MINUTE_MS, np.int32)
    usual = state.usual.copy()
    for each in groups:
        share = float(each.counts.max()) / each.herd
        usual[each.places] = max(each.most * _FORGETS, min(share, each.most + _LEARNS))
    tail = (view.rows["startled"] >> np.uint64(HOUR_MIN - _KEPT_MIN)).astype(np.uint16)
    return State(tail, usual, told, np.full(1, found is not None)), out


def peek(state: State, view: View) -> list[Found | Over]:
    """Look at the hour that is still open: what `step` would find in it."""
    found = _first(_groups(state, view), int(state.herd_told[0]), view)
    return [] if found is None else [found]


def _groups(state: State, view: View) -> list[Group]:
    """Return the groups that have at least LEAST_ANIMALS in this hour or lately."""
    present = trailing(view.usual, view.number, COVERED, _PRESENT_H)[1] > 0
    minutes = np.concatenate([_bits(state.before, _KEPT_MIN), _bits(view.rows["startled"], HOUR_MIN)], axis=1)
    sums = np.zeros((len(minutes), minutes.shape[1] + 1), np.int16)
    np.cumsum(minutes, axis=1, out=sums[:, 1:])
    lately = sums[:, _KEPT_MIN + 1 :] - sums[:, _BEFORE_MIN + 1 : -_WITHIN_MIN]
    earlier = sums[:, _BEFORE_MIN + 1 : -_WITHIN_MIN] - sums[:, 1:-_KEPT_MIN]
    runs = (lately >= _TIMES) & (earlier == 0) & present[:, None]
    out = []
    for places in groups.places(view.group):
        herd = int(present[places].sum())
        if herd >= LEAST_ANIMALS:
            most = float(state.usual[places].max())
            out.append(Group(places, herd, most, runs[places].sum(axis=0), minutes[places]))
    return out


def _bits(words: NDArray[np.unsignedinteger], count: int) -> Flags:
    """Return (n, `count`): bit k of each word."""
    wide = words.astype(words.dtype.newbyteorder("<")).reshape(-1, 1)
    return np.unpackbits(wide.view(np.uint8), axis=1, count=count, bitorder="little").view(np.bool_)


def _first(groups: list[Group], told: int, view: View) -> Found | None:
    """Return the first event of the hour, if the one before is long enough ago."""
    earliest: tuple[int, Group] | None = None
    for each in groups:
        fires = np.flatnonzero(each.counts >= max(LEAST_ANIMALS, _least_share(each) * each.herd))
        late = told + AGAIN_MIN - view.number * HOUR_MIN
        fires = fires[fires >= late]
        if fires.size and (earliest is None or fires[0] < earliest[0]):
            earliest = int(fires[0]), each
    return None if earliest is None else _found(*earliest, view)


def _least_share(group: Group) -> float:
    return min(max(LEAST_SHARE, group.most + _MARGIN), _MOST_SHARE)


def _found(minute: int, group: Group, view: View) -> Found:
    """Return the event that is sure in `minute` of the hour; it began with its first startled animal."""
    run = group.startled[:, minute + _KEPT_MIN - _WITHIN_MIN + 1 : minute + _KEPT_MIN + 1]
    onset = minute - _WITHIN_MIN + 1 + int(np.flatnonzero(run.any(axis=0))[0])
    first = view.number * HOUR_MIN
    animals = int(group.counts[minute])
    share = round(100 * animals / group.herd)
    evidence = {
        "animals": animals,
        "herd": group.herd,
        "share_percent": share,
        "usual_percent": round(100 * group.most),
        "minute": onset % HOUR_MIN,
        "one_of_them": view.animals[int(group.places[0])],
        "trace": [
            ["animals", animals, LEAST_ANIMALS],
            ["share, %", share, round(100 * _least_share(group))],
        ],
    }
    return Found(KIND.name, (first + onset) * MINUTE_MS, (first + minute + 1) * MINUTE_MS, evidence)
