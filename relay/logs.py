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

# A phone number, with or without its plus: 10 to 15 digits (E.164).
_PHONE = re.compile(r"(?<![\w.])(\+?\d{2})\d{6,11}(\d{2})(?!\w)")
_TOKEN = re.compile(r"\bEAA[A-Za-z0-9_-]{8,}")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+\S+")
_KEY = re.compile(r"\b[0-9a-fA-F]{64,}\b")
_SECRET_NAMES = re.compile(r"phone|token|secret|password|key|wa_id")


def redact(text: str) -> str:
    """Return `text` without phone numbers (+49…67), access tokens and 32-byte keys in hex."""
    text = _TOKEN.sub("EAA…", text)
    text = _BEARER.sub(r"\1 …", text)
    text = _KEY.sub("…", text)
    return _PHONE.sub(r"\1…\2", text)


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
        return redact(value) if isinstance(value, str) and _PHONE.search(value) else "…"
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
