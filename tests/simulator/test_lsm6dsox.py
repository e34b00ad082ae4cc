"""The chip as a driver sees it. Addresses and bits are those of ST's register headers, not of any driver.

Long: it follows the data sheet, register by register.
"""

import numpy as np
import pytest

from simulator.chips.lsm6dsox import Lsm6dsox, NotModelledError
from simulator.chips.sampling import gaussian
from simulator.i2c import Bus
from simulator.motion import Still

PERIOD_US = 80_000  # 12.5 Hz
LSB_8G_MG = 0.244


class Ramp:
    """Each sample says which one it is: x = number of the sample in mg at 12.5 Hz from time 0."""

    def at(self, times_us):
        x = times_us / PERIOD_US
        return np.stack((x, -x, np.full(len(x), 1000.0)), axis=1)


class Silent(Lsm6dsox):
    """The chip with a perfect front end, where a test reads single counts."""

    def _noise_mg(self):
        return 0.0


def start(chip, *, odr=1, scale=3, watermark=448, mode=6, bdr=None, now_us=0):
    """Low power, +-8 g, 12.5 Hz into a continuous FIFO with INT1 on the watermark, unless told otherwise."""
    chip.write(0x15, b"\x10", now_us)
    chip.write(0x07, bytes((watermark & 0xFF, watermark >> 8)), now_us)
    chip.write(0x09, bytes((odr if bdr is None else bdr,)), now_us)
    chip.write(0x0D, b"\x08", now_us)
    chip.write(0x10, bytes((odr << 4 | scale << 2,)), now_us)
    chip.write(0x0A, bytes((mode,)), now_us)
    return chip


def diff(chip, now_us):
    low, high = chip.read(0x3A, 2, now_us)
    return low | (high & 3) << 8


def words(data):
    """Return tags (n,) and counts (n, 3)."""
    table = np.frombuffer(data, dtype=np.uint8).reshape(-1, 7)
    return table[:, 0], np.ascontiguousarray(table[:, 1:]).view("<i2")


@pytest.fixture
def chip():
    return Lsm6dsox(Still())


@pytest.fixture
def ramp():
    return start(Silent(Ramp()))


# registers


def test_it_says_who_it_is(chip):
    assert chip.read(0x0F, 1, 0) == b"\x6c"


@pytest.mark.parametrize(
    ("reg", "value"),
    [
        (0x01, 0),
        (0x02, 0x3F),
        (0x07, 0),
        (0x0A, 0),
        (0x10, 0),
        (0x11, 0),
        (0x12, 0x04),
        (0x18, 0xE0),
        (0x3B, 0),
    ],
)
def test_registers_hold_their_reset_values(chip, reg, value):
    assert chip.read(reg, 1, 0)[0] == value


def test_who_am_i_and_status_cannot_be_written(chip):
    for reg in (0x0F, 0x1E, 0x3A, 0x3B, 0x63):
        before = chip.read(reg, 1, 0)
        chip.write(reg, b"\xaa", 0)
        assert chip.read(reg, 1, 0) == before


def test_a_burst_counts_up_and_a_read_goes_on_at_the_pointer(chip):
    chip.write(0x07, b"\xc0\x01\x01", 0)
    assert chip.read(0x07, 3, 0) == b"\xc0\x01\x01"
    chip.write(0x08, b"", 0)
    assert chip.read(None, 1, 0) + chip.read(None, 1, 0) == b"\x01\x01"


def test_without_if_inc_a_burst_stays_on_one_register(chip):
    chip.write(0x12, b"\x00", 0)
    assert chip.read(0x0F, 3, 0) == b"\x6c\x6c\x6c"


def test_a_software_reset_clears_registers_and_takes_50_us(chip):
    chip.write(0x07, b"\x55", 0)
    chip.write(0x12, b"\x45", 0)
    assert chip.read(0x07, 1, 10) == b"\x00"
    assert chip.read(0x12, 1, 49)[0] & 1
    assert chip.read(0x12, 1, 50) == b"\x04"


def test_what_is_written_during_a_reset_is_lost(chip):
    chip.write(0x12, b"\x01", 0)
    chip.write(0x07, b"\x55", 20)
    chip.write(0x08, b"\x01", 60)
    assert chip.read(0x07, 2, 100) == b"\x00\x01"


