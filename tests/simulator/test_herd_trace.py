"""One seed is one herd, however many processes make it."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.herd_trace import RESOLUTIONS, Chunk, Setup, make, parts, trace_hash


@pytest.mark.parametrize("at", RESOLUTIONS)
def test_one_seed_twice_is_one_trace_and_another_seed_another(at):
    ours = trace_hash(None, 4, 3, 2, at)
    assert ours == trace_hash(None, 4, 3, 2, at)
    assert ours != trace_hash(None, 5, 3, 2, at)
    assert len(bytes.fromhex(ours)) == 32


def test_two_processes_make_the_trace_of_one():
    assert trace_hash(None, 2, 6, 1, "windows", 2) == trace_hash(None, 2, 6, 1, "windows", 1)


def test_what_a_herd_file_changes_changes_the_trace(tmp_path):
    (tmp_path / "mine.toml").write_text("[housing.freestall]\nlie_h = 9.0\n")
    assert trace_hash(tmp_path / "mine.toml", 1, 2, 1, "plan") != trace_hash(None, 1, 2, 1, "plan")


def test_parts_come_by_day_and_cow():
    made = [part.chunk for part in parts(Setup(None, 1, 5, 2, "windows"))]
    assert made == [Chunk(0, 0, 4), Chunk(0, 4, 5), Chunk(1, 0, 4), Chunk(1, 4, 5)]


def test_a_run_without_a_process_is_refused():
    with pytest.raises(ValueError, match="jobs=0: want at least 1"):
        parts(Setup(None, 1, 1, 1, "plan"), jobs=0)


def test_arrays_are_those_of_the_herd_and_kept_only_if_asked():
    setup = Setup(None, 1, 2, 1, "windows")
    herd = setup.herd()
    kept = make(herd, "windows", Chunk(0, 0, 2), keep=True)
    assert kept.arrays["windows"].shape == (2, 16_875, 14)
    assert (kept.arrays["windows"][1] == herd.windows(1, 0)).all()
    assert make(herd, "windows", Chunk(0, 0, 2), keep=False) == (kept.chunk, kept.digests, {})


def test_one_cow_otherwise_is_another_digest_for_her_alone():
    setup = Setup(None, 1, 3, 1, "minutes")
    herd = setup.herd()
    before = make(herd, "minutes", Chunk(0, 0, 3), keep=True)
    real = herd.minutes

    def touched(day):
        minutes = real(day)
        minutes.motion_mg[1, 700] = np.nextafter(minutes.motion_mg[1, 700], np.float32(1e9))
        return minutes

    herd.minutes = touched
    after = make(herd, "minutes", Chunk(0, 0, 3), keep=True)
    assert [a == b for a, b in zip(before.digests, after.digests, strict=True)] == [True, False, True]
