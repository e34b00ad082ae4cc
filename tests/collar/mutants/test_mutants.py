"""The tests of the flash log are worth something: each protection that is taken out makes a named one fail.

A mutant is a change to a temporary copy of the sources; the test named here fails with it and passes without.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
COPIED = ("firmware", "simulator", "relay", "tests/conftest.py", "pyproject.toml")
SCENE = ("test_flashlog.py", "power_scene.py", "ram_flash.py")
LOG, ACKS = "firmware/lib/collar/flashlog.py", "firmware/lib/collar/acks.py"

CUTS = "test_a_thousand_random_power_cuts_lose_nothing_and_use_no_number_twice[0]"
FLIPPED = "test_a_record_with_flipped_bits_is_never_read_back_and_its_neighbours_are[1]"
HEADLESS = "test_a_sector_has_lost_its_head_before_it_is_erased"
STAYS = "test_what_was_acknowledged_stays_so_when_the_log_wraps_and_over_a_reset"

# name -> (file, before, after, the test that fails)
MUTANTS = {
    "no_crc_check": (LOG, "crc32(self._view[:end], number) & 0xFFFFFFFF:", "crc32(b'') and False:", FLIPPED),
    "no_tombstone": (LOG, '        self._flash.writeblocks(sector, b"\\x00\\x00", 0)\n', "", HEADLESS),
    "watermark_not_carried": (ACKS, "*_halves(self.floor, last)", "*_halves(0, last)", STAYS),
    "tail_not_sealed": (LOG, " if self._is_torn(self._end) else self._end", " * 0 + self._end", CUTS),
    "dropped_uncounted": (LOG, "                    acks.drop(key)\n", "                    pass\n", CUTS),
    "half_opened_sector_kept": (LOG, "        if not records:\n            return False\n", "", CUTS),
}  # fmt: skip


@pytest.fixture
def copy(tmp_path):
    for name in COPIED:
        source, target = REPOSITORY / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    (tmp_path / "tests" / "collar").mkdir(parents=True)
    for name in SCENE:
        shutil.copyfile(REPOSITORY / "tests" / "collar" / name, tmp_path / "tests" / "collar" / name)
    return tmp_path


def run(copy, tests):
    """Run tests of a copy in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(f"tests/collar/test_flashlog.py::{test}" for test in tests)],
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_the_unchanged_copy_passes(copy):
    done = run(copy, [CUTS, FLIPPED, HEADLESS, STAYS])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", MUTANTS)
def test_the_named_test_fails_with_the_mutant(name, copy):
    file, before, after, test = MUTANTS[name]
    source = (copy / file).read_text(encoding="utf-8")
    assert source.count(before) == 1, f"{file} no longer holds {before!r} once: write the mutant anew"
    (copy / file).write_text(source.replace(before, after), encoding="utf-8")
    done = run(copy, [test])
    assert done.returncode == 1, done.stdout
    assert "AssertionError" in done.stdout or "FAILED" in done.stdout
