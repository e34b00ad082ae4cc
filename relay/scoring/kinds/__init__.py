"""The alert kinds: one file each, found by being here.

A file declares KIND and VERSION. A scorer of hours (of a whole farm at once, arrays by animal) has `State`, a
NamedTuple of arrays, `start(n) -> State` and `step(state, view) -> (State, findings)`; with `peek(state,
view) -> findings` it also looks at the hour that is still open. A scorer of single minutes (of one animal)
has `State`, `step_minutes(state, minutes, limits) -> (State, findings)`, `encode` and `decode`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from relay.scoring.kind import Kind


@cache
def _modules() -> tuple[ModuleType, ...]:
    names = sorted(each.name for each in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}") for name in names)


@cache
def hourly() -> tuple[Any, ...]:
    """Return the scorers of hours, by name."""
    return tuple(each for each in _modules() if hasattr(each, "step"))


@cache
def minutely() -> tuple[Any, ...]:
    """Return the scorers of single minutes, by name."""
    return tuple(each for each in _modules() if hasattr(each, "step_minutes"))


@cache
def all_kinds() -> dict[str, Kind]:
    """Return every kind by its name."""
    return {each.KIND.name: each.KIND for each in _modules()}
