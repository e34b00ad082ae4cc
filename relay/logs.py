"""Logging: one JSON object (or text line) per record, with phone numbers, tokens and keys taken out."""

from __future__ import annotations

import logging
import re
import sys
from typing import IO, TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from relay.config import LogConfig

# A phone number, with or without its plus: 10 digits or more (E.164: up to 15; ids of Meta's are longer),
# whatever stands beside it; but not inside an id of ours, which is hexadecimal, nor behind a decimal point.
_NUMBER = re.compile(
    r"(?P<id>(?<![0-9A-Za-z])(?=\d*[a-f])[0-9a-f]{16,64}(?![0-9A-Za-z]))"
    r"|(?<!\d)(?<!\d\.)(?P<first>\+?\d{2})\d{6,}(?P<last>\d{2})"
)
_SPACED = re.compile(r"(\+\d{1,2})\d{0,13}(?:[ ()/-]{1,3}\d{1,12}){1,6}(?<=\d{2})")
_TOKEN = re.compile(r"EAA[A-Za-z0-9_-]{8,}")
_WAMID = re.compile(r"wamid\.[\w+/=-]+")  # base64, and the phone number is in it
_USER_ID = re.compile(r"\b([A-Z]{2}\.(?:ENT\.)?)[A-Za-z0-9]{10,}")  # business-scoped: country, then the id
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+\S+")
_KEY = re.compile(r"\b[0-9a-fA-F]{64,}\b")
_SECRET_NAMES = re.compile(r"phone|token|secret|password|key|wa_id")


def redact(text: str) -> str:
    """Return `text` without phone numbers (+49…67), access tokens, Meta's ids and 32-byte keys in hex."""
    text = _TOKEN.sub("EAA…", text)
    text = _BEARER.sub(r"\1 …", text)
    text = _KEY.sub("…", text)
    text = _WAMID.sub("wamid.…", text)
    text = _USER_ID.sub(r"\1…", text)
    text = _SPACED.sub(_masked, text)
    return _NUMBER.sub(lambda found: found["id"] or f"{found['first']}…{found['last']}", text)


def _masked(spaced: re.Match[str]) -> str:
    """Mask a number written with blanks between its digits; a short one, like +2 (3), is none."""
    digits = [each for each in spaced[0] if each.isdigit()]
    return f"{spaced[1]}…{''.join(digits[-2:])}" if len(digits) > 7 else spaced[0]  # E.164: 7 at least


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, dict):
        return {name: _clean_member(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _clean_member(name: str, value: Any) -> Any:
    if _SECRET_NAMES.search(name.lower()):
        return redact(value) if isinstance(value, str) and _NUMBER.search(value) else "…"
    return _clean(value)


def redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor of structlog: clean every member of a log event."""
    private = {name: value for name, value in event.items() if name.startswith("_")}
    return {
        name: _clean_member(name, value) for name, value in event.items() if name not in private
    } | private


def configure_logs(config: LogConfig, stream: IO[str] | None = None) -> None:
    """Send everything logged by logging or structlog to `stream` (stderr if None), redacted."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if config.format == "json" else _text
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.processors.format_exc_info,
                redact_event,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())
    structlog.configure(
        processors=[*shared[:-1], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    when, level, logger, what = (event.pop(name, "") for name in ("timestamp", "level", "logger", "event"))
    trace = event.pop("exception", "")
    members = "".join(f" {name}={value}" for name, value in event.items())
    return f"{when} {level:7} {logger}: {what}{members}" + (f"\n{trace}" if trace else "")
