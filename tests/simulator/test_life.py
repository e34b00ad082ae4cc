"""Lives of a herd: cycles, calves, chance, an end that is one, and the same life for the same cow.

Long, because every kind of event has its rates, its order and its end to be held to.
"""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from simulator.herdfile import HerdError, load_herd
from simulator.lives.happening import DISTURBANCES, EVENTS, HERD_EVENTS
from simulator.lives.influence import Influences
from simulator.lives.life import herd_wide, histories
from simulator.lives.weather import Weather
from simulator.plan.routine import DAY_MS, HOUR_MS, MINUTE_MS

COWS, DAYS = 200, 365


@pytest.fixture(scope="module")
def weather():
    return Weather(load_herd(), seed=1, days=DAYS)


@pytest.fixture(scope="module")
def herd(weather):
    return histories(load_herd(), 1, COWS, DAYS, weather)


@pytest.fixture(scope="module")
def farm():
    return herd_wide(load_herd(), 1, COWS, DAYS)


def changed(table, **values):
    """Return the herd file with other values in one table, like "breeding" or "event.dead"."""
    model = load_herd()
    section, _, kind = table.partition(".")
    if not kind:
        return {**model, section: {**model[section], **values}}
    return {**model, section: {**model[section], kind: {**model[section][kind], **values}}}


def of(herd, *kinds):
    return [each for history in herd for each in history.happenings if each.kind in kinds]


def eligible_heats(history):
    """Return the heats, silent ones too, that a farmer could want to know: later than 30 days in milk."""
    calved = noted(history, "calved")
    heats = of([history], "heat")
    return [a for a in heats if a.onset_ms - max(at for at in calved if at <= a.onset_ms) > 30 * DAY_MS]


def noted(history, kind):
    return [each.at_ms for each in history.life_events if each.kind == kind]


def hours(happening):
    return (happening.end_ms - happening.onset_ms) / HOUR_MS


# the same life


def test_a_cow_lives_the_same_life_in_a_larger_herd(herd, weather):
    few = histories(load_herd(), 1, 10, DAYS, weather)
    for alone, among in zip(few, herd, strict=False):
        hers, own = (
            [each for each in one.happenings if each.kind not in ("coactive", "herd_event")]
            for one in (alone, among)
        )  # those two depend on who is there
        assert hers == own
        assert alone.life_events == among.life_events
        assert (alone.parity, alone.dim_at_start) == (among.parity, among.dim_at_start)


def test_a_longer_simulation_begins_with_the_same_heats(herd):
    longer = histories(load_herd(), 1, 5, DAYS + 100)
    for short, long in zip(herd, longer, strict=False):
        began = [each.onset_ms for each in of([long], "heat") if each.onset_ms < DAYS * DAY_MS]
        assert began == [each.onset_ms for each in of([short], "heat")]


