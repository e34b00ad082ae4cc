"""The collar host: parallel processes, one order, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from simulator.collarhost.board import SimBoard
from simulator.collarhost.life import State
from simulator.collarhost.radio import next_talker
from simulator.link import Fault
from simulator.motion import Still
from tests.simulator.collar_rig import (
    HOUR_US,
    SECOND_US,
    START_UTC_MS,
    hosting,
    real_interpreter,
    relay,
    run,
    talker,
    until,
)

pytestmark = real_interpreter
ROOT = Path(__file__).resolve().parents[2]


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Life:
    """As much of a collar as the order of the radio looks at."""

    def __init__(self, index, now_us, state):
        self.index, self.state, self.place = index, state, (now_us, index)


@pytest.mark.parametrize(
    ("lives", "talker_index", "blocker_index"),
    [
        ([(10, State.WAITING), (20, State.RUNNING)], 0, None),
        ([(10, State.WAITING), (9, State.RUNNING)], None, 1),
        ([(10, State.WAITING), (10, State.RUNNING)], 0, None),
        ([(10, State.RUNNING), (10, State.WAITING)], None, 0),
        ([(10, State.WAITING), (5, State.BOOTING), (3, State.RUNNING)], None, 2),
        ([(10, State.WAITING), (8, State.WAITING), (9, State.PARKED)], 1, None),
        ([(10, State.WAITING), (1, State.DEAD), (2, State.BROKEN)], 0, None),
        ([(10, State.WAITING), (5, State.TALKING)], None, None),
        ([(10, State.RUNNING)], None, None),
    ],
)
def test_the_earliest_waiting_collar_talks_when_nobody_can_come_before_it(lives, talker_index, blocker_index):
    found = next_talker([Life(index, now_us, state) for index, (now_us, state) in enumerate(lives)])
    assert tuple(life and life.index for life in found) == (talker_index, blocker_index)


async def talkers(tmp_path, *, seed=1, collars=3, slow=(), **settings):
    """Three collars that talk in turn; those in `slow` are held up by the machine before each call."""
    async with relay() as (port, requests):
        boards = [SimBoard(index, Still(), seed=seed) for index in range(collars)]
        async with hosting(tmp_path, "", boards=boards, relay_port=port, **settings) as made:
            (tmp_path / "staged/main.py").write_text(talker(made.link.port))
            for index in slow:
                _hold_up(made.host.lives[index])
            await made.host.run()
    return made, requests


def _hold_up(life):
    """Answer this collar only after everybody else has had many turns of the loop."""
    called = life.called

    async def later(ask):
        for _ in range(200):
            await asyncio.sleep(0)
        called(ask)

    tasks = set()

    def slowly(ask):
        task = asyncio.ensure_future(later(ask))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    life.called = slowly


def sessions(made):
    return [(at_us, index) for at_us, index, kind, _ in made.trace.entries() if kind == "frame"]


@pytest.mark.parametrize("slow", [(), (0,), (1, 2)])
async def test_radio_sessions_come_in_the_order_of_virtual_time_whoever_is_slow(tmp_path, slow):
    made, requests = await talkers(tmp_path, slow=slow)
    added = [entry[:2] for entry in made.trace._entries if entry[2] == "frame"]
    assert added == sorted(added)
    assert len(added) == len(requests) == made.link.frames_acked == 12
    assert made.radio_times_ms == [START_UTC_MS + at_us // 1000 for at_us, _ in added]
    assert {index for _, index in added} == {0, 1, 2}


async def test_the_same_seed_gives_the_same_trace_whoever_is_slow_and_another_seed_another(tmp_path):
    hashes = []
    for i, (seed, slow) in enumerate([(1, ()), (1, (2,)), (2, ())]):
        made, _ = await talkers(tmp_path / str(i), seed=seed, slow=slow)
        hashes.append(made.trace.hexdigest())
    assert hashes[0] == hashes[1] != hashes[2]


async def test_the_world_is_told_the_time_before_a_collar_talks_and_nobody_talks_meanwhile(tmp_path):
    seen = []

    async def tell(made, _):
        before = made.link.frames_sent
        for _ in range(50):
            await asyncio.sleep(0)
        seen.append(
            (sum(life.state is State.TALKING for life in made.host.lives), made.link.frames_sent - before)
        )

    async with relay() as (port, _), hosting(tmp_path, "", collars=2, relay_port=port, tell=tell) as made:
        (tmp_path / "staged/main.py").write_text(talker(made.link.port, rounds=2))
        await made.host.run()
    assert seen == [(1, 0)] * 4


async def test_what_telling_the_time_raises_ends_the_run(tmp_path):
    async def tell(_, utc_ms):
        raise ConnectionError(f"the relay is gone at {utc_ms}")

    async with hosting(tmp_path, talker(1), tell=tell) as made:
        with pytest.raises(ConnectionError, match="the relay is gone"):
            await made.host.run()


async def test_a_session_that_fails_holds_nobody_up(tmp_path):
    async with relay() as (port, _), hosting(tmp_path, "", collars=2, relay_port=port) as made:
        (tmp_path / "staged/main.py").write_text(talker(made.link.port, rounds=3))
        made.link.fail_next(0, Fault(refuse=True), Fault(after_bytes=20), Fault(before_answer=True))
        await made.host.run()
    assert made.link.sessions == 6
    assert [line[:7] for line in made.log(0)] != [line[:7] for line in made.log(1)]
    assert made.log(1) == [str(b"\x92\x91\xcc\xc8\x90")] * 3
    assert made.link.frames_acked == 3


async def test_without_a_session_there_is_no_network(tmp_path):
    async with relay() as (port, requests), hosting(tmp_path, "", relay_port=port) as made:
        (tmp_path / "staged/main.py").write_text(
            f"import socket, machine\ns = socket.socket()\n"
            f"s.connect(socket.getaddrinfo('127.0.0.1', {made.link.port})[0][-1])\n"
            "try: print(s.write(b'x') and s.read())\nexcept OSError: print('reset')\nmachine.lightsleep()\n"
        )
        await made.host.run()
    assert made.log() in (["b''"], ["reset"])
    assert requests == []


async def test_a_link_that_is_lost_ends_the_session(tmp_path):
    program = (
        "import machine, network, time\n"
        "w = network.WLAN(); w.active(True); w.connect('a', 'b')\n"
        "while not w.isconnected(): time.sleep_ms(100)\n"
        "time.sleep(100); print(w.isconnected())\n"
        "machine.lightsleep()\n"
    )
    covered = [(0, 60 * SECOND_US)]
    boards = [SimBoard(0, Still(), coverage=covered), SimBoard(1, Still())]
    made = await run(tmp_path, program, boards=boards)
    assert made.log(0) == ["False"]
    assert made.link.sessions == 2


CRASHER = """
import machine
machine.WDT(timeout=8000)
{before}
raise RuntimeError("no grass")
"""


async def test_a_program_that_crashes_is_restarted_by_its_watchdog_and_gives_up_after_five_times(tmp_path):
    made = await run(tmp_path, CRASHER.format(before="print(machine.reset_cause())"))
    assert made.host.lives[0].state is State.BROKEN
    assert [line for line in made.log() if line.isdigit()] == ["1", "3", "3", "3", "3"]
    assert len(made.lines) == 5
    assert made.lines[-1].startswith(
        "collar 1 is broken: main.py raised an exception, 5 times without a sleep"
    )
    assert "no grass" in made.lines[-1]
    assert str(made.host.lives[0].log) in made.lines[-1]
    assert made.boards[0].now_us >= 4 * 8 * SECOND_US


async def test_crashes_with_sleep_between_them_are_survived(tmp_path):
    made = await run(tmp_path, CRASHER.format(before="machine.lightsleep(1000)"), until_us=100 * SECOND_US)
    assert made.states == [State.PARKED]
    assert made.host.lives[0].boots > 6


async def test_retained_memory_survives_a_crash(tmp_path):
    program = """
