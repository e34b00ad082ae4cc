"""herdcore on the MicroPython release of the boards with 32-bit words, where a long integer shows."""

from __future__ import annotations

import json
import re

import pytest

from tests.upy.harness import HERE, run_wasm

MODULES = sorted(path.stem for path in HERE.glob("cases_*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_the_cases_of_the_64_bit_interpreters_hold_with_32_bits(module):
    done = run_wasm("run_cases", module)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"micropython: [1-9]\d* cases\n", done.stdout), done.stdout


def test_no_window_has_an_intermediate_beyond_a_small_integer_of_the_board():
    done = run_wasm("locked_heap")
    assert (done.returncode, done.stdout) == (0, "166 windows, 32 bits\n"), done.stdout + done.stderr


def test_a_failed_case_fails_the_run():
    done = run_wasm("run_cases", "cases_that_are_not_there")
    assert done.returncode == 1
    assert "cases_that_are_not_there" in done.stderr


def test_the_interpreter_is_pinned_by_content_and_not_by_place():
    lock = json.loads((HERE / "wasm" / "package-lock.json").read_text())
    (package,) = (entry for name, entry in lock["packages"].items() if name)
    assert package["version"] == "1.29.0-6"
    assert package["integrity"].startswith("sha512-")
    assert "resolved" not in package
