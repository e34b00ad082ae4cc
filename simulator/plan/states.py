"""What a virtual cow can be doing: one table for plan, looks, minutes, pictures and truth."""

from __future__ import annotations

from typing import NamedTuple

from herdcore.vocabulary import BEHAVIOURS


class State(NamedTuple):
    """`behaviour`: what a watcher calls it, one of BEHAVIOURS. `lies`: whether she is down."""

    name: str
    behaviour: str
    lies: bool


TABLE = (
    State("lie", "rest", lies=True),
    State("lie_ruminate", "ruminate", lies=True),
    State("stand", "rest", lies=False),
    State("stand_ruminate", "ruminate", lies=False),
    State("eat", "graze", lies=False),
    State("walk", "walk", lies=False),
    State("drink", "other", lies=False),
    State("milk", "rest", lies=False),  # stands in the parlour or waits before it
    State("run", "other", lies=False),  # chased
    State("side", "other", lies=True),  # flat on her side, struggling
    State("gone", "unknown", lies=False),  # no cow moves the collar: she is dead, or it lies on the ground
)
STATES = tuple(state.name for state in TABLE)
LIE, LIE_RUMINATE, STAND, STAND_RUMINATE, EAT, WALK, DRINK, MILK, RUN, SIDE, GONE = range(len(TABLE))
BEHAVIOUR_OF_STATE = tuple(BEHAVIOURS.index(state.behaviour) for state in TABLE)
LIES = tuple(state.lies for state in TABLE)
