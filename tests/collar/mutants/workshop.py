"""Changed copies of the sources, and the test that each change makes fail. For tests and bench-firmware."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
COPIED = ("firmware", "simulator", "relay", "tests/conftest.py", "tests/bench", "pyproject.toml")
LOG, ACKS = "firmware/lib/collar/flashlog.py", "firmware/lib/collar/acks.py"
OUTBOX, APP = "firmware/lib/collar/outbox.py", "firmware/lib/collar/app.py"
CONTACT, WIFI = "firmware/lib/collar/contact.py", "firmware/lib/collar/wifi.py"
RETAINED = "firmware/lib/collar/retained.py"

CUTS = "test_flashlog.py::test_a_thousand_random_power_cuts_lose_nothing_and_use_no_number_twice[0]"
EVERY = "test_flashlog.py::test_a_cut_at_every_operation_of_log_and_identity_sector_loses_nothing[False]"
FLIPPED = "test_flashlog.py::test_a_record_with_flipped_bits_is_never_read_back_and_its_neighbours_are[1]"
HEADLESS = "test_flashlog.py::test_a_sector_has_lost_its_head_before_it_is_erased"
STAYS = "test_flashlog.py::test_what_was_acknowledged_stays_so_when_the_log_wraps_and_over_a_reset"
RESERVE = "test_flashlog.py::test_while_space_is_short_minutes_go_on_and_no_stored_window_is_given_up"
BUCKET = "test_contact.py::test_a_collar_that_never_meets_a_network_spends_what_flows_into_its_bucket"
HABIT = (
    "test_contact.py::test_at_the_time_of_day_of_earlier_contact_it_tries_every_ten_minutes_whatever_is_in_the"
    "_bucket"
)
ROUTER = "test_contact.py::test_a_farm_can_change_its_router_without_touching_a_collar"
OFF = "test_wifi.py::test_leaving_switches_the_radio_off_whatever_the_driver_says"
LIFE = "test_app.py::test_the_watchdog_is_not_fed_when_sampling_storing_or_uplink_shows_no_life[5]"
BITS = (
    "test_deep.py::test_any_flipped_bit_of_retained_memory_leads_to_a_cold_start_and_loses_nothing_of_the_log"
)
SALVAGED = "test_deep.py::test_windows_that_were_not_in_flash_survive_a_watchdog_reset"

# name -> (file, before, after, the test that fails)
MUTANTS = {
    "no_crc_check": (LOG, "crc32(signed, number) & 0xFFFFFFFF:", "crc32(b'') and False:", FLIPPED),
    "no_tombstone": (LOG, '        self._flash.writeblocks(sector, b"\\x00\\x00", 0)\n', "", HEADLESS),
    "watermark_not_carried": (ACKS, "*_halves(self.floor, last)", "*_halves(0, last)", STAYS),
    "tail_not_sealed": (LOG, " if self._is_torn(self._end) else self._end", " * 0 + self._end", CUTS),
    "dropped_uncounted": (LOG, "                    acks.drop(key)\n", "                    pass\n", CUTS),
    "half_opened_sector_kept": (LOG, "        if not records:\n            return False\n", "", EVERY),
    "reserve_ignored": (OUTBOX, "        return self._is_short\n", "        return False\n", RESERVE),
    "half_frame_kept": (LOG, "acks.raise_floor(self.next_key(after))", "acks.raise_floor(acks.floor)", CUTS),
    "back_off_removed": (
        CONTACT,
        "        return now_s + (min(wait_s, habit_s) if habit_s else wait_s)\n",
        "        return now_s + 600\n",
        BUCKET,
    ),
    "habit_not_followed": (CONTACT, "min(wait_s, habit_s) if habit_s else wait_s", "wait_s", HABIT),
    "never_another_place": (CONTACT, "if count == 1 or not tries & 1:", "if True:", ROUTER),
    "radio_left_on": (WIFI, "            self._wlan.active(False)\n", "            pass\n", OFF),
    "watchdog_always_fed": (APP, "if self.vitals.is_alive(self.board.uptime_ms()):", "if True:", LIFE),
    "retained_memory_unchecked": (RETAINED, '[0] != crc32(raw[:_SIZE]) & 0xFFFFFFFF:', "[0] < 0:", BITS),
    "staged_windows_forgotten": (APP, "        self._salvage(identity, log)\n", "", SALVAGED),
}  # fmt: skip


def copy_to(folder: Path) -> Path:
    """Copy what the named tests need; return the folder."""
    scenes = (REPOSITORY / "tests" / "collar").glob("*.py")
    for name in (*COPIED, *(f"tests/collar/{scene.name}" for scene in scenes)):
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    return folder


def run(copy: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests of a copy in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(f"tests/collar/{test}" for test in tests)],
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def change(copy: Path, name: str) -> str:
    """Make the mutant of that name out of a copy; return the test that has to fail now."""
    file, before, after, test = MUTANTS[name]
    source = (copy / file).read_text(encoding="utf-8")
    if source.count(before) != 1:
        raise ValueError(f"{file} no longer holds {before!r} once: write the mutant {name} anew")
    (copy / file).write_text(source.replace(before, after), encoding="utf-8")
    return test


def is_killed(done: subprocess.CompletedProcess[str]) -> bool:
    """Return whether a run ended with a failed test, and not with one that could not start."""
    return done.returncode == 1 and ("AssertionError" in done.stdout or "FAILED" in done.stdout)
