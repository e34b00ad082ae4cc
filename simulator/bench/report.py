"""How every benchmark ends: a table on the terminal, and the same figures as JSON in build/bench."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any


def commit() -> str:
    """Return the measured commit, with "+" if the tree was changed, or "unknown" outside a checkout."""
    try:
        head, status = _git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if status else "")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - fixed words


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 1),
    }


def report(name: str, seed: int, figures: dict[str, Any], folder: Path = Path("build/bench")) -> Path:
    """Print `figures` as a table and write them to `folder`/`name`.json; return that path."""
    width = max(len(key) for key in figures)
    for key, value in figures.items():
        print(f"  {key:<{width}}  {value:.3f}" if isinstance(value, float) else f"  {key:<{width}}  {value}")  # noqa: T201 - a benchmark's output is its table
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    record = {"name": name, "commit": commit(), "seed": seed, "machine": machine(), "figures": figures}
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"  -> {path}")  # noqa: T201 - as above
    return path
