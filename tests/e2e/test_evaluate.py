"""`herdbell evaluate behaviour` on recordings: chip, firmware's kernel, fits and figures, in one run."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from relay.__main__ import main
from relay.training import fit
from tests.simulator.packs import write_recordings

HZ = 10
SEGMENT_S = 40
# By label: mean in mg, amplitude in mg, frequency in Hz.
MOVES = {
    "grazing": ((700, 100, -700), 180, 1.9),
    "resting": ((100, 100, -990), 25, 2.5),
    "walking": ((400, -100, -910), 120, 1.2),
}
COWS = ("12", "14", "31", "77")


def samples(label, seed):
    """Samples (n, 3) of a cow that does this, as whole mg."""
    mean, amplitude, hz = MOVES[label]
    random = np.random.default_rng(seed)
    phase = 2 * np.pi * (hz * np.arange(SEGMENT_S * HZ) / HZ + random.random())
    waves = np.outer(np.sin(phase), (0.5, 0.3, 1.0)) * amplitude * random.uniform(0.8, 1.2)
    noise = random.normal(0, 0.2 * amplitude + 3, waves.shape)
    return [tuple(row) for row in np.rint(np.array(mean) + waves + noise).astype(int).tolist()]


@pytest.fixture
def pack(tmp_path):
    """Four cows of four minutes each, in whole segments one behind the other."""
    recordings = []
    for cow in COWS:
        for number, label in enumerate([*MOVES] * 2):
            at_ms = number * SEGMENT_S * 1000
            recordings.append((cow, label, at_ms, samples(label, int(cow) * 10 + number)))
    return write_recordings(tmp_path / "meadow", *recordings)


@pytest.fixture
def evaluated(tmp_path, pack, monkeypatch):
    """The command's outcome and JSON."""
    monkeypatch.setattr(fit, "CHOICES", (fit.Settings(hidden=0, doubt=0.0),))
    monkeypatch.setattr(fit, "_SMOOTHINGS", ((0.7, 1.0, 0.0),))

    def run(*options):
        out, drawn = tmp_path / "figures.json", tmp_path / "drawn"
        words = ["evaluate", "behaviour", "--data", pack, "--jobs", 1, "--json", out, "--pictures", drawn]
        done = CliRunner().invoke(main, [str(word) for word in (*words, *options)])
        assert done.exit_code == 0, done.output
        return done, json.loads(out.read_text())

    return run


def test_recordings_are_judged_with_each_cow_left_out_and_whatever_goes_with_waveforms(evaluated, tmp_path):
    done, figures = evaluated()
    (name, found), *others = figures.items()
    assert (name, others) == ("meadow", [])
    assert set(found) == {"grazing_still_walking", "mounts", "rumination"}
    classes = found["grazing_still_walking"]
    assert classes["labels"] == ["grazing", "still", "walking"]
    assert set(classes["animals"]) == set(COWS)
    assert set(classes["forms"]) == {"windows", "inside_segments"}
    assert classes["macro_f1"] > 0.9
    assert "Rumination is not validated on cattle" in done.stdout
    assert "Active mounts" in done.stdout
    assert "meadow: reading through chip and firmware" in done.stderr
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert drawn == [f"meadow-grazing-still-walking-{what}.png" for what in ("confusion", "day")]


def test_recordings_on_collars_that_sit_the_other_way_round_lose_next_to_nothing(evaluated):
    _, worn = evaluated()
    done, turned = evaluated("--turn", 180, "--tilt", 30)
    assert "turned 180 degrees and tilted 30" in " ".join(done.stdout.split())
    one, other = (each["meadow"]["grazing_still_walking"]["macro_f1"] for each in (worn, turned))
    assert other == pytest.approx(one, abs=0.05)


def test_the_model_as_shipped_judges_recordings_without_learning(evaluated, monkeypatch):
    monkeypatch.setattr(fit, "fit", lambda *_: pytest.fail("it learned"))
    done, figures = evaluated("--shipped")
    found = figures["meadow"]
    assert set(found) == {"grazing_still_walking", "mounts", "rumination"}
    assert found["grazing_still_walking"]["chosen"] == []
    assert set(found["grazing_still_walking"]["animals"]) == set(COWS)
    assert "The model as shipped" in done.stdout
    assert "the figures flatter" in " ".join(done.stdout.split())


def test_other_cows_of_a_farm_are_judged_by_what_its_first_ones_taught(evaluated, pack, tmp_path):
    others = [
        (cow, label, 0, samples(label, int(cow))) for cow, label in (("5", "grazing"), ("6", "resting"))
    ]
    (tmp_path / "later").mkdir()
    later = write_recordings(tmp_path / "later" / "meadow", *others)
    done, figures = evaluated("--data", later, "--train", pack)
    assert set(figures) == {"meadow", "meadow->meadow"}
    found = figures["meadow"]
    assert set(found) == {"grazing_still_walking", "mounts", "rumination"}
    assert set(found["grazing_still_walking"]["animals"]) == {"5", "6"}
    assert set(figures["meadow->meadow"]) == {"whole_farm_out", "still_active"}
    assert "hardly another farm" in " ".join(done.stdout.split())
