"""A herd on the terminal: how it goes, keys that pause it or change its speed, and what happened."""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from simulator.herd_words import WORDS, local, moments
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.plan.states import EAT, LIE_RUMINATE, LIES, STAND_RUMINATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from simulator.plan.living import Day
    from simulator.virtual_herd import VirtualHerd

_BAR = (6, 20)  # shorter where words would not fit
_WORDS = 130
_PLAIN_EVERY_S = 3.0
_TTY_EVERY_S = 0.1
_CLEAR = "\r\x1b[K"
_SLOWEST, _FASTEST = 1 / 64, 1 << 16  # virtual hours a second
_LIES = np.array(LIES)


class Keys:
    """Keys as they are pressed, if a person sits there; the terminal is put back as it was."""

    def __init__(self) -> None:
        self.on = sys.stdin.isatty() and sys.stdout.isatty()
        self._before: list[Any] | None = None

    def __enter__(self) -> Keys:
        if self.on:
            try:
                import termios  # noqa: PLC0415 - Windows has none
                import tty  # noqa: PLC0415 - nor that

                self._before = termios.tcgetattr(sys.stdin)
                tty.setcbreak(sys.stdin)
            except ImportError:
                self.on = False
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import termios  # noqa: PLC0415 - as above

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def pressed(self, wait_s: float) -> str:
        """Return what is pressed within `wait_s`, "" if nothing is."""
        if not self.on:
            time.sleep(wait_s)
            return ""
        ready, _, _ = select.select([sys.stdin], [], [], wait_s)
        return os.read(sys.stdin.fileno(), 64).decode(errors="replace") if ready else ""


class Pace:
    """How fast a herd lives: `speed` in virtual hours a second, 0 as fast as it goes."""

    def __init__(self, speed: float) -> None:
        self.speed, self.paused, self.ended = speed, False, False

    def press(self, keys: str, present: float) -> None:
        """Obey keys; `present`: virtual hours a second that it goes now."""
        for key in keys:
            if key == " ":
                self.paused = not self.paused
            elif key == "q":
                self.ended = True
            elif key == "+" and self.speed:
                self.speed = min(self.speed * 2, _FASTEST)
            elif key == "-":
                self.speed = max((self.speed or 2 ** round(np.log2(max(present, 1.0)))) / 2, _SLOWEST)


