"""bench-firmware, mutants: protections taken out one by one, and how many of them a named test notices."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.collar.mutants.workshop import MUTANTS, change, copy_to, is_killed, run


def figures() -> dict[str, int]:
    """Return mutants and mutants_killed. Raises RuntimeError if the tests fail without a mutant, too."""
    with tempfile.TemporaryDirectory() as folder:
        done = run(copy_to(Path(folder)), sorted({test for *_, test in MUTANTS.values()}))
    if done.returncode:
        raise RuntimeError(f"the unchanged copy fails: {done.stdout[-400:]}")
    killed = 0
    for name in MUTANTS:
        with tempfile.TemporaryDirectory() as folder:
            copy = copy_to(Path(folder))
            is_noticed = is_killed(run(copy, [change(copy, name)]))
        print(f"  {name}: {'killed' if is_noticed else 'LIVES'}", flush=True)  # noqa: T201 - half a minute in all
        killed += is_noticed
    return {"mutants": len(MUTANTS), "mutants_killed": killed}
