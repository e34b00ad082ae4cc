"""The identity in its two sectors, the retained counters, the schedule. Runs on both interpreters."""

import struct
from binascii import crc32

from collar import retained, schedule, settings
from collar.checks import check_identity
from collar.settings import (
    Identity,
    SettingsError,
    load_identity,
    pack_identity,
    raise_boot,
    store_identity,
    store_settings,
)

KEY = bytes(range(32))


class Flash:
    """Two sectors in RAM; `cut` makes the next write end after that many bytes."""

    def __init__(self):
        self.sectors = [bytearray(b"\xff" * 4096), bytearray(b"\xff" * 4096)]
        self.cut = None

    def readblocks(self, block, buf, offset):
        buf[:] = self.sectors[block][offset : offset + len(buf)]

    def ioctl(self, op, block):
        assert op == 6
        self.sectors[block][:] = b"\xff" * 4096

    def writeblocks(self, block, buf, offset):
        written = len(buf) if self.cut is None else self.cut
        for i in range(written):
            self.sectors[block][offset + i] &= buf[i]
        if self.cut is not None:
            raise OSError(5)


def identity(boot=0, device=0x0C0A11A5, ssid="barn", pin=b"", key=KEY, upload_s=900, block=b""):
    return Identity(device, key, 3, boot, ssid, "hay", "10.0.0.9", 8080, pin, upload_s, "esp32-c3", block)


def stored(*args, **kwargs):
    flash = Flash()
    store_identity(flash, identity(*args, **kwargs))
    return flash


def refused(call, *words):
    """Return whether call() raises SettingsError with all the words in its message."""
    try:
        call()
    except SettingsError as exc:
        return all(word in str(exc) for word in words)
    return False


def fails(call, *args):
    """Return whether the flash refuses a call."""
    try:
        call(*args)
    except OSError:
        return True
    return False


def case_an_identity_comes_back_as_it_was_stored():
    for pin in (b"", b"\x30\x82" + bytes(700)):
        assert load_identity(stored(ssid="St\u00e4lle", pin=pin)) == identity(ssid="St\u00e4lle", pin=pin)


def case_empty_flash_is_not_an_identity():
    assert refused(lambda: load_identity(Flash()), "not provisioned")


def case_a_packed_identity_is_what_a_sector_begins_with():
    flash = Flash()
    raw = pack_identity(identity(boot=4), 9)
    flash.sectors[1][: len(raw)] = raw
    assert load_identity(flash).boot == 4


def case_the_newest_of_two_copies_wins_wherever_it_is():
    for newest in (0, 1):
        flash = Flash()
        for sector in (0, 1):
            raw = pack_identity(identity(boot=10 + sector), 5 if sector == newest else 4)
            flash.sectors[sector][: len(raw)] = raw
        assert load_identity(flash).boot == 10 + newest


def case_sectors_are_written_in_turn():
    flash = stored()
    before = bytes(flash.sectors[0])
    store_identity(flash, identity(boot=1))
    assert bytes(flash.sectors[0]) == before
    store_identity(flash, identity(boot=2))
    assert bytes(flash.sectors[0]) != before
    assert load_identity(flash).boot == 2


