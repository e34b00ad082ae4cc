"""What every driver does with its chip at rest: the same cases on the models and on a board.

tests/collar/test_drivers.py runs them on the models, and with --port sends this file to a board, where it
runs from memory on the collar's own files; nothing of it stays. A case takes a rig (Rig there, BoardRig
here): `imu`, `now_ms()`, `wait_ms(ms)`, `line()` (level of INT1), `out` (array for a watermark of samples).
It returns what it saw, or raises AssertionError with it. The board must lie still, any way up: about four
minutes with an LSM6DSOX.
"""

from array import array

_WATCHDOG_MS = 60_000  # of a collar that ran before: it goes on
_FEED_MS = 10_000
_LOOK_MS = 100
_RATE_S = 20
_RATE_PERCENT = 5
_GRAVITY_MG = (600, 1600)
_UNSETTLED = 8  # samples at most that are skipped after a start
_RAIL_MG = 7_990


class BoardRig:
    """The chip on this board, found as the collar finds it."""

    def __init__(self):
        from collar.board import Board, prov_partition
        from collar.imu.find import find
        from collar.settings import load_identity

        self._board = board = Board(load_identity(prov_partition()).board)
        board.start_watchdog(_WATCHDOG_MS)
        self.now_ms = board.uptime_ms
        self.imu = find(board.i2c, board.pause_ms, bytearray(3136))
        self.out = array("h", bytes(6 * self.imu.watermark))

    def wait_ms(self, ms):
        """Wait and feed the watchdog."""
        while ms > 0:
            self._board.feed()
            self._board.pause_ms(min(ms, _FEED_MS))
            ms -= _FEED_MS

    def line(self):
        """Return the level of INT1."""
        return self._board.int1.value()


# steps


def _fill(rig):
    """Wait until the watermark is reached; return the ms it took."""
    imu, began_ms = rig.imu, rig.now_ms()
    most_ms = imu.watermark * imu.period_us // 1000 * 5 // 4
    while imu.count() < imu.watermark:
        took_ms = rig.now_ms() - began_ms
        assert took_ms < most_ms, f"{imu.count()} of {imu.watermark} samples after {took_ms} ms"
        rig.wait_ms(_LOOK_MS)
    return rig.now_ms() - began_ms


def _drain(rig):
    """Drain a watermark's worth; return (samples, their mean in mg)."""
    n = rig.imu.drain_into(rig.out, 0, rig.imu.watermark)
    assert n >= rig.imu.watermark - _UNSETTLED, f"{n} samples of {rig.imu.watermark}"
    return n, [sum(_axis(rig, axis, n)) // n for axis in range(3)]


def _axis(rig, axis, n):
    return [rig.out[i] for i in range(axis, 3 * n, 3)]  # MicroPython slices in steps of 1 only


def _require_gravity(mean_mg):
    low, high = _GRAVITY_MG
    square = sum([mg * mg for mg in mean_mg])
    assert low * low < square < high * high, f"gravity {mean_mg} mg, want {low}..{high} in all"


# cases


def the_chip_answers_with_its_id(rig):
    rig.imu.probe()
    return f"{rig.imu.name} at 0x{rig.imu.address:02x}"


def a_start_begins_with_an_empty_fifo(rig):
    rig.imu.start()
    held = rig.imu.count()
    assert held <= 1, f"{held} samples"
    assert not rig.imu.flags(), "an overrun is told"
    return f"{rig.imu.period_us} us a sample"


def samples_come_at_the_rate_the_chip_says(rig):
    imu = rig.imu
    imu.start()
    before, began_ms, drained = imu.count(), rig.now_ms(), 0
    while rig.now_ms() - began_ms < 1000 * _RATE_S:
        rig.wait_ms(_LOOK_MS)
        if imu.count() >= imu.watermark:
            imu.drain_into(rig.out, 0, imu.watermark)
            drained += imu.watermark
    samples, took_ms = drained + imu.count() - before, rig.now_ms() - began_ms
    wanted = took_ms * 1000 // imu.period_us
    shown = f"{samples} samples in {took_ms} ms, want {wanted} within {_RATE_PERCENT} %"
    assert abs(samples - wanted) * 100 <= wanted * _RATE_PERCENT, shown
    return shown


def a_chip_at_rest_reads_gravity_and_nothing_else(rig):
    rig.imu.start()
    _fill(rig)
    n, mean_mg = _drain(rig)
    _require_gravity(mean_mg)
    assert max(rig.out[: 3 * n]) < _RAIL_MG, "a sample before it has settled"
    for axis in range(3):
        far = max([abs(mg - mean_mg[axis]) for mg in _axis(rig, axis, n)])
        assert far < 100, f"axis {axis} is {far} mg from its mean: does it lie still?"
    return f"{mean_mg} mg"


def the_line_is_high_from_the_watermark_until_the_drain(rig):
    imu = rig.imu
    imu.start()
    empty = rig.line()
    took_ms = _fill(rig)
    full = rig.line()
    _drain(rig)
    levels = (empty, full, rig.line())
    wanted = (0, 1, 0) if imu.has_line else (levels[0],) * 3
    assert levels == wanted, f"INT1 was {levels} when empty, full, drained"
    assert imu.count() < imu.watermark, f"{imu.count()} samples are left"
    return f"{imu.watermark} samples after {took_ms} ms"


def an_overrun_is_told_once_and_what_comes_after_it_is_whole(rig):
    imu = rig.imu
    imu.start()
    rig.wait_ms((imu.depth + 20) * imu.period_us // 1000)
    imu.count()
    assert imu.flags(), "nothing is told"
    assert not imu.flags(), "it is told twice"
    while imu.count() >= imu.watermark:
        _drain(rig)
    imu.flags()  # a full FIFO overruns once more between the look and the burst
    _fill(rig)
    assert not imu.flags(), "it is told of a FIFO that was drained in time"
    _, mean_mg = _drain(rig)
    _require_gravity(mean_mg)
    return f"{mean_mg} mg after it"


def a_stop_ends_the_sampling(rig):
    imu = rig.imu
    imu.start()
    rig.wait_ms(1000)
    imu.stop()
    held = imu.count()
    assert held, "no sample in a second"
    rig.wait_ms(1000)
    assert imu.count() == held, f"{held} samples, then {imu.count()}"
    return f"{held} samples stay"


CASES = (
    the_chip_answers_with_its_id,
    a_start_begins_with_an_empty_fifo,
    samples_come_at_the_rate_the_chip_says,
    a_chip_at_rest_reads_gravity_and_nothing_else,
    the_line_is_high_from_the_watermark_until_the_drain,
    an_overrun_is_told_once_and_what_comes_after_it_is_whole,
    a_stop_ends_the_sampling,
)


def run_on_board():
    """Run every case here; a line each: "ok" or "FAIL", its number, what was seen."""
    try:
        rig = BoardRig()
    except ImportError as exc:
        print(f"no board: {exc}; make flash PORT=... puts the collar's files there")  # noqa: T201 - what it says
        return
    for number, case in enumerate(CASES):
        try:
            print(f"ok {number} {case(rig)}")  # noqa: T201 - what it says
        except Exception as exc:  # noqa: BLE001 - whatever a broken chip raises is a failed case
            print(f"FAIL {number} {type(exc).__name__}: {exc}")  # noqa: T201 - what it says


if __name__ == "__main__":
    run_on_board()
