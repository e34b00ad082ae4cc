"""The board test: sent to a board by `herdbell-sim board-test`, run there from memory; nothing of it stays.

It uses the collar's own files, so that what passes here is what runs later. The watchdog of the collar that
ran before goes on in the program that takes its place: it is fed here. About 40 s, nearly all of it waiting
for the sensor's FIFO.
"""

_WATCHDOG_MS = 60_000
_LOOK_MS = 250
_RATE_TOLERANCE_PERCENT = 5
_BATTERY_MV = (2_800, 4_400)
_RAW_BYTES = 3_136  # serves every driver
_KIB = 1024

_STEPS = (
    (
        "flash",
        "write the table made for this flash: make flash-image TABLE=firmware/partitions-4MiB.csv PROV=...",
    ),
    ("identity", "flash the partition table and this collar's identity: make flash-image TABLE=... PROV=..."),
    (
        "battery",
        "check the divider and the wire to the battery pin; on USB alone, without a cell, this fails",
    ),
    ("sensor", "check 3.3 V, ground, SDA and SCL, and that SA0 is tied to ground or supply"),
    ("fifo", "check the sensor's supply and its capacitor; if it repeats, the chip is faulty or a clone"),
    ("interrupt", "check the wire from INT1 to the board's int1 pin"),
)


class CheckError(Exception):
    """A check failed: what was found."""


class Checks:
    """The checks of one board, by name; each needs what those before it found."""

    def __init__(self) -> None:
        self._board = None
        self._imu = None
        self._low_before = 0

    def flash(self) -> str:
        """Find the log, read its first sector's head, and see that the table ends within the flash."""
        import esp

        from collar.board import log_partition

        log, flash_bytes = log_partition(), esp.flash_size()
        log.readblocks(0, bytearray(16), 0)
        _, _, offset, size, _, _ = log.info()
        shown = (size // _KIB, offset // _KIB, flash_bytes // _KIB)
        if offset + size > flash_bytes:
            raise CheckError("log of %d KiB at %d KiB does not fit the flash of %d KiB" % shown)
        return "log of %d KiB at %d KiB, flash of %d KiB" % shown

    def identity(self) -> str:
        from collar.board import Board, prov_partition
        from collar.settings import load_identity

        identity = load_identity(prov_partition())
        self._board = Board(identity.board)
        self._board.start_watchdog(_WATCHDOG_MS)
        shown = (identity.device, identity.epoch, identity.boot, identity.board)
        return "device %d, epoch %d, boot counter %d, board %s" % shown

    def battery(self) -> str:
        low, high = _BATTERY_MV
        found = self._board.battery_mv()
        if not low <= found <= high:
            raise CheckError("%d mV outside %d..%d" % (found, low, high))
        return "%d mV" % found

    def sensor(self) -> str:
        from collar.imu.find import find

        self._imu = find(self._board.i2c, self._board.pause_ms, bytearray(_RAW_BYTES))
        return "%s at 0x%02x" % (self._imu.name, self._imu.address)

    def fifo(self) -> str:
        """Fill the FIFO to the watermark and compare the rate with the one that the chip says it has."""
        board, imu = self._board, self._imu
        imu.start()
        before, began_ms = imu.count(), board.uptime_ms()
        self._low_before = self._int1()
        most_ms = imu.watermark * imu.period_us // 1000 * 5 // 4
        while imu.count() < imu.watermark and board.uptime_ms() - began_ms < most_ms:
            board.feed()
            board.pause_ms(_LOOK_MS)
        samples, took_ms = imu.count() - before, board.uptime_ms() - began_ms
        wanted = took_ms * 1000 // imu.period_us
        shown = "%d samples in %d ms, want %d within %d %%" % (
            samples,
            took_ms,
            wanted,
            _RATE_TOLERANCE_PERCENT,
        )
        if abs(samples - wanted) * 100 > wanted * _RATE_TOLERANCE_PERCENT:
            raise CheckError(shown)
        return shown

    def interrupt(self) -> str:
        """Low while the FIFO filled, high at the watermark, low again once it is drained."""
        from array import array

        imu = self._imu
        if not imu.has_line:
            return "%s has no watermark line: the timer wakes the collar" % imu.name
        full = self._int1()
        imu.drain_into(array("h", bytes(6 * imu.watermark)), 0, imu.watermark)
        levels = (self._low_before, full, self._int1())
        if levels != (0, 1, 0):
            raise CheckError("INT1 was %d empty, %d full, %d drained: want 0, 1, 0" % levels)
        return "INT1 rose at the watermark and fell after the drain"

    def _int1(self) -> int:
        return self._board.int1.value()


def _passed(checks, name: str, advice: str) -> bool:
    try:
        print("ok    %-9s  %s" % (name, getattr(checks, name)()))
        return True
    except Exception as exc:  # noqa: BLE001 - whatever a broken board raises is a failed check
        print("FAIL  %-9s  %s: %s" % (name, exc, advice))
        return False


def _missing() -> str:
    """Return why nothing can be checked here, "" if it can."""
    try:
        import collar.board  # noqa: F401 - is it there, and all that it needs?
    except ImportError as exc:
        if "collar" in str(exc):
            return "the collar's files are not on the board: make flash PORT=... first"
        return "%s: this is no ESP32, so nothing of the hardware can be checked" % exc
    return ""


def check_all() -> None:
    """Run the checks in order, up to the first one that the rest need; the last line is the verdict."""
    missing = _missing()
    if missing:
        print("board-test: " + missing)
        return
    checks, failed = Checks(), []
    for name, advice in _STEPS:
        if not _passed(checks, name, advice):
            failed.append(name)
            if name != "battery":
                break
    print("board-test: failed: %s" % ", ".join(failed) if failed else "board-test: all checks passed")


check_all()