def test_a_software_reset_stops_the_sampling_and_empties_the_fifo(ramp):
    ramp.write(0x12, b"\x01", 10 * PERIOD_US)
    assert diff(ramp, 20 * PERIOD_US) == 0
    assert ramp.next_int1_us(20 * PERIOD_US) is None


def test_boot_reads_one_for_10_ms(chip):
    chip.write(0x12, b"\x84", 0)
    assert chip.read(0x12, 1, 9_999) == b"\x84"
    assert chip.read(0x12, 1, 10_000) == b"\x04"


def test_the_embedded_bank_is_another_set_of_registers(chip):
    chip.write(0x01, b"\x80", 0)
    chip.write(0x0F, b"\x12", 0)
    assert chip.read(0x0F, 1, 0) == b"\x12"
    assert chip.read(0x01, 1, 0) == b"\x80"
    chip.write(0x01, b"\x00", 0)
    assert chip.read(0x0F, 1, 0) == b"\x6c"


def test_the_sensor_hub_bank_is_a_third(chip):
    for bank, value in ((b"\x80", b"\x01"), (b"\x40", b"\x02")):
        chip.write(0x01, bank, 0)
        chip.write(0x0A, value, 0)
    chip.write(0x01, b"\x80", 0)
    assert chip.read(0x0A, 1, 0) == b"\x01"
    chip.write(0x01, b"\x40", 0)
    assert chip.read(0x0A, 1, 0) == b"\x02"


@pytest.mark.parametrize(
    ("reg", "value"),
    [(0x08, 0x40), (0x09, 0x11), (0x0A, 0x03), (0x0A, 0x16), (0x0D, 0x01), (0x0E, 0x08), (0x10, 0x1E),
     (0x10, 0xC0), (0x11, 0x20), (0x12, 0x24), (0x14, 0x01)],
)  # fmt: skip
def test_what_the_model_has_not_got_is_refused_by_register_and_value(chip, reg, value):
    with pytest.raises(NotModelledError, match=f"0x{reg:02x}=0x{value:02x}"):
        chip.write(reg, bytes((value,)), 0)


def test_the_learning_core_cannot_be_turned_on(chip):
    chip.write(0x01, b"\x80", 0)
    with pytest.raises(NotModelledError, match="embedded functions"):
        chip.write(0x05, b"\x10", 0)


@pytest.mark.parametrize(("ppm", "trim"), [(0, 0), (1500, 1), (-1500, 0xFF), (30_000, 20), (-30_000, 0xEC)])
def test_the_trim_tells_the_clock_error_in_steps_of_0_15_percent(ppm, trim):
    assert Lsm6dsox(Still(), odr_error_ppm=ppm).read(0x63, 1, 0)[0] == trim


@pytest.mark.parametrize(("celsius", "raw"), [(25.0, b"\x00\x00"), (26.0, b"\x00\x01"), (15.0, b"\x00\xf6")])
def test_the_thermometer_reads_256_counts_a_degree_from_25(celsius, raw):
    assert Lsm6dsox(Still(), temperature_c=celsius).read(0x20, 2, 0) == raw


# samples


@pytest.mark.parametrize(("scale", "counts"), [(0, 16393), (2, 8197), (3, 4098), (1, 2049)])
def test_one_g_reads_as_the_data_sheet_says_at_each_range(scale, counts):
    chip = start(Silent(Still(0, -1000, 1000)), scale=scale)
    x, y, z = np.frombuffer(chip.read(0x28, 6, 3 * PERIOD_US), dtype="<i2")
    assert (x, y, z) == (0, -counts, counts)


def test_beyond_the_range_the_counts_stop_at_the_end():
    chip = start(Silent(Still(11_000, -11_000, 0)))
    chip.read(0x78, 14, 2 * PERIOD_US)
    _, counts = words(chip.read(0x78, 7, 3 * PERIOD_US))
    assert counts.tolist() == [[32767, -32768, 0]]


def test_the_first_two_samples_after_power_down_hold_no_measurement(ramp):
    _, counts = words(ramp.read(0x78, 21, 3 * PERIOD_US))
    assert (counts[:2] >= 0x7FFD).all()
    assert counts[2].tolist() == [round(3 / LSB_8G_MG), -round(3 / LSB_8G_MG), 4098]


