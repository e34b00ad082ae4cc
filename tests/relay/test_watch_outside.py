"""A watch on another machine: asks a relay, tells by its own ways, and remembers in a file."""

from __future__ import annotations

import aiohttp
import pytest
from click.testing import CliRunner

from relay.__main__ import main
from relay.clock import FollowedClock
from relay.watch.codec import CodecError
from relay.watch.outside import Outside, is_ready
from relay.watch.parts import MINUTE_MS
from tests.relay.scene import Scene
from tests.relay.whatsapp_scene import running

T0_MS = 1_790_000_000_000


class Way:
    """Takes every note and keeps its words."""

    def __init__(self):
        self.told = []

    async def tell(self, note, text):
        self.told.append((note.is_over, text))
        return True

    async def arrived(self, note):
        return bool(note)


class Asked:
    """A relay that is ready outside the spans of minutes in `gone`."""

    def __init__(self, *gone):
        self.gone, self.clock, self.way = gone, FollowedClock(T0_MS), Way()
        self.minute = 0

    async def ask(self):
        return not any(a <= self.minute < b for a, b in self.gone)

    def watch(self, kept=None):
        return Outside(self.ask, self.clock, {"email": self.way}, 30, kept)

    async def run(self, watch, until):
        while self.minute < until:
            self.clock.advance(T0_MS + self.minute * MINUTE_MS)
            await watch.look()
            self.minute += 1
        return [is_over for is_over, _ in self.way.told]


async def test_a_relay_that_is_gone_for_half_an_hour_is_told_once_and_its_return_once():
    asked = Asked((100, 140))
    watch = asked.watch()
    assert await asked.run(watch, 129) == []
    assert await asked.run(watch, 131) == [False]
    assert await asked.run(watch, 300) == [False, True]
    assert "the relay (no data, no alerts)" in asked.way.told[0][1]


async def test_a_relay_that_restarts_or_flaps_for_less_is_not_told():
    asked = Asked(*((at, at + 25) for at in range(100, 300, 30)))
    assert await asked.run(asked.watch(), 400) == []


async def test_a_relay_that_flaps_for_longer_is_told_once():
    asked = Asked(*((at, at + 35) for at in range(100, 300, 45)))
    assert await asked.run(asked.watch(), 500) == [False, True]


async def test_a_watch_that_is_restarted_neither_repeats_nor_forgets(tmp_path):
    kept = tmp_path / "watch.json"
    asked = Asked((100, 200))
    for until in (105, 120, 128, 150, 198, 230, 400):
        told = await asked.run(asked.watch(kept), until)
    assert told == [False, True]


def test_a_file_that_is_something_else_is_refused(tmp_path):
    kept = tmp_path / "watch.json"
    kept.write_text("{}")
    with pytest.raises(CodecError):
        Asked().watch(kept)


async def test_it_asks_every_minute():
    asked = Asked((0, 100))
    async with running(asked.watch().run()):
        for minute in range(32):
            asked.clock.advance(T0_MS + minute * MINUTE_MS)
            await turn()
    assert [is_over for is_over, _ in asked.way.told] == [False]


async def turn():
    import asyncio

    for _ in range(20):
        await asyncio.sleep(0)


async def test_ready_is_what_a_running_relay_answers_and_a_stopped_one_does_not(tmp_path):
    async with aiohttp.ClientSession() as session:
        async with Scene(tmp_path) as scene:
            url = f"http://127.0.0.1:{scene.port}/"
            assert await is_ready(session, url)
        assert not await is_ready(session, url)


def herdbell(*arguments, **environment):
    return CliRunner(env=environment).invoke(main, ["watch", *arguments])


def test_the_command_says_by_its_exit_code_whether_the_relay_works(free_port):
    result = herdbell(f"http://127.0.0.1:{free_port}", "--once")
    assert result.exit_code == 1


def test_the_command_wants_somebody_to_tell():
    result = herdbell("http://127.0.0.1:1")
    assert (result.exit_code, "nobody could be told" in result.output) == (2, True)


def test_the_command_wants_an_address_it_can_ask():
    assert herdbell("ftp://x").exit_code == 2


@pytest.fixture
def free_port():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        yield taken.getsockname()[1]
