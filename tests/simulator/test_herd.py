"""The herd: who is in it, what is true about it, and that every number says where it comes from."""

import json
import tomllib

import numpy as np
import pytest

from herdcore.vocabulary import ALERT_KINDS
from simulator.cow_model import DEFAULT_PATH, SOURCES, HerdError, load_model
from simulator.herd import Herd, TruthRow
from simulator.motion import Still

HOUR_US = 3_600_000_000


def leaves(node, path=""):
    """Yield (path, item) for everything in the tree that is not a table of tables."""
    for key, item in node.items():
        if isinstance(item, dict) and "value" not in item:
            yield from leaves(item, f"{path}{key}.")
        else:
            yield f"{path}{key}", item


def changed(tmp_path, old, new):
    text = DEFAULT_PATH.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "herd.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


# the file


ALL_NUMBERS = list(leaves(tomllib.loads(DEFAULT_PATH.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("field", "item"), ALL_NUMBERS, ids=[field for field, _ in ALL_NUMBERS])
def test_every_number_says_where_it_comes_from(field, item):
    assert item["source"] in SOURCES, field
    assert len(item["from"]) > 5, field


def test_assumption_and_evidence_are_both_there_and_told_apart():
    assert {item["source"] for _, item in ALL_NUMBERS} == set(SOURCES)
    assert len(ALL_NUMBERS) > 40


def test_a_number_without_a_source_is_refused_by_name(tmp_path):
    path = changed(tmp_path, 'breath_hz = { value = 0.4, source = "published"', "breath_hz = { value = 0.4")
    with pytest.raises(HerdError, match=r"herd\.toml: sick\.breath_hz: source=None"):
        load_model(path)


def test_a_bare_number_is_refused_by_name(tmp_path):
    path = changed(tmp_path, "[day]", "[day]\nextra = 3")
    with pytest.raises(HerdError, match=r"day\.extra has no source"):
        load_model(path)


def test_an_empty_origin_is_refused_by_name(tmp_path):
    path = changed(tmp_path, 'from = "20 to 30 breaths a minute"', 'from = ""')
    with pytest.raises(HerdError, match=r"sick\.breath_hz: 'from'"):
        load_model(path)


def test_a_missing_number_is_refused_by_name(tmp_path):
    path = changed(tmp_path, "bolus_s =", "bolus =")
    with pytest.raises(HerdError, match="bolus_s"):
        load_model(path)


def test_an_unknown_number_of_a_waveform_is_refused_by_name(tmp_path):
    sway = '[waveform.walk]\nsway = { value = 1, source = "assumed", from = "nowhere" }'
    path = changed(tmp_path, "[waveform.walk]", sway)
    with pytest.raises(HerdError, match="sway"):
        load_model(path)


@pytest.mark.parametrize("behaviour", ["rest", "ruminate", "graze", "walk"])
def test_a_behaviour_is_followed_by_another_one(behaviour):
    weights = dict(load_model().bouts[behaviour].next)
    assert behaviour not in weights
    assert sum(weights.values()) == pytest.approx(1)


def test_there_is_a_number_for_every_hour_of_the_day():
    assert len(load_model().day["graze_by_hour"]) == 24


# the animals


def test_animals_have_names_numbers_and_collars_of_their_own():
    animals = Herd.from_toml(seed=1, cows=40).animals
    for field in ("index", "name", "number", "device"):
        assert len({getattr(animal, field) for animal in animals}) == 40
    assert [animal.index for animal in animals] == list(range(40))
    assert all(0 < animal.device < 2**32 for animal in animals)


def test_there_are_a_dozen_names_before_one_comes_again():
    names = load_model().herd["names"]
    assert len(set(names)) == len(names) >= 12


def test_a_larger_herd_begins_with_the_same_cows():
    few, many = Herd.from_toml(seed=5, cows=2).animals, Herd.from_toml(seed=5, cows=4).animals
    times_us = np.arange(0, 60_000_000, 80_000)
    for one, two in zip(few, many, strict=False):
        assert (one.name, one.device) == (two.name, two.device)
        assert (one.motion.at(times_us) == two.motion.at(times_us)).all()


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


def test_an_end_is_told_in_utc_too():
    row = json.loads(TruthRow("12", "no_movement", 5_000_000, 9_000_000, expressed=False).as_json(1_000))
    assert (row["onset_ms"], row["end_ms"], row["expressed"]) == (6_000, 10_000, False)


def test_a_healthy_herd_has_nothing_to_tell(tmp_path):
    Herd.from_toml(seed=1, cows=3).write_truth(tmp_path / "truth.jsonl", 0)
    assert (tmp_path / "truth.jsonl").read_text(encoding="utf-8") == ""


def test_the_truth_names_the_sick_cow_and_her_hour(tmp_path):
    herd = Herd.from_toml(seed=1, cows=3, sick=1, sick_from_us=2 * HOUR_US)
    herd.write_truth(tmp_path / "truth.jsonl", 1_000_000)
    rows = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == [
        {
            "animal": herd.animals[1].number,
            "kind": "no_movement",
            "onset_ms": 1_000_000 + 2 * 3_600_000,
            "end_ms": None,
            "expressed": True,
        }
    ]
    assert rows[0]["kind"] in ALERT_KINDS


def test_only_the_sick_cow_stops_and_only_then():
    herd = Herd.from_toml(seed=1, cows=3, sick=1, sick_from_us=2 * HOUR_US)
    at = {animal.index: animal.motion.behaviour_at(2 * HOUR_US) for animal in herd.animals}
    assert at[1] == "still"
    assert "still" not in (at[0], at[2])
    assert herd.animals[1].motion.behaviour_at(2 * HOUR_US - 1) != "still"


def test_the_file_says_when_a_cow_falls_ill_unless_told_otherwise():
    herd = Herd.from_toml(seed=1, cows=1, sick=0)
    assert herd.animals[0].motion.sick_from_us == int(load_model().sick["after_h"] * HOUR_US)
