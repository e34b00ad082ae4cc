"""What is not there: told once, in time, by the right name, and over once."""

from __future__ import annotations

import pytest

from relay.watch import codec
from relay.watch.parts import MINUTE_MS, Limits, Part, step_part
from relay.watch.silence import State
from tests.relay.watch_scene import T0_MS, Herd, line


def words(told):
    return [word for _, word, _ in told]


@pytest.mark.parametrize("start", range(100, 115))
def test_a_collar_gone_for_31_minutes_is_told_within_45_whenever_it_began(start):
    told = Herd(12, [(3, start, start + 31)]).run(260)
    assert [(word, device) for _, word, device in told] == [("collar", 3), ("collar over", 3)]
    assert start + 25 <= told[0][0] <= start + 45


@pytest.mark.parametrize("start", range(100, 115))
def test_a_collar_that_loses_one_upload_is_not_told(start):
    assert Herd(12, [(3, start, start + 15)]).run(200) == []


@pytest.mark.parametrize("start", range(100, 115))
def test_the_line_of_a_herd_gone_for_31_minutes_is_one_note_about_the_farm(start):
    told = Herd(15, line(15, start, start + 32)).run(300)
    assert [(word, collars) for _, word, collars in told] == [("line", 15), ("line over", 15)]
    assert start + 29 <= told[0][0] <= start + 45


def test_a_herd_that_loses_its_line_for_25_minutes_hears_nothing_of_it():
    assert Herd(15, line(15, 100, 125)).run(300) == []


def test_collars_on_their_way_back_from_a_short_gap_are_not_told_alone():
    gone = [(device, 100, 125 if device > 4 else 145) for device in range(1, 16)]
    assert Herd(15, gone).run(300) == []


def test_most_of_a_herd_silent_is_one_note_even_while_some_are_heard():
    gone = [(device, 100, 200) for device in range(1, 11)]
    told = Herd(15, gone).run(400)
    assert [(word, collars) for _, word, collars in told] == [("line", 10), ("line over", 10)]
    assert told[0][0] <= 145


def test_the_collars_behind_one_of_two_gateways_are_one_note():
    via = {device: "a" if device <= 5 else "b" for device in range(1, 16)}
    told = Herd(15, [(device, 100, 200) for device in range(1, 6)], via=via).run(400)
    assert [(word, collars) for _, word, collars in told] == [("line", 5), ("line over", 5)]


def test_a_few_dead_collars_in_a_herd_are_told_one_by_one():
    told = Herd(15, [(3, 100, 900), (7, 100, 900)]).run(300)
    assert sorted((word, device) for _, word, device in told) == [("collar", 3), ("collar", 7)]


def test_who_still_lacks_when_the_line_is_back_is_told_alone():
    told = Herd(6, [*line(6, 100, 160), (2, 160, 900)]).run(400)
    assert [(word, who) for _, word, who in told] == [("line", 6), ("line over", 6), ("collar", 2)]


def test_a_collar_that_was_told_is_no_part_of_a_line_that_falls_later():
    told = Herd(6, [(2, 50, 900), *line(6, 200, 260)]).run(400)
    assert [(word, who) for _, word, who in told] == [("collar", 2), ("line", 5), ("line over", 5)]


def test_a_collar_that_flaps_is_told_once_and_over_once():
    gone = [(3, at, at + 40) for at in range(100, 400, 50)]
    told = Herd(12, gone).run(600)
    assert words(told) == ["collar", "collar over"]


def test_a_line_that_flaps_is_told_once_and_over_once():
    gone = [span for at in range(100, 400, 45) for span in line(12, at, at + 35)]
    assert words(Herd(12, gone).run(600)) == ["line", "line over"]


def test_a_collar_that_was_never_heard_is_not_missed():
    assert Herd(12, [(3, 0, 900)]).run(300) == []


