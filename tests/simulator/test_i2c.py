"""The bus: addresses, time on the wire, faults."""

import errno

import pytest

from simulator.clock import VirtualClock
from simulator.i2c import TIMEOUT_US, Bus


class Registers:
    """A device of 256 bytes with a pointer that counts up; remembers when it was spoken to."""

    def __init__(self):
        self.memory = bytearray(range(256))
        self.pointer = 0
        self.times_us = []

    def write(self, reg, data, now_us):
        self.times_us.append(now_us)
        self.memory[reg : reg + len(data)] = data
        self.pointer = reg + len(data)

    def read(self, reg, n, now_us):
        self.times_us.append(now_us)
        start = self.pointer if reg is None else reg
        self.pointer = start + n
        return bytes(self.memory[start : start + n])


@pytest.fixture
def chip():
    return Registers()


@pytest.fixture
def clock():
    return VirtualClock(0)


@pytest.fixture
def bus(chip, clock):
    return Bus({0x6A: chip, 0x18: Registers()}, clock)


def test_a_register_read_sets_the_pointer_and_reads_from_it(bus):
    assert bus.readfrom_mem(0x6A, 0x20, 3) == b"\x20\x21\x22"


def test_a_plain_read_goes_on_where_the_last_one_ended(bus):
    bus.readfrom_mem(0x6A, 0x20, 3)
    assert bus.readfrom(0x6A, 2) == b"\x23\x24"
    buffer = bytearray(2)
    bus.readfrom_into(0x6A, buffer)
    assert buffer == b"\x25\x26"


def test_a_write_without_data_only_moves_the_pointer(bus, chip):
    assert bus.writeto(0x6A, b"\x40") == 1
    assert bus.readfrom(0x6A, 1) == b"\x40"
    assert chip.memory == bytes(range(256))


def test_both_ways_to_write_a_register_do_the_same(bus, chip):
    assert bus.writeto(0x6A, b"\x10\xaa") == 2
    bus.writeto_mem(0x6A, 0x11, b"\xbb\xcc")
    assert chip.memory[0x10:0x13] == b"\xaa\xbb\xcc"


def test_reading_into_a_slice_fills_only_the_slice(bus):
    buffer = bytearray(6)
    bus.readfrom_mem_into(0x6A, 0x30, memoryview(buffer)[2:4])
    assert buffer == b"\0\0\x30\x31\0\0"


def test_a_scan_lists_the_addresses_that_answer(bus):
    assert bus.scan() == [0x18, 0x6A]


@pytest.mark.parametrize(
    ("call", "took_us"),
    [
        (lambda bus: bus.writeto(0x6A, b"\x10\xaa"), 68),  # address, two bytes
        (lambda bus: bus.readfrom(0x6A, 4), 113),
        (lambda bus: bus.readfrom_mem(0x6A, 0x10, 4), 158),  # address, register, address again, four
        (lambda bus: bus.scan(), 112 * 23),
    ],
)
def test_nine_bits_a_byte_pass_on_the_clock_rounded_up(bus, clock, call, took_us):
    call(bus)
    assert clock.now_us == took_us


def test_a_drain_of_448_words_takes_70_ms_at_400_khz(bus):
    assert bus.duration_us(1, 3136) == 70_628  # (1 + 1 + 1 + 3136) x 9 / 400 kHz


def test_a_faster_bus_takes_less_time(chip):
    assert Bus({0x6A: chip}, freq_hz=1_000_000).duration_us(1, 3136) == 28_251


def test_the_chip_hears_of_a_write_when_its_last_bit_is_over(bus, chip):
    bus.transfer(0x6A, b"\x10\xaa", 1, now_us=1000)
    assert chip.times_us == [1068, 1091]  # three bytes, then one address more


def test_a_transfer_by_the_host_moves_no_clock(bus, clock):
    assert bus.transfer(0x6A, b"\x10", 2, now_us=5) == b"\x10\x11"
    assert clock.now_us == 0
    assert bus.transfers == 1


def test_a_bus_without_a_clock_says_so(chip):
    with pytest.raises(ValueError, match="no clock"):
        Bus({0x6A: chip}).readfrom(0x6A, 1)


def test_nobody_at_an_address_is_enodev_after_one_byte(bus, clock):
    with pytest.raises(OSError, match="0x6b") as caught:
        bus.readfrom_mem(0x6B, 0x0F, 1)
    assert caught.value.errno == errno.ENODEV
    assert clock.now_us == 23


def test_a_held_line_times_out_until_it_is_released(bus, clock):
    bus.hold_sda()
    with pytest.raises(OSError, match="held low") as caught:
        bus.readfrom_mem(0x6A, 0x0F, 1)
    assert caught.value.errno == errno.ETIMEDOUT
    assert clock.now_us == TIMEOUT_US
    with pytest.raises(OSError, match="held low"):
        bus.scan()
    bus.release_sda()
    assert bus.readfrom_mem(0x6A, 0x0F, 1) == b"\x0f"


def test_only_the_chosen_transfer_is_not_acknowledged(bus):
    bus.nack_transfer(2)
    assert bus.readfrom(0x6A, 1) == b"\x00"
    with pytest.raises(OSError, match="0x6a") as caught:
        bus.readfrom(0x6A, 1)
    assert caught.value.errno == errno.ENODEV
    assert bus.readfrom(0x6A, 1) == b"\x01"


def test_a_write_that_is_not_acknowledged_changes_nothing(bus, chip):
    bus.nack_transfer()
    with pytest.raises(OSError, match="0x6a"):
        bus.writeto(0x6A, b"\x10\xaa")
    assert chip.memory[0x10] == 0x10


@pytest.mark.parametrize(("n", "bit", "wanted"), [(1, 0, b"\x21\x21\x22"), (3, 7, b"\x20\x21\xa2")])
def test_one_bit_of_the_chosen_byte_is_flipped_once(bus, n, bit, wanted):
    bus.flip_bit(n, bit)
    assert bus.readfrom_mem(0x6A, 0x20, 3) == wanted
    assert bus.readfrom_mem(0x6A, 0x20, 3) == b"\x20\x21\x22"


def test_bytes_to_flip_are_counted_over_transfers(bus):
    bus.flip_bit(4, 1)
    assert bus.readfrom_mem(0x6A, 0x20, 3) == b"\x20\x21\x22"
    assert bus.readfrom_mem(0x6A, 0x20, 3) == b"\x22\x21\x22"
