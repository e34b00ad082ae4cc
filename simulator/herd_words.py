"""What happens in a herd, in words: for progress, tables and pictures."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from simulator.clock import START_UTC_MS
from simulator.lives.happening import DISTURBANCES, EVENTS

if TYPE_CHECKING:
    from simulator.virtual_herd import VirtualHerd

WORDS = {
    "heat": "in heat",
    "calving": "calving",
    "dystocia": "hard calving",
    "off_feed": "off her feed",
    "mastitis": "mastitis",
    "lameness": "lame",
    "heat_stress": "heat stress",
    "herd_event": "chased",
    "cast": "cast on her side",
    "down": "down",
    "dead": "dead",
    "theft": "stolen",
    "collar_off": "collar off",
    "collar_loose": "collar loose",
    "collar_turned": "collar turned",
    "battery": "battery flat",
    "outage": "radio out",
    "coactive": "with one in heat",
    "feed_change": "new feed",
    "group_move": "moved to a group",
    "vet_day": "vet's day",
    "trimming": "hoof trimming",
    "rain": "rain",
    "herd_shock": "something upsets the herd",
    "odd_day": "odd day",
}
assert set(WORDS) == {*EVENTS, *DISTURBANCES}


class Moment(NamedTuple):
    """Something begins, ms since the start."""

    at_ms: int
    words: str


def name_of(model: dict[str, Any], cow: int) -> str:
    """Return a cow's name; where names run out, with a number behind it."""
    names = model["herd"]["names"]
    again, place = divmod(cow, len(names))
    return str(names[place]) + (f" {again + 1}" if again else "")


def local(model: dict[str, Any], at_ms: int) -> datetime:
    """Return a moment, ms since the start, on the farm's clocks."""
    return datetime.fromtimestamp((START_UTC_MS + at_ms) / 1000, UTC).astimezone(
        ZoneInfo(model["herd"]["zone"])
    )


def moments(herd: VirtualHerd) -> list[Moment]:
    """Return what begins in a herd, by time: true events, and what upsets all for no reason of theirs."""
    first = herd.model["herd"]["first_number"]
    found = []
    for row in herd.truth:
        who = f"cow {row.animal} {name_of(herd.model, int(row.animal) - first)}" if row.animal else "the farm"
        silent = "" if row.expressed else ", and nobody can see it"
        found.append(Moment(row.onset_ms, f"{who}: {WORDS[row.kind]}{silent}"))
    found += [
        Moment(each.onset_ms, f"the farm: {WORDS[each.kind]}")
        for each in herd.herd_wide
        if each.kind in DISTURBANCES
    ]
    return sorted(found)
