"""Typed keys of what the application holds."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from relay.channels.fallback import Fallback
from relay.clock import Clock
from relay.collars import Collars
from relay.config import Config
from relay.ingest import Ingest
from relay.metrics import Metrics
from relay.scorer import Scorer
from relay.storage.ports import FrameLog, Store
from relay.tasks import Tasks
from relay.watch.hearing import Ears
from relay.watch.task import Watch
from relay.whatsapp.service import WhatsApp


class Storage(FrameLog, Store, Protocol):
    """Log and store in one: what the embedded relay has."""


CONFIG = web.AppKey("config", Config)
CLOCK = web.AppKey("clock", Clock)
METRICS = web.AppKey("metrics", Metrics)
STORAGE = web.AppKey("storage", Storage)
INGEST = web.AppKey("ingest", Ingest)
COLLARS = web.AppKey("collars", Collars)
SCORER = web.AppKey("scorer", Scorer)
WHATSAPP = web.AppKey("whatsapp", WhatsApp)  # only there when whatsapp.enabled
CHANNELS = web.AppKey("channels", Fallback)  # only there when channels.enabled
EARS = web.AppKey("ears", Ears)
WATCH = web.AppKey("watch", Watch)  # only there when watch.enabled
TASKS = web.AppKey("tasks", Tasks)
