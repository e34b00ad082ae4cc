"""What bench-alerts makes of alarms, truth and minutes; most farms here are made up."""

import json
import sys

import numpy as np
import pytest

from simulator.herdfile import load_herd
from simulator.lives.happening import Happening, History, LifeEvent
from simulator.minutes import Minutes
from simulator.plan.routine import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.truth import TruthRow
from tests.bench import alerts, alerts_judge, alerts_learning, alerts_messages, alerts_relay, alerts_rules
from tests.bench.alerts import BENCH, ROWS
from tests.bench.alerts_alarm import Alarm
from tests.bench.alerts_drawn import herd_file
from tests.bench.alerts_farm import Found, Kept, Lived, Over, hours, live
from tests.bench.alerts_judge import Tally, tally, wilson
from tests.bench.alerts_minutes import Watch, minutes_of
from tests.bench.alerts_parts import HERDS, OTHER_HERDS, URGENT_HERD
from tests.bench.alerts_reach import NEVER_MS, Reach
from tests.bench.alerts_real import excluded

KEYS = {
    "cows",
    "days",
    "seeds",
    "herd",
    "kinds",
    "rules",
    "false_ratio_to_best_rule",
    "messages_true_per_100_cows_day",
    "messages_useless_per_100_cows_day",
    "blind_told",
    "blind_injected",
    "collar_days_per_s",
}
KIND_KEYS = {
    "events",
    "eligible",
    "found",
    "sensitivity",
    "precision",
    "false_per_cow_year",
    "delay_p50_h",
    "delay_p90_h",
}


def at(day, hour=6.0):
    return day * DAY_MS + round(hour * HOUR_MS)


def heat(day, *, expressed=True, animal="1"):
    return TruthRow(animal, "heat", at(day), at(day, 14), expressed)


def told(day, hour, kind="heat", cow=0, **fields):
    known_ms = at(day, hour)
    return Alarm(kind, cow, known_ms - 4 * HOUR_MS, known_ms, known_ms, **fields)


def farm(*truth, alarms=(), cows=1, days=60, calved_day=-40, happenings=()):
    rows = np.tile(hours.nothing(1), (cows, days * 24))
    rows["covered_min"] = 15
    calved = (LifeEvent("calved", calved_day * DAY_MS),)
    lives = tuple(History(cow, 1, 0, 40, calved, tuple(happenings)) for cow in range(cows))
    numbers = [str(cow + 1) for cow in range(cows)]
    return Lived(1, days, rows, list(truth), lives, numbers, {"": list(alarms)}, {}, None, None, None, 1.0)


def judged(*truth, alarms, **fields):
    return tally(farm(*truth, alarms=alarms, **fields), alarms, "heat")


# judging


def test_a_heat_told_in_its_window_is_found_with_its_delay():
    found = judged(heat(30), alarms=[told(30, 11.0), told(30, 15.0)])
    assert (found.events, found.eligible, found.found, found.false) == (1, 1, 1, 0)
    assert found.delays_h == [5.0]
    assert found.of_use == 2


def test_what_is_told_too_late_to_be_read_is_not_found_and_not_false_if_it_was_so():
    late = told(30, 12.0)._replace(known_ms=at(31, 6))
    found = judged(heat(30), alarms=[late])
    assert (found.found, found.false, found.of_use) == (0, 0, 1)


def test_an_alarm_about_nothing_is_false_once_the_scorers_have_learnt():
    assert judged(alarms=[told(30, 11.0)]).false == 1
    assert judged(alarms=[told(5, 11.0)]).false == 0


def test_another_cow_or_another_kind_finds_nothing():
    assert judged(heat(30), alarms=[told(30, 11.0, cow=1)], cows=2).found == 0
    assert judged(heat(30), alarms=[told(30, 11.0, kind="down")]).found == 0


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (heat(30, expressed=False), {}),
        (heat(30), {"calved_day": 5}),
        (heat(30), {"happenings": [Happening("collar_off", at(29), at(31))]}),
    ],
    ids=["silent", "just calved", "no collar"],
)
def test_a_heat_that_nobody_could_be_told_is_not_eligible_but_no_alarm_of_it_is_false(row, fields):
    found = judged(row, alarms=[told(30, 11.0)], **fields)
    assert (found.events, found.eligible, found.found, found.false) == (1, 0, 0, 0)


