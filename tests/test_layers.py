"""Who imports whom: read from the code's own import statements."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "herdcore": ROOT / "firmware/lib/herdcore",
    "collar": ROOT / "firmware/lib/collar",
    "relay": ROOT / "relay",
    "simulator": ROOT / "simulator",
}
ALLOWED = {
    "herdcore": {"herdcore"},
    "collar": {"collar", "herdcore"},
    "relay": {"relay", "herdcore"},
    "simulator": {"simulator", "collar", "herdcore"},
}
HARDWARE = {"machine", "network", "esp32", "espnow", "bluetooth"}
# These files stand where the board's modules stand, inside the interpreter.
BOARD_SIDE = ROOT / "simulator/collarhost/upy"


def imported(path: Path) -> set[str]:
    """Return the top-level names that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def forbidden(package: str, path: Path) -> set[str]:
    """Return what a file of `package` imports and may not."""
    names = imported(path)
    ours = (names & {*PACKAGES, "firmware", "tests"}) - ALLOWED[package]
    hardware = names & HARDWARE
    if path == PACKAGES["collar"] / "board.py" or path.is_relative_to(BOARD_SIDE):
        hardware = set()
    return ours | hardware


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_the_layers_allow(package):
    files = sorted(PACKAGES[package].rglob("*.py"))
    assert files, f"{package} has no files at {PACKAGES[package]}"
    offences = {str(path.relative_to(ROOT)): names for path in files if (names := forbidden(package, path))}
    assert offences == {}


@pytest.mark.parametrize(
    ("package", "source", "offence"),
    [
        ("relay", "import simulator.cow", "simulator"),
        ("relay", "from collar import app", "collar"),
        ("simulator", "from relay.config import Config", "relay"),
        ("herdcore", "def late():\n    from collar import app", "collar"),
        ("collar", "import machine", "machine"),
        ("simulator", "import firmware.lib.herdcore", "firmware"),
    ],
)
def test_a_planted_import_across_the_layers_is_found(tmp_path, package, source, offence):
    planted = tmp_path / "planted.py"
    planted.write_text(source)
    assert forbidden(package, planted) == {offence}


def test_only_end_to_end_tests_and_benchmarks_import_both_sides():
    both = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if {"relay", "simulator"} <= imported(path)
    ]
    # These two look at both from outside: where the packages lie, and what their command lines offer.
    guards = {"tests/conftest.py", "tests/test_docs.py"}
    assert [p for p in both if p not in guards and not p.startswith(("tests/e2e/", "tests/bench/"))] == []
