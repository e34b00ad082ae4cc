"""The tables of bench-alerts for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.scoring import kinds
from tests.bench.alerts_judge import kinds_and_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEAD = (
    f"    {'':<18} {'events':>6} {'elig.':>6} {'found':>6}  {'sensitivity':<17}  {'precision':<17}  "
    f"{'false/cow-year':<19} {'delay h p50':>11} {'p90':>6}"
)


def say(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        print(line, flush=True)  # noqa: T201 - the table of a benchmark


def kind_lines(by_kind: Mapping[str, Any]) -> Iterable[str]:
    """Yield the table per kind; 95 % intervals in brackets."""
    known, named = kinds.all_kinds(), kinds_and_stages()
    yield _HEAD
    for name, each in by_kind.items():
        kind = known.get(named.get(name, ("", None))[0])
        note = "  experimental" if kind and kind.is_experimental else ""
        if each["false_also_per_cow_year"]:
            note += f"  (of the false {each['false_also_per_cow_year']:.2f} while something else was wrong)"
        yield _line(name, each) + note


def farm_lines(rows: Mapping[str, Any]) -> Iterable[str]:
    """Yield heat by herd or by coverage."""
    yield _HEAD
    for name, each in rows.items():
        yield _line(name, each) + ("" if each.get("is_served", True) else "  switched off there")


def _line(name: str, each: Mapping[str, Any]) -> str:
    within = each["intervals_95"]
    return (
        f"    {name:<18} {each['events']:>6} {each['eligible']:>6} {each['found']:>6}  "
        f"{_within(each['sensitivity'], within['sensitivity'], 3):<17}  "
        f"{_within(each['precision'], within['precision'], 3):<17}  "
        f"{_within(each['false_per_cow_year'], within['false_per_cow_year'], 2):<19} "
        f"{_number(each['delay_p50_h'], 1):>11} {_number(each['delay_p90_h'], 1):>6}"
    )


def rule_lines(compared: Mapping[str, Any]) -> Iterable[str]:
    """Yield the published rules, and ours at the sensitivity of each."""
    theirs = f"{'finds':>6} {'false/cow-year':>14} {'of every cow':>12}   {'as published':>15}"
    yield f"    {'published rule':<20} {theirs}   {'ours: false x, of every cow':<28} {'alike':<18} at"
    for name, each in compared["rules"].items():
        alike = _within(each["ours_false_ratio"], each["ours_false_ratio_95"], 2)
        ratio = _number(each["ours_false_ratio_every_cow"], 2)
        published = f"{each['as_published_sensitivity']:.3f} {each['as_published_false_per_cow_year']:8.1f}"
        there = (
            "never finds as many" if each["ours_offset"] is None else f"{each['ours_sensitivity_there']:.3f}"
        )
        yield (
            f"    {name:<20} {each['sensitivity'] or 0:6.3f} {each['false_per_cow_year']:14.2f} "
            f"{each['every_cow_false_per_cow_year']:12.2f}   {published:>15}   {ratio:<28} {alike:<18} "
            f"{there}"
        )


def message_lines(messages: Mapping[str, Any]) -> Iterable[str]:
    """Yield messages per 100 cows a day."""
    for name, each in messages["messages"].items():
        yield (
            f"    100 cows a day, {name:<9}: true {each['true']:.2f}, useless {each['useless']:.2f}; "
            f"urgent {each['urgent_true']:.2f}, {each['urgent_useless']:.2f}; digest {each['digest']:.2f}"
        )


def learning_lines(learning: Mapping[str, Any]) -> Iterable[str]:
    """Yield what was right by month, with a farmer who answers and without."""
    for name, key in (("he answers", "precision_by_month"), ("he does not", "precision_by_month_without")):
        months = " ".join(_number(each, 2) for each in learning[key])
        yield f"    right by month of 30 days, {name:<11}: {months}"


def _within(value: float | None, interval: tuple[float, float] | None, digits: int) -> str:
    if value is None:
        return "-"
    return _number(value, digits) + (
        f" ({interval[0]:.{digits}f}-{interval[1]:.{digits}f})" if interval else ""
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
