"""The cases that run on both interpreters, here on CPython."""

from __future__ import annotations

import pytest

from tests.collar import cases_outbox, cases_settings

CASES = [
    function
    for module in (cases_outbox, cases_settings)
    for name, function in sorted(vars(module).items())
    if name.startswith("case_")
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__[5:])
def test_on_this_interpreter(case):
    case()
