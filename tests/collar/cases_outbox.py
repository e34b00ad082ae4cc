"""The outbox: what is sealed stays, what is acked goes, what does not fit is told. For both interpreters."""

from collar.outbox import SLOTS, Outbox
from herdcore import wire

DEVICE = 0x0C0A11A5


def new_boot():
    return 8


def outbox(cells=704):
    return Outbox(DEVICE, 3, 7, new_boot, cells)


def windows(n, value=1):
    return bytes([value % 100] * (14 * n))


def fill(box, n, up_ms=0):
    """Add n windows in drains of 7; return the uptime at their end."""
    for at in range(0, n, 7):
        box.append_windows(up_ms + at * 5120, windows(min(7, n - at), at))
    return up_ms + n * 5120


def frames(box, now_s=100_000):
    return [
        (f.boot, f.seq, f.up_s, len(bytes(f.records)) // 14)
        for f in [box.frame(slot, now_s) for slot in box.next_batch()]
    ]


def case_an_open_frame_is_not_sent():
    box = outbox()
    box.append_windows(0, windows(7))
    assert box.next_batch() == []
    box.seal()
    assert frames(box) == [(7, 0, 0, 7)]


def case_a_frame_is_sealed_with_its_eighty_eighth_window():
    box = outbox()
    fill(box, 91)
    assert frames(box) == [(7, 0, 0, 88)]
    box.seal()
    assert frames(box) == [(7, 1, 450, 3), (7, 0, 0, 88)]


def case_the_newest_frame_is_sent_first():
    box = outbox()
    for i in range(3):
        box.append_windows(100_000 * i, windows(2))
        box.seal()
    assert [seq for _, seq, _, _ in frames(box)] == [2, 1, 0]


def case_health_is_sent_before_everything():
    box = outbox()
    box.append_health(1000, bytes(wire.HEALTH_BYTES))
    fill(box, 7, 2000)
    box.seal()
    kinds = [box.frame(slot, 10).kind for slot in box.next_batch()]
    assert kinds == [0x14, 0x11]


def case_a_health_record_comes_out_as_it_went_in():
    box = outbox()
    record = bytes(range(wire.HEALTH_BYTES))
    box.append_health(61_900, record)
    frame = box.frame(box.next_batch()[0], 70)
    assert bytes(frame.records) == record
    assert (frame.up_s, frame.age_s) == (61, 9)


def case_only_the_age_changes_between_attempts():
    box = outbox()
    fill(box, 10, 20_480)
    box.seal()
    slot = box.next_batch()[0]
    first = box.frame(slot, 80)
    records = bytes(first.records)
    later = box.frame(slot, 99)
    assert first[:6] == later[:6] == (0x11, DEVICE, 3, 7, 0, 20)
    assert records == bytes(later.records)
    assert (first.age_s, later.age_s) == (60, 79)


def case_windows_after_a_gap_start_a_new_frame():
    box = outbox()
    box.append_windows(0, windows(7))
    box.seal()
    box.append_windows(7 * 5120 + 3000, windows(7))
    box.seal()
    assert frames(box) == [(7, 1, 38, 7), (7, 0, 0, 7)]


def case_a_chip_that_is_three_percent_off_fills_its_frames_and_each_is_dated_anew():
    for drain_ms in (34_765, 36_915):
        box = outbox()
        for i in range(26):
            box.append_windows(i * drain_ms, windows(7))
        # The frame's last drain holds 3 windows of the next: those begin where the clock has them.
        begins = [0, 12 * drain_ms + 4 * 5120, 25 * drain_ms + 5120]
        box.seal()
        assert frames(box) == [
            (7, 2, begins[2] // 1000, 6),
            (7, 1, begins[1] // 1000, 88),
            (7, 0, 0, 88),
        ]


def case_a_frame_ends_before_a_window_is_dated_wrong_by_three():
    box = outbox()
    box.append_windows(0, windows(7))
    box.append_windows(7 * 5120 + 15_359, windows(1))
    box.append_windows(8 * 5120 + 15_360, windows(1))
    box.append_windows(9 * 5120, windows(1))
    box.seal()
    assert frames(box) == [(7, 2, 46, 1), (7, 1, 56, 1), (7, 0, 0, 8)]


def case_acked_frames_are_forgotten_and_others_stay():
    box = outbox()
    for i in range(4):
        box.append_windows(100_000 * i, windows(1))
        box.seal()
    assert box.ack([(7, 1, 2), (6, 0, 100)]) == 2
    assert [seq for _, seq, _, _ in frames(box)] == [3, 0]
    assert box.waiting() == 2
    assert box.ack([(7, 1, 2)]) == 0


def case_an_acked_frame_is_not_counted_as_dropped():
    box = outbox(10)
    fill(box, 7)
    box.seal()
    box.ack([(7, 0, 0)])
    fill(box, 10, 60_000)
    assert box.dropped == 0


def case_a_full_ring_drops_the_oldest_frames_and_tells_which():
    box = outbox(30)
    for i in range(5):
        fill(box, 10, 100_000 * i)
        box.seal()
    assert [seq for _, seq, _, _ in frames(box)] == [4, 3, 2]
    assert (box.dropped, box.dropped_boot, box.dropped_lo, box.dropped_hi) == (2, 7, 0, 1)


def case_a_drop_that_does_not_follow_the_last_begins_a_new_range():
    box = outbox(30)
    for i in range(4):
        fill(box, 10, 100_000 * i)
        box.seal()
    box.ack([(7, 1, 2)])
    for i in range(4, 7):
        fill(box, 10, 100_000 * i)
        box.seal()
    assert (box.dropped, box.dropped_lo, box.dropped_hi) == (2, 3, 3)


def case_more_frames_than_slots_drop_the_oldest():
    box = outbox()
    for i in range(SLOTS + 3):
        box.append_windows(100_000 * i, windows(1))
        box.seal()
    assert len(box.next_batch()) == SLOTS
    assert (box.dropped, box.dropped_lo, box.dropped_hi) == (3, 0, 2)


def case_records_that_wrap_around_the_ring_come_out_in_order():
    box = outbox(30)
    fill(box, 20)
    box.seal()
    box.ack([(7, 0, 0)])
    packed = bytes([i % 100 for i in range(14 * 25)])
    box.append_windows(200_000, packed)
    box.seal()
    assert bytes(box.frame(box.next_batch()[0], 300).records) == packed


def case_a_boot_that_runs_out_of_numbers_gets_a_new_one():
    box = outbox()
    box._seq = 0xFFFF
    for i in range(2):
        box.append_windows(100_000 * i, windows(1))
        box.seal()
    assert [(boot, seq) for boot, seq, _, _ in frames(box)] == [(8, 0), (7, 0xFFFF)]


def case_every_frame_is_one_that_the_wire_accepts():
    box = outbox()
    fill(box, 200, 4_000_000_000)
    box.append_health(5_000_000_000, bytes(wire.HEALTH_BYTES))
    for slot in box.next_batch():
        raw = wire.encode_frame(box.frame(slot, 5_000_000), bytes(32))
        assert len(raw) <= wire.FRAME_MAX
        assert wire.decode_frame(raw).device == DEVICE
