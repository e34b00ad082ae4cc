"""What farms, people and animals may be called: it stands in messages, pictures and terminals as it is."""

from __future__ import annotations

NAME_MAX, NUMBER_MAX = 60, 24
_JOINERS = "\u200c\u200d"  # Hindi and Urdu are written with them


def check_name(field: str, value: str, most: int = NAME_MAX) -> None:
    """Raise ValueError unless a name is 1 to `most` characters that can be seen, with no blank around."""
    seen = value.translate(dict.fromkeys(map(ord, _JOINERS)))
    if not seen or seen != seen.strip() or not seen.isprintable() or len(value) > most:
        raise ValueError(
            f"{field}={value!r}, want 1..{most} characters that can be seen, and no blank around them"
        )
