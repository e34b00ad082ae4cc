"""How fast: so many messages a second for our number, and so many to one person; without a clock of its own.

Sources: Meta, "Throughput" and "Error codes" (130429, 131056), Cloud API documentation, 2026: 80 messages a
second at first, one in 6 s to the same person with some on credit.
"""

from __future__ import annotations

from dataclasses import dataclass

SLOW_MS = 600_000
_SET_BACK_MS = 1_000
_PEOPLE_KEPT = 10_000


class Bucket:
    """Lets `burst` go at once and one per interval in the long run. Any unit of time, integers."""

    __slots__ = ("_burst", "_full_at", "interval")

    def __init__(self, interval: int, burst: int) -> None:
        self.interval, self._burst = interval, burst
        self._full_at = 0  # when all of the burst is there again

    def free(self, now: int) -> int:
        """Return how many may go now."""
        return max(0, self._burst - -(-self._debt(now) // self.interval))

    def take(self, now: int) -> None:
        """One goes, whether it may or not."""
        self._full_at = now + min(self._debt(now), self._burst * self.interval) + self.interval

    def opens(self, now: int) -> int:
        """Return when one may go: `now` if it may."""
        return now + max(0, self._debt(now) - (self._burst - 1) * self.interval)

    def _debt(self, now: int) -> int:
        """Return for how long it is not full. More than all of it says that the clock was set back."""
        debt = max(0, self._full_at - now)
        return debt if debt <= (self._burst + 1) * self.interval else 0

    @property
    def full_at(self) -> int:
        """When it is as if nothing had ever gone."""
        return self._full_at


class NumberPace:
    """The pace of our number, in ms outside and µs inside. mps: messages a second, 1..1000.

    The burst is a quarter of a second's: so in no second more than 5/4 of `mps` go.
    """

    def __init__(self, mps: int) -> None:
        self._mps = mps
        self._factor, self._slow_ms = 1, (0, 0)
        self._bucket = Bucket(1_000_000 // mps, max(1, mps // 4))

    def free(self, now_ms: int) -> int:
        """Return how many messages may go now."""
        self._heed(now_ms)
        return self._bucket.free(now_ms * 1000)

    def take(self, now_ms: int) -> None:
        """One goes."""
        self._bucket.take(now_ms * 1000)

    def opens_ms(self, now_ms: int) -> int:
        """Return when a message may go: `now_ms` if one may."""
        self._heed(now_ms)
        return -(-self._bucket.opens(now_ms * 1000) // 1000)

    def slow(self, now_ms: int) -> None:
        """Go at half the speed for SLOW_MS; once more, at half of that."""
        self._factor = min(self._factor * 2, self._mps)
        self._slow_ms = (now_ms, now_ms + SLOW_MS)
        self._bucket.interval = self._factor * 1_000_000 // self._mps

    def _heed(self, now_ms: int) -> None:
        if self._factor > 1 and not self._slow_ms[0] <= now_ms < self._slow_ms[1]:
            self._factor, self._bucket.interval = 1, 1_000_000 // self._mps


@dataclass(slots=True)
class _Person:
    bucket: Bucket
    promised_ms: int = 0  # when the last of those that wait may go
    held_ms: int = 0
    holds: int = 0  # in a row
    shunned_ms: tuple[int, int] = (0, 0)  # since, until

    def is_over(self, now_ms: int) -> bool:
        return max(self.bucket.full_at, self.promised_ms, self.held_ms, self.shunned_ms[1]) <= now_ms


class PeoplePace:
    """The pace of each person: interval_ms between messages, `burst` at once. A restart forgets all of it."""

    def __init__(self, interval_ms: int, burst: int) -> None:
        self._interval_ms, self._burst = interval_ms, burst
        self._people: dict[int, _Person] = {}
        self._seen_ms = 0

    def turn_ms(self, person_id: int, now_ms: int, *, critical: bool = False) -> int:
        """Return when a message to this person may go: `now_ms`, and then it has to; else its own turn.

        Those that wait get turns one behind the other; a critical one gets the first, whoever has it.
        """
        one = self._person(person_id, now_ms)
        opens_ms = max(one.bucket.opens(now_ms), one.held_ms)
        if opens_ms <= now_ms:
            one.bucket.take(now_ms)
            return now_ms
        if critical:
            return opens_ms
        one.promised_ms = max(opens_ms, one.promised_ms + self._interval_ms)
        return one.promised_ms

    def take(self, person_id: int, now_ms: int) -> None:
        """One more goes to this person at once."""
        self._person(person_id, now_ms).bucket.take(now_ms)

    def hold(self, person_id: int, now_ms: int, wait_s: int, growth: int) -> int:
        """Send this person nothing for a while: wait_s, `growth` times as long each time in a row.

        Return until when. A refusal of what was under way when it began makes it no longer.
        """
        one = self._person(person_id, now_ms)
        if one.held_ms <= now_ms:
            one.held_ms = now_ms + wait_s * 1000 * growth ** min(one.holds, 2)
            one.holds += 1
        return one.held_ms

    def passed(self, person_id: int) -> None:
        """Graph took a message for this person."""
        if one := self._people.get(person_id):
            one.holds = 0
            one.shunned_ms = (0, 0)

    def shun(self, person_id: int, now_ms: int, seconds: int) -> None:
        """Remember that this person cannot be reached."""
        self._person(person_id, now_ms).shunned_ms = (now_ms, now_ms + seconds * 1000)

    def is_shunned(self, person_id: int, now_ms: int, last_inbound_ms: int | None) -> bool:
        """Whether this person could not be reached not long ago, and has not written since."""
        one = self._people.get(person_id)
        if one is None or not one.shunned_ms[0] <= now_ms < one.shunned_ms[1]:
            return False
        return last_inbound_ms is None or last_inbound_ms <= one.shunned_ms[0]

    def _person(self, person_id: int, now_ms: int) -> _Person:
        if now_ms < self._seen_ms - _SET_BACK_MS:
            self._people.clear()  # the clock was set back: what lies ahead of it would last for ever
        self._seen_ms = now_ms
        if len(self._people) > _PEOPLE_KEPT:
            self._people = {who: one for who, one in self._people.items() if not one.is_over(now_ms)}
        if person_id not in self._people:
            self._people[person_id] = _Person(Bucket(self._interval_ms, self._burst))
        return self._people[person_id]
