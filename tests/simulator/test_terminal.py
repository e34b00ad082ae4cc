"""What the demo shows while it runs."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace

from simulator.demo import Result
from simulator.terminal import report

AT_MS = 1_772_418_900_000  # 2026-03-02 02:35 UTC


async def test_a_message_that_comes_just_before_the_end_is_shown_too(capsys):
    demo = SimpleNamespace(result=Result())
    reporting = asyncio.ensure_future(report(demo, 3600.0, tty=False))
    await asyncio.sleep(0)
    demo.result.messages.append((AT_MS, "Rosa (4) is not moving"))
    reporting.cancel()
    with suppress(asyncio.CancelledError):
        await reporting
    assert capsys.readouterr().out == "  02:35  message to the farmer: Rosa (4) is not moving\n"
