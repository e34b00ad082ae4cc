"""The axis of a day's picture: whole, or with its long gaps cut out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.evaluation.timeline import clock, lay_out

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 1_717_286_400_000  # 2024-06-02 00:00


def test_a_day_that_is_mostly_known_is_drawn_whole_with_its_gaps():
    axis = lay_out([(DAY, DAY + 10 * HOUR), (DAY + 12 * HOUR, DAY + 24 * HOUR)])
    assert axis.cuts() == []
    assert (axis.place(DAY), axis.place(DAY + 6 * HOUR), axis.place(DAY + 24 * HOUR)) == (0.0, 0.25, 1.0)
    assert [time for _, time in axis.ticks()][:3] == ["00:00", "02:00", "04:00"]


def test_of_a_day_that_is_mostly_unknown_long_gaps_are_cut_out_and_their_length_is_kept():
    axis = lay_out(
        [(DAY + 7 * HOUR, DAY + 7 * HOUR + 10 * MINUTE), (DAY + 9 * HOUR, DAY + 9 * HOUR + 20 * MINUTE)]
    )
    ((middle, length),) = axis.cuts()
    assert length == 110 * MINUTE
    assert 0.3 < middle < 0.36
    assert axis.ticks()[0] == (0.0, "07:00")
    assert "09:00" in [time for _, time in axis.ticks()]


def test_short_gaps_inside_a_stretch_are_not_cut_out():
    every = [(DAY + i * 20_000, DAY + i * 20_000 + 5_000) for i in range(40)]
    assert len(lay_out(every).stretches) == 1


SPANS = st.lists(st.tuples(st.integers(0, 24 * HOUR), st.integers(1, HOUR)), min_size=1, max_size=30).map(
    lambda spans: [(DAY + start, DAY + start + length) for start, length in spans]
)


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_every_known_time_has_a_place_in_order_and_at_one_scale(spans):
    axis = lay_out(spans)
    times = sorted(time for span in spans for time in (span[0], span[1] - 1))
    places = [axis.place(time) for time in times]
    assert places == sorted(places)
    assert 0.0 <= places[0] <= places[-1] <= 1.0 + 1e-9
    for start, end in spans:
        assert axis.place(end - 1) - axis.place(start) == pytest.approx(
            (end - 1 - start) * axis.scale, abs=1e-9
        )


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_stretches_fill_the_axis_and_clock_times_do_not_run_into_each_other(spans):
    axis = lay_out(spans)
    assert axis.stretches[-1].left + axis.stretches[-1].room == pytest.approx(1.0)
    assert len(axis.stretches) <= 9
    places = [place for place, _ in axis.ticks()]
    assert all(b - a > 0.0499 for a, b in pairwise(places))


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_the_start_of_every_stretch_after_a_cut_has_its_clock_time(spans):
    axis = lay_out(spans)
    if axis.cuts():
        assert {(one.left, clock(one.start_ms)) for one in axis.stretches} <= set(axis.ticks())
