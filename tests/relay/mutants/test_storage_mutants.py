"""The tests of the storage are worth something: they fail when it is made to lie, and only then.

A mutant is a change to a temporary copy of the sources; the test named here fails with it and passes without.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
COPIED = ("relay", "firmware/lib", "tests/relay/powercut", "tests/relay/contract", "pyproject.toml")
CUT_TEST = (
    "tests/relay/powercut/test_power_cut.py::test_nothing_acknowledged_is_lost_in_a_power_cut[0]"  # 40 cuts
)
HELD_TEST = "tests/relay/contract/test_outbox.py"
EVENT_TEST = "tests/relay/contract/test_events.py"
HISTORY_TEST = "tests/relay/contract/test_history.py"

CONNECTION, WRITER = "relay/storage/connection.py", "relay/storage/writer.py"
FULL = (CONNECTION, '"PRAGMA synchronous = FULL"', '"PRAGMA synchronous = NORMAL"')
CHECK = (CONNECTION, "_SYNCHRONOUS_FULL = 2", "_SYNCHRONOUS_FULL = 1")
COMMIT = '        connection.execute("COMMIT")\n'
TELL_FIRST = """        from copy import copy
        deliver([copy(operation) for operation in group])
"""
COMMIT_LAST = (WRITER, COMMIT, TELL_FIRST + COMMIT)
DEAF = (WRITER, "operation.outcome, operation.error = None, error", "operation.error = None")

# name -> (changes, what the failing power-cut test must say)
POWER_CUT_MUTANTS = {
    "synchronous_normal": ([FULL], "PRAGMA synchronous reads 1, want 2"),
    "synchronous_normal_unchecked": ([FULL, CHECK], "lost after a power cut, by seed"),
    "acknowledged_before_the_commit": ([COMMIT_LAST], "lost after a power cut, by seed"),
    "failed_commit_acknowledged": ([DEAF], "lost after a power cut, by seed"),
}
EVENTS, HISTORY, OUTBOX = (f"relay/storage/{name}.py" for name in ("events", "history", "outbox"))
# name -> (change, test file, the test of it that must fail)
CONTRACT_MUTANTS = {
    "a_night_is_not_kept": (
        (OUTBOX, " AND held_until_ms <= ?2 LIMIT ?4", " LIMIT ?4"),
        HELD_TEST,
        "test_a_clock_that_is_set_back_does_not_wake_anybody_in_the_night",
    ),
    "an_event_stays_as_it_was_told": (
        (EVENTS, "evidence = excluded.evidence, state = excluded.state,", "evidence = excluded.evidence,"),
        EVENT_TEST,
        "test_an_event_is_withdrawn_without_being_forgotten_and_may_stand_again",
    ),
    "the_first_verdict_counts": (
        (EVENTS, "max(at_ms) AS newest_ms", "min(at_ms) AS newest_ms"),
        EVENT_TEST,
        "test_of_an_event_the_newest_verdict_counts_also_of_who_says_a_thing_again",
    ),
    "a_state_from_before_a_refold_stays": (
        (HISTORY, "(hour > ?2 OR hour < ?2 - ?3", "(hour < ?2 - ?3"),
        HISTORY_TEST,
        "test_a_farm_that_is_stepped_again_has_no_state_from_before",
    ),
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


def run(copy, test=CUT_TEST):
    """Run tests of a copy in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
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


@pytest.mark.parametrize("test", [CUT_TEST, HELD_TEST, EVENT_TEST, HISTORY_TEST])
def test_the_unchanged_copy_passes(test, copy):
    done = run(copy, test)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", POWER_CUT_MUTANTS)
def test_the_power_cut_test_fails_with_the_mutant(name, copy):
    changes, said = POWER_CUT_MUTANTS[name]
    for one in changes:
        change(copy, *one)
    done = run(copy)
    assert done.returncode == 1, done.stdout
    assert said in done.stdout


@pytest.mark.parametrize("name", CONTRACT_MUTANTS)
def test_the_contract_test_fails_with_the_mutant(name, copy):
    changed, test, failing = CONTRACT_MUTANTS[name]
    change(copy, *changed)
    done = run(copy, test)
    assert done.returncode == 1, done.stdout
    assert f"{test}::{failing}" in done.stdout
