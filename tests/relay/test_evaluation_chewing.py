"""The evidence for rumination and posture, on recordings made here of tones and noise."""

from __future__ import annotations

import json
from array import array
from itertools import count

import numpy as np
import pytest

from herdcore.features import window_into
from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.chewing import NOT_VALIDATED
from relay.behaviour.posture import BETA
from relay.evaluation.chewing import WIDTH, gather, in_words
from relay.evaluation.packs import Extract

DAY_MS = 86_400_000
RATE_HZ = 12.5


def windows(n, mg, lean_deg=0.0, jaw_mg=0.0, seed=1):
    """n windows of noise around gravity; with a jaw at 2.6 Hz that pauses 4 s every 40 s."""
    samples = np.random.default_rng(seed).normal(0, mg, (64 * n, 3))
    samples[:, 0] += 1000 * np.sin(np.radians(lean_deg))
    samples[:, 2] -= 1000 * np.cos(np.radians(lean_deg))
    seconds = np.arange(len(samples)) / RATE_HZ
    samples[:, 1] += jaw_mg * np.sin(2 * np.pi * 2.6 * seconds) * (seconds % 40 < 36)
    flat = array("h", np.rint(samples).astype(np.int16).ravel().tolist())
    out = bytearray(14 * n)
    for i in range(n):
        window_into(flat, 64 * i, out, 14 * i)
    return np.frombuffer(bytes(out), dtype=np.uint8).reshape(-1, 14)


def extract(*recordings):
    """An extract file's columns. recordings: (animal, [(label, windows), ...]), an hour apart."""
    rows = []
    runs = count()
    for animal, parts in sorted(recordings, key=lambda each: each[0]):
        run = next(runs)
        start_ms = DAY_MS + 3_600_000 * run
        at = count()
        rows += [
            (animal, run, start_ms + WINDOW_MS * next(at), label, record)
            for label, records in parts
            for record in records
        ]
    n = len(rows)
    animal, run, start_ms, label, record = zip(*rows, strict=True)
    return Extract(
        pack=np.full(n, "made"),
        animal=np.array(animal),
        copy=np.zeros(n, dtype=np.int64),
        run=np.array(run),
        start_ms=np.array(start_ms),
        label=np.array(label),
        share=np.full(n, 100),
        segment=np.zeros(n, dtype=np.int64),
        records=np.array(record, dtype=np.uint8),
    )


CHEWING = ("bella", [("resting", windows(120, 8, jaw_mg=60))])
STILL = ("clara", [("resting", windows(60, 8))])
GRAZING = ("dora", [("grazing", windows(60, 150))])


def test_a_chewing_cow_and_a_still_one_stand_side_by_side():
    chewing, still = gather(extract(CHEWING, STILL)).recordings
    assert (chewing.animal, chewing.label, chewing.minutes) == ("bella", "resting", 10.2)
    assert chewing.line_hz == pytest.approx(2.6, abs=0.1)
    assert chewing.high_share > 0.5
    assert chewing.told_share > 0.7
    assert chewing.pause_every_s == pytest.approx(40, abs=WINDOW_MS / 1000)
    assert chewing.pauses == pytest.approx(15, abs=3)
    assert (still.told_share, still.chewing_share, still.pauses, still.pause_every_s) == (0, 0, 0, None)
    assert still.high_share == pytest.approx(6 / 32, abs=0.05)
    assert still.low_share == pytest.approx(3 / 32, abs=0.05)


def test_recordings_too_short_for_a_bout_or_of_a_moving_cow_are_left_out():
    assert gather(extract(("eva", [("resting", windows(20, 8))]), GRAZING)).recordings == []
    assert "No recording of a still cow" in in_words(gather(extract(GRAZING)))


def test_what_is_told_is_counted_for_each_label_the_still_ones_first():
    asked = gather(extract(CHEWING, STILL, GRAZING)).asked
    assert [(each.label, each.windows) for each in asked] == [("resting", 180), ("grazing", 60)]
    assert asked[0].told > 80
    assert asked[1].told == 0


def test_only_collars_as_worn_count():
    both = extract(CHEWING, STILL)
    both.copy[:120] = 1
    assert [each.animal for each in gather(both).recordings] == ["clara"]


def lying_down(lie_deg):
    return (
        "fani",
        [
            ("walking", windows(10, 120)),
            ("standing", windows(24, 10)),
            ("lying_down", windows(1, 160)),
            ("resting", windows(90, 10, lean_deg=lie_deg)),
            ("rising", windows(1, 160)),
            ("walking", windows(10, 120)),
        ],
    )


def test_events_are_found_or_missed_and_only_whole_ones_could_be_found():
    down, up = gather(extract(lying_down(20))).turned
    assert (down.kind, down.events, down.whole, down.found, down.false) == ("lying_down", 1, 1, 1, 0)
    assert (up.kind, up.events, up.whole, up.found, up.false) == ("rising", 1, 1, 1, 0)
    assert down.labelled_hours == pytest.approx(136 * WINDOW_MS / 3_600_000)
    assert [each.found for each in gather(extract(lying_down(2))).turned] == [0, 0]


def test_turns_are_counted_whatever_was_believed_of_the_cow():
    animal, parts = lying_down(20)
    never_on_foot = extract((animal, parts[1:4]))
    evidence = gather(never_on_foot)
    assert evidence.turned[0].found == 0
    assert evidence.turns[:2] == (1, 1)
    assert evidence.turns.still_hours == pytest.approx(114 * WINDOW_MS / 3_600_000)
    assert "1 in 0.2 hours of still cows, 1 of them at a labelled event" in " ".join(
        in_words(evidence).split()
    )


def test_a_transition_where_none_is_labelled_is_false():
    animal, parts = lying_down(20)
    unlabelled = [("scratching" if label == "lying_down" else label, each) for label, each in parts]
    down, _ = gather(extract((animal, unlabelled))).turned
    assert (down.events, down.found, down.false) == (0, 0, 1)


def test_an_event_at_the_end_of_a_recording_is_not_whole():
    animal, parts = lying_down(20)
    down, up = gather(extract((animal, parts[:3]))).turned
    assert (down.events, down.whole, down.found) == (1, 0, 0)
    assert up.events == 0


def test_the_words_fit_a_terminal_and_never_go_without_the_warnings():
    evidence = gather(extract(CHEWING, STILL, GRAZING, lying_down(20)))
    words = in_words(evidence)
    assert max(map(len, words.split("\n"))) <= WIDTH
    flat = " ".join(words.split())
    assert NOT_VALIDATED in flat
    assert BETA in flat
    assert "33-52 s" in flat
    assert json.loads(json.dumps(evidence.as_json()))["not_validated"] == [NOT_VALIDATED, BETA]


def test_long_names_of_animals_and_labels_do_not_break_the_width():
    name, label = "an-animal-with-a-very-long-name-indeed", "a_label_that_nobody_would_ever_want_to_type" * 3
    words = in_words(gather(extract((name, [("resting", windows(30, 8)), (label, windows(2, 8))]))))
    assert max(map(len, words.split("\n"))) <= WIDTH
