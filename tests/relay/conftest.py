"""What tests of the command line share: settings of a new state, commands, and a look at what they stored."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner

from relay.__main__ import main
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from tests.relay.process import write_settings


@pytest.fixture
def settings(tmp_path):
    """Return the path of settings for a new state."""
    return write_settings(tmp_path)


@pytest.fixture
def run(settings):
    """Run a command in this process; return its result."""

    def run(*arguments, stdin=None, **env):
        runner = CliRunner(env={"HERDBELL_CONFIG": str(settings)} | env)
        return runner.invoke(main, arguments, input=stdin)

    return run


@pytest.fixture
def stored(settings):
    """Return what a question to the storage finds."""

    def ask(question):
        async def answer():
            config = load_config(settings, {})
            async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
                return await question(storage)

        return asyncio.run(answer())

    return ask
