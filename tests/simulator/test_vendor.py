"""What a vendor's collar would count, for published rules."""

import numpy as np
import pytest

from simulator.herdfile import load_herd
from simulator.vendor import Vendor
from tests.simulator.quiet_herd import Nothing, plan

COWS = 30


def counts(whole, days=5, seed=1, **numbers):
    ours = load_herd()
    vendor = Vendor(ours | {"vendor": ours["vendor"] | numbers}, seed, COWS)
    return np.stack([vendor.day(whole.day(number)) for number in range(days)])


def test_counts_come_in_blocks_of_two_hours_and_never_stop():
    found = counts(plan(COWS))
    assert found.shape == (5, COWS, 12)
    assert found.min() > 0


def test_counts_are_flat_over_the_day_as_those_of_a_real_barn():
    by_block = counts(plan(COWS)).mean(axis=(0, 1))
    assert by_block.max() / by_block.min() < 2.0


def test_a_cow_that_walks_more_counts_more():
    walks = plan(COWS, influence=Nothing(COWS, [(cow, 3, 4.0) for cow in range(0, COWS, 2)]))
    found = counts(walks, cow_log_sd=0.0).mean(axis=(0, 2))
    assert found[::2].mean() > 1.05 * found[1::2].mean()


def test_the_same_seed_counts_the_same_and_without_chance_only_the_plan_counts():
    whole = plan(COWS)
    assert (counts(whole) == counts(whole)).all()
    bare = {"cow_log_sd": 0.0, "block_log_sd": 0.0}
    assert counts(whole, **bare) == pytest.approx(counts(whole, seed=2, **bare))


def test_blocks_that_do_not_fill_a_day_are_refused():
    with pytest.raises(ValueError, match="block_h=5: want a part of 24"):
        Vendor(load_herd(), 1, 1, block_h=5)
