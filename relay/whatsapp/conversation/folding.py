"""Text as it is compared: small letters, no accents, digits 0 to 9, no invisible marks. Pure."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_KEPT = frozenset("./-:")  # between digits they belong to a date, a time or an ear tag
_DROPPED = frozenset("'\u2019\u02bc\u0640\u093c")  # apostrophes; the stretching of Arabic; the dot of Hindi
_MARKS = ((0x0300, 0x036F), (0x064B, 0x065F), (0x0670, 0x0670))  # accents of Latin, vowels of Arabic
_SAME = str.maketrans(
    {
        "\u064a": "\u06cc",  # Arabic and Farsi keyboards have other letters for the same ones of Urdu
        "\u0649": "\u06cc",
        "\u0643": "\u06a9",
        "\u0647": "\u06c1",
        "\u0629": "\u06c1",
        "\u06be": "\u06c1",
        "\u0901": "\u0902",  # both dots above a vowel of Hindi
    }
)


def fold(text: str) -> str:
    """Return a text as it is compared, its words parted by one space."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(_folded(character) for character in plain).translate(_SAME)
    parts = [
        character if character not in _KEPT or _is_between_digits(kept, at) else " "
        for at, character in enumerate(kept)
    ]
    return " ".join("".join(parts).split())


def tokens(text: str) -> list[str]:
    """Return the folded words of a text."""
    return fold(text).split()


@lru_cache(maxsize=65_536)  # the names of all animals are looked up with every message
def key(text: str) -> str:
    """Return a name or number as it is looked up: "A-12", "a 12" and "A12" are the same."""
    return "".join(tokens(text))


def allowed_slips(word: str) -> int:
    """Return how many letters of a word may be wrong. Numbers are never guessed."""
    if any(character.isdigit() for character in word):
        return 0
    return 2 if len(word) >= 8 else 1 if len(word) >= 4 else 0


def distance(one: str, other: str) -> int:
    """Return how many letters to insert, drop, change or swap with their neighbour (restricted Damerau)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, last, row = row, before, [at]
        for place, against in enumerate(other, 1):
            cost = min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (letter != against))
            if at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == against:
                cost = min(cost, last[place - 2] + 1)
            row.append(cost)
    return row[-1]


def is_slip(said: str, word: str) -> bool:
    """Whether `said` may be `word` with a slip; also if it is right."""
    slips = min(allowed_slips(said), allowed_slips(word))
    return abs(len(said) - len(word)) <= slips and distance(said, word) <= slips


def _folded(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if (
        category == "Cf"
        or character in _DROPPED
        or any(low <= ord(character) <= high for low, high in _MARKS)
    ):
        return ""
    if category[0] in "LMN" or character in _KEPT:
        return character
    return " "


def _is_between_digits(text: str, at: int) -> bool:
    return text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()
