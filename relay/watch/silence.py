"""What is not there: a pure fold over what was heard when. No clock, no store; times are UTC ms.

A blind span lasts from the last thing heard of a part to the next. When it is told:

- a collar that uploads every 15 min: 40 min after its last upload, that is 25 min after the first one that
  failed to come. A fault of 30 min swallows two uploads in a row and so 45 min of hearing, so each is told,
  and 40 min after it began at the latest; one lost upload (30 min of hearing) is never told. Where the farm's
  coverage lets expect longer gaps, that gap takes the place of the 15 min.
- a farm's line (access point, gateway, internet): as soon as nothing has been heard of any collar for 30 min
  beyond the next upload that was due, less 5 min; in a herd, whose uploads are spread, that is 30 min after
  the last one. The same of 60 % or more of them, or of all that come by one of several addresses: one note.
- a service that is asked every few minutes (Meta, a relay): 30 min after its last good answer.

Each is over, and told so, when it has been heard regularly for 45 min: one that flaps is one fault. After
the relay itself was deaf, or a line had a gap too short to tell, collars get the time that their back-off
takes to come back before any of them is called silent.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from relay.watch.lines import step_farm
from relay.watch.parts import MINUTE_MS, Note, Part, State, step_part

if TYPE_CHECKING:
    from relay.watch.parts import Heard, Limits, Worn

_DEAF_MS = 10 * MINUTE_MS  # a longer pause between two steps: nobody was listening


def step(state: State, now_ms: int, heard: Heard, limits: Limits) -> tuple[State, list[Note]]:
    """Take in what was heard up to now; return the new state and what is to be told because of it.

    A collar that is not among `heard.worn`, or was never heard, is forgotten without a word.
    """
    state = _listening(state, now_ms, limits)
    services: dict[str, Part] = {}
    notes: list[Note] = []
    for name, last_ms in heard.services.items():
        services[name], told = _service(state.services.get(name), name, last_ms, now_ms, limits)
        notes += told
    collars: dict[int, Part] = {}
    for farm_id, herd in _herds(state, heard).items():
        farm, told = step_farm(state, now_ms, farm_id, herd, heard.collars, limits)
        collars |= farm.collars
        state = replace(state, lines=farm.lines, quiet=farm.quiet)
        notes += told
    lines = tuple(line for line in state.lines if not line.members.isdisjoint(collars))
    return replace(state, at_ms=now_ms, services=services, collars=collars, lines=lines), notes


def _herds(state: State, heard: Heard) -> dict[int, list[Worn]]:
    herds = defaultdict(list)
    for worn in heard.worn:
        if worn.device in state.collars or worn.device in heard.collars:
            herds[worn.farm_id].append(worn)
    return herds


def _listening(state: State, now_ms: int, limits: Limits) -> State:
    """Forgive what may only have been missed because nobody was listening, or because the clock was set."""
    pause_ms = now_ms - state.at_ms if state.at_ms else 0
    if 0 <= pause_ms <= _DEAF_MS:
        return state
    away_ms = min(abs(pause_ms), limits.after_ms)
    services = {name: replace(part, last_ms=now_ms) for name, part in state.services.items()}
    return replace(state, deaf_until_ms=now_ms + away_ms + limits.slack_ms, services=services)


def _service(
    known: Part | None, name: str, last_ms: int, now_ms: int, limits: Limits
) -> tuple[Part, list[Note]]:
    part, change = step_part(
        known or Part(last_ms or now_ms),
        last_ms,
        now_ms,
        limits.after_ms,
        2 * limits.ask_ms + MINUTE_MS,
        limits.good_ms,
    )
    return part, [Note(name, change.since_ms, now_ms, change.back_ms)] if change else []
