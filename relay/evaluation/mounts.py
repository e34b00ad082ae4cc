"""How many active mounts the rule finds on cows it was not calibrated on, and how often it cries wolf.

Three readings, all with the same windows: `ordinary`, the headline: each animal is told by levels that the
other cows with an everyday life set. `plain`: the nodding of a mounting session sets them too. `shipped`: the
levels of the product as they are; they have seen the ordinary cows, so its false windows flatter.
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.mounts import MOUNT, SHIPPED, SUPPORTING_ONLY, Labelled, calibrate, flags
from relay.evaluation.events import Stretch, score_events, total
from relay.evaluation.packs import NO_SEGMENT
from relay.evaluation.report import WIDTH, events_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from relay.behaviour.mounts import Rule
    from relay.evaluation.events import EventScores
    from relay.evaluation.packs import Extract

SESSION_LABELS = frozenset({MOUNT, "head_nodding"})

LIMITS = (
    "The form of the rule was designed with these mounts in view; only its levels have not seen the animal.",
    (
        "A recording, and with it the first window, begins where somebody began to label; a collar's windows "
        "fall anywhere, and where they fall decides much: fewer mounts than this are found on average."
    ),
    (
        "An event is windows labelled as a mount; a flag in any of them finds it. A window with the end of a "
        "mount and more of something else counts as false."
    ),
    (
        "A cow's gravity at rest is taken from all her windows here, whatever their labels; a collar has "
        "those of the days before."
    ),
)
_MINUTE_MS = 60_000


class Reading(NamedTuple):
    """One way to set the levels: scores and rule by animal, false windows by label, the most first."""

    animals: dict[str, EventScores]
    rules: dict[str, Rule]
    false_by_label: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Return the totals, and the same for each animal with its levels."""
        return {
            **total(self.animals.values()).as_json(),
            "animals": {
                name: {**one.as_json(), "rule": asdict(self.rules[name])}
                for name, one in self.animals.items()
            },
            "false_by_label": self.false_by_label,
        }


class Evidence(NamedTuple):
    """What `gather` found. `session`: animals that never set a level in `ordinary`; `events`: all of them."""

    ordinary: Reading
    plain: Reading
    shipped: Reading
    session: list[str]
    events: list[Stretch]

    def as_json(self) -> dict[str, Any]:
        """Return the headline's keys, the other readings below their names, and the words that go with it."""
        return {
            **self.ordinary.as_json(),
            "calibrated_on": "ordinary",
            "plain": self.plain.as_json(),
            "shipped": self.shipped.as_json(),
            "mount_session": self.session,
            "limits": [SUPPORTING_ONLY, *_limits(self.events)],
        }


class _Animal(NamedTuple):
    key: tuple[str, str]  # pack and name in it
    name: str
    windows: Labelled
    events: list[Stretch]

    @property
    def is_session(self) -> bool:
        return SESSION_LABELS.issuperset(self.windows.labels.tolist())


def gather(extract: Extract, train: Extract | None = None) -> Evidence:
    """Apply the rule to each animal's windows as worn (copy 0), with levels set by the others.

    `train`: windows of those others, if they are not of `extract`; an animal of the same pack and name is
    left out of them all the same. Animals are named as in the pack, with the pack before it if there are
    several. Raises relay.behaviour.mounts.MountsError if the others are too few to set a level by.
    """
    animals = _animals(extract)
    others = animals if train is None else _animals(train)
    ordinary = [one for one in others if not one.is_session]
    return Evidence(
        _reading(animals, {one.name: _left_out(one, ordinary) for one in animals}),
        _reading(animals, {one.name: _left_out(one, others) for one in animals}),
        as_shipped(extract),
        [one.name for one in animals if one.is_session],
        [event for one in animals for event in one.events],
    )


def as_shipped(extract: Extract) -> Reading:
    """Apply the rule with the levels of the product to each animal's windows as worn (copy 0)."""
    animals = _animals(extract)
    return _reading(animals, {one.name: SHIPPED for one in animals})


def _animals(extract: Extract) -> list[_Animal]:
    worn = np.flatnonzero(extract.copy == 0)
    packs, names = extract.pack[worn].tolist(), extract.animal[worn].tolist()
    rows_of: dict[tuple[str, str], list[int]] = {}
    for key, row in zip(zip(packs, names, strict=True), worn.tolist(), strict=True):
        rows_of.setdefault(key, []).append(row)
    several = len(set(packs)) > 1
    return [
        _animal(extract, key, " ".join(key) if several else key[1], np.array(rows))
        for key, rows in rows_of.items()
    ]


def _animal(extract: Extract, key: tuple[str, str], name: str, rows: NDArray[np.intp]) -> _Animal:
    windows = Labelled(extract.records[rows], extract.start_ms[rows], extract.label[rows])
    return _Animal(key, name, windows, _events(name, extract, rows))


