"""The collar's state machine.

    COLD -> RESTORE -> IMU_CHECK -> ARM -> SLEEP <-> DRAIN -> FEATURE -> STORE -> UPLINK -> SLEEP

One call of step() is one state. A state does one thing, may raise anything, and names the next one; the table
TRANSITIONS says which it may name. Whatever is raised is recorded in retained memory and leads to SLEEP with
a back-off, after which a sensor that was at fault is set up anew. A watchdog of 60 s stands behind; no state
takes longer than 45 s. The module is long because all states of one machine stand beside their table.
"""

import errno
import gc

from collar import buffers
from collar.health import health_record
from collar.imu import watch
from collar.imu.base import SETTLING_MOST, SensorError
from collar.imu.find import find
from collar.imu.lsm6dsox import Lsm6dsox
from collar.outbox import Outbox
from collar.retained import Retained
from collar.sampler import Sampler
from collar.schedule import backoff_s, bounded_period_s, bounded_wait_s, next_upload_s, spread_s
from collar.settings import HARD, WATCHDOG, Identity, SettingsError, load_identity, raise_boot
from collar.uplink import Uplink
from collar.wifi import Wifi
from herdcore import features
from herdcore.compat import const, heap_lock, heap_unlock
from herdcore.records import WINDOW_BYTES
from herdcore.vocabulary import WINDOW_SAMPLES

COLD, RESTORE, IMU_CHECK, ARM, SLEEP, DRAIN, FEATURE, STORE, UPLINK, SAFE = range(10)
TRANSITIONS = {
    COLD: (RESTORE,),
    RESTORE: (IMU_CHECK, SAFE),
    IMU_CHECK: (ARM,),
    ARM: (SLEEP,),
    SLEEP: (SLEEP, DRAIN, UPLINK, IMU_CHECK, COLD),
    DRAIN: (FEATURE, UPLINK, SLEEP),
    FEATURE: (STORE,),
    STORE: (SLEEP, UPLINK),
    UPLINK: (SLEEP,),
    SAFE: (SAFE, UPLINK),
}

_WATCHDOG_MS = const(60_000)
_SLEEP_MAX_MS = const(45_000)
_STALLED_MS = const(120_000)  # a watermark takes 36 s: after this long without one the chip has stopped
_DRAIN_WINDOWS = const(8)
_HEALTH_MS = const(21_600_000)
_ABNORMAL_BOOTS = const(3)
_SAFE_MS = const(3_600_000)
_STEADY_MS = const(3_600_000)  # a boot that lasted this long was no failed one
_FAULTS_FED = const(10)  # faults in a row after which the watchdog is left to reset the board
_FAULT_SLEEP_MAX_S = const(300)
_TELL_S = const(60)  # more kinds may come, or the sensor back
_RETRY_MS = const(60_000)
_NEVER_MS = 1 << 62


