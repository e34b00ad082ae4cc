"""When a collar looks for its network, and where: days on a virtual clock with the simulated radio."""

from __future__ import annotations

from itertools import pairwise

import pytest

from collar.contact import BUCKET_MC, NEW_REFILL_MC_PER_DAY, REFILL_MC_PER_DAY, SLOT_S, Contact, places
from collar.retained import Retained
from simulator.collarhost.wlan import FOREVER_US, LEASE_US, Network
from simulator.coverage import coverage
from tests.bench.firmware_radio import contact
from tests.collar.radio_scene import DAY_S, HOME, HOUR_S, MINUTE_S, NO_SETTINGS, SECOND_US, RadioScene

DAY_US, HOUR_US = DAY_S * SECOND_US, HOUR_S * SECOND_US
AWAY_MS = 2_450  # of the radio, where no network answers


def new(**kept):
    made = Contact(Retained(bytearray(2048)), 77)
    for name, value in kept.items():
        made._kept[name] = value
    return made


def fail(made, now_s, *, on_ms=AWAY_MS, asked_s=0, joined=False):
    """One try that fails; return the wait."""
    made.place(HOME, NO_SETTINGS)
    if joined:
        made.joined(b"", now_s)
    made._kept.bump("attempt")
    return made.failed(now_s, on_ms, asked_s) - now_s


# twice a day for twelve minutes


@pytest.mark.parametrize("clock_ppm", [0, 50_000, -50_000])
def test_two_visits_of_twelve_minutes_a_day_are_enough(clock_ppm):
    share, first_days, failed_c = contact("parlour", 1, clock_ppm)
    assert first_days < 1.5  # cold start: in one of the first three visits
    assert share >= 0.95
    assert failed_c <= 8


@pytest.mark.parametrize("name", ["barn", "outages"])
def test_nights_in_the_barn_and_days_without_network_cost_a_bounded_charge(name):
    share, first_days, failed_c = contact(name, 2)
    assert (share, first_days < 0.1) == (1, True)
    assert failed_c <= 8


def test_a_collar_that_never_meets_a_network_spends_what_flows_into_its_bucket():
    scene = RadioScene(coverage=[]).live(4)
    assert scene.failed_mc() <= BUCKET_MC + 4 * NEW_REFILL_MC_PER_DAY + AWAY_MS
    new_mc = scene.failed_mc()
    scene.live(10)
    assert scene.failed_mc() - new_mc <= 10 * REFILL_MC_PER_DAY
    assert len(scene.tries_us) > 300


def test_an_access_point_that_nobody_answers_behind_costs_no_more_than_no_network():
    scene = RadioScene(relays=[]).live(4)
    new_mc = scene.failed_mc()
    scene.live(10)
    assert scene.failed_mc() - new_mc <= 11 * REFILL_MC_PER_DAY


# back-off


def test_a_collar_that_begins_anew_every_day_is_not_new_every_day():
    waits_s = [fail(new(boot=boot, energy_s=1, attempt=9), 3_600) for boot in (1, 9)]
    assert waits_s[1] > 3 * waits_s[0]


def test_a_try_that_found_nobody_waits_for_the_charge_of_the_next():
    made = new(energy_mc=300, energy_s=10 * DAY_S)
    wait_s = fail(made, 10 * DAY_S)
    cost_mc = AWAY_MS // 10
    saved_s = (2 * cost_mc - 300) * DAY_S // REFILL_MC_PER_DAY
    assert saved_s <= wait_s <= saved_s * 3 // 2


def test_with_charge_to_spare_the_wait_is_that_of_the_time_alone():
    made = new(energy_mc=BUCKET_MC, energy_s=10 * DAY_S)
    waits_s = [fail(made, 10 * DAY_S + n, joined=True) for n in range(5)]
    assert waits_s == sorted(waits_s)
    assert 5 <= waits_s[0] <= 10
    assert waits_s[4] <= 160


