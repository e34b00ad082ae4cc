"""The outbox: what is sealed stays, what is acked goes, what does not fit is told. For both interpreters.

Long: one list of cases, run as it is by two interpreters.
"""

import struct
from array import array

from ram_flash import RamFlash, count_waiting

from collar.flashlog import FlashLog
from collar.outbox import Outbox, reserve_sectors
from herdcore import wire

DEVICE = 0x0C0A11A5


def new_boot():
    return 8


def outbox(flash=None, boot=7):
    return Outbox(DEVICE, 3, boot, new_boot, FlashLog(flash or RamFlash()))


def small():
    """A log of four sectors of 512 bytes: about 12 records of 7 windows before the oldest go."""
    return RamFlash(4, 512)


def windows(n, value=1):
    return bytes([value % 100] * (14 * n))


def fill(box, n, up_ms=0):
    """Add n windows in drains of 7; return the uptime at their end."""
    for at in range(0, n, 7):
        box.append_windows(up_ms + at * 5120, windows(min(7, n - at), at))
    return up_ms + n * 5120


def refused(work, message):
    """Return whether `work` raises an OSError with that in its text."""
    try:
        work()
    except OSError as exc:
        return message in str(exc)
    return False


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
    assert count_waiting(box) == 2
    assert box.ack([(7, 1, 2)]) == 0


def frame_each(box, n, up_ms=0, count=7):
    """Append n frames of `count` windows; return the uptime at their end."""
    for _ in range(n):
        fill(box, count, up_ms)
        box.seal()
        up_ms += 100_000
    return up_ms


def case_an_acked_frame_is_not_counted_as_dropped():
    box = outbox(small())
    frame_each(box, 3)
    box.ack([(7, 0, 2)])
    frame_each(box, 12, 1_000_000)
    assert box.dropped + count_waiting(box) == 12
    assert (box.dropped_lo, box.dropped_hi) == (3, 2 + box.dropped)


def case_a_full_log_drops_the_oldest_frames_and_tells_which():
    box = outbox(small())
    frame_each(box, 30)
    left = [seq for _, seq, _, _ in frames(box)]
    assert left == list(range(29, 29 - len(left), -1))
    assert 4 <= len(left) <= 12
    assert (box.dropped, box.dropped_boot) == (30 - len(left), 7)
    assert (box.dropped_lo, box.dropped_hi) == (0, 29 - len(left))


def case_a_drop_that_does_not_follow_the_last_begins_a_new_range():
    box = outbox(small())
    frame_each(box, 16)
    first = box.dropped
    left = [seq for _, seq, _, _ in frames(box)]
    box.ack([(7, left[-1], left[-1] + 1)])
    frame_each(box, 12, 5_000_000)
    assert box.dropped > first
    assert box.dropped_lo == left[-1] + 2
    assert box.dropped + count_waiting(box) + 2 == 28


def case_a_frame_whose_beginning_is_given_up_goes_as_a_whole():
    box = outbox(RamFlash(4, 2048))
    fill(box, 88 * 6)
    box.seal()
    assert box.dropped + count_waiting(box) == 6
    for _, _, _, count in frames(box):
        assert count == 88


def case_a_frame_that_is_given_up_while_open_is_counted_and_the_next_goes_on():
    box = outbox(RamFlash(3, 512))
    fill(box, 80)
    box.seal()
    told = frames(box)
    assert len(told) + box.dropped == told[0][1] + 1 > 1


def case_a_request_takes_sixty_four_frames_of_which_a_quarter_are_the_oldest():
    box = outbox()
    frame_each(box, 100, 0, 1)
    order = [seq for _, seq, _, _ in frames(box)]
    assert order == list(range(99, 51, -1)) + list(range(15, -1, -1))
    box.ack([(7, 52, 99), (7, 0, 15)])
    assert [seq for _, seq, _, _ in frames(box)] == list(range(51, 15, -1))


def case_frames_acknowledged_in_the_middle_of_a_backlog_are_not_sent_again():
    flash = RamFlash()
    box = outbox(flash)
    frame_each(box, 200, 0, 3)
    box.ack([(7, 100, 120), (7, 10, 12), (7, 121, 121)])
    assert count_waiting(box) == 200 - 25
    box = outbox(flash, 8)
    box.mark(1000, 1_772_409_600_000)
    assert count_waiting(box) == 200 - 25
    box.ack([(7, 0, 65535)])
    assert count_waiting(box) == 0