def test_a_change_of_range_settles_nothing_again_and_moves_no_sample(ramp):
    ramp.write(0x10, b"\x18", 5 * PERIOD_US + 1000)  # 4 g
    ramp.read(0x78, 35, 5 * PERIOD_US + 1000)
    _, counts = words(ramp.read(0x78, 7, 6 * PERIOD_US))
    assert counts[0].tolist() == [round(6 / 0.122), -round(6 / 0.122), 8197]


@pytest.mark.parametrize(("scale", "rms_mg"), [(0, 1.8), (2, 2.0), (3, 2.4), (1, 3.0)])
def test_low_power_noise_is_that_of_the_data_sheet(scale, rms_mg):
    chip = start(Lsm6dsox(Still(), seed=3), scale=scale)
    chip.read(0x78, 14, 2 * PERIOD_US)
    _, counts = words(chip.read(0x78, 7 * 500, 502 * PERIOD_US))
    sd_mg = counts.std(axis=0) * {0: 0.061, 2: 0.122, 3: 0.244, 1: 0.488}[scale]
    assert sd_mg == pytest.approx([rms_mg] * 3, rel=0.12)


@pytest.mark.parametrize(
    ("reg", "value", "scale", "lsb_mg", "rms_mg"),
    [(0x15, 0x00, 3, 0.244, 0.26), (0x14, 0x80, 0, 0.061, 5.5)],
)
def test_high_performance_is_quieter_and_ultra_low_power_louder(reg, value, scale, lsb_mg, rms_mg):
    chip = start(Lsm6dsox(Still()), scale=scale)
    chip.write(reg, bytes((value,)), 0)
    chip.read(0x78, 14, 2 * PERIOD_US)
    _, counts = words(chip.read(0x78, 3500, 502 * PERIOD_US))
    assert counts.std(axis=0) * lsb_mg == pytest.approx([rms_mg] * 3, rel=0.15)


def test_noise_depends_on_seed_and_time_alone():
    times_us = np.arange(1000) * PERIOD_US
    whole = gaussian(5, times_us)
    assert (whole[400:410] == gaussian(5, times_us[400:410])).all()
    assert not (whole == gaussian(6, times_us)).any(axis=1).all()
    assert abs(np.corrcoef(whole.T) - np.eye(3)).max() < 0.12


def test_how_the_fifo_is_read_does_not_change_what_is_in_it():
    one, many = (start(Lsm6dsox(Ramp(), seed=9)) for _ in range(2))
    whole = one.read(0x78, 7 * 100, 100 * PERIOD_US)
    pieces = [many.read(0x78, 70, (k + 1) * 10 * PERIOD_US) for k in range(10)]
    assert b"".join(pieces) == whole


def test_another_seed_gives_other_noise():
    one, two = (start(Lsm6dsox(Still(), seed=seed)).read(0x78, 700, 100 * PERIOD_US) for seed in (1, 2))
    assert one != two


@pytest.mark.parametrize(("ppm", "samples"), [(0, 12_500), (30_000, 12_875), (-30_000, 12_125)])
def test_a_clock_error_changes_how_many_samples_1000_s_hold(ppm, samples):
    chip = start(Lsm6dsox(Still(), odr_error_ppm=ppm), watermark=1)
    assert chip.next_int1_us(0) == pytest.approx(80_000 / (1 + ppm / 1e6), abs=1)
    assert chip._sampling.latest(1_000_000_010) == samples  # 10 us late: the period is rounded to 1 ns


@pytest.mark.parametrize(("odr", "rate_hz"), [(1, 12.5), (2, 26), (3, 52), (4, 104), (11, 1.6)])
def test_the_data_rates_are_those_of_the_table(odr, rate_hz):
    chip = start(Lsm6dsox(Still()), odr=odr, bdr=1)
    assert chip._sampling.latest(100_000_000) == pytest.approx(100 * rate_hz, abs=1)


def test_the_slowest_rate_exists_in_low_power_only():
    chip = start(Lsm6dsox(Still()), odr=11, bdr=1)
    chip.write(0x15, b"\x00", 0)
    assert chip._sampling.latest(100_000_000) == 1250


def test_the_fifo_may_take_every_second_sample():
    chip = start(Lsm6dsox(Still()), odr=2, bdr=1)
    assert diff(chip, 10_000_000) == 130


