"""Every test of this folder runs once per adapter: what it says is the contract of the ports."""

import pytest

from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from tests.relay.contract.world import World

# name -> opener(folder, vault): an async context manager; the same folder gives the same storage
ADAPTERS = {"sqlite": SqliteStorage.open}


@pytest.fixture
def vault():
    return Vault(bytes(range(32)))


@pytest.fixture(params=sorted(ADAPTERS))
def reopen(request, tmp_path, vault):
    """Call it for the same storage, opened again."""
    return lambda: ADAPTERS[request.param](tmp_path / "state", vault)


@pytest.fixture
async def storage(reopen):
    async with reopen() as storage:
        yield storage


@pytest.fixture
async def world(storage):
    return await World.settle(storage)