def case_the_ninth_range_is_the_shortest_and_is_sent_again():
    box = outbox()
    frame_each(box, 40, 0, 1)
    assert box.ack([(7, seq, seq + (seq > 1)) for seq in range(1, 28, 3)]) == 17
    assert count_waiting(box) == 40 - 16
    assert box.ack([(7, 0, 39)]) == 24
    assert count_waiting(box) == 0


# over resets


def case_what_waits_outlives_a_reset_and_keeps_its_number_and_its_records():
    flash = RamFlash()
    box = outbox(flash)
    fill(box, 100)
    box.seal()
    first = {f[1]: f for f in frames(box)}
    box = outbox(flash, 8)
    assert count_waiting(box) == 2
    box.mark(10, 1_772_409_600_000)
    assert {f[1]: f for f in frames(box)} == first


def case_an_open_frame_ends_with_its_boot():
    flash = RamFlash()
    outbox(flash).append_windows(0, windows(7))
    box = outbox(flash, 8)
    box.append_windows(0, windows(3))
    box.seal()
    box.mark(10, 1_772_409_600_000)
    assert frames(box, 20) == [(8, 0, 0, 3), (7, 0, 0, 7)]


def case_after_a_deep_sleep_the_same_boot_goes_on_with_the_next_number():
    flash = RamFlash()
    outbox(flash).append_windows(0, windows(7))
    box = outbox(flash)
    box.append_windows(36_000, windows(7))
    box.seal()
    assert frames(box) == [(7, 1, 36, 7), (7, 0, 0, 7)]


def case_frames_of_an_earlier_boot_wait_until_an_ack_has_told_the_time():
    flash = RamFlash()
    frame_each(outbox(flash), 2)
    box = outbox(flash, 8)
    box.append_health(5_000, bytes(wire.HEALTH_BYTES))
    assert [boot for boot, _, _, _ in frames(box)] == [8]
    box.ack([(8, 0, 0)])
    box.mark(9, 1_772_409_600_000)
    assert [boot for boot, _, _, _ in frames(box)] == [7, 7]


def ages(box, now_s):
    return {(f.boot, f.seq): f.age_s for f in [box.frame(slot, now_s) for slot in box.next_batch()]}


def case_frames_of_an_earlier_boot_are_dated_by_its_own_ack():
    flash = RamFlash()
    box = outbox(flash)
    frame_each(box, 3)
    box.mark(250, 1_772_409_600_000)
    box = outbox(flash, 8)
    box.mark(100, 1_772_413_200_000)  # an hour later, most of it without power
    assert ages(box, 110) == {(7, 2): 3660, (7, 1): 3760, (7, 0): 3860}


def case_a_boot_without_an_ack_is_dated_as_if_the_next_began_at_its_end():
    flash = RamFlash()
    frame_each(outbox(flash), 3)
    outbox(flash, 8)
    box = outbox(flash, 9)
    box.mark(100, 1_772_413_200_000)
    assert ages(box, 110) == {(7, 2): 145, (7, 1): 245, (7, 0): 345}


def case_an_age_that_was_never_known_is_that_of_the_oldest_boot_remembered():
    flash = RamFlash()
    outbox(flash).append_windows(0, windows(1))
    for boot in range(8, 20):
        box = outbox(flash, boot)
    box.mark(100, 1_772_413_200_000)
    assert ages(box, 150) == {(7, 0): 150}


def case_bits_that_rot_cost_the_record_and_the_rest_is_read():
    flash = RamFlash()
    box = outbox(flash)
    frame_each(box, 10)
    at = box.next_batch()[4]
    flash.cells[at + 40] ^= 0x10
    assert [seq for _, seq, _, _ in frames(box)] == [9, 8, 7, 6, 4, 3, 2, 1, 0]
    flash.cells[box.next_batch()[6]] ^= 0x21  # its size
    assert [seq for _, seq, _, _ in frames(outbox(flash))] == [9, 8, 7, 6, 4, 3, 1, 0]


def case_a_write_that_fails_seals_the_sector_and_the_next_goes_on_elsewhere():
    flash = RamFlash()
    box = outbox(flash)
    frame_each(box, 2)
    real, failed = flash.writeblocks, []

    def fails(_block, _buf, _offset):
        failed.append(1)
        raise OSError(5)

    flash.writeblocks = fails
    assert refused(lambda: box.append_windows(300_000, windows(7)), "5")
    flash.writeblocks = real
    box.append_windows(400_000, windows(7))
    box.seal()
    assert failed
    assert [up_s for _, _, up_s, _ in frames(outbox(flash))] == [400, 100, 0]


