"""Pictures on their way into messages: made and uploaded once, and never waited for longer than 3 s."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from relay.whatsapp.client import SendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.clock import Clock
    from relay.model import Message
    from relay.pictures.port import Pictures

_LOG = logging.getLogger(__name__)
WAIT_MS = 3_000
KEPT_MS = 29 * 86_400_000  # Graph keeps an upload for 30 days
_KEPT = 1_000
_MIME = "image/png"

_Key = tuple[int, int, str, int, str]  # farm, animal, kind, until when, language


class PictureDesk:
    """Hands out media ids. upload(file, mime) -> media id, raises SendError."""

    def __init__(
        self, pictures: Pictures, upload: Callable[[bytes, str], Awaitable[str]], clock: Clock
    ) -> None:
        self._pictures, self._upload, self._clock = pictures, upload, clock
        self._making: dict[_Key, asyncio.Task[str | None]] = {}
        self._made: dict[_Key, tuple[str, int]] = {}  # media id and when, the oldest first

    async def media_id(self, message: Message, *, anew: bool = False) -> str | None:
        """Return the media id of a message's picture, None if it has none or none that comes in time.

        anew: upload it once more; what was uploaded is of no use. A picture that comes too late for this
        message is there for the next one.
        """
        key = _key(message)
        if key is None:
            return None
        media_id, at_ms = self._made.get(key, ("", 0))
        if media_id and not anew and 0 <= self._clock.now_ms() - at_ms < KEPT_MS:
            return media_id
        return await self._in_time(key)

    async def _in_time(self, key: _Key) -> str | None:
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = asyncio.create_task(self._make(key))
        late = asyncio.create_task(self._clock.wait_until(self._clock.now_ms() + WAIT_MS))
        try:
            await asyncio.wait({making, late}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            await asyncio.gather(late, return_exceptions=True)
        return making.result() if making.done() and not making.cancelled() else None

    async def _make(self, key: _Key) -> str | None:
        try:
            png = await self._pictures.png(*key)
            if png is None:
                return None
            media_id = await self._upload(png, _MIME)
        except SendError as error:
            _LOG.warning("a picture could not be uploaded: %s", error)
            return None
        except Exception:  # noqa: BLE001 - whatever it was: the alert goes without its picture
            _LOG.exception("a picture could not be made")
            return None
        finally:
            del self._making[key]
        self._made.pop(key, None)
        self._made[key] = (media_id, self._clock.now_ms())
        if len(self._made) > _KEPT:
            del self._made[next(iter(self._made))]
        return media_id

    async def close(self) -> None:
        """Give up what is being made."""
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)


def _key(message: Message) -> _Key | None:
    wanted = message.body.get("picture")
    if not isinstance(wanted, dict):
        return None
    try:
        animal_id, kind, until_ms = int(wanted["animal_id"]), str(wanted["kind"]), int(wanted["until_ms"])
    except (KeyError, TypeError, ValueError):
        return None
    return message.farm_id, animal_id, kind, until_ms, str(message.body.get("language", ""))
