"""A farmer who answers alerts as people do: usually right, and sometimes wrong, silent or late.

Pure and seeded: the same alert gets the same answer, in whatever order alerts are asked about.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_SOON_MIN, _LATE_H = 90, (8, 48)  # answers come within 90 minutes, late ones after 8 to 48 hours


class Verdict(StrEnum):
    """What the farmer says about an alert."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Farmer:
    """Answers alerts. Shares of alerts that he judges wrongly, does not answer, and answers late."""

    seed: int
    wrong: float = 0.1
    silent: float = 0.1
    late: float = 0.1

    def __post_init__(self) -> None:
        shares = (self.wrong, self.silent, self.late)
        if min(shares) < 0 or sum(shares) > 1:
            raise ValueError(f"wrong, silent, late = {shares}: want shares from 0 that make at most 1")

    def answer(self, alert_id: str, at_ms: int, *, was_right: bool) -> tuple[Verdict, int] | None:
        """Return what he says of an alert told at `at_ms`, and when (UTC ms); None if he says nothing."""
        mood = self._draw(alert_id, "mood")
        if mood < self.silent:
            return None
        is_mistaken = mood >= 1 - self.wrong
        is_late = self.silent <= mood < self.silent + self.late
        verdict = Verdict.RIGHT if was_right != is_mistaken else Verdict.WRONG
        return verdict, at_ms + self._delay_ms(alert_id, is_late=is_late)

    def _delay_ms(self, alert_id: str, *, is_late: bool) -> int:
        share = self._draw(alert_id, "delay")
        if is_late:
            return round((_LATE_H[0] + share * (_LATE_H[1] - _LATE_H[0])) * _HOUR_MS)
        return round((1 + share * (_SOON_MIN - 1)) * _MINUTE_MS)

    def _draw(self, alert_id: str, what: str) -> float:
        """Return a number from 0 to below 1 that belongs to this farmer, alert and question."""
        name = f"farmer|{self.seed}|{alert_id}|{what}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
