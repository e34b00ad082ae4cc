"""From odd hours to one event with a beginning and an end."""

import numpy as np
import pytest

from relay.scoring import episodes


def _followed(signs, **rules):
    """Follow one animal through a string: '.' nothing, 's' a sign, 'F' a sure sign, '?' unknown."""
    state, found, over = episodes.start(1), [], []
    for number, sign in enumerate(signs):
        flags = (np.array([sign in kinds]) for kinds in ("sF", "F", "?"))
        begins, fires, unknown = flags
        onset = int(state.onset[0])
        after = episodes.follow(state, number, begins, fires, unknown=unknown, **rules)
        state = after.episodes
        found += [(number, int(after.onset[0]))] if after.found.size else []
        over += [(number, onset)] if after.over.size else []
    return found, over


@pytest.mark.parametrize(
    ("signs", "found", "over"),
    [
        ("...F....", [(3, 3)], [(6, 3)]),
        (".ssF....", [(3, 1)], [(6, 1)]),
        (".s.F....", [(3, 3)], [(6, 3)]),
        (".sss....", [], []),
        (".F.F.F..", [(1, 1)], []),
        (".F..sss...", [(1, 1)], [(9, 1)]),
        ("FFFFFFF...", [(0, 0)], [(9, 0)]),
    ],
    ids=["sure", "sign first", "sign forgotten", "never sure", "on and off", "signs keep it", "long"],
)
def test_an_event_begins_with_the_first_sign_and_ends_after_quiet_hours(signs, found, over):
    assert _followed(signs) == (found, over)


def test_it_is_an_event_after_as_many_sure_hours_in_a_row_as_asked():
    assert _followed("F.F.FF.", run=2)[0] == [(5, 4)]


def test_unknown_hours_neither_begin_nor_end_an_event():
    assert _followed("F.??????.", quiet=3) == ([(0, 0)], [])
    assert _followed("F?F", run=2)[0] == [(2, 0)]


def test_none_begins_for_a_while_after_the_last_one_was_over():
    signs = "F..." + "F..." * 5
    found, _ = _followed(signs, rest=10)
    assert [number for number, _ in found] == [0, 16]


def test_every_animal_goes_its_own_way():
    state = episodes.start(3)
    fires = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]], np.bool_)
    found = []
    for number, row in enumerate(fires):
        after = episodes.follow(state, number, row, row)
        state = after.episodes
        found += [(number, at) for at in after.found.tolist()]
    assert found == [(0, 0), (1, 2)]
    assert state.told.tolist() == [False, False, True]
