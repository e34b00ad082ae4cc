"""How often a person is answered: commands cost the farm money, and a script could send thousands."""

from __future__ import annotations

from collections import OrderedDict, deque

PER_MINUTE = 20
_MINUTE_MS = 60_000
_PEOPLE_MOST = 10_000


class Pace:
    """Counts the commands of each person by the time they were written, so that a backlog is no flood."""

    def __init__(self) -> None:
        self._at_ms: OrderedDict[int, deque[int]] = OrderedDict()

    def allows(self, person_id: int, said_ms: int) -> bool:
        """Count one; False if there were PER_MINUTE in the minute before it."""
        mine = self._at_ms.setdefault(person_id, deque(maxlen=PER_MINUTE))
        self._at_ms.move_to_end(person_id)
        if len(self._at_ms) > _PEOPLE_MOST:
            self._at_ms.popitem(last=False)
        if sum(0 <= said_ms - at_ms < _MINUTE_MS for at_ms in mine) >= PER_MINUTE:
            return False
        mine.append(said_ms)
        return True
