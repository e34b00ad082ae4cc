"""herdbell replay: what another version of a scorer would have told, before anyone switches."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from relay import timebudget
from relay.cli.common import command, farm_called, json_option, open_state, say
from relay.scoring import hours, replayed
from relay.scoring.facts import farm_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from relay.config import Config
    from relay.model import Animal, Farm, HourRecord
    from relay.scoring.findings import Found
    from relay.scoring.herd import Facts
    from relay.scoring.replayed import Pair, Replayed
    from relay.storage.sqlite import SqliteStorage

_SIDES = {"only_live": "only live", "only_new": "only new", "both": "both"}
_FOREVER = 1 << 40  # hours


class _Kept(NamedTuple):
    """What the relay keeps of a farm."""

    farm: Farm
    animals: dict[int, Animal]
    records: list[HourRecord]
    facts: Facts


class _Scorer(click.ParamType["tuple[str, Path | int]"]):
    """NAME=FILE or NAME@VERSION."""

    name = "NAME=FILE|NAME@VERSION"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path | int]:
        name, is_file, path = str(value).partition("=")
        if is_file and name and path:
            return name, Path(path)
        name, _, version = str(value).partition("@")
        if not (name and version.isdecimal()):
            self.fail(f"{value!r}: want NAME=FILE or NAME@VERSION, as in heat=heat.py or heat@0", param, ctx)
        return name, int(version)


@click.command("replay")
@click.option("--farm", "farm_id", type=int, help="Id of the farm; may be left out if there is only one.")
@click.option(
    "--scorer", "scorers", type=_Scorer(), multiple=True, required=True,
    help="An alert kind, and what would take its place: a Python file in the form of relay/scoring/kinds, or "
    "a version kept in relay/scoring/versions.",
)  # fmt: skip
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
    help="Show alerts that begin on this day of the farm's or later; all hours kept are folded anyway.",
)  # fmt: skip
@json_option
@command
async def replay(
    config: Config,
    farm_id: int | None,
    scorers: Sequence[tuple[str, Path | int]],
    since: datetime | None,
    as_json: bool,
) -> None:
    """Run the hours that are kept of a farm through other scorers beside the live ones.

    Nothing is changed and nothing is sent. Shown is what the scorers find, before quiet hours, the budget and
    what was learned from answers. The FILE is run as Python: look into it first. Hours are kept for 35 days,
    and the first days of them say little, because nothing is usual yet.
    """
    pairs = _loaded(scorers)
    async with open_state(config) as (storage, _):
        kept = await _kept(storage, await farm_called(storage, farm_id))
    found = _replayed(pairs, kept, _since_ms(kept.farm, since))
    say(as_json, "\n".join(_words(pairs, kept, found)), **_json(pairs, kept, found))


def _loaded(scorers: Sequence[tuple[str, Path | int]]) -> list[Pair]:
    names = [name for name, _ in scorers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"{twice}: named twice")
    return [replayed.load(name, path) for name, path in scorers]


def _since_ms(farm: Farm, since: datetime | None) -> int:
    return timebudget.span_ms(since.date(), farm.zone)[0] if since else 0


async def _kept(storage: SqliteStorage, farm: Farm) -> _Kept:
    records = await storage.hours(farm.id, 0, _FOREVER)
    if not records:
        raise ValueError(f"{farm.name}: no hours are kept yet")
    animals = {one.id: one for one in await storage.animals(farm.id)}
    there = {each.animal_id for each in records}
    span = records[0].hour, records[-1].hour + 1
    known = await farm_facts(storage, farm, [animals[each] for each in there], span)
    return _Kept(farm, animals, records, known.plain)


def _replayed(pairs: Sequence[Pair], kept: _Kept, since_ms: int) -> Replayed:
    span = kept.records[-1].hour - kept.records[0].hour + 1
    told = replayed.in_order(kept.records, kept.facts.animals)
    with click.progressbar(length=span, label="hours", file=sys.stderr) as bar:
        return replayed.replay(pairs, told, kept.facts, since_ms, lambda _: bar.update(1))


def _words(pairs: Sequence[Pair], kept: _Kept, found: Replayed) -> Iterator[str]:
    first, last = (_when(kept.farm, hours.start_ms(kept.records[at].hour)) for at in (0, -1))
    yield f"{kept.farm.name}: hours from {first} to {last}, {found.cow_years:.2f} cow-years looked at"
    for pair in pairs:
        differences = found.by_kind[pair.name]
        yield f"\n{pair.name}: live version {pair.live.VERSION}, new version {pair.new.VERSION}"
        for side, words in _SIDES.items():
            count = sum(each.side == side for each in differences)
            yield f"  {words:10}{count:5}  {_per_year(count, found):8.2f} a cow-year"
        for each in differences:
            live, new = _score(each.live), _score(each.new)
            who = _who(kept, each.either)
            began = _when(kept.farm, each.either.onset_ms)
            yield f"  {_SIDES[each.side]:10} {began}  {who:16} live {live:18} new {new}".rstrip()


def _json(pairs: Sequence[Pair], kept: _Kept, found: Replayed) -> dict[str, Any]:
    return {
        "farm": kept.farm.id,
        "from_hour": kept.records[0].hour,
        "until_hour": kept.records[-1].hour + 1,
        "cow_years": found.cow_years,
        "kinds": {pair.name: _kind_json(pair, kept, found) for pair in pairs},
    }


def _kind_json(pair: Pair, kept: _Kept, found: Replayed) -> dict[str, Any]:
    differences = found.by_kind[pair.name]
    counts = {side: sum(each.side == side for each in differences) for side in _SIDES}
    return {
        "live_version": pair.live.VERSION,
        "new_version": pair.new.VERSION,
        **counts,
        "per_cow_year": {side: _per_year(count, found) for side, count in counts.items()},
        "alerts": [
            {
                "side": each.side,
                "animal": _who(kept, each.either),
                "live": _alert_json(each.live),
                "new": _alert_json(each.new),
            }
            for each in differences
        ],
    }


def _alert_json(found: Found | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"onset_ms": found.onset_ms, "at_ms": found.at_ms, "evidence": found.evidence}


def _per_year(count: int, found: Replayed) -> float:
    return count / found.cow_years if found.cow_years else 0.0


def _score(found: Found | None) -> str:
    """Return the first number of the trace and its bound, as in "score 5.2 of 4"."""
    if found is None:
        return "-"
    trace = found.evidence.get("trace") or [["found", "", ""]]
    name, value, bound = trace[0]
    return f"{name} {value}" + (f" of {bound}" if bound != "" else "")


def _who(kept: _Kept, found: Found) -> str:
    return "the farm" if found.animal is None else kept.animals[found.animal].label


def _when(farm: Farm, at_ms: int) -> str:
    return f"{timebudget.local(at_ms, farm.zone):%Y-%m-%d %H:%M}"
