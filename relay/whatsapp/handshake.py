"""The webhook seen from outside: whether it answers Meta's handshake at its public address.

Source: Meta, "Create a webhook endpoint", Webhooks, 29 April 2026.
"""

from __future__ import annotations

import secrets
import ssl

import aiohttp

_ANSWER_S = 10


async def handshake(url: str, word: str) -> tuple[str, str] | None:
    """Ask a webhook as Meta does; return what is wrong and what to do, None if it answered right."""
    challenge = secrets.token_hex(8)
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": word}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S)) as session,
            session.get(url, params=query, allow_redirects=False) as answer,
        ):
            text, status = (await answer.content.read(1024)).decode(errors="replace"), answer.status
    except (aiohttp.ClientConnectorCertificateError, ssl.SSLError):
        return "its certificate is not to be trusted", "get one of a known authority: Meta refuses all others"
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return f"no answer: {type(error).__name__}", "check name, port and proxy, and that the relay runs"
    if status == 200 and text == challenge:
        return None
    if status == 403:
        return "it refused the word", "start the relay anew: it has another whatsapp.verify_token_file"
    return f"HTTP {status} instead of the challenge", "let the proxy pass /webhooks/whatsapp on to the relay"