class Player:
    """Shows a herd that is made, at the pace that is asked for."""

    def __init__(
        self,
        herd: VirtualHerd,
        pace: Pace,
        keys: Keys,
        *,
        say: Callable[..., None] = click.echo,
        wall_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._herd, self._pace, self._keys, self._say, self._wall_s = herd, pace, keys, say, wall_s
        self._moments = moments(herd)
        self._begins = [each.at_ms for each in self._moments]
        self._tty = sys.stdout.isatty()
        self._began_s = self._shown_s = wall_s()
        self._halted_s = 0.0
        self.done = 0  # cow-days

    def part_done(self, now_ms: int, cows: int) -> None:
        """Take note of a cow's day or several; `now_ms`: how far the herd is."""
        self.done += cows
        self._obey(0.0)
        self._show(now_ms)
        while self._pace.paused and not self._pace.ended:
            self._halt(now_ms)

    def play(self, day: int) -> None:
        """Let a day that is made pass, if its pace is limited."""
        now_ms, last_s = float(day * DAY_MS), self._wall_s()
        while self._pace.speed and not self._pace.ended and now_ms < (day + 1) * DAY_MS:
            before_s = self._wall_s()
            left_s = ((day + 1) * DAY_MS - now_ms) / HOUR_MS / self._pace.speed
            self._obey(max(0.0, min(_TTY_EVERY_S, left_s)))
            spent_s = self._wall_s() - last_s
            last_s += spent_s
            if self._pace.paused:
                self._halted_s += self._wall_s() - before_s
            else:
                now_ms = min(now_ms + spent_s * self._pace.speed * HOUR_MS, float((day + 1) * DAY_MS))
            self._show(min(int(now_ms), (day + 1) * DAY_MS - 1))

    def over(self) -> None:
        """Leave the line of progress."""
        if self._tty:
            self._say(_CLEAR, nl=False)

    def line(self, now_ms: int) -> str:
        """Return the progress at a time, in words."""
        total = self._herd.days * self._herd.cows
        day = min(now_ms // DAY_MS, self._herd.days - 1)
        share = min(1.0, now_ms / (self._herd.days * DAY_MS))
        wide = min(max(self._columns() - _WORDS, _BAR[0]), _BAR[1])
        bar = "=" * int(share * wide)
        state = states_at(self._herd.day(day), now_ms)
        chew = int(np.isin(state, (LIE_RUMINATE, STAND_RUMINATE)).sum())
        wall_s = max(self._wall_s() - self._began_s - self._halted_s, 1e-6)
        rate = self.done / wall_s
        left_s = (1 / share - 1) * wall_s if share else 0.0
        newest = bisect_right(self._begins, now_ms)
        return (
            f"[{bar:<{wide}}] {local(self._herd.model, now_ms):%a %d %b %Y %H:%M}  "
            f"THI {float(self._herd.weather.thi(now_ms)):.0f}  of {total // self._herd.days}: "
            f"{int(_LIES[state].sum())} lie {int((state == EAT).sum())} eat {chew} ruminate  "
            f"{rate:,.0f} collar-days/s  {_spoken(left_s)} left{self._pace_words()}"
            + (f"  {self._moments[newest - 1].words}" if newest else "")
        )

    def _pace_words(self) -> str:
        if self._pace.paused:
            return "  PAUSED"
        return f"  {self._pace.speed:g} h/s" if self._pace.speed else ""

    def _halt(self, now_ms: int) -> None:
        before_s = self._wall_s()
        self._obey(_TTY_EVERY_S)
        self._halted_s += self._wall_s() - before_s
        self._show(now_ms)

    def _obey(self, wait_s: float) -> None:
        gone_s = max(self._wall_s() - self._began_s - self._halted_s, 1e-6)
        present = self.done / self._herd.cows * 24 / gone_s
        keys = self._keys.pressed(wait_s)
        self._pace.press(keys, present)
        if keys:
            self._shown_s = 0.0  # an answer at once

    def _show(self, now_ms: int) -> None:
        now_s = self._wall_s()
        if now_s - self._shown_s < (_TTY_EVERY_S if self._tty else _PLAIN_EVERY_S):
            return
        self._shown_s = now_s
        text = self.line(now_ms)
        if self._tty:
            self._say(f"{_CLEAR}{text[: self._columns() - 1]}", nl=False)
        else:
            self._say(text)

    @staticmethod
    def _columns() -> int:
        return shutil.get_terminal_size((160, 24)).columns


def states_at(plan: Day, now_ms: int) -> NDArray[np.uint8]:
    """Return (n,) what every cow does at a time within the day."""
    begun = np.concatenate(([0], np.cumsum(plan.start_ms <= now_ms)))
    of_cow = begun[plan.first[1:]] - begun[plan.first[:-1]]
    return np.asarray(plan.state[plan.first[:-1] + np.maximum(of_cow, 1) - 1])


def summary(herd: VirtualHerd, days: int) -> Iterator[str]:
    """Yield the lines that say what truly happened in the first `days` days."""
    cow_days = days * herd.cows
    yield f"{days} days of {herd.cows} cows: {cow_days:,} cow-days, {cow_days / 365:.1f} cow-years"
    times: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    spent_ms: defaultdict[str, int] = defaultdict(int)
    end_ms = days * DAY_MS
    for row in herd.truth:
        if row.onset_ms < end_ms:
            times[row.kind] += 1
            seen[row.kind] += row.expressed
            last_ms = end_ms if row.end_ms is None else min(row.end_ms, end_ms)
            spent_ms[row.kind] += (last_ms - row.onset_ms) * (1 if row.animal else herd.cows)
    if not times:
        yield "  nothing happened to any of them"
        return
    yield f"  {'what happened':<18}{'times':>6}{'to be seen':>12}{'a cow-year':>12}{'cow-days':>10}"
    for kind, count in times.most_common():
        yield (
            f"  {WORDS[kind]:<18}{count:>6}{seen[kind]:>12}{count * 365 / cow_days:>12.2f}"
            f"{spent_ms[kind] / DAY_MS:>10.1f}"
        )


def _spoken(seconds: float) -> str:
    with suppress(OverflowError, ValueError):
        minutes, rest = divmod(int(seconds), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
    return "?"