def case_a_log_that_is_too_small_is_refused():
    for blocks, block_bytes in ((2, 4096), (8, 128)):
        flash = RamFlash(blocks, block_bytes)
        assert refused(lambda flash=flash: FlashLog(flash), "too small")


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


# several schemas


def minutes(n, value=1):
    return bytes([value % 32] * (8 * n))


def sent(box, now_s=100_000):
    """Return {seq: (schema, up_s, bytes of records)} of all that may go, oldest first."""
    batch = [box.frame(slot, now_s) for slot in box.next_batch()]
    return sorted([(f.seq, f.kind & 15, f.up_s, len(bytes(f.records))) for f in batch])


def case_windows_and_minutes_take_turns_and_each_goes_on_in_its_frame():
    flash = RamFlash()
    box = outbox(flash)
    for i in range(12):
        box.append_windows(i * 7 * 5120, windows(7, i))
        if i % 4 == 0:
            box.append_minutes(15 * 60 * (i // 4), minutes(15, i))
    assert box.next_batch() == []
    box.seal()
    assert sent(box) == [(0, 1, 0, 84 * 14), (1, 2, 0, 45 * 8)]
    records = [bytes(box.frame(slot, 9999).records) for slot in box.next_batch()]
    assert records[0] == minutes(15, 0) + minutes(15, 4) + minutes(15, 8)
    assert records[1] == b"".join([windows(7, i) for i in range(12)])
    assert sent(outbox(flash)) == [(0, 1, 0, 84 * 14), (1, 2, 0, 45 * 8)]


def case_a_minutes_frame_holds_170_and_ends_with_a_gap():
    box = outbox()
    for i in range(12):
        box.append_minutes(900 * i, minutes(15))
    box.append_minutes(900 * 12 + 60, minutes(15))
    box.seal()
    assert sent(box) == [(0, 2, 0, 170 * 8), (1, 2, 170 * 60, 10 * 8), (2, 2, 10_860, 15 * 8)]


def case_codes_are_a_frame_of_their_own():
    box = outbox()
    box.append_windows(0, windows(7))
    box.append_codes(0, bytes(20))
    box.append_windows(7 * 5120, windows(7))
    assert sent(box) == [(1, 3, 0, 20)]
    box.seal()
    assert sent(box) == [(0, 1, 0, 14 * 14), (1, 3, 0, 20)]


def case_a_burst_begins_each_frame_with_its_head_and_goes_on_over_drains():
    box = outbox()
    samples = array("h", [i - 700 for i in range(3 * 448)])
    box.append_raw(10_500, 80_000, 9, samples, 0, 448)
    box.append_raw(10_500 + 448 * 80, 80_000, 9, samples, 100, 200)
    box.append_raw(10_500 + 648 * 80, 80_000, 10, samples, 0, 5)
    box.seal()
    assert [(seq, kind, size // 6) for seq, kind, _, size in sent(box)] == [
        (0, 5, 226), (1, 5, 226), (2, 5, 199), (3, 5, 6)
    ]  # fmt: skip
    frames = [box.frame(slot, 100) for slot in reversed(box.next_batch())]
    burst = b""
    for i, begun_ms in enumerate((10_500, 28_500, 46_500)):
        frame = box.frame(box.next_batch()[3 - i], 100)
        assert (frame.up_s, struct.unpack("<HHH", bytes(frame.records)[:6])) == (
            begun_ms // 1000, (12_500, begun_ms % 1000, 9)
        )  # fmt: skip
        burst += bytes(frame.records)[6:]
    assert len(frames) == 4
    assert burst == struct.pack("<1944h", *samples, *samples[300:900])


def case_a_burst_with_a_gap_begins_a_new_frame():
    box = outbox()
    samples = array("h", bytes(6 * 64))
    for up_ms in (0, 64 * 80, 64 * 160 + 500, 64 * 240 + 500):
        box.append_raw(up_ms, 80_000, 1, samples, 0, 64)
    box.seal()
    assert [size // 6 for _, _, _, size in sent(box)] == [129, 129]


def case_a_frame_that_falls_far_behind_the_others_ends():
    box = outbox()
    box.append_minutes(0, minutes(1))
    for i in range(24):
        box.append_codes(i, bytes(9))
    box.append_minutes(60, minutes(1))
    box.seal()
    assert [row for row in sent(box) if row[1] == 2] == [(0, 2, 0, 8), (25, 2, 60, 8)]


def case_an_ack_does_not_touch_a_frame_that_is_open():
    box = outbox()
    box.append_minutes(0, minutes(15))
    box.append_codes(0, bytes(9))
    assert box.ack([(7, 0, 65535)]) == 1
    box.append_minutes(900, minutes(15))
    box.seal()
    assert sent(box) == [(0, 2, 0, 240)]


def case_of_frames_that_take_turns_in_a_log_that_wraps_none_is_cut_short():
    box = outbox(RamFlash(5, 1024))
    for i in range(400):
        box.append_windows(i * 7 * 5120, windows(7, i))
        box.append_minutes(60 * i, minutes(1, i))
        if i % 40 == 39:
            box.append_health(i * 1000, bytes(wire.HEALTH_BYTES))
    box.seal()
    assert box.dropped > 20
    # A health record ends what is open; before it, in 40 drains, a frame of windows ended every 88 windows.
    assert [(kind, size) for _, kind, _, size in sent(box)][-4:] == [
        (2, 20 * 8), (1, 88 * 14), (1, 16 * 14), (4, wire.HEALTH_BYTES)
    ]  # fmt: skip
    assert box.dropped + count_waiting(box) == box._seq


# a backlog


class CountedFlash(RamFlash):
    reads = 0

    def readblocks(self, block, buf, offset=0):
        self.reads += 1
        RamFlash.readblocks(self, block, buf, offset)


def case_a_long_backlog_goes_out_once_each_time_the_newest_and_some_of_the_oldest():
    flash = CountedFlash(40, 2048)
    box = outbox(flash)
    frame_each(box, 300, 0, 2)
    told, reads = [], flash.reads
    while box.has_backlog():
        batch = [seq for _, seq, _, _ in frames(box)]
        assert len(batch) == min(64, 300 - len(told))
        left = [seq for seq in range(300) if seq not in told]
        assert batch == left[::-1] if len(left) <= 64 else batch == left[-48:][::-1] + left[:16][::-1]
        assert box.ack([(7, seq, seq) for seq in batch]) == len(batch)
        told += batch
    assert sorted(told) == list(range(300))
    assert flash.reads - reads < 7 * 300


def case_news_that_comes_while_a_backlog_drains_goes_first():
    box = outbox()
    up_ms = frame_each(box, 200, 0, 2)
    box.ack([(boot, seq, seq) for boot, seq, _, _ in frames(box)])
    frame_each(box, 3, up_ms, 2)
    assert [seq for _, seq, _, _ in frames(box)][:4] == [202, 201, 200, 151]
    assert count_waiting(box) == 200 - 64 + 3


def case_a_backlog_over_several_boots_leaves_no_ranges_behind():
    flash = RamFlash(40, 2048)
    for boot in range(1, 12):
        box = outbox(flash, boot)
        frame_each(box, 30, 0, 2)
    box.mark(9_000, 1_772_409_600_000)
    for _ in range(6):
        box.ack([(boot, seq, seq) for boot, seq, _, _ in frames(box)])
    assert (count_waiting(box), box._acks.ranges) == (0, [])


def case_an_answer_that_is_lost_changes_nothing():
    box = outbox()
    frame_each(box, 150, 0, 2)
    first = frames(box)
    assert frames(box) == first
    assert count_waiting(box) == 150


def case_few_frames_cost_a_read_each_to_choose_and_none_to_forget():
    flash = CountedFlash()
    box = outbox(flash)
    frame_each(box, 3)
    reads = flash.reads
    assert len(box.next_batch()) == 3
    assert flash.reads - reads == 3
    assert box.ack([(7, 0, 2)]) == 3
    assert not box.has_backlog()
    assert flash.reads - reads == 3


# the reserve


def case_space_is_short_at_the_reserve_and_again_plentiful_only_well_above_it():
    flash = CountedFlash(24, 1024)
    box = outbox(flash)
    assert (reserve_sectors(24, 1024), box.is_short()) == (12, False)
    i = 0
    while not box.is_short():
        frame_each(box, 1, 100_000 * i)
        i += 1
    assert box._log.free_sectors() == 11
    for lo in range(0, i, 4):
        box.ack([(7, lo, lo + 3)])
        assert box.is_short() == (box._log.free_sectors() < 14)
    reads = flash.reads
    assert not box.is_short()
    assert flash.reads == reads


def case_the_reserve_is_two_weeks_of_minutes_on_a_small_board_and_a_month_on_a_large_one():
    assert reserve_sectors(398, 4096) == 49
    assert reserve_sectors(958, 4096) == 104
