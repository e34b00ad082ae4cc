"""POST /simulation/clock: only in a simulation, and only answered when the relay has nothing left to do."""

from __future__ import annotations

import asyncio

import pytest

from relay.config import ClockConfig
from relay.keys import CLOCK, SCORER, TASKS
from tests.relay.scene import START_MS, Scene, acks_in, frame


@pytest.fixture
async def scene(tmp_path):
    async with Scene(tmp_path, clock=ClockConfig(source="simulated")) as scene:
        yield scene


async def set_clock(scene, body):
    async with scene.session.post("/simulation/clock", json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_the_relay_follows_the_time_and_dates_frames_by_it(scene):
    assert await set_clock(scene, {"utc_ms": START_MS + 5000}) == (
        200,
        {"idle": True, "utc_ms": START_MS + 5000},
    )
    assert scene.app[CLOCK].now_ms() == START_MS + 5000
    raw = frame(1)
    _, body = await scene.post([raw])
    assert acks_in(body, [raw])[1][1].utc_ms == START_MS + 5000


@pytest.mark.parametrize(
    "body", [{}, [], 5, {"utc_ms": "1"}, {"utc_ms": True}, {"utc_ms": -1}, {"utc_ms": 1 << 60}]
)
async def test_what_is_no_time_is_refused(scene, body):
    status, document = await set_clock(scene, body)
    assert (status, document["code"]) == (400, "malformed-time")


async def test_text_that_is_no_json_is_refused(scene):
    async with scene.session.post("/simulation/clock", data=b"{") as answer:
        assert answer.status == 400


async def test_time_does_not_go_back(scene):
    status, document = await set_clock(scene, {"utc_ms": START_MS - 1})
    assert (status, document["code"]) == (409, "time-went-back")
    assert scene.app[CLOCK].now_ms() == START_MS


async def test_the_answer_waits_for_the_scorer(scene):
    await set_clock(scene, {"utc_ms": START_MS})
    scene.app[SCORER]._idle.clear()
    asking = asyncio.create_task(set_clock(scene, {"utc_ms": START_MS + 1}))
    await scene.app[CLOCK].wait_until(START_MS + 1)
    assert not asking.done()
    scene.app[SCORER]._idle.set()
    assert (await asking)[0] == 200


async def test_a_relay_that_does_not_come_to_rest_says_so(scene, monkeypatch):
    monkeypatch.setattr("relay.web.simulation._SETTLE_S", 0.05)
    monkeypatch.setattr(scene.app[SCORER], "wait_idle", asyncio.Event().wait)
    scene.app[TASKS].failing["scorer"] = "OSError"
    status, document = await set_clock(scene, {"utc_ms": START_MS})
    assert (status, document["code"]) == (503, "not-idle")
    assert "scorer" in document["detail"]


async def test_a_real_relay_has_no_such_route(tmp_path):
    async with Scene(tmp_path) as real:
        assert (await set_clock(real, {"utc_ms": START_MS}))[0] == 404
