"""How large evidence pictures are and how long they take, over everyday cows and the hardest ones.

In one process, as the relay's own worker draws them: what it costs to start that is paid once.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING

import numpy as np

from relay.alerts.words import LANGUAGES
from relay.pictures.worker import drawn
from tests.relay.pictures.cows import cases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIMITS = {"picture_bytes_max": 60_000, "picture_ms_p95": 400.0}
_COWS = 3  # of every kind, in every language


def measure(seed: int, folder: Path | None = None) -> dict[str, float]:
    """Return the figures of LIMITS. folder: where the pictures go, if anybody wants to look at them."""
    every = [
        (f"{case.name}-{language}-{cow}", case.asked)
        for cow in range(_COWS) for language in LANGUAGES for case in cases(seed + cow, language)
    ]  # fmt: skip
    drawn(every[0][1])  # what is read once: fonts and words
    sizes, times_ms = [], []
    for name, asked in every:
        begin = time.perf_counter()
        made = drawn(asked) or b""
        times_ms.append(1_000 * (time.perf_counter() - begin))
        sizes.append(len(made))
        if folder:
            (folder / f"{name}.png").write_bytes(made)
    if not min(sizes):
        raise RuntimeError(f"{sizes.count(0)} of {len(sizes)} pictures were not drawn")
    return {
        "picture_bytes_max": max(sizes),
        "picture_ms_p95": round(float(np.percentile(times_ms, 95)), 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON; return 1 if one of them is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    found = measure(parser.parse_args(arguments).seed)
    print(json.dumps(found))  # noqa: T201 - its output
    return int(any(found[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    raise SystemExit(main())