def test_data_ready_falls_when_the_output_is_read(ramp):
    assert ramp.read(0x1E, 1, PERIOD_US - 1) == b"\x00"
    assert ramp.read(0x1E, 1, PERIOD_US) == b"\x01"
    ramp.read(0x28, 6, PERIOD_US)
    assert ramp.read(0x1E, 1, PERIOD_US) == b"\x00"
    assert ramp.read(0x1E, 1, 2 * PERIOD_US) == b"\x01"


def test_power_down_keeps_the_fifo_and_adds_nothing(ramp):
    ramp.write(0x10, b"\x00", 10 * PERIOD_US)
    assert diff(ramp, 20 * PERIOD_US) == 10
    assert ramp.read(0x28, 2, 20 * PERIOD_US) == b"\x00\x00"


# FIFO


def test_a_word_is_there_one_period_after_sampling_begins(ramp):
    assert [diff(ramp, t) for t in (0, PERIOD_US - 1, PERIOD_US, 10 * PERIOD_US)] == [0, 0, 1, 10]


def test_tags_name_the_accelerometer_count_to_four_and_have_even_parity(ramp):
    tags, _ = words(ramp.read(0x78, 7 * 9, 9 * PERIOD_US))
    assert (tags >> 3 == 2).all()
    assert (tags >> 1 & 3).tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    assert all(int(tag).bit_count() % 2 == 0 for tag in tags)


def test_the_tag_counter_goes_on_over_drains(ramp):
    ramp.read(0x78, 7 * 3, 3 * PERIOD_US)
    tags, _ = words(ramp.read(0x78, 7, 4 * PERIOD_US))
    assert tags[0] >> 1 & 3 == 3


def test_the_output_rolls_over_from_0x7e_to_0x78(ramp):
    _, counts = words(ramp.read(0x78, 7 * 5, 5 * PERIOD_US))
    assert counts[2:, 0].tolist() == [round(k / LSB_8G_MG) for k in (3, 4, 5)]
    assert ramp._pointer == 0x78


def test_a_word_leaves_with_its_last_byte(ramp):
    now = 5 * PERIOD_US
    first = ramp.read(0x78, 3, now)
    assert diff(ramp, now) == 5
    rest = ramp.read(0x7B, 4, now)
    assert diff(ramp, now) == 4
    assert (first + rest)[0] >> 3 == 2
    assert ramp.read(0x78, 7, now)[0] >> 1 & 3 == 1


def test_byte_by_byte_without_if_inc_gives_the_same_words(ramp):
    other = start(Silent(Ramp()))
    other.write(0x12, b"\x00", 0)
    single = b"".join(other.read(reg, 1, 5 * PERIOD_US) for _ in range(3) for reg in range(0x78, 0x7F))
    assert single == ramp.read(0x78, 21, 5 * PERIOD_US)


def test_an_empty_fifo_reads_as_zeros(ramp):
    data = ramp.read(0x78, 14, PERIOD_US)
    assert data[7:] == bytes(7)
    assert diff(ramp, PERIOD_US) == 0


def test_bypass_empties_the_fifo_and_starts_the_counter_again(ramp):
    ramp.write(0x0A, b"\x00", 10 * PERIOD_US)
    assert diff(ramp, 11 * PERIOD_US) == 0
    ramp.write(0x0A, b"\x06", 11 * PERIOD_US)
    tags, counts = words(ramp.read(0x78, 7, 12 * PERIOD_US))
    assert tags[0] >> 1 & 3 == 0
    assert counts[0, 0] == round(12 / LSB_8G_MG)


def test_continuous_mode_overwrites_the_oldest(ramp):
    now = 600 * PERIOD_US
    assert diff(ramp, now) == 512
    tags, counts = words(ramp.read(0x78, 7 * 512, now))
    assert counts[[0, -1], 0].tolist() == [round(89 / LSB_8G_MG), round(600 / LSB_8G_MG)]
    assert tags[0] >> 1 & 3 == 88 % 4


def test_fifo_mode_stops_when_full_until_it_went_through_bypass():
    chip = start(Silent(Ramp()), mode=1)
    now = 600 * PERIOD_US
    _, counts = words(chip.read(0x78, 7 * 512, now))
    assert counts[-1, 0] == round(512 / LSB_8G_MG)
    assert diff(chip, now + 10 * PERIOD_US) == 0
    chip.write(0x0A, b"\x00\x00", now + 10 * PERIOD_US)
    chip.write(0x0A, b"\x01", now + 10 * PERIOD_US)
    assert diff(chip, now + 15 * PERIOD_US) == 5


