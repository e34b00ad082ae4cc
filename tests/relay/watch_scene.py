"""Collars that upload, minute by minute, and a watch that listens: the scene of the tests of silence."""

from __future__ import annotations

from relay.watch.parts import MINUTE_MS, Heard, Limits, State, Worn
from relay.watch.silence import step

T0_MS = 1_790_000_000_000
PERIOD_MIN = 15


class Herd:
    """Collars 1..n of one farm; collar i uploads at minutes i, i + 15, ... unless it is `gone`.

    `gone`: (device, from minute, until minute) spans; `services`: name -> minutes at which it answered.
    """

    def __init__(self, n, gone=(), *, phase=1, expected_min=PERIOD_MIN, via=None, deaf=(), after_min=30):
        self.n, self.gone, self.phase, self.deaf = n, list(gone), phase, deaf
        self.worn = tuple(
            Worn(device, 1, expected_min * MINUTE_MS, (via or {}).get(device, ""))
            for device in range(1, n + 1)
        )
        self.limits = Limits(after_min * MINUTE_MS)
        self.state, self.last, self.services = State(), {}, {}
        self.told, self.minute = [], 0

    def uploads(self, device, minute):
        """Say whether a collar is heard in this minute."""
        due = minute % PERIOD_MIN == device * self.phase % PERIOD_MIN
        return due and not any(who == device and a <= minute < b for who, a, b in self.gone)

    def run(self, until):
        """Let time go on to that minute; return the notes as (minute, what, device or collars)."""
        for minute in range(self.minute, until):
            if any(a <= minute < b for a, b in self.deaf):
                continue
            now_ms = T0_MS + minute * MINUTE_MS
            for worn in self.worn:
                if self.uploads(worn.device, minute):
                    self.last[worn.device] = now_ms
            self.look(minute)
        self.minute = until
        return self.told

    def look(self, minute):
        """Take one step."""
        now_ms = T0_MS + minute * MINUTE_MS
        services = {
            name: T0_MS + max((m for m in minutes if m <= minute), default=0) * MINUTE_MS
            for name, minutes in self.services.items()
        }
        self.state, notes = step(self.state, now_ms, Heard(self.worn, self.last, services), self.limits)
        for note in notes:
            word = note.part + (" over" if note.is_over else "")
            self.told.append((minute, word, note.device or note.collars))


def line(n, start, end):
    """Return the spans of a whole herd that is gone."""
    return [(device, start, end) for device in range(1, n + 1)]
