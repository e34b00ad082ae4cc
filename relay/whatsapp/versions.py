"""When a version of the Graph API ends: after that day every call fails.

Source: Meta, "Graph API Changelog", read on 22 November 2026. v26.0 is the newest; its end is not set.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

NEWEST = "v26.0"
READ_ON = date(2026, 11, 22)
ENDS: dict[str, date | None] = {
    "v21.0": date(2027, 1, 21),
    "v22.0": date(2027, 5, 20),
    "v23.0": date(2027, 10, 8),
    "v24.0": date(2028, 2, 18),
    "v25.0": date(2028, 7, 29),
    NEWEST: None,
}
WARN_DAYS = 180


def days_left(version: str, today: date) -> int | None:
    """Return the days until a version ends, negative once it has; None if no end of it is known here."""
    end = ENDS.get(version)
    return None if end is None else (end - today).days


def warning(version: str, today: date) -> str:
    """Return what an operator should know of a version, "" if all is well."""
    if version not in ENDS:
        known = ", ".join(ENDS)
        return f"whatsapp.graph_version {version} is none of {known}, known on {READ_ON}"
    left = days_left(version, today)
    if left is None or left >= WARN_DAYS:
        return ""
    when = f"ends on {ENDS[version]}, in {left} days" if left >= 0 else f"ended on {ENDS[version]}"
    return f"whatsapp.graph_version {version} {when}: use {NEWEST}"


def day_of(utc_ms: int) -> date:
    """Return the UTC day of a time."""
    return datetime.fromtimestamp(utc_ms / 1000, UTC).date()
