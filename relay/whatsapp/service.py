"""WhatsApp put together from the configuration: what the application opens, routes and runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.whatsapp.bodies import Bodies
from relay.whatsapp.client import Client
from relay.whatsapp.conversation import Conversation
from relay.whatsapp.counters import Counters
from relay.whatsapp.dispatcher import Dispatcher
from relay.whatsapp.payload import Buttons
from relay.whatsapp.texts import load
from relay.whatsapp.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from prometheus_client import CollectorRegistry

    from relay.clock import Clock
    from relay.config import Config
    from relay.storage.ports import Store


@dataclass(frozen=True, slots=True)
class WhatsApp:
    """The parts: run `dispatch()` and `webhook.run()` as tasks, route GET and POST to `webhook`."""

    client: Client
    dispatcher: Dispatcher
    webhook: Webhook

    async def dispatch(self) -> None:
        """Send until cancelled; first the inbox: a STOP from before a restart counts before anything goes."""
        await self.webhook.caught_up.wait()
        await self.dispatcher.run()

    async def idle(self) -> bool:
        """Whether there is nothing left to do at this time."""
        return await self.webhook.idle() and await self.dispatcher.idle()


def open_client(config: Config) -> Client:
    """Return a client of the configured number. Raises ConfigError if there is no token."""
    chosen = config.whatsapp
    return Client(
        base_url=chosen.base_url, graph_version=chosen.graph_version, phone_number_id=chosen.phone_number_id,
        token=config.secret("whatsapp", "token"), timeout_s=chosen.request_timeout_s,
    )  # fmt: skip


@asynccontextmanager
async def open_whatsapp(
    config: Config, storage: Store, clock: Clock, sign: Callable[[str, str], bytes],
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[WhatsApp]:  # fmt: skip
    """Open the client and wire the parts. `sign` is `Vault.blind`. Raises ConfigError without a secret."""
    texts, buttons, counters = load(), Buttons(sign), Counters(registry)
    app_secret, verify_token = (config.secret("whatsapp", name) for name in ("app_secret", "verify_token"))
    async with open_client(config) as client:
        bodies = Bodies(texts, buttons, config.whatsapp.template_prefix)
        dispatcher = Dispatcher(storage, client, clock, bodies, counters)
        conversation = Conversation(storage, clock, buttons, texts, dispatcher.wake)
        webhook = Webhook(
            storage, clock, conversation, app_secrets=[app_secret], verify_token=verify_token,
            phone_number_id=config.whatsapp.phone_number_id, counters=counters,
        )  # fmt: skip
        yield WhatsApp(client, dispatcher, webhook)
