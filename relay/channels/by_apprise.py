"""SMS, calls, Telegram, e-mail and a hundred others by Apprise (github.com/caronc/apprise, 2.2): a URL each.

Apprise says yes or no and writes into its log why. Whether a text may have gone out is read from there, and
what the log does not rule out may have. The log never leaves this module: it holds numbers and passwords.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from relay.channels.port import BadAddressError, NotTakenError, UncertainError
from relay.config import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

_HANGING_MOST = 16
_LONGEST_S = 60.0
_TALKATIVE = ("apprise", "urllib3")  # both name hosts, paths and with them tokens
# One address may stand for several people: what one of them has got must not come again for the others.
_SOME_TAKEN = re.compile(r"^Sent ", re.MULTILINE)
# No connection came about, or the server said no: an HTTP status of 400 to 499, an SMTP code from 400 on.
_NOT_TAKEN = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|\[Errno (?:111|113|101|-\d+)\]"
    r"|error=4\d\d\b|\(?\b[45]\d\d, b['\"]"
)


def require() -> None:
    """Raise ConfigError unless Apprise is installed."""
    if importlib.util.find_spec("apprise") is None:
        raise ConfigError(
            "channels.enabled = true: Apprise is not installed; run: pip install 'herdbell[channels]'"
        )


def knows(url: str) -> bool | None:
    """Return whether Apprise can read an address; None if it is not installed. Nothing is sent."""
    if importlib.util.find_spec("apprise") is None:
        return None
    return _loaded().Apprise.instantiate(url, suppress_exceptions=True) is not None


class AppriseChannel:
    """The port Channel: each URL says by itself which way it is. `close()` it."""

    def __init__(self, longest_s: float = _LONGEST_S) -> None:
        self._longest_s = longest_s
        self._threads: list[threading.Thread] = []

    async def send(self, url: str, title: str, text: str) -> None:
        """Send in a thread; after a minute it is uncertain what became of it. Raises ChannelError."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= _HANGING_MOST:
            raise NotTakenError(f"{_HANGING_MOST} sends hang: no thread left for another")
        sending: Future[None] = Future()
        # A daemon, no pool of Python's: its exit waits for every thread of a pool, however long that hangs.
        thread = threading.Thread(
            target=_run, args=(sending, url, title, text), name="herdbell-channel", daemon=True
        )
        self._threads.append(thread)
        thread.start()
        try:
            async with asyncio.timeout(self._longest_s):
                await asyncio.wrap_future(sending)
        except TimeoutError:
            raise UncertainError(f"no answer within {self._longest_s:.0f} s") from None

    async def close(self) -> None:
        """Wait for nothing: a thread that hangs ends with its connection or with the process."""
        self._threads.clear()


def _run(sending: Future[None], url: str, title: str, text: str) -> None:
    sending.set_running_or_notify_cancel()  # from here on nobody cancels it: who gave up does not listen
    try:
        _notify(url, title, text)
    except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
        sending.set_exception(error)
    else:
        sending.set_result(None)


def _notify(url: str, title: str, text: str) -> None:
    apprise = _loaded()
    # Neither its pools, which hang as any other, nor its repeats, which ask not what became of the first.
    asset = apprise.AppriseAsset(async_mode=False, service_timeout=0)
    way = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if way is None:
        raise BadAddressError("an address that Apprise does not know")
    way.retry, way.optional = 0, False  # an optional one calls a failure a success
    one, said = apprise.Apprise(asset=asset), []
    one.add(way)
    taken = one.notify(
        body=text, title=title, body_format=apprise.NotifyFormat.TEXT, log_level=logging.DEBUG,
        log_callback=lambda entry, _: said.append(entry.message),
    )  # fmt: skip
    if not taken:
        _judge("\n".join(said), str(way.service_name))


def _judge(said: str, name: str) -> None:
    if _NOT_TAKEN.search(said) and not _SOME_TAKEN.search(said):
        raise NotTakenError(f"{name}: no connection, or the server refused")
    raise UncertainError(f"{name}: failed, and nobody knows how far it came")


def _loaded() -> ModuleType | Any:
    """Return Apprise, its log and that of its HTTP library kept from every other handler."""
    for name in _TALKATIVE:
        logging.getLogger(name).propagate = False
    logging.getLogger("apprise").setLevel(logging.DEBUG)  # what is not written cannot be read
    import apprise  # noqa: PLC0415 - an extra: a relay without other channels has not got it

    return apprise
