"""How fast and to how many Meta lets a number send, and what was refused for it.

Sources: Meta, "Throughput" (80 messages a second, in and out), "Messaging Limits" (people outside a window
within 24 h), "Error codes" (131056: one message to a person in 6 s, up to 45 at once on credit).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from simulator.cloud_errors import GraphError

_DAY_MS = 24 * 3_600_000
MPS, PAIR, USERS = 130429, 131056, 131048


@dataclass(slots=True)
class Limits:
    """Buckets of the fake's clock. users: people outside a window within 24 h. refused: by code."""

    mps: int = 80
    pair_ms: int = 6000
    pair_burst: int = 45
    users: int = 250
    refused: Counter[int] = field(default_factory=Counter)
    _number_full_ms: float = 0.0
    _pair_full_ms: dict[str, int] = field(default_factory=dict)
    _told_ms: dict[str, int] = field(default_factory=dict)  # the newest last

    def take(self, now_ms: int, user: str, *, in_window: bool) -> None:
        """Count one message to `user`; raises GraphError 130429, 131056 or 131048 and counts nothing then."""
        pair_ms = max(now_ms, self._pair_full_ms.get(user, 0))
        self._forget(now_ms)
        if max(now_ms, self._number_full_ms) - now_ms > 1000 - 1000 / self.mps:
            self._refuse(MPS, f"more than {self.mps} messages a second")
        if pair_ms - now_ms > (self.pair_burst - 1) * self.pair_ms:
            self._refuse(
                PAIR, f"more than {self.pair_burst} messages to one person, one more in {self.pair_ms} ms"
            )
        is_new = not in_window and user not in self._told_ms
        if is_new and len(self._told_ms) >= self.users:
            self._refuse(USERS, f"messaging limit: more than {self.users} people within 24 hours")
        self.count(now_ms)
        self._pair_full_ms[user] = pair_ms + self.pair_ms
        if is_new:
            self._told_ms[user] = now_ms

    def count(self, now_ms: int) -> None:
        """Count a message in either direction against the throughput; one that came in is never refused."""
        self._number_full_ms = max(now_ms, self._number_full_ms) + 1000 / self.mps

    @property
    def people_told(self) -> int:
        """How many people count against the messaging limit."""
        return len(self._told_ms)

    def _forget(self, now_ms: int) -> None:
        while self._told_ms and now_ms - next(iter(self._told_ms.values())) >= _DAY_MS:
            del self._told_ms[next(iter(self._told_ms))]

    def _refuse(self, code: int, details: str) -> None:
        self.refused[code] += 1
        raise GraphError(code, details)
