"""NOR flash: what silicon does to bits."""

import pytest

from simulator.flash import FlashError, Nor, PowerCut, Region


@pytest.fixture
def nor():
    return Nor(4 * 4096, [Region("prov", 0, 8192), Region("log", 8192, 8192)])


def test_new_flash_is_all_ones(nor):
    assert nor.read(0, nor.size) == b"\xff" * nor.size


def test_programming_writes_into_erased_cells(nor):
    nor.program(5, b"cow")
    assert nor.read(4, 5) == b"\xffcow\xff"


def test_programming_only_clears_bits(nor):
    nor.program(0, b"\xf0\x0f")
    nor.program(0, b"\x3c\xff")
    assert nor.read(0, 2) == b"\x30\x0f"


def test_erasing_sets_one_sector_and_no_other(nor):
    nor.program(0, bytes(3 * 4096))
    nor.erase(4096)
    assert nor.read(0, 4096) == bytes(4096)
    assert nor.read(4096, 4096) == b"\xff" * 4096
    assert nor.read(8192, 4096) == bytes(4096)


@pytest.mark.parametrize(("offset", "n"), [(1, 4096), (0, 100), (2048, 2048)])
def test_less_than_a_sector_cannot_be_erased(nor, offset, n):
    with pytest.raises(FlashError, match="multiples of 4096"):
        nor.erase(offset, n)


@pytest.mark.parametrize(("offset", "n"), [(-1, 1), (16384, 1), (16380, 5), (0, -1)])
def test_nothing_outside_the_chip_is_read(nor, offset, n):
    with pytest.raises(FlashError, match=f"offset={offset}, n={n}: outside 0..16384"):
        nor.read(offset, n)


def test_programming_over_the_end_changes_nothing(nor):
    with pytest.raises(FlashError):
        nor.program(16383, b"ab")
    assert nor.read(16383, 1) == b"\xff"


def test_a_partition_counts_from_its_own_start(nor):
    log = nor.partition("log")
    log.program(4096, b"\x01")
    assert nor.read(8192 + 4096, 1) == b"\x01"
    assert log.read(4096, 2) == b"\x01\xff"
    log.erase(4096)
    assert (log.size, log.read(4096, 1)) == (8192, b"\xff")


@pytest.mark.parametrize("access", [lambda p: p.read(8191, 2), lambda p: p.program(8190, b"abc"),
                                    lambda p: p.erase(8192), lambda p: p.read(-1, 1)])  # fmt: skip
def test_a_partition_ends_where_the_next_begins(nor, access):
    nor.program(0, bytes(nor.size))
    with pytest.raises(FlashError, match="partition 'prov'"):
        access(nor.partition("prov"))
    assert nor.read(0, nor.size) == bytes(nor.size)


def test_an_unknown_partition_names_those_there_are(nor):
    with pytest.raises(FlashError, match="no partition 'nvs'; there are prov, log"):
        nor.partition("nvs")


@pytest.mark.parametrize(
    ("regions", "complaint"),
    [
        ([Region("a", 0, 8192), Region("b", 4096, 4096)], "'b' overlaps 'a'"),
        ([Region("a", 0, 4096), Region("a", 4096, 4096)], "'a' is there twice"),
        ([Region("a", 100, 4096)], "multiples of 4096"),
        ([Region("a", 0, 65536)], "outside"),
    ],
)
def test_a_wrong_partition_table_is_refused(regions, complaint):
    with pytest.raises(FlashError, match=complaint):
        Nor(16384, regions)


@pytest.mark.parametrize("size", [0, -4096, 5000])
def test_a_chip_is_whole_sectors(size):
    with pytest.raises(FlashError, match=f"size={size}"):
        Nor(size)


# power and wear


def test_flash_that_was_never_written_takes_no_memory():
    nor = Nor(8 << 20)
    nor.program(5 * 4096, b"cow")
    nor.erase(7 * 4096)
    assert list(nor._sectors) == [5]


def test_a_program_over_a_sectors_end_lies_in_both(nor):
    nor.program(4094, b"abcd")
    assert nor.read(4094, 4) == b"abcd"


def test_programs_and_erases_are_counted_by_sector(nor):
    nor.program(0, b"a")
    nor.program(1, b"b")
    nor.erase(4096, 8192)
    assert (dict(nor.programs), dict(nor.erases), nor.operations) == ({0: 2}, {1: 1, 2: 1}, 4)


def test_power_fails_in_the_operation_it_was_told_to_and_nothing_works_until_it_is_back(nor):
    nor.cut_after(1)
    nor.program(0, b"whole")
    with pytest.raises(PowerCut, match="in a program of 4 bytes at 100"):
        nor.program(100, b"torn")
    for access in (lambda: nor.read(0, 1), lambda: nor.program(0, b"a"), lambda: nor.erase(0)):
        with pytest.raises(PowerCut, match="no power"):
            access()
    nor.power_on()
    nor.program(200, b"more")
    assert (nor.read(0, 5), nor.read(200, 4)) == (b"whole", b"more")


def torn(seed, work):
    """Return the first sector after power failed in `work` on a chip whose first sector is all zero."""
    nor = Nor(8192, seed=seed)
    nor.program(0, bytes(4096))
    nor.cut_after(0)
    with pytest.raises(PowerCut):
        work(nor)
    return nor


def test_a_torn_program_has_cleared_some_of_its_bits_and_no_others():
    left = [torn(seed, lambda nor: nor.program(4096, bytes(40))).read_raw(1) for seed in range(200)]
    assert all(raw[40:] == b"\xff" * 4056 for raw in left)
    assert len(set(left)) > 100
    assert b"\xff" * 4096 in left
    assert any(raw[0] == 0xFF and raw[:40] != b"\xff" * 40 for raw in left)  # the first byte, not the rest


def test_a_torn_erase_leaves_pages_old_blank_or_noise():
    pages = set()
    for seed in range(40):
        raw = torn(seed, lambda nor: nor.erase(0)).read_raw(0)
        pages |= {raw[at : at + 256] for at in range(0, 4096, 256)}
    assert {bytes(256), b"\xff" * 256} < pages
    assert len(pages) > 100


def test_one_seed_tears_alike():
    left = [torn(seed, lambda nor: nor.erase(0)).read_raw(0) for seed in (1, 1, 2)]
    assert left[0] == left[1] != left[2]
