"""Who lives with whom, and the middle one of them: what nearly every scorer of hours asks in every hour."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp]

_FARMS_KEPT = 16


class Same:
    """An array as a key: it is equal to itself only, however alike another is. Nobody may write into it."""

    __slots__ = ("array",)

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.array is self.array

    def __hash__(self) -> int:
        return id(self.array)


def places(group: NDArray[np.intp]) -> tuple[Places, ...]:
    """Return the places of the animals of each group, by its number. `group` (n,): who lives with whom."""
    return _places(Same(group))


@lru_cache(maxsize=_FARMS_KEPT)
def _places(group: Same) -> tuple[Places, ...]:
    return tuple(np.flatnonzero(group.array == each) for each in np.unique(group.array))


def middle(values: NDArray[np.floating], known: Any = None) -> Any:
    """Return the median along the first axis; `known`: how many of a column are not NaN, if some may be.

    To the bit that of numpy, whose own costs ten times as much on fifty values.
    """
    ordered = np.sort(values, axis=0)  # NaN come last
    if known is None or values.ndim == 1:
        count = len(ordered) if known is None else int(known)
        return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    columns = np.arange(values.shape[1])
    return (ordered[(known - 1) // 2, columns] + ordered[known // 2, columns]) / 2
