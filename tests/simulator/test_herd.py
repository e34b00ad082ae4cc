"""The herd of a run: who is in it, and what is true about it."""

import json

import numpy as np
import pytest

from simulator.herd import SICK_AFTER_MS, Herd
from simulator.herdfile import HerdError, load_herd
from simulator.motion import Still

HOUR_MS, HOUR_US = 3_600_000, 3_600_000_000


def moves_mg(animal, from_us):
    """Return how far a minute of an animal's acceleration spreads, mg."""
    return np.ptp(animal.motion.at(from_us + np.arange(0, 60_000_000, 80_000)), axis=0).max()


# the animals


def test_animals_have_names_numbers_and_collars_of_their_own():
    animals = Herd.from_toml(seed=1, cows=40).animals
    for field in ("index", "name", "number", "device"):
        assert len({getattr(animal, field) for animal in animals}) == 40
    assert [animal.index for animal in animals] == list(range(40))
    assert all(0 < animal.device < 2**32 for animal in animals)


def test_there_are_a_dozen_names_before_one_comes_again():
    names = load_herd()["herd"]["names"]
    assert len(set(names)) == len(names) >= 12


def test_a_larger_herd_begins_with_the_same_names_and_collars():
    few, many = Herd.from_toml(seed=5, cows=2).animals, Herd.from_toml(seed=5, cows=4).animals
    for one, two in zip(few, many, strict=False):
        assert (one.name, one.number, one.device) == (two.name, two.number, two.device)


def test_a_herd_file_of_ones_own_names_the_cows(tmp_path):
    path = tmp_path / "herd.toml"
    path.write_text('[herd]\nnames = ["Resi", "Liesl"]\nfirst_number = 40\n', encoding="utf-8")
    herd = Herd.from_toml(path, seed=1, cows=3)
    assert [(each.name, each.number) for each in herd.animals] == [
        ("Resi", "40"),
        ("Liesl", "41"),
        ("Resi 2", "42"),
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"cows": 0}, "cows=0"),
        ({"cows": 3, "sick": 3}, "sick=3: want 0..2"),
        ({"cows": 3, "sick": -1}, "sick=-1"),
    ],
)
def test_a_herd_that_cannot_be_is_refused(arguments, complaint):
    with pytest.raises(HerdError, match=complaint):
        Herd.from_toml(seed=1, **arguments)


def test_recorded_animals_get_collars_too():
    herd = Herd.of_motions([("1217", Still()), ("1219", Still())])
    assert [animal.name for animal in herd.animals] == ["1217", "1219"]
    assert len({animal.device for animal in herd.animals}) == 2
    assert herd.truth == ()


# the truth


def test_a_healthy_herd_has_nothing_to_tell(tmp_path):
    Herd.from_toml(seed=1, cows=3).write_truth(tmp_path / "truth.jsonl", 0)
    assert (tmp_path / "truth.jsonl").read_text(encoding="utf-8") == ""


def test_the_truth_names_the_cow_that_died_and_her_hour(tmp_path):
    herd = Herd.from_toml(seed=1, cows=3, sick=1, sick_from_us=2 * HOUR_US)
    herd.write_truth(tmp_path / "truth.jsonl", 1_000_000)
    rows = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == [
        {
            "animal": herd.animals[1].number,
            "kind": "dead",
            "onset_ms": 1_000_000 + 2 * HOUR_MS,
            "end_ms": None,
            "peak_ms": None,
            "expressed": True,
        }
    ]


def test_a_cow_dies_some_hours_after_the_start_unless_told_otherwise():
    (row,) = Herd.from_toml(seed=1, cows=1, sick=0).truth
    assert (row.onset_ms, row.end_ms) == (SICK_AFTER_MS, None)


def test_only_the_sick_cow_stops_and_only_then():
    herd = Herd.from_toml(seed=1, cows=2, sick=1, sick_from_us=2 * HOUR_US)
    well, sick = herd.animals
    assert moves_mg(sick, HOUR_US) > 15
    assert moves_mg(sick, 2 * HOUR_US + 180_000_000) < 3  # a carcass settles
    assert moves_mg(well, 2 * HOUR_US + 180_000_000) > 15