class Collar:
    """Everything between the board and the relay. `board`: a collar.board.Board or what has its names."""

    def __init__(self, board) -> None:
        self.board = board
        self.state = COLD
        self.wakes = 0
        self.faults_in_row = 0
        gc.collect()  # what importing left behind: the large buffers come first and want whole pieces
        burst, samples = buffers()
        self.imu = Lsm6dsox(board.i2c, board.pause_ms, raw=burst)  # until IMU_CHECK has looked
        self.watch = watch.Watch()
        self.sampler = Sampler(self.imu, board.uptime_ms, samples)
        self._packed = bytearray(_DRAIN_WINDOWS * WINDOW_BYTES)
        self.kept = Retained(board.retained)
        self.wifi = Wifi(board.wlan, board.pause_ms, board.uptime_ms)
        self.gravity = (0, 0, 0)
        self.period_s = 0
        # COLD makes these three; until then `ready` is False and no other state runs.
        self.identity: Identity = None  # pyright: ignore[reportAttributeAccessIssue]
        self.outbox: Outbox = None  # pyright: ignore[reportAttributeAccessIssue]
        self.uplink: Uplink = None  # pyright: ignore[reportAttributeAccessIssue]
        self.ready = False
        self.resets = bytes(4)
        self._resume_ms = self._wake_ms = self._last_drain_ms = 0
        self._upload_ms = self._safe_until_ms = 0
        self._health_ms = 0
        self.armed = False  # the sensor fills its FIFO
        self._found = 0  # id of the chip that answered in this boot
        self._is_held_back = False  # the windows of this drain are not to be told
        self._is_bus_fine = True
        self._has_talked = False  # an upload takes longer than a shallow FIFO lasts
        self._told_ms = 0
        self._fault_state = COLD
        self._states = (
            self._cold,
            self._restore,
            self._imu_check,
            self._arm,
            self._sleep,
            self._drain,
            self._feature,
            self._store,
            self._uplink_state,
            self._safe,
        )

    def step(self) -> None:
        """Run one state; whatever goes wrong in it, there is a next one."""
        state = self.state
        try:
            following = _checked(state, self._states[state]())
        except Exception as exc:  # noqa: BLE001 - nothing may stop a collar; the code of it is kept and told
            following = self._fault(state, exc)
        self.state = following
        if self.watch.kinds & ~self.watch.told:
            self._tell_faults()
        if self.faults_in_row <= _FAULTS_FED:
            self.board.feed()

    def _fault(self, state: int, exc: Exception) -> int:
        """Record what happened and back off; a sensor that was at fault is set up anew after that."""
        kept = self.kept
        now_ms = self.board.uptime_ms()
        number = exc.args[0] if exc.args and isinstance(exc.args[0], int) else 0
        kept["fault"] = state << 8 | number & 0xFF
        kept.bump("faults")
        self.faults_in_row += 1
        self._fault_state = state
        if state in (IMU_CHECK, ARM, DRAIN) or isinstance(exc, SensorError):
            kept.bump("sensor_faults")
            self.armed = self._is_bus_fine = False
            if not isinstance(exc, SensorError) or state in (IMU_CHECK, ARM):
                self.watch.found(watch.BUS_STUCK if number == errno.ETIMEDOUT else watch.NO_ANSWER)
        if state == UPLINK:
            self._not_acknowledged(now_ms // 1000)
        kept.save()
        self.board.led(False)
        device = self.identity.device if self.ready else 0
        wait_s = min(backoff_s(device, self.faults_in_row), _FAULT_SLEEP_MAX_S)
        self._resume_ms = now_ms + 1000 * wait_s
        return SLEEP

    def _tell_faults(self) -> None:
        """Tell a new kind of sensor fault in a minute, but each kind only once in six hours."""
        now_ms = self.board.uptime_ms()
        if now_ms >= self._told_ms:
            self.watch.told = 0
            self._told_ms = now_ms + _HEALTH_MS
        self.watch.told |= self.watch.kinds
        self._health_ms = now_ms
        if self.ready and not self.kept["attempt"]:
            self._plan_upload(min(self._upload_ms // 1000, now_ms // 1000 + _TELL_S))

    # from power-on to the first sleep

    def _cold(self) -> int:
        """Count this boot in flash: from here on its frames have a number of their own."""
        board = self.board
        board.start_watchdog(_WATCHDOG_MS)
        board.led(True)
        cause = board.reset_cause()
        from collar.flashlog import FlashLog  # here: while it is compiled the large buffers have their place

        gc.collect()  # the log's index wants whole pieces
        log = FlashLog(board.log)
        # Never a boot that has frames already, even if an older identity was written to the board.
        identity, self.resets = raise_boot(board.prov, cause, (log.acks.last >> 16) + 1)
        self.kept["abnormal_boots"] = self.kept["abnormal_boots"] + 1 if cause in (HARD, WATCHDOG) else 0
        self.kept.save()
        self.period_s = identity.upload_s
        gc.collect()  # the sector's copies
        self.outbox = Outbox(identity.device, identity.epoch, identity.boot, self._next_boot, log)
        self.uplink = Uplink(identity, self.outbox, board.open_stream, board.uptime_ms)
        self.identity = identity
        self.ready = True
        return RESTORE

    def _next_boot(self) -> int:
        identity, _ = raise_boot(self.board.prov)
        return identity.boot

    def _restore(self) -> int:
        now_ms = self.board.uptime_ms()
        device = self.identity.device
        self._plan_upload(now_ms // 1000 + self.period_s + spread_s(device, self.period_s))
        self._health_ms = now_ms
        if self.kept["abnormal_boots"] >= _ABNORMAL_BOOTS:
            self._safe_until_ms = now_ms + _SAFE_MS
            self.board.led(False)
            return SAFE
        return IMU_CHECK

    def _imu_check(self) -> int:
        """Find out which chip there is; later in a boot it is the same one."""
        board = self.board
        bus = board.i2c if self._is_bus_fine else board.recover_i2c()
        self.imu = find(bus, board.pause_ms, self.imu.raw, self._found)
        self._found = self.imu.chip
        self.sampler.use(self.imu)
        return ARM

    def _arm(self) -> int:
        self.imu.start()
        self.sampler.restart()
        self.outbox.seal()
        self.armed = self._is_bus_fine = True
        self._last_drain_ms = self.board.uptime_ms()
        self._expect_watermark(0)
        self.board.led(False)
        return SLEEP

    # the loop

    def _expect_watermark(self, held: int) -> None:
        """Set when the timer wakes the collar should INT1 not: before the FIFO is full."""
        missing = max(0, self.imu.wake_at - held)
        self._wake_ms = self.board.uptime_ms() + missing * self.imu.period_us // 1000

    def _sleep(self) -> int:
        """Sleep until INT1, the upload or the end of a back-off, whichever is first."""
        board = self.board
        until_ms = min(self._wake_ms if self.armed else self._resume_ms, self._upload_due_ms())
        wait_ms = min(until_ms - board.uptime_ms(), _SLEEP_MAX_MS)
        if wait_ms > 0:
            # While the sensor is not drained its interrupt stays high and would end every sleep at once.
            board.wake_on_int1(self.armed and self.imu.has_line)
            board.sleep_ms(wait_ms)
        self.wakes += 1
        return self._awake(board.uptime_ms())

    def _awake(self, now_ms: int) -> int:
        if self.armed:
            return DRAIN
        if now_ms >= self._upload_due_ms():
            return UPLINK
        if now_ms >= self._resume_ms:
            return IMU_CHECK if self.ready else COLD
        return SLEEP

    def _drain(self) -> int:
        sampler = self.sampler
        gaps = sampler.fifo_gaps
        windows = sampler.drain()
        if sampler.fifo_gaps != gaps:
            self.kept.bump("fifo_gaps")
        if sampler.lost and not self._has_talked:
            self.watch.found(watch.OVERRUN)
        self._has_talked = False
        if self.imu.unsettled > SETTLING_MOST:
            self.watch.found(watch.START_UP)
        self._expect_watermark(sampler.left)
        now_ms = self.board.uptime_ms()
        if windows:
            self._last_drain_ms = now_ms
            return FEATURE
        if now_ms - self._last_drain_ms > _STALLED_MS:
            self.watch.found(watch.RATE)
            raise SensorError(
                "%d words in the FIFO after %d ms" % (sampler.left, now_ms - self._last_drain_ms)
            )
        return self._uplink_if_due()

    def _feature(self) -> int:
        samples, packed = self.sampler.samples, self._packed
        # A call with many locals searches the heap for a place, which was a quarter of a collar's work; with
        # the heap locked it takes the stack.
        heap_lock()
        try:
            for i in range(self.sampler.windows):
                features.window_into(samples, i * WINDOW_SAMPLES, packed, i * WINDOW_BYTES)
        finally:
            heap_unlock()
        x, y, z = packed[0], packed[1], packed[2]
        self.gravity = (_signed(x), _signed(y), _signed(z))
        self._is_held_back = True  # also when judging raises
        self._is_held_back = not self.watch.judge(packed, self.sampler.windows, self.sampler.is_off_rate)
        return STORE

    def _store(self) -> int:
        sampler, outbox = self.sampler, self.outbox
        if sampler.gap or self._is_held_back:
            outbox.seal()
        if not self._is_held_back:
            packed = memoryview(self._packed)[: sampler.windows * WINDOW_BYTES]
            outbox.append_windows(sampler.first_ms, packed)
        if self._fault_state != UPLINK:
            self.faults_in_row = 0
        if self.board.uptime_ms() >= _STEADY_MS:
            self.kept["abnormal_boots"] = 0
        self.kept.save()
        return self._uplink_if_due()

    def _uplink_if_due(self) -> int:
        return UPLINK if self.board.uptime_ms() >= self._upload_due_ms() else SLEEP

    # the upload

    def _upload_due_ms(self) -> int:
        return self._upload_ms if self.ready else _NEVER_MS

    def _plan_upload(self, at_s: int) -> None:
        self._upload_ms = 1000 * at_s
        self.kept["next_upload_s"] = at_s

    def _uplink_state(self) -> int:
        """Join, tell, leave. A failure is no fault: it is counted, and the next try comes later."""
        gc.collect()
        ack, retry_after_s = None, 0
        try:
            ack = self._talk()
        except (OSError, ValueError) as exc:
            retry_after_s = getattr(exc, "retry_after_s", 0)
        finally:
            self.wifi.leave()
            self._has_talked = True
        now_s = self.board.uptime_ms() // 1000
        if ack:
            self._acknowledged(ack, now_s)
        else:
            self._not_acknowledged(now_s, retry_after_s)
        self.kept.save()
        return SLEEP

    def _talk(self):
        identity = self.identity
        self.wifi.join(identity.ssid, identity.password)
        now_ms = self.board.uptime_ms()
        self.outbox.seal()
        # Without windows the relay hears that this is the sensor and not the radio.
        if now_ms >= self._health_ms or not self.outbox.waiting():
            self.outbox.append_health(now_ms, health_record(self))
            self._health_ms = now_ms + _HEALTH_MS
        return self.uplink.post()

    def _acknowledged(self, ack, now_s: int) -> None:
        kept = self.kept
        kept["attempt"] = kept["abnormal_boots"] = 0
        if self.armed:  # the relay's answer does not mend a dead sensor
            self.faults_in_row = 0
        kept["last_ack_ms"] = ack.utc_ms
        self.outbox.mark(now_s, ack.utc_ms)
        self.period_s = bounded_period_s(ack.next_s)
        self._plan_upload(next_upload_s(now_s, self.period_s, self.identity.device))

    def _not_acknowledged(self, now_s: int, retry_after_s: int = 0) -> None:
        kept = self.kept
        kept.bump("attempt")
        kept.bump("uplink_failures")
        wait_s = max(backoff_s(self.identity.device, kept["attempt"]), bounded_wait_s(retry_after_s))
        self._plan_upload(now_s + wait_s)

    # when booting itself goes wrong

    def _safe(self) -> int:
        """Three abnormal boots in a row: an hour of rest, a word to the relay, another try."""
        board = self.board
        left_ms = self._safe_until_ms - board.uptime_ms()
        if left_ms > 0:
            board.wake_on_int1(False)
            board.sleep_ms(min(left_ms, _SLEEP_MAX_MS))
            return SAFE
        self._resume_ms = board.uptime_ms()
        self._plan_upload(self._resume_ms // 1000)
        return UPLINK


def _checked(state: int, following: int) -> int:
    if following not in TRANSITIONS[state]:
        raise ValueError("state %d may not lead to %d" % (state, following))
    return following


def _signed(byte: int) -> int:
    return byte - 256 if byte & 0x80 else byte


def run(board, wakes: "int | None" = None) -> Collar:
    """Step a collar until it has woken `wakes` times, or for ever; return it."""
    collar = Collar(board)
    while wakes is None or collar.wakes < wakes:
        collar.step()
    return collar


def main() -> None:
    """Run the collar for ever; without an identity, say so and leave the prompt to the maker."""
    from collar.board import (  # here: only a board has what it imports
        Board,
        BoardError,
        log_partition,
        prov_partition,
    )

    try:
        log_partition()
        identity = load_identity(prov_partition())
        board = Board(identity.board)
    except (SettingsError, BoardError) as exc:
        print("herdbell: %s" % exc)  # noqa: T201 - the maker at the serial port is the only one to tell
        return
    try:
        run(board)
    except Exception as exc:  # noqa: BLE001 - not even built: a board at its prompt would stay there
        print("herdbell: %r, again in a minute" % exc)  # noqa: T201 - as above
        board.deep_sleep_ms(_RETRY_MS)