@pytest.mark.parametrize(
    ("samples", "flags"),
    [(447, 0x00), (448, 0x80), (510, 0x80), (511, 0xA0), (512, 0xE8), (700, 0xE8)],
)
def test_status_flags_rise_at_watermark_one_before_full_and_full(ramp, samples, flags):
    assert ramp.read(0x3B, 1, samples * PERIOD_US)[0] & 0xF8 == flags


def test_an_overrun_stays_latched_until_the_status_is_read(ramp):
    ramp.read(0x78, 7 * 512, 600 * PERIOD_US)
    assert ramp.read(0x3A, 2, 600 * PERIOD_US)[1] & 0x48 == 0x08
    assert ramp.read(0x3A, 2, 600 * PERIOD_US)[1] & 0x48 == 0x00


def test_the_watermark_has_nine_bits():
    chip = start(Lsm6dsox(Still()), watermark=0x1FF)
    assert chip.next_int1_us(0) == 511 * PERIOD_US


# INT1


def test_int1_rises_with_the_word_that_reaches_the_watermark(ramp):
    rise = ramp.next_int1_us(0)
    assert rise == 448 * PERIOD_US
    assert (ramp.int1_level(rise - 1), ramp.int1_level(rise)) == (0, 1)


def test_int1_is_a_level_that_falls_only_below_the_watermark():
    chip = start(Lsm6dsox(Still()), watermark=10)
    now = 20 * PERIOD_US
    chip.read(0x78, 7 * 10, now)
    assert chip.int1_level(now) == 1
    assert chip.next_int1_us(now) == now
    chip.read(0x78, 7, now)
    assert chip.int1_level(now) == 0
    assert chip.next_int1_us(now) == now + PERIOD_US


def test_a_drain_of_the_watermark_puts_the_next_rise_one_fill_later(ramp):
    for k in range(1, 5):
        rise = ramp.next_int1_us(0)
        assert rise == 448 * k * PERIOD_US
        ramp.read(0x78, 7 * 448, rise)


def test_asking_for_the_pin_changes_nothing(ramp):
    ramp.int1_level(600 * PERIOD_US)
    ramp.next_int1_us(600 * PERIOD_US)
    assert diff(ramp, 10 * PERIOD_US) == 10
    assert ramp.read(0x3B, 1, 10 * PERIOD_US) == b"\x00"


def test_int1_stays_low_when_nothing_is_routed_to_it(ramp):
    ramp.write(0x0D, b"\x00", 0)
    assert ramp.next_int1_us(0) is None
    assert ramp.int1_level(600 * PERIOD_US) == 0


@pytest.mark.parametrize(("source", "words_in"), [(0x10, 512), (0x20, 511), (0x38, 448)])
def test_overrun_and_full_may_raise_int1_too(ramp, source, words_in):
    ramp.write(0x0D, bytes((source,)), 0)
    assert ramp.next_int1_us(0) == words_in * PERIOD_US


def test_no_watermark_is_no_interrupt():
    chip = start(Lsm6dsox(Still()), watermark=0)
    assert chip.next_int1_us(0) is None
    assert chip.read(0x3B, 1, 10 * PERIOD_US)[0] & 0x80 == 0


def test_the_pin_waits_for_the_sampling_to_begin(chip):
    start(chip, now_us=1_000_000)
    assert chip.next_int1_us(0) == 1_000_000 + 448 * PERIOD_US
    chip.write(0x10, b"\x00", 2_000_000)
    assert chip.next_int1_us(2_000_000) is None


# on the bus


def test_a_driver_gets_the_same_through_the_bus():
    bus = Bus({0x6A: Silent(Ramp())})
    for data in (b"\x15\x10", b"\x07\xc0\x01\x01", b"\x0d\x08", b"\x10\x1c", b"\x0a\x06"):
        bus.transfer(0x6A, data, 0, 0)
    now = 448 * PERIOD_US + 1_000
    status = bus.transfer(0x6A, b"\x3a", 2, now)
    assert status == b"\xc0\x81"
    tags, counts = words(bus.transfer(0x6A, b"\x78", 3136, now))
    assert len(tags) == 448
    assert (np.diff(counts[2:, 0]) > 0).all()
