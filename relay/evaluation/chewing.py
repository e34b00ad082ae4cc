"""What the rules for rumination and posture find on labelled recordings. Evidence, not accuracy.

Nobody has labelled rumination in a waveform we may use, so there is nothing to be right or wrong about: this
shows the chewing line and the pauses of each recording of a still cow beside the figures measured before,
and how often a cow that walks or grazes is told as ruminating. Lying down and rising are labelled, but few.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour import chewing, posture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from relay.evaluation.packs import Extract

WIDTH = 100
STILL = ("resting", "standing")
ON_FOOT = ("walking", "grazing")
EVENTS = {"lying_down": posture.LYING, "rising": posture.STANDING}
RECORDING_MS = chewing.MIN_BOUT_MS  # shorter ones cannot hold a bout
FOUND_WITHIN_MS = 30_000
_HOUR_MS = 3_600_000

WITNESS = (
    "Measured before, on waveforms of the same kind: 5 of 8 recordings of resting cows, 4 "
    "cows, have a line at 2.48-3.05 Hz with 25-52 % of the power (of 0.4-5 Hz, in windows of 60 s), and "
    "pauses every 33-52 s. That is the only witness there is."
)
AS_REST = (
    "Every window was given as rest, whatever it was: a cow that the classifier sees graze or walk is not "
    "even asked about."
)
MEANING = (
    "Medians over windows of 5.12 s: share of power in each band (noise alone has 0.09 and 0.19), crossings "
    "of the strongest axis, and the frequency they make. Chewing: share of windows with a chewing line; "
    "told: as ruminating; every s: median time between two pauses."
)


class Recording(NamedTuple):
    """One stretch of a still animal without a gap. Shares 0..1; `line_hz` is half the median crossings."""

    pack: str
    animal: str
    label: str
    start_ms: int
    minutes: float
    low_share: float
    high_share: float
    crossings: float
    line_hz: float
    chewing_share: float
    told_share: float
    pauses: int
    pause_every_s: float | None


class Asked(NamedTuple):
    """How many windows of a label were told as ruminating."""

    label: str
    windows: int
    told: int


class Turned(NamedTuple):
    """Lying down and rising: events labelled, events with the minutes around them recorded, what was told.

    `found`: events with a transition the same way within 30 s; `false`: transitions told at no such event.
    """

    kind: str
    events: int
    whole: int
    found: int
    false: int
    labelled_hours: float


class Turns(NamedTuple):
    """All turns between calm stretches, whatever was believed of the cow; most of them are heads."""

    turns: int
    at_events: int
    still_hours: float


class Evidence(NamedTuple):
    """What `gather` found."""

    recordings: list[Recording]
    asked: list[Asked]
    turned: list[Turned]
    turns: Turns

    def as_json(self) -> dict[str, Any]:
        """Return the rows as objects, with the words that always go with them."""
        return {
            "not_validated": [chewing.NOT_VALIDATED, posture.BETA],
            "recordings": [row._asdict() for row in self.recordings],
            "told_by_label": [row._asdict() for row in self.asked],
            "transitions": [row._asdict() for row in self.turned],
            "turns": self.turns._asdict(),
        }


def gather(extract: Extract) -> Evidence:
    """Apply both rules to each animal's windows as worn (copy 0), one stream with its real gaps."""
    recordings: list[Recording] = []
    labels: list[NDArray[np.str_]] = []
    flags: list[NDArray[np.bool_]] = []
    turned = [Turned(kind, 0, 0, 0, 0, 0.0) for kind in EVENTS]
    turns = Turns(0, 0, 0.0)
    for rows in _streams(extract):
        start_ms, records = extract.start_ms[rows], extract.records[rows]
        _, told = chewing.step(chewing.State(), records, start_ms, np.ones(len(rows), dtype=bool))
        recordings += _recordings(extract, rows, told)
        labels.append(extract.label[rows])
        flags.append(told.ruminating)
        turned = [_added(one, extract, rows) for one in turned]
        turns = _with_turns(turns, extract, rows)
    return Evidence(recordings, _asked(np.concatenate(labels), np.concatenate(flags)), turned, turns)


