"""The collar's state machine.

One call of step() is one state. A state does one thing, may raise anything, and names the next one; the table
TRANSITIONS says which it may name, and firmware/README.md draws it. What is raised is recorded in retained
memory and leads to SLEEP with a back-off, after which a sensor at fault is set up anew. A watchdog of
60 s stands behind; no state takes longer than 45 s but UPLINK, which feeds it after every ack.

With a deep profile SLEEP may end the program: the board starts anew, RESTORE takes up what collar.retained
held, and the sensor has gone on filling its FIFO. The module is long because all states of one machine stand
beside their table.
"""

import errno
import gc

from collar import buffers
from collar.alarm import Alarm
from collar.health import health_record
from collar.imu import watch
from collar.imu.base import SETTLING_MOST, SensorError
from collar.imu.find import find
from collar.imu.lsm6dsox import Lsm6dsox
from collar.retained import Retained
from collar.sampler import Sampler
from collar.schedule import backoff_s, spread_s
from collar.settings import (
    HARD,
    WATCHDOG,
    Identity,
    SettingsError,
    load_identity,
    load_resets,
    raise_boot,
)
from collar.store import Store
from herdcore import features
from herdcore.compat import const, heap_lock, heap_unlock
from herdcore.frames import WINDOW_BYTES
from herdcore.vocabulary import PROFILES, SCHEMA_WINDOWS, WINDOW_SAMPLES

TYPE_CHECKING = False
if TYPE_CHECKING:  # a wake from deep sleep seldom needs them: they are loaded when the log is opened
    from collar.outbox import Outbox
    from collar.session import Session

COLD = const(0)
RESTORE = const(1)
IMU_CHECK = const(2)
ARM = const(3)
SLEEP = const(4)
DRAIN = const(5)
FEATURE = const(6)
STORE = const(7)
UPLINK = const(8)
TRIM = const(9)
SAFE = const(10)
PROVISION = const(11)
TRANSITIONS = {
    COLD: (RESTORE, PROVISION),
    RESTORE: (IMU_CHECK, SLEEP, SAFE),
    IMU_CHECK: (ARM,),
    ARM: (SLEEP,),
    SLEEP: (SLEEP, DRAIN, UPLINK, IMU_CHECK, COLD),
    DRAIN: (FEATURE, UPLINK, SLEEP),
    FEATURE: (STORE,),
    STORE: (SLEEP, UPLINK),
    UPLINK: (TRIM, SLEEP),
    TRIM: (SLEEP,),
    SAFE: (SAFE, UPLINK),
    PROVISION: (),
}

