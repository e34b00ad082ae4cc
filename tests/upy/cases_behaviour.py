"""Windows to classes to minutes, against tests/golden/behaviour.json. Runs on both interpreters."""

from array import array
from binascii import unhexlify

from cases_core import golden, text

from herdcore import behaviour, records
from herdcore.compat import heap_lock, heap_unlock

REST = b"\x05\xfb\x3d\x38\x36\x3a\x3a\x38\x3c\x1c\x1d\x1e\x14\x1e"


def fed(minutes, start_ms, windows, step_ms=5120, packed=REST):
    """Feed windows; return [up_s, record] of what was complete."""
    return [
        (minutes.up_s, bytes(minutes.record))
        for n in range(windows)
        if minutes.add(start_ms + n * step_ms, packed, 0)
    ]


def flags(minutes):
    return minutes.record[7]


def case_windows_have_the_golden_features_and_classes():
    vectors = golden("behaviour.json")["windows"]
    out = bytearray(behaviour.FEATURES)
    for v in vectors:
        packed = b"\xaa\xbb" + unhexlify(v["window"])
        behaviour.describe_into(packed, 2, out)
        assert text(out) == v["features"], v
        assert behaviour.classify(memoryview(packed), 2, array("h", bytes(16))) == v["class_confidence"], v
    return len(vectors)


def case_windows_make_the_golden_minutes():
    vectors = golden("behaviour.json")
    minutes = behaviour.Minutes()
    told = []
    for start_ms, packed in vectors["fed"]:
        if minutes.add(start_ms, unhexlify(packed), 0):
            told.append([minutes.up_s, text(minutes.record)])
    assert minutes.cut()
    told.append([minutes.up_s, text(minutes.record)])
    assert told == vectors["minutes"], told
    return len(told)


def case_a_window_belongs_to_the_minute_that_it_starts_in():
    minutes = behaviour.Minutes()
    told = fed(minutes, 0, 36)  # 0 to 179.2 s
    assert [up_s for up_s, _ in told] == [0, 60]
    # The 12th window begins at 56.3 s, the 24th at 117.8 s.
    assert [record[7] >> 4 for _, record in told] == [12, 12]
    assert minutes.cut()
    assert (minutes.up_s, flags(minutes) >> 4) == (120, 12)
    assert not minutes.cut()


def case_a_minute_with_few_windows_says_so():
    for windows, is_short in ((1, True), (9, True), (10, False), (12, False)):
        minutes = behaviour.Minutes()
        fed(minutes, 60_000, windows, 4_900)
        assert minutes.cut()
        assert bool(flags(minutes) & records.MINUTE_SHORT) == is_short
        assert flags(minutes) >> 4 == windows


def case_more_windows_than_a_minute_holds_are_not_counted():
    minutes = behaviour.Minutes()
    assert fed(minutes, 0, 30, 100) == []
    assert minutes.cut()
    assert flags(minutes) >> 4 == 12


def case_what_comes_after_a_gap_for_a_minute_that_was_told_is_left_out():
    minutes = behaviour.Minutes()
    fed(minutes, 0, 3)
    assert minutes.cut()
    assert fed(minutes, 40_000, 3) == []
    assert not minutes.cut()
    assert fed(minutes, 60_000, 13) == [(60, bytes(minutes.record))]


def case_a_local_alarm_marks_one_minute():
    minutes = behaviour.Minutes()
    fed(minutes, 0, 3)
    minutes.alarmed = True
    told = fed(minutes, 3 * 5120, 21)
    assert [record[7] & records.MINUTE_ALARM for _, record in told] == [4]
    assert minutes.cut()
    assert flags(minutes) & records.MINUTE_ALARM == 0


def case_a_minute_has_the_class_that_most_of_its_windows_have():
    vectors = golden("behaviour.json")["windows"]
    by_class = {}
    for v in vectors:
        by_class[v["class_confidence"] >> 5] = v
    several, few = [by_class[code] for code in sorted(by_class)][:2]
    minutes = behaviour.Minutes()
    for n in range(11):
        v = several if n % 3 else few
        minutes.add(n * 5120, unhexlify(v["window"]), 0)
    assert minutes.cut()
    assert minutes.record[0] == several["class_confidence"]


def case_every_minute_is_one_that_a_relay_takes():
    for extreme in (bytes(14), bytes([255] * 14), bytes([127] * 14), bytes([128] * 14)):
        minutes = behaviour.Minutes()
        fed(minutes, 0, 12, 5000, extreme)
        minutes.alarmed = True
        assert minutes.cut()
        minute = records.unpack_minutes(minutes.record)[0]
        assert records.pack_minute(minute) == minutes.record
        mean = extreme[0] - 256 if extreme[0] > 127 else extreme[0]
        assert minute[4:7] == (mean, mean, 12 if extreme[3] >= behaviour.BURST_LOG else 0), minute
        assert bool(minute.flags & records.MINUTE_Z_NEGATIVE) == (mean < 0)
    return 4


def case_a_collar_learns_how_it_sits_and_what_it_knows_goes_on():
    before = behaviour.Minutes()
    fed(before, 0, 20)  # clear windows with the head up
    assert before.frame[3] == 20
    assert [value + 32 >> 6 for value in before.frame[:3]] == [5, -5, 61]
    after = behaviour.Minutes(bytes(before.frame))
    fed(after, 0, 20)
    assert (after.frame[3], after.frame[7]) == (32, 0)


def case_extremes_stay_within_what_a_board_keeps_in_a_small_int():
    frame = array("h", (-8192, 8128, -8192, 32, 8128, -8192, 8128, 32))
    scores = [0]
    for packed in (bytes(14), bytes([255] * 14), bytes([127] * 14), bytes([128] * 14)):
        behaviour.classify(packed, 0, frame)
        scores.extend(behaviour._scores)
    assert max(scores) < 1 << 30
    assert min(scores) > -(1 << 30)


def case_a_window_takes_no_heap():
    minutes = behaviour.Minutes()
    heap_lock()
    try:
        for n in range(200):
            minutes.add(n * 5120, REST, 0)
    finally:
        heap_unlock()
    assert minutes.up_s == 15 * 60