def case_a_torn_write_leaves_the_identity_before_it():
    size = len(pack_identity(identity(), 1))
    for cut in (0, 1, 5, size // 2, size - 1):
        flash = stored()
        raise_boot(flash)
        flash.cut = cut
        assert fails(raise_boot, flash)
        flash.cut = None
        assert load_identity(flash).boot == 1
        assert raise_boot(flash)[0].boot == 2


def case_a_settings_block_is_kept_beside_everything_else():
    flash = stored(pin=b"\x30\x82" + bytes(700))
    before, resets = raise_boot(flash, settings.WATCHDOG)
    for block in (b"\x92\x01\x07", bytes(400), b""):
        after = store_settings(flash, memoryview(block))
        assert after == load_identity(flash) == Identity(*before[:-1], block)
    assert raise_boot(flash)[1] == resets


def case_a_settings_block_that_is_there_already_is_not_written_again():
    flash = stored(block=b"\x92\x01\x07")
    before = [bytes(sector) for sector in flash.sectors]
    store_settings(flash, b"\x92\x01\x07")
    assert before == [bytes(sector) for sector in flash.sectors]


def case_a_power_cut_while_settings_are_stored_leaves_the_old_or_the_new_ones():
    size = len(pack_identity(identity(block=b"new"), 1))
    for cut in range(size + 1):
        flash = stored(boot=41, block=b"old")
        flash.cut = cut
        assert fails(store_settings, flash, b"new")
        flash.cut = None
        found = load_identity(flash)
        assert (found.key, found.boot) == (KEY, 41)
        assert found.settings == (b"new" if cut == size else b"old")
        assert raise_boot(flash)[0].boot == 42
    return size + 1


def case_a_sector_written_before_there_were_settings_is_still_read():
    raw = pack_identity(identity(boot=4), 9)
    payload = raw[10:-6]  # without the empty block's length
    older = struct.pack("<4sIH", b"HBI1", 9, len(payload)) + payload
    older += struct.pack("<I", crc32(older) & 0xFFFFFFFF)
    flash = Flash()
    flash.sectors[1][: len(older)] = older
    assert load_identity(flash) == identity(boot=4)
    assert store_settings(flash, b"new").boot == 4
    assert load_identity(flash).settings == b"new"


def case_one_flipped_bit_makes_a_copy_worthless():
    flash = stored()
    flash.sectors[0][40] ^= 4
    assert refused(lambda: load_identity(flash), "not provisioned")


def case_a_boot_is_counted_once_and_by_its_cause():
    flash = stored()
    causes = (settings.POWER_ON, settings.WATCHDOG, settings.WATCHDOG, settings.SOFT, settings.HARD, None)
    for cause in causes:
        found, resets = raise_boot(flash, cause)
    assert found.boot == len(causes)
    assert resets == bytes((1, 1, 2, 1))
    assert load_identity(flash) == found


def case_counters_of_causes_stop_at_their_highest():
    flash = stored()
    for _ in range(300):
        _, resets = raise_boot(flash, settings.POWER_ON)
    assert resets == bytes((255, 0, 0, 0))


def case_used_up_boots_are_refused_rather_than_used_twice():
    assert refused(lambda: raise_boot(stored(boot=65535)), "boot=65536", "0..65535")


def case_fields_out_of_bounds_are_named():
    assert refused(lambda: check_identity(identity(ssid="x" * 33)), "ssid of 33 bytes", "1..32")
    assert refused(lambda: check_identity(identity(key=bytes(16))), "key of 16 bytes")
    assert refused(lambda: check_identity(identity(device=1 << 32)), "device=4294967296")
    assert refused(lambda: check_identity(identity(upload_s=5)), "upload_s=5", "60..86400")
    assert refused(lambda: check_identity(identity(pin=bytes(2049))), "tls_pin of 2049 bytes")
    assert refused(lambda: check_identity(identity(block=bytes(401))), "settings of 401 bytes", "0..400")
    check_identity(identity(ssid="x" * 32, pin=bytes(2048), block=bytes(400)))


def case_random_memory_after_power_on_reads_as_zeros():
    kept = retained.Retained(bytearray([i % 256 for i in range(2048)]))
    assert (kept["faults"], kept["abnormal_boots"]) == (0, 0)


def case_saved_counters_survive_and_unsaved_ones_do_not():
    memory = bytearray(2048)
    kept = retained.Retained(memory)
    kept.bump("faults")
    kept["last_ack_ms"] = 1_772_409_600_123
    kept.save()
    kept.bump("faults")
    again = retained.Retained(memory)
    assert (again["faults"], again["last_ack_ms"]) == (1, 1_772_409_600_123)


def case_saving_what_has_not_changed_writes_nothing():
    memory = bytearray(2048)
    kept = retained.Retained(memory)
    kept["attempt"] = 3
    kept.save()
    memory[:] = bytes(2048)
    kept["attempt"] = 3
    kept.save()
    assert memory == bytes(2048)
    kept["attempt"] = 4
    kept.save()
    assert retained.Retained(memory)["attempt"] == 4


def case_one_flipped_bit_forgets_all_counters():
    memory = bytearray(2048)
    kept = retained.Retained(memory)
    kept["faults"] = 5
    kept.save()
    memory[6] ^= 1
    assert retained.Retained(memory)["faults"] == 0


def case_counters_stop_at_what_their_field_holds():
    memory = bytearray(2048)
    kept = retained.Retained(memory)
    kept["attempt"] = 300
    kept.save()
    assert retained.Retained(memory)["attempt"] == 255


def case_an_unknown_counter_is_an_error():
    try:
        retained.Retained(bytearray(64))["fautl"] = 1
    except KeyError:
        return
    raise AssertionError("a misspelt counter was accepted")


def case_back_off_doubles_between_five_seconds_and_half_an_hour():
    for attempt in range(1, 40):
        wait_s = schedule.backoff_s(7, attempt)
        full_s = min(1800, 10 << min(attempt - 1, 12))
        assert full_s // 2 <= wait_s <= full_s
        assert 5 <= wait_s <= 1800


def case_back_off_is_the_same_for_one_collar_and_differs_between_collars():
    # The numbers themselves: both interpreters must draw them.
    assert [schedule.backoff_s(0x0C0A11A5, attempt) for attempt in range(1, 9)] == BACKOFFS
    waits = [schedule.backoff_s(device, 9) for device in range(50)]
    assert len(set(waits)) > 40


BACKOFFS = [8, 10, 29, 54, 94, 255, 572, 1189]


def case_a_wait_that_a_relay_asks_for_is_bounded():
    assert [schedule.bounded_wait_s(s) for s in (0, 5, 60, 1800, 86_400)] == [5, 5, 60, 1800, 1800]


def case_uploads_are_spread_over_the_whole_period():
    places = [schedule.spread_s(device, 900) for device in range(300)]
    assert all(0 <= place < 900 for place in places)
    for third in range(3):
        assert 60 < sum([1 for place in places if place // 300 == third]) < 140


def case_the_next_upload_keeps_the_collars_place_and_is_about_a_period_away():
    for now_s in (0, 899, 900, 1_000_000):
        for device in (1, 2, 3):
            due_s = schedule.next_upload_s(now_s, 900, device)
            assert due_s % 900 == schedule.spread_s(device, 900)
            assert 450 <= due_s - now_s < 1350


def case_an_absurd_period_from_the_relay_is_bounded():
    assert schedule.bounded_period_s(1) == 60
    assert schedule.bounded_period_s(604_800) == 86_400
    assert 30 <= schedule.next_upload_s(1000, 0, 5) - 1000 < 90