def test_without_data_an_event_cannot_be_found():
    lived = farm(heat(30))
    lived.rows["covered_min"][0, 30 * 24 :] = 5
    assert tally(lived, [], "heat").eligible == 0


def test_what_begins_while_the_scorers_learn_or_is_not_over_at_the_end_is_not_judged():
    late = TruthRow("1", "heat", at(59, 20), at(60), expressed=True)
    assert judged(heat(19), late, alarms=[]).events == 0


def test_years_end_when_a_cow_does():
    dead = farm(happenings=[Happening("dead", at(40, 0), at(60, 0))])
    assert alerts_judge.years_of(dead) == pytest.approx(20 / 365)


def test_silent_heats_are_counted_apart():
    lived = farm(heat(30, expressed=False), alarms=[told(30, 11.0)])
    counted = alerts_judge.silent(lived, lived.alarms[""])
    assert (counted.eligible, counted.found) == (1, 1)


def test_a_stage_is_judged_by_itself_and_is_no_second_alarm_of_its_kind():
    birth = TruthRow("1", "calving", at(30), at(30, 16), expressed=True)
    watch, labour = (
        told(30, 7.0, kind="calving"),
        told(30, 12.0, kind="calving", stage="labour", is_update=True),
    )
    lived = farm(birth, alarms=[watch, labour])
    assert tally(lived, [watch, labour], "calving").of_use == 1
    assert tally(lived, [watch, labour], "calving", stage="labour").of_use == 1


def test_figures_of_a_kind_have_the_keys_that_are_read_and_say_none_of_nothing():
    empty = alerts_judge.summary([Tally(), Tally()])
    assert set(empty) >= KIND_KEYS
    assert empty["sensitivity"] is None
    some = alerts_judge.summary(
        [Tally(2, 2, 1, 1, 1, 0, 1.0, [4.0]), Tally(2, 2, 2, 2, 0, 0, 1.0, [6.0, 8.0])]
    )
    assert (some["sensitivity"], some["precision"], some["false_per_cow_year"]) == (0.75, 0.75, 0.5)
    assert some["delay_p50_h"] == 6.0


def test_the_interval_of_a_share_is_wilsons():
    assert wilson(0, 10) == pytest.approx((0.0, 0.278), abs=1e-3)
    assert wilson(8, 10) == pytest.approx((0.490, 0.943), abs=1e-3)
    assert wilson(0, 0) == (0.0, 1.0)


def test_an_interval_over_herds_holds_the_value_and_needs_three():
    herds = [Tally(false=n, years=1.0) for n in (1, 2, 3, 4)]
    low, high = alerts_judge.over_herds(herds, alerts_judge.false_rate)
    assert low < 2.5 < high
    assert alerts_judge.over_herds(herds[:2], alerts_judge.false_rate) is None


# against the published rules


def rates(eligible, found, false):
    return [Tally(eligible=eligible, found=found, false=false, years=10.0)]


def test_ours_is_compared_where_it_finds_as_many_and_tells_least_for_nothing():
    ours = {-1.0: rates(10, 10, 8), 0.0: rates(10, 9, 4), 1.0: rates(10, 6, 1)}
    assert alerts_rules.ratio(ours, rates(10, 9, 16))[:2] == (0.25, 0.0)
    assert alerts_rules.ratio(ours, rates(10, 5, 4))[:2] == (0.25, 1.0)


def test_where_ours_never_finds_as_many_there_is_no_ratio():
    assert alerts_rules.ratio({0.0: rates(10, 8, 0)}, rates(10, 9, 5)) is None


