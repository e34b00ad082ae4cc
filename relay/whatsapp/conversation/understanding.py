"""What a message says: a command, the animals it names, a day or a time to last. Pure; it never raises.

Nothing is guessed about STOP and START. Of a command that changes something every word has to be known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from relay.whatsapp.conversation.folding import tokens
from relay.whatsapp.conversation.lexicon import START, STOP, lexicon, start_words, stop_words
from relay.whatsapp.conversation.reading import Reading
from relay.whatsapp.conversation.said import Said

if TYPE_CHECKING:
    from collections.abc import Collection

LONGEST = 4_000  # characters
_WORDS_MAX = 40
_QUESTION_MARKS = frozenset("?\u061f\uff1f")
_JOINED = re.compile(r"(\d+)([^\d./:-]+)|([^\d./:-]+)(\d+)")


def understand(text: str, language: str, names: Collection[str] = frozenset()) -> Said:
    """Return what a message of a person who has set `language` says.

    names: names and numbers of the animals they may mean, as `folding.key` gives them.
    """
    if len(text) > LONGEST:
        return Said()
    parts = tokens(text)
    if not 0 < len(parts) <= _WORDS_MAX:
        return Said()
    if command := _plain(parts):
        return Said(command)
    read = Reading(_parted(parts, names), lexicon(language), names)
    read.all()
    return read.result(is_question=bool(_QUESTION_MARKS & set(text)))


def alone(text: str) -> str:
    """Return "stop" or "start" for a message that says that and nothing else, be it more than once."""
    parts = [] if len(text) > LONGEST else tokens(text)
    return _plain(parts) if len(parts) <= _WORDS_MAX else ""


def _plain(parts: list[str]) -> str:
    for command, known in ((STOP, stop_words()), (START, start_words())):
        if parts and _is_made_of(parts, known):
            return command
    return ""


def _is_made_of(parts: list[str], known: Collection[str]) -> bool:
    """Whether a message is nothing but these phrases, one after the other."""
    for length in range(len(parts), 0, -1):
        if " ".join(parts[:length]) in known:
            return length == len(parts) or _is_made_of(parts[length:], known)
    return False


def _parted(parts: list[str], names: Collection[str]) -> list[str]:
    """Return the words with letters and figures that stick together taken apart, but for names."""
    found: list[str] = []
    for part in parts:
        joined = None if part in names else _JOINED.fullmatch(part)
        found.extend(group for group in joined.groups() if group) if joined else found.append(part)
    return found
