"""herdbell collar set, burst, bursts and what collar list tells of a collar."""

from __future__ import annotations

import csv
import json

import pytest

from herdcore.downlink import decode_settings
from herdcore.vocabulary import HEALTH_ALARM_NO_MOVEMENT, HEALTH_PERIOD_STRETCHED
from relay.model import NewFrame
from tests.relay.collar_said import health_record, raw_records

SECRET = "open sesame 42"
T0_MS = 1_790_000_000_000


@pytest.fixture
def herdbell(run):
    """Run a command; return its result."""
    run("farm", "add", "Sunny")
    run("collar", "add", "--farm", "1", "--animal", "12", "--name", "Bella", "--device", "100")
    return run


def stored_frame(seq, kind, records, boot=1, up_s=0, first_ms=T0_MS):
    return NewFrame(100, 1, kind, 0, boot, seq, up_s, first_ms, first_ms + 5_000, records)


def stored_settings(stored):
    return decode_settings(stored(lambda storage: storage.settings(100)).raw)


def test_every_call_makes_the_next_number_and_keeps_what_was_set(herdbell, stored):
    herdbell("collar", "set", "100", "--upload-s", "600")
    herdbell("collar", "set", "100", "--profile", "frozen-deep", "--relay", "farm.example:8443")
    result = herdbell(
        "collar", "set", "100", "--next-network", "barn-new", "--next-relay", "10.0.0.9:443",
        HERDBELL_NEXT_NETWORK_PASSWORD=SECRET,
    )  # fmt: skip
    assert "settings 3, waits for the collar" in result.output
    found = stored_settings(stored)
    assert found == (
        3, 600, 2, (), (("farm.example", 8443),), ("barn-new", SECRET), ("10.0.0.9", 443)
    )  # fmt: skip


def test_networks_are_added_changed_and_forgotten(herdbell, stored):
    for ssid in ("barn", "parlour", "house"):
        herdbell("collar", "set", "100", "--network", ssid, HERDBELL_NETWORK_PASSWORD=SECRET)
    herdbell("collar", "set", "100", "--network", "parlour", HERDBELL_NETWORK_PASSWORD="")
    expected = (("barn", SECRET), ("parlour", ""), ("house", SECRET))
    assert stored_settings(stored).networks == expected
    herdbell("collar", "set", "100", "--forget-network", "barn")
    assert stored_settings(stored).networks == expected[1:]


def test_what_was_set_can_be_unset(herdbell, stored):
    herdbell("collar", "set", "100", "--upload-s", "600", "--relay", "a:1", "--next-relay", "b:2")
    herdbell("collar", "set", "100", "--unset", "upload-s", "--unset", "next-relay", "--forget-relay", "a:1")
    assert stored_settings(stored) == (2, 0, -1, (), (), None, None)


def test_a_password_is_asked_for_and_never_shown_nor_logged(herdbell, stored, tmp_path):
    asked = herdbell("collar", "set", "100", "--network", "barn", stdin=SECRET + "\n")
    shown = [herdbell("collar", "set", "100", "--show"), herdbell("collar", "set", "100", "--show", "--json")]
    assert stored_settings(stored).networks == (("barn", SECRET),)
    for result in (asked, *shown):
        assert result.exit_code == 0
        assert "barn" in result.output
        assert SECRET not in result.output
    stored = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert SECRET.encode() not in stored
    assert b"collar.set" in stored


def test_the_block_can_be_read_by_programs(herdbell):
    herdbell("collar", "set", "100", "--upload-s", "600", "--next-relay", "b:2")
    assert json.loads(herdbell("collar", "set", "100", "--show", "--json").output) == {
        "device": 100, "number": 1, "waits": True, "upload_s": 600, "profile": None, "networks": [],
        "relays": [], "next_network": None, "next_relay": "b:2",
    }  # fmt: skip


def test_showing_changes_nothing(herdbell):
    assert "collar 100: settings 0, none" in herdbell("collar", "set", "100", "--show").output
    assert "settings 0" in herdbell("collar", "set", "100", "--show").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--upload-s", "59"], "'--upload-s': 59 is not in the range 60<=x<=86400"),
        (["--profile", "warp"], "'warp' is not one of 'stock-light'"),
        (["--relay", "farm.example"], "relay='farm.example': want HOST:PORT with a port of 1..65535"),
        (["--relay", "farm:65536"], "relay='farm:65536': want HOST:PORT with a port of 1..65535"),
        (["--next-relay", ":443"], "relay=':443': want HOST:PORT"),
        (["--network", "barn"], "password of network 'barn': 7 bytes outside 8..63"),
        (["--next-network", "n" * 33], "bytes of ssid=33 outside 1..32"),
        (["--next-network", ""], "bytes of ssid=0 outside 1..32"),
        (["--relay", "h" * 254 + ":1"], "bytes of host=254 outside 1..253"),
        (["--forget-network", "barn"], "network='barn' is not in the settings, which have none"),
        (["--forget-network", ""], "network='' is not in the settings, which have none"),
        (["--forget-relay", "a:1"], "relay=('a', 1) is not in the settings, which have none"),
        ([], "nothing to set; --show prints what is set"),
    ],
)
def test_what_no_collar_would_take_is_refused_with_field_value_and_bound(herdbell, arguments, message):
    result = herdbell(
        "collar", "set", "100", *arguments,
        HERDBELL_NETWORK_PASSWORD="tooshrt", HERDBELL_NEXT_NETWORK_PASSWORD=SECRET,
    )  # fmt: skip
    assert message in " ".join(result.output.split())
    assert "tooshrt" not in result.output
    assert result.exit_code == 2
    assert "settings 0, none" in herdbell("collar", "set", "100", "--show").output


