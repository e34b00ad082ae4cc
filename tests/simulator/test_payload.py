"""What a cow-day weighs: counted on whole signed frames, for cows that are simple enough to count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from herdcore import records
from simulator.bench import payload
from simulator.motion import Still
from tests.core.strategies import examples
from tests.upy.harness import ROOT

TABLE = ROOT / "firmware/partitions-4MiB.csv"
HOUR_US = 3_600_000_000


class Grazing:
    """Half an hour of strong movement, half an hour of none."""

    def at(self, times_us):
        phase = times_us[:, None] * 1e-6 * np.array([2.1, 3.3, 4.7])
        rows = 300 * np.sin(2 * math.pi * phase) * (times_us[:, None] % HOUR_US < HOUR_US // 2)
        rows[:, 2] += 1000
        return rows


@pytest.fixture(scope="module")
def figures():
    cows = [("still", Still(), HOUR_US // 3), ("grazing", Grazing(), HOUR_US)]
    return payload.payload(cows, payload.log_bytes_of(TABLE))


def test_a_day_of_windows_and_minutes_weighs_its_records_and_the_heads_of_its_frames(figures):
    assert figures["packets_cow_day_windows"] == 192
    heads = figures["bytes_cow_day_windows"] - 16_875 * 14
    assert 192 * 30 <= heads <= 192 * 36
    heads = figures["bytes_cow_day_minutes"] - 1_440 * 8
    assert 9 * 30 <= heads <= 9 * 36


def test_a_day_of_codes_weighs_a_frame_an_hour(figures):
    assert figures["frames_cow_day_codes"] == 24
    assert 24 * 32 <= figures["bytes_cow_day_codes"] <= figures["bytes_cow_day_codes_worst"] <= 24 * 40
    assert figures["codes_worst_cow"] == "grazing"
    assert figures["bytes_codes_frame_longest"] <= 51


def test_days_in_the_log_are_those_of_the_frozen_partition_table(figures):
    log_bytes = payload.log_bytes_of(TABLE)
    assert figures["log_days_minutes"] == log_bytes / 11_520
    assert figures["log_days_windows_rice"] > figures["log_days_windows"] == log_bytes / (16_875 * 14)


def test_a_limit_that_is_not_kept_is_named(figures):
    assert payload.misses(figures) == []
    wrong = figures | {"bytes_cow_day_codes": 1_001}
    assert payload.misses(wrong) == ["bytes_cow_day_codes 1001, at most 1000"]


def test_an_hour_that_is_calmed_costs_no_second_frame():
    restless = [(payload._BEGAN_S + 60 * n, bytes([(1 + 2 * (n % 2)) << 5]) + bytes(7)) for n in range(1_440)]
    assert len(payload.codes_sizes(restless, bytes)) == 48
    assert len(payload.codes_sizes(restless, records.calmed)) == 24


def rice(values, k):
    """Return values in Rice code of parameter k, as a text of bits."""
    return "".join("1" * (v >> k) + "0" + (f"{v & (1 << k) - 1:0{k}b}" if k else "") for v in values)


@examples(60)
@given(st.binary(min_size=1, max_size=40))
def test_the_bits_of_a_column_are_those_of_its_shortest_rice_code(column):
    assert payload.rice_bits(column) == 3 + min(len(rice(column, k)) for k in range(8))


@examples(40)
@given(st.lists(st.binary(min_size=14, max_size=14), min_size=1, max_size=8))
def test_windows_can_be_told_from_their_differences(windows):
    columns = payload._differences(windows)
    assert [len(column) for column in columns] == [len(windows)] * 14
    for place, column in enumerate(columns):
        value = 0
        for window, code in zip(windows, column, strict=True):
            value += code >> 1 if code % 2 == 0 else -(code + 1 >> 1)
            assert value & 0xFF == window[place]
