"""Every field of herd.toml lies within its own bounds, and something in the simulator reads it."""

import tomllib

import numpy as np
import pytest

from simulator import herd_words, virtual_herd
from simulator.coverage import upload_offset_ms
from simulator.cow import Cow
from simulator.herdfile import DEFAULT_PATH, load_herd
from simulator.lives.happening import Happening
from simulator.plan.routine import DAY_MS
from simulator.reach import arrivals_ms
from simulator.vendor import Vendor
from simulator.virtual_herd import VirtualHerd

COWS, DAYS = 3, 400
LOOSE = Happening("collar_loose", 0, 2 * DAY_MS)


class Read(dict):
    """Values of a herd file that note in `names` who was asked for."""

    def __init__(self, values, names, where=""):
        super().__init__(
            (key, Read(each, names, f"{where}{key}.") if isinstance(each, dict) else each)
            for key, each in values.items()
        )
        self.names, self.where = names, where

    def __getitem__(self, key):
        self.names.add(f"{self.where}{key}")
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.names.add(f"{self.where}{key}")
        return super().get(key, default)

    def items(self):
        return [(key, self[key]) for key in self]

    def values(self):
        return [self[key] for key in self]


def leaves(node, where=""):
    for key, item in node.items():
        if "value" in item:
            yield f"{where}{key}", item
        else:
            yield from leaves(item, f"{where}{key}.")


def flat(value):
    if isinstance(value, list):
        for each in value:
            yield from flat(each)
    else:
        yield value


@pytest.fixture(scope="module")
def fields():
    return dict(leaves(tomllib.loads(DEFAULT_PATH.read_text(encoding="utf-8"))))


def test_every_number_has_bounds_and_keeps_them(fields):
    for name, leaf in fields.items():
        numbers = [each for each in flat(leaf["value"]) if isinstance(each, int | float)]
        if numbers and not isinstance(leaf["value"], bool):
            low, high = leaf["within"]
            assert all(low <= each <= high for each in numbers), name
        assert not leaf.get("whole") or all(isinstance(each, int) for each in numbers), name


def test_no_field_says_more_than_a_herd_file_may(fields):
    known = {"value", "source", "from", "within", "whole", "one_of", "any_length"}
    assert {name: set(leaf) - known for name, leaf in fields.items() if set(leaf) - known} == {}


def often(model):
    """Return a herd file in which nothing is rare."""
    event = {
        kind: {name: 5.0 if name.startswith("per_") else value for name, value in table.items()}
        for kind, table in model["event"].items()
    }
    return model | {"event": event | {"dystocia": event["dystocia"] | {"share": 0.5}}}


def lived(model):
    """Live a little at every resolution; return what has been asked of the model."""
    names = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(virtual_herd, "load_herd", lambda _path: Read(model, names))
        herd = VirtualHerd(seed=1, cows=COWS, days=DAYS, scripted={0: [LOOSE]})
    herd.windows(0, 0)
    herd.minutes(0)
    Cow(herd, 0).at(np.arange(0, 20_000_000, 80_000))
    Vendor(herd.model, 1, COWS).day(herd.day(0))
    arrivals_ms(herd, 0, np.array([0]))
    upload_offset_ms(herd.model, 0)
    herd_words.name_of(herd.model, 0)
    herd.number(0)
    return names


def test_something_reads_every_field(fields):
    ours = often(load_herd())
    pasture = ours["housing"]["pasture"] | {"feed_h": (8.0,), "push_up_h": (12.0,)}
    outdoors = {
        "herd": ours["herd"] | {"housing": "pasture"},
        "housing": ours["housing"] | {"pasture": pasture},
        "weather": ours["weather"] | {"mean_c": 30.0},
    }
    asked = lived(ours) | lived(ours | outdoors)
    unread = sorted(set(fields) - asked)
    assert unread == []
