"""What goes wrong by script: for the next messages, a person, a template, or now and then by a seed."""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

_ALWAYS = 1 << 60


@dataclass(slots=True)
class Fault:
    """What happens to one message instead of a plain answer.

    code: refuse with this Graph code, as `details`; with `late` it is accepted and reported failed instead.
    Without a code the message is accepted if `accept`, and then the answer: hold: waits for this event;
    delay_ms: waits, by the fake's clock; hang: never comes; drop: is cut off by a closed connection;
    bad_gateway: is a proxy's 502 in HTML; half: ends in the middle of its JSON; held: says that Meta looks at
    the quality first, and nobody gets the message.
    """

    code: int | None = None
    accept: bool = True
    hold: asyncio.Event | None = None
    drop: bool = False
    bad_gateway: bool = False
    late: bool = False
    delay_ms: int = 0
    hang: bool = False
    half: bool = False
    held: bool = False
    details: str = "scripted"
    transient: bool | None = None


@dataclass(slots=True)
class _Often:
    fault: Fault
    share: float
    seed: int


@dataclass(slots=True)
class _Script:
    fault: Fault
    left: int


@dataclass(slots=True)
class Faults:
    """The scripts, the narrowest first: a person's, a template's, the next ones', then shares of all."""

    _next: deque[_Script] = field(default_factory=deque)
    _of: dict[str, deque[_Script]] = field(default_factory=dict)
    _often: list[_Often] = field(default_factory=list)
    _seen: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(script.left for some in (self._next, *self._of.values()) for script in some)

    def script(self, fault: Fault, times: int = 1, *, to: str = "", template: str = "") -> None:
        """Let the next `times` messages meet it (0: all), or those to a person or of a template's name."""
        if times < 0:
            raise ValueError(f"times={times}: want 0 or more")
        key = f"to {to.lstrip('+')}" if to else f"template {template}" if template else ""
        scripts = self._of.setdefault(key, deque()) if key else self._next
        scripts.append(_Script(fault, times or _ALWAYS))

    def often(self, fault: Fault, share: float, seed: int = 1) -> None:
        """Let a share (0..1) of all messages meet it, drawn by seed and id, whoever is faster."""
        if not 0 <= share <= 1:
            raise ValueError(f"share={share} outside 0..1")
        self._often.append(_Often(fault, share, seed))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._next.clear()
        self._of.clear()
        self._often.clear()

    def take(self, body: dict[str, Any]) -> Fault | None:
        """Return what happens to this message."""
        if self._of:
            for key in _keys(body):
                if found := _pop(self._of.get(key)):
                    return found
        return _pop(self._next) or (self._drawn(body) if self._often else None)

    def _drawn(self, body: dict[str, Any]) -> Fault | None:
        about = f"{body.get('biz_opaque_callback_data')}|{body.get('to')}|{body.get('recipient')}"
        self._seen[about] = count = self._seen.get(about, 0) + 1
        for at, one in enumerate(self._often):
            if zlib.crc32(f"{one.seed}|{at}|{about}|{count}".encode()) / 2**32 < one.share:
                return one.fault
        return None


def _keys(body: dict[str, Any]) -> list[str]:
    template = body.get("template")
    name = template.get("name") if isinstance(template, dict) else None
    whom = (body.get("to"), body.get("recipient"))
    return [f"to {str(one).lstrip('+')}" for one in whom if one] + ([f"template {name}"] if name else [])


def _pop(scripts: deque[_Script] | None) -> Fault | None:
    if not scripts:
        return None
    script = scripts[0]
    script.left -= 1
    if not script.left:
        scripts.popleft()
    return script.fault
