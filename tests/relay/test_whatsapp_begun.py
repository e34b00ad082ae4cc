"""Which posts had begun when a relay was killed."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from relay.whatsapp import begun
from relay.whatsapp.begun import SLOT_BYTES, SLOTS, Begun
from tests.relay.process import ROOT, environment

KILLED = """
import os, signal, sys
from pathlib import Path
from relay.whatsapp.begun import Begun
posts = Begun(Path(sys.argv[1]))
posts.recovered()
done = posts.begin("settled")
posts.begin("on-its-way")
posts.end(done)
os.kill(os.getpid(), signal.SIGKILL)
"""


def started(path):
    """Return the posts of a relay whose outbox has recovered."""
    posts = Begun(path)
    posts.recovered()
    return posts


def test_of_a_first_run_nothing_is_known(tmp_path):
    assert Begun(tmp_path / "begun").before is None


def test_a_killed_relay_leaves_what_had_begun_and_not_what_was_settled(tmp_path):
    path = tmp_path / "begun"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], env=environment(), cwd=ROOT, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert Begun(path).before == {"on-its-way"}


def test_a_relay_that_ended_well_leaves_nothing_begun(tmp_path):
    first = started(tmp_path / "begun")
    with first.post("m1"):
        pass
    first.close()
    assert Begun(tmp_path / "begun").before == frozenset()


def test_after_a_power_cut_nobody_can_say(tmp_path, monkeypatch):
    first = started(tmp_path / "begun")
    first.begin("m1")
    first.close()
    monkeypatch.setattr(begun, "_boot", lambda: b"another boot")
    assert Begun(tmp_path / "begun").before is None


def test_where_a_boot_has_no_name_nobody_can_say(tmp_path, monkeypatch):
    monkeypatch.setattr(begun, "_BOOT_ID", tmp_path / "missing")
    started(tmp_path / "begun").begin("m1")
    assert Begun(tmp_path / "begun").before is None


@pytest.mark.parametrize("text", [b"", b"short", bytes(SLOT_BYTES) * (SLOTS + 2)])
def test_a_file_of_another_form_says_nothing_and_is_made_anew(tmp_path, text):
    path = tmp_path / "begun"
    path.write_bytes(text)
    assert started(path).before is None
    assert Begun(path).before == frozenset()


def test_a_slot_is_used_again_and_no_more_than_there_are_go_at_once(tmp_path):
    posts = started(tmp_path / "begun")
    slots = [posts.begin(f"m{at}") for at in range(SLOTS)]
    with pytest.raises(ValueError, match="more than 1024 posts at once"):
        posts.begin("one more")
    posts.end(slots[7])
    assert posts.begin("one more") == slots[7]


def test_an_id_that_fits_no_slot_is_refused(tmp_path):
    with pytest.raises(ValueError, match="message id of 65 bytes, want at most 64"):
        started(tmp_path / "begun").begin("m" * 65)


@pytest.mark.parametrize("is_other_boot", [False, True])
def test_a_relay_that_is_killed_before_its_outbox_recovered_leaves_the_file_to_the_next(
    tmp_path, monkeypatch, is_other_boot
):
    path = tmp_path / "begun"
    started(path).begin("m1")
    if is_other_boot:
        monkeypatch.setattr(begun, "_boot", lambda: b"another boot")
    before = Begun(path).before
    assert before == (None if is_other_boot else {"m1"})
    assert Begun(path).before == before


def test_nothing_begins_before_the_outbox_has_recovered(tmp_path):
    with pytest.raises(ValueError, match="posts at once"):
        Begun(tmp_path / "begun").begin("m1")
