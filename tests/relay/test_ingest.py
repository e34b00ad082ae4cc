"""The sans-IO core: which frames are let in, and what is acknowledged."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herdcore import wire
from relay.ingest import Ingest, merge_ranges
from relay.model import CollarKey
from relay.storage.ports import CONFLICT, DUPLICATE, STORED
from tests.relay.scene import START_MS, acks_in, frame, keys_of, resigned

FARM = 7


def ingest(*devices, epoch=0):
    return Ingest(
        [CollarKey(d, FARM, epoch, *keys_of(d, epoch)) for d in devices or (1, 2)], next_upload_s=300
    )


def judge(core, *frames):
    return core.judge(wire.encode_batch(list(frames)), START_MS)


def test_a_right_frame_is_dated_by_its_age_and_belongs_to_the_collars_farm():
    batch = judge(ingest(), frame(1, 5, boot=3, up_s=100, age_s=60, records=b"r" * 14))
    (new,) = batch.frames
    assert (new.device, new.farm_id, new.boot, new.seq, new.up_s) == (1, FARM, 3, 5, 100)
    assert (new.first_ms, new.received_ms) == (START_MS - 60_000, START_MS)
    assert new.records == b"r" * 14
    assert batch.refusals == []


@pytest.mark.parametrize(
    ("raw", "status", "reason"),
    [
        (frame(1, key=bytes(32)), 401, "wrong_tag"),
        (frame(3), 401, "unknown_collar"),
        (frame(1, epoch=1), 401, "unknown_collar"),
        (b"", 400, "size"),
        (b"\x99", 400, "size"),
        (bytes(1401), 400, "size"),
        (bytes(100), 400, "shape"),
        (b"\x99\x21" + frame(1)[2:], 400, "version"),
        (resigned(frame(1)[:-10] + b"\x00"), 400, "shape"),
        (resigned(b"\x99\x1f" + frame(1)[2:-10]), 400, "schema"),
        (resigned(b"\x99\x12" + frame(1)[2:-10]), 400, "records"),
        (resigned(b"\x99\x11\xce\0\0\0\1\0\xce\0\1\0\0\1\1\1\xc4\x0e" + bytes(14)), 400, "range"),
        (resigned(b"\x99\x11\xce\0\0\0\1\0" + b"\x91" * 300), 400, "shape"),
        (resigned(b"\x99\x11\xce\0\0\0\1\0\1\1\1\1\xc6\xff\xff\xff\xff" + bytes(20)), 400, "shape"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_frame_that_is_not_let_in_is_refused_for_its_reason(raw, status, reason):
    core = ingest()
    batch = judge(core, raw)
    assert (batch.results, batch.frames, batch.refusals) == ([status], [], [reason])
    assert core.answer(batch, []).status == status


def test_nothing_is_decoded_before_the_tag_is_right(monkeypatch):
    monkeypatch.setattr("relay.fastwire.decode_frame", lambda _raw: pytest.fail("decoded"))
    monkeypatch.setattr("herdcore.wire.decode_frame", lambda _raw: pytest.fail("decoded"))
    assert judge(ingest(), frame(1, key=bytes(32)), frame(9)).results == [401, 401]


def test_an_unknown_collar_costs_the_same_check_as_a_wrong_tag(monkeypatch):
    checked = []
    monkeypatch.setattr("relay.fastwire.tag_ok", lambda _raw, key: checked.append(key) or True)
    judge(ingest(), frame(9))
    assert [len(key) for key in checked] == [32]
    assert judge(ingest(), frame(9)).results == [401]


def test_one_bad_frame_does_not_touch_the_others():
    good = [frame(1, 1), frame(2, 8, boot=4), frame(1, 2)]
    core = ingest()
    batch = judge(core, good[0], b"rubbish", good[1], frame(1, 9, key=bytes(32)), good[2])
    answer = core.answer(batch, [STORED] * 3)
    results, acks = acks_in(answer.body, good)
    assert results == [200, 400, 200, 401, 200]
    assert acks[1].ranges == [(1, 1, 2)]
    assert acks[2].ranges == [(4, 8, 8)]


def test_an_ack_tells_the_time_of_the_arrival_and_the_period():
    core, raw = ingest(), frame(1)
    answer = core.answer(judge(core, raw), [STORED])
    _, acks = acks_in(answer.body, [raw])
    assert (acks[1].utc_ms, acks[1].next_s, acks[1].flags, acks[1].commands) == (START_MS, 300, 0, b"")


def test_a_duplicate_is_acknowledged_again():
    core, raw = ingest(), frame(1, 3)
    answer = core.answer(judge(core, raw), [DUPLICATE])
    assert acks_in(answer.body, [raw])[1][1].ranges == [(1, 3, 3)]


def test_a_conflict_is_not_acknowledged_but_its_tag_counts():
    core, both = ingest(), [frame(1, 3), frame(1, 4)]
    answer = core.answer(judge(core, *both), [CONFLICT, STORED])
    results, acks = acks_in(answer.body, both)
    assert results == [409, 200]
    assert acks[1].ranges == [(1, 4, 4)]


def test_the_first_refusal_decides_the_status_if_nothing_is_accepted():
    core = ingest()
    batch = judge(core, frame(1), frame(9), b"rubbish")
    answer = core.answer(batch, [CONFLICT])
    assert (answer.status, answer.body, answer.results) == (409, b"", [409, 401, 400])


def test_new_keys_hold_from_then_on():
    core = ingest(1)
    core.replace_keys([CollarKey(1, FARM, 1, *keys_of(1, 1))])
    assert core.collars == 1
    assert judge(core, frame(1), frame(1, epoch=1)).results == [401, 0]


def test_keys_that_change_between_check_and_answer_do_not_spoil_the_ack():
    core, raw = ingest(1), frame(1)
    batch = judge(core, raw)
    core.replace_keys([])
    assert acks_in(core.answer(batch, [STORED]).body, [raw])[0] == [200]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=64))
def test_ranges_cover_exactly_what_is_durable_and_no_two_of_them_touch(numbers):
    ranges = merge_ranges(numbers)
    assert [(boot, seq) for boot, lo, hi in ranges for seq in range(lo, hi + 1)] == sorted(set(numbers))
    assert all(a[0] != b[0] or a[2] + 1 < b[1] for a, b in pairwise(ranges))
