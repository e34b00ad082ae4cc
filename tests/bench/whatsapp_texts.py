"""Whether everything can be said, and every command understood, in every language: the tests that walk it."""

from __future__ import annotations

from typing import Any

from relay.whatsapp.texts import LANGUAGES, load
from tests.bench.whatsapp_judges import tested

_WALKS = (
    "tests/relay/test_whatsapp_texts.py",
    "tests/relay/test_languages.py",
    "tests/relay/conversation",
)


def texts() -> dict[str, Any]:
    """Return what could not be said or was not understood, and how much there is."""
    counts = tested(*_WALKS)
    return {
        "texts_missing": counts.get("failed", 0) + counts.get("error", 0) + (not counts.get("passed")),
        "texts_tests": counts.get("passed", 0),
        "templates": len(load().templates),
        "languages": list(LANGUAGES),
    }
