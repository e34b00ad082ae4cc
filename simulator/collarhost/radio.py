"""Who may talk next: the one rule that makes a run repeatable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.collarhost.life import FREE, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.collarhost.life import CollarLife


def next_talker(lives: Iterable[CollarLife]) -> tuple[CollarLife | None, CollarLife | None]:
    """Return (who may talk now, else whose next step to wait for).

    The earliest waiting collar talks as soon as no collar that may still want the radio is earlier than it in
    (virtual time, index). Nobody does while another talks.
    """
    lives = list(lives)
    waiting = [life for life in lives if life.state is State.WAITING]
    if not waiting or any(life.state is State.TALKING for life in lives):
        return None, None
    first = min(waiting, key=lambda life: life.place)
    earlier = [life for life in lives if life.state in FREE and life.place < first.place]
    return (None, min(earlier, key=lambda life: life.place)) if earlier else (first, None)
