"""The verbs of the control calls about the cloud itself: each takes the state and named values.

What one cannot do it says with LookupError, ValueError or GraphError.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from simulator import cloud_control_people as people
from simulator.clock import VirtualClock
from simulator.cloud_faults import Fault
from simulator.cloud_limits import Limits
from simulator.cloud_standing import ENTITIES, STATES, Standing, Trouble
from simulator.cloud_template import APPROVED, CATEGORIES, PENDING, REJECTED
from simulator.cloud_webhooks import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.cloud_state import Cloud

_BATCH_MAX = 1000


def fault(
    cloud: Cloud,
    times: int = 1,
    to: str = "",
    template: str = "",
    share: float = 0.0,
    seed: int = 1,
    **what: Any,
) -> dict[str, int]:
    """Let something go wrong, the fields of Fault.

    These are code, details, late, accept, delay_ms, hang, drop, bad_gateway, half and held. For the next
    `times` messages (0: all), those to a person or of a template, or a share of all by seed.
    """
    made = Fault(**{name: _checked(name, value, Fault()) for name, value in what.items()})
    if share:
        cloud.faults.often(made, share, seed)
    else:
        cloud.faults.script(made, times, to=to, template=template)
    return {"scripted": len(cloud.faults)}


def no_faults(cloud: Cloud) -> None:
    """Let nothing go wrong any more."""
    cloud.faults.clear()


def limits(cloud: Cloud, **limits: Any) -> None:
    """Set limits: mps, pair_ms, pair_burst, users."""
    for name, value in limits.items():
        if type(value) is int and value < 1:
            raise ValueError(f"{name}={value}: want 1 or more")
    _set(cloud.limits, {"mps", "pair_ms", "pair_burst", "users"}, limits, Limits())


def review(
    cloud: Cloud, status: str = "APPROVED", after_ms: int = 0, name: str = "", category: str = ""
) -> None:
    """Say how Meta reviews new templates: status, after how long; its category for a name."""
    _one_of("status", status, (APPROVED, REJECTED, PENDING))
    _one_of("category", category, ("", *CATEGORIES))
    cloud.registry.review, cloud.registry.review_ms = status, after_ms
    if name:
        cloud.registry.categories[name] = category


def template(
    cloud: Cloud, name: str, language: str, status: str = "", reason: str = "NONE", category: str = "",
    quality: str = "", pause_ms: int = 0,
) -> None:  # fmt: skip
    """Let Meta change a template: status (reason; pause_ms until it is reinstated), category or quality."""
    if status:
        cloud.registry.decide(name, language, status, reason, pause_ms)
    if category:
        cloud.registry.recategorise(name, language, category)
    if quality:
        cloud.registry.judge(name, language, quality)


async def webhooks(cloud: Cloud, url: str = "", verify: bool = True, **how: Any) -> None:
    """Set where webhooks go, after the handshake unless verify is false, and how.

    How: batch, copies, reverse, shuffle, seed, delay_ms, contacts, paused.
    """
    if not 1 <= int(how.get("batch", 1)) <= _BATCH_MAX:
        raise ValueError(f"batch={how['batch']} outside 1..{_BATCH_MAX}")
    if url:
        if verify and not await cloud.webhooks.verify(url, cloud.account.verify_token):
            raise ValueError(f"{url} did not give the challenge back")
        cloud.webhooks.url = url
    _set(cloud.webhooks.how, {one.name for one in fields(Delivery)}, how, Delivery())


def field(cloud: Cloud, field: str, value: dict[str, Any]) -> None:
    """Send a webhook of any field, as account_update or phone_number_quality_update, with that value."""
    cloud.webhooks.put_field(field, value)


def standing(cloud: Cloud, **standing: Any) -> None:
    """Set how the account stands: the fields of Standing but troubles; scopes is a list."""
    if "scopes" in standing:
        cloud.standing.scopes = tuple(standing.pop("scopes"))
    names = {one.name for one in fields(Standing)} - {"troubles", "scopes"}
    _set(cloud.standing, names, standing, Standing())


def trouble(
    cloud: Cloud, entity: str, code: int = 0, text: str = "", solution: str = "", state: str = "BLOCKED"
) -> None:
    """Let the health call report trouble with PHONE_NUMBER, WABA, BUSINESS or APP; code 0 ends it."""
    _one_of("entity", entity, ENTITIES)
    _one_of("state", state, STATES)
    if code:
        cloud.standing.troubles[entity] = Trouble(code, text, solution, state)
    else:
        cloud.standing.troubles.pop(entity, None)


async def clock(cloud: Cloud, utc_ms: int) -> dict[str, int]:
    """Move the fake's time on, if it stands still by itself, and let all happen that was due before."""
    moved = cloud.clock if isinstance(cloud.clock, VirtualClock) else None
    if moved is None:
        raise LookupError("this fake has no clock of its own to move: start it with --still")
    await cloud.settle()
    moved.advance_to(utc_ms)
    await cloud.settle()
    return {"utc_ms": moved.utc_ms}


async def settle(cloud: Cloud) -> dict[str, bool]:
    """Answer once every webhook that is due has been tried."""
    await cloud.settle()
    return {"waiting": cloud.webhooks.waiting}


VERBS: dict[str, Callable[..., Any]] = {
    verb.__name__: verb
    for verb in (
        fault, no_faults, limits, review, template, webhooks, field, standing, trouble, clock, settle,
        people.phone, people.tap, people.choose, people.write, people.react, people.read, people.identity,
        people.prefer,
    )
}  # fmt: skip


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name}={value!r} is none of {known}")


def _checked(name: str, value: Any, like: Any) -> Any:
    if name.startswith("_") or not hasattr(like, name) or name == "hold":
        raise ValueError(f"{name}={value!r} is nothing that can be set here")
    usual = getattr(like, name)
    wanted = (int, type(None)) if usual is None else type(usual)
    if not isinstance(value, wanted) or (
        isinstance(value, bool) and usual is not None and not isinstance(usual, bool)
    ):
        raise ValueError(f"{name}={value!r}: want a value like {usual!r}")
    return value


def _set(holder: Any, names: set[str], values: dict[str, Any], like: Any) -> None:
    for name, value in values.items():
        if name not in names:
            raise ValueError(f"{name}={value!r}: one of {', '.join(sorted(names))}")
        setattr(holder, name, _checked(name, value, like))