def test_the_worst_ratio_is_told_and_how_many_rules_find_more_than_ours_ever_does():
    def rule(eligible, found, false):
        alike, of_every_cow = (rates(eligible, found, count)[0] for count in (false, 2 * false))
        return alerts_rules.Ruled(alike, of_every_cow, alerts_rules.Counts(1, 1, 1, 1))

    rules = {"easy": rule(10, 5, 40), "hard": rule(10, 8, 20), "beyond": rule(10, 10, 90)}
    told_ = alerts_rules.compared([rules], [{0.0: rates(10, 9, 8)[0]}])
    assert told_["false_ratio_to_best_rule"] == pytest.approx(0.2)
    assert told_["false_ratio_same_cows"] == pytest.approx(0.4)
    assert (told_["false_ratio_rule"], told_["rules_find_more"]) == ("hard", 1)


def test_no_false_alarm_at_all_counts_as_half_a_one():
    assert alerts_rules.ratio({0.0: rates(10, 9, 0)}, rates(10, 9, 5))[0] == pytest.approx(0.1)


def test_a_rule_is_quiet_about_cows_that_ours_leaves_out():
    class Always:
        min_blocks, merge_h = 1, 24

        def flags(self, activity, _block_h):
            return np.ones(activity.shape, np.bool_)

    lived = farm(cows=2)
    lived.activity = np.ones((2, 60 * 12))
    lived.may_heat = np.zeros((2, 60 * 24), np.bool_)
    lived.may_heat[1] = True
    assert {each.cow for each in alerts_rules.told(Always(), lived)} == {1}


# messages, learning


def test_messages_are_true_or_useless_and_urgent_ones_count_apart():
    alarms = [
        told(30, 11.0, tier="timely"),
        told(40, 11.0, tier="timely"),
        told(50, 11.0, "down", tier="urgent"),
    ]
    days = alerts_messages.days(farm(heat(30), alarms=alarms))
    assert len(days) == 40
    assert [sum(getattr(day, what) for day in days) for what in ("true", "useless", "urgent_useless")] == [
        1,
        1,
        1,
    ]
    assert alerts_messages.per_100(days, "useless") == pytest.approx(100 / 40)


def test_experimental_kinds_and_what_only_goes_on_ring_no_phone():
    alarms = [told(30, 11.0, "lameness"), told(30, 12.0, "calving", is_update=True), told(30, 11.0)]
    assert [each.kind for each in alerts_messages.told(alarms)] == ["heat"]


def test_what_was_right_is_counted_by_month_over_farms():
    one = [("heat", 0, at(25), True), ("heat", 0, at(26), False), ("heat", 0, at(95), True)]
    assert alerts_learning.precision_by_month([one, one], at(20)) == [0.5, None, None, 1.0]


# minutes, arrival


def a_day(day, still, known):
    shape = 1, 1440
    motion = np.where(still, 4.0, 60.0).astype(np.float32).reshape(shape)
    zero = np.zeros(shape, np.uint8)
    windows = np.where(known, 11, 0).astype(np.uint8).reshape(shape)
    gravity = np.tile(np.array([0.0, 0.0, 1000.0], np.float32), (*shape, 1))
    return Minutes(day, zero + 1, zero, windows, motion, motion, gravity, zero)


def test_the_kinds_of_single_minutes_are_told_every_minute_of_every_day():
    draw = np.random.default_rng(4)
    watch = Watch(1)
    for day in range(6):
        still, known = np.zeros(1440, bool), draw.random(1440) > 0.02
        for begin in draw.integers(1440, size=8):
            still[begin : begin + int(draw.integers(20, 160))] = True
        still[-60:] |= day == 2
        still[:60] |= day == 3
        minutes = a_day(day, still, known)
        assert len(list(minutes_of(minutes, 0))) == known.sum()
        watch.day(minutes)
    midnight_ms = 3 * 1440 * MINUTE_MS
    found = [each for _, each in watch.findings if isinstance(each, Found)]
    assert any(each.onset_ms < midnight_ms < each.at_ms for each in found), "a run goes on over midnight"


def test_an_hour_is_scored_when_all_are_in_or_the_newest_is_far_ahead():
    made_ms = np.arange(2 * 60 + 30) * MINUTE_MS
    soon, late = made_ms + 5 * MINUTE_MS, made_ms + 300 * MINUTE_MS
    assert Reach(np.stack([soon, soon]), 2).stepped_ms().tolist() == [66 * MINUTE_MS, 126 * MINUTE_MS]
    assert Reach(np.stack([soon, late]), 2).stepped_ms().tolist() == [85 * MINUTE_MS, 145 * MINUTE_MS]
    gone = np.full_like(soon, NEVER_MS)
    assert Reach(np.stack([soon, gone]), 2).stepped_ms().tolist() == [66 * MINUTE_MS, 126 * MINUTE_MS]


