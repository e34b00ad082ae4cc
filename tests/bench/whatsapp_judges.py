"""What clients that we did not write say of the fake Cloud API and of our webhooks: their tests, run here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
JUDGES = {
    "pywa": ("tests/e2e/test_pywa_judge.py",),
    "npm SDKs": ("-m", "long", "tests/e2e/test_sdk_judges.py"),
}
_COUNTS = re.compile(r"(\d+) (passed|failed|skipped|error)")


def judges() -> dict[str, Any]:
    """Return for each judge how many of its judgements passed, failed and were skipped."""
    found = {name: tested(*arguments) for name, arguments in JUDGES.items()}
    for name, counts in found.items():
        print(f"  {name}: {counts}")  # noqa: T201 - a result
    passed = {name: counts.get("passed", 0) for name, counts in found.items()}
    failed = sum(counts.get("failed", 0) + counts.get("error", 0) for counts in found.values())
    return {
        "judges": passed,
        "judges_skipped": _skipped(found),
        "judges_failed": failed + (not passed["pywa"]),
    }


def tested(*arguments: str) -> dict[str, int]:
    """Return how many of some tests passed, failed, were skipped or broke; only what there is."""
    command = [sys.executable, "-m", "pytest", "-q", "--timeout", "600", *arguments]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = told.stdout.strip().splitlines()
    counts = {what: int(number) for number, what in _COUNTS.findall(lines[-1] if lines else "")}
    if told.returncode:
        print(told.stdout[-3000:])  # noqa: T201 - why it failed
    return counts


def _skipped(found: dict[str, dict[str, int]]) -> list[str]:
    return [name for name, counts in found.items() if counts.get("skipped") and not counts.get("passed")]
