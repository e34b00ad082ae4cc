"""The power-cut suite is worth something: it fails when the storage is made to lie, and only then.

A mutant is a change to a temporary copy of the sources; the test named here fails with it and passes without.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
COPIED = ("relay", "firmware/lib", "tests/relay/powercut", "pyproject.toml")
CUT_TEST = (
    "tests/relay/powercut/test_power_cut.py::test_nothing_acknowledged_is_lost_in_a_power_cut[0]"  # 40 cuts
)

CONNECTION, WRITER = "relay/storage/connection.py", "relay/storage/writer.py"
FULL = (CONNECTION, '"PRAGMA synchronous = FULL"', '"PRAGMA synchronous = NORMAL"')
CHECK = (CONNECTION, "_SYNCHRONOUS_FULL = 2", "_SYNCHRONOUS_FULL = 1")
COMMIT = '        connection.execute("COMMIT")\n'
TELL_FIRST = """        from copy import copy
        deliver([copy(operation) for operation in group])
"""
COMMIT_LAST = (WRITER, COMMIT, TELL_FIRST + COMMIT)
DEAF = (WRITER, "operation.outcome, operation.error = None, error", "operation.error = None")

# name -> (changes, what the failing test must say)
MUTANTS = {
    "synchronous_normal": ([FULL], "PRAGMA synchronous reads 1, want 2"),
    "synchronous_normal_unchecked": ([FULL, CHECK], "lost after a power cut, by seed"),
    "acknowledged_before_the_commit": ([COMMIT_LAST], "lost after a power cut, by seed"),
    "failed_commit_acknowledged": ([DEAF], "lost after a power cut, by seed"),
}


@pytest.fixture
def copy(tmp_path):
    for name in COPIED:
        source, target = REPOSITORY / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    return tmp_path


def run(copy):
    """Run the power-cut test of a copy in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", CUT_TEST],
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def change(copy, file, before, after):
    source = (copy / file).read_text(encoding="utf-8")
    assert source.count(before) == 1, (
        f"{file} no longer holds {before!r} once: the mutant must be written anew"
    )
    (copy / file).write_text(source.replace(before, after), encoding="utf-8")


def test_the_unchanged_copy_passes(copy):
    done = run(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", MUTANTS)
def test_the_power_cut_test_fails_with_the_mutant(name, copy):
    changes, said = MUTANTS[name]
    for one in changes:
        change(copy, *one)
    done = run(copy)
    assert done.returncode == 1, done.stdout
    assert said in done.stdout
