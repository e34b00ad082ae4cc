import pytest

from tests.relay.conversation.chat_scene import opened


@pytest.fixture
async def chat(tmp_path):
    async with opened(tmp_path / "state") as chat:
        yield chat