import machine
kept = machine.mem_backup()
if machine.reset_cause() == 1:
    machine.WDT(timeout=8000); kept[7:11] = b"kept"; 1 / 0
print(bytes(kept[7:11])); machine.lightsleep()
"""
    assert (await run(tmp_path, program)).log()[-1] == "b'kept'"


@pytest.mark.parametrize("program", ["print('over')", "print('over'); 1/0"])
async def test_a_program_that_ends_without_a_watchdog_is_broken_at_once(tmp_path, program):
    made = await run(tmp_path, program)
    assert made.states == [State.BROKEN]
    assert len(made.lines) == 1
    assert "no watchdog is armed" in made.lines[0]


async def test_a_program_that_hangs_without_a_call_is_bitten(tmp_path):
    program = (
        "import machine\nprint(machine.reset_cause())\nmachine.WDT(timeout=8000)\n"
        "if machine.reset_cause() == 1:\n    while True: pass\n"
        "machine.deepsleep()\n"
    )
    async with hosting(tmp_path, program, stuck_s=0.3) as made:
        await made.host.run()
    assert made.log() == ["1", "3"]
    assert "hung without a call" in made.lines[0]


async def test_a_driver_that_asks_for_what_the_chip_model_lacks_breaks_its_collar_only(tmp_path):
    program = (
        "import machine\ni2c = machine.I2C(0)\n"
        "if machine.unique_id()[-1] == LAST: i2c.writeto(0x6a, b'\\x0a\\x07')\n"
        "machine.lightsleep()\n"
    )
    boards = [SimBoard(index, Still()) for index in range(2)]
    made = await run(tmp_path, program.replace("LAST", str(boards[1].unique_id[-1])), boards=boards)
    assert made.states == [State.PARKED, State.BROKEN]
    assert "the simulated board gave up" in made.lines[0]


async def test_a_collar_killed_from_outside_is_dead_and_the_others_go_on(tmp_path):
    program = "import machine, time\nprint('up')\nwhile True: time.sleep(1)\n"
    async with hosting(tmp_path, program, collars=3, until_us=100 * SECOND_US) as made:
        await made.host.run()
        os.kill(made.host.lives[1].pid, signal.SIGKILL)
        made.host.until_us = 200 * SECOND_US
        await made.host.run()
        assert [life.state for life in made.host.lives] == [State.PARKED, State.DEAD, State.PARKED]
        assert len(made.host.pids) == 2
    (line,) = made.lines
    assert line.startswith("collar 2 was killed from outside (signal 9)")


async def test_a_collar_killed_while_it_talks_gives_the_radio_back(tmp_path):
    async def tell(made, _):
        life = made.host.lives[0]
        if life.state is State.TALKING:
            os.kill(life.pid, signal.SIGKILL)

    async with relay() as (port, _), hosting(tmp_path, "", collars=2, relay_port=port, tell=tell) as made:
        (tmp_path / "staged/main.py").write_text(talker(made.link.port, rounds=2))
        await made.host.run()
    assert [life.state for life in made.host.lives] == [State.DEAD, State.STOPPED]
    assert made.link.frames_acked == 2


async def test_a_run_can_go_on_where_it_was_parked(tmp_path):
    program = (
        "import machine\nfor n in range(9):\n    machine.lightsleep(60_000); print(n)\nmachine.lightsleep()\n"
    )
    async with hosting(tmp_path, program, until_us=200 * SECOND_US) as made:
        await made.host.run()
        first = made.log()
        assert made.host.progress_us() == 200 * SECOND_US
        made.host.until_us = HOUR_US
        await made.host.run()
        assert made.host.lives[0].state is State.PARKED
        assert made.host.progress_us() == HOUR_US
    assert first == ["0", "1", "2"]
    assert made.log() == [str(n) for n in range(9)]


async def test_a_collar_in_deep_sleep_beyond_the_end_needs_no_process(tmp_path):
    async with hosting(tmp_path, "import machine\nmachine.deepsleep(7_200_000)\n") as made:
        await made.host.run()
        assert made.host.pids == []
        made.host.until_us = 3 * HOUR_US
        await made.host.run()
        assert made.host.lives[0].boots == 2


async def test_a_collar_parked_at_the_moment_it_connects_talks_first_thing_when_it_goes_on(tmp_path):
    async with relay() as (port, _), hosting(
        tmp_path, "", relay_port=port, until_us=62 * SECOND_US
    ) as made:  # fmt: skip
        (tmp_path / "staged/main.py").write_text(talker(made.link.port, rounds=1))
        await made.host.run()
        made.host.until_us = HOUR_US
        await made.host.run()
    assert made.link.frames_acked == 1


async def test_nothing_is_left_after_a_stop_in_full_flight(tmp_path):
    program = "import machine, time\nwhile True: time.sleep_ms(1)\n"
    async with hosting(tmp_path, program, collars=3, until_us=1000 * HOUR_US) as made:
        running = asyncio.ensure_future(made.host.run())
        await until(lambda: len(made.host.pids) == 3 and made.host.progress_us() >= SECOND_US)
        pids = made.host.pids
        assert all(exists(pid) for pid in pids)
        await made.host.stop()
        await running
    assert not any(exists(pid) for pid in pids)
    assert {life.state for life in made.host.lives} == {State.STOPPED}


async def test_a_program_that_ignores_its_end_is_killed(tmp_path):
    program = "import machine, time\ntime.sleep(1)\nwhile True: pass\n"
    async with hosting(tmp_path, program, leave_s=0.2) as made:
        running = asyncio.ensure_future(made.host.run())
        await until(lambda: made.host.progress_us() >= SECOND_US)
        (pid,) = made.host.pids
        await made.host.stop()
        await running
    assert not exists(pid)


ORPHANAGE = """
import asyncio, sys
from pathlib import Path
from tests.simulator.collar_rig import SECOND_US, hosting, until

