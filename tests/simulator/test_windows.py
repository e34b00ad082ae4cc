"""Cells become the bytes that the firmware's own kernel would have made of such samples."""

from array import array

import numpy as np
import pytest

from herdcore.features import window_into
from simulator.neck.look_model import Cells
from simulator.neck.windows import decoded, records
from simulator.turning import about

SAMPLES = 64
STRAIGHT, AS_IS, NOTHING = np.eye(3), np.ones(3), np.zeros(3)


def cells_of(
    gravity=(0, 0, -1000), deviation=(0, 0, 0), difference=(0, 0, 0), crossings=(0, 0, 0), bands=(0, 0)
):
    """Return one cell, or of lists of rows several."""
    parts = (
        np.atleast_2d(np.array(part, np.float32))
        for part in (gravity, deviation, difference, crossings, bands)
    )
    gravity, *rest = parts
    return Cells(gravity, *rest, np.zeros(len(gravity), np.uint8))


def sent(cells, rotation=STRAIGHT, scale=AS_IS, offset_mg=NOTHING, noise_mg=0.0, seed=0):
    return records(cells, rotation, scale, offset_mg, np.random.default_rng(seed), noise_mg)


def moving(count=200):
    """Return (count, 64, 3) whole mg: from a resting cow to one that shakes her head."""
    rng = np.random.default_rng(4)
    loud = np.exp2(rng.uniform(1, 10, (count, 1, 3)))
    mean = rng.uniform(-1200, 1200, (count, 1, 3))
    return np.rint(mean + loud * rng.standard_normal((count, SAMPLES, 3))).astype(np.int64)


def kernel_bytes(samples):
    out = bytearray(14 * len(samples))
    for at, window in enumerate(samples):
        window_into(array("h", window.ravel().tolist()), 0, out, 14 * at)
    return np.frombuffer(bytes(out), np.uint8).reshape(-1, 14)


def measured(samples):
    """Return the cells of samples, by WIRE.md but without any rounding of features."""
    mean = samples.mean(axis=1)
    level = np.floor(mean + 0.5)[:, None]
    above = samples > level
    spectrum = (np.abs(np.fft.rfft(samples - mean[:, None], axis=1)) ** 2).sum(axis=2)
    total = 2 * spectrum[:, 1:-1].sum(axis=1) + spectrum[:, -1]
    bands = [2 * spectrum[:, low:high].sum(axis=1) / total for low, high in ((6, 9), (11, 17))]
    return cells_of(
        mean,
        np.abs(samples - level).mean(axis=1),
        np.abs(np.diff(samples, axis=1)).mean(axis=1),
        (above[:, 1:] != above[:, :-1]).sum(axis=1),
        np.column_stack(bands),
    )


def test_bytes_are_those_of_the_kernel():
    samples = moving()
    want, got = kernel_bytes(samples).astype(int), sent(measured(samples)).astype(int)
    assert np.abs(want - got).max() <= 1
    assert (want[:, :12] != got[:, :12]).mean() < 0.002  # a float's last bit at a half
    assert (want[:, 12:] != got[:, 12:]).mean() < 0.2  # WIRE.md: within one step of the exact value


def test_means_round_halves_upwards_and_stop_at_the_ends_of_a_byte():
    rows = sent(cells_of(gravity=[(8, -8, 7.9), (9000, -9000, 2039)]))
    assert rows[:, :3].view(np.int8).tolist() == [[1, 0, 0], [127, -128, 127]]


def test_crossings_and_shares_stop_at_what_a_window_can_hold():
    (row,) = sent(cells_of(deviation=(5, 5, 5), crossings=(70, -1, 63), bands=(1.2, 0.5)))
    assert row[9:].tolist() == [63, 0, 63, 255, 128]


def test_a_cell_without_movement_or_noise_has_no_crossings_and_no_shares():
    (row,) = sent(cells_of(crossings=(9, 9, 9), bands=(0.3, 0.4)))
    assert row[3:].tolist() == [0] * 11


def test_noise_of_the_sensor_is_the_floor_of_what_it_tells():
    quiet = decoded(sent(cells_of(), noise_mg=2.0))
    loud = decoded(sent(cells_of(deviation=(300, 300, 300)), noise_mg=2.0))
    assert np.allclose(quiet.deviation_mg, 2.0)
    assert np.allclose(loud.deviation_mg, 300.0, rtol=0.05)


def test_a_collar_the_other_way_round_reads_the_other_sign_and_the_same_movement():
    cell = cells_of((320, -480, -800), (10, 40, 160), (20, 80, 320), (10, 20, 30))
    straight, turned = sent(cell), sent(cell, about((0.0, 0.0, 1.0), 180.0))
    assert turned[:, :3].view(np.int8).tolist() == [[-20, 30, -50]]
    assert turned[:, 3:].tolist() == straight[:, 3:].tolist()


def test_an_axis_between_two_takes_its_movement_from_both():
    cell = cells_of(deviation=(100, 0, 0), difference=(100, 0, 0), crossings=(12, 40, 40))
    found = decoded(sent(cell, about((0.0, 0.0, 1.0), 45.0)))
    assert np.allclose(found.deviation_mg, (70.7, 70.7, 0), rtol=0.04, atol=0.1)
    assert found.crossings[0, :2].tolist() == [12, 12]


def test_each_cell_may_have_a_rotation_of_its_own():
    cells = cells_of(
        [(320, -480, -800)] * 2, [(10, 40, 160)] * 2, [(20, 80, 320)] * 2, [(9, 9, 9)] * 2, [(0, 0)] * 2
    )
    ways = np.array([about((1.0, 0.0, 0.0), 90.0), about((0.0, 1.0, 0.0), 90.0)])
    both = sent(cells, ways)
    for at, way in enumerate(ways):
        assert both[at].tolist() == sent(cells, way)[at].tolist()


def test_scale_and_offset_are_the_sensors_own():
    cell = cells_of((500, 0, -1000), (100, 100, 100))
    found = decoded(sent(cell, scale=np.array((1.1, 1.0, 0.9)), offset_mg=np.array((0.0, 160.0, 0.0))))
    assert found.gravity_mg.tolist() == [[544, 160, -896]]
    assert np.allclose(found.deviation_mg, (110, 100, 90), rtol=0.05)


def test_crossings_between_two_numbers_keep_their_mean():
    many = 4000
    cells = cells_of(
        [(0, 0, -1000)] * many, [(9, 9, 9)] * many, [(9, 9, 9)] * many, [(9.3,) * 3] * many, [(0, 0)] * many
    )
    assert decoded(sent(cells)).crossings.mean() == pytest.approx(9.3, abs=0.03)


def test_decoding_gives_back_what_was_sent_within_a_step():
    cells = measured(moving())
    found = decoded(sent(cells))
    assert np.abs(found.gravity_mg - cells.gravity_mg).max() <= 8
    assert np.allclose(found.deviation_mg, cells.deviation_mg, rtol=0.03, atol=0.51)
    assert np.allclose(found.difference_mg, cells.difference_mg, rtol=0.03, atol=0.51)
    assert np.abs(found.bands - cells.bands).max() <= 0.5 / 255 + 1e-6
