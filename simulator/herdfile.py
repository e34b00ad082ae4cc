"""The numbers of the virtual herd: herd.toml in this package, and a herd file of one's own laid over it.

Every number there is a leaf { value, source, from } and may have `within`, the bounds that a herd file is
held to, `whole`, where it must be a whole number, `one_of`, the words it may choose from, or `any_length`,
where a list may grow. A herd file names only what is different; it may write the bare value, which then
counts as assumed.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SOURCES = ("measured", "published", "assumed")
DEFAULT_PATH = Path(__file__).with_name("herd.toml")

Section = dict[str, Any]


class HerdError(ValueError):
    """A herd file with a number that is missing, unknown, out of bounds, or that has no source."""


@lru_cache(maxsize=16)
def load_herd(path: Path | None = None) -> Section:
    """Return the tree of values of herd.toml with the herd file at `path` laid over it; lists as tuples.

    It is shared: do not change it. Raises HerdError naming file, field, value and bound; OSError.
    """
    leaves = _read(DEFAULT_PATH)
    _require_sources(leaves, "")
    values = _values(leaves)
    if path is not None:
        _lay_over(values, leaves, _read(path), path, "")
        _require_zone(values["herd"]["zone"], path)
    return values


def sources(path: Path = DEFAULT_PATH) -> dict[str, str]:
    """Return the source of every field of a whole herd file, by its dotted name. Raises HerdError."""
    found: dict[str, str] = {}
    _require_sources(_read(path), "", found, path)
    return found


def _require_zone(zone: str, path: Path) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise HerdError(f"{path}: herd.zone={zone!r}: want an IANA time zone like Asia/Kolkata") from error


def _read(path: Path) -> Section:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HerdError(f"{path}: {error}") from error


def _require_sources(
    node: Section, where: str, found: dict[str, str] | None = None, path: Path = DEFAULT_PATH
) -> None:
    for key, item in node.items():
        field = f"{where}{key}"
        if not isinstance(item, dict):
            raise HerdError(f"{path}: {field} has no source; want {{ value, source, from }}")
        if "value" not in item:
            _require_sources(item, f"{field}.", found, path)
            continue
        _require_source(item, field, path)
        if found is not None:
            found[field] = item["source"]


def _require_source(leaf: Section, field: str, path: Path) -> None:
    if leaf.get("source") not in SOURCES:
        raise HerdError(f"{path}: {field}: source={leaf.get('source')!r}, want one of {', '.join(SOURCES)}")
    if not leaf.get("from"):
        raise HerdError(f"{path}: {field}: 'from' does not say where it comes from")


def _values(leaves: Section) -> Section:
    return {key: _frozen(item["value"]) if "value" in item else _values(item) for key, item in leaves.items()}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def _lay_over(values: Section, leaves: Section, other: Section, path: Path, where: str) -> None:
    for key, item in other.items():
        field = f"{where}{key}"
        if key not in leaves:
            raise HerdError(f"{path}: {field} is not a field of herd.toml; {_known(leaves)}")
        leaf = leaves[key]
        if "value" in leaf:
            values[key] = _checked(leaf, item, field, path)
        elif isinstance(item, dict):
            _lay_over(values[key], leaf, item, path, f"{field}.")
        else:
            raise HerdError(f"{path}: {field}={item!r}: want a table; {_known(leaf)}")


def _known(leaves: Section) -> str:
    return f"there are {', '.join(sorted(leaves))}"


def _checked(leaf: Section, item: Any, field: str, path: Path) -> Any:
    value = item
    if isinstance(item, dict) and "value" in item:
        _require_source(item, field, path)
        value = item["value"]
    _require_like(leaf, leaf["value"], value, f"{path}: {field}")
    return _frozen(value)


def _require_like(leaf: Section, known: Any, value: Any, where: str) -> None:
    """Raise HerdError unless `value` has the form of `known` and stays within the leaf's bounds."""
    if isinstance(known, list):
        _require_list(leaf, known, value, where)
    elif isinstance(known, str):
        if not isinstance(value, str) or value not in leaf.get("one_of", (value,)):
            wanted = f"one of {', '.join(leaf['one_of'])}" if "one_of" in leaf else "a text"
            raise HerdError(f"{where}={value!r}: want {wanted}")
    elif isinstance(known, bool):
        if not isinstance(value, bool):
            raise HerdError(f"{where}={value!r}: want true or false")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise HerdError(f"{where}={value!r}: want a number")
    elif leaf.get("whole") and not isinstance(value, int):
        raise HerdError(f"{where}={value!r}: want a whole number")
    else:
        low, high = leaf.get("within", (float("-inf"), float("inf")))
        if not low <= value <= high:
            raise HerdError(f"{where}={value!r}: want {low}..{high}")


def _require_list(leaf: Section, known: list[Any], value: Any, where: str) -> None:
    if not isinstance(value, list) or not (value or leaf.get("any_length")):
        raise HerdError(f"{where}={value!r}: want a list")
    if len(value) != len(known) and not leaf.get("any_length"):
        raise HerdError(f"{where} has {len(value)} entries: want {len(known)}")
    for at, each in enumerate(value):
        _require_like(leaf, known[min(at, len(known) - 1)] if known else 0.0, each, f"{where}[{at}]")
