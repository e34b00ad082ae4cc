"""How a note reaches somebody: by e-mail or by a program. WhatsApp is in outbox.py.

`PATHS` says which ways are tried for which part, in order; none of them shares the part's fault.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import shlex
import smtplib
import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING, Protocol

from relay.config import is_loopback
from relay.watch.parts import COLLAR, LINE, META, RELAY, WEBHOOKS
from relay.watch.words import record

if TYPE_CHECKING:
    from relay.config import Config
    from relay.watch.parts import Note

_LOG = logging.getLogger(__name__)
WHATSAPP, EMAIL, COMMAND = "whatsapp", "email", "command"
PATHS: dict[str, tuple[str, ...]] = {
    COLLAR: (WHATSAPP, EMAIL, COMMAND),  # relay and Meta are there
    LINE: (WHATSAPP, EMAIL, COMMAND),
    META: (EMAIL, COMMAND),
    WEBHOOKS: (EMAIL, COMMAND),
    RELAY: (EMAIL, COMMAND),  # told by a watch on another machine
}
_SMTP_S = 30
_COMMAND_S = 60
_TLS_PORT = 465


class Path(Protocol):
    """One way to tell somebody."""

    async def tell(self, note: Note, text: str) -> bool:
        """Hand the note over; False if this way does not take it now."""

    async def arrived(self, note: Note) -> bool | None:
        """Whether a note that was handed over reached anybody; None if nobody knows yet."""


class Email:
    """By SMTP, in a thread: TLS always but on loopback. The same note has the same Message-ID."""

    def __init__(self, config: Config) -> None:
        self._chosen = config.watch
        self._password = config.secret("watch", "password") if config.watch.smtp_user else ""

    async def tell(self, note: Note, text: str) -> bool:
        """Return whether the server took it for at least one address."""
        try:
            await asyncio.to_thread(self._send, self._letter(note, text))
        except (OSError, smtplib.SMTPException) as error:  # its text may hold an address
            _LOG.error("%s: not told by e-mail: %s", note.name, type(error).__name__)
            return False
        return True

    async def arrived(self, note: Note) -> bool | None:  # noqa: ARG002 - the port's signature
        """Once a server took it there is no more to know."""
        return True

    def _letter(self, note: Note, text: str) -> EmailMessage:
        letter = EmailMessage()
        letter["From"], letter["To"] = self._chosen.email_from, self._chosen.email_to
        letter["Subject"] = text if len(text) <= 120 else text[:119] + "\N{HORIZONTAL ELLIPSIS}"
        named = hashlib.sha256(f"{note.name}|{note.is_over}".encode()).hexdigest()[:32]
        letter["Message-ID"] = f"<{named}@herdbell.invalid>"
        letter.set_content(text + "\n")
        return letter

    def _send(self, letter: EmailMessage) -> None:
        chosen, context = self._chosen, ssl.create_default_context()
        where = (chosen.smtp_host, chosen.smtp_port)
        at_once = chosen.smtp_port == _TLS_PORT
        with (
            smtplib.SMTP_SSL(*where, timeout=_SMTP_S, context=context)
            if at_once
            else smtplib.SMTP(*where, timeout=_SMTP_S)
        ) as server:
            if not at_once and not is_loopback(chosen.smtp_host):
                server.starttls(context=context)
            if chosen.smtp_user:
                server.login(chosen.smtp_user, self._password)
            server.send_message(letter)


class Command:
    """By a program that gets one line of JSON on its standard input; never through a shell."""

    def __init__(self, command: str, timeout_s: float = _COMMAND_S) -> None:
        self._words, self._timeout_s = shlex.split(command), timeout_s

    async def tell(self, note: Note, text: str) -> bool:
        """Return whether the program ended with 0 in time."""
        line = json.dumps(record(note) | {"text": text}, ensure_ascii=False) + "\n"
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            _LOG.error("%s: the command cannot be run: %s", note.name, type(error).__name__)
            return False
        try:
            async with asyncio.timeout(self._timeout_s):
                await process.communicate(line.encode())
        except TimeoutError:
            _LOG.error("%s: the command did not end within %d s", note.name, self._timeout_s)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode == 0

    async def arrived(self, note: Note) -> bool | None:  # noqa: ARG002 - the port's signature
        """What the program did is its own business."""
        return True


def configured(config: Config) -> dict[str, Path]:
    """Return the ways that share nothing with WhatsApp. Raises ConfigError for a missing password."""
    found: dict[str, Path] = {}
    if config.watch.email_to:
        found[EMAIL] = Email(config)
    if config.watch.command:
        found[COMMAND] = Command(config.watch.command)
    return found
