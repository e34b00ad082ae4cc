"""Pictures over a real store, drawn by a real process of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest

from relay.app import make_app, make_runner
from relay.pictures.service import PictureService, ask
from relay.pictures.worker import Worker
from relay.scoring.hours import HOUR_MS
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from tests.relay.pictures.cows import UNTIL_MS, event, everyday, steady
from tests.relay.process import PYTHONPATH, write_settings


@asynccontextmanager
async def opened(tmp_path, records=None, *events):
    """Yield a store with a farm and a cow that has these hours; both have id 1."""
    async with SqliteStorage.open(tmp_path / "state", Vault(bytes(32))) as storage:
        farm_id = await storage.add_farm("Hill", bytes(32), zone="Europe/Berlin")
        animal_id = await storage.add_animal(farm_id, "42", "Bella")
        await storage.add_animal(await storage.add_farm("Valley", bytes(32)), "7")
        told = [each._replace(animal_id=animal_id) for each in (everyday(1) if records is None else records)]
        await storage.commit_scores(0, 0, 1, [], events, [], hours=told)
        yield storage


class Drawer:
    """A worker that counts and waits to be told; `draw` is the port of Worker."""

    def __init__(self):
        self.asked, self.may = [], asyncio.Event()

    async def draw(self, asked):
        self.asked.append(asked)
        await self.may.wait()
        return b"png %d" % len(self.asked)

    async def close(self):
        self.may.set()


@asynccontextmanager
async def served(storage, worker=None, **options):
    service = PictureService(storage, worker, **options)
    try:
        yield service
    finally:
        await service.close()


def png(service, **changes):
    wanted = {"farm_id": 1, "animal_id": 1, "kind": "off_feed", "until_ms": UNTIL_MS, "language": "en"}
    return service.png(**(wanted | changes))


@contextmanager
def gone(process_id):
    """Inside, a process of ours ends."""
    yield
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


async def test_a_picture_is_drawn_by_another_process_that_ends_with_the_service(tmp_path):
    async with opened(tmp_path) as storage:
        service = PictureService(storage)
        assert service.worker.process_id is None  # until somebody asks
        made = await png(service)
        assert made.startswith(b"\x89PNG")
        process_id = service.worker.process_id
        assert process_id != os.getpid()
        with gone(process_id):
            await service.close()


async def test_the_process_can_be_there_before_anybody_asks(tmp_path):
    async with opened(tmp_path) as storage, served(storage) as service:
        await service.warm()
        process_id = service.worker.process_id
        assert await png(service)
        assert process_id is not None
        assert service.worker.process_id == process_id


async def test_a_relay_with_whatsapp_has_the_process_before_its_first_alert(tmp_path, monkeypatch):
    warmed = asyncio.get_running_loop().create_future()

    class Told(PictureService):
        async def warm(self):
            await super().warm()
            warmed.set_result(self.worker.process_id)

    monkeypatch.setattr("relay.app.PictureService", Told)
    settings = write_settings(tmp_path, '[whatsapp]\nenabled = true\nphone_number_id = "1"\n')
    secrets = {f"HERDBELL_WHATSAPP_{name}": "word" for name in ("TOKEN", "APP_SECRET", "VERIFY_TOKEN")}
    runner = make_runner(make_app(load_config(settings, secrets)))
    await runner.setup()
    process_id = await warmed
    with gone(process_id):
        await runner.cleanup()


async def test_a_crash_costs_the_picture_and_nothing_more(tmp_path):
    async with opened(tmp_path) as storage, served(storage) as service:
        first = await png(service)
        os.kill(service.worker.process_id, signal.SIGKILL)
        assert await png(service, kind="heat") is None
        assert await png(service, kind="heat") is not None
        assert await png(service) == first


async def test_a_process_that_hangs_is_ended_and_the_next_picture_has_another(tmp_path):
    worker = Worker()
    async with opened(tmp_path) as storage, served(storage, worker) as service:
        assert await png(service)
        hung = worker.process_id
        os.kill(hung, signal.SIGSTOP)
        worker.longest_s = 0.05
        with gone(hung):
            assert await png(service, kind="heat") is None
        worker.longest_s = 60
        assert await png(service, kind="heat")


async def test_a_relay_that_is_killed_leaves_no_process_behind(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(
        "import asyncio, os, signal\n"
        "from relay.pictures.worker import Worker\n"
        "from tests.relay.pictures.cows import asked, steady\n"
        "async def main():\n"
        "    worker = Worker()\n"
        "    assert await worker.draw(asked(steady()))\n"
        "    print(worker.process_id, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": PYTHONPATH},
    )
    # The end of the pipe comes when nobody holds it any more: neither the relay nor its worker.
    said, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert int(said)


async def test_the_same_picture_is_drawn_once_however_many_ask(tmp_path):
    drawer = Drawer()
    async with opened(tmp_path) as storage, served(storage, drawer) as service:
        many = [asyncio.create_task(png(service)) for _ in range(5)]
        drawer.may.set()
        assert set(await asyncio.gather(*many)) == {b"png 1"}
        assert await png(service, until_ms=UNTIL_MS + 1) == b"png 1"  # of the same hour
        assert await png(service, until_ms=UNTIL_MS + HOUR_MS) == b"png 2"
        assert await png(service, language="ur") == b"png 3"
        assert await png(service, language="pt-PT") == await png(service, language="pt_BR") == b"png 4"


async def test_who_waits_no_longer_cancels_nothing(tmp_path):
    drawer = Drawer()
    async with opened(tmp_path) as storage, served(storage, drawer) as service:
        impatient = asyncio.create_task(png(service))
        patient = asyncio.create_task(png(service))
        await asyncio.sleep(0)
        impatient.cancel()
        drawer.may.set()
        assert await patient == await png(service) == b"png 1"


async def test_only_so_many_are_kept_and_those_that_are_asked_for_stay(tmp_path):
    drawer = Drawer()
    drawer.may.set()
    async with opened(tmp_path) as storage, served(storage, drawer, kept=2) as service:
        for kind in ("heat", "calving", "heat", "down", "heat", "calving"):
            await png(service, kind=kind)
        assert [asked.kind for asked in drawer.asked] == ["heat", "calving", "down", "calving"]


async def test_in_a_storm_those_who_would_wait_too_long_go_without(tmp_path):
    drawer = Drawer()
    async with opened(tmp_path) as storage, served(storage, drawer) as service:
        waiting = [asyncio.create_task(png(service, until_ms=UNTIL_MS + n * HOUR_MS)) for n in range(64)]
        await asyncio.sleep(0)
        assert await png(service, kind="heat") is None
        drawer.may.set()
        assert None not in await asyncio.gather(*waiting)


async def test_an_animal_of_another_farm_or_of_none_has_no_picture(tmp_path):
    drawer = Drawer()
    drawer.may.set()
    async with opened(tmp_path) as storage, served(storage, drawer) as service:
        for wrong in ({"animal_id": 2}, {"farm_id": 2}, {"animal_id": 99}, {"farm_id": 99}):
            assert await png(service, **wrong) is None
    assert drawer.asked == []


async def test_a_cow_that_was_not_heard_has_no_picture_and_is_asked_for_again(tmp_path):
    async with opened(tmp_path, steady()[:-80]) as storage, served(storage) as service:
        assert await png(service) is None
        assert await png(service, until_ms=UNTIL_MS - 80 * HOUR_MS)


async def test_an_error_costs_the_picture_and_is_logged(tmp_path, caplog):
    class Broken(Drawer):
        async def draw(self, *_):
            raise RuntimeError("no room")

    async with opened(tmp_path) as storage, served(storage, Broken()) as service:
        assert await png(service) is None
    assert "a picture could not be made" in caplog.text


async def test_the_newest_event_of_that_kind_that_still_stands_is_shown(tmp_path):
    events = [
        replace(event(hours_ago=30), id="old", animal_id=1),
        replace(event(hours_ago=8), id="new", animal_id=1),
        replace(event(hours_ago=6, state="withdrawn"), id="gone", animal_id=1),
        replace(event("heat", hours_ago=5), id="heat", animal_id=1),
        replace(event(hours_ago=4), id="herd", animal_id=None),
        replace(event(hours_ago=-4), id="later", animal_id=1),
    ]
    async with opened(tmp_path, None, *events) as storage:
        asked = [await ask(storage, 1, 1, kind, UNTIL_MS, "en") for kind in ("off_feed", "", "down")]
    assert [each.event.id if each.event else None for each in asked] == ["new", "heat", None]
    assert len(asked[0].records) >= 72 + 14 * 24
