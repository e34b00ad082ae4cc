"""/healthz, /readyz, /metrics, and tasks that fail."""

from __future__ import annotations

import asyncio

import pytest

from relay.keys import METRICS, SCORER, STORAGE, TASKS
from relay.storage.ports import StorageError
from relay.tasks import Tasks
from tests.relay.scene import Scene, frame


@pytest.fixture
async def scene(tmp_path):
    async with Scene(tmp_path) as scene:
        yield scene


async def ready(scene):
    async with scene.session.get("/readyz") as answer:
        return answer.status, await answer.json()


async def test_the_process_says_that_it_lives(scene):
    async with scene.session.get("/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_a_relay_that_works_is_ready_and_says_how_it_stands(scene):
    status, state = await ready(scene)
    assert (status, state["status"], state["reasons"]) == (200, "ready", [])
    assert (state["append_queue_frames"], state["last_commit_age_s"]) == (0, None)
    await scene.post([frame(1)])
    assert (await ready(scene))[1]["last_commit_age_s"] >= 0


async def test_a_storage_that_does_not_read_is_a_reason(scene, monkeypatch):
    async def fails():
        raise StorageError("disk gone")

    monkeypatch.setattr(scene.app[STORAGE], "next_due_ms", fails)
    status, state = await ready(scene)
    assert (status, state["reasons"]) == (503, ["storage: no answer within 2.0 s"])


async def test_a_scorer_that_is_behind_is_a_reason(scene, monkeypatch):
    monkeypatch.setattr("relay.web.health._ANSWER_S", 0.01)
    monkeypatch.setattr(scene.app[SCORER], "wait_idle", asyncio.Event().wait)
    status, state = await ready(scene)
    assert (status, state["reasons"]) == (503, ["scorer: not at the head of the log within 0.01 s"])


async def test_a_full_queue_and_a_disk_that_hangs_are_reasons(scene, monkeypatch):
    monkeypatch.setattr(type(scene.app[STORAGE]), "waiting_frames", 4000)
    monkeypatch.setattr(scene.app[METRICS], "commit_age_s", lambda: 11.0)
    status, state = await ready(scene)
    assert status == 503
    assert state["reasons"] == [
        "append queue: 4000 of 4096 frames wait",
        "disk: 4000 frames wait and the last commit was 11 s ago",
    ]


async def test_a_task_that_failed_is_a_reason(scene):
    scene.app[TASKS].failing["scorer"] = "OSError"
    assert (await ready(scene))[1]["reasons"] == ["task scorer failed: OSError"]


async def test_metrics_show_every_result_before_it_first_happens(scene):
    await scene.app[SCORER].wait_idle()
    async with scene.session.get("/metrics") as answer:
        assert answer.content_type == "text/plain"
        text = await answer.text()
    for result in ("stored", "duplicate", "conflict", "unknown_collar", "wrong_tag", "shape", "range"):
        assert f'herdbell_frames_total{{result="{result}"}} 0.0' in text
    for name in ("herdbell_append_queue_frames 0.0", "herdbell_collars 2.0", "herdbell_scorer_idle 1.0"):
        assert name in text


async def test_a_task_that_fails_is_shown_and_started_again_after_a_growing_pause():
    pauses, paused, goes_on = [], asyncio.Queue(), asyncio.Queue()

    async def pause(seconds):
        pauses.append(seconds)
        paused.put_nowait(None)
        await goes_on.get()

    async def fails():
        raise OSError("disk gone")

    tasks = Tasks(pause)
    tasks.start("scorer", fails)
    for _ in range(8):
        await paused.get()
        assert tasks.failing == {"scorer": "OSError"}
        goes_on.put_nowait(None)
    await paused.get()
    await tasks.stop()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_a_task_that_ends_is_not_started_again():
    runs = []

    async def ends():
        runs.append(1)

    tasks = Tasks()
    tasks.start("once", ends)
    await asyncio.sleep(0)
    await tasks.stop()
    assert (runs, tasks.failing) == ([1], {})