def _streams(extract: Extract) -> Iterator[NDArray[np.intp]]:
    """Yield each animal's rows as worn."""
    worn = np.flatnonzero(extract.copy == 0)
    names = np.char.add(np.char.add(extract.pack[worn], "\n"), extract.animal[worn])
    for name in np.unique(names):
        yield worn[names == name]


def _recordings(extract: Extract, rows: NDArray[np.intp], told: chewing.Told) -> list[Recording]:
    found = []
    for run in np.unique(extract.run[rows]):
        at = np.flatnonzero(extract.run[rows] == run)
        names, counts = np.unique(extract.label[rows[at]], return_counts=True)
        label = str(names[counts.argmax()])
        if label in STILL and len(at) * WINDOW_MS >= RECORDING_MS:
            found.append(_recording(extract, rows[at], label, _part(told, at)))
    return found


def _part(told: chewing.Told, at: NDArray[np.intp]) -> chewing.Told:
    return chewing.Told(told.ruminating[at], told.score[at], told.chews[at], told.pauses[at])


def _recording(extract: Extract, rows: NDArray[np.intp], label: str, told: chewing.Told) -> Recording:
    records, start_ms = extract.records[rows], extract.start_ms[rows]
    crossings = float(np.median(chewing.crossings_of(records)))
    every_ms = np.diff(start_ms[told.pauses])
    return Recording(
        pack=str(extract.pack[rows[0]]),
        animal=str(extract.animal[rows[0]]),
        label=label,
        start_ms=int(start_ms[0]),
        minutes=round(len(rows) * WINDOW_MS / 60_000, 1),
        low_share=round(float(np.median(records[:, 12])) / 255, 3),
        high_share=round(float(np.median(records[:, 13])) / 255, 3),
        crossings=crossings,
        line_hz=round(crossings / 2 / (WINDOW_MS / 1000), 2),
        chewing_share=round(float(told.chews.mean()), 3),
        told_share=round(float(told.ruminating.mean()), 3),
        pauses=int(told.pauses.sum()),
        pause_every_s=round(float(np.median(every_ms)) / 1000, 1) if len(every_ms) else None,
    )


def _asked(labels: NDArray[np.str_], told: NDArray[np.bool_]) -> list[Asked]:
    names, which = np.unique(labels, return_inverse=True)
    windows, flagged = np.bincount(which), np.bincount(which[told], minlength=len(names))
    rows = map(Asked, names.tolist(), windows.tolist(), flagged.tolist())
    return sorted(rows, key=lambda row: (row.label not in STILL, -row.windows, row.label))


def _added(one: Turned, extract: Extract, rows: NDArray[np.intp]) -> Turned:
    """Add one animal."""
    start_ms, labels = extract.start_ms[rows], extract.label[rows]
    rest, on_foot = np.isin(labels, STILL), np.isin(labels, ON_FOOT)
    _, told = posture.step(posture.State(), extract.records[rows], start_ms, rest, on_foot)
    at = [each.at_ms for each in told if each.to == EVENTS[one.kind]]
    events = _events(start_ms, labels == one.kind)
    near = [[abs(ms - event_ms) <= FOUND_WITHIN_MS for event_ms in events] for ms in at]
    return Turned(
        one.kind,
        one.events + len(events),
        one.whole + sum(_is_whole(start_ms, event_ms) for event_ms in events),
        one.found + sum(any(column) for column in zip(*near, strict=True)),
        one.false + sum(not any(row) for row in near),
        one.labelled_hours + len(rows) * WINDOW_MS / _HOUR_MS,
    )


def _with_turns(turns: Turns, extract: Extract, rows: NDArray[np.intp]) -> Turns:
    """Add one animal."""
    start_ms, labels = extract.start_ms[rows], extract.label[rows]
    is_rest = np.isin(labels, STILL)
    at = posture.turns_ms(extract.records[rows], start_ms, is_rest)
    events = start_ms[np.isin(labels, list(EVENTS))]
    at_events = sum(bool((np.abs(events - ms) <= FOUND_WITHIN_MS).any()) for ms in at)
    still_hours = float(is_rest.sum()) * WINDOW_MS / _HOUR_MS
    return Turns(turns.turns + len(at), turns.at_events + at_events, turns.still_hours + still_hours)


