"""`herdbell-sim collars`: collars for a relay that is already there."""

from __future__ import annotations

import asyncio

import pytest

from herdcore import auth
from simulator.demo import DemoError, Options
from simulator.terminal import read_collars, run_herd
from tests.relay.scene import ROOT_KEY, Scene


async def test_a_virtual_herd_talks_to_a_relay_that_is_already_there(tmp_path):
    async with Scene(tmp_path, devices=(1, 2)) as relay:
        enough = asyncio.Event()

        async def at_once(_seconds):  # stands in for the wall, which passes too slowly for a test
            if len(await relay.stored()) >= 8:
                enough.set()

        collars = [
            {"device": device, "epoch": 0, "key": auth.collar_key(ROOT_KEY, device, 0).hex()}
            for device in relay.devices
        ]
        options = Options(collars=2, sick=0)
        living = asyncio.ensure_future(run_herd(collars, ("127.0.0.1", relay.port), options, sleep=at_once))
        await asyncio.wait_for(enough.wait(), 60)
        living.cancel()
        with pytest.raises(asyncio.CancelledError):
            await living
        assert {device for device, *_ in await relay.stored()} == {1, 2}


@pytest.mark.parametrize("text", ["", "not json\n", '{"device": 1}\n'])
def test_a_file_that_holds_no_collars_is_refused_with_its_name(tmp_path, text):
    path = tmp_path / "collars.json"
    path.write_text(text)
    with pytest.raises(DemoError, match=r"collars\.json"):
        read_collars(path)
