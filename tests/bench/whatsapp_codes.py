"""How many error codes have an action that was caused: the table, and the tests that walk it."""

from __future__ import annotations

from typing import Any

from relay.whatsapp.graph_codes import RULES
from tests.bench.whatsapp_judges import tested

_RANGE = range(200, 300)  # one row of Meta's table


def codes() -> dict[str, Any]:
    """Return how many rows of Meta's table have an action, none if one of their tests fails."""
    counts = tested("tests/relay/test_whatsapp_codes.py")
    rows = sum(code not in _RANGE for code in RULES) + any(code in RULES for code in _RANGE)
    return {"error_codes": rows if set(counts) == {"passed"} else 0, "error_code_tests": counts}