def test_a_fourth_network_and_a_third_relay_do_not_fit(herdbell):
    for at in range(3):
        herdbell("collar", "set", "100", "--network", f"n{at}", HERDBELL_NETWORK_PASSWORD="")
        result = herdbell("collar", "set", "100", "--relay", f"r{at}:1")
    assert "relays=3 outside 0..2: forget one first" in result.output
    result = herdbell("collar", "set", "100", "--network", "n3", HERDBELL_NETWORK_PASSWORD="")
    assert "networks=4 outside 0..3: forget one first" in result.output


@pytest.mark.parametrize(
    "command", [["set", "7", "--show"], ["burst", "7"], ["bursts", "7", "--out", "x.csv"]]
)
def test_a_collar_that_is_not_there_is_named(herdbell, command):
    result = herdbell("collar", *command)
    assert "collar 7 is not known" in result.output
    assert result.exit_code == 2


def test_a_burst_is_asked_for_and_waits(herdbell, stored):
    assert "burst 1, 30 s, asked for" in herdbell("collar", "burst", "100", "--seconds", "30").output
    (waits,) = stored(lambda storage: storage.waiting())
    assert (waits.burst_id, waits.burst_s) == (1, 30)
    assert "is not in the range 1<=x<=60" in herdbell("collar", "burst", "100", "--seconds", "61").output


# what a collar said


def test_the_list_shows_what_the_last_health_frame_said(herdbell, stored):
    record = health_record(
        1, HEALTH_PERIOD_STRETCHED | HEALTH_ALARM_NO_MOVEMENT, upload_period_s=3600, sensor_faults=0x1202
    )
    herdbell("collar", "set", "100", "--upload-s", "600")
    stored(lambda storage: storage.append([stored_frame(1, 0x14, record)]))
    herdbell("collar", "burst", "100")
    line = herdbell("collar", "list", "--farm", "1").output
    for part in (
        "3912 mV", "days left 210", "every 3600 s (stretched)", "firmware 0.3.1", "3 frames dropped",
        "sensor: bus stuck", "sensor: axis stands still", "no movement", "settings 1 told", "burst waiting",
    ):  # fmt: skip
        assert part in line
    row = json.loads(herdbell("collar", "list", "--farm", "1", "--json").output)
    assert row["settings"] == {"number": 1, "waits": False, "told_modulo_16": 1}
    assert row["health"] == {
        "at_ms": T0_MS, "batt_mv": 3912, "days_left": 210, "upload_period_s": 3600, "period_stretched": True,
        "firmware": "0.3.1", "dropped_frames": 3, "sensor_faults": ["bus stuck", "axis stands still"],
        "says": ["no movement"],
    }  # fmt: skip


def test_days_that_are_not_known_are_not_a_number(herdbell, stored):
    record = health_record(days_left=0xFFFF)
    stored(lambda storage: storage.append([stored_frame(1, 0x14, record)]))
    assert "days left unknown" in herdbell("collar", "list", "--farm", "1").output


def test_a_collar_that_never_spoke_is_listed_so(herdbell):
    herdbell("collar", "set", "100", "--upload-s", "600")
    assert "never heard, settings 1 waiting" in herdbell("collar", "list", "--farm", "1").output


# bursts


def burst_frames(burst_id, boot=1, first_ms=T0_MS):
    """Two frames of a burst: 5 samples that begin half a second into a second, 80 ms apart."""
    samples = [(at, -at, 1000 + at) for at in range(5)]
    return [
        stored_frame(1, 0x15, raw_records(burst_id, samples[:3], offset_ms=500), boot, 10, first_ms),
        # dated 700 ms off, as another request may be
        stored_frame(2, 0x15, raw_records(burst_id, samples[3:], offset_ms=740), boot, 10, first_ms - 700),
    ]


def test_the_samples_of_a_burst_are_written_with_their_times(herdbell, stored, tmp_path):
    stored(lambda storage: storage.append(burst_frames(1) + burst_frames(2, 2, T0_MS + 60_000)))
    out = tmp_path / "burst.csv"
    result = herdbell("collar", "bursts", "100", "--out", str(out), "--burst", "1")
    assert "burst 1, 5 samples" in result.output
    with out.open(newline="") as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["t_ms", "x_mg", "y_mg", "z_mg"]
    assert [[int(value) for value in row] for row in rows[1:]] == [
        [T0_MS + 500 + 80 * at, at, -at, 1000 + at] for at in range(5)
    ]


def test_without_a_number_it_is_the_newest_burst(herdbell, stored, tmp_path):
    stored(lambda storage: storage.append(burst_frames(2, 1) + burst_frames(1, 2)))
    result = herdbell("collar", "bursts", "100", "--out", str(tmp_path / "b.csv"), "--json")
    assert json.loads(result.output) == {"burst": 1, "samples": 5}


def test_a_number_used_again_in_another_boot_is_another_burst(herdbell, stored, tmp_path):
    stored(lambda storage: storage.append(burst_frames(1, 1) + burst_frames(1, 2, T0_MS + 60_000)))
    out = tmp_path / "b.csv"
    herdbell("collar", "bursts", "100", "--out", str(out))
    assert out.read_text().splitlines()[1] == f"{T0_MS + 60_500},0,0,1000"
    assert len(out.read_text().splitlines()) == 6


def test_a_burst_that_has_not_come_is_named_with_those_that_have(herdbell, stored, tmp_path):
    out = str(tmp_path / "b.csv")
    assert (
        "burst=newest: collar 100 has sent none" in herdbell("collar", "bursts", "100", "--out", out).output
    )
    stored(lambda storage: storage.append(burst_frames(3)))
    result = herdbell("collar", "bursts", "100", "--out", out, "--burst", "4")
    assert "burst=4: collar 100 has sent 3" in result.output
    assert result.exit_code == 2
