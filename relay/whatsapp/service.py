"""WhatsApp put together from the configuration: what the application opens, routes and runs."""

from __future__ import annotations

import logging
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.config import ENV_PREFIX
from relay.whatsapp import versions
from relay.whatsapp.begun import Begun
from relay.whatsapp.bodies import Bodies
from relay.whatsapp.client import Client
from relay.whatsapp.conversation import Conversation
from relay.whatsapp.cost import CostGauge
from relay.whatsapp.counters import Counters
from relay.whatsapp.delivery import Limits
from relay.whatsapp.dispatcher import Dispatcher
from relay.whatsapp.media import PictureDesk
from relay.whatsapp.payload import Buttons
from relay.whatsapp.texts import load
from relay.whatsapp.ticks import Ticks
from relay.whatsapp.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator

    from prometheus_client import CollectorRegistry

    from relay.clock import Clock
    from relay.config import Config, WhatsappConfig
    from relay.pictures.port import Pictures
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
BEGUN_FILE = "whatsapp.begun"
_NO_END_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class WhatsApp:
    """The parts: `dispatch()`, `webhook.run()`, `costs.run()` are tasks; GET and POST go to `webhook`."""

    client: Client
    dispatcher: Dispatcher
    webhook: Webhook
    costs: CostGauge
    ticks: Ticks

    async def dispatch(self) -> None:
        """Send until cancelled; first the inbox: a STOP from before a restart counts before anything goes."""
        await self.webhook.caught_up.wait()
        await self.dispatcher.run()

    async def idle(self) -> bool:
        """Whether there is nothing left to do at this time."""
        return await self.webhook.idle() and self.ticks.idle() and await self.dispatcher.idle()


def open_client(config: Config) -> Client:
    """Return a client of the configured number. Raises ConfigError if there is no token."""
    chosen = config.whatsapp
    return Client(
        base_url=chosen.base_url, graph_version=chosen.graph_version, phone_number_id=chosen.phone_number_id,
        token=config.secret("whatsapp", "token"), timeout_s=chosen.request_timeout_s,
    )  # fmt: skip


def app_secrets(config: Config) -> list[str]:
    """Return the secrets that webhooks may be signed with. Raises ConfigError if one cannot be read."""
    names = ["app_secret"]
    variable = f"{ENV_PREFIX}WHATSAPP_APP_SECRET_PREVIOUS"
    if config.whatsapp.app_secret_previous_file or variable in config.environment:
        names.append("app_secret_previous")
    return [config.secret("whatsapp", name) for name in names]


@asynccontextmanager
async def open_whatsapp(
    config: Config, storage: Store, clock: Clock, sign: Callable[[str, str], bytes],
    registry: CollectorRegistry | None = None, pictures: Pictures | None = None,
    on_answer: Callable[[Collection[int]], None] | None = None,
) -> AsyncIterator[WhatsApp]:  # fmt: skip
    """Open the client and wire the parts. `sign` is `Vault.blind`. Raises ConfigError without a secret.

    on_answer: is told of which farms somebody answered, or wished for something.
    """
    chosen, texts, buttons, counters = config.whatsapp, load(), Buttons(sign), Counters(registry)
    secrets, verify_token = app_secrets(config), config.secret("whatsapp", "verify_token")
    _heed_version(chosen, clock, counters)
    async with open_client(config) as client:
        with _begun(config) as begun:
            dispatcher = Dispatcher(
                storage, client, clock, Bodies(texts, buttons, chosen.template_prefix), counters,
                limits=limits(chosen), begun=begun,
                desk=PictureDesk(pictures, client.upload, clock) if pictures else None,
            )  # fmt: skip
            conversation = Conversation(storage, clock, buttons, dispatcher.wake, on_answer)
            async with aclosing(Ticks(conversation, client, clock)) as ticks:
                webhook = Webhook(
                    storage, clock, ticks, app_secrets=secrets, verify_token=verify_token,
                    phone_number_id=chosen.phone_number_id, account_id=chosen.waba_id, counters=counters,
                    failed_later=dispatcher.failed_later,
                )  # fmt: skip
                yield WhatsApp(client, dispatcher, webhook, CostGauge(storage, clock, registry), ticks)


def limits(chosen: WhatsappConfig) -> Limits:
    """Return how fast and how patient the settings want it."""
    return Limits(chosen.mps, chosen.pair_interval_s * 1000, chosen.pair_burst, chosen.unknown_wait_s * 1000)


@contextmanager
def _begun(config: Config) -> Iterator[Begun]:
    begun = Begun(config.state_dir / BEGUN_FILE)
    try:
        yield begun
    finally:
        begun.close()


def _heed_version(chosen: WhatsappConfig, clock: Clock, counters: Counters) -> None:
    """Say at the start, and at any time under /metrics, when the Graph version ends."""

    def days() -> float:
        left = versions.days_left(chosen.graph_version, versions.day_of(clock.now_ms()))
        return _NO_END_DAYS if left is None else left

    counters.version_days.set_function(days)
    if words := versions.warning(chosen.graph_version, versions.day_of(clock.now_ms())):
        _LOG.warning("%s", words)