def test_what_was_seen_in_an_open_hour_is_the_same_event_when_the_hour_is_over():
    kept = Kept()
    kept.take([Found("herd_event", 100, 200, {})], 5, known_ms=250)
    kept.take([Found("herd_event", 90, 180, {})], 5)
    kept.take([Over("herd_event", 90, 400)], 6)
    (only,) = kept.alarms()
    assert (only.onset_ms, only.known_ms, only.over_ms) == (90, 250, 400)


# what else is said


def test_none_in_so_many_days_excludes_three_in_as_many():
    assert excluded(0, 365.0) == pytest.approx(3.0)
    assert excluded(1, 365.0) is None


def test_events_agree_if_both_tell_them_within_half_a_day():
    one = [alerts_relay.Told("heat", 1, at(3)), alerts_relay.Told("down", 1, at(3))]
    two = [alerts_relay.Told("heat", 1, at(3, 17)), alerts_relay.Told("heat", 2, at(3))]
    assert alerts_relay.agreement(one, two)["relay_agrees"] == 0.5
    assert alerts_relay.agreement([], [])["relay_agrees"] == 1.0


@pytest.mark.parametrize("name", [*OTHER_HERDS, URGENT_HERD])
def test_every_herd_file_can_be_read(name):
    assert load_herd(HERDS / f"{name}.toml") != load_herd()


def test_a_seed_draws_one_herd_that_can_be_lived_and_another_seed_another(tmp_path):
    assert herd_file(3) == herd_file(3) != herd_file(4)
    for seed in range(8):
        file = tmp_path / f"{seed}.toml"
        file.write_text(herd_file(seed), encoding="utf-8")
        assert load_herd(file) != load_herd()


def test_the_json_has_the_asked_keys_at_its_root(tmp_path):
    figures = {row.key: row.asked or 0.5 for row in ROWS} | dict.fromkeys(KEYS, 1)
    record = json.loads(BENCH.write(1, figures, tmp_path).read_text())
    assert set(record) >= KEYS


def test_a_figure_that_nothing_was_measured_for_is_missed_and_not_a_row():
    figures = {"false_ratio_to_best_rule": None}
    assert BENCH.rows_of(figures) == []
    assert "false_ratio_to_best_rule: not measured" in BENCH.missed(figures)


def test_without_the_packs_it_says_what_is_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["alerts", "--data", str(tmp_path)])
    monkeypatch.setattr(alerts.Bench, "measure", lambda _self, parts, _only: {"parts": list(parts)})
    monkeypatch.setattr(alerts.Bench, "end", lambda _self, _seed, figures, **_: figures["parts"])
    assert not {"real", "series"} & set(alerts.main())
    assert "no bovheat-scr" in capsys.readouterr().out


def test_a_herd_of_ones_own_is_measured_written_and_held_to_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["alerts", "--herd", str(HERDS / "noise.toml"), "--data", str(tmp_path)])
    monkeypatch.setattr(alerts.Bench, "measure", lambda *_: {"heat_sensitivity": 0.1, "herd": "noise.toml"})
    assert alerts.main() == 0
    assert json.loads((tmp_path / "build/bench/alerts.json").read_text())["herd"] == "noise.toml"


def test_a_small_farm_is_lived_scored_and_judged_in_every_kind_twice_alike():
    farms = [live(None, 7, 8, 4, profiles=("parlour",), sweep=(0.0,), counts=True, learns=True) for _ in "ab"]
    assert farms[0].alarms == farms[1].alarms
    assert farms[0].swept[0.0] == [each for each in farms[0].alarms[""] if each.kind == "heat"]
    assert set(farms[0].alarms) == {"", "parlour"}
    figures = alerts_judge.tallies(farms[0])
    assert all(each.years == 0 for each in figures.values())