_WATCHDOG_MS = const(60_000)
_SLEEP_MAX_MS = const(45_000)
_DEEP_LEAST_MS = const(10_000)  # starting anew costs more than a light sleep of this length
_STALLED_MS = const(120_000)  # a watermark takes 36 s: after this long without one the chip has stopped
_DRAIN_WINDOWS = const(8)
_HEALTH_MS = const(21_600_000)
_ABNORMAL_BOOTS = const(3)
_SAFE_MS = const(3_600_000)
_STEADY_MS = const(3_600_000)  # a boot that lasted this long was no failed one
# After a day, or three periods, without an ack the radio's driver may be what is stuck.
_DEAF_MS = const(86_400_000)
_FAULTS_FED = const(10)  # faults in a row after which the watchdog is left to reset the board
_FAULT_SLEEP_MAX_S = const(300)
_TELL_S = const(60)  # more kinds may come, or the sensor back
_RETRY_MS = const(60_000)
_UNOPENED_S = const(900)  # until the next upload if the log could not be opened for this one
_BLINK_MS = const(10)
_NEVER_MS = 1 << 62
_RATE_2HZ = const(25)  # of a raw burst, samples in two seconds
# What has to show life for the watchdog to be fed, and until how long after it was due.
_SAMPLING = const(0)
_STORING = const(1)
_SENDING = const(2)
_GRACE_MS = const(600_000)


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
        self.alarm = Alarm()
        self.sampler = Sampler(self.imu, board.uptime_ms, samples)
        self._packed = bytearray(_DRAIN_WINDOWS * WINDOW_BYTES)
        self.kept = Retained(board.retained)
        self.store = Store(SCHEMA_WINDOWS)
        self.vitals = Vitals(0)
        self.gravity = (0, 0, 0)
        self.alarms = 0  # bits of Health.flags not told yet
        self.period_s = 0
        self.is_deep = False
        # _open() makes these; until then no state that needs flash or radio runs.
        self.identity: Identity = None  # pyright: ignore[reportAttributeAccessIssue]
        self.outbox: "Outbox" = None  # pyright: ignore[reportAttributeAccessIssue]
        self.session: "Session" = None  # pyright: ignore[reportAttributeAccessIssue]
        self.resets = bytes(4)
        self.is_safe = False
        self._resume_ms = self._wake_ms = self._last_drain_ms = self._last_ack_ms = 0
        self._upload_ms = _NEVER_MS
        self._safe_until_ms = 0
        self._health_ms = 0
        self.armed = False  # the sensor fills its FIFO
        self._found = 0  # id of the chip that answered in this boot
        self._is_held_back = False  # the windows of this drain are not to be told
        self._is_bus_fine = True
        self._is_line_early = False  # INT1 woke without a watermark: the timer alone, until there is one
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
            self._uplink,
            self._trim,
            self._safe,
        )

    @property
    def ready(self) -> bool:
        """Whether this boot has its number: from power-on or retained over a deep sleep."""
        return self.period_s > 0

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
        self._feed()

    def _feed(self) -> None:
        if self.vitals.is_alive(self.board.uptime_ms()):
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
        if state in (RESTORE, IMU_CHECK, ARM, DRAIN) or isinstance(exc, SensorError):
            kept.bump("sensor_faults")
            self.armed = self._is_bus_fine = False
            if not isinstance(exc, SensorError) or state in (RESTORE, IMU_CHECK, ARM):
                self.watch.found(watch.BUS_STUCK if number == errno.ETIMEDOUT else watch.NO_ANSWER)
        if state in (UPLINK, TRIM):
            self._plan_next(now_ms // 1000)
        kept.save()
        self.board.led(False)
        device = self.identity.device if self.identity else 0
        wait_s = min(backoff_s(device, self.faults_in_row), _FAULT_SLEEP_MAX_S)
        self._resume_ms = now_ms + 1000 * wait_s
        if (
            self.faults_in_row <= _FAULTS_FED
        ):  # a fault that is dealt with is a sign of life; no endless row is
            self.vitals.shown(_SAMPLING, self._resume_ms)
            self.vitals.shown(_STORING, self._resume_ms)
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
            self._hurry(now_ms // 1000 + _TELL_S)

    def _hurry(self, at_s: int) -> None:
        """Upload at uptime `at_s` at the latest."""
        self._plan_upload(min(self._upload_ms // 1000, at_s))

    # from power-on to the first sleep

    def _cold(self) -> int:
        """Count this boot in flash, unless it is a wake: its frames have numbers of their own."""
        board, kept = self.board, self.kept
        board.start_watchdog(_WATCHDOG_MS)
        if board.slept_deeply() and kept["boot"] and kept["chip"] and self._wake_up():
            return RESTORE
        board.led(True)
        cause = board.reset_cause()
        if not self.faults_in_row:  # a boot that is tried again is the same one
            self.vitals = Vitals(board.uptime_ms())
            kept["abnormal_boots"] = kept["abnormal_boots"] + 1 if cause in (HARD, WATCHDOG) else 0
            kept.save()
        try:
            identity = load_identity(board.prov)
        except SettingsError:
            board.led(False)
            return PROVISION
        log = self._open_log()
        self._salvage(identity, log)
        # Never a boot that has frames already, even if an older identity was written to the board.
        identity, self.resets = raise_boot(board.prov, cause, (log.acks.last >> 16) + 1)
        self._open(identity, log)
        kept["boot"], kept["chip"] = identity.boot, 0  # no wake goes on with what another boot kept
        self.session.timebase.restart()
        self.period_s = self.session.period_s(identity.upload_s)
        return RESTORE

    def _open_log(self):
        from collar.flashlog import FlashLog  # here: while it is compiled the large buffers have their place

        gc.collect()  # the log's index wants whole pieces
        log = FlashLog(self.board.log)
        gc.collect()
        return log

    def _open(self, identity: Identity, log) -> None:
        """Make the outbox and the session, on a mounted log."""
        from collar.outbox import Outbox
        from collar.session import Session

        gc.collect()
        self.outbox = Outbox(identity.device, identity.epoch, identity.boot, self._next_boot, log)
        self.session = Session(self.board, self.kept, identity, self.outbox, self._feed)
        self.identity = identity
        profile = self.session.settings.profile
        self.is_deep, self.store.schema = PROFILES[max(profile, 0)]
        if not self.is_deep:
            self.store.outbox = self.outbox

    def _salvage(self, identity: Identity, log) -> None:
        """Write what the boot before had not written: a reset leaves retained memory whole."""
        kept = self.kept
        raw = kept.load_deep() if kept["boot"] == identity.boot else None
        if raw is None:
            return
        from collar.outbox import Outbox

        self.store.outbox = Outbox(identity.device, identity.epoch, identity.boot, self._next_boot, log)
        self.store.restore(raw[1 + 6 * raw[0] :])
        self.store.finish()
        kept.clear_deep()
        self.store = Store(SCHEMA_WINDOWS)

    def _next_boot(self) -> int:
        identity, _ = raise_boot(self.board.prov)
        return identity.boot

    def _restore(self) -> int:
        """Plan a boot's first upload; after a deep sleep, go on with the sensor as it is."""
        board, now_ms = self.board, self.board.uptime_ms()
        if self._found:
            self.imu = find(board.i2c, board.pause_ms, self.imu.raw, self._found)
            self.imu.resume(self.kept["period_us"])
            self.sampler.use(self.imu)
            self.armed = True
            self._is_line_early = self._wake_ms - now_ms >= _DEEP_LEAST_MS
            return SLEEP
        self._plan_upload(now_ms // 1000 + self.period_s + spread_s(self.identity.device, self.period_s))
        self._health_ms = now_ms
        # Who was deaf before is not helped by starting anew once more, and would lose the time each day.
        self._last_ack_ms = _NEVER_MS if self.kept["attempt"] else now_ms
        if self.kept["abnormal_boots"] >= _ABNORMAL_BOOTS:
            self._safe_until_ms = now_ms + _SAFE_MS
            self.is_safe = True
            board.led(False)
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
        self.store.cut()
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
        now_ms = board.uptime_ms()
        if self.kept["attempt"] and now_ms - self._last_ack_ms > max(_DEAF_MS, 3_000 * self.period_s):
            self._start_anew()
        until_ms = min(self._wake_ms if self.armed else self._resume_ms, self._upload_ms)
        wait_ms = min(until_ms - now_ms, _SLEEP_MAX_MS)
        if wait_ms > 0:
            # While the sensor is not drained its interrupt stays high and would end every sleep at once.
            board.wake_on_int1(self.armed and self.imu.has_line and not self._is_line_early)
            if self.is_deep and self.armed and wait_ms >= _DEEP_LEAST_MS:
                self._go_under(wait_ms)
            board.sleep_ms(wait_ms)
        self.wakes += 1
        return self._awake(board.uptime_ms())

    def _start_anew(self) -> None:
        """Boot cold: the sleep resets the radio, and without what it kept nothing goes on."""
        try:
            self._open_again()
            self.store.outbox = self.outbox
            self.store.finish()
        finally:  # flash that fails must not keep the collar here
            self.kept.clear_deep()
            self.board.deep_sleep_ms(_BLINK_MS)

    def _awake(self, now_ms: int) -> int:
        if self.armed:
            return DRAIN
        if now_ms >= self._upload_ms:
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
        now_ms = self.board.uptime_ms()
        self._is_line_early = sampler.is_early and now_ms < min(self._wake_ms, self._upload_ms)
        self._expect_watermark(sampler.left)
        if windows:
            self._last_drain_ms = now_ms
            self.vitals.shown(_SAMPLING, self._wake_ms)
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
        sampler, store = self.sampler, self.store
        if self._is_held_back:
            store.cut()
        else:
            packed = memoryview(self._packed)[: sampler.windows * WINDOW_BYTES]
            store.put(sampler.first_ms, packed, sampler.gap)
            self._raise_alarm(self.alarm.judge(packed, sampler.windows, sampler.first_ms))
        if self.kept["burst_left"]:
            self._burst()
        if store.is_full:
            self._flush()
        elif store.is_changed and not self.is_deep:
            self._keep()
        if self._fault_state != UPLINK:
            self.faults_in_row = 0
        now_ms = self.board.uptime_ms()
        self.vitals.shown(_STORING, now_ms)
        if now_ms >= _STEADY_MS:
            self.kept["abnormal_boots"] = 0
        self.kept.save()
        return self._uplink_if_due()

    def _raise_alarm(self, bits: int) -> None:
        """Tell at once what cannot wait for the period; collar.alarm limits how often."""
        if bits:
            self.alarms |= bits
            self._health_ms = self.board.uptime_ms()
            self._hurry(self._health_ms // 1000)

    def _uplink_if_due(self) -> int:
        return UPLINK if self.board.uptime_ms() >= self._upload_ms else SLEEP

    def _burst(self) -> None:
        """Keep this drain's samples as they are."""
        kept, sampler = self.kept, self.sampler
        self._open_again()
        triples = min(kept["burst_left"], sampler.windows * WINDOW_SAMPLES)
        self.outbox.append_raw(
            sampler.first_ms, self.imu.period_us, kept["burst"], sampler.samples, 0, triples
        )
        kept["burst_left"] -= triples
        if not kept["burst_left"]:
            self._hurry(self.board.uptime_ms() // 1000)

    # the upload

    def _plan_upload(self, at_s: int) -> None:
        self._upload_ms = 1000 * at_s
        self.kept["next_upload_s"] = at_s
        self.vitals.shown(_SENDING, self._upload_ms)

    def _open_again(self) -> None:
        """Mount the log, if this wake from deep sleep has not needed it yet."""
        if self.session is None:
            identity = load_identity(self.board.prov)
            self.resets = load_resets(self.board.prov)
            self._open(identity, self._open_log())

    def _flush(self) -> None:
        """Write what waits in memory."""
        self._open_again()
        self.store.outbox = self.outbox
        self.store.flush()
        if self.is_deep:
            self.store.close()
        self._keep()

    def _keep(self) -> None:
        """Note in retained memory what is not in flash."""
        self.store.is_changed = False
        carried = self.sampler.keep(self.kept)
        self.kept.save_deep(bytes((len(carried) // 6,)) + carried + self.store.state())

    def _uplink(self) -> int:
        """Join, tell, leave. A failure is no fault: it is counted, and the next try comes later."""
        gc.collect()
        if self.session:
            self.session.ack = None  # pyright: ignore[reportAttributeAccessIssue]  # the last one's is no success of this
        self._flush()
        self.outbox.seal()
        try:
            self.session.hold(self._health)
        except (OSError, ValueError):
            pass  # what was acknowledged before counts; next_s() looks at that
        finally:
            self._has_talked = True
        if self.session.ack:
            return TRIM
        self._plan_next(self.board.uptime_ms() // 1000)
        self.kept.save()
        return SLEEP

    def _health(self):
        """Return a health record if one is due; without windows it tells that this is the sensor's fault."""
        now_ms = self.board.uptime_ms()
        if now_ms < self._health_ms and self.outbox.has_backlog():
            return None
        self._health_ms = now_ms + _HEALTH_MS
        return health_record(self)

    def _plan_next(self, now_s: int) -> None:
        kept, session = self.kept, self.session
        if not (session and session.ack):
            kept.bump("attempt")
            kept.bump("uplink_failures")
        self._plan_upload(session.next_s(now_s, self.period_s) if session else now_s + _UNOPENED_S)

    def _trim(self) -> int:
        """Take what the relay has said; its ack has made the outbox forget what arrived."""
        kept, session = self.kept, self.session
        now_ms = self.board.uptime_ms()
        kept["attempt"] = kept["abnormal_boots"] = 0
        self.is_safe = False
        self.alarms = 0
        if self.armed:  # the relay's answer does not mend a dead sensor
            self.faults_in_row = 0
        self._last_ack_ms = now_ms
        number = session.settings.number
        burst = session.obey()
        self.period_s = session.period_s(session.ack.next_s)
        self._plan_next(now_ms // 1000)
        if burst and burst[0] != kept["burst"]:
            kept["burst"], kept["burst_left"] = burst[0], burst[1] * _RATE_2HZ // 2
        if session.settings.number != number:
            self._change_profile()
        kept.save()
        return SLEEP

    def _change_profile(self) -> None:
        """Live by the new settings; what was gathered by the old ones is written first."""
        is_deep, schema = PROFILES[max(self.session.settings.profile, 0)]
        self._health_ms = 0  # tells the relay that it has them
        self._hurry(self.board.uptime_ms() // 1000 + _TELL_S)
        self.identity = self.session.identity
        if schema != self.store.schema or is_deep != self.is_deep:
            self.store.outbox = self.outbox
            self.store.finish()
            self.kept.clear_deep()
            self.store.schema, self.is_deep = schema, is_deep
            if is_deep:
                self.store.close()

    # deep sleep

    def _go_under(self, wait_ms: int) -> None:
        """Keep all that a deep sleep would lose, and sleep; the board starts anew at COLD."""
        kept, board = self.kept, self.board
        self._keep()
        kept["up_ms"], kept["rtc_ms"] = board.uptime_ms(), board.rtc_ms()
        kept["chip"], kept["period_us"] = self.imu.chip, self.imu.period_us
        kept["wake_ms"], kept["last_drain_ms"] = self._wake_ms, self._last_drain_ms
        kept["health_ms"], kept["heard_ms"] = self._health_ms, self._last_ack_ms
        kept["period_s"], kept["schema"] = self.period_s, self.store.schema
        kept["watch"], kept["alarm"] = self.watch.state(), self.alarm.state()
        kept["alarms"] = self.alarms
        kept.save()
        board.deep_sleep_ms(wait_ms)

    def _wake_up(self) -> bool:
        """Go on where _go_under() stopped; return False if what it kept is not there."""
        kept, board = self.kept, self.board
        raw = kept.load_deep()
        if raw is None:
            return False
        board.set_uptime_ms(kept["up_ms"] + max(0, board.rtc_ms() - kept["rtc_ms"]))
        self.vitals = Vitals(board.uptime_ms())
        self._found = kept["chip"]
        split = 1 + 6 * raw[0]
        self.sampler.resume(kept, raw[1:split])
        self.store.schema = kept["schema"]
        self.store.restore(raw[split:])
        self.watch.restore(kept["watch"])
        self.alarm.restore(kept["alarm"])
        self.alarms = kept["alarms"]
        self.period_s = kept["period_s"]
        self._wake_ms, self._last_drain_ms = kept["wake_ms"], kept["last_drain_ms"]
        self._health_ms, self._last_ack_ms = kept["health_ms"], kept["heard_ms"]
        self._plan_upload(kept["next_upload_s"])
        self.is_deep = True
        return True

    # when booting itself goes wrong

    def _safe(self) -> int:
        """Three abnormal boots in a row: an hour of rest, a word to the relay, another try."""
        board = self.board
        left_ms = self._safe_until_ms - board.uptime_ms()
        for organ in range(3):
            self.vitals.shown(organ, self._safe_until_ms)
        if left_ms > 0:
            board.wake_on_int1(False)
            board.sleep_ms(min(left_ms, _SLEEP_MAX_MS))
            return SAFE
        self._resume_ms = board.uptime_ms()
        self._plan_upload(self._resume_ms // 1000)
        return UPLINK


class Vitals:
    """The time until which each of the three is taken to be alive; at a start, ten minutes from then."""

    def __init__(self, now_ms: int) -> None:
        self._until_ms = [now_ms + _GRACE_MS] * 3

    def shown(self, organ: int, next_ms: int) -> None:
        """Note a sign of life; the next one is due at uptime `next_ms`."""
        self._until_ms[organ] = next_ms + _GRACE_MS

    def is_alive(self, now_ms: int) -> bool:
        """Return whether none of the three is overdue."""
        return now_ms <= min(self._until_ms)


def _checked(state: int, following: int) -> int:
    if following not in TRANSITIONS[state]:
        raise ValueError("state %d to %d" % (state, following))
    return following


def _signed(byte: int) -> int:
    return byte - 256 if byte & 0x80 else byte


def run(board, wakes: "int | None" = None) -> Collar:
    """Step a collar until it has woken `wakes` times, or has no identity, or for ever; return it."""
    collar = Collar(board)
    while collar.state != PROVISION and (wakes is None or collar.wakes < wakes):
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
