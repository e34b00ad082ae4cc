"""The benchmark of blind time: its faults are what it says, and a few of them are told as they should be."""

from __future__ import annotations

import pytest

from relay.watch.parts import COLLAR, LINE, META, RELAY
from tests.bench.alerts_blind import HERDS, Fault, blind, plan


@pytest.mark.parametrize("seed", [1, 2])
def test_the_plan_has_as_many_faults_as_asked_of_every_part_and_sort(seed):
    faults = plan(seed, 200)
    assert len(faults) == 200
    assert {fault.part for fault in faults} == {COLLAR, LINE, META, RELAY}
    assert 20 < sum(fault.is_short for fault in faults) < 60
    assert sum(len(fault.spans) > 1 for fault in faults) > 10
    assert plan(seed, 200) == faults


def test_no_collar_is_gone_while_its_line_is():
    faults = plan(3, 200)
    for line in (fault for fault in faults if fault.part == LINE):
        others = [fault for fault in faults if fault.farm == line.farm and fault.part == COLLAR]
        assert not any(fault.has(line.spans[0][0]) or fault.has(line.spans[-1][1]) for fault in others)


def test_never_so_many_collars_are_gone_at_once_that_it_would_be_a_line():
    faults = [fault for fault in plan(4, 200) if fault.part == COLLAR]
    for fault in faults:
        gone = [each for each in faults if each.farm == fault.farm and each.has(fault.spans[0][0])]
        assert len(gone) <= max(1, HERDS[fault.farm] // 4)


@pytest.mark.parametrize(
    ("lost", "over", "told"),
    [([40], [200], True), ([46], [200], False), ([40, 90], [200], False), ([40], [], False), ([], [], False)],
)
def test_a_fault_counts_as_told_once_in_time_and_over_once(lost, over, told):
    assert Fault(META, [(0, 60)], lost=lost, over=over).is_told is told


def test_ten_faults_are_told_once_each_and_nothing_else_is():
    figures = blind(5, 10)
    assert figures["blind_told"] == figures["blind_injected"] > 4
    assert figures["blind_messages_per_fault"] == 1
    assert (figures["blind_short_told"], figures["blind_strays"]) == (0, 0)