def test_the_bucket_fills_by_the_day_and_not_beyond_its_brim():
    made = new(energy_mc=0, energy_s=10 * DAY_S)
    assert made._refill(10 * DAY_S + DAY_S // 8) == REFILL_MC_PER_DAY // 8
    assert made._refill(20 * DAY_S) == BUCKET_MC


def test_an_uptime_that_begins_anew_does_not_fill_the_bucket():
    assert new(energy_mc=100, energy_s=10 * DAY_S)._refill(60) == 100


@pytest.mark.parametrize(("asked_s", "least_s"), [(120, 120), (1_800, 1_800), (86_400, 1_800)])
def test_a_busy_relay_is_left_alone_as_long_as_it_asks(asked_s, least_s):
    made = new(energy_mc=BUCKET_MC, energy_s=10 * DAY_S)
    assert fail(made, 10 * DAY_S, joined=True, asked_s=asked_s) >= least_s


def test_a_busy_relay_is_left_alone_even_where_habit_would_try():
    scene = RadioScene().live(2)
    scene.asked_s = 1_500
    scene.live(0.2, first_s=0)
    gaps_us = [b - a for a, b in pairwise(scene.tries_us) if a > 2 * DAY_US]
    assert min(gaps_us) >= 1_500 * SECOND_US


def test_what_was_never_on_the_air_costs_and_teaches_nothing():
    made = new(energy_mc=1_000, energy_s=10 * DAY_S, attempt=1)
    assert made.failed(10 * DAY_S, AWAY_MS, 0) > 10 * DAY_S
    assert (made._kept["energy_mc"], made._kept["network"]) == (1_000, 0)


# habit


def learnt():
    """A collar that was at the parlour at 05:03 of ten days and stays away from then on."""
    at_us = 5 * HOUR_US + 3 * MINUTE_S * SECOND_US
    near = [(day * DAY_US + at_us, day * DAY_US + at_us + 720 * SECOND_US) for day in range(10)]
    return RadioScene(coverage=near, networks={b"barn": Network(b"hay")}).live(10)


def test_at_the_time_of_day_of_earlier_contact_it_tries_every_ten_minutes_whatever_is_in_the_bucket():
    scene = learnt()
    scene.kept["energy_mc"] = 0
    scene.live(0.25)
    begin_us, end_us = 10 * DAY_US + 5 * HOUR_US, 10 * DAY_US + 5 * HOUR_US + SLOT_S * SECOND_US
    tries_us = [at for at in scene.tries_us if begin_us - 600 * SECOND_US <= at < end_us]
    assert len(tries_us) >= 3
    assert all(b - a < 640 * SECOND_US for a, b in pairwise(tries_us))


def test_a_habit_that_bore_no_fruit_for_days_is_forgotten():
    scene = learnt()
    assert any(scene.kept["slots"])
    scene.live(2)
    assert any(scene.kept["slots"])
    scene.live(2.5)
    assert not any(scene.kept["slots"])


def test_more_habits_than_visits_are_tried_less_often():
    scene = RadioScene(coverage=[(0, 10 * DAY_US)]).live(10)
    before = len(scene.tries_us)
    scene.live(1)
    assert len(scene.tries_us) - before <= 24 + REFILL_MC_PER_DAY * 10 // AWAY_MS + 12


# where


def test_places_are_the_identitys_then_the_settings_then_the_announced_ones_without_repetition():
    settings = NO_SETTINGS._replace(
        networks=(("barn", "hay"), ("yard", "oats")), next_network=("new", "straw"),
        relays=(("10.0.0.7", 80),), next_relay=("10.0.0.9", 8080),
    )  # fmt: skip
    assert places(HOME, settings) == (
        [("barn", "hay"), ("yard", "oats"), ("new", "straw")],
        [("10.0.0.9", 8080), ("10.0.0.7", 80)],
    )


def moved(scene, days=2):
    """Live on; return (hours until the next contact, the places of that)."""
    from_us, before = scene.now_us, len(scene.contacts_us)
    scene.live(days)
    assert len(scene.contacts_us) > before, scene.places[-6:]
    at_us = scene.contacts_us[before]
    return (at_us - from_us) / HOUR_US, scene.places[
        scene.tries_us.index(max(t for t in scene.tries_us if t < at_us))
    ]


def test_a_farm_can_change_its_router_without_touching_a_collar():
    networks = {b"barn": Network(b"hay", [(0, 3 * DAY_US)]),
                b"mesh": Network(b"oats", [(3 * DAY_US, FOREVER_US)], (10, 0, 7))}  # fmt: skip
    scene = RadioScene(networks=networks, settings=NO_SETTINGS._replace(next_network=("mesh", "oats"))).live(
        3
    )
    hours, place = moved(scene)
    assert hours < 1
    assert place == ("mesh", HOME.host)
    assert {ssid for ssid, _ in scene.places[-20:]} == {"mesh"}  # and it stays there


def test_a_new_router_of_the_same_name_gives_a_new_address():
    networks = {b"barn": Network(b"hay", lease_us=LEASE_US)}
    scene = RadioScene(networks=networks).live(1)
    scene.wlan._networks[b"barn"] = Network(b"hay", subnet=(10, 0, 7))
    hours, _ = moved(scene, 0.5)
    assert hours < 1
    assert scene.kept["lease"][:3] == bytes((10, 0, 7))


def test_a_farm_can_change_its_relay_without_touching_a_collar():
    relays = [(HOME.host, 0, 3 * DAY_US), ("10.0.0.20", 3 * DAY_US, FOREVER_US)]
    settings = NO_SETTINGS._replace(relays=(("10.0.0.19", 80),), next_relay=("10.0.0.20", 8080))
    scene = RadioScene(relays=relays, settings=settings).live(3)
    hours, place = moved(scene)
    assert hours < 1
    assert place == ("barn", "10.0.0.20")
    assert {host for _, host in scene.places[-20:]} == {"10.0.0.20"}


def test_a_network_of_the_same_name_without_a_relay_behind_it_is_left():
    networks = {b"barn": Network(b"hay", subnet=(10, 0, 7)), b"yard": Network(b"oats")}
    scene = RadioScene(networks=networks, settings=NO_SETTINGS._replace(networks=(("yard", "oats"),)))
    reaches = scene.wlan.reaches
    scene.wlan.reaches = lambda now_us: scene.places[-1][0] == "yard" and reaches(now_us)
    hours, place = moved(scene, 1)
    assert (hours < 2, place[0]) == (True, "yard")


def test_the_place_that_worked_is_kept_over_a_reset_and_a_shorter_list_is_no_trouble():
    memory = bytearray(2048)
    kept = Retained(memory)
    settings = NO_SETTINGS._replace(networks=(("yard", "oats"), ("mesh", "rye")))
    made = Contact(kept, 77)
    seen = []
    while made.place(HOME, settings)[0] != "mesh":
        seen.append(made.place(HOME, settings)[0])
        made.failed(10 * DAY_S, AWAY_MS, 0)
    assert set(seen) == {"barn", "yard"}
    made.joined(b"", 10 * DAY_S)
    made.succeeded(10 * DAY_S, 900)
    kept.save()
    again = Contact(Retained(memory), 77)
    assert again.place(HOME, settings)[0] == "mesh"
    assert again.place(HOME, NO_SETTINGS)[0] == "barn"


# the address


def test_an_upload_every_quarter_of_an_hour_asks_for_an_address_only_four_times_a_day():
    scene = RadioScene()
    asked = []
    leased = scene.contact.lease
    scene.contact.lease = lambda now_s: asked.append(leased(now_s)) or asked[-1]
    scene.live(2)
    assert 8 <= asked.count(b"") <= 9
    assert len(asked) > 150


def test_an_address_that_is_anothers_by_now_is_given_up_after_one_try():
    scene = RadioScene(networks={b"barn": Network(b"hay", lease_us=2 * HOUR_US)}).live(1)
    failures = len(scene.tries_us) - len(scene.contacts_us)
    assert 1 <= failures <= 12  # one each time that a lease has run out
    assert len(scene.contacts_us) > 70


def test_a_lease_is_that_of_the_network_it_came_from():
    lease = bytes(range(1, 17))
    made = new()
    settings = NO_SETTINGS._replace(networks=(("yard", "oats"),))
    made.place(HOME, settings)
    made.joined(lease, 100)
    made.succeeded(101, 900)
    made.place(HOME, settings)
    assert made.lease(200) == lease
    made.failed(201, AWAY_MS, 0)
    assert made.place(HOME, settings)[0] == "yard"
    assert made.lease(300) == b""


def test_visits_are_found_by_the_scenes_of_other_seeds_too():
    near = coverage("parlour", 23, 8)
    scene = RadioScene(seed=23, device=4_000_000_000, coverage=near).live(8)
    assert sum(scene.visits_used(near)) >= len(near) - 1
