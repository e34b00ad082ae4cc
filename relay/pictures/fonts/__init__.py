"""The fonts of the pictures: Latin, Greek and Cyrillic; Devanagari; Arabic. README.md says where from."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

_FILES = ("herdbell-latin.ttf", "herdbell-devanagari.ttf", "herdbell-arabic.ttf")
_UNSEEN = "Cf"  # joiners and marks of direction: matplotlib hands them on, no font need have them
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e")  # these turn 12 into 21; isolates are enough for us


def _families() -> tuple[str, ...]:
    paths = [str(Path(__file__).with_name(name)) for name in _FILES]
    for path in paths:
        font_manager.fontManager.addfont(path)
    return tuple(FT2Font(path).family_name for path in paths)


FAMILIES = _families()  # in the order in which they are asked for a letter


@cache
def _letters() -> frozenset[int]:
    return frozenset(
        code for name in _FILES for code in FT2Font(str(Path(__file__).with_name(name))).get_charmap()
    )


def drawable(text: str) -> str:
    """Return the letters of `text` that the fonts have: of the others only boxes would be seen."""
    known = _letters()
    kept = "".join(
        c for c in text
        if c not in _TURNING and (ord(c) in known or unicodedata.category(c) == _UNSEEN)
    )  # fmt: skip
    return " ".join(kept.split())
