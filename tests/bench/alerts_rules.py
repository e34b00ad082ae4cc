"""Our heat alarms and the published rules on the same farms, at equal sensitivity.

Of every cow: the rules as they are, their blocks taken together as alerts, judged by the same heats and
windows as ours; a rule that looks once a day may take a day more, and no upload delays a rule. Alike: they,
too, are quiet about cows that our scorer leaves out (pregnant, just calved). As published (herd_rules.py):
each of their days counts, of all cows. They see a vendor's counts, made for them (simulator/vendor.py), which
tell lying from standing; ours sees what our collar does. Ours is run at several thresholds; for each rule the
one with fewest false alarms is taken that finds as many heats as the rule or more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.evaluation import rules
from simulator.plan.routine import HOUR_MS
from tests.bench import herd_rules
from tests.bench.alerts_alarm import Alarm
from tests.bench.alerts_judge import Tally, false_rate, over_herds, summary, tally, total
from tests.bench.herd_rules import BLOCK_H, Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.evaluation.rules import Rule
    from tests.bench.alerts_farm import Lived

# Added to our threshold. Wide enough to come below the most and above the least sensitive rule.
OFFSETS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.5)
DAY_H = 24.0
LEAST_FALSE = 0.5  # alarms: nothing was false, told from a finite time


class Ruled(NamedTuple):
    """A published rule on one farm: `alike`, `every_cow` (the same, of all cows), and as published."""

    alike: Tally
    every_cow: Tally
    published: Counts


def told(rule: Rule, lived: Lived, *, of_all: bool = False) -> list[Alarm]:
    """Return what a rule tells of the cows that ours looks at, or `of_all`, as our alarms look."""
    assert lived.activity is not None
    assert lived.may_heat is not None
    last_hour = np.arange(lived.activity.shape[1]) * BLOCK_H + BLOCK_H - 1
    flags = rule.flags(lived.activity, BLOCK_H) & (lived.may_heat[:, last_hour] | of_all)
    blocks = rules.alerts(flags, BLOCK_H, rule.min_blocks, rule.merge_h)
    return [
        Alarm("heat", cow, at_ms, at_ms, at_ms)
        for cow, hers in enumerate(blocks)
        for at_ms in ((block + 1) * BLOCK_H * HOUR_MS for block in hers)
    ]


def of_farm(lived: Lived) -> dict[str, Ruled]:
    """Return each published rule on a farm."""
    assert lived.activity is not None
    farm = herd_rules.of_lives(lived.activity.copy(), lived.histories, lived.days)
    return {
        rule.name: Ruled(
            *(
                tally(lived, told(rule, lived, of_all=of_all), "heat", late_h=DAY_H if rule.daily else 0.0)
                for of_all in (False, True)
            ),
            herd_rules.counted(rule, farm),
        )
        for rule in rules.RULES
    }


def swept(lived: Lived) -> dict[float, Tally]:
    """Return ours at every threshold of the sweep."""
    return {offset: tally(lived, alarms, "heat") for offset, alarms in lived.swept.items()}


def sensitivity(tallies: Sequence[Tally]) -> float:
    """Return the share found of what could be."""
    all_ = total(tallies)
    return all_.found / max(1, all_.eligible)


def rate_at_least(tallies: Sequence[Tally]) -> float:
    """Return false alarms a cow-year, half a one where there was none: a rate of nothing proves little."""
    all_ = total(tallies)
    return max(all_.false, LEAST_FALSE) / max(all_.years, 1e-9)


def ratio(
    ours: Mapping[float, Sequence[Tally]], theirs: Sequence[Tally]
) -> tuple[float, float, tuple[float, float] | None] | None:
    """Return (ratio of false rates, our offset, interval over herds); None if ours never finds as many."""
    wanted = sensitivity(theirs)
    able = [offset for offset, tallies in ours.items() if sensitivity(tallies) >= wanted]
    if not able:
        return None
    best = min(able, key=lambda offset: (false_rate(ours[offset]), -offset))
    pairs = list(zip(ours[best], theirs, strict=True))

    def of(drawn: Sequence[tuple[Tally, Tally]]) -> float:
        return rate_at_least([one for one, _ in drawn]) / rate_at_least([two for _, two in drawn])

    return of(pairs), best, over_herds(pairs, of)


def compared(farms: Sequence[Mapping[str, Ruled]], ours: Sequence[Mapping[float, Tally]]) -> dict[str, Any]:
    """Return `rules`, each with its figures, and the worst ratios of false alarms at equal sensitivity.

    `not_reached`: rules that find more than ours does at any threshold.
    """
    by_offset = {offset: [each[offset] for each in ours] for offset in ours[0]}
    found: dict[str, Any] = {}
    for name in farms[0]:
        theirs = [each[name].alike for each in farms]
        of_all = [each[name].every_cow for each in farms]
        counts = _added([each[name].published for each in farms])
        equal, equal_of_all = ratio(by_offset, theirs), ratio(by_offset, of_all)
        found[name] = {
            **summary(theirs),
            "every_cow_sensitivity": sensitivity(of_all),
            "every_cow_false_per_cow_year": false_rate(of_all),
            "ours_false_ratio_every_cow": equal_of_all and equal_of_all[0],
            "as_published_sensitivity": counts.found / max(1, counts.heats),
            "as_published_false_per_cow_year": 365 * counts.false_days / max(1, counts.days),
            "ours_false_ratio": equal and equal[0],
            "ours_offset": equal and equal[1],
            "ours_false_ratio_95": equal and equal[2],
            "ours_sensitivity_there": equal and sensitivity(by_offset[equal[1]]),
        }
    as_they_are, same_cows = (
        _worst(found, key) for key in ("ours_false_ratio_every_cow", "ours_false_ratio")
    )
    beyond = sorted(name for name, each in found.items() if each["ours_false_ratio"] is None)
    return {
        "rules": found,
        "false_ratio_to_best_rule": as_they_are[1],
        "false_ratio_rule": as_they_are[0],
        "false_ratio_same_cows": same_cows[1],
        "false_ratio_same_cows_rule": same_cows[0],
        "false_ratio_not_reached": beyond,
        "rules_find_more": len(beyond),
        "sweep": [
            {
                "offset": offset,
                "sensitivity": sensitivity(tallies),
                "false_per_cow_year": false_rate(tallies),
            }
            for offset, tallies in by_offset.items()
        ],
    }


def _worst(found: Mapping[str, Mapping[str, Any]], key: str) -> tuple[str | None, float | None]:
    """Return the rule with the highest ratio, and that."""
    known = {name: each[key] for name, each in found.items() if each[key] is not None}
    worst = max(known, key=lambda name: known[name], default=None)
    return worst, known[worst] if worst else None


def _added(counts: Sequence[Counts]) -> Counts:
    out = Counts(0, 0, 0, 0)
    for each in counts:
        out = out.plus(each)
    return out