async def main():
    program = "import time\\nwhile True:\\n    try: time.sleep_ms(1)\\n    except BaseException: pass\\n"
    async with hosting(Path(sys.argv[1]), program, collars=2, until_us=1 << 60) as made:
        running = asyncio.ensure_future(made.host.run())
        await until(lambda: len(made.host.pids) == 2 and made.host.progress_us() >= SECOND_US)
        print(*made.host.pids, flush=True)
        await running

asyncio.run(main())
"""


async def test_collars_end_when_their_host_is_killed(tmp_path):
    host = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORPHANAGE, str(tmp_path), stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'firmware/lib'}"},
    )  # fmt: skip
    pids = [int(pid) for pid in (await host.stdout.readline()).split()]
    assert len(pids) == 2
    host.kill()
    await host.wait()
    await until(lambda: not any(exists(pid) for pid in pids))


async def test_boots_are_in_the_trace_with_their_cause(tmp_path):
    made = await run(tmp_path, "import machine\nmachine.deepsleep(1_000_000)\n", until_us=2500 * SECOND_US)
    boots = [(at_us // SECOND_US, data) for at_us, _, kind, data in made.trace.entries() if kind == "boot"]
    assert boots == [(0, b"\x01"), (1000, b"\x04"), (2000, b"\x04")]