def test_a_collar_that_is_taken_off_the_list_is_forgotten_without_a_word():
    herd = Herd(12, [(3, 100, 900)])
    assert words(herd.run(200)) == ["collar"]
    herd.worn = tuple(worn for worn in herd.worn if worn.device != 3)
    assert words(herd.run(300)) == ["collar"]
    assert 3 not in herd.state.collars


def test_the_line_of_collars_that_were_all_taken_off_is_forgotten_without_a_word():
    herd = Herd(4, line(4, 100, 900))
    assert words(herd.run(200)) == ["line"]
    herd.worn = ()
    herd.run(202)
    assert herd.state.lines == ()
    assert words(herd.told) == ["line"]


def test_where_coverage_lets_expect_long_gaps_silence_begins_behind_them():
    herd = Herd(12, [(3, 100, 5000)], expected_min=13 * 60)
    assert herd.run(100 + 13 * 60 + 5) == []
    assert words(herd.run(100 + 13 * 60 + 31)) == ["collar"]


def test_one_collar_alone_on_a_farm_is_told_as_a_collar():
    assert words(Herd(1, [(1, 100, 200)]).run(400)) == ["collar", "collar over"]


def test_after_a_pause_of_the_relay_silence_has_to_begin_anew():
    herd = Herd(12, line(12, 100, 165), deaf=[(105, 160)])
    assert herd.run(400) == []


def test_a_collar_that_died_while_the_relay_was_away_is_told_a_little_later():
    told = Herd(12, [(3, 110, 900)], deaf=[(105, 135)]).run(300)
    assert [(word, device) for _, word, device in told] == [("collar", 3)]
    assert told[0][0] <= 135 + 45


@pytest.mark.parametrize("restart", range(96, 220, 9))
def test_a_restart_neither_repeats_nor_forgets(restart):
    gone = [(3, 100, 150), *line(12, 280, 330)]
    straight = Herd(12, gone).run(500)
    herd = Herd(12, gone)
    herd.run(restart)
    herd.state, _ = codec.decode(codec.encode(herd.state, []))
    assert herd.run(500) == straight


def test_a_clock_set_back_makes_nothing_silent_and_nothing_repeat():
    herd = Herd(12, [(3, 100, 900)])
    assert words(herd.run(200)) == ["collar"]
    herd.look(20)
    herd.last = dict.fromkeys(herd.last, T0_MS + 20 * MINUTE_MS)
    herd.look(21)
    assert words(herd.told) == ["collar"]


def test_a_service_is_told_after_30_minutes_and_over_after_45_good_ones():
    herd = Herd(0)
    herd.services["meta"] = [*range(0, 100, 5), *range(140, 400, 5)]
    assert [(minute, word) for minute, word, _ in herd.run(300)] == [(125, "meta"), (185, "meta over")]


def test_a_service_that_flaps_is_told_once():
    herd = Herd(0)
    herd.services["meta"] = [*range(0, 100, 5), 140, 145, *range(190, 220, 5), *range(270, 500, 5)]
    assert words(herd.run(450)) == ["meta", "meta over"]


def test_a_service_that_has_not_answered_since_the_start_is_silent_from_the_start():
    herd = Herd(0)
    herd.services["meta"] = []
    told = herd.run(100)
    assert words(told) == ["meta"]
    assert told[0][0] <= 31


def test_a_part_that_is_heard_within_the_limit_says_nothing():
    assert step_part(Part(0), 10, 20, 30, 15, 45) == (Part(10), None)


def test_limits_follow_the_period_of_the_uploads():
    assert Limits().silent_ms(15 * MINUTE_MS) == 40 * MINUTE_MS
    hourly = Limits(period_ms=60 * MINUTE_MS)
    assert hourly.silent_ms(60 * MINUTE_MS) == 80 * MINUTE_MS


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', '{"version": 1}', '{"version": 1, "at": [1]}'])
def test_what_is_no_state_is_refused(text):
    with pytest.raises(codec.CodecError):
        codec.decode(text)


def test_an_empty_state_comes_back():
    assert codec.decode(codec.encode(State(), [])) == (State(), [])
