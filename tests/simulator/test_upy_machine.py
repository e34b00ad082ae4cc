"""machine, esp32 and time inside the real interpreter: the names, the errors and the time of an ESP32."""

from __future__ import annotations

import pytest

from simulator.collarhost.board import SimBoard
from simulator.collarhost.bridge import Code
from simulator.collarhost.life import State
from simulator.flash import Nor, Region
from simulator.motion import Still
from tests.simulator.collar_rig import HOUR_US, SECOND_US, hosting, real_interpreter, run

pytestmark = real_interpreter

END = "\nimport machine\nmachine.lightsleep()\n"  # asleep for ever: parked, not crashed


async def printed(tmp_path, program, **settings):
    """Return what a program prints."""
    return (await run(tmp_path, program + END, **settings)).log()


async def test_three_hours_of_sleep_take_no_wall_time_and_the_ticks_agree(tmp_path):
    lines = await printed(
        tmp_path,
        "import time\n"
        "t = time.ticks_ms()\n"
        "time.sleep_ms(10_000_000); time.sleep(799); time.sleep_us(1_000_000)\n"
        "print(time.ticks_diff(time.ticks_ms(), t))\n"
        "print(time.time())\n",
        until_us=4 * HOUR_US,
    )
    assert lines == ["10800000", "10800"]


async def test_ticks_wrap_as_on_a_board_and_differences_bridge_the_wrap(tmp_path):
    program = """
import time
time.sleep((1 << 30) // 1000 - 5)
t = time.ticks_ms()
time.sleep(10)
now = time.ticks_ms()
print(now < t, time.ticks_diff(now, t), time.ticks_add(t, 10_000) == now)
"""
    lines = await printed(tmp_path, program, until_us=400 * HOUR_US)
    assert lines == ["True 10000 True"]


async def test_a_loop_that_only_looks_at_the_clock_comes_to_its_end(tmp_path):
    lines = await printed(
        tmp_path,
        "import time\n"
        "t = time.ticks_ms()\n"
        "while time.ticks_diff(time.ticks_ms(), t) < 2000: pass\n"
        "print('out', time.ticks_diff(time.ticks_ms(), t) < 2100)\n",
    )
    assert lines == ["out True"]


async def test_short_pauses_pass_in_virtual_time_without_a_message_of_their_own(tmp_path):
    board = SimBoard(0, Still())
    call, asked = board.call, []

    def noted(ask):
        asked.append(ask.code)
        return call(ask)

    board.call = noted
    program = """
import machine, time
pin = machine.Pin(4)
for _ in range(30): time.sleep_ms(50); pin.value()
print(time.ticks_ms() // 100)
"""
    assert await printed(tmp_path, program, boards=[board]) == ["19"]  # 418 ms of boot, 30 pauses
    assert (asked.count(Code.PIN_READ), asked.count(Code.DELAY)) == (31, 0)


async def test_ticks_count_from_the_reset_not_from_the_first_line_of_the_program(tmp_path):
    assert await printed(tmp_path, "import time\ntime.sleep(5)\nprint(time.ticks_ms())\n") == ["5418"]


async def test_the_clock_starts_in_2000_and_whoever_sets_it_finds_it_set_after_all_but_a_loss_of_power(
    tmp_path,
):
    program = """
import machine, time
rtc = machine.RTC()
if machine.reset_cause() == machine.PWRON_RESET:
    print(time.gmtime(), time.time())
    rtc.datetime((2026, 2, 28, 0, 23, 59, 58, 250_000))
    print(rtc.datetime()[:7])
    time.sleep_ms(1_750)
    print(rtc.datetime()[:7], time.localtime())
    machine.deepsleep(3_600_000)
print(time.gmtime()[:5], time.time())
"""
    board = SimBoard(0, Still())
    lines = await printed(tmp_path, program, boards=[board], until_us=2 * HOUR_US)
    assert lines == [
        "(2000, 1, 1, 0, 0, 0, 5, 1) 0",
        "(2026, 2, 28, 5, 23, 59, 58)",
        "(2026, 3, 1, 6, 0, 0, 0) (2026, 3, 1, 0, 0, 0, 6, 60)",
        "(2026, 3, 1, 1, 0) 825642000",
    ]
    board.power_on()
    assert board.rtc_us < SECOND_US