def _events(start_ms: NDArray[np.int64], is_event: NDArray[np.bool_]) -> list[int]:
    """Return where events begin; windows of one event follow each other."""
    at = start_ms[is_event]
    begins = at[np.diff(at, prepend=at[:1] - _HOUR_MS) > FOUND_WITHIN_MS]
    return [int(ms) for ms in begins]


def _is_whole(start_ms: NDArray[np.int64], event_ms: int) -> bool:
    """Say whether at least half of the minute before and of that behind an event was recorded."""
    edges = event_ms + np.array([-posture.ASIDE_MS, 0, WINDOW_MS, WINDOW_MS + posture.ASIDE_MS])
    a, b, c, d = np.searchsorted(start_ms, edges).tolist()
    return bool(min(b - a, d - c) * 2 * WINDOW_MS >= posture.ASIDE_MS)


def in_words(evidence: Evidence) -> str:
    """Return lines of at most WIDTH columns, without a newline at the end."""
    return "\n\n".join(
        "\n".join(part)
        for part in (
            ["Ruminating apart from resting", "-" * 29, *wrap(chewing.NOT_VALIDATED, WIDTH)],
            _recordings_in_words(evidence.recordings),
            wrap(WITNESS, WIDTH),
            _asked_in_words(evidence.asked),
            ["Lying and standing", "-" * 18, *wrap(posture.BETA, WIDTH)],
            _turned_in_words(evidence.turned),
            _turns_in_words(evidence.turns),
        )
    )


def _recordings_in_words(recordings: Sequence[Recording]) -> list[str]:
    if not recordings:
        return ["No recording of a still cow lasts two minutes."]
    head = [
        "animal",
        "label",
        "min",
        "1.2-1.6 Hz",
        "2.2-3.1 Hz",
        "crossings",
        "as Hz",
        "chewing",
        "told",
        "pauses",
    ]
    rows = [[*head, "every s"]]
    for one in recordings:
        cells = [f"{one.minutes:.1f}", *(f"{share:.2f}" for share in (one.low_share, one.high_share))]
        cells += [f"{one.crossings:.1f}", f"{one.line_hz:.2f}", f"{one.chewing_share:.2f}"]
        every = "-" if one.pause_every_s is None else f"{one.pause_every_s:.0f}"
        rows.append(
            [_short(one.animal, 12), one.label, *cells, f"{one.told_share:.2f}", str(one.pauses), every]
        )
    return [*_table(rows), *wrap(MEANING, WIDTH)]


def _asked_in_words(asked: Sequence[Asked]) -> list[str]:
    rows = [["label", "windows", "told ruminating", "share"]]
    rows += [
        [_short(one.label, 40), f"{one.windows:,}", f"{one.told:,}", f"{one.told / one.windows:.3f}"]
        for one in asked
    ]
    return [*wrap(AS_REST, WIDTH), *_table(rows)]


def _turned_in_words(turned: Sequence[Turned]) -> list[str]:
    rows = [["labelled", "events", "minute on both sides", "found", "false", "false per hour", "hours"]]
    for one in turned:
        per_hour = f"{one.false / one.labelled_hours:.2f}" if one.labelled_hours else "-"
        counts = [str(count) for count in (one.events, one.whole, one.found, one.false)]
        rows.append([one.kind, *counts, per_hour, f"{one.labelled_hours:.1f}"])
    return _table(rows)


def _turns_in_words(turns: Turns) -> list[str]:
    words = (
        f"Turns that a transition is chosen from, whatever was believed: {turns.turns} in "
        f"{turns.still_hours:.1f} hours of still cows, {turns.at_events} of them at a labelled event. What "
        "keeps the others back is only that she must have been on foot before and lie for four minutes. In "
        "recordings that end sooner few transitions can be found, true or false."
    )
    return wrap(words, WIDTH)


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 2] + ".."


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))).rstrip() for row in rows
    ]
