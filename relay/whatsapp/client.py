"""The Cloud API over aiohttp: one call, and what is known about it afterwards.

The API knows no idempotency key, so the outbox needs three outcomes: accepted, certainly not sent, unknown.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from relay.logs import redact
from relay.whatsapp import calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import SimpleNamespace, TracebackType

# Shorter than any server's: a POST on a connection that is just being closed has an unknown outcome.
_KEEPALIVE_S = 4
_ANSWER_MAX = 64 * 1024
_CONNECT_S = 10
_LONG_NUMBER = re.compile(r"\d{7,}")
_BAD_CURSOR = 131059
NO_CODE = -1  # something else than Graph answered
HEALTH = "quality_rating,throughput,name_status,whatsapp_business_manager_messaging_limit,health_status"


class SendError(RuntimeError):
    """A message that was not accepted, as far as we know. The text holds no phone number and no token."""


class NotSentError(SendError):
    """No byte of the request left: sending again cannot double the message."""


class AmbiguousError(SendError):
    """The request may have been executed: only a delivery status can tell."""


class RefusedError(SendError):
    """Graph answered with an error; `code` is Graph's own, NO_CODE if a proxy answered instead.

    `transient`: Graph's own word on whether trying again helps, None if it says nothing.
    """

    def __init__(self, code: int, text: str, transient: bool | None = None) -> None:
        super().__init__(f"{code}: {hide_numbers(text)}" if text else str(code))
        self.code, self.transient = code, transient


class Client:
    """Calls for one phone number. Use as an async context manager. Every call raises SendError.

    base_url: "https://graph.facebook.com"; graph_version: "v26.0"; timeout_s: for one whole request;
    at_once: how many requests may be under way together.
    """

    def __init__(
        self, *, base_url: str, graph_version: str, phone_number_id: str, token: str, timeout_s: float = 15,
        at_once: int = 100,
    ) -> None:  # fmt: skip
        self._root = f"{base_url.rstrip('/')}/{graph_version}"
        self._number = f"{self._root}/{phone_number_id}"
        self._messages = f"{self._number}/messages"
        self._token, self._at_once = token, at_once
        self._headers = {"Authorization": f"Bearer {token}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(_CONNECT_S, timeout_s))
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(keepalive_timeout=_KEEPALIVE_S, limit=self._at_once)
        self._session = aiohttp.ClientSession(
            connector=connector, headers=self._headers, timeout=self._timeout, trace_configs=[_telling()]
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def send(self, body: dict[str, Any], begins: Callable[[], None] | None = None) -> str:
        """Send one message body (calls.py); return Graph's id of it, the wamid: accepted, not delivered yet.

        begins: called when there is a connection, right before the first byte of the request leaves.
        A message that Meta holds back for a quality check has one too and must not be sent again either.
        Raises NotSentError, AmbiguousError or RefusedError.
        """
        answer = await self._call("POST", self._messages, json=body, trace_request_ctx=begins)
        try:
            wamid = answer["messages"][0]["id"]
        except (KeyError, IndexError, TypeError) as error:
            raise AmbiguousError("answer 200 without a message id") from error
        if not isinstance(wamid, str):
            raise AmbiguousError("answer 200 with a message id that is no text")
        return wamid

    async def mark_read(self, wamid: str, *, typing: bool = False) -> None:
        """Give a person's message its blue ticks; `typing`: show that an answer comes, for up to 25 s."""
        await self._call("POST", self._messages, json=calls.read(wamid, typing=typing))

    async def upload(self, file: bytes, mime: str) -> str:
        """Upload a picture such as "image/png"; return its media id, good for 30 days."""
        form = aiohttp.FormData()
        form.add_field("messaging_product", "whatsapp")
        form.add_field("type", mime)
        form.add_field("file", file, filename=f"file.{mime.rpartition('/')[2]}", content_type=mime)
        return _text(await self._call("POST", f"{self._number}/media", data=form), "id")

    async def upload_example(self, app_id: str, file: bytes, mime: str) -> str:
        """Upload the example picture of a template; return its handle.

        Meta, "Resumable Upload API": a session first, then the bytes, under another scheme of authorisation.
        """
        asked = {"file_length": str(len(file)), "file_type": mime, "file_name": "example"}
        session = _text(await self._call("POST", f"{self._root}/{app_id}/uploads", params=asked), "id")
        headers = {"Authorization": f"OAuth {self._token}", "file_offset": "0"}
        return _text(await self._call("POST", f"{self._root}/{session}", data=file, headers=headers), "h")

    async def ping(self) -> None:
        """Ask for our number: whether Graph answers and takes our token."""
        await self._call("GET", self._number)

    async def health(self) -> dict[str, Any]:
        """Return what Meta thinks of our number: the fields of HEALTH, as Graph names them."""
        return await self._call("GET", self._number, params={"fields": HEALTH})

    async def debug_token(self) -> dict[str, Any]:
        """Return what Graph knows of our token: is_valid, scopes, expires_at (s, 0 for never) and more.

        The one call that Graph wants the token in the address of; nothing here logs addresses.
        """
        answer = await self._call("GET", f"{self._root}/debug_token", params={"input_token": self._token})
        data = answer.get("data")
        return data if isinstance(data, dict) else {}

    async def subscribed_apps(self, waba_id: str) -> list[dict[str, Any]]:
        """Return the applications that get the webhooks of a business account."""
        return _rows(await self._call("GET", f"{self._root}/{waba_id}/subscribed_apps"))

    async def subscribe_app(self, waba_id: str) -> None:
        """Let our application, the one the token belongs to, get the webhooks of a business account."""
        await self._call("POST", f"{self._root}/{waba_id}/subscribed_apps")

    async def templates(self, waba_id: str) -> list[dict[str, Any]]:
        """Return the account's templates: name, language, status, category.

        A cursor that Graph does not take any more makes it begin anew, once.
        """
        try:
            return await self._pages(f"{self._root}/{waba_id}/message_templates")
        except RefusedError as error:
            if error.code != _BAD_CURSOR:
                raise
        return await self._pages(f"{self._root}/{waba_id}/message_templates")

    async def create_template(self, waba_id: str, template: dict[str, Any]) -> dict[str, Any]:
        """Create a template; return its id, status and category."""
        return await self._call("POST", f"{self._root}/{waba_id}/message_templates", json=template)

    async def _pages(self, url: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None:
            page = await self._call(
                "GET", url, params={"limit": "100", **({"after": after} if after else {})}
            )
            found += _rows(page)
            paging = page.get("paging", {})
            after = paging.get("cursors", {}).get("after") if paging.get("next") else None
        return found

    async def _call(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        assert self._session is not None, "open the client with `async with`"
        try:
            async with self._session.request(method, url, allow_redirects=False, **options) as response:
                return _judge(response.status, await _read(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSentError(f"no connection: {type(error).__name__}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise AmbiguousError(f"connection lost after sending: {type(error).__name__}") from error


def _telling() -> aiohttp.TraceConfig:
    """Return what calls a request's `begins` once it has a connection."""

    async def tell(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx()

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(tell)
    config.on_connection_reuseconn.append(tell)
    return config


def hide_numbers(text: str) -> str:
    """Return `text` without anything that may be a phone number."""
    return redact(_LONG_NUMBER.sub("...", text))


def _rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    data = answer.get("data")
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def _text(answer: dict[str, Any], name: str) -> str:
    found = answer.get(name)
    if not isinstance(found, str) or not found:
        raise AmbiguousError(f"answer 200 without {name!r}")
    return found


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
        code, transient = error.get("code"), error.get("is_transient")
        raise RefusedError(
            code if type(code) is int else NO_CODE,
            str(error.get("message", ""))[:200],
            transient if isinstance(transient, bool) else None,
        )
    if answer is not None and status == 200:
        return answer
    if 400 <= status < 500:
        raise RefusedError(NO_CODE, f"HTTP {status} without an answer of Graph")
    raise AmbiguousError(f"HTTP {status} without an answer of Graph")


def _json_object(raw: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