def _events(name: str, extract: Extract, rows: NDArray[np.intp]) -> list[Stretch]:
    """Return mounts: windows labelled so that follow each other in a run and are not of two segments."""
    cuts = [
        at
        for at, (one, following) in enumerate(pairwise(rows.tolist()), 1)
        if not _is_one_event(extract, one, following)
    ]
    stretches = (rows[a:b] for a, b in pairwise((0, *cuts, len(rows))))
    return [
        Stretch(name, int(extract.start_ms[part[0]]), int(extract.start_ms[part[-1]]) + WINDOW_MS)
        for part in stretches
        if extract.label[part[0]] == MOUNT
    ]


def _is_one_event(extract: Extract, one: int, following: int) -> bool:
    segments = {int(extract.segment[one]), int(extract.segment[following])} - {NO_SEGMENT}
    return bool(
        extract.label[one] == extract.label[following]
        and extract.run[one] == extract.run[following]
        and len(segments) < 2
    )


def _left_out(animal: _Animal, others: Sequence[_Animal]) -> Rule:
    return calibrate([one.windows for one in others if one.key != animal.key])


def _reading(animals: Sequence[_Animal], rules: dict[str, Rule]) -> Reading:
    flagged = [_flags(one, rules[one.name]) for one in animals]
    names = [np.full(len(one.windows.labels), one.name) for one in animals]
    scores = score_events(
        np.concatenate(names),
        np.concatenate([one.windows.start_ms for one in animals]),
        np.concatenate(flagged),
        [event for one in animals for event in one.events],
        [stretch for one in animals for stretch in _otherwise(one)],
    )
    return Reading(scores, rules, _false_by_label(animals, flagged))


def _flags(animal: _Animal, rule: Rule) -> NDArray[np.bool_]:
    records, start_ms, _ = animal.windows
    return flags(records, start_ms, rule.at_rest(records))


def _otherwise(animal: _Animal) -> list[Stretch]:
    """Return the windows with another label."""
    starts = animal.windows.start_ms[animal.windows.labels != MOUNT].tolist()
    return [Stretch(animal.name, start, start + WINDOW_MS) for start in starts]


def _false_by_label(animals: Sequence[_Animal], flagged: Sequence[NDArray[np.bool_]]) -> dict[str, int]:
    labels = np.concatenate([one.windows.labels[hers] for one, hers in zip(animals, flagged, strict=True)])
    names, counts = np.unique(labels[labels != MOUNT], return_counts=True)
    rows = zip(names.tolist(), counts.tolist(), strict=True)
    return dict(sorted(rows, key=lambda row: (-row[1], row[0])))


def tell(evidence: Evidence) -> str:
    """Return lines of at most WIDTH columns, without a newline at the end."""
    title = "Active mounts, each animal by levels that the other ordinary cows set"
    notes = [SUPPORTING_ONLY, *_others(evidence), *_limits(evidence.events)]
    return events_in_words(title, evidence.ordinary.animals, notes) + _false_in_words(evidence.ordinary)


def _false_in_words(reading: Reading) -> str:
    if not reading.false_by_label:
        return ""
    named = ", ".join(f"{label} {count}" for label, count in reading.false_by_label.items())
    return "\n\n" + "\n".join(wrap(f"False windows by label: {named}.", WIDTH))


def _others(evidence: Evidence) -> list[str]:
    session = ", ".join(evidence.session) or "none here"
    plain = f"Animals with no label but mounts and nodding set no level ({session}). If they do"
    shipped = "The levels as shipped, which have seen the ordinary cows of wasp-cow-collar"
    return [f"{plain}: {_in_short(evidence.plain)}.", f"{shipped}: {_in_short(evidence.shipped)}."]


def _in_short(reading: Reading) -> str:
    whole = total(reading.animals.values())
    return (
        f"{whole.found} of {whole.events} found, {whole.false_per_hour:.2f} false windows per labelled hour"
    )


def _limits(events: Sequence[Stretch]) -> list[str]:
    return [*_how_few(events), *LIMITS]


def _how_few(events: Sequence[Stretch]) -> list[str]:
    if not events:
        return ["No mount is labelled here: only false windows could be counted."]
    by_animal: dict[str, list[Stretch]] = {}
    for event in events:
        by_animal.setdefault(event.animal, []).append(event)
    most = max(by_animal.values(), key=len)
    minutes = -(-(max(one.end_ms for one in most) - min(one.start_ms for one in most)) // _MINUTE_MS)
    where = (
        f"{len(most)} of {len(events)} events are of one animal, {most[0].animal}, within {minutes} minutes"
    )
    return [f"{where}: what the rule finds on other cows and days is not known."]