async def test_mktime_is_the_inverse_of_gmtime_and_takes_what_runs_over(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")  # a board has no zone, whatever the machine has
    program = """
import time
days = [n * 86_400 + 3_661 for n in range(0, 40_000, 13)]
print([s for s in days if time.mktime(time.gmtime(s)) != s], time.gmtime(days[-1])[:6])
print(time.mktime((2027, 14, 1, 25, 0, 0, 0, 0)) - time.mktime((2028, 2, 2, 1, 0, 0, 0, 0)))
"""
    assert await printed(tmp_path, program) == ["[] (2109, 6, 26, 1, 1, 1)", "0"]


BURST = """
import binascii, machine, time
i2c = machine.I2C(0, scl=machine.Pin(6), sda=machine.Pin(7), freq=400_000)
for reg, value in ((0x12, 0x44), (0x18, 0x02), (0x09, 0x01), (0x10, 0x1c), (0x0a, 0x06)):
    i2c.writeto(0x6a, bytes((reg, value)))
time.sleep_ms(36_000)
status = bytearray(2)
i2c.readfrom_mem_into(0x6a, 0x3a, status)
count = (status[0] | status[1] << 8) & 0x3ff
burst = bytearray(7 * 440)
i2c.readfrom_mem_into(0x6a, 0x78, burst)
print(count > 440)
for at in range(0, len(burst), 448):
    print(binascii.hexlify(burst[at:at + 448]).decode())
"""


async def test_a_burst_is_what_the_chip_holds(tmp_path):
    board = SimBoard(0, Still(x_mg=100, y_mg=-200, z_mg=900), seed=5)
    transfer, on_the_wire = board.bus.transfer, []

    def noted(*asked):
        on_the_wire.append(transfer(*asked))
        return on_the_wire[-1]

    board.bus.transfer = noted
    full, *rows = await printed(tmp_path, BURST, boards=[board])
    burst = bytes.fromhex("".join(rows))
    assert full == "True"
    assert burst == on_the_wire[-1]
    words = [burst[i : i + 7] for i in range(0, len(burst), 7)]
    z = [int.from_bytes(word[5:7], "little", signed=True) for word in words[10:]]
    assert {word[0] >> 3 for word in words} == {2}  # the accelerometer's tag
    assert sum(z) / len(z) * 0.244 == pytest.approx(900, abs=5)  # 0.244 mg a digit at 8 g


async def test_two_runs_of_a_seed_read_the_same_bytes_and_another_seed_others(tmp_path):
    texts = []
    for i, seed in enumerate((5, 5, 6)):
        folder = tmp_path / str(i)
        texts.append(await printed(folder, BURST, boards=[SimBoard(0, Still(), seed=seed)]))
    assert texts[0] == texts[1] != texts[2]


async def test_the_chip_answers_at_its_address_and_elsewhere_nobody_does(tmp_path):
    program = """
import machine, errno
i2c = machine.I2C(0, scl=machine.Pin(6), sda=machine.Pin(7))
got = bytearray(1)
i2c.readfrom_mem_into(0x6a, 0x0f, got)
print(got, i2c.writeto(0x6a, b"\x07\x20"))
i2c.readfrom_mem_into(0x6a, 0x07, got)
print(got)
try: i2c.readfrom_mem_into(0x55, 0, got)
except OSError as e: print(e.errno == errno.ENODEV)
"""
    lines = await printed(tmp_path, program)
    assert lines == ["bytearray(b'l') 2", "bytearray(b' ')", "True"]


async def test_a_stuck_line_raises_etimedout_until_it_is_clocked_free(tmp_path):
    boards = [SimBoard(0, Still())]
    boards[0].bus.hold_sda()
    lines = await printed(
        tmp_path,
        "import machine, errno\n"
        "i2c = machine.I2C(0, scl=machine.Pin(6), sda=machine.Pin(7))\n"
        "got = bytearray(1)\n"
        "try: i2c.readfrom_mem_into(0x6a, 0x0f, got)\n"
        "except OSError as e: print(e.errno == errno.ETIMEDOUT)\n"
        "scl = machine.Pin(6, machine.Pin.OPEN_DRAIN)\n"
        "for _ in range(9): scl.value(0); scl.value(1)\n"
        "i2c.readfrom_mem_into(0x6a, 0x0f, got)\n"
        "print(got)\n",
        boards=boards,
    )
    assert lines == ["True", "bytearray(b'l')"]


async def test_light_sleep_ends_at_the_pin_and_says_so(tmp_path):
    program = """
import machine, esp32, time
i2c = machine.I2C(0, scl=machine.Pin(6), sda=machine.Pin(7))
for reg, value in ((0x07, 10), (0x09, 1), (0x0d, 8), (0x10, 0x1c), (0x0a, 6)):
    i2c.writeto(0x6a, bytes((reg, value)))
pin = machine.Pin(4, machine.Pin.IN)
esp32.wake_on_gpio((pin,), esp32.WAKEUP_ANY_HIGH)
t = time.ticks_ms()
machine.lightsleep(30_000)
print(machine.wake_reason(), pin.value(), time.ticks_diff(time.ticks_ms(), t) < 2000)
esp32.wake_on_gpio((), esp32.WAKEUP_ANY_HIGH)
machine.lightsleep(30_000)
print(machine.wake_reason() == machine.TIMER_WAKE)
"""
    lines = await printed(tmp_path, program)
    assert lines == ["7 1 True", "True"]


@pytest.mark.parametrize(
    ("soc", "there", "missing"),
    [
        ("esp32s3", ("wake_on_gpio", "wake_on_ext1", "mcu_temperature"), ("raw_temperature",)),
        ("esp32c3", ("wake_on_gpio", "mcu_temperature"), ("wake_on_ext1",)),
    ],
)
async def test_esp32_has_what_the_chip_has(tmp_path, soc, there, missing):
    program = f"import esp32\nfor names in ({there}, {missing}): print([hasattr(esp32, n) for n in names])\n"
    lines = await printed(tmp_path, program, boards=[SimBoard(0, Still(), soc=soc)])
    assert lines == [str([True] * len(there)), str([False] * len(missing))]


async def test_a_wrong_wake_pin_raises_valueerror(tmp_path):
    lines = await printed(
        tmp_path,
        "import esp32, machine\n"
        "for act in (lambda: esp32.wake_on_gpio((machine.Pin(9),), True), lambda: machine.Pin(40)):\n"
        "    try: act()\n"
        "    except ValueError as e: print(e)\n",
    )
    assert lines == ["invalid pin", "invalid pin"]


async def test_deep_sleep_reboots_with_its_cause_and_retained_memory(tmp_path):
    program = """
import machine
kept = machine.mem_backup()
if machine.reset_cause() == machine.PWRON_RESET:
    print("random", len(set(bytes(kept))) > 100, len(kept))
    kept[:] = bytes(len(kept))
kept[0] += 1; kept[2047] = kept[0]
print(kept[0], kept[2047], machine.reset_cause(), machine.wake_reason())
if kept[0] < 3: machine.deepsleep(600_000)
"""
    lines = await printed(tmp_path, program)
    assert lines == ["random True 2048", "1 1 1 0", "2 2 4 4", "3 3 4 4"]


async def test_the_clock_in_ns_runs_on_in_deep_sleep_and_the_ticks_begin_anew(tmp_path):
    program = """
import machine, time
kept = machine.mem_backup()
if machine.reset_cause() == machine.PWRON_RESET:
    kept[:8] = time.time_ns().to_bytes(8, "little")
    machine.deepsleep(600_000)
slept_ms = (time.time_ns() - int.from_bytes(bytes(kept[:8]), "little")) // 1_000_000
print(600_000 <= slept_ms < 600_500, time.ticks_ms() < 500)
"""
    assert await printed(tmp_path, program) == ["True True"]


@pytest.mark.parametrize(
    ("act", "cause"),
    [
        ("machine.reset()", 2),
        ("import sys; sys.exit()", 5),
        ("time.sleep(9)", 3),
    ],
)
async def test_resets_have_their_causes_and_keep_what_is_retained(tmp_path, act, cause):
    program = f"""
import machine, time
kept = machine.mem_backup()
print(machine.reset_cause(), bytes(kept[:4]) == b"kept")
if machine.reset_cause() == 1:
    machine.WDT(timeout=8000).feed()
    kept[:4] = b"kept"
    machine.lightsleep(1)
    {act}
"""
    lines = await printed(tmp_path, program)
    assert lines[1:] == [f"{cause} True"]


async def test_a_fed_watchdog_lets_a_collar_live(tmp_path):
    lines = await printed(
        tmp_path,
        "import machine, time\n"
        "wdt = machine.WDT(timeout=10_000)\n"
        "for n in range(100):\n    time.sleep(9); wdt.feed()\n"
        "print(machine.reset_cause(), n)\n"
        "machine.deepsleep() if machine.reset_cause() == 1 else None\n",
    )
    assert lines == ["1 99"]


@pytest.mark.parametrize(("feed", "cause"), [("wdt.feed()", 1), ("pass", 3)])
async def test_short_sleeps_count_for_the_watchdog_and_a_feed_between_them_too(tmp_path, feed, cause):
    program = f"""
import machine, time
if machine.reset_cause() == 1:
    wdt = machine.WDT(timeout=300)
    for _ in range(20):
        for _ in range(3): time.sleep_ms(90)
        {feed}
    print(time.ticks_ms() >= 20 * 270)
    wdt.feed()
    machine.deepsleep()
print(machine.reset_cause())
"""
    lines = await printed(tmp_path, program)
    assert lines == (["True"] if cause == 1 else ["3"])


async def test_boot_py_runs_before_main_py_and_its_failure_does_not_stop_it(tmp_path):
    lines = await printed(tmp_path, "print('main', __name__)\n", boot="print('boot')\n1/0\n")
    assert (lines[0], lines[-1]) == ("boot", "main __main__")
    assert "ZeroDivisionError" in lines[-2]


async def test_adc_thermometer_and_unique_id_are_the_boards(tmp_path):
    lines = await printed(
        tmp_path,
        "import machine, esp32\n"
        "adc = machine.ADC(machine.Pin(3), atten=machine.ADC.ATTN_11DB)\n"
        "print(2000 < adc.read_uv() // 1000 < 2100, esp32.mcu_temperature(), len(machine.unique_id()))\n",
    )
    assert lines == ["True 16 6"]


async def test_an_adc_without_attenuation_stops_at_its_full_scale(tmp_path):
    lines = await printed(tmp_path, "import machine\nprint(machine.ADC(machine.Pin(3)).read_uv())\n")
    assert lines == ["950000"]


PARTITIONS = (Region("log", 0x4000, 0xC000), Region("prov", 0x2000, 0x2000))


async def test_partitions_are_flash(tmp_path):
    program = """
import esp32
(prov,) = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="prov")
print(prov.info(), prov.ioctl(4, 0), prov.ioctl(5, 0))
prov.writeblocks(1, b"\\xa5" * 4096)
prov.writeblocks(1, b"\\x0f", 1)
got = bytearray(3); prov.readblocks(1, got, 0); print(got)
prov.ioctl(6, 1); prov.readblocks(1, got, 4093); print(got)
print(len(esp32.Partition.find(esp32.Partition.TYPE_DATA)), esp32.Partition.find(label="prov"))
try: esp32.Partition("nope")
except OSError as e: print(e.errno)
"""
    lines = await printed(tmp_path, program, boards=[SimBoard(0, Still(), flash=Nor(16 << 12, PARTITIONS))])
    assert lines == [
        "(1, 64, 8192, 8192, 'prov', False) 2 4096", r"bytearray(b'\xa5\x05\xa5')",
        r"bytearray(b'\xff\xff\xff')", "2 []", "2",
    ]  # fmt: skip


async def test_flash_outlives_the_program(tmp_path):
    program = """
import esp32, machine
prov = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="prov")[0]
got = bytearray(4); prov.readblocks(0, got, 0); print(got)
if machine.reset_cause() == 1:
    prov.writeblocks(0, b"herd" + bytes(4092)); machine.reset()
"""
    lines = await printed(tmp_path, program)
    assert lines[1] == "bytearray(b'herd')"


async def test_a_heap_as_small_as_a_boards_is_enforced(tmp_path):
    program = "try: bytearray(150_000)\nexcept MemoryError: print('full')\nprint(len(bytearray(90_000)))\n"
    assert await printed(tmp_path, program, heap_kib=60) == ["full", "90000"]


async def test_the_end_of_the_bridge_ends_the_program_whatever_it_catches(tmp_path):
    program = """
import machine
while True:
    try: machine.lightsleep(1000)
    except BaseException as e: print(repr(e))
"""
    async with hosting(tmp_path, program, until_us=10 * SECOND_US) as made:
        await made.host.run()
        (pid,) = made.host.pids
        assert made.host.lives[0].state is State.PARKED
    assert made.log()[0] == "SystemExit(77,)"
    with pytest.raises(ProcessLookupError):
        __import__("os").kill(pid, 0)
