"""Events as they stand can be stored, whatever kind of number a scorer counts with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from relay.scoring import kinds, standing
from relay.scoring.findings import Found, Over
from relay.storage.audit import to_json
from relay.storage.ports import OVER
from tests.relay.test_farm_fold import in_order

FARM = 3
NUMPY = {
    "days_compared": np.uint8(7),
    "ratio": np.float32(1.5),
    "is_sure": np.bool_(True),
    "by_hour": np.arange(3),
    "trace": [("score", np.float64(5.5), 4.1), ["nothing", float("nan"), np.float32("inf")]],
    "of": {np.int64(3): {1, 2}},
    "stage": np.str_("labour"),
}
PLAIN = {
    "days_compared": 7,
    "ratio": 1.5,
    "is_sure": True,
    "by_hour": [0, 1, 2],
    "trace": [["score", 5.5, 4.1], ["nothing", None, None]],
    "of": {"3": None},
    "stage": "labour",
}


@pytest.mark.parametrize("kind", kinds.all_kinds())
def test_no_kind_can_make_an_event_that_the_store_refuses(kind):
    found = Found(kind, np.int64(1_000), np.int64(2_000), NUMPY, np.int64(5))
    (event,) = standing.after(FARM, {}, [found]).values()
    assert event.evidence == PLAIN == json.loads(to_json(event.evidence))
    assert [type(each) for each in (event.onset_ms, event.detected_ms, event.animal_id)] == [int] * 3


def test_an_update_and_the_end_are_as_plain():
    begun = Found("heat", 1_000, 2_000, {}, 5)
    further = Found("heat", 1_000, np.int64(3_000), NUMPY, 5, is_update=True)
    over = Over("heat", np.int64(1_000), np.int64(4_000), np.int64(5))
    (event,) = standing.after(FARM, {}, [begun, further, over]).values()
    assert event.evidence == {**PLAIN, "stage_ms": 3_000}
    assert (event.state, event.over_ms, type(event.over_ms)) == (OVER, 4_000, int)


def test_what_is_not_known_does_not_make_an_event_change_for_ever():
    found = [Found("heat", 1_000, 2_000, {"ratio": np.float64("nan")}, 5)]
    assert standing.after(FARM, {}, found) == standing.after(FARM, {}, found)


def test_the_events_of_a_farm_are_the_same_after_they_were_stored():
    events = in_order(24).events.values()
    assert events
    for event in events:
        assert json.loads(to_json(event.evidence)) == event.evidence