def test_one_seed_is_one_herd_and_another_seed_another():
    first, again, other = (histories(load_herd(), seed, 8, 60) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_more_deaths_change_no_cow_that_lives(weather):
    plain = histories(changed("event.dead", per_cow_year=0.0), 1, 20, DAYS, weather)
    deadly = histories(changed("event.dead", per_cow_year=1.0), 1, 20, DAYS, weather)
    alive = [number for number in range(20) if not of([deadly[number]], "dead")]
    assert 0 < len(alive) < 20
    for number in alive:
        assert of([plain[number]], *EVENTS) == of([deadly[number]], *EVENTS)


@pytest.mark.parametrize(("cows", "days"), [(0, 5), (5, 0)])
def test_a_herd_of_nobody_or_for_no_time_is_refused(cows, days):
    with pytest.raises(ValueError, match=f"cows={cows} days={days}"):
        histories(load_herd(), 1, cows, days)


@pytest.mark.parametrize(
    ("table", "values", "complaint"),
    [
        ("event.heat", {"intensity": (1.0, 0.3, 1.5, 4.0)}, r"event\.heat\.intensity\[0\]=1\.0: want more"),
        ("breeding", {"cycle_day": (0.0, 0.0, 0.0, 0.0)}, r"breeding\.cycle_day\[2\]=0\.0: want at least 1"),
        ("event.calving", {"side_spells": (3, 0)}, r"event\.calving\.side_spells=\[3, 0\]: want the lower"),
        ("life", {"parity_share": (0.0,) * 5}, r"life\.parity_share is all 0"),
    ],
)
def test_numbers_that_nobody_can_live_with_are_refused(table, values, complaint):
    with pytest.raises(HerdError, match=complaint):
        histories(changed(table, **values), 1, 1, 10)


def test_nothing_of_a_kind_comes_over_the_farm_while_the_last_of_it_lasts():
    often = changed("event.outage", per_farm_year=300.0)
    cuts = [each for each in herd_wide(often, 1, 1, 300) if each.kind == "outage"]
    assert len(cuts) > 100
    assert all(a.end_ms <= b.onset_ms for a, b in pairwise(cuts))


def test_nobody_joins_a_heat_that_is_over_or_that_comes_too_late():
    model = changed("event.heat", duration_range_h=(1.0, 1.0), mates_share=(0.5, 0.5))
    herd = histories(model, 1, 30, 40)
    joined = of(herd, "coactive")
    assert joined
    for each in joined:
        heats = of([herd[each.detail["with"]]], "heat")
        assert any(heat.onset_ms < each.onset_ms < heat.end_ms for heat in heats)
        assert each.onset_ms < 40 * DAY_MS


def test_happenings_come_by_onset_and_begin_within_the_days(herd):
    for history in herd:
        onsets = [each.onset_ms for each in history.happenings]
        assert onsets == sorted(onsets)
        assert not onsets or 0 <= onsets[0] <= onsets[-1] < DAYS * DAY_MS
        assert all(each.end_ms > each.onset_ms for each in history.happenings)
        assert all(each.kind in EVENTS + DISTURBANCES for each in history.happenings)


# cycles and calves


def test_a_cow_has_three_to_four_eligible_heats_a_year(herd):
    assert 3.0 <= sum(len(eligible_heats(each)) for each in herd) / COWS <= 4.0


def test_heats_return_every_three_weeks_until_she_is_pregnant(herd):
    gaps = [
        (b.onset_ms - a.onset_ms) / DAY_MS
        for history in herd
        for a, b in pairwise(of([history], "heat"))
        if not any(a.onset_ms < at <= b.onset_ms for at in noted(history, "calved"))
    ]
    assert 17 <= min(gaps) <= max(gaps) <= 25
    assert np.mean(gaps) == pytest.approx(21, abs=0.3)
    assert np.std(gaps) == pytest.approx(2.1, abs=0.3)


def test_a_pregnant_cow_has_no_heat(herd):
    for history in herd:
        for birth in of([history], "calving"):
            assert not any(
                birth.end_ms - 260 * DAY_MS < each.onset_ms < birth.end_ms for each in of([history], "heat")
            )


def test_the_first_heat_comes_a_month_after_calving_and_no_insemination_before_two(herd):
    for history in herd:
        for calved in noted(history, "calved"):
            after = [each.onset_ms for each in of([history], "heat") if each.onset_ms > max(calved, 0)]
            assert not after or after[0] >= calved + 29 * DAY_MS
            bred = [at for at in noted(history, "inseminated") if at > calved]
            assert not bred or bred[0] >= calved + 60 * DAY_MS


def test_an_insemination_follows_a_heat_by_twelve_to_eighteen_hours(herd):
    for history in herd:
        onsets = [each.onset_ms for each in of([history], "heat")]
        for at_ms in noted(history, "inseminated"):
            if at_ms > DAY_MS:
                assert any(12 * HOUR_MS <= at_ms - each <= 18 * HOUR_MS for each in onsets)


def test_she_is_dry_sixty_days_before_the_due_date_and_calves_near_it(herd):
    for history in herd:
        for due, calved in zip(noted(history, "due"), noted(history, "calved")[1:], strict=False):
            assert abs(calved - due) <= 18 * DAY_MS
            assert due - 60 * DAY_MS in noted(history, "dry")


def test_a_herd_calves_about_once_a_year_and_all_year_round(herd):
    births = of(herd, "calving")
    assert 0.8 <= len(births) / COWS <= 1.1
    by_quarter = np.histogram([each.end_ms for each in births], bins=4, range=(0, DAYS * DAY_MS))[0]
    assert by_quarter.min() > 0.6 * by_quarter.max()  # steady: nobody began the year alike


def test_days_in_milk_at_the_start_are_spread_over_the_whole_interval(herd):
    days = [each.dim_at_start for each in herd]
    assert min(days) < 20
    assert np.median(days) == pytest.approx(375 / 2, abs=30)
    for history in herd:
        assert history.dim_at_start == -noted(history, "calved")[0] // DAY_MS


def test_a_third_of_the_herd_is_in_its_first_lactation(herd):
    counts = Counter(each.parity for each in herd)
    assert set(counts) == {1, 2, 3, 4, 5}
    assert 0.22 <= counts[1] / COWS <= 0.42


def test_labour_lasts_six_to_twelve_hours_and_ends_with_a_birth_that_is_recorded(herd):
    for history in herd:
        for birth in of([history], "calving"):
            assert 6 <= hours(birth) <= 12
            assert birth.end_ms in noted(history, "calved") or birth.end_ms >= DAYS * DAY_MS


def test_hard_births_are_as_frequent_as_the_file_asks_and_she_lies_on_her_side():
    many = histories(changed("event.dystocia", share=0.5), 2, 60, DAYS)
    births, hard = of(many, "calving"), of(many, "dystocia")
    assert 0.3 <= len(hard) / len(births) <= 0.7
    for each in hard:
        assert 4 <= hours(each) <= 10
        assert each.end_ms in [birth.end_ms for birth in births]
        spells = each.detail["spells"]
        assert spells
        assert all(each.onset_ms <= a < b <= each.end_ms for a, b in spells)
        assert all(b < c for (_, b), (c, _) in pairwise(spells))


def test_in_an_easy_birth_she_is_never_long_on_her_side(herd):
    lengths = [b - a for each in of(herd, "calving") for a, b in each.detail.get("spells", ())]
    assert lengths
    assert max(lengths) < 10 * MINUTE_MS


# heats


@pytest.mark.parametrize(("parity_share", "median_h"), [((1, 0, 0, 0, 0), 9.3), ((0, 1, 0, 0, 0), 8.0)])
def test_heats_last_as_long_as_published(parity_share, median_h):
    model = {**changed("breeding", bred=False), "life": changed("life", parity_share=parity_share)["life"]}
    lengths = [hours(each) for each in of(histories(model, 1, 40, 300), "heat")]
    assert np.median(lengths) == pytest.approx(median_h, abs=0.6)
    assert np.percentile(lengths, 5) == pytest.approx(4, abs=1)
    assert np.percentile(lengths, 95) == pytest.approx(18, abs=2.5)


def test_a_quarter_of_heats_is_silent_and_the_others_are_about_twice_as_active(herd):
    heats = of(herd, "heat")
    loud = [each.detail["intensity"] for each in heats if each.expressed]
    assert 0.15 <= 1 - len(loud) / len(heats) <= 0.35
    assert np.median(loud) == pytest.approx(2.2, abs=0.15)
    assert max(loud) <= 4
    assert all(each.detail["intensity"] < 1.3 for each in heats if not each.expressed)


def test_the_severity_of_a_heat_is_one_at_the_median(herd):
    for each in of(herd, "heat"):
        assert 2.2**each.severity == pytest.approx(each.detail["intensity"], abs=1e-3)


def test_more_heats_begin_at_night(herd, weather):
    night = [not 6 <= weather.sun_hour(each.onset_ms) < 18 for each in of(herd, "heat")]
    assert 0.51 <= np.mean(night) <= 0.63


def test_lame_cows_show_less_heat():
    sound = histories(changed("event.lameness", per_cow_year=0.0), 1, 60, 200)
    lame = histories(changed("event.lameness", per_cow_year=20.0), 1, 60, 200)
    loud = [np.median([each.detail["intensity"] for each in of(herd, "heat")]) for herd in (sound, lame)]
    assert loud[1] < 0.75 * loud[0]


def test_in_a_hot_place_cows_show_less_heat():
    model = changed("weather", mean_c=30.0)
    hot = histories(model, 1, 60, 200, Weather(model, 1, 200))
    assert np.mean([each.expressed for each in of(hot, "heat")]) < 0.5


def test_a_herd_that_is_never_bred_cycles_all_year(weather):
    herd = histories(changed("breeding", bred=False), 1, 50, DAYS, weather)
    assert not of(herd, "calving", "dystocia")
    assert not any(noted(each, "inseminated") or noted(each, "due") for each in herd)
    alive = [each for each in herd if not of([each], "dead", "theft")]
    assert np.mean([len(of([each], "heat")) for each in alive]) == pytest.approx(16.5, abs=1)


def test_some_herd_mates_join_a_cow_in_heat_and_are_not_in_the_truth(herd):
    joined = of(herd, "coactive")
    loud = {
        (history.cow, each.onset_ms) for history in herd for each in of([history], "heat") if each.expressed
    }
    assert "coactive" not in EVENTS
    assert 2 <= len(joined) / len(loud) <= 6
    assert all(2 <= hours(each) <= 6 for each in joined)
    for history in herd:
        assert all(each.detail["with"] != history.cow for each in of([history], "coactive"))


# chance


@pytest.mark.parametrize(
    "kind", ["off_feed", "mastitis", "lameness", "collar_loose", "collar_turned", "group_move", "odd_day"]
)
def test_over_a_year_things_happen_as_often_as_the_file_says(herd, kind):
    wanted = load_herd()["event"][kind]["per_cow_year"] * COWS
    assert abs(len(of(herd, kind)) - wanted) < 0.06 * wanted + 3 * wanted**0.5


@pytest.mark.parametrize("kind", ["cast", "down", "dead", "collar_off", "battery", "theft"])
def test_rare_things_happen_as_often_as_a_file_asks(kind):
    herd = histories(changed(f"event.{kind}", per_cow_year=1.0), 1, 100, 100)
    lived = sum(
        min([100 * DAY_MS, *(each.onset_ms for each in of([life], "dead", "theft"))]) for life in herd
    )
    assert len(of(herd, kind)) == pytest.approx(lived / DAY_MS / 365, rel=0.45)


def test_most_cows_go_off_their_feed_in_the_first_month():
    herd = histories(changed("event.off_feed", per_cow_year=2.0), 1, 60, DAYS)
    days = [
        (each.onset_ms - max(at for at in noted(life, "calved") if at <= each.onset_ms)) / DAY_MS
        for life in herd
        for each in of([life], "off_feed")
    ]
    assert 0.55 <= np.mean(np.array(days) < 30) <= 0.8


def test_rumination_falls_for_two_to_five_days_before_a_diagnosis(herd):
    for each in of([life for life in herd if not of([life], "dead", "theft")], "off_feed"):
        assert 2 <= (each.peak_ms - each.onset_ms) / DAY_MS <= 5
        assert 3 <= (each.end_ms - each.peak_ms) / DAY_MS <= 7


def test_half_of_all_mastitis_is_not_to_be_seen(herd):
    cases = of(herd, "mastitis")
    assert 0.35 <= np.mean([each.expressed for each in cases]) <= 0.65
    assert all(each.severity <= 0.25 for each in cases if not each.expressed)


def test_lameness_takes_five_to_twenty_days(herd):
    assert all(5 <= (each.peak_ms - each.onset_ms) / DAY_MS <= 20 for each in of(herd, "lameness"))


def test_a_cow_that_is_down_lies_longer_than_six_hours():
    downers = of(histories(changed("event.down", per_cow_year=2.0), 1, 50, 100), "down")
    assert downers
    assert all(hours(each) > 6 for each in downers)


def test_a_turned_collar_says_how_far_and_about_which_axis(herd):
    turns = of(herd, "collar_turned")
    assert {each.detail["axis"] for each in turns} == {"y"}
    angles = np.array([each.detail["angle_deg"] for each in turns])
    assert 0.4 <= np.mean(angles == 180) <= 0.8
    assert (np.abs(angles) >= 40).all()


def test_a_theft_is_a_long_walk_at_night_out_of_cover(weather):
    herd = histories(changed("event.theft", per_cow_year=3.0), 1, 60, DAYS, weather)
    thefts = of(herd, "theft")
    assert len(thefts) > 30
    for each in thefts:
        assert not 4 <= weather.sun_hour(each.onset_ms) < 22
        assert each.detail["walk_end_ms"] - each.onset_ms >= 8 * MINUTE_MS
        assert each.detail["out_of_cover_ms"] == each.detail["walk_end_ms"]


# the end


@pytest.mark.parametrize("kind", ["dead", "theft"])
def test_after_her_end_nothing_happens_to_her(kind, weather):
    herd = histories(changed(f"event.{kind}", per_cow_year=3.0), 1, 40, DAYS, weather)
    ended = [each for each in herd if of([each], kind)]
    assert len(ended) > 20
    for history in ended:
        (end,) = of([history], "dead", "theft")
        others = [each for each in history.happenings if each is not end]
        assert end.end_ms == DAYS * DAY_MS
        assert all(
            each.onset_ms < end.onset_ms and each.end_ms <= end.onset_ms for each in others if each.kind
        )
        assert all(
            at < end.onset_ms for name in ("calved", "inseminated", "dry") for at in noted(history, name)
        )


def test_a_dead_cow_s_calf_is_not_born(weather):
    herd = histories(changed("event.dead", per_cow_year=3.0), 1, 40, DAYS, weather)
    dead = [each for each in herd if of([each], "dead")]
    assert len(dead) > 20
    for history in dead:
        assert all(each.end_ms in noted(history, "calved") for each in of([history], "calving"))


def test_of_a_dead_cow_one_due_date_stays_in_the_book_if_she_was_pregnant(weather):
    herd = histories(changed("event.dead", per_cow_year=3.0), 1, 40, DAYS, weather)
    for history in herd:
        for end in of([history], "dead"):
            later = [each for each in history.life_events if each.at_ms >= end.onset_ms]
            assert [each.kind for each in later] in ([], ["due"])
            assert all(each.at_ms - 280 * DAY_MS in noted(history, "inseminated") for each in later)


def test_no_stretch_without_choice_lies_over_another(weather):
    model = load_herd()
    for kind in ("cast", "down", "collar_off"):
        model = {**model, "event": {**model["event"], kind: {**model["event"][kind], "per_cow_year": 20.0}}}
    lives = histories(model, 1, 20, 120, weather)
    bent = Influences(model, lives, weather)
    stretches = [each for day in range(120) for each in bent.forced(day)]
    assert len(stretches) > 100
    for a, b in pairwise(stretches):
        assert a.from_ms < a.to_ms
        assert a.from_ms // DAY_MS == (a.to_ms - 1) // DAY_MS
        assert a.cow != b.cow or a.from_ms // DAY_MS != b.from_ms // DAY_MS or a.to_ms <= b.from_ms


# the farm


def test_a_dog_makes_a_third_to_nine_tenths_run_within_a_minute():
    model = changed("event.herd_event", per_farm_year=40.0)
    herd, rows = histories(model, 1, 50, 100), herd_wide(model, 1, 50, 100)
    dogs = [each for each in rows if each.kind == "herd_event"]
    assert len(dogs) > 4
    for dog in dogs:
        ran = [each for each in of(herd, "herd_event") if 0 <= each.onset_ms - dog.onset_ms <= 60_000]
        assert 0.2 <= len(ran) / 50 <= 1.0
        for each in ran:
            assert 2 <= (each.detail["run_end_ms"] - each.onset_ms) / MINUTE_MS <= 10
            assert each.end_ms - each.detail["run_end_ms"] == 30 * MINUTE_MS


def test_an_event_in_which_nobody_takes_part_is_none():
    model = changed("event.herd_event", per_farm_year=100.0, share=(0.0, 0.0))
    assert not [each for each in herd_wide(model, 1, 5, 60) if each.kind == "herd_event"]


def test_every_day_that_reaches_the_threshold_has_its_row(farm, weather):
    hot = [day for day in range(DAYS) if weather.thi_by_hour(day).max() >= 72]
    rows = [each for each in farm if each.kind == "heat_stress"]
    assert [each.onset_ms // DAY_MS for each in rows] == hot
    assert all(weather.thi(each.onset_ms) >= 72 for each in rows)


def test_the_truth_about_the_farm_holds_nothing_that_is_not_one(farm):
    assert {each.kind for each in farm} <= set(HERD_EVENTS)
    assert [each.onset_ms for each in farm] == sorted(each.onset_ms for each in farm)


def test_a_change_of_feed_comes_to_all_cows_at_once_and_rain_to_those_outdoors(herd):
    whole = [each for each in herd if not of([each], "dead", "theft")]
    first = of([whole[0]], "rain", "feed_change")
    assert {each.kind for each in first} == {"feed_change"}
    ours = load_herd()
    outdoors = ours | {"herd": ours["herd"] | {"housing": "pasture"}}
    assert len(of(histories(outdoors, 1, 1, 60), "rain")) > 10
    assert all(of([each], "rain", "feed_change") == first for each in whole)


def test_no_two_cows_mind_a_shock_alike(herd):
    severities = {round(each.severity, 6) for each in of(herd, "herd_shock")}
    assert len(severities) > COWS


def test_groups_share_the_herd_and_a_dog_comes_to_one_of_them():
    model = changed("herd", group_cows=10)
    model = {**model, "event": changed("event.herd_event", per_farm_year=60.0)["event"]}
    herd = histories(model, 1, 30, 60)
    assert Counter(each.group for each in herd) == {0: 10, 1: 10, 2: 10}
    for history in herd:
        for mate in of([history], "coactive"):
            assert herd[mate.detail["with"]].group == history.group
