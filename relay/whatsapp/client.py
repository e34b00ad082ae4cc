"""The Cloud API over aiohttp: one call sends one message and says what is known about it afterwards.

The API knows no idempotency key, so the outbox needs three outcomes: accepted, certainly not sent, unknown.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Self

import aiohttp

if TYPE_CHECKING:
    from types import TracebackType

# Shorter than any server's: a POST on a connection that is just being closed has an unknown outcome.
_KEEPALIVE_S = 4
_ANSWER_MAX = 64 * 1024
_CONNECT_S = 10
_LONG_NUMBER = re.compile(r"\d{7,}")


class SendError(RuntimeError):
    """A message that was not accepted, as far as we know. The text holds no phone number and no token."""


class NotSentError(SendError):
    """No byte of the request left: sending again cannot double the message."""


class AmbiguousError(SendError):
    """The request may have been executed: only a delivery status can tell."""


class RefusedError(SendError):
    """Graph answered with an error; `code` is Graph's own, -1 if a proxy answered instead."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {hide_numbers(text)}" if text else str(code))
        self.code = code


class Client:
    """Sends from one phone number. Use as an async context manager.

    base_url: "https://graph.facebook.com"; graph_version: "v26.0"; timeout_s: for one whole request.
    """

    def __init__(
        self, *, base_url: str, graph_version: str, phone_number_id: str, token: str, timeout_s: float = 15
    ) -> None:
        self._root = f"{base_url.rstrip('/')}/{graph_version}"
        self._messages = f"{self._root}/{phone_number_id}/messages"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(_CONNECT_S, timeout_s))
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(keepalive_timeout=_KEEPALIVE_S)
        self._session = aiohttp.ClientSession(
            connector=connector, headers=self._headers, timeout=self._timeout
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def send(self, body: dict[str, Any]) -> str:
        """Send one message body; return Graph's id of it, the wamid: accepted, not delivered yet.

        A message that Meta holds back for a quality check has one too and must not be sent again either.
        Raises NotSentError, AmbiguousError or RefusedError.
        """
        answer = await self._call("POST", self._messages, body)
        try:
            wamid = answer["messages"][0]["id"]
        except (KeyError, IndexError, TypeError) as error:
            raise AmbiguousError("answer 200 without a message id") from error
        if not isinstance(wamid, str):
            raise AmbiguousError("answer 200 with a message id that is no text")
        return wamid

    async def ping(self) -> None:
        """Ask for our number: whether Graph answers and takes our token. Raises SendError."""
        await self._call("GET", self._messages.removesuffix("/messages"), None)

    async def templates(self, waba_id: str) -> list[dict[str, Any]]:
        """Return the account's templates: name, language, status, category. Raises SendError."""
        found: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None:
            query = f"?limit=100&after={after}" if after else "?limit=100"
            page = await self._call("GET", f"{self._root}/{waba_id}/message_templates{query}", None)
            found += page.get("data", [])
            paging = page.get("paging", {})
            after = paging.get("cursors", {}).get("after") if paging.get("next") else None
        return found

    async def create_template(self, waba_id: str, template: dict[str, Any]) -> dict[str, Any]:
        """Create a template; return its id, status and category. Raises SendError."""
        return await self._call("POST", f"{self._root}/{waba_id}/message_templates", template)

    async def _call(self, method: str, url: str, body: dict[str, Any] | None) -> dict[str, Any]:
        assert self._session is not None, "open the client with `async with`"
        try:
            async with self._session.request(method, url, json=body, allow_redirects=False) as response:
                return _judge(response.status, await _read(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSentError(f"no connection: {type(error).__name__}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise AmbiguousError(f"connection lost after sending: {type(error).__name__}") from error


def hide_numbers(text: str) -> str:
    """Return `text` without anything that may be a phone number."""
    return _LONG_NUMBER.sub("...", text)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > _ANSWER_MAX and response.method == "POST":
            raise AmbiguousError(f"answer longer than {_ANSWER_MAX} bytes")
    return b"".join(parts)


def _judge(status: int, raw: bytes) -> dict[str, Any]:
    """Return Graph's answer, or raise by the code of its error."""
    answer = _json_object(raw)
    error = answer.get("error") if answer else None
    if isinstance(error, dict):
        code = error.get("code")
        raise RefusedError(code if type(code) is int else -1, str(error.get("message", ""))[:200])
    if answer is not None and status == 200:
        return answer
    if 400 <= status < 500:
        raise RefusedError(-1, f"HTTP {status} without an answer of Graph")
    raise AmbiguousError(f"HTTP {status} without an answer of Graph")


def _json_object(raw: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
