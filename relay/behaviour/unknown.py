"""Windows that no cow can have made: never labelled as behaviour.

A window is doubted if

- it is frozen: no deviation, difference or crossing on any axis. The stillest window of a recorded cow has
  several mg of both; a chip's own noise alone makes 1 mg
- it is saturated: a mean at the end of its scale, or a code at its end
- it is mis-scaled: the length of its mean gravity is not that of 1 g. Recorded collars at rest read 0.90 to
  1.12 g (domain.md 0.11), and motion shortens the mean of a window, never lengthens it much: so above 1.30 g,
  or below 0.70 g while it hardly moves, the scale is wrong. One recorded box reads 7.7 g.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_G: Final = 1.30
LEAST_STILL_G: Final = 0.70
STILL_CODE: Final = 91  # 16 log2(1 + mg): 50 mg on an axis
_STEPS_A_G = 1000 / 16
_LAST_CODE = 255


def is_unknown(records: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which of (n, 14) windows records are not a cow's."""
    columns = np.ascontiguousarray(records.T)
    squares = np.square(columns[:3].view(np.int8), dtype=np.int32).sum(axis=0)
    at_an_end = columns[:3] - np.uint8(127) <= 1  # 127 and -128 follow each other in a byte
    saturated = at_an_end.any(axis=0) | (columns[3:9].max(axis=0) == _LAST_CODE)
    still = columns[3:6].max(axis=0) <= STILL_CODE
    moves = columns[3:12].any(axis=0)
    out: NDArray[np.bool_] = (
        saturated | ~moves | (squares > _square(MOST_G)) | (still & (squares < _square(LEAST_STILL_G)))
    )
    return out


def _square(length_g: float) -> float:
    """Return the square of a length of gravity, in steps of a mean."""
    return (length_g * _STEPS_A_G) ** 2
