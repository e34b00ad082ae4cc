"""What fits: a list cut to its room, with the count of what is left out; the digest as one page of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from relay.alerts.said import about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.alerts.words import Words
    from relay.model import Event

BETWEEN = " · "  # a parameter of a template is one line
ROOM = 800  # characters of a parameter
_BODY = 840  # of 1,024 are left for the list and the farm's name, beside a template's own words and the date
LINE_MOST = 240


class Section(IntEnum):
    """Where a line stands on the page."""

    OPEN = 1
    ENDED = 2
    COLLARS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """A line about an event. `step`: of its story, that this line tells; "" if it only says so again."""

    text: str
    section: Section
    event: Event
    step: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A digest: its lines, and what of them is told by it (said.about)."""

    lines: Sequence[str]
    about: Sequence[list[str]]

    @property
    def text(self) -> str:
        """One line below the other."""
        return "\n".join(self.lines)

    @property
    def parameter(self) -> str:
        """All in one line."""
        return BETWEEN.join(self.lines)


def fitted(texts: Sequence[str], room: int, separator: str, catalogue: Words) -> list[str]:
    """Return the first texts that fit, joined, in so many characters, and how many more there are."""
    return _with_rest(texts, _fitting(texts, room, separator, catalogue), catalogue)


def page(
    listed: Sequence[Line], herd: Sequence[str], notes: Sequence[str], name: str, catalogue: Words
) -> Page:
    """Return a digest that fits: of `listed` what is new goes first, then what stands on; all else is short.

    name: the farm's. What of `listed` has no room is counted, and what was new in it waits a day.
    """
    room = min(ROOM, _BODY - len(name)) - sum(len(text) + len(BETWEEN) for text in (*herd, *notes))
    ranked = sorted(listed, key=lambda line: (not line.step, line.section))
    texts = [cut(line.text) for line in ranked]
    count = _fitting(texts, room, BETWEEN, catalogue)
    kept, rest = ranked[:count], _with_rest(texts, count, catalogue)[count:]
    lines = {section: [cut(one.text) for one in kept if one.section is section] for section in Section}
    return Page(
        [*lines[Section.OPEN], *lines[Section.ENDED], *herd, *lines[Section.COLLARS], *rest, *notes],
        [about(one.event, one.step) for one in kept if one.step],
    )


def cut(text: str) -> str:
    """Return a line that leaves room for others."""
    return text if len(text) <= LINE_MOST else f"{text[: LINE_MOST - 1]}…"


def _fitting(texts: Sequence[str], room: int, separator: str, catalogue: Words) -> int:
    kept = len(texts)
    while kept and len(separator.join(_with_rest(texts, kept, catalogue))) > room:
        kept -= 1
    return kept


def _with_rest(texts: Sequence[str], kept: int, catalogue: Words) -> list[str]:
    left = len(texts) - kept
    return [*texts[:kept], *([catalogue.count("message", "more", left)] if left else [])]
