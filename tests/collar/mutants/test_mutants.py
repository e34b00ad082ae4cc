"""The tests of the collar are worth something: each protection that is taken out makes a named one fail.

A mutant is a change to a temporary copy of the sources; the test named here fails with it and passes without.
"""

import pytest

from tests.collar.mutants.workshop import MUTANTS, change, copy_to, is_killed, run


def test_the_unchanged_copy_passes(tmp_path):
    done = run(copy_to(tmp_path), sorted({test for *_, test in MUTANTS.values()}))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", MUTANTS)
def test_the_named_test_fails_with_the_mutant(name, tmp_path):
    copy = copy_to(tmp_path)
    done = run(copy, [change(copy, name)])
    assert is_killed(done), done.stdout
