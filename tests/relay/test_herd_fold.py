"""The fold of a farm: its answers do not depend on when it was stopped, nor on who else is there."""

from collections import Counter

import numpy as np
import pytest

from relay.scoring import herd, hours, kinds
from relay.scoring.findings import StateError
from tests.relay.kinds import scene

COWS = 9
DAYS = 15


def _story():
    """Two weeks of nine cows in which something happens to some of them."""
    at = np.arange(COWS)
    told = []
    for number in range(DAYS * scene.DAY_H):
        clock, day = number % 24, number // 24
        lively = 40 + 30 * (6 <= clock < 20) + at % 3 + (day * 5 + clock * 3 + at) % 7
        chews = 20 + (day * 3 + clock + at * 5) % 5
        if 13 * 24 + 8 <= number < 13 * 24 + 18:
            lively = np.where(at == 3, 200, lively)
            chews = np.where(at == 3, 5, chews)
        if number >= 14 * 24 + 4:
            chews = np.where(at == 6, 2, chews)
        swings = np.stack([(number + at) % 5 - 2, (2 * number + at) % 5 - 2, 61 + (number + at) % 3], axis=1)
        told.append(scene.hour(COWS, motion_8th_mg=8 * lively, ruminate_min=chews, gravity_16mg=swings))
    return told


STORY = _story()
SAID = scene.facts(COWS, thi=dict(enumerate([60] * 14 * 24 + [74] * 6)))


def _fold(told=STORY, said=SAID, state=None):
    state = state or herd.start(said.animals, scene.FIRST)
    findings = []
    for rows in told:
        state, found = herd.step(state, rows, said)
        findings += found
    return state, findings


@pytest.fixture(scope="module")
def whole():
    return _fold()


def _of(findings, animals):
    return sorted((each for each in findings if each.animal in animals), key=repr)


def test_the_story_has_something_to_tell_of_single_cows_and_of_the_farm(whole):
    found = Counter(each.animal for each in whole[1])
    assert found[3]
    assert found[None]


@pytest.mark.parametrize("stopped_at", [1, 24, 13 * 24 + 10, 14 * 24 + 2])
def test_stopping_at_any_hour_and_going_on_from_stored_bytes_changes_nothing(whole, stopped_at):
    state, before = _fold(STORY[:stopped_at])
    state, after = _fold(STORY[stopped_at:], state=herd.decode(herd.encode(state)))
    assert before + after == whole[1]
    assert herd.encode(state) == herd.encode(whole[0])


def test_the_same_hours_give_the_same_bytes(whole):
    assert herd.encode(_fold()[0]) == herd.encode(whole[0])


def test_the_order_of_animals_does_not_matter(whole):
    order = np.arange(COWS)[::-1]
    turned = herd.Facts(tuple(order.tolist()), SAID.group, SAID.lives, thi=SAID.thi)
    turned = herd.Facts(turned.animals, SAID.group, type(SAID.lives)(turned.animals, ()), thi=SAID.thi)
    _, findings = _fold([rows[order] for rows in STORY], turned)
    assert {(each.kind, each.animal, each.onset_ms) for each in findings} == {
        (each.kind, each.animal, each.onset_ms) for each in whole[1]
    }


@pytest.mark.parametrize("at", [5, 13 * 24 + 12])
def test_an_animal_of_another_group_that_comes_or_goes_does_not_touch_the_others(whole, at):
    more = scene.facts(COWS + 1, group=[0] * COWS + [1], thi={})
    more = herd.Facts(more.animals, more.group, more.lives, thi=SAID.thi)
    state, before = _fold(STORY[:at])
    joined = [np.concatenate([rows, rows[:1]]) for rows in STORY[at : at + 30]]
    state, among = _fold(joined, more, state)
    _, after = _fold(STORY[at + 30 :], state=state)
    others = {*range(COWS)}
    assert _of(before + among + after, others) == _of(whole[1], others)


def test_an_animal_that_leaves_is_forgotten_and_starts_anew_if_it_comes_back():
    state, _ = _fold(STORY[: 10 * 24])
    without = scene.facts(COWS - 1)
    state, _ = _fold([rows[:-1] for rows in STORY[10 * 24 : 10 * 24 + 2]], without, state)
    state, _ = _fold(STORY[10 * 24 + 2 : 10 * 24 + 3], state=state)
    assert not state.usual.days[-1].any()
    assert state.usual.days[0].any()


def test_hours_of_nothing_raise_no_alert_of_kinds_that_judge_what_a_cow_does():
    nothing = [hours.nothing(COWS)] * scene.DAY_H
    _, findings = _fold(STORY[: 10 * 24] + nothing, scene.facts(COWS))
    assert findings == []


def test_a_kind_that_is_switched_off_says_nothing_and_the_others_say_the_same(whole):
    off = herd.Facts(SAID.animals, SAID.group, SAID.lives, frozenset({"heat_stress"}), SAID.thi)
    _, findings = _fold(said=off)
    assert findings == [each for each in whole[1] if each.kind != "heat_stress"]


def _planted(*_arguments):
    raise ArithmeticError("planted")


def test_a_kind_that_fails_is_left_as_it_was_and_the_others_say_the_same(whole, monkeypatch):
    scorer = next(each for each in kinds.hourly() if each.KIND.name == "heat")
    state = herd.start(SAID.animals, scene.FIRST)
    monkeypatch.setattr(scorer, "step", _planted)
    findings, faults = [], {}
    for rows in STORY:
        after, found = herd.step(state, rows, SAID, faults)
        assert after.scorers["heat"] is state.scorers["heat"]
        findings, state = findings + found, after
    assert findings == [each for each in whole[1] if each.kind != "heat"]
    assert list(faults) == ["heat"]
    assert isinstance(faults["heat"], ArithmeticError)


def test_a_kind_that_fails_at_an_open_hour_does_not_silence_the_others(monkeypatch):
    peeking = [each for each in kinds.hourly() if hasattr(each, "peek")]
    monkeypatch.setattr(peeking[0], "peek", _planted)
    monkeypatch.setattr(peeking[1], "peek", lambda *_: ["told"])
    faults = {}
    assert "told" in herd.peek(herd.start(SAID.animals, scene.FIRST), STORY[0], SAID, faults)
    assert list(faults) == [peeking[0].KIND.name]


def test_where_nobody_looks_at_faults_a_kind_that_fails_is_not_hidden(monkeypatch):
    monkeypatch.setattr(kinds.hourly()[0], "step", _planted)
    with pytest.raises(ArithmeticError, match="planted"):
        herd.step(herd.start(SAID.animals, scene.FIRST), STORY[0], SAID)


@pytest.mark.parametrize("data", [b"", b"\x93\x01\x02\x03", b"\xc1", b"\x95\x63\x00\x90\xc4\x00\x80"])
def test_bytes_that_are_no_state_are_refused(data):
    with pytest.raises(StateError):
        herd.decode(data)


def test_a_state_of_another_version_of_a_kind_is_refused_by_name(whole, monkeypatch):
    data = herd.encode(whole[0])
    newer = kinds.hourly()[0]
    monkeypatch.setattr(newer, "VERSION", newer.VERSION + 1)
    with pytest.raises(StateError, match=newer.KIND.name):
        herd.decode(data)
