"""The measuring of active mounts, on an extract made here of windows that can be counted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.mounts import SHIPPED, SUPPORTING_ONLY, MountsError
from relay.evaluation.events import total
from relay.evaluation.mounts import gather, tell
from relay.evaluation.packs import NO_SEGMENT, Extract
from relay.evaluation.report import WIDTH

DAY_MS = 86_400_000

# (gravity in 16 mg, code of the deviation, code of the |difference|) on one axis
STILL = (60, 30, 30)
LIVELY = (60, 135, 127)  # passes both gates; scores 346
WILD = (60, 143, 132)  # 489
MOUNT = (52, 140, 132)  # 430 and 256 for the mean that is shorter
GRAZING = ("grazing", [(60, 100, 100 + i) for i in range(20)])
WALKING = ("walking", [(60, 130, 87 + i) for i in range(40)])
RESTING = ("resting", [STILL] * 40)
EVERYDAY = (GRAZING, WALKING, RESTING, ("standing", [LIVELY]))


def cow(name, *runs, pack="made", copy=0):
    """Windows of one animal; a run is ((label, rows), ...) without a gap, an hour after the one before."""
    rows = []
    for run, parts in enumerate(runs):
        each = [(label, row, segment) for segment, (label, some) in enumerate(parts) for row in some]
        rows += [
            (pack, name, copy, run, DAY_MS + 3_600_000 * run + WINDOW_MS * at, label, 100, segment, row)
            for at, (label, row, segment) in enumerate(each)
        ]
    return rows


def extract(*cows):
    columns = [np.array(column) for column in zip(*(row for each in cows for row in each), strict=True)]
    records = np.zeros((len(columns[0]), 14), dtype=np.uint8)
    records[:, [0, 3, 6]] = columns.pop()
    pack, animal, copy, run, start_ms, label, share, segment = columns
    return Extract(pack, animal, copy, run, start_ms, label, share, segment, records)


SESSION = cow(
    "nora",
    (("head_nodding", [STILL, WILD]),),
    (("active_mount", [MOUNT, STILL]), ("head_nodding", [STILL])),
    (("active_mount", [STILL]),),
)
HERD = [cow(name, EVERYDAY) for name in ("alma", "bella", "clara")]


def test_mounts_found_and_false_windows_are_counted_by_animal_and_label():
    found = gather(extract(*HERD, SESSION))
    told = found.as_json()
    assert {key: told[key] for key in ("events", "found", "found_share", "false_windows")} == {
        "events": 2,
        "found": 1,
        "found_share": 0.5,
        "false_windows": 1,
    }
    windows = 3 * 101 + 3
    assert told["labelled_hours"] == pytest.approx(windows * WINDOW_MS / 3_600_000)
    assert told["false_per_hour"] == pytest.approx(1 / told["labelled_hours"])
    assert told["false_by_label"] == {"head_nodding": 1}
    nora = told["animals"]["nora"]
    assert (nora["events"], nora["found"], nora["false_windows"]) == (2, 1, 1)
    assert told["animals"]["alma"]["false_windows"] == 0


def test_an_animal_never_sets_a_level_for_herself():
    wild = cow("dora", EVERYDAY, (("pitching", [WILD]),))
    found = gather(extract(*HERD, wild)).ordinary
    assert found.animals["dora"].false_windows == 1
    assert found.false_by_label == {"pitching": 1}
    assert found.rules["dora"].score_mg < found.rules["alma"].score_mg


def test_a_session_of_mounts_and_nodding_sets_no_level_but_in_the_plain_reading():
    found = gather(extract(*HERD, SESSION))
    assert found.session == ["nora"]
    alone = gather(extract(*HERD)).ordinary
    assert {name: found.ordinary.rules[name] for name in alone.rules} == alone.rules
    assert found.plain.rules["alma"].score_mg > found.ordinary.rules["alma"].score_mg
    assert found.plain.rules["nora"] == found.ordinary.rules["nora"]


def test_the_mounts_of_a_cow_with_an_everyday_life_set_no_level_either():
    def with_mounts(*rows):
        return gather(extract(*HERD, cow("eva", EVERYDAY, (("active_mount", rows),)))).ordinary.rules["alma"]

    assert with_mounts(STILL) == with_mounts(MOUNT, MOUNT, MOUNT)


def test_the_shipped_levels_are_measured_as_they_are():
    found = gather(extract(*HERD, SESSION)).shipped
    assert set(found.rules.values()) == {SHIPPED}
    assert (total(found.animals.values()).found, found.false_by_label) == (1, {"head_nodding": 1})


def events_of(*runs, segments=None):
    made = extract(*HERD, cow("nora", *runs))
    if segments:
        made.segment[-len(segments) :] = segments
    return [(one.start_ms - DAY_MS, one.end_ms - one.start_ms) for one in gather(made).events]


def test_an_event_is_all_windows_of_a_mount_that_follow_each_other():
    mount, nodding = ("active_mount", [MOUNT] * 3), ("head_nodding", [STILL])
    assert events_of((nodding, mount, nodding)) == [(WINDOW_MS, 3 * WINDOW_MS)]
    assert len(events_of((mount, nodding, mount))) == 2
    assert len(events_of((mount,), (mount,))) == 2


def test_mounts_of_two_segments_are_two_events_unless_the_window_between_belongs_to_both():
    mount = ("active_mount", [MOUNT] * 3)
    assert len(events_of((mount,), segments=[7, 7, 8])) == 2
    assert len(events_of((mount,), segments=[7, 7, NO_SEGMENT])) == 1


def test_copies_for_training_are_not_measured():
    copies = [cow(name, EVERYDAY, copy=1) for name in ("alma", "bella", "clara")]
    rows = [each for pair in zip(HERD, copies, strict=True) for each in pair]
    assert gather(extract(*rows, SESSION)).as_json() == gather(extract(*HERD, SESSION)).as_json()


def test_levels_may_come_from_other_recordings_but_never_from_the_same_animal():
    wild = cow("alma", EVERYDAY, (("pitching", [WILD]),))
    found = gather(extract(*HERD), train=extract(wild, *HERD[1:])).ordinary
    assert found.rules["alma"].score_mg < found.rules["bella"].score_mg
    namesake = cow("alma", EVERYDAY, (("pitching", [WILD]),), pack="other")
    other = gather(extract(*HERD), train=extract(namesake)).ordinary
    assert other.rules["alma"] == other.rules["bella"]


def test_animals_of_several_packs_are_named_with_their_pack():
    both = gather(extract(*HERD, cow("alma", EVERYDAY, pack="other"))).ordinary
    assert sorted(both.animals) == ["made alma", "made bella", "made clara", "other alma"]


def test_one_cow_alone_has_nobody_to_set_her_levels():
    with pytest.raises(MountsError, match="no window is labelled grazing"):
        gather(extract(HERD[0]))


def test_the_words_fit_a_terminal_and_never_go_without_the_limits():
    found = gather(extract(*HERD, SESSION))
    words = tell(found)
    assert max(map(len, words.split("\n"))) <= WIDTH
    flat = " ".join(words.split())
    for said in (
        SUPPORTING_ONLY,
        "2 of 2 events are of one animal, nora, within 61 minutes",
        "designed with these mounts in view",
        "a collar's windows fall anywhere",
        "set no level (nora)",
        "If they do: 1 of 2 found",
        "False windows by label: head_nodding 1.",
    ):
        assert said in flat
    told = json.loads(json.dumps(found.as_json()))
    assert told["limits"][0] == SUPPORTING_ONLY
    assert told["calibrated_on"] == "ordinary"


def test_without_mounts_it_says_so():
    words = tell(gather(extract(*HERD)))
    assert "No mount is labelled here" in words
    assert "False windows by label" not in words
